package simulator

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
)

// work is a command that changes what the card keeps.
type work struct {
	name    string
	on      string // AID; the domain when empty
	before  []apdu.Command
	command apdu.Command
	size    int  // bytes of the change
	parts   bool // may be written up to any byte
}

func works(t *testing.T) []work {
	set := func(sfi byte, pin string) apdu.Command {
		return apdu.Command{INS: apdu.INSResetRetryCounter, P1: 2, P2: 0x80 | sfi, Data: []byte(pin)}
	}
	write := func(sfi byte, data []byte) apdu.Command {
		return apdu.Command{INS: apdu.INSUpdateBinary, P1: 0x80 | sfi, Data: data}
	}
	verify := func(pin string) apdu.Command {
		return apdu.Command{INS: apdu.INSVerify, P2: 0x98, Data: []byte(pin)}
	}
	gp := func(ins, p1, p2 byte, data []byte) apdu.Command {
		return apdu.Command{CLA: 0x80, INS: ins, P1: p1, P2: p2, Data: data, Ne: 256}
	}
	pin := []apdu.Command{set(0x18, authPIN)}
	long := bytes.Repeat([]byte{7}, 200)
	return []work{
		{name: "UPDATE BINARY, the first of an elastic file", on: aidJPKI, command: write(0x0A, long), size: 200, parts: true},
		{name: "UPDATE BINARY, going on in it", on: aidJPKI, before: []apdu.Command{write(0x0A, long)},
			command: apdu.Command{INS: apdu.INSUpdateBinary, P2: 200, Data: []byte("and more")}, size: 8, parts: true},
		{name: "UPDATE BINARY, an elastic file anew", on: aidJPKI, before: []apdu.Command{write(0x0A, long)},
			command: write(0x0A, []byte("short")), size: 5, parts: true},
		{name: "UPDATE BINARY, a fixed file", on: aidSurface, command: write(0x02, long), size: 200, parts: true},
		{name: "UPDATE BINARY, a fixed file again", on: aidSurface, before: []apdu.Command{write(0x02, long)},
			command: write(0x02, []byte("other")), size: 5, parts: true},
		{name: "UPDATE RECORD", on: aidCommon, command: apdu.Command{INS: apdu.INSUpdateRecord, P1: 1,
			P2: byte(find(blank(t), "common/manufacture").id)<<3 | 4, Data: long[:20]}, size: 20},
		{name: "RESET RETRY COUNTER, the first setting", on: aidJPKI, command: set(0x18, authPIN), size: 4},
		{name: "RESET RETRY COUNTER, another value", on: aidJPKI, before: pin, command: set(0x18, "9999"), size: 4},
		{name: "CHANGE REFERENCE DATA", on: aidJPKI, before: append(pin, verify(authPIN)),
			command: apdu.Command{INS: apdu.INSChangeReferenceData, P1: 1, P2: 0x98, Data: []byte("8888")}, size: 4},
		{name: "VERIFY, wrong", on: aidJPKI, before: pin, command: verify("0000"), size: 1},
		{name: "VERIFY after a wrong one", on: aidJPKI, before: append(pin, verify("0000")), command: verify(authPIN), size: 1},
		{name: "GENERATE, the first key", on: aidJPKI, command: generate(0x17), size: 256},
		{name: "GENERATE, another key", on: aidJPKI, before: []apdu.Command{generate(0x17)}, command: generate(0x17), size: 256},
		{name: "PUT DATA", command: apdu.Command{INS: apdu.INSPutData, P2: 0xF0, Data: []byte("99999")}, size: 5},
		{name: "PUT DATA, another value", before: []apdu.Command{{INS: apdu.INSPutData, P2: 0xF0, Data: []byte("99999")}},
			command: apdu.Command{INS: apdu.INSPutData, P2: 0xF0, Data: []byte("88888")}, size: 5},
		{name: "PUT KEY, add", command: gp(apdu.INSPutKey, 0, 0x81, putKeyData(t, 0x31)), size: 48},
		{name: "PUT KEY, the set in use", command: gp(apdu.INSPutKey, 0x01, 0x81, putKeyData(t, 0x01)), size: 48},
		{name: "PUT KEY, another version in its place", command: gp(apdu.INSPutKey, 0x01, 0x81, putKeyData(t, 0x31)), size: 48},
		{name: "DELETE", command: gp(apdu.INSDelete, 0, 0, []byte{0xD2, 1, 0x30}), size: 1},
		{name: "SET STATUS", command: gp(apdu.INSSetStatus, 0x80, 0x0F, nil), size: 1},
		{name: "INITIALIZE UPDATE", command: gp(apdu.INSInitializeUpdate, 0, 0, make([]byte, 8)), size: 1},
	}
}

