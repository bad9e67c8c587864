package station

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/plan"
	"jukicard/pki"
)

// Quarantine is a card that must not be used, and what has become of it.
type Quarantine struct {
	Job, Order, Card string
	Since            time.Time // when the job ended
	Code, Reason     string    // why, docs/FAILURES.md
	Serials          []string  // of the certificates that were made for it, hexadecimal
	Voided           bool      // none of them is valid any more
	Witnesses        []string  // who confirmed its destruction
	Destroyed        bool      // confirmed by two different persons
}

// Quarantined lists the cards that were spoiled here, the oldest first, destroyed ones
// included.
func (s *Station) Quarantined(ctx context.Context) ([]Quarantine, error) {
	jobs, err := s.c.Journal.Spoiled(ctx)
	if err != nil {
		return nil, failure.New(failure.StationJournal, err.Error(), err)
	}
	list := make([]Quarantine, 0, len(jobs))
	for _, j := range jobs {
		records, err := s.c.Journal.Records(ctx, j.ID)
		if err != nil {
			return nil, failure.New(failure.StationJournal, err.Error(), err)
		}
		m, err := Replay(j, records)
		if err != nil {
			return nil, failure.New(failure.StationJournal, err.Error(), err)
		}
		_, code, reason := m.State()
		list = append(list, Quarantine{
			Job: j.ID, Order: j.OrderID, Card: j.CardID, Since: j.Updated, Code: code, Reason: reason,
			Serials: m.Owed().Serials, Voided: m.Voided(), Witnesses: m.Witnesses(), Destroyed: m.Destroyed(),
		})
	}
	return list, nil
}

// PutAside puts the card of a job into quarantine, on the word of a person: what cannot
// be mended, is not worth it, or is finished and turned out unfit. Its order can be
// handed in again with a fresh card. why is kept and shown; it may be empty and never
// holds data of a resident.
func (s *Station) PutAside(ctx context.Context, jobID, person, why string) error {
	return s.decide(ctx, jobID, issue.FactAside, person, why)
}

// Abandon ends a job that is not done, on the word of a person. A card to which nothing
// was written is free for any order; any other goes into quarantine.
func (s *Station) Abandon(ctx context.Context, jobID, person, why string) error {
	return s.decide(ctx, jobID, issue.FactAbandoned, person, why)
}

// decide writes down what a person decided and why.
func (s *Station) decide(ctx context.Context, jobID, fact, person, why string) error {
	if err := reasoned(why); err != nil {
		return err
	}
	return s.rule(ctx, jobID, issue.Record{Kind: issue.Ruled, Text: why, Facts: facts{fact: person}})
}

// whyMax bounds a person's reason, characters.
const whyMax = 200

// numberOfPerson is as many digits in a row as a 住民票コード or a 個人番号 has.
var numberOfPerson = regexp.MustCompile(`[0-9]{11,12}`)

// reasoned refuses a reason that is too long for a record, or holds what may be a number
// of a resident.
func reasoned(why string) error {
	switch {
	case !utf8.ValidString(why) || utf8.RuneCountInString(why) > whyMax || strings.ContainsFunc(why, unicode.IsControl):
		return failure.New(failure.StationDecision, fmt.Sprintf("a reason is text of at most %d characters in one line", whyMax), nil)
	case numberOfPerson.MatchString(norm.NFKC.String(why)):
		return failure.New(failure.StationDecision, "a reason may hold no number of a resident", nil)
	}
	return nil
}

// ConfirmDestroyed takes down that a person saw the card of a spoiled job destroyed. Two
// different persons are needed; the same one twice, in whatever letters, is refused. With
// the second card management is told, in the record that closes the case.
func (s *Station) ConfirmDestroyed(ctx context.Context, jobID, person string) error {
	return s.rule(ctx, jobID, issue.Record{Kind: issue.Ruled, Facts: facts{issue.FactDestroyed: person}})
}

