package press_test

import (
	"bytes"
	"errors"
	"image/png"
	"slices"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/simulator/press"
)

const width, height = 8, 4

// filled is a plane of one ink.
func filled(b byte) []byte { return bytes.Repeat([]byte{b}, width*height) }

func machine(change func(*press.Config)) *press.Press {
	cfg := press.Config{Width: width, Height: height, Panels: "YMCKO", Hopper: 5, Ribbon: 10, FilmShots: 10, Printed: 41}
	if change != nil {
		change(&cfg)
	}
	return press.New(cfg)
}

func must(t *testing.T, steps ...*press.Trouble) {
	t.Helper()
	for i, s := range steps {
		if s != nil {
			t.Fatalf("step %d: %v", i, s)
		}
	}
}

// both prints both sides on film, transfers and counts, as a re-transfer printer is told.
func both(p *press.Press) *press.Trouble {
	p.Load(0, 'Y', filled(7))
	p.Load(0, 'K', filled(255))
	for _, do := range []func() *press.Trouble{
		func() *press.Trouble { return p.PrintFilm(0, "YK") },
		func() *press.Trouble { return p.Transfer(true) },
		func() *press.Trouble { return p.PrintFilm(0, "K") },
		func() *press.Trouble { return p.Transfer(false) },
		p.Commit,
	} {
		if t := do(); t != nil {
			return t
		}
	}
	return nil
}

// TestACardGoesItsWay: fed, shown to both stations, printed on both sides, counted and
// delivered; the card remembers what it took.
func TestACardGoesItsWay(t *testing.T) {
	var told []string
	p := machine(func(c *press.Config) {
		c.Film = true
		c.Chip = func(n int) any { return n * 100 }
		c.Station = func(at printer.Position, c *press.Card) {
			if c == nil {
				told = append(told, at.String()+" free")
			} else {
				told = append(told, at.String())
			}
		}
	})
	must(t, p.Feed(printer.Contact), p.Engage(printer.Contact), p.Move(printer.Contactless),
		p.Engage(printer.Contactless), p.Release(), p.Move(printer.Head))
	if want := []string{"contact", "contact free", "contactless", "contactless free"}; !slices.Equal(told, want) {
		t.Errorf("the stations saw %q, want %q", told, want)
	}
	card := p.Inside()
	if card.Chip != 100 || !card.Blank() {
		t.Errorf("chip %v, blank %v", card.Chip, card.Blank())
	}
	must(t, both(p), p.Move(printer.Output))
	if p.Where(card) != printer.Output || p.Snapshot().Cards != 42 || p.Snapshot().Hopper != 4 {
		t.Errorf("the card is at %s, %d printed, %d in the hopper", p.Where(card), p.Snapshot().Cards, p.Snapshot().Hopper)
	}
	if !card.Has(0, press.Planes{'Y': filled(7), 'K': filled(255), 'C': filled(0)}) || !card.Has(1, press.Planes{'K': filled(255)}) || card.Twice() || card.Half() {
		t.Errorf("the card has %v", card.Sides)
	}
	if card.Has(1, press.Planes{'Y': filled(7), 'K': filled(255)}) {
		t.Error("the back passes for the front")
	}
}

// TestBring: from the hopper and from within, and at a station the chip is touched.
func TestBring(t *testing.T) {
	p := machine(nil)
	for _, at := range []printer.Position{printer.Contact, printer.Head, printer.Contactless} {
		must(t, p.Bring(at))
		engaged := at
		if at == printer.Head {
			engaged = printer.Hopper
		}
		if s := p.Snapshot(); s.At != at || s.Engaged != engaged || s.Fed != 1 {
			t.Errorf("brought to %s it is at %s, touched at %s, %d were fed", at, s.At, s.Engaged, s.Fed)
		}
	}
	must(t, p.Move(printer.Output))
	p.SetSupplies(0, 1, 1, false)
	if why := p.Bring(printer.Head); why == nil || why.Why != press.Empty {
		t.Errorf("from an empty hopper: %v", why)
	}
}