// host is who works on a card: in the channel, but for what is done in the clear.
type host struct {
	t       testing.TB
	card    *Card
	on      string
	deliver func(command []byte) []byte // how the next command reaches the card
	session *scp03.Session              // nil: none open
}

func newHost(t testing.TB, c *Card, on string) *host {
	t.Helper()
	h := &host{t: t, card: c, on: on}
	h.restart()
	return h
}

// restart takes the card's power away and begins anew.
func (h *host) restart() {
	h.t.Helper()
	h.card.PowerOff()
	h.deliver, h.session = h.card.Process, nil
	want(h.t, h.card, selectAP(h.on), "9000")
}

func (h *host) Transmit(_ context.Context, command []byte) ([]byte, error) {
	deliver := h.deliver
	h.deliver = h.card.Process
	answer := bytes.Clone(deliver(command))
	if len(answer) < 2 {
		return nil, errSupply
	}
	return answer, nil
}

// ready opens a channel or ends it, as the command wants it.
func (h *host) ready(c apdu.Command) apdu.Transport {
	h.t.Helper()
	if slices.Contains([]byte{apdu.INSVerify, apdu.INSChangeReferenceData, apdu.INSInitializeUpdate}, c.INS) {
		if h.session != nil {
			h.restart()
		}
		return h
	}
	if h.session == nil {
		s, err := scp03.Open(context.Background(), apdu.Wrap(h, apdu.GetResponse(apdu.Budget{})), scp03.Config{Find: scp03.Fixed(scp03.TestKeys()), Level: scp03.LevelFull})
		if err != nil {
			h.t.Fatal(err)
		}
		h.session = s
	}
	return h.session
}

func (h *host) send(c apdu.Command) (apdu.Response, error) {
	h.t.Helper()
	return apdu.Send(context.Background(), h.ready(c), c)
}

// prepared is a blank card of its own on which the work is due.
func (w *work) prepared(t *testing.T, o Options) *host {
	t.Helper()
	h := newHost(t, clone(t, blank(t), o), w.on)
	for _, c := range w.before {
		if _, err := h.send(c); err != nil {
			t.Fatal(err)
		}
	}
	h.ready(w.command)
	return h
}

// state is what a card keeps, and its own account of it.
func state(t *testing.T, c *Card) string {
	t.Helper()
	c.PowerOff()
	return string(c.Snapshot()) + say(c, "00CADF7000")
}

// after is the state of a card that has carried the work out, of a write n bytes.
func (w *work) after(t *testing.T, n int) string {
	t.Helper()
	h := w.prepared(t, options())
	command := w.command
	if w.parts {
		command.Data = command.Data[:n]
	}
	if n > 0 {
		if _, err := h.send(command); err != nil {
			t.Fatal(err)
		}
	}
	return state(t, h.card)
}

func TestATearLeavesAChangeWholeOrNotAtAll(t *testing.T) {
	for _, w := range works(t) {
		t.Run(w.name, func(t *testing.T) {
			before, whole := w.after(t, 0), w.after(t, w.size)
			if before == whole {
				t.Fatal("the command changes nothing")
			}
			for _, keep := range []int{-1, 0, 1, w.size / 2, w.size - 1, w.size, w.size + 1, 1 << 20} {
				wanted, wantedKept := before, 0
				switch {
				case keep >= w.size:
					wanted, wantedKept = whole, w.size
				case w.parts && keep > 0:
					wanted, wantedKept = w.after(t, keep), keep
				}
				tearAt(t, &w, keep, wantedKept, wanted)
			}
		})
	}
}

// tearAt tears the work on a card in a file and looks at the card and at the one that
// is loaded from the file.
func tearAt(t *testing.T, w *work, keep, wantedKept int, wanted string) {
	t.Helper()
	o := options()
	o.StateFile = filepath.Join(t.TempDir(), "card.state")
	h := w.prepared(t, o)
	var kept, of int
	h.deliver = func(command []byte) []byte {
		kept, of = h.card.ProcessTorn(command, keep)
		return nil
	}
	if _, err := h.send(w.command); err == nil {
		t.Fatalf("kept %d: the card answers", keep)
	}
	if kept != wantedKept || of != w.size {
		t.Errorf("kept %d: told %d of %d, want %d of %d", keep, kept, of, wantedKept, w.size)
	}
	if c := h.card; c.app != c.domain || c.channel.Open() || c.channel.Pending() || c.verified != 0 {
		t.Errorf("kept %d: the card has a session without power", keep)
	}
	if got := state(t, h.card); got != wanted {
		t.Errorf("kept %d: wrong state\n got %.300s\nwant %.300s", keep, got, wanted)
	}
	if got := state(t, load(t, o.StateFile)); got != wanted {
		t.Errorf("kept %d: the file holds another card", keep)
	}
}

