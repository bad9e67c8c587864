package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Kind is what a record tells.
type Kind string

// The kinds, as cardd/internal/issue knows them, and State for what an operator
// decided about a job as a whole.
const (
	Planned Kind = "plan"    // a plan was adopted
	Intent  Kind = "intent"  // a step is about to be done
	Outcome Kind = "outcome" // how the step ended
	Crashed Kind = "crashed" // the daemon found the job unfinished at start
	Resumed Kind = "resumed" // an operator let a held job go on
	Signed  Kind = "receipt" // the receipt was signed
	State   Kind = "state"   // an operator ended the job
	Staged  Kind = "stage"   // the card moved on inside a printer
)

var kinds = []Kind{Planned, Intent, Outcome, Crashed, Resumed, Signed, State, Staged}

// Bounds on a job's records.
const (
	RecordsMax = 4096      // records of one job
	BodyMax    = 16 << 10  // bytes of a record's body
	PlanMax    = 512 << 10 // bytes of the body of a Planned record, which holds the whole plan, and of a Signed one, whose receipt names every plan
)

// Record is one line of a job's history.
type Record struct {
	Seq  int64           // from 1, without gaps; assigned by Append
	Job  string          // assigned by Append
	At   time.Time       // set by Append when zero
	Kind Kind            // what it tells
	Step string          // the step it is about, where it is about one
	Body json.RawMessage // the rest, as the caller's own type; null when nil
	Prev []byte          // SHA-256 of the record before, or of the job itself; assigned by Append
	Hash []byte          // SHA-256 of Prev and all of the above; assigned by Append

	Panels []Panel // what it made of cards' 追記欄, durable with it; see [Journal.Panel]. Not read back
}

// Append adds a record to a job and returns it with what Append assigned. When
// it returns without an error, the record survives a crash and a power failure.
// When it returns one, the record was not written, save for ErrIO, after which
// nobody knows until the records are read again.
//
// The end of ctx does not stop it: what happened to a card must be kept also when
// the one who asked for it has gone.
//
// It fails with ErrUnknown, ErrInvalid, ErrTooLarge, ErrRecords, and as any write.
func (j *Journal) Append(ctx context.Context, jobID string, r Record) (Record, error) {
	ctx = context.WithoutCancel(ctx)
	wanted := "append to job " + jobID
	r.Job = jobID
	if r.At.IsZero() {
		r.At = time.Now()
	}
	r.At = time.Unix(0, r.At.UnixNano()).UTC() // what a reader will get back
	if r.Body == nil {
		r.Body = json.RawMessage("null")
	}
	if err := check(r, wanted); err != nil {
		return Record{}, err
	}
	err := j.write(ctx, func(tx *sql.Tx) error { return j.link(ctx, tx, wanted, &r) })
	if err != nil {
		return Record{}, failure(wanted, err)
	}
	return r, nil
}

// check refuses what no reader would understand.
func check(r Record, wanted string) error {
	limit := BodyMax
	if r.Kind == Planned || r.Kind == Signed {
		limit = PlanMax
	}
	switch {
	case !slices.Contains(kinds, r.Kind):
		return ErrInvalid.when(wanted, fmt.Sprintf("there is no kind %q", r.Kind), nil)
	case len(r.Body) > limit:
		return ErrTooLarge.when(wanted, fmt.Sprintf("the body of a record of kind %s has %d bytes, at most %d are kept", r.Kind, len(r.Body), limit), nil)
	case !json.Valid(r.Body):
		return ErrInvalid.when(wanted, "the body is not JSON", nil)
	}
	return checkPanels(r, wanted)
}

// link puts r at the end of its job's chain.
func (j *Journal) link(ctx context.Context, tx *sql.Tx, wanted string, r *Record) error {
	var records int64
	err := tx.StmtContext(ctx, j.append.head).QueryRowContext(ctx, r.Job).Scan(&records, &r.Prev)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrUnknown.when(wanted, "", nil)
	case err != nil:
		return err
	case records >= RecordsMax:
		return ErrRecords.when(wanted, fmt.Sprintf("the job has %d records, as many as a job may have", records), nil)
	}
	r.Seq = records + 1
	r.Hash = r.digest()
	if _, err := tx.StmtContext(ctx, j.append.insert).ExecContext(ctx, r.Job, r.Seq, r.At.UnixNano(), string(r.Kind), r.Step, []byte(r.Body), r.Prev, r.Hash); err != nil {
		return err
	}
	if _, err := tx.StmtContext(ctx, j.append.move).ExecContext(ctx, r.Seq, r.Hash, r.Job); err != nil {
		return err
	}
	return j.enter(ctx, tx, r)
}

// Records are a job's records in order, their chain checked. It fails with ErrUnknown,
// ErrChain and as any read.
func (j *Journal) Records(ctx context.Context, jobID string) ([]Record, error) {
	e, err := j.entry(ctx, jobID)
	if err != nil {
		return nil, err
	}
	records, err := j.recordsOf(ctx, jobID, e.records) // what is appended meanwhile is the next reader's
	if err != nil {
		return nil, err
	}
	if wrong := e.check(records); wrong != "" {
		return nil, ErrChain.when("read the records of job "+jobID, wrong, nil)
	}
	return records, nil
}

// recordsAll is more records than a job has.
const recordsAll = math.MaxInt64

// recordsOf are a job's records up to a number, as they stand in the file.
func (j *Journal) recordsOf(ctx context.Context, jobID string, most int64) ([]Record, error) {
	wanted := "read the records of job " + jobID
	rows, err := j.db.QueryContext(ctx, "SELECT seq, job, at, kind, step, body, prev, hash FROM record WHERE job = ? AND seq <= ? ORDER BY seq", jobID, most)
	if err != nil {
		return nil, failure(wanted, err)
	}
	defer func() { _ = rows.Close() }()
	var records []Record
	for rows.Next() {
		var r Record
		var at int64
		var kind string
		if err := rows.Scan(&r.Seq, &r.Job, &at, &kind, &r.Step, (*[]byte)(&r.Body), &r.Prev, &r.Hash); err != nil {
			return nil, failure(wanted, err)
		}
		r.At, r.Kind = time.Unix(0, at).UTC(), Kind(kind)
		records = append(records, r)
	}
	return records, failure(wanted, rows.Err())
}
