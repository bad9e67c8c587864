package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The states of a job, as the machine in cardd/internal/issue names them.
const (
	Running   = "running"   // goes on by itself
	Held      = "held"      // waits for an operator
	Spoiled   = "spoiled"   // ended; the card must not be used
	Done      = "done"      // ended; issued and proven
	Abandoned = "abandoned" // ended; nothing was written to the card, which is free
)

var states = []string{Running, Held, Spoiled, Done, Abandoned}

// inTable is how a state stands in the table.
func inTable(state string) (column string, released bool) {
	if state == Abandoned {
		return Spoiled, true
	}
	return state, false
}

// Bounds on what is kept of a job.
const (
	SealedMax = 8 << 20 // bytes of a sealed order: a photograph and some text
	JobsMax   = 1000    // jobs in one listing
)

// Job is one plan being carried out on one card at one station.
type Job struct {
	ID         string // the caller's, unique for ever
	OrderID    string // the order it fulfils
	CardID     string // the card, empty until it is known; see SetCard
	Station    string // where
	Profile    string // generation of card
	Product    string // variant of the profile
	Operation  string // what the order wants
	PlanDigest string // of the plan it was made for, as the caller spells it

	Created time.Time // set by Create when zero
	State   string    // Running, Held, Spoiled, Done or Abandoned
	Reason  string    // why it is Held or Spoiled; never data of the resident
	Updated time.Time // when State, Reason, Done or Total last changed
	Done    int       // steps carried out of the plan in force
	Total   int       // steps of the plan in force
}

const jobColumns = "id, order_id, card_id, station, profile, product, operation, plan_digest, created, state, reason, updated, done, total"

// Create puts a job and its sealed order into the journal in one transaction,
// durable on return. Everything up to Created except CardID is bound by the
// job's chain from then on. State is Running when empty.
//
// It fails with ErrExists when the order has a job that is Running or Held or
// the id is taken, with ErrInvalid, ErrTooLarge, and as any write.
func (j *Journal) Create(ctx context.Context, job Job, sealed []byte) error {
	wanted := "create job " + job.ID
	if job.State == "" {
		job.State = Running
	}
	if job.Created.IsZero() {
		job.Created = time.Now()
	}
	switch {
	case job.ID == "" || job.OrderID == "":
		return ErrInvalid.when(wanted, "a job needs an id and an order", nil)
	case !slices.Contains(states, job.State):
		return ErrInvalid.when(wanted, fmt.Sprintf("there is no state %q", job.State), nil)
	case len(sealed) > SealedMax:
		return ErrTooLarge.when(wanted, fmt.Sprintf("the sealed order has %d bytes, at most %d are kept", len(sealed), SealedMax), nil)
	}
	state, released := inTable(job.State)
	e := entry{Job: job}
	e.Updated = job.Created
	err := j.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO job ("+jobColumns+", records, head, sealed, released, guard) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)",
			job.ID, job.OrderID, job.CardID, job.Station, job.Profile, job.Product, job.Operation, job.PlanDigest, job.Created.UnixNano(),
			state, job.Reason, job.Created.UnixNano(), job.Done, job.Total, genesis(job), sealed, released, e.digest())
		return err
	})
	if isUnique(err) {
		return ErrExists.when(wanted, "", err)
	}
	return failure(wanted, err)
}

// SetState notes where a job stands, for listings; what decides is its records.
// It fails with ErrUnknown, ErrInvalid, ErrExists where it would give an order a
// second live job, and as any write.
func (j *Journal) SetState(ctx context.Context, jobID, state, reason string, done, total int) error {
	wanted := "note the state of job " + jobID
	if !slices.Contains(states, state) {
		return ErrInvalid.when(wanted, fmt.Sprintf("there is no state %q", state), nil)
	}
	column, released := inTable(state)
	err := j.update(ctx, wanted, "UPDATE job SET state = ?, released = ?, reason = ?, done = ?, total = ?, updated = ? WHERE id = ?",
		column, released, reason, done, total, time.Now().UnixNano(), jobID)
	if isUnique(err) {
		return ErrExists.when(wanted, "", err)
	}
	return err
}

// SetCard binds a job to the card it works on. It fails with ErrUnknown and as
// any write.
func (j *Journal) SetCard(ctx context.Context, jobID, cardID string) error {
	return j.update(ctx, "bind a card to job "+jobID, "UPDATE job SET card_id = ? WHERE id = ?", cardID, jobID)
}

// DropSealed forgets a job's sealed order, also in the file: the bytes are
// overwritten and the log is emptied. It fails with ErrUnknown and as any write.
func (j *Journal) DropSealed(ctx context.Context, jobID string) error {
	wanted := "drop the order's data of job " + jobID
	if err := j.update(ctx, wanted, "UPDATE job SET sealed = NULL WHERE id = ?", jobID); err != nil {
		return err
	}
	if _, err := j.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return failure(wanted, err)
	}
	return failure(wanted, j.mark.Sync())
}

