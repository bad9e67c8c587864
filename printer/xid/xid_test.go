package xid

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"strings"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/printer/wire"
	"jukicard/simulator/lines"
	"jukicard/simulator/press"
	simulated "jukicard/simulator/press/xid"
)

// face has a black square on each side.
func face(dpi int) printer.Face {
	side := func(at int) image.Image {
		img := image.NewGray(image.Rect(0, 0, 60, 40))
		for i := range img.Pix {
			img.Pix[i] = 255
		}
		for i := range 10 {
			img.SetGray(at+i, at, color.Gray{})
		}
		return img
	}
	return printer.Face{Front: side(3), Back: side(20), DPI: dpi}
}

// both runs a test in both languages.
func both(t *testing.T, change func(*press.Config, *simulated.Config), test func(*testing.T, *machine, *Printer)) {
	t.Run("usb", func(t *testing.T) {
		m := newMachine(change)
		test(t, m, m.storage(t, nil))
	})
	t.Run("network", func(t *testing.T) {
		m := newMachine(change)
		test(t, m, m.network(t))
	})
}

// TestWaitsForAPrinterThatWarmsUp: polling every 100 ms of the machine's time.
func TestWaitsForAPrinterThatWarmsUp(t *testing.T) {
	warm := func(_ *press.Config, m *simulated.Config) { m.WarmUp = 3 * time.Second }
	both(t, warm, func(t *testing.T, m *machine, p *Printer) {
		s, err := p.Status(t.Context())
		if err != nil || !s.Busy() || m.pauses != 0 {
			t.Fatalf("while it warms up %+v, %v, %d pauses", s, err, m.pauses)
		}
		if err := p.Move(t.Context(), printer.Head); err != nil || m.pauses != 30 {
			t.Errorf("%v after %d pauses, want 30 for 3 s", err, m.pauses)
		}
	})
}

// TestGivesUpABusyPrinter: after five minutes, and at once when the caller does.
func TestGivesUpABusyPrinter(t *testing.T) {
	warm := func(_ *press.Config, m *simulated.Config) { m.WarmUp = time.Hour }
	both(t, warm, func(t *testing.T, m *machine, p *Printer) {
		var fault *printer.FaultError
		if err := p.Move(t.Context(), printer.Head); !errors.As(err, &fault) || fault.Fault.Kind != printer.Broken || m.pauses != pollsMax {
			t.Errorf("%v after %d pauses", err, m.pauses)
		}
		ctx, cancel := context.WithCancel(t.Context())
		p.cfg.Pause = func(ctx context.Context, _ time.Duration) error {
			cancel()
			return ctx.Err()
		}
		if err := p.Move(ctx, printer.Head); !errors.Is(err, context.Canceled) || !errors.As(err, &fault) || fault.Fault.Kind != printer.Wait {
			t.Errorf("called off: %v", err)
		}
		if m.Inside() != nil {
			t.Error("a card was fed")
		}
	})
}

// TestRetriesAreTurnedOff: over USB at the opening; over the network, where that cannot
// be done, the status says that somebody must.
func TestRetriesAreTurnedOff(t *testing.T) {
	retry := func(_ *press.Config, m *simulated.Config) { m.Retry = 3 }
	m := newMachine(retry)
	if p := m.storage(t, nil); m.model.Retry() != 0 || p.Close() != nil {
		t.Errorf("over USB it tries %d times more", m.model.Retry())
	}
	m = newMachine(retry)
	s, err := m.network(t).Status(t.Context())
	if err != nil || len(s.Faults) != 1 || s.Faults[0].Code != "retry-3" || s.Faults[0].Kind != printer.Operator {
		t.Errorf("over the network %+v, %v", s, err)
	}
}

// TestOnlyThePrinterThatIsMeant: by its serial number, from the opening on.
func TestOnlyThePrinterThatIsMeant(t *testing.T) {
	for name, row := range map[string]struct {
		serial string
		kind   string
		text   string
	}{
		"another serial number": {serial: "80000002", kind: "XID580", text: `"80000001" and not "80000002"`},
		"a type that is not":    {kind: "XID9300", text: `of type "XID9300"`},
		"planes of a new size":  {kind: "XID8600", text: "1036 × 664 dots and not 2072 × 1328"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(func(_ *press.Config, c *simulated.Config) { c.Type = row.kind })
			cfg := m.config(&bus{f: m.model}, MassStorage)
			cfg.Serial = row.serial
			var fault *printer.FaultError
			_, err := Open(t.Context(), cfg)
			if !errors.As(err, &fault) || fault.Fault.Kind != printer.Refused || !strings.Contains(err.Error(), row.text) {
				t.Errorf("it says %v, want %s", err, row.text)
			}
		})
	}
}

