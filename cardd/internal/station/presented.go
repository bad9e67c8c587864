package station

import (
	"context"
	"strings"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/plan"
)

// Presented looks at the card in the reader, five commands and no secret, and says what
// generation it is of; ok is false where none is there that can be told, or a job has it.
func (s *Station) Presented(ctx context.Context) (p *profile.Card, seen plan.Observation, ok bool) {
	if !s.busy.TryLock() {
		return nil, seen, false
	}
	defer s.busy.Unlock()
	if s.fresh != nil {
		return nil, seen, false
	}
	for _, id := range profile.IDs() {
		p, err := profile.Shared(id)
		if err != nil {
			return nil, seen, false
		}
		seen, blank, err := s.glance(ctx, p)
		switch {
		case failure.CodeOf(err) == failure.CardGeneration, failure.CodeOf(err) == failure.CardNotMyNumber:
			continue // it may be of the next
		case err != nil || blank:
			return nil, seen, false
		}
		return p, seen, true
	}
	return nil, seen, false
}

// RequestedFor takes the ID of a certificate request apart; ok is false for one that no
// station made.
func RequestedFor(requestID string) (order, card, purpose string, ok bool) {
	rest, purpose, ok := cutLast(requestID)
	if !ok {
		return "", "", "", false
	}
	order, card, ok = cutLast(rest)
	return order, card, purpose, ok && card != "" && purpose != ""
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// TakeBack takes back a certificate that is valid though the card of its job is void: what
// the job still owes, and the certificate itself where the authority stands otherwise than
// the journal.
func (s *Station) TakeBack(ctx context.Context, jobID, serial string) error {
	if err := s.seize(ctx); err != nil {
		return err
	}
	defer s.busy.Unlock()
	r, err := s.load(ctx, jobID)
	if err != nil {
		return err
	}
	defer r.leave()
	if state, _, _ := r.machine.State(); state != issue.Spoiled || r.job.State != journal.Spoiled {
		return failure.New(failure.StationDecision, "the job is "+string(state)+", its certificates stand", nil)
	}
	if err := r.quarantine(ctx); err != nil {
		return err
	}
	return r.revoke(ctx, serial)
}
