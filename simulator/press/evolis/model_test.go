package evolis

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"jukicard/simulator/press"
	"jukicard/simulator/usbbed"
)

// host speaks raw bytes to a model.
type host struct {
	t     *testing.T
	conn  net.Conn
	ended chan struct{}
}

// hangUp ends the conversation; the model has noticed when it returns.
func (h *host) hangUp() {
	_ = h.conn.Close()
	<-h.ended
}

func serve(t *testing.T, m *Model) *host {
	t.Helper()
	near, far := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	h := &host{t, near, make(chan struct{})}
	var failed error
	go func() {
		defer close(h.ended)
		failed = m.Serve(ctx, far)
		_ = far.Close()
	}()
	t.Cleanup(func() {
		cancel()
		h.hangUp()
		if failed != nil && !errors.Is(failed, io.EOF) && !errors.Is(failed, context.Canceled) {
			t.Errorf("Serve: %v", failed)
		}
	})
	return h
}

// ask sends orders and reads as many answers as are wanted.
func (h *host) ask(text string, n int) []string {
	h.t.Helper()
	_ = h.conn.SetDeadline(time.Now().Add(10 * time.Second))
	sent := make(chan error, 1)
	go func() {
		_, err := h.conn.Write([]byte(text))
		sent <- err
	}()
	var got []byte
	buf := make([]byte, 256)
	for bytes.Count(got, []byte{0}) < n {
		k, err := h.conn.Read(buf)
		if err != nil {
			h.t.Fatalf("%q: %v", got, err)
		}
		got = append(got, buf[:k]...)
	}
	if err := <-sent; err != nil {
		h.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(got), "\x00"), "\x00")
}

func model(o Options) *Model {
	return New(press.New(press.Config{Width: Width, Height: Height, Panels: Panels, Hopper: 3, Ribbon: 5, RejectMax: 1}), o)
}

