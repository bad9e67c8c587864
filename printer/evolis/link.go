package evolis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// link is a conversation that hangs up after a failure.
type link struct{ wire.Talk[reply] }

// exchange sends an order and waits at most d for its reply.
func (l *link) exchange(ctx context.Context, d time.Duration, o order, data []byte) (reply, error) {
	ctx, done := context.WithTimeout(ctx, d)
	defer done()
	r, err := l.Ask(ctx, o.frame(data))
	if err != nil {
		_ = l.Close() // it has failed already, and that is what is told
	}
	return r, err
}

// connect dials, makes sure that this is the printer, and sets it up.
func (p *Printer) connect(ctx context.Context) error {
	if p.link.Wire != nil {
		return nil
	}
	if err := p.link.Dial(ctx); err != nil {
		return err
	}
	known := p.known
	err := p.greet(ctx)
	if err == nil && known {
		err = p.remember(ctx)
	}
	if err == nil {
		err = p.setUp(ctx)
	}
	if err != nil {
		_ = p.link.Close()
	}
	return err
}

// greet reads the serial number. A printer that does not answer may still wait for the
// end of a download that a broken link left it with.
func (p *Printer) greet(ctx context.Context) error {
	serial, err := p.hello(ctx)
	if wire.IsTimeout(err) && ctx.Err() == nil {
		if err = p.wake(ctx); err == nil {
			serial, err = p.hello(ctx)
		}
	}
	if err != nil {
		return err
	}
	if p.serial == "" {
		p.serial = string(serial)
	}
	if string(serial) != p.serial {
		return &printer.FaultError{Op: "reach the printer", Fault: printer.Fault{
			Code: "Rsn", Kind: printer.Refused,
			Text: fmt.Sprintf("another printer answers, serial number %s where %s is wanted: connect the right one, or change the configuration", serial, p.serial),
		}}
	}
	p.known = true
	return nil
}

// staleMax is how many replies of an earlier connection are read over.
const staleMax = 8

// remember notices a printer that has started again since it was last spoken to.
func (p *Printer) remember(ctx context.Context) error {
	r, err := p.link.exchange(ctx, p.opt.Timing.Reply, "Rem", nil)
	p.forgot = p.forgot || forgot(r)
	return err
}

// hello asks for the serial number until two answers agree; what came before them was
// meant for a host that had hung up. One of the two may have been too: so another question
// follows, and the first answer that is not the serial number is its own.
func (p *Printer) hello(ctx context.Context) (reply, error) {
	var last reply
	for range staleMax {
		r, err := p.hail(ctx, "Rsn")
		if err != nil {
			return "", err
		}
		if r == last && r != "" && !r.ok() && !r.refused() {
			return r, p.catchUp(ctx, r)
		}
		last = r
	}
	return "", p.mute()
}

func (p *Printer) mute() error {
	return p.link.Broken(errors.New("the printer does not tell its serial number"))
}

// hail is one question of hello; the link stays open when there is no answer.
func (p *Printer) hail(ctx context.Context, o order) (reply, error) {
	ctx, done := context.WithTimeout(ctx, p.opt.Timing.Reply)
	defer done()
	return p.link.Ask(ctx, o.frame(nil))
}

// catchUp reads until no answer is left.
func (p *Printer) catchUp(ctx context.Context, serial reply) error {
	r, err := p.hail(ctx, "Rtp")
	ctx, done := context.WithTimeout(ctx, p.opt.Timing.Reply)
	defer done()
	for range staleMax {
		if err != nil || r != serial {
			return err
		}
		r, err = p.link.Answer(ctx)
	}
	return p.mute()
}

// wake ends a download that was broken off. Over USB the printer class has a request
// that drops what is in the buffers (SOFT_RESET, USB Printer Class 1.1, 4.2.3); elsewhere
// the longest plane's worth of NUL and a CR is more than the printer can be waiting for.
// Nothing is printed by either: that takes Se.
func (p *Printer) wake(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, p.opt.Timing.Plane)
	defer done()
	if c, ok := p.link.Wire.(wire.Controller); ok {
		_, err := c.Control(ctx, 0x21, 2, 0, 0, nil)
		return err
	}
	fill := make([]byte, Levels128.Size()+1)
	fill[len(fill)-1] = stop
	_, err := p.link.Wire.Write(ctx, fill)
	return err
}

// ask has a question answered, on a new connection when there is none.
func (p *Printer) ask(ctx context.Context, o order) (reply, error) {
	if err := p.connect(ctx); err != nil {
		return "", err
	}
	odd := oddities.of(o)
	for n := 0; ; n++ {
		r, err := p.link.exchange(ctx, p.opt.Timing.Reply, o, nil)
		if err != nil || odd == nil || r != odd.reply || n == odd.again {
			return r, err
		}
	}
}

// do carries an order out; a reply but OK is a refusal.
func (p *Printer) do(ctx context.Context, d time.Duration, o order, data []byte) (reply, error) {
	if err := p.connect(ctx); err != nil {
		return "", err
	}
	return p.link.exchange(ctx, d, o, data)
}

// must is do for what the printer has no reason to refuse.
func (p *Printer) must(ctx context.Context, op string, o order) error {
	r, err := p.do(ctx, p.opt.Timing.Reply, o, nil)
	if err == nil && !r.ok() {
		return refusal(op, r)
	}
	return err
}
