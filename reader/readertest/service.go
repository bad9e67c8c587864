package readertest

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"jukicard/reader"
)

// testService concerns desks whose service can be lost: it is told once, all
// readers are gone with it, and all comes back by itself.
func testService(t *testing.T, d Desk) {
	if d.Service == nil {
		return
	}
	w := place(t, d, 0, newCard(atrOne))
	c := open(t, d, 0, reader.Exclusive)
	for range 2 {
		if err := d.Service.Kill(); err != nil {
			t.Fatal(err)
		}
		wantLoss(t, d, w)
		for range 2 {
			_, err := c.Transmit(t.Context(), echo(nil))
			wantKind(t, "transmit", err, reader.ErrDaemon)
		}
		_, err := c.Reset(t.Context())
		wantKind(t, "reset", err, reader.ErrDaemon)
		shut(t, c, reader.Reset)
		wantNoService(t, d)
		if err := d.Service.Restart(); err != nil {
			t.Fatal(err)
		}
		wantReturn(t, d, w)
		c = open(t, d, 0, reader.Exclusive)
		wantEcho(t, c, []byte("back"))
	}
}

func wantLoss(t *testing.T, d Desk, w *watching) {
	t.Helper()
	wantKind(t, "watch", w.item().err, reader.ErrDaemon)
	gone := map[string]bool{}
	for range d.Names {
		e := w.event()
		if e.Kind != reader.Detached || gone[e.Reader] {
			t.Fatalf("%v at %s, want a reader more detached", e.Kind, e.Reader)
		}
		gone[e.Reader] = true
	}
}

// wantNoService checks those who come while the service is away.
func wantNoService(t *testing.T, d Desk) {
	t.Helper()
	_, err := d.System.Open(t.Context(), d.Names[0], reader.Exclusive)
	wantKind(t, "open", err, reader.ErrDaemon)
	if l, ok := d.System.(reader.Lister); ok {
		_, err := l.Readers(t.Context())
		wantKind(t, "list", err, reader.ErrDaemon)
	}
	late := watch(t, d.System)
	wantKind(t, "watch", late.item().err, reader.ErrDaemon)
	late.want(reader.Settled, "")
	late.stop()
}

// wantReturn waits for all readers and the card in the first.
func wantReturn(t *testing.T, d Desk, w *watching) {
	t.Helper()
	there, card := map[string]bool{}, false
	for len(there) < len(d.Names) || !card {
		switch e := w.event(); e.Kind {
		case reader.Attached:
			there[e.Reader] = true
		case reader.Inserted:
			card = card || e.Reader == d.Names[0]
		default:
			t.Fatalf("%v at %s, want readers and card back", e.Kind, e.Reader)
		}
	}
}

const rounds = 10

// testNothingLeaks: after rounds of everything as many goroutines as before.
func testNothingLeaks(t *testing.T, d Desk) {
	place(t, d, 0, newCard(atrOne)).stop()
	before := runtime.NumGoroutine()
	for range rounds {
		w := watch(t, d.System)
		w.settle()
		c := open(t, d, 0, reader.Exclusive)
		wantEcho(t, c, []byte("round"))
		_, err := d.System.Open(t.Context(), d.Names[0], reader.Shared)
		if !errors.Is(err, reader.ErrSharing) {
			t.Fatalf("open: %v, want %v", err, reader.ErrSharing)
		}
		shut(t, c, reader.Reset)
		w.stop()
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(timeoutEvent)
	for runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-deadline:
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
