package magicard

import (
	"context"
	"errors"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// Status asks for INF, and for the words of an error. The position is what this driver
// did with the card: the printer tells none. The port is looked at first: what is told
// after a look that found the printer at rest is the end of what it did.
func (p *Printer) Status(ctx context.Context) (printer.Status, error) {
	if err := p.connect(ctx); err != nil {
		return printer.Status{}, err
	}
	now, err := p.look(ctx)
	if err != nil {
		return printer.Status{}, err
	}
	i, err := p.info(ctx)
	if err != nil {
		return printer.Status{}, err
	}
	p.doubtPlace()
	t, err := p.trouble(ctx, i)
	if err != nil {
		return printer.Status{}, err
	}
	p.left(now, t)
	st := printer.Status{Position: p.at, CardsPrinted: i.printed(), Supplies: p.supplies(i, t)}
	if !t.none() {
		st.Faults = append(st.Faults, t.fault(p.inside()))
	}
	if p.at == printer.Lost {
		st.Faults = append(st.Faults, lost())
	}
	if now == working && len(st.Faults) == 0 {
		st.Faults = append(st.Faults, printer.Fault{Code: "port", Kind: printer.Wait, Text: "the printer is busy: wait"})
	}
	return st, nil
}

// The bits of the port status: 18 when idle, 08 when not selected (captured; the bits are
// those of the USB Printer Class 1.1, 4.2.2).
const (
	notError = 0x08
	selected = 0x10
)

// port is what the port says of the printer. Unsaid is a wire without one, one that stalls
// the request, and a printer that is selected with an error: none of it is an end.
type port int

const (
	unsaid port = iota
	idle
	working
)

// look asks for the port status, where the wire has one.
func (p *Printer) look(ctx context.Context) (port, error) {
	c, ok := p.link.Wire.(wire.Controller)
	if !ok {
		return unsaid, nil
	}
	ctx, done := context.WithTimeout(ctx, p.opt.Timing.Reply)
	defer done()
	var status [1]byte
	n, err := c.Control(ctx, 0xA1, 1, 0, 0, status[:])
	var e *wire.Error
	switch {
	case errors.As(err, &e) && e.Kind == wire.Stall:
		return unsaid, nil
	case err != nil:
		p.link.fail(err)
		return unsaid, err
	case n == 1 && status[0]&selected == 0:
		return working, nil
	case n == 1 && status[0]&notError != 0:
		return idle, nil
	}
	return unsaid, nil
}

// inside is whether a card is in the machine, as far as is known.
func (p *Printer) inside() bool { return p.at != printer.Hopper }

// lost is a card of which only a person can tell where it is.
func lost() printer.Fault {
	return printer.Fault{
		Code: "no position", Kind: printer.Jam,
		Text: "this printer cannot tell where its card is, and the link was lost while one was inside: look, take it out by hand and confirm its serial number",
	}
}

// supplies are the film, the cards and the cleaning. Of the cards it is known only when
// there was none to feed.
func (p *Printer) supplies(i info, t trouble) []printer.Supply {
	film := printer.Supply{Name: "ribbon", Kind: i.text(infoFilm), Remaining: -1, Capacity: -1}
	shots, used, sides := i.count(infoShots), i.count(infoUsed), p.shots(i)
	if shots >= 0 {
		film.Capacity = shots / sides
	}
	if shots >= 0 && used >= 0 {
		film.Remaining = max(shots-used, 0) / sides
	}
	cards := printer.Supply{Name: "cards", Remaining: -1, Capacity: -1}
	if t.notFed() {
		cards.Remaining = 0
	}
	cleaning := printer.Supply{Name: "cleaning", Remaining: -1, Capacity: i.count(infoLimit)}
	if since := i.count(infoSince); since >= 0 && cleaning.Capacity > 0 {
		cleaning.Remaining = max(cleaning.Capacity-since, 0)
	}
	return []printer.Supply{film, cards, cleaning}
}

// shots is how many of the film a card with two sides takes: one a side, and of a film
// that has a second black for the back (LC8 is YMCKOK: Performed/selphy_print,
// backend_magicard.c) one a card whose back is black alone.
func (p *Printer) shots(i info) int {
	if name := i.text(infoFilm); p.opt.ResinBack && (name == "LC8" || name == "YMCKOK") {
		return 1
	}
	return 2
}
