package stores

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"jukicard/cardd/internal/journal"
	"jukicard/pki/softca"
)

// acknowledged is everything that somebody was told is kept: it must be there for ever
// after, or its loss must be said.
type acknowledged struct {
	jobs         []journal.Job // what a job is; where it stands may change
	records      map[string][]journal.Record
	sealed       map[string][]byte
	notices      []journal.Notice
	moves        map[string][]journal.Move
	certificates map[string][]byte // by request
	revoked      map[string]bool
}

// acknowledge reads all of it; authority may be nil. The first error is what a reader is
// told.
func acknowledge(ctx context.Context, j *journal.Journal, authority *softca.Authority) (a acknowledged, err error) {
	a = acknowledged{
		records: map[string][]journal.Record{}, sealed: map[string][]byte{}, moves: map[string][]journal.Move{},
		certificates: map[string][]byte{}, revoked: map[string]bool{},
	}
	if a.jobs, err = j.Jobs(ctx, journal.JobsMax); err != nil {
		return a, err
	}
	for _, job := range a.jobs {
		if a.records[job.ID], err = j.Records(ctx, job.ID); err != nil {
			return a, err
		}
		if a.sealed[job.ID], err = j.Sealed(ctx, job.ID); err != nil && !errors.Is(err, journal.ErrDropped) {
			return a, err
		}
	}
	if a.notices, err = j.Notices(ctx, 0, journal.NoticesMax); err != nil {
		return a, err
	}
	for _, n := range a.notices {
		if a.moves[n.Key], err = j.Moves(ctx, n.Party, n.Key); err != nil {
			return a, err
		}
	}
	if authority == nil {
		return a, nil
	}
	issued, err := authority.Certificates(ctx)
	for _, c := range issued {
		a.certificates[c.ID], a.revoked[c.ID] = c.DER, !c.Revoked.IsZero()
	}
	return a, err
}

// missing is what of a is not in got; empty when all of it is.
func (a acknowledged) missing(got acknowledged) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	there := map[string]journal.Job{}
	for _, j := range got.jobs {
		there[j.ID] = j
	}
	for _, j := range a.jobs {
		g, ok := there[j.ID]
		ended := j.State == journal.Done || j.State == journal.Spoiled
		if !ok || g.OrderID != j.OrderID || g.CardID != j.CardID || g.Product != j.Product || g.PlanDigest != j.PlanDigest || !g.Created.Equal(j.Created) || ended && g != j {
			say("job %s is %+v, it was %+v", j.ID, g, j)
		}
		if more := got.records[j.ID]; len(more) < len(a.records[j.ID]) {
			say("of %d records of job %s %d are there", len(a.records[j.ID]), j.ID, len(more))
		} else {
			for i, r := range a.records[j.ID] {
				if !bytes.Equal(r.Hash, more[i].Hash) || !bytes.Equal(r.Body, more[i].Body) || r.Kind != more[i].Kind || r.Step != more[i].Step {
					say("record %d of job %s is another", i+1, j.ID)
				}
			}
		}
		if a.sealed[j.ID] != nil && !bytes.Equal(a.sealed[j.ID], got.sealed[j.ID]) {
			say("the order of job %s is another", j.ID)
		}
	}
	if len(got.notices) < len(a.notices) {
		say("of %d notices %d are there", len(a.notices), len(got.notices))
		return wrong
	}
	for i, n := range a.notices {
		g := got.notices[i]
		if g.Key != n.Key || g.Card != n.Card || g.Kind != n.Kind || g.State != n.State || !bytes.Equal(g.Facts, n.Facts) || len(got.moves[n.Key]) < len(a.moves[n.Key]) {
			say("notice %s is %+v, it was %+v", n.Key, g, n)
		}
	}
	return append(wrong, a.lost(got)...)
}

// lost are the certificates of a that got does not have.
func (a acknowledged) lost(got acknowledged) (wrong []string) {
	for id, der := range a.certificates {
		if !bytes.Equal(got.certificates[id], der) || got.revoked[id] != a.revoked[id] {
			wrong = append(wrong, fmt.Sprintf("the certificate of %s is another", id))
		}
	}
	return wrong
}
