package journal

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// A job's chain begins at what the job is, and says nothing of where it stands: its
// state, its card, its reason. These follow from the records and are kept for listings,
// but whether an order or a card is free is asked of them alone. So each entry carries a
// hash over all of it, which is looked at whenever the entry is read.
const guardVersion = "jukicard journal entry 1"

// entry is a row of the table of jobs.
type entry struct {
	Job
	records int64  // length of its chain
	head    []byte // end of its chain
	guard   []byte
}

// entryColumns are what scanEntry reads.
var entryColumns = strings.Replace(jobColumns, "state,", "CASE WHEN released THEN '"+Abandoned+"' ELSE state END,", 1) + ", records, head, guard"

// scanner is a row, or rows at one.
type scanner interface{ Scan(to ...any) error }

// scanEntry reads entryColumns and whatever columns follow them. It does not look at the
// guard.
func scanEntry(row scanner, more ...any) (entry, error) {
	var e entry
	var created, updated int64
	err := row.Scan(append([]any{&e.ID, &e.OrderID, &e.CardID, &e.Station, &e.Profile, &e.Product, &e.Operation, &e.PlanDigest,
		&created, &e.State, &e.Reason, &updated, &e.Done, &e.Total, &e.records, &e.head, &e.guard}, more...)...)
	e.Created, e.Updated = time.Unix(0, created).UTC(), time.Unix(0, updated).UTC()
	return e, err
}

// digest is the hash that guards the entry. The chain's length and end are not in it:
// the records themselves show whether those are right.
func (e *entry) digest() []byte {
	return hashOf([]byte(guardVersion), genesis(e.Job), []byte(e.CardID), []byte(e.State), []byte(e.Reason),
		number(e.Updated.UnixNano()), number(int64(e.Done)), number(int64(e.Total)))
}

// sound is ErrChain for an entry that is not the one written.
func (e *entry) sound() error {
	if bytes.Equal(e.guard, e.digest()) {
		return nil
	}
	return ErrChain.when("verify job "+e.ID, "the job's entry was changed after it was written", nil)
}

// entryOf is the sound entry of a job.
func entryOf(ctx context.Context, tx *sql.Tx, wanted, jobID string) (entry, error) {
	e, err := scanEntry(tx.QueryRowContext(ctx, "SELECT "+entryColumns+" FROM job WHERE id = ?", jobID))
	if errors.Is(err, sql.ErrNoRows) {
		return e, ErrUnknown.when(wanted, "", nil)
	}
	if err != nil {
		return e, err
	}
	return e, e.sound()
}

// reguard gives an entry that was just changed its new guard.
func reguard(ctx context.Context, tx *sql.Tx, jobID string) error {
	e, err := scanEntry(tx.QueryRowContext(ctx, "SELECT "+entryColumns+" FROM job WHERE id = ?", jobID))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE job SET guard = ? WHERE id = ?", e.digest(), jobID)
	return err
}

// guardsFilled is the migration that gives the entries of an older file their guards: a
// hash is nothing that SQL can make.
var guardsFilled = goose.NewGoMigration(5, &goose.GoFunc{RunTx: fillGuards}, nil)

func fillGuards(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, "SELECT id FROM job")
	if err != nil {
		return err
	}
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return errors.Join(err, rows.Close())
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, id := range ids {
		if err := reguard(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}
