// Package highwater notices that a SQLite database has lost transactions.
//
// SQLite goes back without a word to the last transaction it finds whole: where its log
// is gone, cut off or has a wrong bit, what was acknowledged after that is lost, and the
// file looks like a sound one of an hour ago. The same with a backup that somebody put
// back, or a file that is simply gone. A daemon that went on from there would ask an
// authority anew, or begin a second card.
//
// So the number of transactions taken stands in the database, in a table of its own, and,
// written after each, in a mark beside it. A database behind its mark is refused. The
// mark is not synced with every transaction: after a power failure it may be behind,
// which says nothing, and it is never ahead. Where the process alone ended it is exact.
//
// It leaves out: damage that SQLite or a hash finds, and who took mark and log away
// together. A mark that is gone is made anew and shows nothing that was lost before.
package highwater

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite", without cgo
)

// Suffix follows a database's name in that of its mark.
const Suffix = ".mark"

// Schema makes the table that counts.
const Schema = `
CREATE TABLE written (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	n   INTEGER NOT NULL
) STRICT;
INSERT INTO written VALUES (1, 0);`

// Count belongs into every transaction that writes and gives the number for
// [Mark.Note]; Now only reads it.
const (
	Count = "UPDATE written SET n = n + 1 RETURNING n"
	Now   = "SELECT n FROM written"
)

// What Check finds.
var (
	// ErrLost: the database does not hold what it had taken.
	ErrLost = errors.New("it does not hold what it had taken")
	// ErrMark: the mark itself is damaged.
	ErrMark = errors.New("its mark is damaged")
)

// form is all of a mark: the number, and a sum that shows a torn or changed one.
const form = "high-water mark 1\n%020d\n%08x\n"

func text(n int64) []byte {
	return fmt.Appendf(nil, form, n, crc32.ChecksumIEEE(fmt.Appendf(nil, "%020d", n)))
}

// Check compares the database at path with its mark. It changes nothing, so that what is
// left of a log stays as evidence. Without a mark there is nothing to compare. The error
// is ErrLost, ErrMark, SQLite's or the system's.
func Check(ctx context.Context, path string) error {
	told, err := read(path + Suffix)
	if err != nil || told == 0 {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the file is gone, %d transactions were in it", ErrLost, told)
	}
	n, err := written(ctx, path)
	if err != nil {
		return err
	}
	if n < told {
		return fmt.Errorf("%w: %d transactions are in it, %d were; it is an older copy, or its -wal is gone or damaged", ErrLost, n, told)
	}
	return nil
}

// read is the number in a mark, 0 where there is none.
func read(path string) (n int64, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var sum uint32
	if _, err := fmt.Sscanf(string(b), form, &n, &sum); err != nil || string(text(n)) != string(b) {
		return 0, fmt.Errorf("%w: %s is no mark", ErrMark, filepath.Base(path))
	}
	return n, nil
}

// written is the number of transactions in a file, opened for reading alone: so SQLite
// neither carries a log over nor removes it, and makes none where there is none.
func written(ctx context.Context, path string) (n int64, err error) {
	settings := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		settings.Set("immutable", "1") // nobody else has it open, or there would be a log
	}
	db, err := sql.Open("sqlite", Source(path, settings))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'written'").Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, Now).Scan(&n)
	return n, err
}

// Source is a file's name with settings, as the driver takes it.
func Source(path string, settings url.Values) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") { // C:\…
		slashed = "/" + slashed
	}
	return (&url.URL{Scheme: "file", Path: slashed, RawQuery: settings.Encode()}).String()
}

// Mark is the mark of a database that is open. It may be used by several goroutines.
type Mark struct {
	mu   sync.Mutex
	file *os.File
	told int64 // the number in it, as far as this process knows
}

// Open opens the mark of the database at path, or makes it durably, and brings it up to
// n, which that holds. Call Check before the database is opened.
func Open(path string, n int64) (*Mark, error) {
	name := path + Suffix
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		if err := create(name, n); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	m := &Mark{file: f}
	if err := errors.Join(m.Note(n), m.Sync()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return m, nil
}

// create makes a mark appear whole or not at all.
func create(name string, n int64) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".new*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text(n))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Note tells that the database holds n transactions. A mark that could not be told is
// behind; the next Note brings it up.
func (m *Mark) Note(n int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n <= m.told {
		return nil // another goroutine was faster
	}
	if _, err := m.file.WriteAt(text(n), 0); err != nil {
		return err
	}
	m.told = n
	return nil
}

// Sync makes the mark durable. What was told and not synced survives the end of the
// process, not a power failure.
func (m *Mark) Sync() error { return m.file.Sync() }

// Close syncs the mark and gives it up.
func (m *Mark) Close() error { return errors.Join(m.Sync(), m.file.Close()) }