func TestConversation(t *testing.T) {
	full := strings.Repeat("\xff", Height)
	for name, row := range map[string]struct {
		o    Options
		set  func(*press.Press)
		say  string
		want []string
	}{
		"who it is":          {say: "\x1bRtp\r\x1bRsn\r\x1bRfv\r", want: []string{"Primacy", "10000123456", "1701"}},
		"no such order":      {say: "\x1bXyz\r\x1bRxx\r\x1bRse;q\r", want: []string{"ERROR CDE", "ERROR CDE", "ERROR PARAMETRES"}},
		"padding is skipped": {say: "\x00\x00\x1bRem\r\x00\x1bPem;2\r\x1bRem\r", want: []string{"0", "OK", "2"}},
		"a card's way": {say: "\x1bSis\r\x1bRlr;p\r\x1bSic\r\x1bRlr;p\r\x1bSi\r\x1bRlr;p\r\x1bSer\r\x1bRlr;p\r\x1bRlr;h\r", want: []string{
			"OK", "SMART CARD", "OK", "CONTACTLESS CARD", "OK", "CARD", "OK", "OK", "CARD",
		}},
		"counters":                {say: "\x1bSi\r\x1bRco;c\r\x1bRco;p\r\x1bRco;z\r", want: []string{"OK", "1", "0", "ERROR PARAMETRES"}},
		"sensors":                 {set: func(p *press.Press) { p.Cover(true) }, say: "\x1bRse;o\r\x1bRse;f\r\x1bSi\r", want: []string{"0,23 Volts", "4,98 Volts", "COVER OPEN"}},
		"an empty feeder":         {set: func(p *press.Press) { p.SetSupplies(0, 1, 0, false) }, say: "\x1bRse;f\r\x1bSi\r", want: []string{"0,23 Volts", "FEEDER EMPTY"}},
		"a ribbon that errs":      {o: Options{OddRibbon: 1}, say: "\x1bRrt;count\r\x1bRrt;count\r", want: []string{"OK", "5"}},
		"an older printer":        {o: Options{Old: true}, say: "\x1bPsmgr;2\r\x1bPem;2\r", want: []string{"ERROR CDE", "OK"}},
		"a panel of no colour":    {say: "\x1bDb;z;2;x\r\x1bRem\r", want: []string{"ERROR PARAMETRES", "0"}},
		"lines that are too long": {say: "\x1bDbc;k;2;2;\x60\x00\r", want: []string{"ERROR PARAMETRES"}},
		"a face, printed and kept": {say: "\x1bPneab;E\r\x1bSs\r\x1bSr\r\x1bDbc;k;2;1016;" + strings.Repeat("\xff", Width) + "\r\x1bSe\r\x1bRco;p\r\x1bRlr;p\r", want: []string{
			"OK", "OK", "OK", "OK", "OK", "1", "CARD",
		}},
		"the memory outlives Se": {say: "\x1bPneab;E\r\x1bSs\r\x1bDbc;k;2;1016;" + strings.Repeat("\x00", Width) + "\r\x1bSe\r\x1bSe\r\x1bRco;p\r\x1bSs\r\x1bSe\r\x1bRco;p\r", want: []string{
			"OK", "OK", "OK", "OK", "OK", "2", "OK", "OK", "2",
		}},
		"an overlay":          {say: "\x1bWcb;o;255\r\x1bWcb;o;256\r\x1bWcb;x;1\r", want: []string{"OK", "ERROR PARAMETRES", "ERROR PARAMETRES"}},
		"data with a stop in": {say: "\x1bDbc;y;128;" + "4;\r\x1b;" + full[:2] + "\r", want: []string{"ERROR PARAMETRES"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := model(row.o)
			if row.set != nil {
				row.set(m.Press)
			}
			if got := serve(t, m).ask(row.say, len(row.want)); !slices.Equal(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// Ink is where the guide puts it: the first dot of the first line is the lower left corner.
func TestTheFirstDotIsBelowLeft(t *testing.T) {
	m := model(Options{})
	line := "\x01\x80" + strings.Repeat("\x00", Width-1)
	serve(t, m).ask("\x1bPneab;E\r\x1bSs\r\x1bDbc;k;2;1017;"+line+"\r\x1bSe\r", 4)
	k := m.Press.Inside().Sides[0].Ink['K']
	for i, b := range k {
		if want := i == (Height-1)*Width; (b != 0) != want {
			t.Fatalf("dot %d,%d is %d", i%Width, i/Width, b)
		}
	}
}

func TestPowerTakesTheSettings(t *testing.T) {
	m := model(Options{})
	h := serve(t, m)
	h.ask("\x1bPem;2\r", 1)
	h.hangUp()
	m.Press.PowerOff()
	m.Press.PowerOn()
	if got := serve(t, m).ask("\x1bRem\r", 1); got[0] != "0" {
		t.Errorf("the error mode is %q after a restart", got[0])
	}
}

// Half a download is forgotten with the host, or not.
func TestHalfADownload(t *testing.T) {
	for name, row := range map[string]struct {
		stubborn bool
		want     string
	}{"forgotten": {false, "0"}, "kept": {true, ""}} {
		t.Run(name, func(t *testing.T) {
			m := model(Options{Stubborn: row.stubborn})
			h := serve(t, m)
			if _, err := h.conn.Write([]byte("\x1bDb;k;2;half")); err != nil {
				t.Fatal(err)
			}
			h.hangUp()
			h = serve(t, m)
			if row.want != "" {
				if got := h.ask("\x1bRem\r", 1); got[0] != row.want {
					t.Errorf("got %q", got)
				}
				return
			}
			if _, err := h.conn.Write([]byte("\x1bRem\r")); err != nil {
				t.Fatal(err)
			}
			if got := h.ask(strings.Repeat("\x00", Width*Height/8)+"\r\x1bRem\r", 2); got[1] != "0" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestPrinterClass(t *testing.T) {
	m := model(Options{})
	id, err := m.Control(t.Context(), usbbed.Setup{Type: 0xA1, Request: 0}, nil)
	if err != nil || int(id[0])<<8+int(id[1]) != len(id) || !strings.Contains(string(id), "MDL:Primacy;") {
		t.Errorf("%q, %v", id, err)
	}
	if _, err := m.Control(t.Context(), usbbed.Setup{Type: 0x21, Request: 2}, nil); err != nil {
		t.Error(err)
	}
	if _, err := m.Control(t.Context(), usbbed.Setup{Type: 0x21, Request: 9}, nil); !errors.Is(err, usbbed.ErrStall) {
		t.Error(err)
	}
}