// TestInkStaysWhereItCame: in direct printing a stop leaves the rows above it, on film it
// leaves the card alone until the transfer.
func TestInkStaysWhereItCame(t *testing.T) {
	rows := []struct {
		name   string
		film   bool
		mishap press.Mishap
		why    press.Why
		blank  bool
		half   bool
		counts uint64
	}{
		{"ribbon ends before the first panel", false, press.Mishap{When: press.Inking, Kind: press.RibbonEnds}, press.RibbonOut, true, false, 41},
		{"ribbon ends in the second panel", false, press.Mishap{When: press.Inking, Nth: 2, Kind: press.RibbonEnds, Share: 0.5}, press.RibbonOut, false, true, 41},
		{"power is cut in the first panel", false, press.Mishap{When: press.Inking, Kind: press.PowerCut, Share: 0.5}, press.NoPower, false, true, 41},
		{"ribbon ends on the film", true, press.Mishap{When: press.Heating, Nth: 2, Kind: press.RibbonEnds, Share: 0.5}, press.RibbonOut, true, false, 41},
		{"film jams before the transfer", true, press.Mishap{When: press.Inking, Kind: press.Jam}, press.Jammed, true, false, 41},
		{"film jams in the transfer", true, press.Mishap{When: press.Inking, Kind: press.Jam, Share: 0.5}, press.Jammed, false, true, 41},
		{"power is cut before it counts", true, press.Mishap{When: press.Counting, Kind: press.PowerCut}, press.NoPower, false, false, 41},
		{"power is cut when it has counted", true, press.Mishap{When: press.Counting, Kind: press.PowerCut, Share: 1}, press.NoPower, false, false, 42},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := machine(func(c *press.Config) { c.Film = row.film })
			must(t, p.Feed(printer.Head))
			p.Arm(row.mishap)
			var trouble *press.Trouble
			if row.film {
				trouble = both(p)
			} else {
				p.Load(0, 'Y', filled(9))
				p.Load(0, 'K', filled(9))
				trouble = p.PrintDirect(0, "YKO")
			}
			if trouble == nil || trouble.Why != row.why {
				t.Fatalf("told %v, want %v", trouble, row.why)
			}
			c := p.Cards()[0]
			if c.Blank() != row.blank || c.Half() != row.half || p.Snapshot().Cards != row.counts {
				t.Errorf("blank %v, half %v, counter %d", c.Blank(), c.Half(), p.Snapshot().Cards)
			}
		})
	}
}

// TestPrintedTwiceShows: the same panel on the same side again is a reprint.
func TestPrintedTwiceShows(t *testing.T) {
	p := machine(nil)
	p.Load(0, 'K', filled(255))
	must(t, p.Feed(printer.Head), p.PrintDirect(0, "K"))
	if c := p.Inside(); c.Twice() {
		t.Error("once is told to be twice")
	}
	must(t, p.PrintDirect(0, "K"))
	if c := p.Inside(); !c.Twice() {
		t.Error("a reprint is not seen")
	}
}

// TestWhatCannotBeDoneIsRefused: each state of the machine stops what it must, and moves
// nothing.
func TestWhatCannotBeDoneIsRefused(t *testing.T) {
	feed := func(p *press.Press) *press.Trouble { return p.Feed(printer.Head) }
	rows := []struct {
		name string
		set  func(*press.Press)
		do   func(*press.Press) *press.Trouble
		want press.Why
	}{
		{"no cards", func(p *press.Press) { p.SetSupplies(0, 1, 1, false) }, feed, press.Empty},
		{"cover open", func(p *press.Press) { p.Cover(true) }, feed, press.CoverOpen},
		{"no power", func(p *press.Press) { p.PowerOff() }, feed, press.NoPower},
		{"a card inside", func(p *press.Press) { fed(p) }, feed, press.Occupied},
		{"to the output", nil, func(p *press.Press) *press.Trouble { return p.Feed(printer.Output) }, press.Unreachable},
		{"nothing to move", nil, func(p *press.Press) *press.Trouble { return p.Move(printer.Output) }, press.NoCard},
		{"nothing to turn", nil, (*press.Press).Flip, press.NoCard},
		{"nothing at the station", func(p *press.Press) { fed(p) }, func(p *press.Press) *press.Trouble { return p.Engage(printer.Contact) }, press.NoCard},
		{"reject bin full", func(p *press.Press) { fed(p); p.FillReject() }, func(p *press.Press) *press.Trouble { return p.Move(printer.Reject) }, press.RejectFull},
		{"wrong ribbon", func(p *press.Press) { p.SetSupplies(1, 1, 1, true); fed(p) }, func(p *press.Press) *press.Trouble { return p.PrintFilm(0, "K") }, press.RibbonWrong},
		{"nothing loaded", func(p *press.Press) { fed(p) }, func(p *press.Press) *press.Trouble { return p.PrintDirect(0, "K") }, press.NotLoaded},
		{"no film loaded", func(p *press.Press) { fed(p) }, func(p *press.Press) *press.Trouble { return p.Transfer(false) }, press.NotLoaded},
		{"cleaning over a card", func(p *press.Press) { fed(p) }, (*press.Press).Clean, press.Occupied},
		{"power lost over a card", func(p *press.Press) { fed(p); p.PowerOff(); p.PowerOn() }, func(p *press.Press) *press.Trouble { return p.Move(printer.Output) }, press.NoCard},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := machine(nil)
			if row.set != nil {
				row.set(p)
			}
			before := p.Snapshot().Fed
			got := row.do(p)
			if got == nil || got.Why != row.want {
				t.Fatalf("told %v, want %v", got, row.want)
			}
			if p.Snapshot().Fed != before {
				t.Error("a card was fed")
			}
		})
	}
}

