package xid

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"jukicard/printer"
	"jukicard/printer/wire"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// greeting is the dump of an XID8600's (revk/cardprint, eth.txt).
var greeting = unhex(`f3000200 0000001c 00000000 00033118 00000000 00000000 0000 0000 0000 5052 494e 5445 5230 3100
	5bf0 b0c7 0000 0000 0000 0000 0000 0000 5849 4438 3630 3020 2020 2020 2020 2020
	fe80 0000 0000 0000 923d 68ff fe02 58c3 2001 067c 2a40 0000 923d 68ff fe02 58c3 0000 0000 0000 0000 0000 0000 0000 0000`)

var welcome = unhex("f3000400 00000002 00000000 99999999")

// talk is a network that is given the printer's words beforehand.
func talk(words ...[]byte) (*network, *rogue) {
	r := &rogue{}
	for _, w := range append([][]byte{greeting, welcome}, words...) {
		// A frame is read in two parts.
		r.answers = append(r.answers, w[:min(16, len(w))])
		if len(w) > 16 {
			r.answers = append(r.answers, w[16:])
		}
	}
	return &network{cfg: Config{Dialer: r}, w: r}, r
}

// TestGreeting: the dump of a real one, and what is no greeting.
func TestGreeting(t *testing.T) {
	n, r := talk()
	a, err := n.do(t.Context(), order{op: opIdentify})
	if err != nil || a.model != "XID8600" || a.serial != "903d680258c3" {
		t.Fatalf("it is %+v, %v", a, err)
	}
	sent := r.sent[0]
	if got := hexOf(sent[:16]); got != "f20003000000001d0000000299999999" || len(sent) != 124 {
		t.Errorf("the document begins with %s and has %d bytes", got, len(sent))
	}
	nameless := bytes.Clone(greeting)
	clear(nameless[72:88])
	if a := parseGreeting(frame{data: nameless[16:]}); a.serial != "" || a.model != "XID8600" {
		t.Errorf("without an address it is %+v", a)
	}
}

// TestFrames: what may come for the question where the card is, sequence 0.
func TestFrames(t *testing.T) {
	rows := []struct {
		name   string
		answer []byte
		place  place
		inside bool
		code   uint32
		broken string
	}{
		{name: "at the antenna", answer: unhex("f1000300 00000003 00000000 00000000 01020002"), place: atContactless, inside: true},
		{name: "not in the machine", answer: unhex("f1000300 00000003 00000000 00000000 01020400")},
		{name: "refused", answer: unhex("f1000200 00000002 0002d000 00000000"), code: 0x0002D000},
		{name: "refused without a reason", answer: unhex("f1000200 00000002 00000000 00000000"), broken: "no reason"},
		{name: "an answer to another", answer: unhex("f1000300 00000003 00000000 00000009 01020002"), broken: "answer 9 came where 0 was due"},
		{name: "no answer", answer: unhex("f0000300 00000003 00000000 00000000 01020002"), broken: "is no answer"},
		{name: "without its data", answer: unhex("f1000100 00000002 00000000 00000000"), broken: "not in its answer"},
		{name: "too long", answer: unhex("f1000300 00ffffff 00000000 00000000"), broken: "frame of"},
		{name: "too short", answer: unhex("f1000300 00000001 00000000 00000000"), broken: "frame of"},
		{name: "cut off", answer: unhex("f1000300 00000003 00000000 00000000"), broken: "timeout"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			n, r := talk(row.answer)
			a, err := n.do(t.Context(), order{op: opPosition})
			var refused *senseError
			switch {
			case row.code != 0:
				if !errors.As(err, &refused) || refused.code != row.code {
					t.Errorf("it says %v, want the code %08X", err, row.code)
				}
			case row.broken != "":
				if !errors.As(err, new(*wire.Error)) || !strings.Contains(err.Error(), row.broken) {
					t.Errorf("it says %v, want a link that failed with %q", err, row.broken)
				}
			case err != nil || a.place != row.place || a.inside != row.inside:
				t.Errorf("it says %+v, %v", a, err)
			}
			if got := hexOf(r.sent[1]); got != "f0000100000000030000000000000000"+"02020000" {
				t.Errorf("it asked %s", got)
			}
		})
	}
}

