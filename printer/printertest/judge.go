package printertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"jukicard/printer"
	"jukicard/printer/wire"
	"jukicard/simulator/press"
)

// Verdict is how the fault table ended with one rig.
type Verdict struct {
	Cases, Wrong int
	Twice        int // cards that were printed twice, which also are wrong
}

// Judge runs every row of the fault table that a rig has.
func Judge(t *testing.T, rig Rig) Verdict {
	var v Verdict
	rows := Rows()
	for name, d := range rig.Differs {
		if d.Because == "" || !slices.ContainsFunc(rows, func(r Row) bool { return r.Name == name }) {
			t.Errorf("%s differs in %q, which is no row, or without a reason", rig.Name, name)
		}
	}
	for _, row := range rows {
		if row.want(rig) == (Want{}) {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			twice, wrong := rig.judge(t, row)
			v.Cases++ // after a model that could not be started
			if twice {
				v.Twice++
			}
			if wrong != nil {
				v.Wrong++
				t.Error(wrong)
			}
		})
	}
	return v
}

// judge runs one row. It says whether a card was printed twice, and what is wrong.
func (rig Rig) judge(t testing.TB, row Row) (twice bool, wrong error) {
	wait := patience
	if row.Mishap != nil && row.Mishap.Kind == press.Deafens {
		wait = patienceShort
	}
	c := &clerk{bench: rig.set(t, wait), rig: rig, row: row, want: row.want(rig)}
	wrong = c.work(t)
	return slices.ContainsFunc(c.Press.Cards(), (*press.Card).Twice), wrong
}

// clerk does what a station does with a card, and what its rules say after a failure: it
// believes nobody but the printer, and where that does not know, it does not either.
type clerk struct {
	*bench
	rig  Rig
	row  Row
	want Want

	face      printer.Face
	before    uint64 // the counter before Print
	committed bool   // Print told CommitSent
}

// first and second are the seeds of the faces of a case's two cards.
const first, second = 2, 4

// work is one case: a first card with the fault, and where that was lost a second, to see
// that all is well again. It says what is wrong.
func (c *clerk) work(t testing.TB) error {
	ctx := t.Context()
	if c.row.Set != nil {
		c.row.Set(c.Press)
	}
	c.dev = c.open(ctx, t)
	c.Press.Arm(c.row.mishaps(c.rig)...)
	if c.row.Cut.When != 0 {
		c.cutAt(c.row.Cut.When, c.rig.nth(c.row.Cut.When, c.row.Cut.Nth), c.row.Cut.After)
	}
	c.face = small(c.rig.Identity.DPI, first)
	at, err := c.card(ctx, Feed)
	if wrong := c.asTold(at, err); wrong != nil {
		return wrong
	}
	surface, wrong := c.resolve(t, at, err)
	if wrong != nil {
		return wrong
	}
	if wrong := c.ended(surface); wrong != nil {
		return wrong
	}
	if c.want.End == Delivered {
		return nil // the card itself has shown that all is well again
	}
	return c.next(ctx)
}

// card takes one card through the calls from one on, and says which failed.
func (c *clerk) card(ctx context.Context, from Call) (Call, error) {
	way := []Call{Feed, Head, Print, Deliver}
	if c.row.ChipFails {
		way = []Call{Feed, Void}
	}
	for _, call := range way[max(slices.Index(way, from), 0):] {
		if err := c.call(ctx, call); err != nil {
			return call, err
		}
	}
	return None, nil
}

func (c *clerk) call(ctx context.Context, call Call) error {
	switch call {
	case Feed:
		return c.feed(ctx)
	case Head:
		return c.dev.Move(ctx, printer.Head)
	case Void:
		return c.dev.Move(ctx, printer.Reject)
	case Print:
		return c.print(ctx)
	}
	return c.dev.Move(ctx, printer.Output)
}

// feed looks at the printer first: what it lacks is mended before a card is spent.
func (c *clerk) feed(ctx context.Context) error {
	s, err := c.dev.Status(ctx)
	if err != nil {
		return err
	}
	if s.Position == printer.Hopper && stops(s) {
		f := printer.Fault{Code: "-", Kind: printer.Operator, Text: "a supply is at its end"}
		if len(s.Faults) > 0 {
			f = s.Faults[0]
		}
		return &printer.FaultError{Op: "begin a card", Fault: f}
	}
	return c.dev.Move(ctx, printer.Contact)
}

func (c *clerk) print(ctx context.Context) error {
	s, err := c.dev.Status(ctx)
	if err != nil {
		return err
	}
	c.before, c.committed = s.CardsPrinted, false
	return c.dev.Print(ctx, c.face, func(s printer.Stage) error {
		c.committed = c.committed || s == printer.CommitSent
		return nil
	})
}

// asTold holds the failure against the row.
func (c *clerk) asTold(at Call, err error) error {
	if at != c.want.Fails {
		return fmt.Errorf("it failed at %s (%v), want %s", at, err, c.want.Fails)
	}
	var fault *printer.FaultError
	var link *wire.Error
	says, breaks := errors.As(err, &fault), errors.As(err, &link)
	switch {
	case err == nil:
		return nil
	case c.want.Answer == Says && (!says || fault.Fault.Kind != c.want.Kind):
		return fmt.Errorf("it failed with %v, want a fault of the kind %s", err, c.want.Kind)
	case c.want.Answer == Breaks && (says || !breaks):
		return fmt.Errorf("it failed with %v, want a link that failed", err)
	}
	if at == Print && !errors.As(err, new(*printer.PrintError)) {
		return fmt.Errorf("print failed with %v, which says nothing of the card", err)
	}
	return nil
}

