//go:build cgo && linux

package pcsc_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ebfe/scard"

	"jukicard/reader"
	"jukicard/reader/pcsc"
	"jukicard/reader/readertest"
)

// patience is short: the suite also asks while pcscd is gone.
const patience = 100 * time.Millisecond

// TestVirtualDesk runs the conformance suite through Debian's pcscd.
func TestVirtualDesk(t *testing.T) {
	readertest.Run(t, func(t *testing.T, slots int) readertest.Desk {
		return readertest.Virtual(t, pcsc.New(pcsc.Options{Patience: patience}), slots)
	})
}

// TestWatcherIsSharedAndTrue watches through two systems while others list and
// the collector runs: with two waits at once the binding frees names in use and
// insertions are told wrong.
func TestWatcherIsSharedAndTrue(t *testing.T) {
	d := readertest.Virtual(t, pcsc.New(pcsc.Options{}), 4)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { disturb(t, ctx, len(d.Names)) })
	first, stopFirst := events(ctx, d.System)
	defer stopFirst()
	second, stopSecond := events(ctx, pcsc.New(pcsc.Options{}))
	defer stopSecond()
	for range 5 {
		for _, k := range []reader.EventKind{reader.Inserted, reader.Removed} {
			for slot := range d.Names {
				move(t, d, slot, k)
			}
			for _, told := range []func() (reader.Event, error){first, second} {
				wantFromAll(t, d.Names, k, told)
			}
		}
	}
}

// disturb lists readers and collects garbage until ctx ends.
func disturb(t *testing.T, ctx context.Context, readers int) {
	s := pcsc.New(pcsc.Options{})
	for ctx.Err() == nil {
		runtime.GC()
		states, err := s.Readers(ctx)
		if ctx.Err() == nil && (err != nil || len(states) != readers) {
			t.Errorf("list: %d readers, %v, want %d", len(states), err, readers)
		}
	}
}

// events pulls what a system tells after it has settled.
func events(ctx context.Context, s reader.System) (next func() (reader.Event, error), stop func()) {
	pull, stop := iter.Pull2(s.Watch(ctx))
	next = func() (reader.Event, error) {
		e, err, _ := pull()
		return e, err
	}
	for e, err := next(); err == nil && e.Kind != reader.Settled; e, err = next() {
	}
	return next, stop
}

func move(t *testing.T, d readertest.Desk, slot int, k reader.EventKind) {
	t.Helper()
	var err error
	if k == reader.Inserted {
		err = d.Hands.Insert(slot, plainCard{})
	} else {
		err = d.Hands.Remove(slot)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func wantFromAll(t *testing.T, names []string, k reader.EventKind, next func() (reader.Event, error)) {
	t.Helper()
	told := map[string]bool{}
	for range names {
		e, err := next()
		if err != nil || e.Kind != k || told[e.Reader] {
			t.Fatalf("told %v at %q, %v; want %v at one more", e.Kind, e.Reader, err, k)
		}
		told[e.Reader] = true
	}
}

// plainCard answers 16 bytes to everything, as a READ BINARY would be.
type plainCard struct{}

func (plainCard) ATR() []byte           { return []byte{0x3B, 0x80, 0x80, 0x01, 0x01} }
func (plainCard) PowerOff()             {}
func (plainCard) Reset()                {}
func (plainCard) Process([]byte) []byte { return plainAnswer }

var plainAnswer = append(make([]byte, 16), 0x90, 0x00)

// inserted is a desk with plainCard in its first reader.
func inserted(t testing.TB) readertest.Desk {
	t.Helper()
	d := readertest.Virtual(t, pcsc.New(pcsc.Options{}), 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next, stop := events(ctx, d.System)
	defer stop()
	if err := d.Hands.Insert(0, plainCard{}); err != nil {
		t.Fatal(err)
	}
	if e, err := next(); err != nil || e.Kind != reader.Inserted {
		t.Fatalf("told %v, %v, want an insertion", e.Kind, err)
	}
	return d
}

// TestFilesAndThreadsDoNotGrow opens and closes, with and without success: each
// context is a socket.
func TestFilesAndThreadsDoNotGrow(t *testing.T) {
	d := inserted(t)
	before := openFiles(t)
	for range 20 {
		c, err := d.System.Open(t.Context(), d.Names[0], reader.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.System.Open(t.Context(), d.Names[0], reader.Exclusive); !errors.Is(err, reader.ErrSharing) {
			t.Fatalf("second open: %v", err)
		}
		if _, err := d.System.Open(t.Context(), d.Names[1], reader.Shared); !errors.Is(err, reader.ErrNoCard) {
			t.Fatalf("open of an empty reader: %v", err)
		}
		if err := c.Close(reader.Reset); err != nil {
			t.Fatal(err)
		}
		if _, err := d.System.(reader.Lister).Readers(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d open files, %d before", after, before)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestOpenGivesUpWithItsContext: PC/SC blocks while another client holds a
// transaction. The abandoned connection is given back afterwards.
func TestOpenGivesUpWithItsContext(t *testing.T) {
	d := inserted(t)
	other, err := scard.EstablishContext()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Release() }()
	holder, err := other.Connect(d.Names[0], scard.ShareShared, scard.ProtocolAny)
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := d.System.Open(ctx, d.Names[0], reader.Shared); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("open: %v, want %v", err, context.DeadlineExceeded)
	}
	if err := holder.EndTransaction(scard.LeaveCard); err != nil {
		t.Fatal(err)
	}
	if err := holder.Disconnect(scard.LeaveCard); err != nil {
		t.Fatal(err)
	}
	c := openWhenFree(t, d)
	if err := c.Close(reader.Reset); err != nil {
		t.Error(err)
	}
}

// openWhenFree waits until nobody else holds the card.
func openWhenFree(t *testing.T, d readertest.Desk) reader.Card {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		c, err := d.System.Open(t.Context(), d.Names[0], reader.Exclusive)
		if err == nil {
			return c
		}
		if !errors.Is(err, reader.ErrSharing) {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the abandoned connection was never given back")
		}
	}
}

func TestServiceThatNeverWas(t *testing.T) {
	s := pcsc.New(pcsc.Options{Patience: patience})
	if err := readertest.Bed(t, 2).Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Readers(t.Context()); !errors.Is(err, reader.ErrDaemon) {
		t.Errorf("list: %v, want %v", err, reader.ErrDaemon)
	}
}
