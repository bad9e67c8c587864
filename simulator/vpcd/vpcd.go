// Package vpcd puts a simulated card into a virtual reader of Debian's pcscd:
// it speaks the card's side of the vpcd protocol (vsmartcard, "Creating a
// Virtual Smart Card", virtualsmartcard/src/vpcd).
//
// The card dials the reader. Each message is a length in two bytes, big endian,
// and a body. A body of one byte is for the slot (power off, power on, reset,
// tell the ATR), any longer one a command APDU, answered by the response. The
// lengths bound command and response to 65,535 bytes each.
//
// What the protocol cannot do: a PC/SC client that sends an APDU of one byte 00,
// 01, 02 or 04 is taken for the reader itself. Left out: the PIN pad, which vpcd
// has none of.
package vpcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Card is what sits in the reader. Serve calls it from one goroutine at a time.
type Card interface {
	// ATR is the answer to reset, TS first (ISO/IEC 7816-3:2006, 8.2).
	ATR() []byte
	// PowerOff takes the power away: all volatile state is gone. Powering on
	// needs no call.
	PowerOff()
	// Reset is a warm reset: all volatile state is gone.
	Reset()
	// Process carries out one command APDU of at least 4 bytes and returns the
	// response with SW1 SW2. The card must not keep command; Serve does not keep
	// the response. No response is a mute card: Serve hangs up, so that the client
	// sees a broken link, and dials again, so that the card is inserted anew.
	Process(command []byte) []byte
}

// Options tune Serve; the zero value is useful.
type Options struct {
	// OnAttach, if set, is called on Serve's goroutine each time the reader has
	// asked for the ATR for the first time on a new connection: from then on the
	// reader knows the card. PC/SC clients are told a moment later.
	OnAttach func()
	// Patience is how long the reader may be unreachable, at first or when pcscd
	// restarts, before Serve gives up; 0 is a minute.
	Patience time.Duration
}

const (
	patienceUsual = time.Minute
	dialTimeout   = 5 * time.Second
	backoffLow    = 5 * time.Millisecond
	backoffHigh   = 250 * time.Millisecond
)

// Serve inserts card into the reader that listens on addr (host:port) and serves
// it until ctx ends, which is the card's removal, even in mid-command: the answer
// of a command on the wire is then not sent. When the reader goes away, because
// pcscd restarts, the card loses its power and Serve dials again. A reader that
// overlooks the card gets it put in once more.
//
// The error is nil when ctx ended, else it says why the reader could not be
// reached within Options.Patience.
func Serve(ctx context.Context, addr string, card Card, o Options) error {
	a := newApproach(addr, o.Patience)
	overlooked := 0
	for {
		conn, err := a.dial(ctx)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("cannot put a card into the virtual reader at %s: %w", addr, err)
		}
		if err != nil {
			return nil
		}
		s, err := attend(ctx, conn, card, o.OnAttach, overlooked == overlookedMax)
		card.PowerOff()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errOverlooked):
			overlooked++
			a = newApproach(addr, o.Patience)
			a.wait = outLongEnough
			continue
		case !errors.Is(err, errGone):
			return fmt.Errorf("cannot serve the card in the virtual reader at %s: %w", addr, err)
		case s.attached:
			a = newApproach(addr, o.Patience)
		}
		overlooked = 0
	}
}

// A card that is overlooked is taken out for longer than pcscd needs to see it, so
// many times at most: a pcscd built to power no card by itself overlooks them all.
const (
	overlookedMax = 3
	outLongEnough = time.Second
)

// attend serves one connection until it breaks or ctx ends. The slot tells
// whether the reader ever saw the card.
func attend(ctx context.Context, conn *net.TCPConn, card Card, onAttach func(), patient bool) (*slot, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		stop()
		_ = conn.Close()
	}()
	r, err := quickRead(conn)
	if err != nil {
		return nil, fmt.Errorf("cannot set up the connection: %w", err)
	}
	s := newSlot(ctx, r, conn, card, onAttach)
	s.patient = patient
	return s, s.serve()
}

// approach is one spell of trying to reach the reader. It lasts until the reader
// has seen the card, so that a listener which hangs up at once is no busy loop.
type approach struct {
	addr     string
	wait     time.Duration // before the next dial
	deadline time.Time
}

func newApproach(addr string, patience time.Duration) *approach {
	if patience == 0 {
		patience = patienceUsual
	}
	return &approach{addr: addr, deadline: time.Now().Add(patience)}
}

// dial tries until the reader accepts, patience is used up or ctx ends, with
// pauses that grow to backoffHigh.
func (a *approach) dial(ctx context.Context) (*net.TCPConn, error) {
	ctx, cancel := context.WithDeadline(ctx, a.deadline)
	defer cancel()
	dialer := net.Dialer{Timeout: dialTimeout}
	last := errors.New("the reader hangs up before it asks for the ATR")
	for {
		pause := time.NewTimer(a.wait)
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil, last
		case <-pause.C:
		}
		a.wait = min(max(2*a.wait, backoffLow), backoffHigh)
		conn, err := dialer.DialContext(ctx, "tcp", a.addr)
		if err == nil {
			return conn.(*net.TCPConn), nil
		}
		if ctx.Err() == nil { // else the error only tells that time is up
			last = err
		}
	}
}

// errGone says that the reader closed the connection, as pcscd does when it ends.
var errGone = errors.New("the reader is gone")

func gone(err error) error { return fmt.Errorf("%w: %v", errGone, err) }
