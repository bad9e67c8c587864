package magicard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// link is a conversation that hangs up after a failure.
type link struct {
	wire.Talk[string]
	// severed is a link that failed since the card's place was last sure.
	severed bool
}

// fail hangs up. A caller who gave up says nothing of the printer; every other failure
// may have been the loss of its power.
func (l *link) fail(err error) {
	l.severed = l.severed || !errors.Is(err, context.Canceled)
	_ = l.Close() // it has failed already, and that is what is told
}

// send writes within d.
func (l *link) send(ctx context.Context, d time.Duration, b []byte) error {
	ctx, done := context.WithTimeout(ctx, d)
	defer done()
	_, err := l.Wire.Write(ctx, b)
	if err != nil {
		l.fail(err)
	}
	return err
}

// request sends a request and waits for its answer within d.
func (l *link) request(ctx context.Context, d time.Duration, what string) (string, error) {
	ctx, done := context.WithTimeout(ctx, d)
	defer done()
	text, err := l.Ask(ctx, request(what))
	if err != nil {
		l.fail(err)
	}
	return text, err
}

// connect dials, drops what an earlier connection has left, and makes sure that this is
// the printer.
func (p *Printer) connect(ctx context.Context) error {
	if p.link.Wire != nil {
		return nil
	}
	err := p.link.Dial(ctx)
	if err == nil {
		err = p.greet(ctx)
	}
	if err != nil {
		p.link.fail(err)
	}
	return err
}

func (p *Printer) greet(ctx context.Context) error {
	if err := p.reset(ctx); err != nil {
		return err
	}
	if _, ok := p.link.Wire.(wire.Controller); ok { // a new stream brings nothing old
		if err := p.link.Drain(ctx, p.opt.Timing.Drain); err != nil {
			return err
		}
	}
	i, err := p.inform(ctx)
	if err != nil {
		return err
	}
	serial := i.text(infoSerial)
	if p.serial == "" {
		p.serial = serial
	}
	if serial != p.serial {
		return &printer.FaultError{Op: "reach the printer", Fault: printer.Fault{
			Code: "INF 3", Kind: printer.Refused,
			Text: fmt.Sprintf("another printer answers, serial number %s where %s is wanted: connect the right one, or change the configuration", serial, p.serial),
		}}
	}
	return nil
}

// doubtPlace gives a card up that was inside when the link failed. A printer that lost
// its power may have put it out by itself; the next job would then feed another card, of
// which the chip is empty, and print this one's face on it.
func (p *Printer) doubtPlace() {
	if p.link.severed && p.inside() {
		p.place(printer.Lost)
	}
	p.link.severed = false
}

// reset drops a job that was broken off, for which the printer still waits: a request
// would be swallowed as the rest of a plane. Over USB the printer class has a request
// (SOFT_RESET, USB Printer Class 1.1, 4.2.3); over TCP the connection's end did it. After
// a commit nothing is reset: the printer may not have begun.
func (p *Printer) reset(ctx context.Context) error {
	if !p.owed || p.judging {
		return nil
	}
	if c, ok := p.link.Wire.(wire.Controller); ok {
		if _, err := c.Control(ctx, 0x21, 2, 0, 0, nil); err != nil {
			return err
		}
	}
	p.owed = false
	return nil
}

// info asks for INF, on a new connection when there is none.
func (p *Printer) info(ctx context.Context) (info, error) {
	if err := p.connect(ctx); err != nil {
		return nil, err
	}
	return p.inform(ctx)
}

func (p *Printer) inform(ctx context.Context) (info, error) {
	text, err := p.link.request(ctx, p.opt.Timing.Reply, "INF")
	if err != nil {
		return nil, err
	}
	i, err := parseInfo(text)
	if err != nil {
		_ = p.link.Close()
		return nil, p.link.Broken(err)
	}
	return i, nil
}

// trouble is the error that the printer shows, with its words where it has them.
func (p *Printer) trouble(ctx context.Context, i info) (trouble, error) {
	t := i.fault()
	if t.none() {
		return t, nil
	}
	severed := p.link.severed
	text, err := p.link.request(ctx, p.opt.Timing.Reply, "ERR")
	if wire.IsTimeout(err) && ctx.Err() == nil {
		p.link.severed = severed // only some printers have words
		return t, nil
	}
	if err != nil {
		return t, err
	}
	if said, ok := parseTrouble(text); ok && said.major == t.major && said.minor == t.minor {
		return said, nil
	}
	return t, nil
}
