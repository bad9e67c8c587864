package faults

import (
	"context"
	"errors"

	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/station"
	"jukicard/reader"
	"jukicard/simulator"
)

// mortal is a journal at whose boundaries the daemon can die: before and behind each of
// its writes, which are the only moments that a death can be told apart from another.
type mortal struct {
	station.Journal
	deaths []int // numbers of boundaries, rising
	passed int
}

// errKilled is what a daemon dies of here: it is panicked with, so that nothing of the
// daemon's goes on.
var errKilled = errors.New("the daemon was killed")

func (m *mortal) boundary() {
	m.passed++
	if len(m.deaths) > 0 && m.passed >= m.deaths[0] {
		m.deaths = m.deaths[1:]
		panic(errKilled)
	}
}

// expect sets the boundaries at which the daemon dies, counted from now.
func (m *mortal) expect(deaths []int) { m.deaths, m.passed = deaths, 0 }

// Create is a write.
func (m *mortal) Create(ctx context.Context, job journal.Job, sealed []byte) error {
	m.boundary()
	err := m.Journal.Create(ctx, job, sealed)
	m.boundary()
	return err
}

// SetState is a write.
func (m *mortal) SetState(ctx context.Context, id, state, reason string, done, total int) error {
	m.boundary()
	err := m.Journal.SetState(ctx, id, state, reason, done, total)
	m.boundary()
	return err
}

// AppendWith is a write.
func (m *mortal) AppendWith(ctx context.Context, id string, r journal.Record, n ...journal.Notice) (journal.Record, error) {
	m.boundary()
	kept, err := m.Journal.AppendWith(ctx, id, r, n...)
	m.boundary()
	return kept, err
}

// DropSealed is a write.
func (m *mortal) DropSealed(ctx context.Context, id string) error {
	m.boundary()
	err := m.Journal.DropSealed(ctx, id)
	m.boundary()
	return err
}

// sockets are the desk as the daemon has it: with its death the card loses its power and
// is free again.
type sockets struct {
	*simulator.Desk
	open []reader.Card
}

// Open remembers what it opened.
func (s *sockets) Open(ctx context.Context, name string, m reader.Mode) (reader.Card, error) {
	c, err := s.Desk.Open(ctx, name, m)
	if err == nil {
		s.open = append(s.open, c)
	}
	return c, err
}

// release closes whatever the daemon left open.
func (s *sockets) release() {
	for _, c := range s.open {
		_ = c.Close(reader.Unpower) // one that was closed in time is closed
	}
	s.open = nil
}
