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

// link is a job with the end of its chain.
type link struct {
	job     Job
	records int64
	head    []byte
}

// Verify checks the whole file: SQLite's own structure, then the chain of every
// job. The error, ErrCorrupt or ErrChain, names the job, the record and what is
// wrong with it.
func (j *Journal) Verify(ctx context.Context) error {
	const wanted = "verify the journal"
	var said string
	if err := j.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said); err != nil {
		return failure(wanted, err)
	}
	if said != "ok" {
		return ErrCorrupt.when(wanted, "the file is damaged: "+said, nil)
	}
	var strays int
	if err := j.db.QueryRowContext(ctx, "SELECT count(*) FROM record WHERE job NOT IN (SELECT id FROM job)").Scan(&strays); err != nil {
		return failure(wanted, err)
	}
	if strays > 0 {
		return ErrChain.when(wanted, fmt.Sprintf("%d records belong to no job", strays), nil)
	}
	return j.verifyJobs(ctx, "")
}

// verifyUnfinished checks the jobs that will be replayed.
func (j *Journal) verifyUnfinished(ctx context.Context) error {
	return j.verifyJobs(ctx, "WHERE state IN ('running', 'held')")
}

func (j *Journal) verifyJobs(ctx context.Context, where string) error {
	links, err := j.links(ctx, where)
	if err != nil {
		return failure("verify the journal", err)
	}
	for _, l := range links {
		records, err := j.Records(ctx, l.job.ID)
		if err != nil {
			return err
		}
		if wrong := l.check(records); wrong != "" {
			return ErrChain.when("verify job "+l.job.ID, wrong, nil)
		}
	}
	return nil
}

func (j *Journal) links(ctx context.Context, where string) ([]link, error) {
	rows, err := j.db.QueryContext(ctx, "SELECT "+jobShown+", records, head FROM job "+where+" ORDER BY created, rowid")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var links []link
	for rows.Next() {
		var l link
		if l.job, err = scanJob(rows, &l.records, &l.head); err != nil {
			return nil, err
		}
		links = append(links, l)
	}
	return links, rows.Err()
}

// check follows the chain and says what is wrong with it; empty when it holds.
func (l *link) check(records []Record) string {
	prev := genesis(l.job)
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
	case int64(len(records)) < l.records:
		return fmt.Sprintf("record %d is missing: %d were written", len(records)+1, l.records)
	case int64(len(records)) > l.records:
		return fmt.Sprintf("record %d was never written: the job has %d", l.records+1, l.records)
	case !bytes.Equal(l.head, prev) && len(records) == 0:
		return "the job itself was changed"
	case !bytes.Equal(l.head, prev):
		return fmt.Sprintf("its last record, %d, is not the last that was written", len(records))
	}
	return ""
}
