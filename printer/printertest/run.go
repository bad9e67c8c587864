package printertest

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/simulator/press"
)

// counted is how many cards every model has printed before a test begins.
const counted = 41

// Run is the conformance suite.
func Run(t *testing.T, rig Rig) {
	for _, part := range []struct {
		name string
		test func(*testing.T, Rig)
	}{
		{"identity", testIdentity},
		{"status", testStatus},
		{"every way", testEveryWay},
		{"refused moves", testRefusedMoves},
		{"prints two cards", testPrint},
		{"stages", testStages},
		{"a mark that fails", testMark},
		{"refused faces", testRefusedFaces},
		{"cancelled", testCancel},
		{"found again", testFoundAgain},
		{"another printer", testAnother},
		{"maintenance", testMaintenance},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, rig) })
	}
}

// bench is one model with one driver, and what the model's chips and moments showed.
type bench struct {
	*Bed
	dev printer.Device

	mu      sync.Mutex
	station printer.Position // that has a chip
	chip    any              // which
	cut     func(m press.Moment, after bool) bool
}

// patience and patienceShort are Options.Patience, the second where the printer will stop
// reading.
const (
	patience      = time.Minute
	patienceShort = 2 * time.Second
)

// set up a model whose supplies are full.
func (rig Rig) set(t testing.TB, p time.Duration) *bench {
	t.Helper()
	b := &bench{}
	b.Bed = rig.Start(t, Options{Patience: p, Press: func(c *press.Config) {
		c.Hopper, c.Printed = 5, counted
		c.Ribbon, c.RibbonMax, c.FilmShots, c.FilmMax = 500, 500, 750, 750
		c.Chip = func(n int) any { return n }
		c.Station = b.touched
		c.Moment = b.moment
	}})
	return b
}

func (rig Rig) ready(t testing.TB) *bench {
	t.Helper()
	b := rig.set(t, patience)
	b.dev = b.open(t.Context(), t)
	return b
}

func (b *bench) touched(at printer.Position, c *press.Card) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.station, b.chip = printer.Hopper, nil
	if c != nil {
		b.station, b.chip = at, c.Chip
	}
}

// moment cuts the link when it is time.
func (b *bench) moment(m press.Moment, after bool) {
	b.mu.Lock()
	cut := b.cut != nil && b.cut(m, after)
	b.mu.Unlock()
	if cut {
		b.Cut()
	}
}

// cutAt cuts the link at the n-th such moment from now.
func (b *bench) cutAt(m press.Moment, nth int, after bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := 0
	b.cut = func(now press.Moment, over bool) bool {
		if now == m && over == after {
			seen++
		}
		return now == m && over == after && seen == nth
	}
}

func (b *bench) chips() (printer.Position, any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.station, b.chip
}

func (b *bench) status(t *testing.T) printer.Status {
	t.Helper()
	s, err := b.dev.Status(t.Context())
	if err != nil {
		t.Fatalf("status: %v", err)
	}
	return s
}

func (b *bench) move(t *testing.T, to printer.Position) {
	t.Helper()
	if err := b.dev.Move(t.Context(), to); err != nil {
		t.Fatalf("to %s: %v", to, err)
	}
}

// refuses wants a *printer.FaultError and the machine as it was.
func (b *bench) refuses(t *testing.T, what string, do func() error) {
	t.Helper()
	before := b.Press.Snapshot()
	var fault *printer.FaultError
	if err := do(); !errors.As(err, &fault) {
		t.Errorf("%s: got %v, want a fault", what, err)
	}
	after := b.Press.Snapshot()
	if before.Fed != after.Fed || before.At != after.At || before.Cards != after.Cards || before.Shots != after.Shots {
		t.Errorf("%s: the machine went from %+v to %+v", what, before, after)
	}
}

func testIdentity(t *testing.T, rig Rig) {
	b := rig.ready(t)
	d, ok := b.dev.(printer.Identifier)
	if !ok {
		t.Fatal("the driver does not say which printer it is")
	}
	if is, err := d.Identity(t.Context()); err != nil || is != rig.Identity {
		t.Errorf("it is %+v (%v), want %+v", is, err, rig.Identity)
	}
}

func testStatus(t *testing.T, rig Rig) {
	b := rig.ready(t)
	s := b.status(t)
	if s.Position != printer.Hopper || s.CardsPrinted != counted || len(s.Faults) != 0 {
		t.Errorf("at the start %+v", s)
	}
	if len(s.Supplies) == 0 {
		t.Error("it says nothing of supplies")
	}
	for _, left := range s.Supplies {
		if left.Name == "" || left.Remaining == 0 || left.Remaining < -1 || left.Capacity < -1 {
			t.Errorf("supply %+v of a full machine", left)
		}
	}
	b.Press.SetSupplies(0, 500, 750, false)
	if s = b.status(t); !stops(s) {
		t.Errorf("with an empty hopper %+v", s)
	}
	b.Press.Refill(5)
	b.Press.Cover(true)
	if s = b.status(t); !stops(s) {
		t.Errorf("with an open cover %+v", s)
	}
}

