package magicard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// hop is a way that a word takes the card.
type hop struct{ from, to printer.Position }

// hops by word (Performed/selphy_print, backend_magicard.c, "simple commands"; the package
// comment says what of them is ours).
var hops = map[hop]string{
	{printer.Hopper, printer.Contact}: "CHPUP",
	{printer.Head, printer.Contact}:   "CHPUP",
	{printer.Contact, printer.Head}:   "CHPDOWN",
	{printer.Hopper, printer.Head}:    "FEED1",
	{printer.Contact, printer.Output}: "EJT",
	{printer.Head, printer.Output}:    "EJT",
	{printer.Contact, printer.Reject}: "REJ",
	{printer.Head, printer.Reject}:    "REJ",
}

// Move gives the word for a way and watches for an error: until the port has shown that
// the printer took the order up and ended it, or, where nothing shows, for Timing.Move. A card
// that was printed has been delivered by the printer: to Output it is there, unless an
// error shows that it is not.
func (p *Printer) Move(ctx context.Context, to printer.Position) error {
	op := "move the card to " + to.String()
	p.doubtPlace()
	switch {
	case p.at == printer.Lost:
		return p.gone(ctx, op)
	case p.delivered && to == printer.Output:
		return p.out(ctx, op)
	case p.inside() && p.at == to:
		return nil
	}
	word, ok := hops[hop{p.at, to}]
	if !ok || to == printer.Contact && p.opt.NoContact {
		return &printer.FaultError{Op: op, Fault: printer.Fault{
			Code: "no word", Kind: printer.Refused, Text: fmt.Sprintf("from %s this printer has no way there", p.at),
		}}
	}
	if err := p.clear(ctx, op, p.at == printer.Hopper); err != nil {
		return err
	}
	return p.walk(ctx, op, word, to)
}

// gone is a card that is lost, with what the printer shows where it shows something.
func (p *Printer) gone(ctx context.Context, op string) error {
	st, err := p.Status(ctx)
	if err != nil {
		return err
	}
	return &printer.FaultError{Op: op, Fault: st.Faults[0]}
}

// out makes sure that a printed card has come out. The counter may have moved while the
// card was on its way.
func (p *Printer) out(ctx context.Context, op string) error {
	if err := p.connect(ctx); err != nil {
		return err
	}
	now, err := p.look(ctx)
	if err == nil && now == working {
		_, err = p.rest(ctx, p.opt.Timing.Look)
	}
	if errors.As(err, new(*printer.FaultError)) {
		p.place(printer.Lost)
	}
	if err != nil {
		return err
	}
	st, err := p.Status(ctx)
	if err != nil {
		return err
	}
	if p.at == printer.Lost {
		return &printer.FaultError{Op: op, Fault: st.Faults[0]}
	}
	p.place(printer.Hopper)
	return nil
}

// place notes where the card is, of which nothing else is known any more.
func (p *Printer) place(at printer.Position) { p.at, p.delivered, p.leaving = at, false, false }

// left judges a card on its way out: an error is its until the printer was seen at rest
// without one.
func (p *Printer) left(now port, t trouble) {
	switch {
	case p.leaving && !t.none():
		p.place(printer.Lost)
	case now != working:
		p.leaving = false
	}
}

// clear makes sure that nothing is wrong before anything moves, and that there is film
// when it will be needed. It waits for a printer that is busy.
func (p *Printer) clear(ctx context.Context, op string, film bool) error {
	st, err := p.settled(ctx)
	if err != nil {
		return err
	}
	if len(st.Faults) > 0 {
		return &printer.FaultError{Op: op, Fault: st.Faults[0]}
	}
	for _, s := range st.Supplies {
		if film && s.Name == "ribbon" && s.Remaining == 0 {
			return &printer.FaultError{Op: op, Fault: printer.Fault{
				Code: "INF 23", Kind: printer.Operator, Text: "the film is used up, or has not enough for both sides of a card: put a new one in",
			}}
		}
	}
	return nil
}

