package watchdog

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jukicard/reader"
)

// desk is a reader whose card answers when it is let.
type desk struct {
	opening time.Duration // Open takes
	stalls  chan struct{} // nil: the card answers at once; else when it is closed

	sent    atomic.Int32
	mu      sync.Mutex // of what follows
	opened  int
	closed  []reader.Disposition
	command []byte
}

func (d *desk) Watch(context.Context) iter.Seq2[reader.Event, error] { return nil }

func (d *desk) Open(context.Context, string, reader.Mode) (reader.Card, error) {
	<-time.After(d.opening)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened++
	return &lying{d}, nil
}

// lying is the card.
type lying struct{ *desk }

func (lying) ATR() reader.ATR { return reader.ATR{0x3B} }

func (c lying) Transmit(_ context.Context, command []byte) ([]byte, error) {
	c.sent.Add(1)
	c.mu.Lock()
	c.command = bytes.Clone(command)
	c.mu.Unlock()
	if c.stalls != nil {
		<-c.stalls
	}
	return []byte{0x90, 0x00}, nil
}

func (c lying) Reset(context.Context) (reader.ATR, error) {
	if c.stalls != nil {
		<-c.stalls
	}
	return reader.ATR{0x3F}, nil
}

func (c lying) Close(d reader.Disposition) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = append(c.closed, d)
	return nil
}

const limit = 2 * time.Minute

func opened(t *testing.T, s reader.System) reader.Card {
	t.Helper()
	c, err := s.Open(t.Context(), "Desk 0", reader.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACardThatAnswersIsAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		c := opened(t, Guard(d, limit))
		if got := c.ATR(); !bytes.Equal(got, reader.ATR{0x3B}) {
			t.Errorf("answer to reset %X", got)
		}
		command := []byte{0x00, 0xA4, 0x04, 0x00}
		if got, err := c.Transmit(t.Context(), command); err != nil || !bytes.Equal(got, []byte{0x90, 0x00}) || !bytes.Equal(d.command, command) {
			t.Errorf("answer %X to %X, %v", got, d.command, err)
		}
		if atr, err := c.Reset(t.Context()); err != nil || !bytes.Equal(atr, c.ATR()) || !bytes.Equal(atr, reader.ATR{0x3F}) {
			t.Errorf("after a reset it answers %X and is %X, %v", atr, c.ATR(), err)
		}
		if err := errors.Join(c.Close(reader.Reset), c.Close(reader.Unpower)); err != nil || len(d.closed) != 1 || d.closed[0] != reader.Reset {
			t.Errorf("closed %v, %v", d.closed, err)
		}
		if _, err := c.Transmit(t.Context(), command); !errors.Is(err, reader.ErrClosed) {
			t.Errorf("after its end: %v", err)
		}
	})
}

// TestASilentCardIsGivenUp: the caller is told in time that the link failed, everything
// after it fails, and the reader is not opened again before the command came back.
func TestASilentCardIsGivenUp(t *testing.T) {
	for name, act := range map[string]func(reader.Card) error{
		"a command": func(c reader.Card) error { _, err := c.Transmit(context.Background(), make([]byte, 4)); return err },
		"a reset":   func(c reader.Card) error { _, err := c.Reset(context.Background()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{stalls: make(chan struct{})}
				s := Guard(d, limit)
				c := opened(t, s)
				began := time.Now()
				err := act(c)
				var link *reader.Error
				if !errors.As(err, &link) || !errors.Is(err, reader.ErrMute) || time.Since(began) != limit {
					t.Fatalf("after %v: %v", time.Since(began), err)
				}
				sent := d.sent.Load()
				if err := act(c); !errors.Is(err, reader.ErrMute) || d.sent.Load() != sent {
					t.Errorf("a card that is given up was sent something: %v", err)
				}
				if err := c.Close(reader.Reset); err != nil || len(d.closed) != 0 {
					t.Errorf("closed while the command is late: %v %v", d.closed, err)
				}
				if _, err := s.Open(t.Context(), "Desk 0", reader.Exclusive); !errors.Is(err, reader.ErrMute) || d.opened != 1 {
					t.Errorf("opened again while the command is late: %v", err)
				}
				time.AfterFunc(time.Second, func() { close(d.stalls) })
				again := opened(t, s) // it waits for the command
				if len(d.closed) != 1 || d.closed[0] != reader.Unpower {
					t.Errorf("the late card was closed %v", d.closed)
				}
				if _, err := again.Transmit(t.Context(), make([]byte, 4)); err != nil {
					t.Error(err)
				}
				_ = again.Close(reader.Reset)
			})
		})
	}
}

func TestAReaderThatIsSilentAtTheOpeningIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{opening: time.Hour}
		s := Guard(d, limit)
		if _, err := s.Open(t.Context(), "Desk 0", reader.Exclusive); !errors.Is(err, reader.ErrMute) {
			t.Errorf("got %v", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		if _, err := s.Open(ctx, "Desk 0", reader.Exclusive); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped it says %v", err)
		}
		<-time.After(2 * time.Hour)
		synctest.Wait()
		if d.opened != 2 || len(d.closed) != 2 {
			t.Errorf("opened %d times, given back %d times", d.opened, len(d.closed))
		}
	})
}

func TestWithoutALimitThereIsTheUsualOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{stalls: make(chan struct{})}
		c := opened(t, Guard(d, 0))
		began := time.Now()
		if _, err := c.Transmit(t.Context(), make([]byte, 4)); !errors.Is(err, reader.ErrMute) || time.Since(began) != limitUsual {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		close(d.stalls)
	})
}

func TestReadersCanBeListedWhereTheyCould(t *testing.T) {
	if _, ok := Guard(&desk{}, limit).(reader.Lister); ok {
		t.Error("it lists what nobody can list")
	}
	s := Guard(&lister{}, limit)
	if states, err := s.(reader.Lister).Readers(t.Context()); err != nil || len(states) != 1 {
		t.Errorf("readers %v, %v", states, err)
	}
}

type lister struct{ desk }

func (*lister) Readers(context.Context) ([]reader.State, error) { return make([]reader.State, 1), nil }