// stops is whether a station must not begin a card.
func stops(s printer.Status) bool {
	for _, f := range s.Faults {
		if f.Kind != printer.Wait {
			return true
		}
	}
	for _, left := range s.Supplies {
		if left.Remaining == 0 && left.Name != "cleaning" {
			return true
		}
	}
	return false
}

// testEveryWay goes from everywhere to everywhere, and holds what the driver says against
// where the card is.
func testEveryWay(t *testing.T, rig Rig) {
	b := rig.ready(t)
	b.Press.Refill(20)
	stations := []printer.Position{printer.Contact, printer.Contactless, printer.Head}
	for _, from := range stations {
		for _, to := range append(stations, printer.Output, printer.Reject) {
			b.move(t, from)
			card := b.Press.Inside()
			b.arrived(t, card, from)
			b.move(t, to)
			b.arrived(t, card, to)
			if to != printer.Output && to != printer.Reject {
				b.move(t, printer.Output)
			}
			if b.Press.Inside() != nil {
				t.Fatalf("from %s to %s: a card stayed inside", from, to)
			}
			if !card.Blank() {
				t.Fatalf("from %s to %s: ink is on the card", from, to)
			}
		}
	}
	if s := b.status(t); s.CardsPrinted != counted {
		t.Errorf("moving cards counted %d printed", s.CardsPrinted-counted)
	}
}

func (b *bench) arrived(t *testing.T, card *press.Card, at printer.Position) {
	t.Helper()
	if card == nil || b.Press.Where(card) != at {
		t.Fatalf("moved to %s, and the card is elsewhere", at)
	}
	said := b.status(t).Position
	if want := map[bool]printer.Position{true: at, false: printer.Hopper}[b.Press.Inside() != nil]; said != want {
		t.Errorf("it says %s of a card at %s", said, at)
	}
	station, chip := b.chips()
	if at != printer.Contact && at != printer.Contactless {
		at = printer.Hopper
	}
	if station != at || at != printer.Hopper && chip != card.Chip {
		t.Errorf("the station at %s has the chip %v, want %v at %s", station, chip, card.Chip, at)
	}
}

func testRefusedMoves(t *testing.T, rig Rig) {
	b := rig.ready(t)
	to := func(p printer.Position) func() error {
		return func() error { return b.dev.Move(t.Context(), p) }
	}
	b.refuses(t, "deliver nothing", to(printer.Output))
	b.refuses(t, "reject nothing", to(printer.Reject))
	b.refuses(t, "move to nowhere", to(printer.Lost))
	b.refuses(t, "back into the hopper", to(printer.Hopper))
	b.refuses(t, "print nothing", func() error { return b.dev.Print(t.Context(), small(rig.Identity.DPI, 1), nil) })
	b.Press.SetSupplies(0, 500, 750, false)
	b.refuses(t, "feed from an empty hopper", to(printer.Contact))
	b.Press.Refill(5)
	b.Press.Cover(true)
	b.refuses(t, "feed with the cover open", to(printer.Contact))
	b.Press.Cover(false)
	b.move(t, printer.Contact)
	b.refuses(t, "back into the hopper with a card", to(printer.Hopper))
	b.refuses(t, "print at the contact station", func() error { return b.dev.Print(t.Context(), small(rig.Identity.DPI, 1), nil) })
	b.move(t, printer.Output)
}

// testPrint prints two cards with other faces, one after the other, and looks at every dot.
func testPrint(t *testing.T, rig Rig) {
	b := rig.ready(t)
	for n := range 2 {
		face := whole(rig.Identity.DPI, 1+10*n)
		if n == 1 {
			face.Back = white(200, 100) // one side alone, and nothing of the card before
		}
		b.move(t, printer.Contact)
		b.move(t, printer.Head)
		card := b.Press.Inside()
		if err := b.dev.Print(t.Context(), face, nil); err != nil {
			t.Fatalf("card %d: %v", n+1, err)
		}
		if s := b.status(t); s.CardsPrinted != counted+1+uint64(n) {
			t.Errorf("card %d: the counter is %d", n+1, s.CardsPrinted)
		}
		if b.Press.Inside() != card {
			t.Errorf("card %d did not stay inside", n+1)
		}
		b.move(t, printer.Output)
		if err := rig.holds(b.Press, card, face); err != nil {
			t.Errorf("card %d: %v", n+1, err)
		}
	}
}