// settled is the status when the printer is not busy any more, or has been for as long
// as a card's way takes.
func (p *Printer) settled(ctx context.Context) (printer.Status, error) {
	for range p.opt.Timing.Move / p.opt.Timing.Poll {
		st, err := p.Status(ctx)
		if err != nil || len(st.Faults) != 1 || st.Faults[0].Kind != printer.Wait {
			return st, err
		}
		if err := p.opt.Pause(ctx, p.opt.Timing.Poll); err != nil {
			return st, err
		}
	}
	return p.Status(ctx)
}

// walk sends the word and watches. Until it has ended well the card is lost.
func (p *Printer) walk(ctx context.Context, op, word string, to printer.Position) error {
	from := p.at
	p.place(printer.Lost)
	if err := p.link.send(ctx, p.opt.Timing.Reply, order(word)); err != nil {
		return err
	}
	for range max(p.opt.Timing.Move/p.opt.Timing.Poll, 1) {
		ended, err := p.rest(ctx, p.opt.Timing.Poll)
		if err != nil {
			return err
		}
		i, err := p.info(ctx)
		if err != nil {
			return err
		}
		t, err := p.trouble(ctx, i)
		if err != nil {
			return err
		}
		if !t.none() {
			return p.stopped(op, t, from)
		}
		if ended {
			break
		}
	}
	p.at = to
	if to == printer.Output || to == printer.Reject {
		p.at = printer.Hopper
	}
	return nil
}

// looksIdle is how many looks in a row must find the port idle: between two steps of one
// order it may be selected for a moment.
const looksIdle = 2

// rest lets d pass between two requests and looks at the port meanwhile. ended is a
// printer that was at work and is no more, which is told as soon as it is sure: a look at
// the port takes none of its time. One that is still at work after Timing.Print has an
// error. Over TCP there is no port to look at.
//
// That an error may show later still (a feed failed 34 s after its job, captured) no watch
// can help, of whatever length: whatever comes next asks again first.
func (p *Printer) rest(ctx context.Context, d time.Duration) (ended bool, err error) {
	step := d
	if _, ok := p.link.Wire.(wire.Controller); ok {
		step = min(d, p.opt.Timing.Look)
	}
	still := 0 // looks until it is sure; 0 when nothing shows
	for passed := time.Duration(0); passed < d || still > 0; passed += step {
		if passed >= max(d, p.opt.Timing.Print) {
			return false, stuck(passed)
		}
		if err := p.opt.Pause(ctx, step); err != nil {
			return false, err
		}
		now, err := p.look(ctx)
		switch {
		case err != nil:
			return false, err
		case now == working:
			still = looksIdle
		case now == unsaid:
			still = 0
		case still > 0:
			if still--; still == 0 {
				return true, nil
			}
		}
	}
	return false, nil
}

// stuck is a printer that does not come to an end.
func stuck(after time.Duration) error {
	return &printer.FaultError{Op: "see the printer end", Fault: printer.Fault{
		Code: "port", Kind: printer.Jam,
		Text: fmt.Sprintf("it is still at work after %v: read its display, take the card out by hand and confirm its serial number", after),
	}}
}

// stopped is an error on the way. When no card was fed there is none inside.
func (p *Printer) stopped(op string, t trouble, from printer.Position) error {
	if t.notFed() && from == printer.Hopper {
		p.at = printer.Hopper
	}
	return &printer.FaultError{Op: op, Fault: t.fault(p.inside())}
}

// Clean runs the cleaning cycle (CLN).
func (p *Printer) Clean(ctx context.Context) error { return p.maintain(ctx, "clean", "CLN") }

// PrintTest prints the printer's own test card (TST), which counts as a card.
func (p *Printer) PrintTest(ctx context.Context) error {
	return p.maintain(ctx, "print a test card", "TST")
}

// maintain gives a word that needs no card of anybody's.
func (p *Printer) maintain(ctx context.Context, op, word string) error {
	if p.inside() {
		return &printer.FaultError{Op: op, Fault: printer.Fault{
			Code: "card inside", Kind: printer.Refused, Text: "a card is inside: deliver or reject it first",
		}}
	}
	if err := p.clear(ctx, op, true); err != nil {
		return err
	}
	err := p.walk(ctx, op, word, printer.Output)
	if err != nil && p.at == printer.Lost {
		return err
	}
	p.at = printer.Hopper
	return err
}
