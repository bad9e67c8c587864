// Package jukinet is the other side of the line: card management (カード管理システム) or
// the JPKI (公的個人認証システム), as a counterpart to test against. It holds the cards'
// states and behaves as the real one is reported to have done in April 2016 (itpro,
// 2016-04-05/06): what it has seen once and sees again without having been asked in
// between is unauthorised access (不正アクセス), and the card's record is barred.
//
// The real telegrams are not public. The protocol here is the small one of ours
// that package upstream describes, written anew from its description, so that the
// two do not share a mistake. That a question clears the suspicion is ours too: in
// 2016 there was no question, and the card had to be made anew ([Options.Deaf]).
//
// It misbehaves on request, see [Fault]. With a file it survives being killed at
// any moment. It knows no people: cards, orders and serial numbers are all it is
// told.
package jukinet

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Status is where a card stands.
type Status string

// The states: not registered; 交付前; 交付済; 一時停止; 廃止; and a record closed after
// unauthorised access, whatever it was before.
const (
	Unregistered Status = "unregistered"
	Before       Status = "before"
	Delivered    Status = "delivered"
	Suspended    Status = "suspended"
	Abolished    Status = "abolished"
	Barred       Status = "barred"
)

// Role is which counterpart it is.
type Role string

// Card management takes issued, voided and destroyed; the JPKI takes certificate-issued and
// certificate-revoked.
const (
	Management Role = "management"
	JPKI       Role = "jpki"
)

// Options are what a Server is made of.
type Options struct {
	Role Role             // Management when empty
	File string           // where it remembers, line by line; empty: in memory alone
	Now  func() time.Time // time.Now when nil
	Deaf bool             // as in 2016 to the letter: a question clears nothing
}

// Card is one card's record.
type Card struct {
	Number       string
	Status       Status            // Barred hides what it was before
	Certificates map[string]string // by serial number: the order it was issued for, or "revoked"
	Since        time.Time
	Destroyed    bool // two persons saw an abolished card destroyed
	barred       bool
	seq          int64 // of the last notice taken
}

// Counts are what a Server has seen. Repeats and Disorder are what must never
// happen.
type Counts struct {
	Tells     int // telegrams that arrived
	Asks      int // questions that arrived
	Taken     int // notices that had their effect
	Refused   int // notices refused
	Repeats   int // blind repeats, each of which barred a record
	Disorder  int // notices that arrived before an older one of the same sender and card
	Lost      int // calls that a fault swallowed
	CardsHeld int // cards on record
}

// Server is a counterpart. It may be used by several goroutines.
type Server struct {
	o      Options
	file   *ledger
	script script

	mu      sync.Mutex
	cards   map[string]*Card
	notices map[string]*entry // by key
	counts  Counts
	down    bool
	dead    bool // killed: nothing is remembered any more
}

// Open is a counterpart, with whatever its file remembers. A last line that was
// torn by a kill is forgotten: nobody was told of it.
func Open(o Options) (*Server, error) {
	if o.Role == "" {
		o.Role = Management
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{o: o, cards: map[string]*Card{}, notices: map[string]*entry{}}
	if o.File == "" {
		return s, nil
	}
	var err error
	if s.file, err = openLedger(o.File, s.apply); err != nil {
		return nil, fmt.Errorf("cannot open the counterpart: %w", err)
	}
	return s, nil
}

// Close gives its file up.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// errDead is that the counterpart was killed.
var errDead = errors.New("the counterpart is dead")

// remember writes a line down and only then lets it have its effect.
func (s *Server) remember(l line) error {
	if s.dead {
		return errDead
	}
	l.At = s.o.Now().UTC()
	if s.file != nil {
		if err := s.file.append(l); err != nil {
			return err
		}
	}
	s.apply(l)
	return nil
}

// Register puts a card on record as 交付前, as happens when it is made.
func (s *Server) Register(card string) error { return s.put(card, Before) }

// Suspend and Abolish are what holders do by telephone: 一時停止 and 廃止.
func (s *Server) Suspend(card string) error { return s.put(card, Suspended) }

// Abolish is 廃止; it cannot be taken back.
func (s *Server) Abolish(card string) error { return s.put(card, Abolished) }

func (s *Server) put(card string, status Status) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.cards[card]; c != nil && c.Status == Abolished {
		return fmt.Errorf("cannot make card %s %s: it is abolished", card, status)
	}
	return s.remember(line{Op: opPut, Card: card, Status: status})
}

// Card is a card's record; one it does not have is Unregistered.
func (s *Server) Card(number string) Card {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.cards[number]
	if !ok {
		return Card{Number: number, Status: Unregistered}
	}
	return c.seen()
}

// Cards are all records, by number.
func (s *Server) Cards() []Card {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Card
	for _, number := range slices.Sorted(maps.Keys(s.cards)) {
		all = append(all, s.cards[number].seen())
	}
	return all
}

// seen is the record as others see it.
func (c *Card) seen() Card {
	shown := *c
	shown.Certificates = maps.Clone(c.Certificates)
	if c.barred {
		shown.Status = Barred
	}
	return shown
}

// Counts are the counts so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := s.counts
	counts.CardsHeld = len(s.cards)
	return counts
}

// Down makes every call end without an answer, before anything is seen; Up ends
// that.
func (s *Server) Down() { s.setDown(true) }

// Up ends an outage.
func (s *Server) Up() { s.setDown(false) }

func (s *Server) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Unbar is what its operators do after a telephone call: the record is open again.
func (s *Server) Unbar(card string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remember(line{Op: opUnbar, Card: card})
}

// Correct is what its operators do after a telephone call with the sender: a notice
// that was seen and had no effect is entered by hand.
func (s *Server) Correct(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, seen := s.notices[key]
	if !seen || e.state == stateAccepted {
		return fmt.Errorf("cannot correct %s: it was never seen, or has had its effect", key)
	}
	if e.kind != kindIssued && e.kind != kindVoided && e.kind != kindDestroyed {
		return fmt.Errorf("cannot correct %s: certificates are not entered by hand", key)
	}
	c := s.cards[e.card]
	return s.remember(line{Op: opTaken, Key: key, Card: e.card, Kind: e.kind, Seq: c.seq + 1})
}