// resolve mends what failed, finds out what is on the card, and ends it.
func (c *clerk) resolve(t testing.TB, at Call, failed error) (printer.Surface, error) {
	if at == None {
		return map[bool]printer.Surface{true: printer.SurfaceBlank, false: printer.SurfacePrinted}[c.row.ChipFails], nil
	}
	if wrong := c.mend(t); wrong != nil {
		return 0, wrong
	}
	s, err := c.again(t)
	if err != nil {
		return 0, fmt.Errorf("mended, it still does not answer: %w", err)
	}
	surface, err := c.surface(t.Context(), at, failed, s)
	if err != nil {
		return 0, err
	}
	if wrong := c.true(surface); wrong != nil {
		return 0, wrong
	}
	return surface, c.end(t.Context(), at, surface, s)
}

// mend is what the operator does.
func (c *clerk) mend(t testing.TB) error {
	if c.row.Mend != nil {
		c.row.Mend(c.Press)
	}
	if c.row.Stranger {
		c.Restore(true)
		if s, err := c.again(t); err == nil {
			return fmt.Errorf("another printer is taken for this one: %+v", s)
		}
		c.Cut()
	}
	c.Restore(false)
	return nil
}

// surface is what is known of the card's face, by the rules: before the commit was told
// nothing was done to it; after it the print says, and then the printer.
func (c *clerk) surface(ctx context.Context, at Call, failed error, s printer.Status) (printer.Surface, error) {
	switch at {
	case Deliver:
		return printer.SurfacePrinted, nil
	case Print:
	default:
		return printer.SurfaceBlank, nil
	}
	var pe *printer.PrintError
	_ = errors.As(failed, &pe) // asTold has seen to it
	switch {
	case !c.committed && pe.Surface != printer.SurfaceBlank:
		return 0, fmt.Errorf("nothing was committed, and the card is said to be %s", pe.Surface)
	case pe.Surface != printer.SurfaceUnknown:
		return pe.Surface, nil
	}
	if judge, ok := c.dev.(printer.Judge); ok {
		return judge.Surface(ctx, c.before)
	}
	return s.Since(c.before), nil
}

// inked is the first card of the case, nil when none was fed.
func (c *clerk) inked() *press.Card {
	if all := c.Press.Cards(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// true holds what is claimed of the card against the card.
func (c *clerk) true(claimed printer.Surface) error {
	card := c.inked()
	blank := card == nil || card.Blank()
	complete := !blank && c.rig.holds(c.Press, card, c.face) == nil
	switch {
	case claimed == printer.SurfaceBlank && !blank,
		claimed == printer.SurfacePrinted && !complete,
		claimed == printer.SurfaceSpoilt && (blank || complete):
		return fmt.Errorf("the card is said to be %s; it is blank: %v, complete: %v", claimed, blank, complete)
	case claimed != c.want.Surface:
		return fmt.Errorf("the card is said to be %s, want %s", claimed, c.want.Surface)
	}
	return nil
}

// end brings the card to its end: on with one that is blank, out with one that is printed,
// away with any other; a hand where the printer has lost it.
func (c *clerk) end(ctx context.Context, at Call, surface printer.Surface, s printer.Status) error {
	switch {
	case s.Position == printer.Lost:
		c.Press.TakeOut()
		return nil
	case s.Position == printer.Hopper && at == Feed:
		_, err := c.card(ctx, Feed) // none was fed
		return err
	case s.Position == printer.Hopper:
		return nil // it is out
	case surface == printer.SurfaceBlank:
		_, err := c.card(ctx, at)
		return err
	case surface == printer.SurfacePrinted:
		return c.dev.Move(ctx, printer.Output)
	}
	return c.dev.Move(ctx, printer.Reject)
}

// ended holds the end of the first card against the row: where it lies, what is on it, and
// that no other was spent for it.
func (c *clerk) ended(surface printer.Surface) error {
	all := c.Press.Cards()
	if len(all) != 1 {
		return fmt.Errorf("%d cards were fed for one", len(all))
	}
	end := map[printer.Position]End{printer.Output: Delivered, printer.Reject: Rejected}[c.Press.Where(all[0])]
	if end == 0 && c.Press.Inside() == nil {
		end = ByHand
	}
	if end != c.want.End {
		return fmt.Errorf("the card is %s, want %s", end, c.want.End)
	}
	if all[0].Twice() {
		return errors.New("the card was printed twice")
	}
	if end != Delivered {
		return nil
	}
	if err := c.rig.holds(c.Press, all[0], c.face); err != nil {
		return fmt.Errorf("the card was delivered (%s) and is not whole: %w", surface, err)
	}
	return nil
}

// next prints a second card, with nothing wrong any more.
func (c *clerk) next(ctx context.Context) error {
	c.row.ChipFails = false
	c.Press.Arm()
	c.mu.Lock()
	c.cut = nil
	c.mu.Unlock()
	c.face = small(c.rig.Identity.DPI, second)
	if at, err := c.card(ctx, Feed); err != nil {
		return fmt.Errorf("the next card failed at %s: %w", at, err)
	}
	all := c.Press.Cards()
	if len(all) != 2 || c.Press.Where(all[1]) != printer.Output {
		return fmt.Errorf("the next card is not delivered: %d were fed", len(all))
	}
	if err := c.rig.holds(c.Press, all[1], c.face); err != nil {
		return fmt.Errorf("the next card: %w", err)
	}
	return nil
}