// mayConfirm says why a person cannot confirm the destruction.
func (r *run) mayConfirm(person string) error {
	witnesses := r.machine.Witnesses()
	switch state, _, _ := r.machine.State(); {
	case state != issue.Spoiled:
		return failure.New(failure.QuarantineNone, "the job is "+string(state), nil)
	case slices.ContainsFunc(witnesses, func(w string) bool { return likeness(w) == likeness(person) }):
		return failure.New(failure.QuarantinePerson, "", nil)
	case r.machine.Destroyed():
		return failure.New(failure.QuarantineClosed, strings.Join(witnesses, ", "), nil)
	}
	return nil
}

// likeness is a person's name without what makes no other person: width and case of
// letters, and spaces (Unicode Standard Annex 15, NFKC).
func likeness(person string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(person))), "")
}

// rule writes a person's decision about a job into the journal and does what follows.
func (s *Station) rule(ctx context.Context, jobID string, ruling issue.Record) error {
	if err := s.seize(ctx); err != nil {
		return err
	}
	defer s.busy.Unlock()
	s.forgo()
	r, err := s.load(ctx, jobID)
	if err != nil {
		return err
	}
	defer r.leave()
	if person, ok := ruling.Facts[issue.FactDestroyed]; ok {
		if err := r.mayConfirm(person); err != nil {
			return err
		}
	}
	rehearsal, err := Replay(r.job, r.records)
	if err == nil {
		err = rehearsal.Apply(ruling)
	}
	if err != nil {
		return failure.New(failure.StationDecision, err.Error(), err)
	}
	if err := r.record(ctx, ruling); err != nil {
		return err
	}
	return r.quarantine(ctx)
}

// quarantine takes the certificates of a spoiled card back where that is still to be
// done, and settles the job. An authority that cannot be reached does not keep the card
// from quarantine: it is asked again by the next Run or Recover, and before the order is
// issued on another card.
func (r *run) quarantine(ctx context.Context) error {
	if a, ok := r.machine.Next(); ok && a.Do == issue.Discard {
		if err := r.discard(ctx); err != nil {
			return err
		}
	}
	if a, ok := r.machine.Next(); ok && a.Do == issue.Deliver {
		if err := r.returned(ctx); err != nil {
			return err
		}
	}
	if a, ok := r.machine.Next(); ok && a.Do == issue.Sign { // an entry whose card is away
		if err := r.sign(ctx); err != nil {
			return err
		}
	}
	if a, ok := r.machine.Next(); ok && a.Do == issue.Void {
		if err := r.void(ctx); err != nil {
			_, code, reason := classify(err)
			r.c.Log.Warn("certificates of a spoiled card are still valid", "job", r.job.ID, "code", code, "reason", reason)
		}
	}
	return r.settle(ctx)
}

// void takes back every certificate the authority made for this job. Where it is not
// known whether it made one, it is asked once more by the same ID: its answer is the
// certificate that stands under that ID, whichever asking made it, and what of the first
// may still be on its way can then bring no other.
func (r *run) void(ctx context.Context) error {
	debt := r.machine.Owed()
	r.revealed = map[string]string{}
	serials := slices.Clone(debt.Serials)
	for _, request := range slices.Sorted(maps.Keys(debt.Asked)) {
		serial, err := r.askAgain(ctx, request, debt.Asked[request])
		if err != nil {
			return err
		}
		if serial != "" {
			serials = append(serials, serial)
			r.revealed[debt.Asked[request]] = serial
		}
	}
	slices.Sort(serials)
	serials = slices.Compact(serials)
	for _, serial := range serials {
		if err := r.revoke(ctx, serial); err != nil {
			return err
		}
	}
	return r.record(ctx, issue.Record{Kind: issue.Ruled, Facts: facts{issue.FactVoided: strings.Join(serials, ",")}})
}

