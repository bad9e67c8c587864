package xid

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/printer/wire"
	"jukicard/simulator/press"
)

// rogue is a USB printer that answers what a test says: an entry is one transfer, or how
// it fails.
type rogue struct {
	answers []any
	writes  []any // errors, in order; nil or none: all is taken
	sent    [][]byte
	cleared int
}

func (r *rogue) Dial(context.Context) (wire.Wire, error) { return r, nil }
func (r *rogue) String() string                          { return "rogue" }
func (r *rogue) Close() error                            { return nil }

func (r *rogue) Write(_ context.Context, p []byte) (int, error) {
	if len(r.writes) > 0 {
		w := r.writes[0]
		r.writes = r.writes[1:]
		if err, ok := w.(error); ok {
			return 0, err
		}
	}
	r.sent = append(r.sent, p)
	return len(p), nil
}

func (r *rogue) Read(_ context.Context, p []byte) (int, error) {
	if len(r.answers) == 0 {
		return 0, &wire.Error{Op: "read", Name: "rogue", Kind: wire.Timeout, Err: context.DeadlineExceeded}
	}
	a := r.answers[0]
	r.answers = r.answers[1:]
	switch a := a.(type) {
	case error:
		return 0, a
	case []byte:
		return copy(p, a), nil
	}
	panic("internal error: neither bytes nor an error")
}

func (r *rogue) Control(context.Context, byte, byte, uint16, uint16, []byte) (int, error) {
	return 0, nil
}

func (r *rogue) ClearHalt(context.Context, bool) error {
	r.cleared++
	return nil
}

var stall = &wire.Error{Op: "read", Name: "rogue", Kind: wire.Stall, Err: errors.New("halted")}

// csw is a command status wrapper.
func csw(tag, residue uint32, status byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte("USBS"), tag)
	return append(binary.LittleEndian.AppendUint32(b, residue), status)
}

// sense is what REQUEST SENSE gives for a code.
func sense(code uint32) []byte {
	b := make([]byte, 20)
	b[2], b[12] = byte(code>>16), byte(code>>8)
	return b
}

// many are n stalls.
func many(n int) []any {
	var all []any
	for range n {
		all = append(all, stall)
	}
	return all
}

// TestBulkOnly: what may come for the question where the card is, tag 1, with 8 bytes.
func TestBulkOnly(t *testing.T) {
	position := []byte{0, 0, 0, 0, 0, 0, 0, 2}
	rows := []struct {
		name    string
		writes  []any
		answers []any
		place   place
		code    uint32 // of a refusal
		broken  string // part of what is wrong with the link
		cleared int
	}{
		{name: "answered", answers: []any{position, csw(1, 0, 0)}, place: atContactless},
		{name: "a stall before the status", answers: []any{position, stall, csw(1, 0, 0)}, place: atContactless, cleared: 1},
		{name: "a stall of the command", writes: []any{stall}, answers: []any{position, csw(1, 0, 0)}, place: atContactless, cleared: 1},
		{name: "halted nine times", answers: append(many(9), position, csw(1, 0, 0)), place: atContactless, cleared: 9},
		{name: "halted for ever", answers: many(20), broken: "no answer", cleared: 10},
		{name: "takes no command", writes: many(20), broken: "no command", cleared: 10},
		{name: "refused with a stall", answers: []any{stall, csw(1, 8, 1), sense(0x00039000), csw(2, 0, 0)}, code: 0x00039000, cleared: 1},
		{name: "refused without one", answers: []any{csw(1, 8, 1), sense(0x0002C300), csw(2, 0, 0)}, code: 0x0002C300},
		{name: "refused after its data", answers: []any{position, csw(1, 0, 1), sense(0x00052600), csw(2, 0, 0)}, code: 0x00052600},
		{name: "refused without a reason", answers: []any{csw(1, 8, 1), sense(0), csw(2, 0, 0)}, broken: "no reason"},
		{name: "the reason refused", answers: []any{csw(1, 8, 1), csw(2, 0, 1)}, broken: "not say why"},
		{name: "the reason cut short", answers: []any{csw(1, 8, 1), []byte{0x70, 0, 2}, csw(2, 17, 0)}, broken: "not say why"},
		{name: "another's status", answers: []any{position, csw(7, 0, 0)}, broken: "belongs to command 7"},
		{name: "no status", answers: []any{position, []byte("USBC123456789")}, broken: "signature"},
		{name: "half a status", answers: []any{position, csw(1, 0, 0)[:12]}, broken: "12 bytes"},
		{name: "phase error", answers: []any{position, csw(1, 0, 2)}, broken: "phase error"},
		{name: "a residue that does not add up", answers: []any{position, csw(1, 3, 0)}, broken: "left over"},
		{name: "too much", answers: []any{make([]byte, 9), csw(1, 0, 0)}, broken: "at most 8"},
		{name: "too little", answers: []any{position[:4], csw(1, 4, 0)}, broken: "4 bytes, it takes 8"},
		{name: "silence", broken: "timeout"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := &rogue{answers: row.answers, writes: row.writes}
			s := &storage{cfg: Config{Dialer: r}, w: r, ready: true}
			a, err := s.do(t.Context(), order{op: opPosition})
			var refused *senseError
			var link *wire.Error
			switch {
			case row.code != 0:
				if !errors.As(err, &refused) || refused.code != row.code {
					t.Errorf("it says %v, want the code %08X", err, row.code)
				}
			case row.broken != "":
				if !errors.As(err, &link) || !strings.Contains(err.Error(), row.broken) {
					t.Errorf("it says %v, want a link that failed with %q", err, row.broken)
				}
			case err != nil || !a.inside || a.place != row.place:
				t.Errorf("it says %+v, %v", a, err)
			}
			if r.cleared != row.cleared {
				t.Errorf("%d stalls were cleared, want %d", r.cleared, row.cleared)
			}
		})
	}
}

