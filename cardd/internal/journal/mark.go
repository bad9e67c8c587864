package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/url"
	"os"
	"sync"
)

// SQLite goes back without a word to the last transaction it finds whole: where the log
// is gone, cut off or has a wrong bit, what was acknowledged after that is lost, and
// the file looks like a sound one of an hour ago. The same with a backup that somebody
// put back, or a file that is simply gone. A daemon that went on from there would ask
// an authority anew, or begin a second card.
//
// So the number of transactions taken stands in the database and, written after each, in
// a mark beside it. A database behind its mark is refused. The mark is not synced with
// every transaction: after a power failure it may be behind, which says nothing, and it
// is never ahead. Where the process alone ended, it is exact.
//
// A mark that was taken away is made anew and shows nothing lost before.

// MarkSuffix follows the journal's name in that of its mark.
const MarkSuffix = ".mark"

// markForm is all of a mark: the number, and a sum that shows a torn or changed one.
const markForm = "cardd journal mark 1\n%020d\n%08x\n"

func markText(n int64) []byte {
	return fmt.Appendf(nil, markForm, n, crc32.ChecksumIEEE(number(n)))
}

// witness is the open mark.
type witness struct {
	mu   sync.Mutex
	file *os.File
	told int64 // the number in it
}

// readMark is the number in a mark; ok is false where there is none.
func readMark(path string) (n int64, ok bool, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	var sum uint32
	if _, err := fmt.Sscanf(string(b), markForm, &n, &sum); err != nil || string(markText(n)) != string(b) {
		return 0, false, ErrCorrupt.when("read the mark", "the mark "+path+" is damaged; where journal.db itself was left alone, delete the mark and start again", nil)
	}
	return n, true, nil
}

// unlost is whether the file has not lost what its mark says it took; it is looked at
// without changing anything, so that what is left of a log stays as evidence.
func unlost(ctx context.Context, path string) error {
	told, ok, err := readMark(path + MarkSuffix)
	if err != nil || !ok || told == 0 {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ErrLost.when("open the journal", "the file is gone, and it had taken "+fmt.Sprint(told)+" transactions", nil)
	}
	n, err := writtenIn(ctx, path)
	if err != nil {
		return err
	}
	if n < told {
		return ErrLost.when("open the journal", fmt.Sprintf("it holds %d transactions and had taken %d: it is an older copy, or its -wal is gone or damaged", n, told), nil)
	}
	return nil
}

// writtenIn is the number of transactions in a file, opened for reading alone: so SQLite
// neither carries a log over nor removes it.
func writtenIn(ctx context.Context, path string) (n int64, err error) {
	settings := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}).String())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'written'").Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT n FROM written").Scan(&n)
	return n, err
}

// openMark opens the mark, or makes it durably, and brings it up to what the database
// holds.
func openMark(path string, n int64) (*witness, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := makeMark(path, n); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	m := &witness{file: f}
	return m, errors.Join(m.note(n), m.sync())
}

// makeMark makes a mark appear whole or not at all.
func makeMark(path string, n int64) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(markText(n))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}

// note tells that the database holds n transactions.
func (m *witness) note(n int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n <= m.told {
		return nil // another writer was faster
	}
	if _, err := m.file.WriteAt(markText(n), 0); err != nil {
		return err
	}
	m.told = n
	return nil
}

func (m *witness) sync() error { return m.file.Sync() }

func (m *witness) close() error { return errors.Join(m.file.Sync(), m.file.Close()) }
