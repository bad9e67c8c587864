package xid

import (
	"context"
	"fmt"

	"jukicard/printer"
)

// Move takes the card to a position, or a new one there from the hopper, and asks where it
// is then. At a chip station contacts or antenna are engaged.
func (p *Printer) Move(ctx context.Context, to printer.Position) error {
	op := "move the card to " + to.String()
	target, ok := places[to]
	if !ok {
		return refusal(op, "no card can be taken there")
	}
	at, why, err := p.position(ctx)
	switch {
	case err != nil:
		return err
	case why != nil:
		return &printer.FaultError{Op: op, Fault: why.Fault}
	case at == printer.Lost:
		return refusal(op, "it does not say where the card is: take it out by hand")
	case at == printer.Hopper && leaves(to):
		return refusal(op, "there is no card inside")
	}
	if err := p.carry(ctx, op, at, to, target); err != nil {
		return err
	}
	return p.confirm(ctx, op, to)
}

// leaves is whether a card that is taken there is no longer inside.
func leaves(to printer.Position) bool { return to == printer.Output || to == printer.Reject }

// carry lets the chip go, moves the card and engages the next station.
func (p *Printer) carry(ctx context.Context, op string, at, to printer.Position, target place) error {
	if station(at) {
		if err := p.drive(ctx, "let the chip go", order{op: opRelease, place: places[at]}); err != nil {
			return err
		}
	}
	o := order{op: opMove, place: target}
	if at == printer.Hopper {
		o.op = opLoad
	}
	if at != to {
		if err := p.drive(ctx, op, o); err != nil {
			return err
		}
	}
	if station(to) {
		return p.drive(ctx, "engage the chip station", order{op: opEngage, place: target})
	}
	return nil
}

func station(at printer.Position) bool { return at == printer.Contact || at == printer.Contactless }

// confirm asks where the card is: a finished command proves nothing.
func (p *Printer) confirm(ctx context.Context, op string, to printer.Position) error {
	at, why, err := p.position(ctx)
	want := to
	if leaves(to) {
		want = printer.Hopper
	}
	switch {
	case err != nil:
		return err
	case why != nil:
		return &printer.FaultError{Op: op, Fault: why.Fault}
	case at != want:
		return refusal(op, fmt.Sprintf("it says afterwards that the card is at %s: look where it is", at))
	}
	return nil
}

// Clean is not known of this printer: no source has a command for it.
func (p *Printer) Clean(context.Context) error {
	return refusal("clean the printer", "no command is known for it: choose cleaning in the printer's own menu")
}

// PrintTest feeds a card and prints the printer's own test pattern on it. Only over USB a
// command is known.
func (p *Printer) PrintTest(ctx context.Context) error {
	const op = "print a test card"
	if p.cfg.Framing == Network {
		return refusal(op, "over the network no command is known for it: connect it by USB, or choose it in the printer's own menu")
	}
	at, why, err := p.position(ctx)
	switch {
	case err != nil:
		return err
	case why != nil:
		return &printer.FaultError{Op: op, Fault: why.Fault}
	case at != printer.Hopper:
		return refusal(op, "a card is inside: take it to the output or the reject bin first")
	}
	if err := p.settle(ctx, op, true); err != nil {
		return err
	}
	if _, err := p.ask(ctx, op, order{op: opTestCard}); err != nil {
		return err
	}
	return p.settle(ctx, op, false)
}
