// Package journal is the append-only record of every job: what was about to be
// done to a card, and what came of it, each durable before the next thing
// happens. After a crash it is the only one who knows where a job stands.
//
// It is one SQLite file at the station (write-ahead log, synchronous=FULL),
// opened by one daemon at a time. Each job's records are a chain of SHA-256
// hashes that begins at the job itself and its plan's digest; the job keeps the
// chain's length and last hash, so that a changed, a missing and a cut-off record
// are all noticed and named whenever records are read. Where a job stands is kept
// beside the chain under a hash of its own, and a mark beside the file tells how many
// transactions it took (package highwater), so that a lost log or an old copy is
// noticed too. All this shows damage and mistakes. It does not
// stop somebody who can write the file and knows this package: that is what the
// signed receipt is for.
//
// Records are built by the caller from closed types and hold names and digests,
// never secrets or personal data. The order itself is kept beside them, sealed by
// the vault, until the job ends.
//
// Times are UTC, to the nanosecond. A Journal may be used by several goroutines.
package journal

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/pressly/goose/v3"

	"jukicard/durable"
	"jukicard/highwater"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the file as a journal ("juki"; sqlite.org/pragma.html#pragma_application_id).
const applicationID = 0x6A756B69

// Journal is an open journal.
type Journal struct {
	db     *sql.DB
	lock   *os.File
	append struct{ head, insert, move, count *sql.Stmt }
	mark   *highwater.Mark
	close  sync.Once
}

// Open opens the journal at path, making the folder (0700) and the file (0600)
// where they are missing, and brings its schema up to date. Until Close no other
// daemon can open it. The entries of all jobs are verified, and the chain of every job
// that has not ended; the chains of the others are when they are read, and by
// [Journal.Verify].
//
// It fails with ErrLocked, ErrReadOnly, ErrCorrupt, ErrForeign, ErrNewer,
// ErrChain, ErrLost, ErrMark, ErrFull or ErrIO. Before ErrLost nothing was
// changed, so that what is left of a log stays as evidence.
func Open(ctx context.Context, path string) (*Journal, error) {
	wanted := "open the journal " + path
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, failure(wanted, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, failure(wanted, err)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, failure(wanted, err)
	}
	j := &Journal{lock: lock}
	if err = unlost(ctx, path); err == nil {
		err = j.open(ctx, path)
	}
	if err != nil {
		_ = j.Close()
		return nil, failure(wanted, err)
	}
	return j, nil
}

// create makes an empty file that nobody else can read. SQLite gives its -wal and
// -shm the file's own permissions, and makes their names durable itself.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(path))
}

func (j *Journal) open(ctx context.Context, path string) error {
	if err := create(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", source(path))
	if err != nil {
		return err
	}
	j.db = db
	// One connection: SQLite has one writer, and a second reader would only see
	// an older state.
	db.SetMaxOpenConns(1)
	for _, step := range []func(context.Context) error{j.identify, j.migrate, j.durable, j.prepare, j.verifyStanding} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	var n int64
	err = db.QueryRowContext(ctx, highwater.Now).Scan(&n)
	if err == nil {
		j.mark, err = highwater.Open(path, n)
	}
	return err
}

// source is the file's name with the settings of each connection. synchronous=FULL
// syncs the log at every commit; secure_delete clears what DropSealed drops.
func source(path string) string {
	settings := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)", "cell_size_check(1)"},
		"_txlock": {"immediate"}, "_defensive": {"1"}, "_dqs": {"0"},
	}
	return highwater.Source(path, settings)
}

// identify refuses a database that another program made.
func (j *Journal) identify(ctx context.Context) error {
	var id, tables int
	if err := j.db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if err := j.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'goose_%' AND name NOT LIKE 'sqlite_%'").Scan(&tables); err != nil {
		return err
	}
	if id != applicationID && (id != 0 || tables > 0) {
		return ErrForeign.when("use this database", "", nil)
	}
	return nil
}

// migrate brings the schema up to date, and refuses one from the future.
func (j *Journal) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic("internal error: no migrations embedded")
	}
	steps, err := goose.NewProvider(goose.DialectSQLite3, j.db, dir, goose.WithGoMigrations(guardsFilled))
	if err != nil {
		return err
	}
	have, know, err := steps.GetVersions(ctx)
	if err != nil {
		return err
	}
	if have > know {
		return ErrNewer.when("read the journal", fmt.Sprintf("a newer cardd wrote this file: its schema is %d, this one knows up to %d", have, know), nil)
	}
	_, err = steps.Up(ctx)
	return err
}

// durable asks whether the settings on which everything rests were taken: SQLite
// falls back in silence on file systems without shared memory.
func (j *Journal) durable(ctx context.Context) error {
	var mode string
	var level int
	err := errors.Join(
		j.db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode),
		j.db.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&level),
	)
	if err != nil {
		return err
	}
	if mode != "wal" || level != 2 {
		return ErrIO.when("make the journal durable", fmt.Sprintf("SQLite took journal_mode=%s and synchronous=%d, wanted wal and 2", mode, level), nil)
	}
	return nil
}

// prepare readies the statements of Append.
func (j *Journal) prepare(ctx context.Context) error {
	for _, s := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&j.append.head, "SELECT records, head FROM job WHERE id = ?"},
		{&j.append.insert, "INSERT INTO record (job, seq, at, kind, step, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
		{&j.append.move, "UPDATE job SET records = ?, head = ? WHERE id = ?"},
		{&j.append.count, highwater.Count},
	} {
		stmt, err := j.db.PrepareContext(ctx, s.text)
		if err != nil {
			return err
		}
		*s.to = stmt
	}
	return nil
}

// Close gives the file up. Work that is under way ends first; it is idempotent.
func (j *Journal) Close() error {
	var err error
	j.close.Do(func() {
		if j.db != nil {
			err = j.db.Close()
		}
		if j.mark != nil {
			err = errors.Join(err, j.mark.Close())
		}
		err = errors.Join(err, j.lock.Close())
	})
	return failure("close the journal", err)
}

// write carries out f in one transaction, durable when write returns, and tells the
// mark. A mark that cannot be told is no failure of the transaction: it is behind, and
// the next one brings it up. Before and behind lie the boundaries at which the kill
// tests end the process.
func (j *Journal) write(ctx context.Context, f func(*sql.Tx) error) error {
	boundary()
	defer boundary()
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	var n int64
	if err := tx.StmtContext(ctx, j.append.count).QueryRowContext(ctx).Scan(&n); err != nil {
		_ = tx.Rollback()
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_ = j.mark.Note(n)
	return nil
}
