package station

import (
	"context"
	"encoding/json"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
	"jukicard/cardd/plan"
)

// A holder who enters the PINs again may enter others. A value that stands on the card and
// was not proven is then set again before it is presented: twice is once, and a presentation
// of another value would cost a try. What is proven stays, unless this life of the daemon
// had the value and knows that it is another one now; after a restart nobody can tell.

// reentry is what is known of PINs that were entered again.
type reentry struct {
	after   int64                  // the last record before
	classes map[juki.PINClass]bool // true: it is another value than before; absent: the same
}

// reenter puts PINs of a job under way into the vault and notes which may be others. busy
// is held.
func (s *Station) reenter(ctx context.Context, job string, pins order.PINs) error {
	if len(pins) == 0 {
		return nil
	}
	records, err := s.c.Journal.Records(ctx, job)
	if err != nil {
		return failure.New(failure.StationJournal, err.Error(), err)
	}
	e := reentry{after: int64(len(records)), classes: map[juki.PINClass]bool{}}
	for class, pin := range pins {
		before, known := s.c.Pins.PIN(job, class)
		if !known || !before.Equal(pin) {
			e.classes[class] = known
		}
		before.Destroy()
	}
	if err := s.c.Pins.Put(job, pins); err != nil {
		return err
	}
	s.join(job, e)
	return nil
}

// join adds a re-entry to an earlier one whose values were not all set since.
func (s *Station) join(job string, e reentry) {
	if s.reentries == nil {
		s.reentries = map[string]reentry{}
	}
	for class, changed := range s.reentries[job].classes {
		if _, again := e.classes[class]; !again || changed {
			e.classes[class] = changed
		}
	}
	s.reentries[job] = e
}

// setAgain adds to what is to be written anew the reference data whose value was entered
// again since it was last set.
func (r *run) setAgain(past plan.Progress) error {
	e, ok := r.reentries[r.job.ID]
	if !ok {
		return nil
	}
	set, err := r.setSince(e.after)
	if err != nil {
		return err
	}
	for _, ref := range references(r.profile) {
		changed, again := e.classes[ref.class]
		proven := past.Done[plan.StepID(plan.ProvePIN, ref.on)]
		if again && (changed || !proven) && !set[plan.StepID(plan.SetPIN, ref.on)] {
			past.Rewrite[ref.on] = true
		}
	}
	return nil
}

// setSince are the steps that ended well behind a record.
func (r *run) setSince(after int64) (map[string]bool, error) {
	done := map[string]bool{}
	for _, kept := range r.records {
		if kept.Seq <= after || kept.Kind != journal.Outcome {
			continue
		}
		var rec issue.Record
		if err := json.Unmarshal(kept.Body, &rec); err != nil {
			return nil, failure.New(failure.StationJournal, err.Error(), err)
		}
		if rec.Result == issue.OK {
			done[rec.Step] = true
		}
	}
	return done, nil
}
