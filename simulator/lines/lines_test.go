//go:build linux

package lines_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jukicard/printer/wire"
	"jukicard/simulator/lines"
)

// upper is a model that answers in capitals and counts its hosts. "bye" has it hang up,
// "?" is no word of its language.
type upper struct{ hosts int }

func (u *upper) Serve(_ context.Context, host io.ReadWriteCloser) error {
	u.hosts++
	b := make([]byte, 64)
	for {
		n, err := host.Read(b)
		if err != nil {
			return err
		}
		switch {
		case bytes.Equal(b[:n], []byte("bye")):
			return nil
		case bytes.Equal(b[:n], []byte("?")):
			return errors.New("no such word")
		}
		if _, err := host.Write(bytes.ToUpper(b[:n])); err != nil {
			return err
		}
	}
}

func Example() {
	cable := lines.NewPipe("model", &upper{})
	ctx := context.Background()
	w, err := cable.Dialer().Dial(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = w.Write(ctx, []byte("hello"))
	answer := make([]byte, 512)
	n, _ := w.Read(ctx, answer)
	fmt.Printf("%s\n", answer[:n])

	_ = cable.Unplug()
	_, err = w.Read(ctx, answer)
	fmt.Println(err)
	// Output:
	// HELLO
	// cannot read pipe model (gone): EOF
}

// cables are one of each, each with a model of its own.
func cables(t *testing.T) map[string]lines.Cable {
	t.Helper()
	tcp, err := lines.NewTCP(&upper{})
	if err != nil {
		t.Fatal(err)
	}
	pty, err := lines.NewPty(t.TempDir(), &upper{})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]lines.Cable{"pipe": lines.NewPipe("model", &upper{}), "tcp": tcp, "pty": pty}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func dial(t *testing.T, c lines.Cable) wire.Wire {
	t.Helper()
	w, err := wire.Await(within(t), c.Dialer(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// say tells the model something and gives its answer.
func say(t *testing.T, w wire.Wire, text string) (string, error) {
	t.Helper()
	if _, err := w.Write(within(t), []byte(text)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 512)
	n, err := w.Read(within(t), b)
	return string(b[:n]), err
}

func TestUnpluggedTwiceAndBack(t *testing.T) {
	for name, c := range cables(t) {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				w := dial(t, c)
				if got, err := say(t, w, "abc"); got != "ABC" || err != nil {
					t.Fatalf("got %q, %v", got, err)
				}
				for range 2 {
					if err := c.Unplug(); err != nil {
						t.Fatal(err)
					}
				}
				_ = w.Close() // it is gone
				if _, err := c.Dialer().Dial(within(t)); err == nil {
					t.Error("dialled with the cable out")
				}
				if err := c.Plug(); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Unplug(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestModelHangsUp: over TCP and in a pipe the next host may come at once.
func TestModelHangsUp(t *testing.T) {
	for name, c := range cables(t) {
		t.Run(name, func(t *testing.T) {
			w := dial(t, c)
			_, err := say(t, w, "bye")
			var e *wire.Error
			if !errors.As(err, &e) || e.Kind != wire.Gone {
				t.Errorf("got %v", err)
			}
			_ = w.Close() // it is gone
			if name == "pty" {
				if err := c.Unplug(); err != nil {
					t.Fatal(err)
				}
				if err := c.Plug(); err != nil {
					t.Fatal(err)
				}
			}
			w = dial(t, c)
			if got, err := say(t, w, "abc"); got != "ABC" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			_ = w.Close() // the cable is pulled anyway
			if err := c.Unplug(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestModelsErrorIsKept(t *testing.T) {
	for name, c := range cables(t) {
		t.Run(name, func(t *testing.T) {
			w := dial(t, c)
			if _, err := say(t, w, "?"); err == nil {
				t.Error("the model stayed")
			}
			_ = w.Close() // it is gone
			if name == "tcp" {
				w = dial(t, c) // another host, who finds nothing wrong
				if got, err := say(t, w, "abc"); got != "ABC" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
				_ = w.Close()
			}
			if err := c.Unplug(); err == nil || !strings.Contains(err.Error(), "no such word") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestNewerHostReplaces: who comes back over TCP is served although the printer still
// had the old connection.
func TestNewerHostReplaces(t *testing.T) {
	u := &upper{}
	c, err := lines.NewTCP(u)
	if err != nil {
		t.Fatal(err)
	}
	first := dial(t, c)
	if got, err := say(t, first, "one"); got != "ONE" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	second := dial(t, c)
	if got, err := say(t, second, "two"); got != "TWO" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := first.Read(within(t), make([]byte, 512)); err == nil {
		t.Error("the first is served still")
	}
	_, _ = first.Close(), second.Close()
	if err := c.Unplug(); err != nil {
		t.Error(err)
	}
	if u.hosts != 2 {
		t.Errorf("%d hosts, want 2", u.hosts)
	}
}

func TestPluggedTwice(t *testing.T) {
	for name, c := range cables(t) {
		if name == "pipe" {
			continue // it has nothing to open
		}
		if err := c.Plug(); err == nil || !strings.Contains(err.Error(), "it is in") {
			t.Errorf("%s: got %v", name, err)
		}
		if err := c.Unplug(); err != nil {
			t.Error(err)
		}
	}
}

// slow is a model whose answer takes an hour of its own time.
type slow struct{}

func (slow) Serve(ctx context.Context, host io.ReadWriteCloser) error {
	b := make([]byte, 64)
	for {
		n, err := host.Read(b)
		if err != nil {
			return err
		}
		select {
		case <-time.After(time.Hour):
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := host.Write(b[:n]); err != nil {
			return err
		}
	}
}

// TestVirtualTime: in a pipe hours pass in no time.
func TestVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lines.NewPipe("slow", slow{})
		w, err := c.Dialer().Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for range 3 {
			if _, err := w.Write(t.Context(), []byte("x")); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Read(t.Context(), make([]byte, 512)); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(start); got != 3*time.Hour {
			t.Errorf("took %v", got)
		}
		if err := errors.Join(w.Close(), c.Unplug()); err != nil {
			t.Error(err)
		}
	})
}

func TestBuffer(t *testing.T) {
	b := lines.NewBuffer(4)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if n, err := b.Put(ctx, []byte("abcdef")); n != 4 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("put %d, %v, want 4: it holds no more", n, err)
	}
	p := make([]byte, 3)
	if n, err := b.Take(t.Context(), p); string(p[:n]) != "abc" || err != nil {
		t.Errorf("took %q, %v", p[:n], err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if n, err := b.Put(t.Context(), []byte("0123456789")); n != 10 || err != nil {
			t.Errorf("put %d, %v", n, err)
		}
	}()
	var got []byte
	for len(got) < 11 {
		n, err := b.Take(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p[:n]...)
	}
	<-done
	if string(got) != "d0123456789" {
		t.Errorf("got %q", got)
	}
	if n, err := b.Take(ctx, p); n != 0 || err == nil {
		t.Errorf("took %d of nothing, %v", n, err)
	}
}