// TestTheFirstPrinterIsKept: without a serial number any will do, and then no other.
func TestTheFirstPrinterIsKept(t *testing.T) {
	m := newMachine(nil)
	pipe := lines.NewPipe("xid", m.model)
	p := m.open(t, m.config(pipe.Dialer(), Network))
	if is, err := p.Identity(t.Context()); err != nil || is.Serial != "00005e005301" || is.Model != "XID580" || is.DPI != 300 {
		t.Fatalf("%+v, %v", is, err)
	}
	_ = pipe.Unplug()
	if _, err := p.Status(t.Context()); !errors.As(err, new(*wire.Error)) {
		t.Errorf("unplugged: %v", err)
	}
	m.model.Relabel("80000001", [6]byte{0, 0, 0x5E, 0, 0x53, 2})
	if err := pipe.Plug(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Status(t.Context()); !errors.As(err, new(*printer.FaultError)) {
		t.Errorf("another printer: %v", err)
	}
}

// TestACounterThatIsNotUnderstood: a machine that counts otherwise than is assumed is
// found out at its first card, and nothing is claimed of that.
func TestACounterThatIsNotUnderstood(t *testing.T) {
	for _, row := range []struct {
		name  string
		add   uint32 // to the counter, once a card has ink
		wants printer.Surface
	}{
		{"as is assumed", 0, printer.SurfacePrinted},
		{"it counts each transfer", 1, printer.SurfaceSpoilt},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := newMachine(nil)
			p := m.storage(t, func(b *bus) {
				b.reply = func(got []byte) []byte {
					card := m.Inside()
					if len(got) == 52 && card != nil && !card.Blank() {
						binary.BigEndian.PutUint32(got[8:], binary.BigEndian.Uint32(got[8:])+row.add)
					}
					return got
				}
			})
			if err := p.Move(t.Context(), printer.Head); err != nil {
				t.Fatal(err)
			}
			err := p.Print(t.Context(), face(300), nil)
			var pe *printer.PrintError
			switch {
			case row.wants == printer.SurfacePrinted && err != nil,
				row.wants != printer.SurfacePrinted && (!errors.As(err, &pe) || pe.Surface != row.wants || !strings.Contains(err.Error(), "counter")):
				t.Errorf("it says %v, want %s", err, row.wants)
			}
		})
	}
}

// TestOneSideAlone: a back without a front is printed on the back, and in one transfer.
func TestOneSideAlone(t *testing.T) {
	both(t, nil, func(t *testing.T, m *machine, p *Printer) {
		if err := p.Move(t.Context(), printer.Head); err != nil {
			t.Fatal(err)
		}
		f := face(300)
		f.Front = nil
		if err := p.Print(t.Context(), f, nil); err != nil {
			t.Fatal(err)
		}
		card := m.Inside()
		if len(card.Sides[0].Strokes) != 0 || card.Sides[1].Strokes[press.Film] != 1 || m.Snapshot().Cards != 42 {
			t.Errorf("the card took %v, and the counter is %d", card.Sides, m.Snapshot().Cards)
		}
	})
}

