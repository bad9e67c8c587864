package evolis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// link is a wire with orders and replies on it. After a failure it hangs up: an answer
// that comes late would be taken for the next one.
type link struct {
	dialer wire.Dialer
	w      wire.Wire
	in     []byte    // read, and not yet a whole reply
	buf    [512]byte // a USB bulk packet is at most this long
}

func (l *link) dial(ctx context.Context) error {
	w, err := l.dialer.Dial(ctx)
	if err != nil {
		return err
	}
	l.w, l.in = w, nil
	return nil
}

func (l *link) close() error {
	if l.w == nil {
		return nil
	}
	w := l.w
	l.w, l.in = nil, nil
	return w.Close()
}

// exchange sends an order and waits at most d for its reply.
func (l *link) exchange(ctx context.Context, d time.Duration, o order, data []byte) (reply, error) {
	ctx, done := context.WithTimeout(ctx, d)
	defer done()
	r, err := l.send(ctx, o.frame(data))
	if err != nil {
		_ = l.close() // it has failed already, and that is what is told
	}
	return r, err
}

func (l *link) send(ctx context.Context, frame []byte) (reply, error) {
	if _, err := l.w.Write(ctx, frame); err != nil {
		return "", err
	}
	return l.receive(ctx)
}

func (l *link) receive(ctx context.Context) (reply, error) {
	for {
		r, rest, ok, err := cutReply(l.in)
		if err != nil {
			return "", &wire.Error{Op: "read", Name: l.dialer.String(), Kind: wire.Broken, Err: err}
		}
		l.in = rest
		if ok {
			return r, nil
		}
		n, err := l.w.Read(ctx, l.buf[:])
		if err != nil {
			return "", err
		}
		l.in = append(l.in, l.buf[:n]...)
	}
}

// connect dials, makes sure that this is the printer, and sets it up.
func (p *Printer) connect(ctx context.Context) error {
	if p.link.w != nil {
		return nil
	}
	if err := p.link.dial(ctx); err != nil {
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
		_ = p.link.close()
	}
	return err
}

// greet reads the serial number. A printer that does not answer may still wait for the
// end of a download that a broken link left it with.
func (p *Printer) greet(ctx context.Context) error {
	serial, err := p.hello(ctx)
	if isTimeout(err) && ctx.Err() == nil {
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

func isTimeout(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Kind == wire.Timeout
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
	return &wire.Error{Op: "read", Name: p.link.dialer.String(), Kind: wire.Broken, Err: errors.New("the printer does not tell its serial number")}
}

// hail is one question of hello; the link stays open when there is no answer.
func (p *Printer) hail(ctx context.Context, o order) (reply, error) {
	ctx, done := context.WithTimeout(ctx, p.opt.Timing.Reply)
	defer done()
	return p.link.send(ctx, o.frame(nil))
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
		r, err = p.link.receive(ctx)
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
	if c, ok := p.link.w.(wire.Controller); ok {
		_, err := c.Control(ctx, 0x21, 2, 0, 0, nil)
		return err
	}
	fill := make([]byte, Levels128.Size()+1)
	fill[len(fill)-1] = stop
	_, err := p.link.w.Write(ctx, fill)
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

// pause passes the time between two questions.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
