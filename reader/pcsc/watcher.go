//go:build windows || cgo

package pcsc

import (
	"context"
	"sync"
	"time"

	"github.com/ebfe/scard"
)

// watcher is the process's one watching goroutine and those who listen to it. The
// goroutine lives while somebody listens.
type watcher struct {
	mu     sync.Mutex
	latest *picture // nil before the first look
	subs   map[subscription]struct{}
	round  *round          // nil while nobody listens
	former <-chan struct{} // closed when the former round's goroutine has ended
}

// subscription gets a token when there is a new picture; tokens do not pile up.
type subscription chan struct{}

// shared is the only watcher: see the package comment.
var shared = watcher{subs: map[subscription]struct{}{}}

// round is one life of the goroutine.
type round struct {
	w      *watcher
	cancel context.CancelFunc
	ended  chan struct{}
	mu     sync.Mutex
	sc     *scard.Context // nil while there is none to cancel
}

func (w *watcher) subscribe() subscription {
	w.mu.Lock()
	defer w.mu.Unlock()
	sub := make(subscription, 1)
	w.subs[sub] = struct{}{}
	if w.latest != nil {
		sub <- struct{}{}
	}
	if w.round == nil {
		ctx, cancel := context.WithCancel(context.Background())
		w.round = &round{w: w, cancel: cancel, ended: make(chan struct{})}
		go w.round.run(ctx, w.former)
		w.former = w.round.ended
	}
	return sub
}

// unsubscribe waits for the goroutine's end when sub was the last to listen.
func (w *watcher) unsubscribe(sub subscription) {
	w.mu.Lock()
	delete(w.subs, sub)
	r := w.round
	last := len(w.subs) == 0
	if last {
		w.round, w.latest = nil, nil
	}
	w.mu.Unlock()
	if last {
		r.stop()
	}
}

func (w *watcher) see() *picture {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.latest
}

// publish shows p to all listeners, unless r has been told to stop.
func (w *watcher) publish(r *round, p *picture) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.round != r {
		return
	}
	w.latest = p
	for sub := range w.subs {
		select {
		case sub <- struct{}{}:
		default: // one is waiting already
		}
	}
}

const (
	lookWait    = time.Second           // the longest wait of one look
	cancelEvery = 10 * time.Millisecond // a Cancel before the wait begins is lost
)

// run follows the service, and finds it again after each loss.
func (r *round) run(ctx context.Context, former <-chan struct{}) {
	defer close(r.ended)
	if former != nil {
		<-former
	}
	p := &picture{}
	for wait := backoffLow; ctx.Err() == nil; wait = min(2*wait, backoffHigh) {
		seen, err := r.follow(ctx, p)
		if ctx.Err() != nil {
			return
		}
		if seen != p { // the service was there
			wait = backoffLow
		}
		p = seen.lose(failure("watch", "", err))
		r.w.publish(r, p)
		pause(ctx, wait)
	}
}

// follow looks until the service is lost or ctx ends, and returns the last picture.
func (r *round) follow(ctx context.Context, p *picture) (*picture, error) {
	sc, err := scard.EstablishContext()
	if err != nil {
		return p, err
	}
	r.hold(sc)
	defer func() {
		r.hold(nil)
		_ = sc.Release()
	}()
	l := look{context: sc}
	for ctx.Err() == nil {
		changed, err := l.take(lookWait)
		if err != nil {
			return p, err
		}
		if changed || p.lost != nil || !p.looked {
			p = p.develop(l.slots)
			r.w.publish(r, p)
		}
	}
	return p, ctx.Err()
}

func (r *round) hold(sc *scard.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sc = sc
}

// stop ends the goroutine and waits for it. It cancels again and again, for a
// Cancel that comes before the wait begins is lost; the wait itself is bounded.
func (r *round) stop() {
	r.cancel()
	tick := time.NewTicker(cancelEvery)
	defer tick.Stop()
	for {
		r.interrupt()
		select {
		case <-r.ended:
			return
		case <-tick.C:
		}
	}
}

func (r *round) interrupt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sc != nil {
		_ = r.sc.Cancel() // a lost service has nothing to cancel
	}
}
