package magicard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/simulator/press"
	"jukicard/simulator/usbbed"
)

// host speaks raw bytes to a model.
type host struct {
	t    *testing.T
	conn net.Conn
}

func serve(t *testing.T, m *Model) *host {
	t.Helper()
	near, far := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Serve(ctx, far); _ = far.Close() }()
	t.Cleanup(func() {
		_ = near.Close()
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, context.Canceled) {
			t.Errorf("Serve: %v", err)
		}
	})
	_ = near.SetDeadline(time.Now().Add(10 * time.Second))
	return &host{t, near}
}

func (h *host) say(text string) {
	h.t.Helper()
	if _, err := h.conn.Write([]byte(text)); err != nil {
		h.t.Fatal(err)
	}
}

// ask sends a request and reads its answer, field by field for INF.
func (h *host) ask(what string) []string {
	h.t.Helper()
	h.say("\x05\x05\x01,REQ," + what + ",\x1c\x03")
	var got []byte
	buf := make([]byte, 512)
	for !bytes.HasSuffix(got, []byte{3}) {
		n, err := h.conn.Read(buf)
		if err != nil {
			h.t.Fatalf("%q: %v", got, err)
		}
		got = append(got, buf[:n]...)
	}
	text := strings.TrimPrefix(strings.Trim(string(got), "\x01\x03"), "STA$$ ")
	if what == "ERR" {
		return strings.Split(text, "\n")
	}
	return strings.Split(strings.ReplaceAll(text, ":", ","), ",")
}

func model(o Options) *Model {
	return New(press.New(press.Config{Width: Width, Height: Height, Panels: Panels, Hopper: 3, Ribbon: 5}), o)
}

// resin is a job of one plane of black.
func resin(words string, per int, data []byte) string {
	return strings.Repeat("\x05", 64) + fmt.Sprintf("\x01,NOC1,KGE2,%s,IMFK,WID1016,HGT642,OVRON,XYZ1,SZK%d\x1c", words, 1016*per) + string(data) + "\x1cK:\x03"
}

func TestStatus(t *testing.T) {
	m := model(Options{Film: 100})
	f := serve(t, m).ask("INF")
	for i, want := range map[int]string{1: "Enduro+", 2: "0", 3: "61E0042", 9: "0", 16: "50", 19: "0", 20: "0", 22: "100", 23: "95"} {
		if f[i] != want {
			t.Errorf("field %d is %q, want %q", i, f[i], want)
		}
	}
}

func TestWordsMoveTheCard(t *testing.T) {
	m := model(Options{})
	h := serve(t, m)
	for _, step := range []struct {
		word string
		at   printer.Position
	}{
		{"CHPUP", printer.Contact},
		{"CHPDOWN", printer.Head},
		{"REJ", printer.Hopper},
		{"FEED1", printer.Head},
		{"EJT", printer.Hopper},
		{"XYZ", printer.Hopper}, // an unknown word is skipped
	} {
		h.say("\x05\x01" + step.word + ",\x1c\x03")
		if f := h.ask("INF"); f[19] != "0" || m.Press.Snapshot().At != step.at {
			t.Errorf("%s: the card is at %s, error %s:%s", step.word, m.Press.Snapshot().At, f[19], f[20])
		}
	}
	if s := m.Press.Snapshot(); s.Output != 1 || s.Rejected != 1 {
		t.Errorf("%+v", s)
	}
}

// The public errors, and that one shows later than it happened.
func TestErrors(t *testing.T) {
	m := model(Options{Late: 2})
	h := serve(t, m)
	if e := h.ask("ERR"); e[1] != "00:00" || e[2] != "(c0300)" {
		t.Errorf("ready is %q", e)
	}
	m.Press.SetSupplies(0, 5, 0, false)
	h.say("\x01FEED1,\x1c\x03")
	for n := range 4 {
		want := map[bool]string{true: "0", false: "11"}[n < 2]
		if f := h.ask("INF"); f[19] != want {
			t.Errorf("answer %d says %s, want %s", n, f[19], want)
		}
	}
	if e := h.ask("ERR"); e[1] != "ERROR - 11:01" || e[2] != "(c0201)" {
		t.Errorf("not fed is %q", e)
	}
	m.Press.Refill(3)
	if f := h.ask("INF"); f[19] != "0" {
		t.Errorf("mended it says %s", f[19])
	}
}

// Nothing is printed before the closing 03, and everything by it.
func TestTheClosingSignCommits(t *testing.T) {
	m := model(Options{})
	h := serve(t, m)
	job := resin("DPXOFF,PAG1", 96, make([]byte, 1016*96))
	h.say("\x01FEED1,\x1c\x03" + job[:len(job)-1])
	card := func() *press.Card { return m.Press.Cards()[0] }
	for m.Received() < len(job) { // the rest is on its way through the pipe
		h.say("")
	}
	if !card().Blank() || m.Press.Snapshot().Cards != 0 {
		t.Fatal("ink came before the end")
	}
	h.say("\x03")
	if f := h.ask("INF"); f[9] != "1" || card().Blank() || m.Press.Where(card()) != printer.Output {
		t.Errorf("counted %s, blank %t, at %s", f[9], card().Blank(), m.Press.Where(card()))
	}
}

