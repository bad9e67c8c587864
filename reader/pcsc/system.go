//go:build windows || cgo

package pcsc

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ebfe/scard"

	"jukicard/reader"
)

// System is the computer's PC/SC service.
type System struct {
	patience time.Duration
}

// New returns the computer's PC/SC service. It calls nothing yet.
func New(o Options) *System {
	if o.Patience == 0 {
		o.Patience = patienceUsual
	}
	return &System{patience: o.Patience}
}

// Pauses between tries to reach a service that is gone.
const (
	backoffLow  = 20 * time.Millisecond
	backoffHigh = time.Second
)

// Open connects to the card in the named reader, in a context of its own. An
// Exclusive card is reset first: what an earlier program verified counts no more.
//
// While another program holds a transaction PC/SC keeps Open waiting and cannot be
// told to stop. When ctx ends meanwhile Open returns at once; the connection is
// given back as soon as PC/SC grants it.
func (s *System) Open(ctx context.Context, name string, m reader.Mode) (reader.Card, error) {
	type outcome struct {
		card reader.Card
		err  error
	}
	done := make(chan outcome)
	go func() {
		c, err := s.open(ctx, name, m)
		select {
		case done <- outcome{c, err}:
		case <-ctx.Done():
			if err == nil {
				_ = c.Close(reader.Reset) // nobody is left to tell
			}
		}
	}()
	select {
	case o := <-done:
		return o.card, o.err
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot open %s: %w", name, ctx.Err())
	}
}

// open tries again, in a new context, while the service is gone and patience lasts.
func (s *System) open(ctx context.Context, name string, m reader.Mode) (reader.Card, error) {
	deadline := time.Now().Add(s.patience)
	for wait := backoffLow; ; wait = min(2*wait, backoffHigh) {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("cannot open %s: %w", name, err)
		}
		c, err := connect(name, m)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, reader.ErrDaemon) || time.Now().Add(wait).After(deadline) {
			return nil, err
		}
		pause(ctx, wait)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Watch tells what the process's one watcher sees. A caller that is slow is told
// the net change: a card swapped meanwhile is Removed, then Inserted. The loss of
// the service is told once, as an error that is reader.ErrDaemon.
// A card that does not answer is Inserted with no ATR.
func (s *System) Watch(ctx context.Context) iter.Seq2[reader.Event, error] {
	return func(yield func(reader.Event, error) bool) {
		sub := shared.subscribe()
		defer shared.unsubscribe(sub)
		var v view
		for {
			select {
			case <-ctx.Done():
				return
			case <-sub:
			}
			for _, n := range v.catchUp(shared.see()) {
				if ctx.Err() != nil || !yield(n.event, n.err) {
					return
				}
			}
		}
	}
}

// Readers takes one look. It fails with reader.ErrNoReader when there is none and
// with reader.ErrDaemon when the service cannot be reached.
func (s *System) Readers(ctx context.Context) ([]reader.State, error) {
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	sub := shared.subscribe()
	defer shared.unsubscribe(sub)
	for late := false; ; {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("cannot list readers: %w", ctx.Err())
		case <-patience.C:
			late = true
		case <-sub:
		}
		switch p := shared.see(); {
		case p == nil: // the first look takes its time on a busy machine
		case p.lost == nil:
			return p.states()
		case late:
			return nil, &reader.Error{Op: "list readers", Kind: p.lost.Kind, Detail: p.lost.Detail}
		}
	}
}

// connect makes one try.
func connect(name string, m reader.Mode) (*card, error) {
	sc, err := scard.EstablishContext()
	if err != nil {
		return nil, failure("open", name, err)
	}
	c := newCard(sc, name, m)
	if err := c.take(); err != nil {
		_ = sc.Release() // this also gives up a card half taken
		return nil, err
	}
	return c, nil
}
