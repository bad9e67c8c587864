package magicard

import (
	"context"
	"errors"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// Status asks for INF, and for the words of an error. The position is what this driver
// did with the card: the printer tells none.
func (p *Printer) Status(ctx context.Context) (printer.Status, error) {
	i, err := p.info(ctx)
	if err != nil {
		return printer.Status{}, err
	}
	p.doubtPlace()
	t, err := p.trouble(ctx, i)
	if err != nil {
		return printer.Status{}, err
	}
	st := printer.Status{Position: p.at, CardsPrinted: i.printed(), Supplies: p.supplies(i, t)}
	if !t.none() {
		st.Faults = append(st.Faults, t.fault(p.inside()))
	}
	if p.at == printer.Lost {
		st.Faults = append(st.Faults, lost())
	}
	busy, err := p.busy(ctx)
	if busy && len(st.Faults) == 0 {
		st.Faults = append(st.Faults, printer.Fault{Code: "port", Kind: printer.Wait, Text: "the printer is busy: wait"})
	}
	return st, err
}

// selected is the bit of the port status that an idle printer sets: 18 when idle, 08 when
// not (captured; the bits are those of the USB Printer Class 1.1, 4.2.2).
const selected = 0x10

// busy asks for the port status, where the wire has one. A wire that stalls the request
// says nothing.
func (p *Printer) busy(ctx context.Context) (bool, error) {
	c, ok := p.link.Wire.(wire.Controller)
	if !ok { // also when asking for words has closed it
		return false, nil
	}
	ctx, done := context.WithTimeout(ctx, p.opt.Timing.Reply)
	defer done()
	var port [1]byte
	n, err := c.Control(ctx, 0xA1, 1, 0, 0, port[:])
	var e *wire.Error
	if errors.As(err, &e) && e.Kind == wire.Stall {
		return false, nil
	}
	if err != nil {
		p.link.fail(err)
		return false, err
	}
	return n == 1 && port[0]&selected == 0, nil
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
