package station

import (
	"encoding/json"
	"slices"
	"time"

	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/upstream"
	"jukicard/cardd/plan"
)

// purposes are upstream's words for the certificates of this profile's files.
var purposes = map[string]string{"jpki/sign-cert": "sign", "jpki/auth-cert": "auth"}

// notices are what the parties outside have to hear of the record that has just been
// applied: that a card is done, that it must never be used, that its certificates were
// taken back, that it was destroyed. They become durable with the record, in one
// transaction, and each is of one record alone: nobody hears it twice. Of an entry on a
// card in use nothing is told here: the card is what it was.
func (r *run) notices(before issue.State, rec issue.Record, at time.Time) ([]journal.Notice, error) {
	if len(r.c.Parties) == 0 || r.job.CardID == "" || r.job.Operation == order.Endorse {
		return nil, nil
	}
	tell := r.telling(before, rec)
	if tell == nil {
		return nil, nil
	}
	certificates, err := r.certificates()
	if err != nil {
		return nil, err
	}
	o := upstream.Outcome{Job: r.job.ID, Card: r.job.CardID, Order: r.job.OrderID, Station: r.c.Name, At: at, Certificates: certificates}
	if state, code, _ := r.machine.State(); state == issue.Spoiled {
		o.Reason = code
	}
	all, err := tell(o)
	return slices.DeleteFunc(all, func(n journal.Notice) bool { return !slices.Contains(r.c.Parties, n.Party) }), err
}

// telling is what a record has told; nil where it is nobody's business outside.
func (r *run) telling(before issue.State, rec issue.Record) func(upstream.Outcome) ([]journal.Notice, error) {
	state, _, _ := r.machine.State()
	_, voided := rec.Facts[issue.FactVoided]
	_, destroyed := rec.Facts[issue.FactDestroyed]
	switch {
	case rec.Kind == issue.Ruled && voided:
		return upstream.Outcome.Revoked
	case rec.Kind == issue.Ruled && destroyed && r.machine.Destroyed():
		return upstream.Outcome.Destroyed
	case state == before:
		return nil
	case state == issue.Done:
		return upstream.Outcome.Issued
	case state == issue.Spoiled:
		return upstream.Outcome.Voided
	}
	return nil
}

// certificates are the serial numbers of all that was certified for this job, by purpose,
// also of what the machine has forgotten because it was asked for anew.
func (r *run) certificates() (map[string]string, error) {
	found := map[string]string{}
	for _, kept := range r.records {
		if kept.Kind != journal.Outcome {
			continue
		}
		var rec issue.Record
		if err := json.Unmarshal(kept.Body, &rec); err != nil {
			return nil, err
		}
		if serial := rec.Facts[issue.FactSerial]; serial != "" {
			found[rec.Step] = serial
		}
	}
	serials := map[string]string{}
	for path, purpose := range purposes {
		step := plan.StepID(plan.Certify, path)
		for _, by := range []map[string]string{found, r.revealed} {
			if serial := by[step]; serial != "" {
				serials[purpose] = serial
			}
		}
	}
	return serials, nil
}
