package highwater

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// store is a database with its mark.
type store struct {
	path string
	db   *sql.DB
	mark *Mark
}

func open(t testing.TB, path string) *store {
	t.Helper()
	db, err := sql.Open("sqlite", Source(path, url.Values{"_pragma": {"journal_mode(WAL)"}}))
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	s := &store{path: path, db: db}
	_, err = db.Exec(Schema)
	must(t, err)
	s.mark, err = Open(path, 0)
	must(t, err)
	t.Cleanup(func() { _ = s.mark.Close() })
	return s
}

func (s *store) take(t testing.TB, transactions int) {
	t.Helper()
	for range transactions {
		var n int64
		must(t, s.db.QueryRow(Count).Scan(&n))
		must(t, s.mark.Note(n))
	}
}

// killed copies what stands on the disk while the store is open.
func (s *store) killed(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	for _, part := range []string{"", "-wal", Suffix} {
		b, err := os.ReadFile(s.path + part)
		must(t, err)
		must(t, os.WriteFile(path+part, b, 0o600))
	}
	return path
}

func flip(t testing.TB, path string, fromEnd int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	b[int64(len(b))-fromEnd] ^= 4
	must(t, os.WriteFile(path, b, 0o600))
}

func TestCheck(t *testing.T) {
	whole := open(t, filepath.Join(t.TempDir(), "a.db"))
	whole.take(t, 12)
	for _, row := range []struct {
		name   string
		damage func(path string) error
		want   error
		says   string
	}{
		{"nothing", func(string) error { return nil }, nil, ""},
		{"no log", func(p string) error { return os.Remove(p + "-wal") }, ErrLost, "0 transactions are in it, 12 were"},
		{"an empty log", func(p string) error { return os.Truncate(p+"-wal", 0) }, ErrLost, "12 were"},
		{"a log that lacks a byte", func(p string) error { return cut(p+"-wal", 1) }, ErrLost, "11 transactions are in it, 12 were"},
		{"a wrong bit at the end of the log", func(p string) error { flip(t, p+"-wal", 9); return nil }, ErrLost, "11 transactions"},
		{"a wrong bit at its beginning", func(p string) error { flip(t, p+"-wal", 12*4096); return nil }, ErrLost, "12 were"},
		{"no file", os.Remove, ErrLost, "the file is gone, 12 transactions"},
		{"an empty file", func(p string) error { return errors.Join(os.Truncate(p, 0), os.Remove(p+"-wal")) }, ErrLost, "0 transactions"},
		{"a mark that is cut off", func(p string) error { return cut(p+Suffix, 1) }, ErrMark, "a.db.mark is no mark"},
		{"an empty mark", func(p string) error { return os.Truncate(p+Suffix, 0) }, ErrMark, "is no mark"},
		{"a wrong digit in the mark", func(p string) error { flip(t, p+Suffix, 11); return nil }, ErrMark, "is no mark"},
		{"a wrong sum in the mark", func(p string) error { flip(t, p+Suffix, 3); return nil }, ErrMark, "is no mark"},
		{"a mark with something behind it", func(p string) error { return os.WriteFile(p+Suffix, append(text(12), ' '), 0o600) }, ErrMark, "is no mark"},
		{"no mark", func(p string) error { return os.Remove(p + Suffix) }, nil, ""},
		{"a mark that is behind", func(p string) error { return os.WriteFile(p+Suffix, text(3), 0o600) }, nil, ""},
		{"a mark that is ahead", func(p string) error { return os.WriteFile(p+Suffix, text(13), 0o600) }, ErrLost, "12 transactions are in it, 13 were"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := whole.killed(t)
			must(t, row.damage(path))
			before := all(path)
			for range 2 {
				err := Check(t.Context(), path)
				if !errors.Is(err, row.want) || err != nil && !strings.Contains(err.Error(), row.says) {
					t.Errorf("got %v, want %v with %q", err, row.want, row.says)
				}
				if !bytes.Equal(all(path), before) {
					t.Error("the check changed something")
				}
			}
		})
	}
}

func cut(path string, n int64) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()-n)
}

// all are the bytes of all files; one that is not there has none.
func all(path string) (b []byte) {
	for _, part := range []string{"", "-wal", Suffix} {
		file, err := os.ReadFile(path + part)
		b = append(b, fmt.Sprintf("%d %v|", len(file), err != nil)...)
		b = append(b, file...)
	}
	return b
}

func TestCheckOfWhatIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	must(t, os.WriteFile(path, bytes.Repeat([]byte("letter "), 1000), 0o600))
	must(t, os.WriteFile(path+Suffix, text(1), 0o600))
	if err := Check(t.Context(), path); err == nil || errors.Is(err, ErrLost) {
		t.Errorf("got %v", err)
	}
	must(t, os.Remove(path))
	must(t, os.Mkdir(path+"x"+Suffix, 0o700))
	if err := Check(t.Context(), path+"x"); err == nil {
		t.Error("a folder was taken for a mark")
	}
}

func TestAMarkNeverGoesBack(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.db"))
	s.take(t, 5)
	must(t, s.mark.Note(3))
	if n, err := read(s.path + Suffix); n != 5 || err != nil {
		t.Errorf("the mark tells %d, %v", n, err)
	}
	again, err := Open(s.path, 5) // another process
	must(t, err)
	s.take(t, 2)
	must(t, again.Close())
	if n, err := read(s.path + Suffix); n != 7 || err != nil {
		t.Errorf("the mark tells %d, %v", n, err)
	}
}

// FuzzMark: what is taken for a mark is one, to the byte.
func FuzzMark(f *testing.F) {
	f.Add(text(0))
	f.Add(text(1<<63 - 1))
	f.Add([]byte("high-water mark 1\n-0000000000000000001\n00000000\n"))
	dir := f.TempDir()
	path := filepath.Join(dir, "m")
	f.Fuzz(func(t *testing.T, b []byte) {
		must(t, os.WriteFile(path, b, 0o600))
		n, err := read(path)
		if (err == nil) != bytes.Equal(b, text(n)) || err != nil && !errors.Is(err, ErrMark) {
			t.Errorf("%q is taken for %d (%v)", b, n, err)
		}
		if err == nil && n > 0 {
			if err := Check(context.Background(), path[:len(path)-1]+"none"); err != nil {
				t.Errorf("without a mark: %v", err)
			}
		}
	})
}
