package wire_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"jukicard/printer/wire"
)

var errLong = errors.New("too long")

// cutLine takes answers that end with a full stop.
func cutLine(in []byte) (string, []byte, bool, error) {
	a, rest, ok := bytes.Cut(in, []byte{'.'})
	switch {
	case !ok && len(in) > 20:
		return "", nil, false, errLong
	case !ok:
		return "", in, false, nil
	}
	return string(a), rest, true, nil
}

// talk is a conversation with a printer that answers each question with script's next.
func talk(t *testing.T, script ...string) *wire.Talk[string] {
	t.Helper()
	printer := func(far net.Conn) {
		defer func() { _ = far.Close() }()
		b := make([]byte, 64)
		for _, answer := range script {
			if _, err := far.Read(b); err != nil {
				return
			}
			if _, err := far.Write([]byte(answer)); err != nil {
				return
			}
		}
		_, _ = far.Read(b) // until the host hangs up
	}
	k := &wire.Talk[string]{Cut: cutLine, Dialer: wire.Func{Name: "script", Open: func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go printer(far)
		return near, nil
	}}}
	if err := k.Dial(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(k.Close(), k.Close()); err != nil {
			t.Errorf("hanging up twice: %v", err)
		}
	})
	return k
}

func TestTalk(t *testing.T) {
	k := talk(t, "one.two.th", "ree.")
	for n, want := range []string{"one", "two", "three"} {
		ask := func(ctx context.Context) (string, error) { return k.Ask(ctx, []byte("?")) }
		if n == 1 {
			ask = k.Answer // of the first question
		}
		if a, err := ask(t.Context()); a != want || err != nil {
			t.Errorf("answer %d is %q, %v", n, a, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := k.Answer(ctx); !wire.IsTimeout(err) {
		t.Errorf("no answer: %v", err)
	}
	if err := k.Close(); err != nil || k.Wire != nil {
		t.Errorf("closed: %v", err)
	}
}

func TestTalkThatIsNone(t *testing.T) {
	k := talk(t, "an answer without any end to it")
	var e *wire.Error
	if _, err := k.Ask(t.Context(), []byte("?")); !errors.As(err, &e) || e.Kind != wire.Broken || e.Name != "script" || !errors.Is(err, errLong) {
		t.Errorf("got %v", err)
	}
}

// What an earlier host has not read is not this one's answer.
func TestDrain(t *testing.T) {
	k := talk(t, "old.old.", "new.")
	if _, err := k.Wire.Write(t.Context(), []byte("?")); err != nil {
		t.Fatal(err)
	}
	if err := k.Drain(t.Context(), 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if a, err := k.Ask(t.Context(), []byte("?")); a != "new" || err != nil {
		t.Errorf("the answer is %q, %v", a, err)
	}
}

func TestDrainEnds(t *testing.T) {
	chatter := &wire.Talk[string]{Cut: cutLine, Wire: chatterbox{}, Dialer: wire.Func{Name: "chatter"}}
	var e *wire.Error
	if err := chatter.Drain(t.Context(), time.Second); !errors.As(err, &e) || e.Kind != wire.Broken {
		t.Errorf("a printer that talks on: %v", err)
	}
	gone := talk(t)
	if err := gone.Wire.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gone.Drain(t.Context(), time.Second); !errors.As(err, &e) || e.Kind != wire.Gone {
		t.Errorf("a printer that is gone: %v", err)
	}
}

// chatterbox always has something to say.
type chatterbox struct{ wire.Wire }

// Read says it.
func (chatterbox) Read(_ context.Context, p []byte) (int, error) { return len(p), nil }

func TestTalkWithNobody(t *testing.T) {
	k := &wire.Talk[string]{Cut: cutLine, Dialer: wire.Func{Name: "nobody", Open: func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }}}
	if err := k.Dial(t.Context()); !errors.Is(err, net.ErrClosed) || k.Wire != nil {
		t.Errorf("it dials: %v", err)
	}
}

func TestPause(t *testing.T) {
	if err := wire.Pause(t.Context(), time.Microsecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := wire.Pause(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}
