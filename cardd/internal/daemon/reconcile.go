package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/internal/upstream"
	"jukicard/pki"
)

// pagesMax bounds the pages of cards read from card management.
const pagesMax = 10000

// Report is what a reconciliation found.
type Report struct {
	Cards        []upstream.Finding            // on which terminal, card management and chip differ
	Certificates []upstream.CertificateFinding // on which the authority differs from them
	Held         []journal.Notice              // that wait for a person
}

// Reconcile compares journal, card management, chips and the authority's certificates, and
// lists everything on which they differ. With mend it does what may be done without a
// person: card management is told what it was never told, by a notice that goes into the
// outbox in doubt, so that it is asked about first; and a certificate that is valid for a
// void card is taken back.
func (d *Daemon) Reconcile(ctx context.Context, mend bool) (*Report, error) {
	b, err := d.books(ctx)
	if err != nil {
		return nil, err
	}
	management, err := d.management(ctx)
	if err != nil { // it cannot be asked: what it holds is unknown, not nothing
		d.log.Warn("card management cannot be asked", "error", err)
		management = nil
	}
	authority, err := d.certificates(ctx)
	if err != nil {
		return nil, err
	}
	terminal, chips := upstream.FromJournal(b.jobs, b.notices, b.aside()...)
	if p, seen, ok := d.Station.Presented(ctx); ok {
		chips = append(chips, upstream.ChipOf(p, seen))
	}
	r := &Report{
		Cards: upstream.Reconcile(terminal, management, chips), Held: b.held(),
		Certificates: upstream.ReconcileCertificates(terminal, management, authority, upstream.Told(b.notices)),
	}
	if d.upstream[upstream.Management] == nil { // nobody is to be told
		r.Cards = slices.DeleteFunc(r.Cards, func(f upstream.Finding) bool { return f.Verdict == upstream.Mend })
	}
	if mend {
		err = d.mend(ctx, r)
	}
	return r, err
}

// mend does what may be done without a person.
func (d *Daemon) mend(ctx context.Context, r *Report) error {
	for _, f := range r.Cards {
		if n, ok := f.Notice(time.Now()); ok {
			if err := d.Journal.Enqueue(ctx, n); err != nil {
				return err
			}
		}
	}
	d.Wake()
	for _, f := range r.Certificates {
		if f.Verdict != upstream.Mend {
			continue
		}
		if err := d.Station.TakeBack(ctx, f.Terminal.Job, f.Serial); err != nil {
			return err
		}
	}
	return nil
}

// books are what the journal holds.
type books struct {
	jobs    []journal.Job
	notices []journal.Notice
}

// booksTries is how often the journal is read when jobs change meanwhile.
const booksTries = 5

// books reads all jobs and notices, page by page. A job that ends between two pages would
// seem to contradict its own notice: when any changed meanwhile all is read again.
func (d *Daemon) books(ctx context.Context) (b books, err error) {
	for range booksTries {
		if b.jobs, err = d.jobs(ctx); err != nil {
			return b, err
		}
		if b.notices, err = d.notices(ctx); err != nil {
			return b, err
		}
		again, err := d.jobs(ctx)
		if err != nil || slices.Equal(again, b.jobs) {
			return b, err
		}
	}
	return b, failure.New(failure.StationBusy, "its jobs change faster than they can be read", nil)
}

func (d *Daemon) jobs(ctx context.Context) (all []journal.Job, err error) {
	for at := int64(0); ; {
		page, last, err := d.Journal.JobsAfter(ctx, at, journal.JobsMax)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all, at = append(all, page...), last
	}
}

func (d *Daemon) notices(ctx context.Context) (all []journal.Notice, err error) {
	for at := int64(0); ; {
		page, err := d.Journal.Notices(ctx, at, journal.NoticesMax)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all, at = append(all, page...), page[len(page)-1].Seq
	}
}

// aside are the cards in quarantine, whatever became of their jobs since.
func (b books) aside() (cards []string) {
	for _, j := range b.jobs {
		if j.State == journal.Spoiled && j.CardID != "" {
			cards = append(cards, j.CardID)
		}
	}
	return cards
}

func (b books) held() (held []journal.Notice) {
	for _, n := range b.notices {
		if n.Held {
			held = append(held, n)
		}
	}
	return held
}

// certificates is what the authority says of every certificate that it returned to anybody.
func (d *Daemon) certificates(ctx context.Context) (all []upstream.CertificateView, err error) {
	issued, err := d.issued(ctx)
	if err != nil {
		return nil, failure.New(failure.PKIAuthority, err.Error(), err)
	}
	for _, c := range issued {
		order, card, purpose, ok := station.RequestedFor(c.ID)
		if !ok || len(c.DER) == 0 {
			continue
		}
		v := upstream.CertificateView{Card: card, Order: order, Purpose: purpose, Serial: c.Serial.Text(16), Status: upstream.Valid}
		switch {
		case !c.Revoked.IsZero() && c.Reason == pki.CertificateHold:
			v.Status = upstream.OnHold
		case !c.Revoked.IsZero():
			v.Status = upstream.Revoked
		}
		all = append(all, v)
	}
	return all, nil
}

// Release is a person's word on the notice of that key, which waits for one.
func (d *Daemon) Release(ctx context.Context, key, by string) (journal.Notice, error) {
	for _, name := range []string{upstream.Management, upstream.JPKI} {
		n, err := d.Journal.Notice(ctx, name, key)
		if errors.Is(err, journal.ErrUnknown) {
			continue
		}
		if err != nil {
			return n, err
		}
		n, err = upstream.Release(ctx, d.Journal, n, by)
		if err != nil {
			return n, fmt.Errorf("cannot release the notice: %w", err)
		}
		d.Wake()
		return n, nil
	}
	return journal.Notice{}, failure.New(failure.UpstreamNoNotice, key, nil)
}