// holds is nil when a card has exactly a face, once.
func (rig Rig) holds(p *press.Press, card *press.Card, face printer.Face) error {
	width, height := p.Size()
	for i, img := range []image.Image{face.Front, face.Back} {
		want := rig.planes(img, width, height)
		if !card.Has(i, want) {
			return fmt.Errorf("side %d does not have its planes: %s", i, differ(card.Side(i), want))
		}
	}
	if card.Twice() {
		return errors.New("it was printed twice")
	}
	return nil
}

// wanted keeps the planes of sides that were asked for before, by rig and side: the table
// has the same two faces in all its cases.
var wanted sync.Map

type wantedKey struct {
	rig  string
	side image.Image
}

func (rig Rig) planes(side image.Image, width, height int) press.Planes {
	if !kept(side) {
		return rig.Planes(side, width, height)
	}
	key := wantedKey{rig.Name, side}
	if found, ok := wanted.Load(key); ok {
		return found.(press.Planes)
	}
	planes := rig.Planes(side, width, height)
	wanted.Store(key, planes)
	return planes
}

// differ says how far ink is from what was wanted.
func differ(got press.Side, want press.Planes) string {
	text := fmt.Sprintf("half %v", got.Half)
	for _, panel := range []byte("YMCK") {
		has, wants := got.Ink[panel], want[panel]
		if len(has) != len(wants) {
			text += fmt.Sprintf("; %c: %d dots of %d", panel, len(has), len(wants))
			continue
		}
		wrong, first := 0, -1
		for i, b := range wants {
			if has[i] != b {
				wrong++
				if first < 0 {
					first = i
				}
			}
		}
		text += fmt.Sprintf("; %c: %d of %d dots differ, the first is %d", panel, wrong, len(wants), first)
	}
	return text
}

// afterPlanes bounds what is sent after PlanesSent: commands, and no plane.
const afterPlanes = 4096

