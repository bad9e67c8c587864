//go:build linux

package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"jukicard/printer/wire"
)

func TestEveryByteComesBack(t *testing.T) {
	each(t, echo, func(t *testing.T, r rig) {
		w := dial(t, r)
		var all []byte
		for i := range 256 {
			all = append(all, byte(i))
		}
		for range 3 {
			if n, err := w.Write(within(t), all); n != len(all) || err != nil {
				t.Fatalf("wrote %d: %v", n, err)
			}
			if got := read(t, w, len(all)); !bytes.Equal(got, all) {
				t.Fatalf("got % X", got)
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestPlane writes what an XID printer takes for one colour at 600 dpi.
func TestPlane(t *testing.T) {
	plane := make([]byte, 2751616)
	rnd := rand.NewChaCha8([32]byte{})
	_, _ = rnd.Read(plane) // never fails
	each(t, sink, func(t *testing.T, r rig) {
		w := dial(t, r)
		if n, err := w.Write(within(t), plane); n != len(plane) || err != nil {
			t.Fatalf("wrote %d: %v", n, err)
		}
		ctx := within(t)
		for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
			n, sum := r.model.got()
			if n == len(plane) {
				if sum != sha256.Sum256(plane) {
					t.Error("it came changed")
				}
				return
			}
			if ctx.Err() != nil {
				t.Fatalf("%d of %d bytes came", n, len(plane))
			}
		}
	})
}

func TestReadIsGivenUp(t *testing.T) {
	each(t, echo, func(t *testing.T, r rig) {
		w := dial(t, r)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := w.Read(ctx, make([]byte, 512))
		if e := failure(t, err); e.Kind != wire.Timeout || e.Op != "read" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("deadline: %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, err = w.Read(ctx, make([]byte, 512)); failure(t, err).Kind != wire.Timeout || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		// The wire is as good as before.
		if _, err := w.Write(within(t), []byte("x")); err != nil {
			t.Fatal(err)
		}
		if got := read(t, w, 1); string(got) != "x" {
			t.Errorf("got %q", got)
		}
	})
}

func TestWriteIsGivenUp(t *testing.T) {
	each(t, deaf, func(t *testing.T, r rig) {
		w := dial(t, r)
		plane := make([]byte, 32<<20)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		n, err := w.Write(ctx, plane)
		e := failure(t, err)
		if e.Kind != wire.Timeout || e.Op != "write" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if n != e.Sent || n < r.least || r.most >= 0 && n > r.most {
			t.Errorf("sent %d and %d, want the same, %d to %d", n, e.Sent, r.least, r.most)
		}
		// What was sent is what the printer gets when it reads again; on a serial
		// line it is thrown away with the connection.
		if r.name != "pty" {
			r.model.set(sink)
			for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
				if got, _ := r.model.got(); got == n {
					break
				} else if got > n {
					t.Fatalf("the printer got %d bytes of %d", got, n)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		r.model.set(echo)
		if w, err = r.cable.Dialer().Dial(within(t)); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
	})
}

func TestUnplugWhileReading(t *testing.T) {
	each(t, echo, func(t *testing.T, r rig) {
		w := dial(t, r)
		pulled := make(chan error, 1)
		go func() { pulled <- r.cable.Unplug() }()
		_, err := w.Read(within(t), make([]byte, 512))
		if failure(t, err).Kind != wire.Gone {
			t.Errorf("got %v", err)
		}
		if err := <-pulled; err != nil {
			t.Error(err)
		}
		replugged(t, r, w)
	})
}

// TestUnplugWhileWriting pulls the cable when a part has come and the rest is stuck.
func TestUnplugWhileWriting(t *testing.T) {
	each(t, full, func(t *testing.T, r rig) {
		w := dial(t, r)
		pulled := make(chan error, 1)
		go func() {
			<-r.model.filled
			pulled <- r.cable.Unplug()
		}()
		n, err := w.Write(within(t), make([]byte, 32<<20))
		if e := failure(t, err); e.Kind != wire.Gone || e.Sent != n || n < fullAt || r.most >= 0 && n > fullAt+readSize+r.most {
			t.Errorf("wrote %d: %v", n, err)
		}
		r.model.set(echo)
		if err := <-pulled; err != nil {
			t.Error(err)
		}
		replugged(t, r, w)
	})
}

// replugged closes a wire whose printer is gone, sees that it is, and finds it again.
func replugged(t *testing.T, r rig, w wire.Wire) {
	t.Helper()
	_ = w.Close() // it was gone
	if _, err := r.cable.Dialer().Dial(within(t)); failure(t, err).Kind != wire.Gone {
		t.Errorf("unplugged: %v", err)
	}
	found := make(chan wire.Wire)
	dialer := r.cable.Dialer()
	go func() {
		w, err := wire.Await(within(t), dialer, 5*time.Millisecond)
		if err != nil {
			t.Error(err)
		}
		found <- w
	}()
	if err := r.cable.Plug(); err != nil {
		t.Fatal(err)
	}
	if w = <-found; w == nil {
		return
	}
	if _, err := w.Write(within(t), []byte("again")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, w, 5); string(got) != "again" {
		t.Errorf("got %q", got)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	each(t, echo, func(t *testing.T, r rig) {
		if !r.busy {
			return // a TCP printer does not tell; the model takes the newer host
		}
		w := dial(t, r)
		if _, err := r.cable.Dialer().Dial(within(t)); failure(t, err).Kind != wire.Busy {
			t.Errorf("got %v", err)
		}
		// The first is not disturbed.
		if _, err := w.Write(within(t), []byte("mine")); err != nil {
			t.Fatal(err)
		}
		if got := read(t, w, 4); string(got) != "mine" {
			t.Errorf("got %q", got)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w = dial(t, r)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}
