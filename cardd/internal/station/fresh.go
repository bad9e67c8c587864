package station

import (
	"context"

	"jukicard/apdu"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/juki"
	"jukicard/cardd/plan"
	"jukicard/reader"
)

// fresh is a job that has just been submitted, with the card that was looked at for
// it, still open: the run that follows begins where Submit ended and need not look
// again.
type fresh struct {
	job  string
	card *opened
	seen plan.Observation
}

// forgo gives up the card of a job that was submitted and is not the next to run.
// busy is held.
func (s *Station) forgo() {
	if s.fresh != nil {
		s.fresh.card.close(reader.Reset)
		s.fresh = nil
	}
}

// Close gives up a card that waits for its job. Jobs have ended before.
func (s *Station) Close() {
	s.busy.Lock()
	defer s.busy.Unlock()
	s.forgo()
}

// inherit takes over what Submit left for this job. busy is held.
func (r *run) inherit() {
	f := r.fresh
	if f == nil || f.job != r.job.ID || len(r.records) > 0 {
		r.forgo()
		return
	}
	r.fresh = nil
	r.card, r.seen = f.card, &f.seen
	r.card.traced(r.limited)
	r.card.traced(r.trace())
}

// trace keeps a transcript of the job; nil where none is kept. What was sent before
// there was a job stands in none.
func (r *run) trace() apdu.Wrapper {
	if r.c.Trace == nil {
		return nil
	}
	return r.c.Trace(r.job.ID)
}

// needsHolder fails where the job cannot be finished without a PIN that the vault does
// not have: nothing is sent to the card before the holder has entered it again. Which
// are needed is what the plan in force has still to present, and all of the order's
// where there is no plan yet.
func (r *run) needsHolder(ctx context.Context) error {
	if err := r.unpack(ctx); err != nil {
		return err
	}
	for _, class := range r.classesLeft() {
		pin, ok := r.c.Pins.PIN(r.job.ID, class)
		if !ok {
			return failure.New(failure.StationPIN, juki.RuleOf(class).Japanese, nil)
		}
		pin.Destroy()
	}
	return nil
}

// classesLeft are the PIN classes whose values the rest of the job presents.
func (r *run) classesLeft() (classes []juki.PINClass) {
	p := r.machine.Plan()
	if p == nil {
		return r.dossier.order.Eligibility().PINs
	}
	done, _ := r.machine.Position()
	for _, step := range p.Steps[done:] {
		if class, ok := chosen(step.Secret); ok {
			classes = append(classes, class)
		}
	}
	return classes
}
