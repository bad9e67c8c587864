package evolis

import (
	"context"

	"jukicard/printer"
)

// stations are the orders that take the card to a place inside, from the feeder too.
var stations = map[printer.Position]order{printer.Head: "Si", printer.Contact: "Sis", printer.Contactless: "Sic"}

// Move takes the card to a place and has the printer confirm it (Rlr;p). From Hopper a
// card is fed, unless something is wrong that would stop it on its way.
func (p *Printer) Move(ctx context.Context, to printer.Position) error {
	op := "move the card to " + to.String()
	at, err := p.position(ctx)
	if err != nil {
		return err
	}
	o, within := stations[to]
	switch {
	case at == printer.Lost:
		return &printer.FaultError{Op: op, Fault: p.lost()}
	case within && at == to:
		return nil
	case within && at == printer.Hopper:
		return p.feed(ctx, op, o, to)
	case within:
		return p.bring(ctx, op, o, to)
	case at == printer.Hopper:
		return wrong(op, at, "there is none inside")
	case to == printer.Output:
		return p.eject(ctx, op)
	case to == printer.Reject:
		return p.bring(ctx, op, "Ser", printer.Hopper)
	}
	return wrong(op, at, "no order takes it there")
}

// feed takes a card from the feeder when nothing speaks against it: a full reject box
// would keep a spoilt card inside, a spent ribbon would stop it unprinted.
func (p *Printer) feed(ctx context.Context, op string, o order, to printer.Position) error {
	st, err := p.Status(ctx)
	if err != nil {
		return err
	}
	for _, f := range st.Faults {
		if f.Kind != printer.Wait && f.Kind != printer.Restarted {
			return &printer.FaultError{Op: op, Fault: f}
		}
	}
	return p.bring(ctx, op, o, to)
}

// bring gives an order to the mechanics and makes sure that the card is there.
func (p *Printer) bring(ctx context.Context, op string, o order, to printer.Position) error {
	r, err := p.do(ctx, p.opt.Timing.Move, o, nil)
	if err != nil {
		return err
	}
	if !r.ok() {
		return p.why(ctx, op, r)
	}
	at, err := p.position(ctx)
	switch {
	case err != nil:
		return err
	case at == printer.Lost:
		return &printer.FaultError{Op: op, Fault: p.lost()}
	case at != to:
		return wrong(op, at, "the printer said it had moved it; look inside")
	}
	return nil
}

// eject delivers the card. Se would print what lies in the memory, so that a new session
// is begun first, which has none; then the printer is told again to keep cards.
func (p *Printer) eject(ctx context.Context, op string) error {
	for _, o := range []order{"Ss", "Pneab;A;1"} {
		if err := p.must(ctx, op, o); err != nil {
			return err
		}
	}
	if err := p.bring(ctx, op, "Se", printer.Hopper); err != nil {
		return err
	}
	return p.must(ctx, op, "Pneab;E")
}