// TestNoPrinterThere: what greets otherwise is told from a printer.
func TestNoPrinterThere(t *testing.T) {
	for name, words := range map[string][][]byte{
		"another service": {unhex("53534820 00000002 00000000 00000000")},
		"a short one":     {unhex("f3000200 00000004 00000000 00000000 00000000 00000000")},
		"no welcome":      {greeting, unhex("f1000100 00000002 00000000 99999999")},
	} {
		t.Run(name, func(t *testing.T) {
			n, r := talk()
			r.answers = nil
			for _, w := range words {
				r.answers = append(r.answers, w[:16])
				if len(w) > 16 {
					r.answers = append(r.answers, w[16:])
				}
			}
			var link *wire.Error
			if _, err := n.do(t.Context(), order{op: opReady}); !errors.As(err, &link) || link.Kind != wire.Broken {
				t.Errorf("it says %v", err)
			}
		})
	}
}

// TestWordsAreThoseOfTheDumps: each order's command, byte for byte.
func TestWordsAreThoseOfTheDumps(t *testing.T) {
	for _, row := range []struct {
		o    order
		want string
	}{
		{order{op: opReady}, "01020000"},
		{order{op: opPosition}, "02020000"},
		{order{op: opLoad, place: atContactless}, "04020002"},
		{order{op: opMove, place: atContact}, "05020001"},
		{order{op: opMove, flip: true, place: atHead}, "05021000"},
		{order{op: opFilm, print: []panel{yellow, magenta, cyan, black}}, "0602000f"},
		{order{op: opFilm, print: []panel{black}}, "06020008"},
		{order{op: opTransfer, then: thenReturn}, "0706000000000000"},
		{order{op: opTransfer, then: thenFlip}, "0706100000000000"},
		{order{op: opEngage, place: atContact}, "0a020000"},
		{order{op: opEngage, place: atContactless}, "0a021000"},
		{order{op: opRelease, place: atContact}, "0a024000"},
		{order{op: opRelease, place: atContactless}, "0a025000"},
	} {
		if got := hexOf(words(row.o)); got != row.want {
			t.Errorf("order %d is %s, want %s", row.o.op, got, row.want)
		}
	}
}

// reply is a printer's "done" for a sequence number.
func reply(seq uint32) []byte {
	return binary.BigEndian.AppendUint32(unhex("f1000100 00000002 00000000"), seq)
}

// TestPlanesAreSentAhead: at most three are not answered, and a refusal of one is told
// before anything else is sent.
func TestPlanesAreSentAhead(t *testing.T) {
	n, r := talk()
	plane := order{op: opPlane, panel: black, data: make([]byte, 8)}
	for i := range 2 {
		if _, err := n.do(t.Context(), plane); err != nil {
			t.Fatalf("plane %d needs an answer: %v", i, err)
		}
	}
	r.answers = append(r.answers, reply(0))
	if _, err := n.do(t.Context(), plane); err != nil || len(n.owed) != 2 || len(r.sent) != 4 {
		t.Fatalf("%v, %d answers are owed to %d frames", err, len(n.owed), len(r.sent))
	}
	if got, want := hexOf(r.sent[1]), "f0000200"+"00000007"+"00000000"+"00000000"+"08000000"+"0000000c"+"00000008"+"0000000000000000"; got != want {
		t.Errorf("the plane is %s, want %s", got, want)
	}
	r.answers = append(r.answers, unhex("f1000200 00000002 00052a00 00000001"), reply(2))
	var refused *senseError
	if _, err := n.do(t.Context(), order{op: opPlanes}); !errors.As(err, &refused) || refused.code != 0x00052A00 || len(n.owed) != 0 || len(r.sent) != 4 {
		t.Errorf("%v, %d owed, %d sent", err, len(n.owed), len(r.sent))
	}
}