// TestPowerForgets: planes and the card's place are gone, the counter is not, and a hand
// brings the machine back.
func TestPowerForgets(t *testing.T) {
	p := machine(nil)
	must(t, p.Feed(printer.Contact))
	p.Load(0, 'K', filled(1))
	p.PowerOff()
	p.PowerOn()
	s := p.Snapshot()
	if s.At != printer.Lost || !s.Inside || p.Loaded(0) != "" || s.Cards != 41 || !p.Restarted() || p.Restarted() {
		t.Errorf("%+v, loaded %q", s, p.Loaded(0))
	}
	var trouble *press.Trouble
	if err := error(p.Initialise()); !errors.As(err, &trouble) || trouble.Why != press.Jammed || trouble.At != printer.Contact {
		t.Errorf("initialising over a lost card: %v", err)
	}
	if c := p.TakeOut(); c == nil || c.Number != 1 {
		t.Fatalf("a hand took out %v", c)
	}
	must(t, p.Initialise(), p.Feed(printer.Head))
	if p.Inside().Number != 2 {
		t.Errorf("card %d follows", p.Inside().Number)
	}
}

// TestMomentsAreTold: before and after, so that a bed can cut the link between.
func TestMomentsAreTold(t *testing.T) {
	var told []string
	p := machine(func(c *press.Config) {
		c.Moment = func(m press.Moment, after bool) {
			if after {
				told = append(told, "after "+m.String())
			} else {
				told = append(told, m.String())
			}
		}
	})
	must(t, p.Feed(printer.Head), p.Receive())
	p.Arm(press.Mishap{When: press.Receiving, Kind: press.Deafens})
	must(t, p.Receive())
	if !p.Deaf() {
		t.Error("it still reads")
	}
	p.Hear()
	if want := []string{"feeding", "after feeding", "receiving", "after receiving", "receiving", "after receiving"}; !slices.Equal(told, want) || p.Deaf() {
		t.Errorf("told %q", told)
	}
}

// TestTimesAddUp: an hour of colour cards on film is the 150 that the times are made for,
// and nobody waits for it.
func TestTimesAddUp(t *testing.T) {
	clock := &press.Virtual{}
	p := machine(func(c *press.Config) {
		c.Film, c.Clock, c.Hopper, c.Ribbon, c.FilmShots, c.OutputMax = true, clock, 200, 200, 200, 200
	})
	for _, panel := range []byte("YMCK") {
		p.Load(0, panel, filled(1))
	}
	cards := 0
	for ; clock.Now() < time.Hour; cards++ {
		must(t, p.Feed(printer.Head))
		if p.BusyFor() == 0 {
			t.Fatal("feeding takes no time")
		}
		must(t, p.Move(printer.Head), p.PrintFilm(0, "YMCK"), p.Transfer(false), p.Commit(), p.Move(printer.Output))
		p.Settle()
	}
	if cards != 150 {
		t.Errorf("%d cards an hour", cards)
	}
}

// TestMaintenance: the cleaning card is used up and its counter begins anew; the test
// card is printed, counted and delivered, in both ways of printing.
func TestMaintenance(t *testing.T) {
	for _, film := range []bool{false, true} {
		p := machine(func(c *press.Config) { c.Film, c.CleanEvery = film, 1 })
		must(t, p.TestCard())
		s := p.Snapshot()
		if s.Cards != 42 || s.Output != 1 || !s.NeedsCleaning || p.Cards()[0].Blank() || s.Passes != 1 {
			t.Errorf("film %v: %+v", film, s)
		}
		must(t, p.Clean())
		if s := p.Snapshot(); s.NeedsCleaning || s.Cleanings != 1 || s.Hopper != 3 {
			t.Errorf("film %v: %+v", film, s)
		}
	}
}

// TestTheFaceCanBeSeen: ink takes light from white, resin takes it all.
func TestTheFaceCanBeSeen(t *testing.T) {
	p := machine(nil)
	yellow, black := filled(0), filled(0)
	yellow[0], black[1] = 255, 255
	p.Load(0, 'Y', yellow)
	p.Load(0, 'K', black)
	must(t, p.Feed(printer.Head), p.PrintDirect(0, "YK"))
	var file bytes.Buffer
	if err := p.Inside().WritePNG(&file, 0); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range [][3]uint32{{0xffff, 0xffff, 0}, {0, 0, 0}, {0xffff, 0xffff, 0xffff}} {
		r, g, b, _ := img.At(x, 0).RGBA()
		if [3]uint32{r, g, b} != want {
			t.Errorf("dot %d is %04x %04x %04x", x, r, g, b)
		}
	}
}

// fed has a card at the head already.
func fed(p *press.Press) {
	if t := p.Feed(printer.Head); t != nil {
		panic(t)
	}
}
