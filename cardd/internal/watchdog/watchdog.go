// Package watchdog keeps a card that never answers from holding a station for ever: it
// wraps a reader.System so that each command has a limit of time.
//
// A command on the wire cannot be called back. When its time is over the caller is told
// that the link failed, after which nobody knows what the card did; the card is given up,
// and whoever waits for it waits no longer. The command itself is waited for by the card's
// own goroutine, which then switches the card off. Until it has, the reader is not opened
// again.
//
// It leaves out repeating anything, and deciding what a silence means: who opened the
// card does both.
package watchdog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"jukicard/reader"
)

// patienceMax bounds how long an Open waits for a command that is late to come back, and
// for the reader itself.
const patienceMax = 10 * time.Second

// limitUsual is the limit where none is given: twice what a slow card takes for a key.
const limitUsual = 2 * time.Minute

// System is readers with a limit of time. It may be used by several goroutines.
type System struct {
	reader.System
	limit    time.Duration
	patience time.Duration

	mu   sync.Mutex
	late map[string]chan struct{} // by reader: closed when the command that is late came back
}

// listing is a System whose readers can be listed.
type listing struct {
	*System
	reader.Lister
}

// Guard gives the commands to a system's cards at most limit each; key generation is the
// longest a card needs, tens of seconds; two minutes where limit is zero. It can list
// readers where the system can.
func Guard(inner reader.System, limit time.Duration) reader.System {
	if limit <= 0 {
		limit = limitUsual
	}
	s := &System{System: inner, limit: limit, patience: min(limit, patienceMax), late: map[string]chan struct{}{}}
	if l, ok := inner.(reader.Lister); ok {
		return listing{s, l}
	}
	return s
}

// Open connects to the card in the named reader. A reader in which a command is late is
// given a moment; then it is a card that does not answer.
func (s *System) Open(asked context.Context, name string, m reader.Mode) (reader.Card, error) {
	ctx, stop := context.WithTimeout(asked, s.patience)
	defer stop()
	c, err := s.open(ctx, name, m)
	if err != nil && asked.Err() != nil {
		return nil, fmt.Errorf("cannot open %s: %w", name, asked.Err())
	}
	return c, err
}

func (s *System) open(ctx context.Context, name string, m reader.Mode) (reader.Card, error) {
	if late := s.lateAt(name); late != nil {
		select {
		case <-late:
		case <-ctx.Done():
			return nil, silent("open", name, "a command is still on its way")
		}
	}
	return s.connect(ctx, name, m)
}

// connect opens the card; one that comes when nobody waits any more is given back.
func (s *System) connect(ctx context.Context, name string, m reader.Mode) (reader.Card, error) {
	type outcome struct {
		card reader.Card
		err  error
	}
	done := make(chan outcome)
	go func() {
		c, err := s.System.Open(ctx, name, m)
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
		if o.err != nil {
			return nil, o.err
		}
		return s.guard(name, o.card), nil
	case <-ctx.Done():
		return nil, silent("open", name, fmt.Sprintf("not within %v", s.patience))
	}
}

func silent(op, name, detail string) *reader.Error {
	return &reader.Error{Op: op, Reader: name, Kind: reader.ErrMute, Detail: detail}
}

func (s *System) lateAt(name string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.late[name]
}

// miss notes that a command at a reader is late; the function it gives ends that.
func (s *System) miss(name string) (back func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	returned := make(chan struct{})
	s.late[name] = returned
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.late[name] == returned {
			delete(s.late, name)
		}
		close(returned)
	}
}
