package journal

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
)

// died is the journal as a daemon leaves it that was killed: log and mark as they stood,
// with one job and ten records.
func died(t *testing.T) (path string) {
	t.Helper()
	j, alive := openNew(t)
	createJob(t, j, "1")
	appendTo(t, j, "1", 10)
	path = filepath.Join(t.TempDir(), "journal.db")
	for _, part := range []string{"", "-wal", MarkSuffix} {
		b, err := os.ReadFile(alive + part)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+part, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatTheMarkNotices(t *testing.T) {
	flip := func(t *testing.T, path string, at int64) {
		b, err := os.ReadFile(path)
		must(t, err)
		b[at] ^= 1
		must(t, os.WriteFile(path, b, 0o600))
	}
	for _, row := range []struct {
		name   string
		damage func(t *testing.T, path string)
		want   error // nil: nothing is lost
		says   string
	}{
		{"nothing", func(*testing.T, string) {}, nil, ""},
		{"the log is gone", func(t *testing.T, path string) { must(t, os.Remove(path+"-wal")) }, ErrLost, "its -wal is gone"},
		{"the log is empty", func(t *testing.T, path string) { must(t, os.Truncate(path+"-wal", 0)) }, ErrLost, "it is an older copy"},
		{"the log is half", func(t *testing.T, path string) { must(t, os.Truncate(path+"-wal", size(t, path+"-wal")/2)) }, ErrLost, "it is an older copy"},
		{"the log lacks a byte", func(t *testing.T, path string) { must(t, os.Truncate(path+"-wal", size(t, path+"-wal")-1)) }, ErrLost, "it is an older copy"},
		{"a bit of the log is wrong", func(t *testing.T, path string) { flip(t, path+"-wal", size(t, path+"-wal")-100) }, ErrLost, "it is an older copy"},
		{"the log's head is wrong", func(t *testing.T, path string) { flip(t, path+"-wal", 17) }, ErrLost, "it is an older copy"},
		{"the file is gone", func(t *testing.T, path string) { must(t, os.Remove(path)) }, ErrLost, "the file is gone"},
		{"file and log are gone", func(t *testing.T, path string) { must(t, errors.Join(os.Remove(path), os.Remove(path+"-wal"))) }, ErrLost, "the file is gone"},
		{"the file is empty", func(t *testing.T, path string) {
			must(t, errors.Join(os.Truncate(path, 0), os.Remove(path+"-wal")))
		}, ErrLost, "0 transactions are in it"},
		{"the mark is cut off", func(t *testing.T, path string) { must(t, os.Truncate(path+MarkSuffix, 30)) }, ErrMark, "delete journal.db.mark"},
		{"the mark is empty", func(t *testing.T, path string) { must(t, os.Truncate(path+MarkSuffix, 0)) }, ErrMark, "is no mark"},
		{"a bit of the mark is wrong", func(t *testing.T, path string) { flip(t, path+MarkSuffix, size(t, path+MarkSuffix)-15) }, ErrMark, "is no mark"},
		{"the mark is gone", func(t *testing.T, path string) { must(t, os.Remove(path+MarkSuffix)) }, nil, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := died(t)
			row.damage(t, path)
			before := files(t, path)
			for range 2 { // a refusal leaves all as it was
				j, err := Open(t.Context(), path)
				if row.want == nil {
					must(t, err)
					records, err := j.Records(t.Context(), "1")
					if err != nil || len(records) != 10 {
						t.Errorf("%d records, %v", len(records), err)
					}
					must(t, j.Close())
					continue
				}
				if !errors.Is(err, row.want) || !strings.Contains(err.Error(), row.says) {
					t.Fatalf("got %v, want %v", err, row.want)
				}
				if after := files(t, path); !bytes.Equal(before, after) {
					t.Error("the files were changed by a refusal")
				}
			}
		})
	}
}

// files are the bytes of all that a journal consists of.
func files(t *testing.T, path string) (all []byte) {
	t.Helper()
	for _, part := range []string{"", "-wal", MarkSuffix} {
		b, err := os.ReadFile(path + part)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		all = append(append(all, b...), '|')
	}
	return all
}

// TestAnOldBackupIsNoticed: the file of an hour ago is sound, and not what was written.
func TestAnOldBackupIsNoticed(t *testing.T) {
	j, path := newClosed(t)
	createJob(t, j, "1")
	must(t, j.Close())
	backup, err := os.ReadFile(path)
	must(t, err)
	j = openAt(t, path)
	appendTo(t, j, "1", 5)
	must(t, j.Close())
	must(t, os.WriteFile(path, backup, 0o600))
	if _, err := Open(t.Context(), path); !errors.Is(err, ErrLost) {
		t.Fatalf("got %v, want %v", err, ErrLost)
	}
	must(t, os.Remove(path+MarkSuffix)) // the remedy, once the cards have been looked at
	must(t, openAt(t, path).Verify(t.Context()))
}

// TestEveryWriteIsMarked: no transaction is acknowledged that the mark does not know.
func TestEveryWriteIsMarked(t *testing.T) {
	j, path := openNew(t)
	told := func() (n int64) {
		b, err := os.ReadFile(path + MarkSuffix)
		must(t, err)
		_, err = fmt.Sscanf(string(b), "high-water mark 1\n%d", &n)
		must(t, err)
		return n
	}
	ctx := t.Context()
	for _, row := range []struct {
		name  string
		write func() error
	}{
		{"a job", func() error { return j.Create(ctx, sample("1"), []byte("sealed")) }},
		{"append", func() error { _, err := j.Append(ctx, "1", Record{Kind: Intent}); return err }},
		{"a notice", func() error { return j.Enqueue(ctx, Notice{Party: "jpki", Key: "k", Card: "c", Kind: "issued"}) }},
		{"the state", func() error { return j.SetState(ctx, "1", Held, "", 0, 1) }},
		{"the card", func() error { return j.SetCard(ctx, "1", "c") }},
		{"the order", func() error { return j.DropSealed(ctx, "1") }},
		{"the same job", func() error { return j.SetState(ctx, "1", Running, "", 0, 1) }},
	} {
		before := told()
		if must(t, row.write()); told() != before+1 {
			t.Errorf("%s: the mark went from %d to %d", row.name, before, told())
		}
	}
	before := told()
	if err := j.SetCard(ctx, "nobody", "c"); !errors.Is(err, ErrUnknown) || told() != before {
		t.Errorf("a write that failed: %v, the mark went from %d to %d", err, before, told())
	}
}

// TestGuardsOfAnOlderFile: a journal of before there were guards gets them.
func TestGuardsOfAnOlderFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	must(t, olderFile(t.Context(), path))
	j := openAt(t, path)
	got, err := j.Job(t.Context(), "old")
	if err != nil || got.State != Abandoned || got.CardID != "c" {
		t.Errorf("got %+v, %v", got, err)
	}
	must(t, j.Verify(t.Context()))
	createJob(t, j, "new")
	if size(t, path+MarkSuffix) == 0 {
		t.Error("no mark was made")
	}
}

// olderFile makes a journal of the third schema with one job that was given up.
func olderFile(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", source(path))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		return err
	}
	if _, err := steps.UpTo(ctx, 3); err != nil {
		return err
	}
	old := Job{ID: "old", OrderID: "o", Created: time.Unix(0, 7)}
	_, err = db.ExecContext(ctx, "INSERT INTO job ("+jobColumns+", records, head, released) VALUES ('old', 'o', 'c', '', '', '', '', '', 7, 'spoiled', '', 8, 0, 0, 0, ?, 1)", genesis(old))
	return err
}