// update changes one job, whose id is the last argument.
func (j *Journal) update(ctx context.Context, wanted, query string, args ...any) error {
	id := args[len(args)-1].(string)
	err := j.write(ctx, func(tx *sql.Tx) error {
		if _, err := entryOf(ctx, tx, wanted, id); err != nil { // damage is not given a guard of its own
			return err
		}
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
		return reguard(ctx, tx, id)
	})
	return failure(wanted, err)
}

// Sealed is the sealed order of a job. It fails with ErrUnknown, ErrDropped once
// it was dropped, and as any read.
func (j *Journal) Sealed(ctx context.Context, jobID string) ([]byte, error) {
	wanted := "read the order's data of job " + jobID
	var sealed []byte
	err := j.db.QueryRowContext(ctx, "SELECT sealed FROM job WHERE id = ?", jobID).Scan(&sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, ErrUnknown.when(wanted, "", nil)
	case err != nil:
		return nil, failure(wanted, err)
	case sealed == nil:
		return nil, ErrDropped.when(wanted, "", nil)
	}
	return sealed, nil
}

// Job is one job. It fails with ErrUnknown and as any read.
func (j *Journal) Job(ctx context.Context, id string) (Job, error) {
	e, err := j.entry(ctx, id)
	return e.Job, err
}

// entry is the sound entry of a job.
func (j *Journal) entry(ctx context.Context, id string) (entry, error) {
	entries, err := j.entries(ctx, "WHERE id = ?", id)
	if err == nil && len(entries) == 0 {
		err = ErrUnknown.when("find job "+id, "", nil)
	}
	if err != nil {
		return entry{}, err
	}
	return entries[0], nil
}

// Jobs are the newest jobs first, at most limit and at most JobsMax.
func (j *Journal) Jobs(ctx context.Context, limit int) ([]Job, error) {
	return j.jobs(ctx, "ORDER BY created DESC, rowid DESC LIMIT ?", min(max(limit, 0), JobsMax))
}

// JobsAfter are a page of jobs in the order they were created here, those behind a
// place; last is the place of the last of them, to ask after for the following page.
// It begins at place 0, and an empty page is the end. At most limit and at most JobsMax.
func (j *Journal) JobsAfter(ctx context.Context, place int64, limit int) (page []Job, last int64, err error) {
	last = place
	rows, err := j.db.QueryContext(ctx, "SELECT "+entryColumns+", rowid FROM job WHERE rowid > ? ORDER BY rowid LIMIT ?", place, min(max(limit, 0), JobsMax))
	if err != nil {
		return nil, place, failure("list jobs", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e, err := scanEntry(rows, &last)
		if err == nil {
			err = e.sound()
		}
		if err != nil {
			return nil, place, failure("list jobs", err)
		}
		page = append(page, e.Job)
	}
	return page, last, failure("list jobs", rows.Err())
}

// Unfinished are the jobs that are Running or Held, oldest first.
func (j *Journal) Unfinished(ctx context.Context) ([]Job, error) {
	return j.jobs(ctx, "WHERE state IN ('running', 'held') ORDER BY created, rowid")
}

// Spoiled are the jobs that ended with their card in quarantine, oldest first.
func (j *Journal) Spoiled(ctx context.Context) ([]Job, error) {
	return j.jobs(ctx, "WHERE state = 'spoiled' AND NOT released ORDER BY created, rowid")
}

// Owing are the spoiled jobs whose sealed order was not dropped, oldest first: something
// about them is still to be done.
func (j *Journal) Owing(ctx context.Context) ([]Job, error) {
	return j.jobs(ctx, "WHERE state = 'spoiled' AND NOT released AND sealed IS NOT NULL ORDER BY created, rowid")
}

// ByCard are the jobs that were bound to a card, oldest first.
func (j *Journal) ByCard(ctx context.Context, cardID string) ([]Job, error) {
	return j.jobs(ctx, "WHERE card_id = ? AND card_id <> '' ORDER BY created, rowid", cardID)
}

// ByOrder are the jobs of an order, oldest first.
func (j *Journal) ByOrder(ctx context.Context, orderID string) ([]Job, error) {
	return j.jobs(ctx, "WHERE order_id = ? ORDER BY created, rowid", orderID)
}

func (j *Journal) jobs(ctx context.Context, where string, args ...any) ([]Job, error) {
	entries, err := j.entries(ctx, where, args...)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	jobs := make([]Job, len(entries))
	for i := range entries {
		jobs[i] = entries[i].Job
	}
	return jobs, nil
}

// entries are sound, or the error says which is not.
func (j *Journal) entries(ctx context.Context, where string, args ...any) ([]entry, error) {
	rows, err := j.db.QueryContext(ctx, "SELECT "+entryColumns+" FROM job "+where, args...)
	if err != nil {
		return nil, failure("list jobs", err)
	}
	defer func() { _ = rows.Close() }()
	var entries []entry
	for rows.Next() {
		e, err := scanEntry(rows)
		if err == nil {
			err = e.sound()
		}
		if err != nil {
			return nil, failure("list jobs", err)
		}
		entries = append(entries, e)
	}
	return entries, failure("list jobs", rows.Err())
}
