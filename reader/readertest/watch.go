package readertest

import (
	"context"
	"testing"
	"time"

	"jukicard/reader"
)

// timeoutEvent is when a test gives up on a desk.
const timeoutEvent = 20 * time.Second

// told is what a watcher told.
type told struct {
	event reader.Event
	err   error
}

// watching is one Watch in a goroutine.
type watching struct {
	t      *testing.T
	items  chan told
	ended  chan struct{}
	cancel context.CancelFunc
}

func watch(t *testing.T, s reader.System) *watching {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watching{t: t, items: make(chan told), ended: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(w.ended)
		for e, err := range s.Watch(ctx) {
			select {
			case w.items <- told{e, err}:
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(w.stop)
	return w
}

// stop ends the Watch and checks that it ends.
func (w *watching) stop() {
	w.cancel()
	select {
	case <-w.ended:
	case <-time.After(timeoutEvent):
		w.t.Error("Watch goes on after its context ended")
	}
}

func (w *watching) item() told {
	w.t.Helper()
	select {
	case i := <-w.items:
		return i
	case <-w.ended:
		w.t.Fatal("Watch ended by itself")
	case <-time.After(timeoutEvent):
		w.t.Fatal("Watch tells nothing")
	}
	return told{}
}

func (w *watching) event() reader.Event {
	w.t.Helper()
	i := w.item()
	if i.err != nil {
		w.t.Fatalf("Watch: %v", i.err)
	}
	return i.event
}

// want takes the next event and checks kind and reader.
func (w *watching) want(k reader.EventKind, name string) reader.Event {
	w.t.Helper()
	e := w.event()
	if e.Kind != k || e.Reader != name {
		w.t.Fatalf("%v %q, want %v %q", e.Kind, e.Reader, k, name)
	}
	return e
}

// settle collects what is told up to Settled.
func (w *watching) settle() []reader.Event {
	w.t.Helper()
	var events []reader.Event
	for {
		e := w.event()
		if e.Kind == reader.Settled {
			return events
		}
		events = append(events, e)
	}
}
