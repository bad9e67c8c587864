package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Every field of every record, and everything that binds the job, is changed
// once; each change is noticed and named.
func TestVerifyNamesWhatWasChanged(t *testing.T) {
	const length = 3
	type row struct {
		name, statement, says string
	}
	rows := []row{
		{"the plan's digest", "UPDATE job SET plan_digest = 'sha256:x' WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the order", "UPDATE job SET order_id = 'x' WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the station", "UPDATE job SET station = 'x' WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the profile", "UPDATE job SET profile = 'x' WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the product", "UPDATE job SET product = 'x' WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the operation", "UPDATE job SET operation = 'x' WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the time it was created", "UPDATE job SET created = created + 1 WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"a job without records", "UPDATE job SET product = 'x' WHERE id = 'empty'", "cannot verify job empty: the job's entry was changed"},
		{"the state", "UPDATE job SET state = 'spoiled' WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"a card that is let go", "UPDATE job SET released = 1 WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the card", "UPDATE job SET card_id = 'x' WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the reason", "UPDATE job SET reason = 'x' WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the time it was changed", "UPDATE job SET updated = updated + 1 WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the steps done", "UPDATE job SET done = 1 WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the steps in all", "UPDATE job SET total = 1 WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the guard", "UPDATE job SET guard = x'' WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the guard of another", "UPDATE job SET guard = (SELECT guard FROM job o WHERE o.id = '1') WHERE id = '2'", "cannot verify job 2: the job's entry was changed"},
		{"the number of records", "UPDATE job SET records = 2 WHERE id = '2'", "cannot verify job 2: record 3 was never written"},
		{"the last hash", "UPDATE job SET head = zeroblob(32) WHERE id = '2'", "cannot verify job 2: its last record, 3, is not the last"},
		{"the tail cut off", "DELETE FROM record WHERE job = '2' AND seq = 3", "cannot verify job 2: record 3 is missing"},
		{"all records gone", "DELETE FROM record WHERE job = '2'", "cannot verify job 2: record 1 is missing"},
		{"a record taken out", "DELETE FROM record WHERE job = '2' AND seq = 2", "cannot verify job 2: record 2 is missing"},
		{"a record moved to another job", "UPDATE record SET job = 'empty' WHERE job = '2' AND seq = 1", "cannot verify job 2: record 1 is missing"},
		{"a record of a job that is none", "UPDATE record SET job = 'nobody' WHERE job = '2' AND seq = 3", "1 records belong to no job"},
		{"two records exchanged", "UPDATE record SET seq = 12 - seq WHERE job = '2' AND seq IN (2, 3)", "cannot verify job 2: record 2 is missing"},
	}
	for seq := 1; seq <= length; seq++ {
		for field, change := range map[string]string{
			"at": "at + 1", "kind": "'intent'", "step": "step || ' '", "body": "replace(body, 'ok', 'no')",
			"prev": "zeroblob(32)", "hash": "zeroblob(32)",
		} {
			rows = append(rows, row{
				fmt.Sprintf("%s of record %d", field, seq),
				fmt.Sprintf("UPDATE record SET %s = CAST(%s AS %s) WHERE job = '2' AND seq = %d", field, change, columnType[field], seq),
				fmt.Sprintf("cannot verify job 2: record %d was changed", seq),
			})
		}
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			j, path := newClosed(t)
			for _, id := range []string{"1", "2", "empty", "3"} {
				createJob(t, j, id)
				if id != "empty" {
					appendTo(t, j, id, length)
				}
				if err := j.SetState(t.Context(), id, Done, "", 0, 0); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(j.Verify(t.Context()), j.Close()); err != nil {
				t.Fatal(err)
			}
			tamper(t, path, row.statement)
			j, err := Open(t.Context(), path)
			if err == nil {
				err = errors.Join(j.Verify(t.Context()), j.Close())
			}
			if !errors.Is(err, ErrChain) || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v, want %q", err, row.says)
			}
		})
	}
}

var columnType = map[string]string{"at": "INTEGER", "kind": "TEXT", "step": "TEXT", "body": "BLOB", "prev": "BLOB", "hash": "BLOB"}

// A whole job exchanged for another's history, hashes and all, still does not
// begin where the job begins.
func TestVerifyNoticesAnotherJobsWholeChain(t *testing.T) {
	j, path := newClosed(t)
	for _, id := range []string{"1", "2"} {
		createJob(t, j, id)
		appendTo(t, j, id, 2)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, path, "UPDATE record SET prev = (SELECT prev FROM record o WHERE o.job = '2' AND o.seq = record.seq), hash = (SELECT hash FROM record o WHERE o.job = '2' AND o.seq = record.seq) WHERE job = '1'",
		"UPDATE job SET head = (SELECT head FROM job o WHERE o.id = '2') WHERE id = '1'")
	if _, err := Open(t.Context(), path); !errors.Is(err, ErrChain) {
		t.Errorf("got %v, want %v", err, ErrChain)
	}
}

// One bit of each record's body flipped in the file itself, as a failing disk
// would: whatever notices first, nothing passes.
func TestVerifyNoticesAFlippedBitOnDisk(t *testing.T) {
	j, path := newClosed(t)
	createJob(t, j, "1")
	appendTo(t, j, "1", 20)
	if err := errors.Join(j.SetState(t.Context(), "1", Done, "", 0, 0), j.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		at := bytes.Index(whole, fmt.Appendf(nil, "update text/attributes %d{", i))
		if at < 0 {
			t.Fatalf("record %d is not in the file", i+1)
		}
		damaged := bytes.Clone(whole)
		damaged[at+3] ^= 1 << (i % 8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := Open(t.Context(), path)
		if err == nil {
			err = j.Verify(t.Context())
			_ = j.Close()
		}
		if want := fmt.Sprintf("job 1: record %d was changed", i+1); !errors.Is(err, ErrChain) || !strings.Contains(err.Error(), want) {
			t.Errorf("record %d: got %v", i+1, err)
		}
	}
}

func TestNothingCanBeTakenBackByMistake(t *testing.T) {
	j, _ := openNew(t)
	createJob(t, j, "1")
	appendTo(t, j, "1", 2)
	for _, statement := range []string{"UPDATE record SET step = ''", "DELETE FROM record", "DELETE FROM job"} {
		if _, err := j.db.Exec(statement); err == nil {
			t.Errorf("%s was carried out", statement)
		}
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// Two records that differ must not have the same encoding, also where the end of
// one field could be the start of the next.
func TestDigestKeepsFieldsApart(t *testing.T) {
	a := Record{Job: "1", Kind: Intent, Step: "ab", Body: []byte("c")}
	b := Record{Job: "1", Kind: Intent, Step: "a", Body: []byte("bc")}
	if bytes.Equal(a.digest(), b.digest()) {
		t.Error("two records have one digest")
	}
	if bytes.Equal(genesis(Job{Station: "ab", Profile: "c"}), genesis(Job{Station: "a", Profile: "bc"})) {
		t.Error("two jobs have one beginning")
	}
}
