package station

import (
	"context"

	"jukicard/cardd/internal/journal"
)

// Journal is what a station needs of the journal, with the promises that
// *journal.Journal makes: what it has taken is durable when it returns.
type Journal interface {
	Jobs
	Records
	Orders
	Panels
}

// Jobs are the journal's jobs.
type Jobs interface {
	Create(ctx context.Context, job journal.Job, sealed []byte) error
	Job(ctx context.Context, id string) (journal.Job, error)
	SetState(ctx context.Context, jobID, state, reason string, done, total int) error
	Listing
}

// Listing finds jobs.
type Listing interface {
	Unfinished(ctx context.Context) ([]journal.Job, error)
	Spoiled(ctx context.Context) ([]journal.Job, error)
	Owing(ctx context.Context) ([]journal.Job, error)
	ByOrder(ctx context.Context, orderID string) ([]journal.Job, error)
	ByCard(ctx context.Context, cardID string) ([]journal.Job, error)
}

// Records are what happened in a job.
type Records interface {
	AppendWith(ctx context.Context, jobID string, r journal.Record, notices ...journal.Notice) (journal.Record, error)
	Records(ctx context.Context, jobID string) ([]journal.Record, error)
}

// Panels are what stands in the 追記欄 of cards; a record brings them.
type Panels interface {
	Panel(ctx context.Context, card string) (journal.Panel, error)
}

// Orders are the sealed orders of jobs that have not ended.
type Orders interface {
	Sealed(ctx context.Context, jobID string) ([]byte, error)
	DropSealed(ctx context.Context, jobID string) error
}
