package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenRefuses(t *testing.T) {
	exec := func(t *testing.T, path string, statements ...string) {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	ours := func(t *testing.T, path string) {
		j, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		createJob(t, j, "1")
		appendTo(t, j, "1", 40)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	rows := []struct {
		name string
		make func(t *testing.T, path string)
		want *Error
		says string
	}{
		{"a file that is no database", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("this is a letter, not a database\n", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt, "restore the last backup"},
		{"a torn file", func(t *testing.T, path string) {
			ours(t, path)
			if err := os.Truncate(path, 3*4096); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt, "is damaged"},
		{"another program's database", func(t *testing.T, path string) {
			exec(t, path, "CREATE TABLE stock (cards INTEGER)")
		}, ErrForeign, "another program's database"},
		{"another program's mark", func(t *testing.T, path string) {
			exec(t, path, "PRAGMA application_id = 252006674", "CREATE TABLE job (id)")
		}, ErrForeign, "another program's database"},
		{"a schema from the future", func(t *testing.T, path string) {
			ours(t, path)
			exec(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (7000, 1)")
		}, ErrNewer, "its schema is 7000"},
		{"a chain that is broken in a job to be replayed", func(t *testing.T, path string) {
			ours(t, path)
			tamper(t, path, "UPDATE record SET step = 'lock' WHERE seq = 12")
		}, ErrChain, "cannot verify job 1: record 12 was changed after it was written"},
		{"a folder in the file's place", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, ErrIO, "is a directory"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			row.make(t, path)
			for range 2 { // refused twice: the first refusal changed nothing and left no lock
				j, err := Open(t.Context(), path)
				if err == nil {
					_ = j.Close()
				}
				if !errors.Is(err, row.want) || !strings.Contains(err.Error(), row.says) {
					t.Fatalf("got %v, want %s with %q", err, row.want.Code, row.says)
				}
			}
		})
	}
}

func TestOpenRefusesASecondDaemonAndNamesTheFirst(t *testing.T) {
	_, path := openNew(t)
	_, err := Open(t.Context(), path)
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("got %v, want %v", err, ErrLocked)
	}
	if want := fmt.Sprintf("(process %d)", os.Getpid()); !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not name %s", err, want)
	}
}

func TestOpenTakesAJournalWhoseEndedJobIsBroken(t *testing.T) {
	j, path := newClosed(t)
	createJob(t, j, "1")
	appendTo(t, j, "1", 3)
	if err := errors.Join(j.SetState(t.Context(), "1", Done, "", 3, 3), j.Close()); err != nil {
		t.Fatal(err)
	}
	tamper(t, path, "UPDATE record SET body = x'31' WHERE seq = 2")
	// Old cards do not stop new ones; whoever asks is told.
	if err := openAt(t, path).Verify(t.Context()); !errors.Is(err, ErrChain) {
		t.Errorf("got %v, want %v", err, ErrChain)
	}
}

func TestAppendOnAFullDatabaseLosesNothing(t *testing.T) {
	j, _ := openNew(t)
	createJob(t, j, "1")
	var pages int
	if err := j.db.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := j.db.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 1)
	written := fill(t, j, "1")
	limit(pages + 100)
	appendTo(t, j, "1", 1)
	records, err := j.Records(t.Context(), "1")
	if err != nil || len(records) != written+1 {
		t.Errorf("got %d records, %v, want %d", len(records), err, written+1)
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// fill appends until the disk is full, and says how many records were taken.
func fill(t testing.TB, j *Journal, id string) int {
	t.Helper()
	for n := range RecordsMax {
		_, err := j.Append(t.Context(), id, Record{Kind: Intent, Body: []byte(`"` + strings.Repeat("x", 1000) + `"`)})
		if errors.Is(err, ErrFull) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("it never was full")
	return 0
}
