package station

import (
	"context"
	"errors"
	"fmt"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/slot"
	"jukicard/cardd/plan"
	"jukicard/reader"
)

// opened is a card in the station's reader with a session on it.
type opened struct {
	card    reader.Card
	session *card.Session
	line    *line
	reader  string
	fed     bool // it was fetched from a printer's hopper
}

// line is between session and card, so that a transcript can be begun under a session.
type line struct{ apdu.Transport }

// traced keeps what goes over the card from now on; trace may be nil.
func (o *opened) traced(trace apdu.Wrapper) {
	if trace != nil {
		o.line.Transport = trace(o.line.Transport)
	}
}

func (o *opened) close(d reader.Disposition) {
	o.session.Close()
	_ = o.card.Close(d) // the card is given up either way
}

// open finds the card and opens it for this station alone.
func (s *Station) open(ctx context.Context, p *profile.Card, m reader.Mode) (*opened, error) {
	name, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.c.Readers.Open(ctx, name, m)
	if err != nil {
		return nil, slot.Unopened(err)
	}
	l := &line{c}
	return &opened{card: c, session: card.New(l, p, card.Options{Extended: s.extended(p)}), line: l, reader: name}, nil
}

func (s *Station) extended(p *profile.Card) bool { return p.Limits.Extended && !s.c.Short }

// find names the reader to use: the configured one, or the only one with a card.
func (s *Station) find(ctx context.Context) (string, error) {
	return slot.Find(ctx, s.c.Readers, s.c.Reader)
}

// look observes the card: its generation, its number, its state. Five commands,
// none of them with a secret.
func look(ctx context.Context, s *card.Session) (plan.Observation, error) {
	label, err := s.Identify(ctx)
	var refused *apdu.StatusError
	switch {
	case errors.Is(err, card.ErrOtherCard):
		return plan.Observation{}, failure.New(failure.CardNotMyNumber, "", err)
	case errors.As(err, &refused):
		return plan.Observation{}, stopped(ctx, s, err)
	case err != nil:
		return plan.Observation{}, err
	case label != s.Profile().Label:
		return plan.Observation{}, failure.New(failure.CardGeneration, "its token label is not that of the profile", nil)
	}
	id, err := s.CardID(ctx)
	if errors.As(err, &refused) {
		return plan.Observation{}, failure.New(failure.CardNoState, "it gives no card identification number", err)
	}
	if err != nil {
		return plan.Observation{}, err
	}
	b, err := s.State(ctx)
	if errors.As(err, &refused) {
		return plan.Observation{Card: id}, nil
	}
	if err != nil {
		return plan.Observation{}, err
	}
	seen, err := plan.ParseState(s.Profile(), id, b)
	if err != nil {
		return plan.Observation{}, failure.New(failure.CardNoState, err.Error(), err)
	}
	return seen, nil
}

// stopped says why a card does not let its applications be selected. One that is
// CARD_LOCKED or TERMINATED refuses all but its issuer domain (GPC_SPE_034 v2.3.1, 5.1.1),
// which may still tell its state; of any other the refusal stands.
func stopped(ctx context.Context, s *card.Session, refusal error) error {
	b, err := s.State(ctx)
	var again *apdu.StatusError
	switch {
	case errors.As(err, &again) && errors.Is(refusal, apdu.SWFunctionNotSupported):
		return failure.New(failure.CardLifeCycle, refusal.Error(), refusal) // Table 11-84: the card is locked
	case errors.As(err, &again):
		return refusal
	case err != nil:
		return err
	}
	seen, err := plan.ParseState(s.Profile(), "", b)
	if domain := s.Profile().Domain; err != nil || seen.LifeCycle == domain.Blank || seen.LifeCycle == domain.Locked {
		return refusal
	}
	return failure.New(failure.CardLifeCycle, fmt.Sprintf("its life-cycle state is %02X", seen.LifeCycle), refusal)
}

// lookTwice is look for a job that is about to be bound to the card: its number, which is
// read in the clear, must be the same both times.
func lookTwice(ctx context.Context, s *card.Session) (plan.Observation, error) {
	seen, err := look(ctx, s)
	if err != nil {
		return seen, err
	}
	again, err := s.CardID(ctx)
	if err == nil && again != seen.Card {
		err = failure.New(failure.ReaderLink, "it gave two different numbers", nil)
	}
	return seen, err
}