// TestAStallInAPlane: what was not taken is sent again, and only that.
func TestAStallInAPlane(t *testing.T) {
	r := &rogue{writes: []any{nil, stall}, answers: []any{csw(1, 0, 0)}}
	s := &storage{cfg: Config{Dialer: r}, w: r, ready: true}
	plane := []byte{1, 2, 3, 4}
	if _, err := s.do(t.Context(), order{op: opPlane, panel: cyan, data: plane}); err != nil {
		t.Fatal(err)
	}
	if len(r.sent) != 2 || len(r.sent[0]) != 31 || string(r.sent[1]) != string(plane) {
		t.Errorf("sent % x", r.sent)
	}
	want := []byte{'U', 'S', 'B', 'C', 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 10, 0x2A, 0, 1, 0, 0, 0, 0, 0, 4, 0}
	if got := string(r.sent[0]); got[:len(want)] != string(want) {
		t.Errorf("the wrapper is % x, want % x", got, want)
	}
}

// TestCommandsAreThoseOfTheDumps: each order's command block, byte for byte.
func TestCommandsAreThoseOfTheDumps(t *testing.T) {
	for _, row := range []struct {
		o    order
		want string
	}{
		{order{op: opReady}, "000000000000"},
		{order{op: opPosition}, "34000000000000000000"},
		{order{op: opCounters}, "4d007800000000003400"},
		{order{op: opNoRetry}, "15102a000a00"},
		{order{op: opLoad, place: atContactless}, "31010000000000020000"},
		{order{op: opMove, place: atReject}, "310b0000000000040000"},
		{order{op: opMove, place: atHead, flip: true}, "310b0000020000000000"},
		{order{op: opEngage, place: atContact}, "32000000000000000000"},
		{order{op: opEngage, place: atContactless}, "32040000000000000000"},
		{order{op: opRelease, place: atContact}, "32010000000000000000"},
		{order{op: opRelease, place: atContactless}, "32050000000000000000"},
		{order{op: opPlane, panel: yellow, data: make([]byte, 0x29FC80)}, "2a000300000029fc8000"},
		{order{op: opFilm, print: []panel{yellow, magenta, cyan, black}}, "31080600000000000000"},
		{order{op: opFilm, print: []panel{black}}, "31080400000000000000"},
		{order{op: opTransfer, then: thenFlip}, "310a0000000000000000"},
		{order{op: opTransfer, then: thenReturn}, "310d0000000000000000"},
		{order{op: opTestCard}, "1d0001000a00"},
	} {
		if got := hexOf(cdb(row.o).cdb); got != row.want {
			t.Errorf("order %d is %s, want %s", row.o.op, got, row.want)
		}
	}
}

// TestDialsAnewWithAReset: after a link that failed the printer may be in the middle of a
// command, and a reset takes it out.
func TestDialsAnewWithAReset(t *testing.T) {
	m := newMachine(nil)
	b := &bus{f: m.model}
	cfg := m.config(b, MassStorage)
	cfg.Plane = 50 * time.Millisecond
	p := m.open(t, cfg)
	if err := p.Move(t.Context(), printer.Head); err != nil {
		t.Fatal(err)
	}
	m.Arm(press.Mishap{When: press.Receiving, Kind: press.Deafens})
	var pe *printer.PrintError
	if err := p.Print(t.Context(), face(300), nil); !errors.As(err, &pe) || pe.Surface != printer.SurfaceBlank || !errors.As(err, new(*wire.Error)) {
		t.Fatalf("a printer that stops reading: %v", err)
	}
	if err := p.Print(t.Context(), face(300), nil); err != nil {
		t.Fatalf("the same card again: %v", err)
	}
	if b.dials != 2 || b.resets != 2 || b.clears != 4 || m.Inside().Twice() {
		t.Errorf("%d dials, %d resets, %d stalls cleared, twice %v", b.dials, b.resets, b.clears, m.Inside().Twice())
	}
}

func FuzzInquiry(f *testing.F) {
	f.Add([]byte(strings.Repeat("\x00", 8) + "GPRINTECXID8600\x0080000001" + strings.Repeat(" ", 64)))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseInquiry(b)
		if err == nil && (len(a.model) > 8 || len(a.serial) > 8 || strings.ContainsFunc(a.model+a.serial+a.firmware+a.maker, func(r rune) bool { return r < ' ' || r > '~' })) {
			t.Errorf("%+v", a)
		}
	})
}

func FuzzCounters(f *testing.F) {
	f.Add([]byte{0x38, 0, 0, 0x20, 0, 0, 0, 4, 0, 0, 0, 0x9D, 0, 3, 0, 4, 0, 0, 0, 0x9C})
	f.Add([]byte{0x38, 0, 0, 0x20, 0, 1, 0, 4, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseCounters(b); err != nil && a != (answer{}) {
			t.Errorf("%+v beside %v", a, err)
		}
	})
}
