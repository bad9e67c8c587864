package station

import (
	"slices"
	"time"

	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/upstream"
	"jukicard/cardd/plan"
)

// purposes are upstream's words for the certificates of this profile's files.
var purposes = map[string]string{"jpki/sign-cert": "sign", "jpki/auth-cert": "auth"}

// notices are what the parties outside have to hear of the record that has just been
// applied: that a card is done, or that it must never be used. They become durable
// with the record, in one transaction.
func (r *run) notices(before issue.State, at time.Time) ([]journal.Notice, error) {
	state, code, _ := r.machine.State()
	if len(r.c.Parties) == 0 || state == before || r.job.CardID == "" {
		return nil, nil
	}
	o := upstream.Outcome{
		Job: r.job.ID, Card: r.job.CardID, Order: r.job.OrderID, Station: r.c.Name, At: at, Certificates: map[string]string{},
	}
	for path, purpose := range purposes {
		if serial := r.machine.Fact(plan.StepID(plan.Certify, path), issue.FactSerial); serial != "" {
			o.Certificates[purpose] = serial
		}
	}
	var all []journal.Notice
	var err error
	switch state {
	case issue.Done:
		all, err = o.Issued()
	case issue.Spoiled:
		o.Reason = code
		all, err = o.Voided()
	}
	return slices.DeleteFunc(all, func(n journal.Notice) bool { return !slices.Contains(r.c.Parties, n.Party) }), err
}