// testStages: in order, each before its command, and the counter moves between the last
// two and at no other time.
func testStages(t *testing.T, rig Rig) {
	b := rig.ready(t)
	b.move(t, printer.Head)
	card, face := b.Press.Inside(), small(rig.Identity.DPI, 3)
	var stages []printer.Stage
	var received []int
	err := b.dev.Print(t.Context(), face, func(s printer.Stage) error {
		stages = append(stages, s)
		received = append(received, b.Received())
		blank, cards := card.Blank(), b.Press.Snapshot().Cards
		if done := s == printer.CommitDone; blank == done || (cards == counted+1) != done {
			t.Errorf("at %s the card is blank: %v, and the counter %d", s, blank, cards)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(stages) != 3 || stages[0] != printer.PlanesSent || stages[1] != printer.CommitSent || stages[2] != printer.CommitDone {
		t.Fatalf("told %v", stages)
	}
	if late := b.Received() - received[0]; late > afterPlanes {
		t.Errorf("%d bytes came after planes-sent", late)
	}
	if err := rig.holds(b.Press, card, face); err != nil {
		t.Error(err)
	}
}

// testMark: a mark that fails before the commit leaves the card blank, and the same card
// is printed then; one that fails after it says that the card is printed.
func testMark(t *testing.T, rig Rig) {
	failed := errors.New("the disk is full")
	b := rig.ready(t)
	b.move(t, printer.Head)
	card, face := b.Press.Inside(), small(rig.Identity.DPI, 5)
	for _, at := range []printer.Stage{printer.PlanesSent, printer.CommitSent, printer.CommitDone} {
		err := b.dev.Print(t.Context(), face, func(s printer.Stage) error {
			if s == at {
				return failed
			}
			return nil
		})
		want := map[bool]printer.Surface{true: printer.SurfacePrinted, false: printer.SurfaceBlank}[at == printer.CommitDone]
		var pe *printer.PrintError
		if !errors.As(err, &pe) || !errors.Is(err, failed) || pe.Surface != want {
			t.Errorf("at %s: %v, want the mark's error and %s", at, err, want)
		}
		if blank := card.Blank(); blank != (want == printer.SurfaceBlank) {
			t.Errorf("at %s: the card is blank: %v", at, blank)
		}
	}
	b.move(t, printer.Output)
	if err := rig.holds(b.Press, card, face); err != nil {
		t.Error(err)
	}
}

func testRefusedFaces(t *testing.T, rig Rig) {
	b := rig.ready(t)
	b.move(t, printer.Head)
	dpi := rig.Identity.DPI
	huge := small(dpi, 1)
	huge.Back = lettered(3*dpi*4, 3*dpi*3, 1)
	for name, face := range map[string]printer.Face{
		"another resolution": small(dpi+1, 1),
		"larger than a card": huge,
		"nothing to print":   {Front: white(100, 100), Back: white(100, 100), DPI: dpi},
	} {
		received := b.Received()
		b.refuses(t, name, func() error { return b.dev.Print(t.Context(), face, nil) })
		if sent := b.Received() - received; sent > afterPlanes {
			t.Errorf("%s: %d bytes were sent first", name, sent)
		}
	}
	if card := b.Press.Inside(); card == nil || !card.Blank() {
		t.Error("the card is not blank")
	}
}

// testCancel: a context that ends while the planes are sent, or before anything is.
func testCancel(t *testing.T, rig Rig) {
	b := rig.ready(t)
	b.move(t, printer.Head)
	card, face := b.Press.Inside(), small(rig.Identity.DPI, 9)
	ctx, cancel := context.WithCancel(t.Context())
	b.mu.Lock()
	b.cut = func(m press.Moment, _ bool) bool {
		if m == press.Receiving {
			cancel()
		}
		return false
	}
	b.mu.Unlock()
	b.Press.Arm(press.Mishap{When: press.Receiving, Kind: press.Deafens})
	err := b.dev.Print(ctx, face, nil)
	var pe *printer.PrintError
	if !errors.As(err, &pe) || pe.Surface != printer.SurfaceBlank || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled in a plane: %v", err)
	}
	if err := b.dev.Move(ctx, printer.Output); err == nil || b.Press.Inside() != card {
		t.Errorf("a call whose context is over: %v", err)
	}
	b.Press.Hear()
	if s := b.status(t); s.Position != printer.Head {
		t.Errorf("afterwards the card is said to be at %s", s.Position)
	}
	if err := b.dev.Print(t.Context(), face, nil); err != nil {
		t.Fatalf("the same card afterwards: %v", err)
	}
	if err := rig.holds(b.Press, card, face); err != nil {
		t.Error(err)
	}
}

// testFoundAgain: the link is cut and comes back; the driver dials by itself.
func testFoundAgain(t *testing.T, rig Rig) {
	b := rig.ready(t)
	b.move(t, printer.Contact)
	for range 2 {
		b.Cut()
		if _, err := b.dev.Status(t.Context()); err == nil {
			t.Error("it answers over a link that is cut")
		}
		b.Restore(false)
		s, err := b.again(t)
		if err != nil || s.Position != printer.Contact || s.CardsPrinted != counted {
			t.Fatalf("found again it says %+v (%v)", s, err)
		}
	}
	b.move(t, printer.Output)
}

// again asks for the status until the link is back: the first call may be the one that
// finds it broken.
func (b *bench) again(t testing.TB) (s printer.Status, err error) {
	for range 3 {
		if s, err = b.dev.Status(t.Context()); err == nil {
			break
		}
	}
	return s, err
}

// testAnother: another printer at the same place is not taken for the one that was there.
func testAnother(t *testing.T, rig Rig) {
	b := rig.ready(t)
	b.move(t, printer.Contact)
	card := b.Press.Inside()
	b.Cut()
	b.Restore(true)
	if s, err := b.again(t); err == nil {
		t.Errorf("another printer passes for this one: %+v", s)
	}
	if err := b.dev.Move(t.Context(), printer.Reject); err == nil || b.Press.Inside() != card {
		t.Errorf("another printer's card was moved: %v", err)
	}
	if d, err := b.Open(t.Context()); err == nil {
		t.Errorf("another printer is opened as this one: %v", d)
	}
	b.Cut()
	b.Restore(false)
	if s, err := b.again(t); err != nil || s.Position != printer.Contact {
		t.Errorf("back again: %+v, %v", s, err)
	}
}

func testMaintenance(t *testing.T, rig Rig) {
	b := rig.ready(t)
	m, ok := b.dev.(printer.Maintainer)
	if !ok {
		t.Fatal("the driver maintains nothing")
	}
	test := func() error { return m.PrintTest(t.Context()) }
	clean := func() error { return m.Clean(t.Context()) }
	if rig.NoTestCard {
		b.refuses(t, "a test card", test)
	} else if err := test(); err != nil {
		t.Errorf("a test card: %v", err)
	} else if s := b.Press.Snapshot(); s.Output != 1 || s.Inside || b.Press.Cards()[0].Blank() {
		t.Errorf("after a test card %+v", s)
	}
	if rig.NoClean {
		b.refuses(t, "cleaning", clean)
	} else if err := clean(); err != nil {
		t.Errorf("cleaning: %v", err)
	} else if n := b.Press.Snapshot().Cleanings; n != 1 {
		t.Errorf("it was cleaned %d times", n)
	}
	b.move(t, printer.Head)
	if !rig.NoTestCard {
		b.refuses(t, "a test card over a card", test)
	}
	if !rig.NoClean {
		b.refuses(t, "cleaning over a card", clean)
	}
}