// TestItems of the dumps, and what is no item.
func TestItems(t *testing.T) {
	// eth.txt: a ribbon of 1000 whose lot is EH3111, and the counters.
	b := unhex(`0c02 0108 0a02 0100 0d02 0100 0b02 0130 0e06 0203 e800 0000
		0f22 2045 4833 3131 3100 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 1f06 0400 0000 7500 2006 0400 0002 f000 2106 0400 0000 7500 1e06 0400 0000 0a00 2306 0400 0000 0800`)
	i, err := parseItems(b)
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[byte]uint64{itemFilmLeft: 8, itemCards: 0, itemRibbonKind: 0, itemRibbonLeft: 48, itemRibbonSets: 1000, itemCounterA: 117, 0x20: 752, itemCounterB: 117, 0x1E: 10, 0x23: 8} {
		if got := number(i[tag]); got != want {
			t.Errorf("item %02X is %d, want %d", tag, got, want)
		}
	}
	if got := text(i[0x0F]); got != "EH3111" {
		t.Errorf("the lot is %q", got)
	}
	for _, bad := range []string{"0c", "0c02", "0c0201", "0c020208", "0c0001 08"} {
		if _, err := parseItems(unhex(bad)); err == nil {
			t.Errorf("%s passes", bad)
		}
	}
}

// TestTheTotalIsTheLarger of two counters, whichever it is.
func TestTheTotalIsTheLarger(t *testing.T) {
	for _, values := range [][2]string{{"0000002a", "00000007"}, {"00000007", "0000002a"}} {
		n, _ := talk(unhex("f1000600 00000006 00000000 00000000 1f0604" + values[0] + "00 210604" + values[1] + "00"))
		if a, err := n.do(t.Context(), order{op: opCounters}); err != nil || a.total != 42 || a.sinceClean != 7 {
			t.Errorf("%v gives %+v, %v", values, a, err)
		}
	}
	n, _ := talk(unhex("f1000600 00000004 00000000 00000000 1f0604 0000002a00"))
	if _, err := n.do(t.Context(), order{op: opCounters}); !errors.As(err, new(*wire.Error)) {
		t.Errorf("a counter that is missing: %v", err)
	}
}

// TestAnUnknownPlace is one where nobody takes a card from.
func TestAnUnknownPlace(t *testing.T) {
	n, r := talk(unhex("f1000300 00000003 00000000 00000000 01020003"))
	p := &Printer{cfg: Config{Dialer: r, Query: 1e9}, line: n}
	if at, why, err := p.position(t.Context()); at != printer.Lost || why != nil || err != nil {
		t.Errorf("at the magnetic head: %s, %v, %v", at, why, err)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(greeting)
	f.Add(welcome)
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readFrame(bytes.NewReader(b))
		if err != nil {
			return
		}
		whole := got.bytes()
		if len(whole) > frameMax || len(b) < len(whole) || !bytes.Equal(whole, b[:len(whole)]) {
			t.Errorf("read %x of %x", whole, b)
		}
		if a := parseGreeting(got); len(a.model) > 16 || len(a.serial) > 12 {
			t.Errorf("%+v", a)
		}
	})
}

func FuzzItems(f *testing.F) {
	f.Add(unhex("0c02 0108 0a02 0100"))
	f.Add(unhex("1f06 0400 0000 7500"))
	f.Fuzz(func(t *testing.T, b []byte) {
		items, err := parseItems(b)
		for tag, v := range items {
			if tag == 0 || err != nil || len(v) > 255 {
				t.Errorf("item %02X of %d bytes, %v", tag, len(v), err)
			}
		}
	})
}

// TestAFrameThatEnds is told as such.
func TestAFrameThatEnds(t *testing.T) {
	for n := range len(greeting) {
		if _, err := readFrame(bytes.NewReader(greeting[:n])); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}
