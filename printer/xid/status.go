package xid

import (
	"context"
	"errors"
	"fmt"

	"jukicard/printer"
)

// code asks what state it is in: 0 when nothing is wrong.
func (p *Printer) code(ctx context.Context) (printer.Fault, error) {
	_, err := p.ask(ctx, "ask the printer's state", order{op: opReady})
	var refused *printer.FaultError
	if errors.As(err, &refused) {
		return refused.Fault, nil
	}
	return printer.Fault{}, err
}

// Status asks the printer; it moves nothing. Its counter is the one that decides after a
// lost answer (fact sheet, 4).
func (p *Printer) Status(ctx context.Context) (printer.Status, error) {
	f, err := p.code(ctx)
	if err != nil {
		return printer.Status{}, err
	}
	at, _, err := p.position(ctx)
	if err != nil {
		return printer.Status{}, err
	}
	count, err := p.ask(ctx, "read the counters", order{op: opCounters})
	if err != nil {
		return printer.Status{}, err
	}
	left, err := p.ask(ctx, "read the supplies", order{op: opSupplies})
	if err != nil {
		return printer.Status{}, err
	}
	s := printer.Status{Position: at, CardsPrinted: count.total, Supplies: left.ribbon.supplies()}
	if f.Code != "" {
		s.Faults = append(s.Faults, f)
	}
	if lack, lacks := left.ribbon.lacks(); lacks && lack.Code != f.Code {
		s.Faults = append(s.Faults, lack)
	}
	if left.ribbon.retry > 0 {
		s.Faults = append(s.Faults, printer.Fault{
			Code: fmt.Sprintf("retry-%d", left.ribbon.retry), Kind: printer.Operator,
			Text: "it tries again by itself, which hides failures: set its retry count to 0, which this driver does over USB",
		})
	}
	return s, nil
}

// position is where the card is. A printer that refuses to say has lost it.
func (p *Printer) position(ctx context.Context) (at printer.Position, why *printer.FaultError, err error) {
	a, err := p.ask(ctx, "ask where the card is", order{op: opPosition})
	if errors.As(err, &why) {
		return printer.Lost, why, nil
	}
	switch {
	case err != nil:
		return printer.Lost, nil, err
	case !a.inside:
		return printer.Hopper, nil, nil
	}
	for to, at := range places {
		if at == a.place {
			return to, nil, nil
		}
	}
	return printer.Lost, nil, nil // at the magnetic head, where nobody takes it
}

// places are where a card is taken to.
var places = map[printer.Position]place{
	printer.Head: atHead, printer.Contact: atContact, printer.Contactless: atContactless,
	printer.Reject: atReject, printer.Output: atEject,
}

// ribbonKinds are the ribbons and how many sets of panels a card with two sides takes:
// YMCKK has a second black for the back (xidserver.c).
var ribbonKinds = map[byte]struct {
	name string
	sets int
}{
	0x00: {"YMCK", 2}, 0x04: {"YMCKK", 1}, 0x05: {"YMCKU", 2},
}

// ribbonUnknown is a ribbon that the printer cannot read the label of.
const ribbonUnknown = 0xFE

// filmShots is what a film lasts when it is the smaller of the two that there are (750
// and 1000): the printer tells tenths of it.
const filmShots = 750

// supplies counts in cards with two sides. The printer tells the ribbon in fiftieths and
// the film in tenths, so it is no more than a warning: check looks before each card.
func (r ribbon) supplies() []printer.Supply {
	all := []printer.Supply{{Name: "ribbon", Kind: "unknown", Remaining: -1, Capacity: -1}}
	if kind, ok := ribbonKinds[r.kind]; ok {
		all[0] = printer.Supply{Name: "ribbon", Kind: kind.name, Remaining: r.left * r.total / 50 / kind.sets, Capacity: r.total / kind.sets}
	}
	all = append(all, printer.Supply{Name: "film", Remaining: r.film * filmShots / 10 / 2, Capacity: filmShots / 2})
	cards := printer.Supply{Name: "cards", Remaining: -1, Capacity: -1}
	if !r.cards {
		cards.Remaining = 0
	}
	return append(all, cards)
}

// settle waits until the printer has done what it was told, and tells what went wrong. It
// does not wait for people. An empty hopper is nothing wrong for a card that is inside.
func (p *Printer) settle(ctx context.Context, op string, needsCards bool) error {
	for range pollsMax {
		f, err := p.code(ctx)
		switch {
		case err != nil:
			return err
		case f.Code == "", f.Code == fault(codeNoCards).Code && !needsCards:
			return nil
		case f.Kind != printer.Wait:
			return &printer.FaultError{Op: op, Fault: f}
		}
		if err := p.cfg.Pause(ctx, pollEvery); err != nil {
			return errors.Join(&printer.FaultError{Op: op, Fault: f}, err)
		}
	}
	return &printer.FaultError{Op: op, Fault: printer.Fault{Code: "-", Kind: printer.Broken, Text: "it is busy for five minutes: switch it off and on, then call service"}}
}

// drive gives an order to the mechanism and waits until it is carried out.
func (p *Printer) drive(ctx context.Context, op string, o order) error {
	if err := p.settle(ctx, op, o.op == opLoad); err != nil {
		return err
	}
	if _, err := p.ask(ctx, op, o); err != nil {
		return err
	}
	return p.settle(ctx, op, false)
}
