package station

import (
	"context"
	"encoding/json"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/vault"
)

// factOrder in the first Planned record of a job is the mark of the order's very bytes:
// when the order itself is dropped, what comes in under its number can still be held
// against it.
const factOrder = "order"

// orderFacts are the mark of the job's order and who chose what for it, for the record of
// its first plan.
func (r *run) orderFacts() facts {
	if r.machine.Plan() != nil || r.dossier == nil {
		return nil
	}
	told := facts{factOrder: r.c.Sealer.Mark(r.dossier.material.Order)}
	if all := chosenBy(r.dossier.order.Certified.Choices); all != "" {
		told[factChosen] = all
	}
	return told
}

// renewable refuses an order that has no job under way and yet must not get one: its card
// is finished, or another order had its number. What remains is an order that is new, was
// given up, or whose card is in quarantine: it is planned anew, on a fresh card. busy is
// held.
func (s *Station) renewable(ctx context.Context, orderID string, wire []byte) error {
	jobs, err := s.c.Journal.ByOrder(ctx, orderID)
	if err != nil {
		return failure.New(failure.StationJournal, err.Error(), err)
	}
	for _, j := range jobs {
		same, err := s.madeOf(ctx, j.ID, wire)
		switch {
		case err != nil:
			return err
		case !same:
			return failure.New(failure.StationOrderChanged, orderID, nil)
		}
	}
	for _, j := range jobs {
		if j.State == journal.Done {
			return failure.New(failure.StationOrderDone, "job "+j.ID+", card "+j.CardID, nil)
		}
	}
	return nil
}

// madeOf says whether a job was made of these very bytes. Where nobody can say, because
// nothing was planned or the vault's key is another since, it is taken to be.
func (s *Station) madeOf(ctx context.Context, jobID string, wire []byte) (bool, error) {
	records, err := s.c.Journal.Records(ctx, jobID)
	if err != nil {
		return false, failure.New(failure.StationJournal, err.Error(), err)
	}
	mark := s.c.Sealer.Mark(wire)
	for _, kept := range records {
		if kept.Kind != journal.Planned {
			continue
		}
		var rec issue.Record
		if err := json.Unmarshal(kept.Body, &rec); err != nil {
			return false, failure.New(failure.StationJournal, err.Error(), err)
		}
		if known := rec.Facts[factOrder]; known != "" {
			return known == mark || !vault.SameKey(known, mark), nil
		}
	}
	return true, nil
}
