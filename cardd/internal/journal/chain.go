package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Each hash is over a version and then the fields, each behind its length in
// four bytes, so that no two different records have the same encoding.
const (
	genesisVersion = "jukicard journal job 1"
	recordVersion  = "jukicard journal record 1"
)

func hashOf(fields ...[]byte) []byte {
	h := sha256.New()
	for _, f := range fields {
		_, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(f))))
		_, _ = h.Write(f)
	}
	return h.Sum(nil)
}

func number(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// genesis is where a job's chain begins: what the job is, and its plan's digest.
func genesis(job Job) []byte {
	return hashOf([]byte(genesisVersion), []byte(job.ID), []byte(job.OrderID), []byte(job.Station), []byte(job.Profile),
		[]byte(job.Product), []byte(job.Operation), []byte(job.PlanDigest), number(job.Created.UnixNano()))
}

// digest is the record's own hash, over the one before it.
func (r *Record) digest() []byte {
	return hashOf([]byte(recordVersion), r.Prev, []byte(r.Job), number(r.Seq), number(r.At.UnixNano()), []byte(r.Kind), []byte(r.Step), r.Body)
}

// Verify checks the whole file: SQLite's own structure, then the chain of every
// job and of every card's panels. The error, ErrCorrupt or ErrChain, names the job, the record and what is
// wrong with it.
func (j *Journal) Verify(ctx context.Context) error {
	const wanted = "verify the journal"
	if err := j.intact(ctx, "1"); err != nil {
		return err
	}
	var strays int
	if err := j.db.QueryRowContext(ctx, "SELECT count(*) FROM record WHERE job NOT IN (SELECT id FROM job)").Scan(&strays); err != nil {
		return failure(wanted, err)
	}
	if strays > 0 {
		return ErrChain.when(wanted, fmt.Sprintf("%d records belong to no job", strays), nil)
	}
	if err := j.verifyJobs(ctx, ""); err != nil {
		return err
	}
	return j.verifyPanels(ctx)
}

// verifyStanding checks what is built upon: the jobs that will be replayed, and the
// tables by which an order, a card or a notice is found. A table whose index does not
// agree with it would hide a job that is there.
func (j *Journal) verifyStanding(ctx context.Context) error {
	for _, table := range []string{"job", "outbox", "outbox_end", "written", "panel"} {
		if err := j.intact(ctx, table); err != nil {
			return err
		}
	}
	if err := j.verifyJobs(ctx, "WHERE state IN ('running', 'held')"); err != nil {
		return err
	}
	return j.eachEntry(ctx, "", (*entry).sound)
}

// intact checks the structure of one table and its indexes, or with 1 of the whole
// file.
func (j *Journal) intact(ctx context.Context, table string) error {
	var said string
	if err := j.db.QueryRowContext(ctx, "PRAGMA integrity_check("+table+")").Scan(&said); err != nil {
		return failure("verify the journal", err)
	}
	if said != "ok" {
		return ErrCorrupt.when("verify the journal", "the file is damaged: "+said, nil)
	}
	return nil
}

func (j *Journal) verifyJobs(ctx context.Context, where string) error {
	var entries []entry
	err := j.eachEntry(ctx, where, func(e *entry) error {
		entries = append(entries, *e)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		records, err := j.recordsOf(ctx, e.ID, recordsAll)
		if err != nil {
			return err
		}
		if wrong := e.check(records); wrong != "" {
			return ErrChain.when("verify job "+e.ID, wrong, nil)
		}
		if err := e.sound(); err != nil {
			return err
		}
	}
	return nil
}

// eachEntry gives the entries of some jobs to f, oldest first, as they stand in the
// file.
func (j *Journal) eachEntry(ctx context.Context, where string, f func(*entry) error) error {
	const wanted = "verify the journal"
	rows, err := j.db.QueryContext(ctx, "SELECT "+entryColumns+" FROM job "+where+" ORDER BY created, rowid")
	if err != nil {
		return failure(wanted, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e, err := scanEntry(rows)
		if err == nil {
			err = f(&e)
		}
		if err != nil {
			return failure(wanted, err)
		}
	}
	return failure(wanted, rows.Err())
}

// check follows the chain and says what is wrong with it; empty when it holds.
func (e *entry) check(records []Record) string {
	prev := genesis(e.Job)
	for i, r := range records {
		seq := int64(i + 1)
		switch {
		case r.Seq != seq:
			return fmt.Sprintf("record %d is missing", seq)
		case !bytes.Equal(r.Hash, r.digest()):
			return fmt.Sprintf("record %d was changed after it was written", seq)
		case !bytes.Equal(r.Prev, prev) && seq == 1:
			return "the job was changed after it was written: record 1 begins at another job or plan"
		case !bytes.Equal(r.Prev, prev):
			return fmt.Sprintf("record %d was put in another's place: it does not follow record %d", seq, seq-1)
		}
		prev = r.Hash
	}
	switch {
	case int64(len(records)) < e.records:
		return fmt.Sprintf("record %d is missing: %d were written", len(records)+1, e.records)
	case int64(len(records)) > e.records:
		return fmt.Sprintf("record %d was never written: the job has %d", e.records+1, e.records)
	case !bytes.Equal(e.head, prev) && len(records) == 0:
		return "the job itself was changed"
	case !bytes.Equal(e.head, prev):
		return fmt.Sprintf("its last record, %d, is not the last that was written", len(records))
	}
	return ""
}
