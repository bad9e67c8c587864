package station

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/plan"
)

// factReceipt holds the receipt itself, base64.
const factReceipt = "receipt"

// sign makes the receipt from the journal's records and puts it there.
func (r *run) sign(ctx context.Context) error {
	st, err := r.statement()
	if err != nil {
		return failure.New(failure.StationJournal, err.Error(), err)
	}
	b, err := r.c.Receipts.Sign(st)
	if err != nil {
		return err
	}
	return r.record(ctx, issue.Record{Kind: issue.Signed, Result: issue.OK, Facts: facts{factReceipt: base64.StdEncoding.EncodeToString(b)}})
}

// statement is what the receipt says: every step that ended well, in order. One that
// was done again stands where it was done last, so that a receipt does not grow with
// the troubles of its job.
func (r *run) statement() (receipt.Statement, error) {
	st := receipt.Statement{
		Version: 1, Job: r.job.ID, Order: r.job.OrderID, Card: r.job.CardID, Profile: r.job.Profile, Product: r.job.Product,
		Station: r.c.Name, Software: r.c.Software, Started: r.job.Created.UTC(), Finished: r.c.Now().UTC(),
	}
	for _, kept := range r.records {
		var rec issue.Record
		if err := json.Unmarshal(kept.Body, &rec); err != nil {
			return st, err
		}
		switch {
		case rec.Kind == issue.Planned && rec.Plan != nil:
			st.Plans = append(st.Plans, rec.Plan.Digest())
			all, err := choices(rec.Facts[factChosen])
			if err != nil {
				return st, err
			}
			st.Choices = append(st.Choices, all...)
		case rec.Kind == issue.Outcome && rec.Result == issue.OK:
			st.Steps = slices.DeleteFunc(st.Steps, func(s receipt.Step) bool { return s.ID == rec.Step })
			st.Steps = append(st.Steps, receipt.Step{ID: rec.Step, At: kept.At.UTC()})
		}
		if kept.Seq == r.records[len(r.records)-1].Seq {
			st.Journal = hex.EncodeToString(kept.Hash)
		}
	}
	var err error
	if st.Endorsed, err = r.endorsed(); err != nil {
		return st, err
	}
	for _, c := range certified(r.profile) {
		step := plan.StepID(plan.Certify, c.cert)
		if sum := r.machine.Fact(step, factSHA256); sum != "" {
			st.Certificates = append(st.Certificates, receipt.Certificate{On: c.cert, Serial: r.machine.Fact(step, factSerial), SHA256: sum})
		}
	}
	return st, nil
}

// lab gathers what a laboratory hands out about the card just done.
func (r *run) lab(ctx context.Context) Lab {
	l := Lab{Certificates: map[string][]byte{}, Photo: bytes.Clone(r.dossier.material.Images.Photo)}
	if r.card != nil {
		l.ATR = r.card.card.ATR()
	}
	for _, path := range []string{"jpki/sign-cert", "jpki/sign-ca", "jpki/auth-cert", "jpki/auth-ca"} {
		if der, err := r.dossier.book.Bytes(ctx, path); err == nil {
			l.Certificates[path] = der
		}
	}
	return l
}

// Receipt gives the receipt of a finished job; none when it is not finished.
func (s *Station) Receipt(ctx context.Context, job string) ([]byte, error) {
	records, err := s.c.Journal.Records(ctx, job)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(records, func(r journal.Record) bool { return r.Kind == journal.Signed })
	if i < 0 {
		return nil, nil
	}
	var rec issue.Record
	if err := json.Unmarshal(records[i].Body, &rec); err != nil {
		return nil, failure.New(failure.StationJournal, err.Error(), err)
	}
	return base64.StdEncoding.DecodeString(rec.Facts[factReceipt])
}
