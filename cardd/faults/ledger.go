package faults

import (
	"context"
	"slices"
	"sync"
	"time"

	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/station"
)

// ledger is a journal without a disk: it keeps what it is given as the journal does,
// survives the daemon's lives, and makes no promise about the machine's. It hashes
// nothing. A million records are a second, where SQLite takes a minute.
type ledger struct {
	mu    sync.Mutex
	pages map[string]*page
	order []string // jobs, the oldest first
}

// page is one job.
type page struct {
	job     journal.Job
	records []journal.Record
	sealed  []byte
}

// Memory is a journal without a disk, to set beside the real one: it keeps what it is
// given while the program lives, and promises no more.
func Memory() station.Journal { return newLedger() }

func newLedger() *ledger { return &ledger{pages: map[string]*page{}} }

func (l *ledger) page(id string) (*page, error) {
	if p := l.pages[id]; p != nil {
		return p, nil
	}
	return nil, journal.ErrUnknown
}

func live(j journal.Job) bool { return j.State == journal.Running || j.State == journal.Held }

// Create refuses an order that has a live job, as the journal's schema does.
func (l *ledger) Create(_ context.Context, job journal.Job, sealed []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := func(id string) bool { p := l.pages[id]; return p.job.OrderID == job.OrderID && live(p.job) }
	if l.pages[job.ID] != nil || slices.ContainsFunc(l.order, taken) {
		return journal.ErrExists
	}
	if job.State == "" {
		job.State = journal.Running
	}
	l.pages[job.ID] = &page{job: job, sealed: slices.Clone(sealed)}
	l.order = append(l.order, job.ID)
	return nil
}

// Job finds a job.
func (l *ledger) Job(_ context.Context, id string) (journal.Job, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, err := l.page(id)
	if err != nil {
		return journal.Job{}, err
	}
	return p.job, nil
}

// SetState notes where a job stands.
func (l *ledger) SetState(_ context.Context, id, state, reason string, done, total int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, err := l.page(id)
	if err == nil {
		p.job.State, p.job.Reason, p.job.Done, p.job.Total, p.job.Updated = state, reason, done, total, time.Now()
	}
	return err
}

func (l *ledger) jobs(is func(*page) bool) []journal.Job {
	l.mu.Lock()
	defer l.mu.Unlock()
	var jobs []journal.Job
	for _, id := range l.order {
		if p := l.pages[id]; is(p) {
			jobs = append(jobs, p.job)
		}
	}
	return jobs
}

// Unfinished are the live jobs.
func (l *ledger) Unfinished(context.Context) ([]journal.Job, error) {
	return l.jobs(func(p *page) bool { return live(p.job) }), nil
}

// Spoiled are the jobs whose card is in quarantine.
func (l *ledger) Spoiled(context.Context) ([]journal.Job, error) {
	return l.jobs(func(p *page) bool { return p.job.State == journal.Spoiled }), nil
}

// Owing are those of them whose order is still sealed.
func (l *ledger) Owing(context.Context) ([]journal.Job, error) {
	return l.jobs(func(p *page) bool { return p.job.State == journal.Spoiled && p.sealed != nil }), nil
}

// ByOrder are an order's jobs.
func (l *ledger) ByOrder(_ context.Context, order string) ([]journal.Job, error) {
	return l.jobs(func(p *page) bool { return p.job.OrderID == order }), nil
}

// ByCard are a card's jobs.
func (l *ledger) ByCard(_ context.Context, card string) ([]journal.Job, error) {
	return l.jobs(func(p *page) bool { return p.job.CardID == card }), nil
}

// AppendWith keeps a record. Nobody outside is told here.
func (l *ledger) AppendWith(_ context.Context, id string, r journal.Record, _ ...journal.Notice) (journal.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, err := l.page(id)
	if err != nil {
		return journal.Record{}, err
	}
	r.Job, r.Seq, r.Body = id, int64(len(p.records)+1), slices.Clone(r.Body)
	p.records = append(p.records, r)
	return r, nil
}

// Panel knows of no card's: nobody endorses one here.
func (l *ledger) Panel(context.Context, string) (journal.Panel, error) {
	return journal.Panel{}, journal.ErrUnknown
}

// Records are a job's records.
func (l *ledger) Records(_ context.Context, id string) ([]journal.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, err := l.page(id)
	if err != nil {
		return nil, err
	}
	return slices.Clone(p.records), nil
}

// Sealed is a job's order.
func (l *ledger) Sealed(_ context.Context, id string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, err := l.page(id)
	switch {
	case err != nil:
		return nil, err
	case p.sealed == nil:
		return nil, journal.ErrDropped
	}
	return slices.Clone(p.sealed), nil
}

// DropSealed forgets it.
func (l *ledger) DropSealed(_ context.Context, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, err := l.page(id)
	if err == nil {
		p.sealed = nil
	}
	return err
}

// archive drops the jobs that have ended: a day's office is not asked about them again.
func (l *ledger) archive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.order = slices.DeleteFunc(l.order, func(id string) bool {
		p := l.pages[id]
		ended := !live(p.job) && p.sealed == nil
		if ended {
			delete(l.pages, id)
		}
		return ended
	})
}
