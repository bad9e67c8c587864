package wire

import (
	"context"
	"errors"
	"time"
)

// Talk is a wire on which questions are asked, one at a time: closed to begin with, and
// again after Close. What an answer is, Cut says. It closes nothing by itself; who has
// given an answer up closes, for one that comes late would be taken for the next.
type Talk[A ~string] struct {
	Dialer Dialer
	// Cut takes the first whole answer out of what came; ok is false when none has come
	// to its end, and an error is what cannot become one.
	Cut func(in []byte) (a A, rest []byte, ok bool, err error)
	// Wire is nil while it is closed.
	Wire Wire
	in   []byte    // read, and not yet a whole answer
	buf  [512]byte // a USB bulk packet is at most this long (USB 2.0, 5.8.3)
}

// Dial opens it, with nothing read.
func (t *Talk[A]) Dial(ctx context.Context) error {
	w, err := t.Dialer.Dial(ctx)
	if err != nil {
		return err
	}
	t.Wire, t.in = w, nil
	return nil
}

// Close hangs up; twice is nothing.
func (t *Talk[A]) Close() error {
	if t.Wire == nil {
		return nil
	}
	w := t.Wire
	t.Wire, t.in = nil, nil
	return w.Close()
}

// Ask writes a question and waits for its answer.
func (t *Talk[A]) Ask(ctx context.Context, frame []byte) (A, error) {
	if _, err := t.Wire.Write(ctx, frame); err != nil {
		return "", err
	}
	return t.Answer(ctx)
}

// Answer waits for the next answer.
func (t *Talk[A]) Answer(ctx context.Context) (A, error) {
	for {
		a, rest, ok, err := t.Cut(t.in)
		if err != nil {
			return "", t.Broken(err)
		}
		t.in = rest
		if ok {
			return a, nil
		}
		n, err := t.Wire.Read(ctx, t.buf[:])
		if err != nil {
			return "", err
		}
		t.in = append(t.in, t.buf[:n]...)
	}
}

// drainMax is how many reads of another conversation are dropped.
const drainMax = 16

// errEndless is a printer that does not stop talking.
var errEndless = errors.New("the printer talks on without a question")

// Drain drops what was meant for a host that had hung up, until nothing comes for d.
func (t *Talk[A]) Drain(ctx context.Context, d time.Duration) error {
	for range drainMax {
		short, done := context.WithTimeout(ctx, d)
		_, err := t.Wire.Read(short, t.buf[:])
		done()
		if IsTimeout(err) && ctx.Err() == nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return t.Broken(errEndless)
}

// Broken is an answer that is none, as an error of the link.
func (t *Talk[A]) Broken(err error) error {
	return &Error{Op: "read", Name: t.Dialer.String(), Kind: Broken, Err: err}
}

// IsTimeout is whether nothing came or went in the time given.
func IsTimeout(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == Timeout
}

// Pause lets d pass between two questions, or ends with ctx and its error.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
