package jukinet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// op is what a line of the ledger tells.
type op string

const (
	opPut    op = "put"    // a card was put into a state by hand
	opSeen   op = "seen"   // a notice arrived; from here on the same one is a repeat
	opTaken  op = "taken"  // it had its effect
	opRefuse op = "refuse" // it was refused
	opClear  op = "clear"  // its sender asked: it may come again
	opBar    op = "bar"    // a card's record was closed
	opUnbar  op = "unbar"
)

// line is one line of the ledger.
type line struct {
	Op     op        `json:"op"`
	At     time.Time `json:"at"`
	Key    string    `json:"key,omitempty"`
	Card   string    `json:"card,omitempty"`
	Kind   string    `json:"kind,omitempty"`
	Order  string    `json:"order,omitempty"`
	Seq    int64     `json:"seq,omitempty"`
	Serial string    `json:"serial,omitempty"`
	Status Status    `json:"status,omitempty"`
	Code   string    `json:"code,omitempty"`
}

// entry is what is known of a notice.
type entry struct {
	card, kind, code string
	at               time.Time
	state            string // "", accepted, refused
	clear            bool   // its sender asked since it was seen
	unauthorised     bool
}

// apply is the only mutator: reading the ledger again gives the same server.
func (s *Server) apply(l line) {
	switch l.Op {
	case opPut:
		s.card(l.Card, l.At).Status = l.Status
	case opSeen:
		s.notices[l.Key] = &entry{card: l.Card, kind: l.Kind, at: l.At}
	case opTaken:
		e := s.notices[l.Key]
		e.state, e.at, e.code, e.unauthorised = stateAccepted, l.At, "", false
		s.effect(s.card(l.Card, l.At), l)
	case opRefuse:
		e := s.notices[l.Key]
		e.state, e.code, e.at, e.unauthorised = stateRefused, l.Code, l.At, l.Code == codeRepeat || l.Code == codeBarred
	case opClear:
		s.notices[l.Key].clear = true
	case opBar:
		s.card(l.Card, l.At).barred = true
	case opUnbar:
		s.card(l.Card, l.At).barred = false
	}
}

// effect is what a notice does to a card.
func (s *Server) effect(c *Card, l line) {
	c.seq, c.Since = l.Seq, l.At
	switch l.Kind {
	case kindIssued:
		c.Status = Delivered
	case kindVoided:
		c.Status = Abolished
	case kindDestroyed:
		c.Destroyed = true
	case kindCertificateIssued:
		c.Certificates[l.Serial] = l.Order
	case kindCertificateRevoked:
		c.Certificates[l.Serial] = revoked
	}
}

// card is a card's record, made when it is not there.
func (s *Server) card(number string, at time.Time) *Card {
	c, ok := s.cards[number]
	if !ok {
		c = &Card{Number: number, Status: Unregistered, Certificates: map[string]string{}, Since: at}
		s.cards[number] = c
	}
	return c
}

// ledger is a file of lines, each synced before it counts.
type ledger struct{ f *os.File }

func openLedger(name string, apply func(line)) (*ledger, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	whole, err := replay(f, apply)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &ledger{f}, nil
}

// replay applies every whole line and says how many bytes they are. A torn line
// can only be the last; any other that is no line is damage.
func replay(f *os.File, apply func(line)) (whole int64, err error) {
	text, err := io.ReadAll(f)
	if err != nil {
		return 0, err
	}
	for number := 1; ; number++ {
		this, rest, ended := bytes.Cut(text, []byte("\n"))
		if !ended {
			return whole, nil
		}
		var l line
		if err := json.Unmarshal(this, &l); err != nil {
			return 0, fmt.Errorf("line %d is damaged", number)
		}
		apply(l)
		whole += int64(len(this)) + 1
		text = rest
	}
}

func (l *ledger) append(entry line) error {
	b, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	if _, err := l.f.Write(append(b, '\n')); err != nil {
		return err
	}
	return l.f.Sync()
}

// Close closes the file.
func (l *ledger) Close() error { return l.f.Close() }