// TestColoursGoTogether: a plane that was not sent would be another card's, for the
// printer takes yellow, magenta and cyan as one.
func TestColoursGoTogether(t *testing.T) {
	both(t, nil, func(t *testing.T, m *machine, p *Printer) {
		for n, c := range []color.RGBA{{0, 200, 200, 255}, {255, 255, 0, 255}} {
			if err := p.Move(t.Context(), printer.Head); err != nil {
				t.Fatal(err)
			}
			img := image.NewRGBA(image.Rect(0, 0, 1013, 638))
			for i := 0; i < len(img.Pix); i += 4 {
				copy(img.Pix[i:], []byte{c.R, c.G, c.B, 255})
			}
			if err := p.Print(t.Context(), printer.Face{Front: img, DPI: 300}, nil); err != nil {
				t.Fatal(err)
			}
			ink := m.Inside().Sides[0].Ink
			middle := 332*1036 + 518
			if got, want := [3]byte{ink['C'][middle], ink['M'][middle], ink['Y'][middle]}, [3]byte{255 - c.R, 255 - c.G, 255 - c.B}; got != want {
				t.Errorf("card %d has the ink %v, want %v", n, got, want)
			}
			if err := p.Move(t.Context(), printer.Output); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestMaintenanceIsRefusedWhereNothingIsKnown names the remedy.
func TestMaintenanceIsRefusedWhereNothingIsKnown(t *testing.T) {
	m := newMachine(nil)
	p := m.network(t)
	for name, err := range map[string]error{"clean": p.Clean(t.Context()), "test card": p.PrintTest(t.Context())} {
		if !errors.As(err, new(*printer.FaultError)) || !strings.Contains(err.Error(), "menu") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSuppliesAreCountedInCards with two sides.
func TestSuppliesAreCountedInCards(t *testing.T) {
	for _, row := range []struct {
		name string
		r    ribbon
		want []printer.Supply
		lack string // code
	}{
		{
			"a new YMCKK", ribbon{kind: 4, total: 750, left: 50, film: 10, cards: true},
			[]printer.Supply{{Name: "ribbon", Kind: "YMCKK", Remaining: 750, Capacity: 750}, {Name: "film", Remaining: 375, Capacity: 375}, {Name: "cards", Remaining: -1, Capacity: -1}}, "",
		},
		{
			"a used YMCK", ribbon{kind: 0, total: 1000, left: 37, film: 7},
			[]printer.Supply{{Name: "ribbon", Kind: "YMCK", Remaining: 370, Capacity: 500}, {Name: "film", Remaining: 262, Capacity: 375}, {Name: "cards", Remaining: 0, Capacity: -1}}, "",
		},
		{
			"one it cannot read", ribbon{kind: 0xFE, film: 7, cards: true},
			[]printer.Supply{{Name: "ribbon", Kind: "unknown", Remaining: -1, Capacity: -1}, {Name: "film", Remaining: 262, Capacity: 375}, {Name: "cards", Remaining: -1, Capacity: -1}}, "0003B000",
		},
		{
			"a film at its end", ribbon{kind: 0, total: 1000, left: 1, cards: true},
			[]printer.Supply{{Name: "ribbon", Kind: "YMCK", Remaining: 10, Capacity: 500}, {Name: "film", Remaining: 0, Capacity: 375}, {Name: "cards", Remaining: -1, Capacity: -1}}, "0003A100",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := row.r.supplies()
			for i := range row.want {
				if got[i] != row.want[i] {
					t.Errorf("%+v, want %+v", got[i], row.want[i])
				}
			}
			if lack, _ := row.r.lacks(); lack.Code != row.lack {
				t.Errorf("it lacks %q, want %q", lack.Code, row.lack)
			}
		})
	}
}

// TestEveryKnownCode has a text, a kind and, where a person is needed, a remedy.
func TestEveryKnownCode(t *testing.T) {
	kinds := map[printer.FaultKind]int{}
	for code := range codes {
		f := fault(code)
		kinds[f.Kind]++
		if len(f.Code) != 8 || f.Text == "" || f.Kind == printer.Operator && !strings.Contains(f.Text, ":") {
			t.Errorf("%+v", f)
		}
		if jam := code>>8 >= 0x390 && code>>8 <= 0x395; jam != (f.Kind == printer.Jam) {
			t.Errorf("%s is of the kind %s", f.Code, f.Kind)
		}
	}
	if len(codes) != 37 || kinds[printer.Wait] != 4 || kinds[printer.Jam] != 6 || kinds[printer.Refused] != 3 || kinds[printer.Restarted] != 2 {
		t.Errorf("%d codes of the kinds %v", len(codes), kinds)
	}
	if f := fault(0x000ABC00); f.Code != "000ABC00" || f.Kind != printer.Broken {
		t.Errorf("a code nobody knows is %+v", f)
	}
}