// askAgain is the serial number of the certificate that stands under a request's ID;
// empty where the ID stands for another key, for then this request was never granted.
func (r *run) askAgain(ctx context.Context, request, step string) (serial string, err error) {
	if err := r.unpack(ctx); err != nil {
		return "", err
	}
	r.dossier.cardID = r.job.CardID
	keys := certified(r.dossier.profile)
	i := slices.IndexFunc(keys, func(c certifiedKey) bool { return plan.StepID(plan.Certify, c.cert) == step })
	if i < 0 {
		return "", failure.New(failure.StationJournal, fmt.Sprintf("%q asks for no certificate", step), nil)
	}
	req, _, err := r.dossier.request(keys[i])
	if err != nil {
		return "", err
	}
	if req.CSR, err = base64.StdEncoding.DecodeString(request); err != nil {
		return "", failure.New(failure.StationJournal, "a certificate request does not read", err)
	}
	cert, err := r.c.Authority.Certify(ctx, req)
	switch {
	case errors.Is(err, pki.ErrIDTaken):
		return "", nil
	case err != nil:
		return "", authorityFailure(err)
	}
	return cert.SerialNumber.Text(16), nil
}

// revoke takes one certificate back; that it was taken back before is as good.
func (r *run) revoke(ctx context.Context, serial string) error {
	n, ok := new(big.Int).SetString(serial, 16)
	if !ok {
		return failure.New(failure.StationJournal, "a serial number does not read", nil)
	}
	if r.c.Revoker == nil {
		return failure.New(failure.PKIAuthority, "no way is configured to take a certificate back", nil)
	}
	if err := r.c.Revoker.Revoke(ctx, n, pki.Unspecified); err != nil && !errors.Is(err, pki.ErrRevoked) {
		return failure.New(failure.PKIAuthority, err.Error(), err)
	}
	return nil
}

// debtsPatience is how long Recover asks the authority about spoiled cards: a daemon
// must come up also while it is away.
const debtsPatience = 10 * time.Second

// settleDebts tries to take back what spoiled jobs still owe. busy is held.
func (s *Station) settleDebts(ctx context.Context) error {
	jobs, err := s.c.Journal.Owing(ctx)
	if err != nil {
		return failure.New(failure.StationJournal, err.Error(), err)
	}
	ctx, stop := context.WithTimeout(ctx, debtsPatience)
	defer stop()
	for _, j := range jobs {
		if !s.c.Owns(j.Station) {
			continue
		}
		if err := s.settleDebt(ctx, j.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *Station) settleDebt(ctx context.Context, jobID string) error {
	r, err := s.load(ctx, jobID)
	if err != nil {
		return err
	}
	defer r.leave()
	return r.quarantine(ctx)
}

// unencumbered refuses an order whose certificates of an earlier, spoiled card are still
// valid: it would have two. busy is held.
func (s *Station) unencumbered(ctx context.Context, orderID string) error {
	jobs, err := s.c.Journal.ByOrder(ctx, orderID)
	if err != nil {
		return failure.New(failure.StationJournal, err.Error(), err)
	}
	for _, j := range jobs {
		if j.State != journal.Spoiled {
			continue
		}
		r, err := s.load(ctx, j.ID)
		if err != nil {
			return err
		}
		if a, ok := r.machine.Next(); ok && a.Do == issue.Void {
			err = r.void(ctx)
			err = errors.Join(err, r.settle(ctx))
		}
		r.leave()
		if err != nil {
			return err
		}
	}
	return nil
}

// unclaimed refuses a card that another job of this station has a claim on.
func (s *Station) unclaimed(ctx context.Context, cardID string) error {
	jobs, err := s.c.Journal.ByCard(ctx, cardID)
	if err != nil {
		return failure.New(failure.StationJournal, err.Error(), err)
	}
	for _, j := range jobs {
		switch j.State {
		case journal.Spoiled:
			return failure.New(failure.CardQuarantined, "job "+j.ID, nil)
		case journal.Running, journal.Held:
			return failure.New(failure.CardInWork, "job "+j.ID, nil)
		}
	}
	return nil
}