// The first dot of the image is the left one of the bottom row, where the head's position
// puts it (measured on a decoded job).
func TestDotsLieWhereTheHeadIs(t *testing.T) {
	for name, row := range map[string]struct {
		o    Options
		per  int
		byte int
		mask byte
	}{
		"KGE, head at 50: dot 15 is bit 1 of word 6": {Options{}, 96, 4*6 + 3, 0x02},
		"KGE, head at 65: dot 0 is bit 31 of word 6": {Options{HeadAt: 65}, 96, 4 * 6, 0x80},
		"KEE, head at 65: dot 0 is the first bit":    {Options{HeadAt: 65, Straight: true}, 84, 0, 0x80},
		"KEE, head at 50: dot 15 is bit 0 of byte 1": {Options{Straight: true}, 84, 1, 0x01},
	} {
		t.Run(name, func(t *testing.T) {
			m := model(row.o)
			data := make([]byte, 1016*row.per)
			data[row.byte] = row.mask
			h := serve(t, m)
			h.say(resin("DPXOFF,PAG1", row.per, data))
			h.ask("INF")
			for i, b := range m.Press.Cards()[0].Sides[0].Ink['K'] {
				if want := i == (Height-1)*Width; (b != 0) != want {
					t.Fatalf("dot %d,%d is %d", i%Width, i/Width, b)
				}
			}
		})
	}
}

// Of two sides the first is begun at once; the counter moves after the second.
func TestTwoSides(t *testing.T) {
	m := model(Options{})
	h, plane := serve(t, m), bytes.Repeat([]byte{0xFF}, 1016*96)
	h.say(resin("DPXON,BACKO,PAG1", 96, plane))
	if f := h.ask("INF"); f[9] != "0" || m.Press.Inside().Blank() {
		t.Fatalf("after the front %s cards count", f[9])
	}
	h.say(resin("DPXON,PAG2", 96, plane))
	card := m.Press.Cards()[0]
	if f := h.ask("INF"); f[9] != "1" || card.Twice() || len(card.Sides[1].Ink['K']) == 0 {
		t.Errorf("after the back %s cards count, twice %t", f[9], card.Twice())
	}
}

// A plane that is out of step is no job, and what follows is heard again.
func TestAJobOutOfStep(t *testing.T) {
	m := model(Options{})
	h := serve(t, m)
	bad := resin("DPXOFF,PAG1", 96, make([]byte, 1016*96-2))
	h.say(bad + "\x05\x05\x05")
	if f := h.ask("INF"); f[9] != "0" || len(m.Press.Cards()) != 0 {
		t.Errorf("%s cards count, %d were fed", f[9], len(m.Press.Cards()))
	}
}

// A prompt printer answers while it works, with what was before.
func TestPrompt(t *testing.T) {
	clock := &press.Virtual{}
	m := New(press.New(press.Config{Width: Width, Height: Height, Panels: Panels, Hopper: 1, Ribbon: 5, Clock: clock}), Options{Prompt: true})
	m.Press.Arm(press.Mishap{When: press.Feeding, Kind: press.Jam, Share: 1})
	h := serve(t, m)
	h.say("\x01FEED1,\x1c\x03")
	if f, e := h.ask("INF"), h.ask("ERR"); f[19] != "0" || e[1] != "00:00" {
		t.Errorf("at work it says %s, %q", f[19], e)
	}
	m.Press.Settle()
	if f, e := h.ask("INF"), h.ask("ERR"); f[19] != "14" || e[1] != "ERROR - 14:01" {
		t.Errorf("done, it says %s, %q", f[19], e)
	}
}

func TestPrinterClass(t *testing.T) {
	m := model(Options{})
	if b, err := m.Control(t.Context(), usbbed.Setup{Type: 0xA1, Request: 1}, nil); err != nil || len(b) != 1 || b[0] != 0x18 {
		t.Errorf("the port is %x, %v", b, err)
	}
	h := serve(t, m)
	h.say("\x01FEED1,\x1c\x03")
	for m.Received() < 9 {
		h.say("")
	}
	if b, err := m.Control(t.Context(), usbbed.Setup{Type: 0xA1, Request: 1}, nil); err != nil || b[0] != 0x08 {
		t.Errorf("at work the port is %x, %v", b, err)
	}
	h.ask("INF")
	if b, err := m.Control(t.Context(), usbbed.Setup{Type: 0xA1, Request: 1}, nil); err != nil || b[0] != 0x18 {
		t.Errorf("done, the port is %x, %v", b, err)
	}
	job := resin("DPXOFF,PAG1", 96, make([]byte, 1016*96))
	begun := m.Received()
	h.say(job[:5000])
	for m.Received() < begun+5000 {
		h.say("")
	}
	if _, err := m.Control(t.Context(), usbbed.Setup{Type: 0x21, Request: 2}, nil); err != nil {
		t.Fatal(err)
	}
	if f := h.ask("INF"); f[9] != "0" {
		t.Errorf("after a reset %q", f)
	}
	if _, err := m.Control(t.Context(), usbbed.Setup{Type: 0x21, Request: 9}, nil); !errors.Is(err, usbbed.ErrStall) {
		t.Error(err)
	}
}