func TestATornKeyChangeoverLeavesKeysThatOpen(t *testing.T) {
	for _, keep := range []int{0, 47, 48} {
		t.Run(fmt.Sprint("kept ", keep), func(t *testing.T) {
			w := work{command: apdu.Command{CLA: 0x80, INS: apdu.INSPutKey, P1: 0x01, P2: 0x81, Data: putKeyData(t, 0x01), Ne: 256}}
			h := w.prepared(t, options())
			h.deliver = func(command []byte) []byte {
				h.card.ProcessTorn(command, keep)
				return nil
			}
			if _, err := h.send(w.command); err == nil {
				t.Fatal("the card answers")
			}
			right, wrong := scp03.TestKeys(), someKeys(16, 0x20)
			if keep == 48 {
				right, wrong = wrong, right
			}
			if _, err := tryChannel(h.card, scp03.Fixed(wrong), 1); err == nil {
				t.Error("the other keys open it")
			}
			if _, err := tryChannel(h.card, scp03.Fixed(right), 1); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestACommandWithoutAChangeIsTornWithoutTrace(t *testing.T) {
	c := blank(t)
	want(t, c, selectAP(aidJPKI), "9000")
	before := c.Snapshot()
	if kept, of := c.ProcessTorn(mustHex("00B0860004"), 3); kept != 0 || of != 0 {
		t.Errorf("told %d of %d bytes", kept, of)
	}
	if !bytes.Equal(c.Snapshot(), before) {
		t.Error("the card changed")
	}
	want(t, c, "00B0860004", "6A82") // no application without power
}

func TestATearWhoseFileCannotBeWrittenTellsNothingKept(t *testing.T) {
	c, path := keptCard(t)
	before := c.Snapshot()
	must(t, os.Remove(path))
	if kept, _ := c.ProcessTorn(mustHex("8050000008000102030405060700"), 1); kept != 0 {
		t.Errorf("told %d bytes kept", kept)
	}
	if !bytes.Equal(c.Snapshot(), before) {
		t.Error("the card changed")
	}
}

func TestARefusalKeepsTheChannelInStep(t *testing.T) {
	for _, w := range works(t) {
		if w.command.INS == apdu.INSInitializeUpdate {
			continue // it ends the channel by itself
		}
		for _, after := range []bool{false, true} {
			for _, sw := range []apdu.SW{0x6F00, apdu.SWMemoryFailure, apdu.SWOK} {
				t.Run(fmt.Sprintf("%s, %v, %v", w.name, sw, after), func(t *testing.T) {
					refuseWork(t, &w, sw, after)
				})
			}
		}
	}
}

func refuseWork(t *testing.T, w *work, sw apdu.SW, after bool) {
	t.Helper()
	h := w.prepared(t, options())
	h.deliver = func(command []byte) []byte { return h.card.ProcessRefused(command, sw, after) }
	r, err := h.send(w.command)
	if err != nil || r.SW != sw {
		t.Fatalf("answer %v, error %v, want %v", r.SW, err, sw)
	}
	if data := len(r.Data) > 0; data && (!after || sw != apdu.SWOK) {
		t.Errorf("%d bytes of data", len(r.Data))
	}
	if h.session != nil {
		if _, err := h.send(apdu.Command{CLA: 0x80, INS: apdu.INSGetData, P2: 0x66, Ne: 256}); err != nil {
			t.Errorf("the channel is out of step: %v", err)
		}
	}
	wanted := w.after(t, 0)
	if after {
		wanted = w.after(t, w.size)
	}
	if got := state(t, h.card); got != wanted {
		t.Error("wrong state")
	}
}

func TestARefusalOutsideTheChannel(t *testing.T) {
	c := blank(t)
	tests := []struct {
		name, command string
		after         bool
		want          string
		selected      bool
	}{
		{"SELECT, without effect", selectAP(aidJPKI), false, "6f00", false},
		{"SELECT, with effect", selectAP(aidJPKI), true, "6f00", true},
		{"READ BINARY, its data withheld", "00B0860004", true, "6f00", true},
		{"what is no command", "00", false, "6700", true},
	}
	for _, tt := range tests {
		got := hexOf(c.ProcessRefused(mustHex(tt.command), apdu.SWUnknown, tt.after))
		if got != tt.want || (c.app != c.domain) != tt.selected {
			t.Errorf("%s: answer %s, selected %s", tt.name, got, c.app.name)
		}
	}
	want(t, c, "00B0860004", "4A504B49"+"9000")
}

func TestARefusedGetResponseMayBeRepeated(t *testing.T) {
	c := blank(t)
	whole := say(c, "00A4040000")
	want(t, c, "00A4040004", whole[:8]+fmt.Sprintf("61%02X", len(whole)/2-2-4))
	if got := hexOf(c.ProcessRefused(mustHex("00C0000000"), apdu.SWMemoryFailure, false)); got != "6581" {
		t.Fatalf("answer %s", got)
	}
	want(t, c, "00C0000000", whole[8:])
}
