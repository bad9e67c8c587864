package stores

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
)

// Files of a daemon, in a moment of the world.
const (
	theJournal   = "state/journal.db"
	theVault     = "state/vault.key"
	theReceipt   = "state/receipt.key"
	thePublic    = "state/receipt.pub"
	theAuthority = "authority/authority.db"
	theCA        = "authority/signature-ca.key"
)

func cut(name string, keep func(size int64) int64) func(dir string) error {
	return func(dir string) error {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.Truncate(path, keep(info.Size()))
	}
}

func to(n int64) func(int64) int64   { return func(int64) int64 { return n } }
func half(size int64) int64          { return size / 2 }
func less(n int64) func(int64) int64 { return func(size int64) int64 { return size - n } }

func gone(names ...string) func(dir string) error {
	return func(dir string) (err error) {
		for _, n := range names {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, n)))
		}
		return err
	}
}

// flipped changes a bit of the byte at, from the end where it is negative.
func flipped(name string, at int) func(dir string) error {
	return func(dir string) error {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if at < 0 {
			at += len(b)
		}
		b[at] ^= 0x10
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, b, info.Mode())
	}
}

func written(name, content string) func(dir string) error {
	return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600) }
}

// from puts a file of another moment or place in.
func from(other, name string) func(dir string) error {
	return func(dir string) error {
		b, err := os.ReadFile(filepath.Join(other, name))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), b, 0o600)
	}
}

func both(all ...func(dir string) error) func(dir string) error {
	return func(dir string) error {
		for _, f := range all {
			if err := f(dir); err != nil {
				return err
			}
		}
		return nil
	}
}

// damages are those that a daemon notices when it starts. No code: nothing is lost, and
// it goes on.
func damages(w *world, stranger string) []damage {
	older := filepath.Join(w.dir, olderDir)
	const closed, killed = closedDir, killedDir
	return []damage{
		{"nothing, stopped", closed, func(string) error { return nil }, ""},
		{"nothing, killed", killed, func(string) error { return nil }, ""},

		{"journal: empty", closed, cut(theJournal, to(0)), "JOURNAL-LOST"},
		{"journal: one byte", closed, cut(theJournal, to(1)), "JOURNAL-LOST"},
		{"journal: half a header", closed, cut(theJournal, to(50)), "JOURNAL-CORRUPT"},
		{"journal: one page", closed, cut(theJournal, to(4096)), "JOURNAL-CORRUPT"},
		{"journal: half", closed, cut(theJournal, half), "JOURNAL-CORRUPT"},
		{"journal: the last page is gone", closed, cut(theJournal, less(4096)), "JOURNAL-CORRUPT"},
		{"journal: the last byte is gone", closed, cut(theJournal, less(1)), "JOURNAL-CHAIN-BROKEN"},
		{"journal: gone", closed, gone(theJournal), "JOURNAL-LOST"},
		{"journal: gone with its log", killed, gone(theJournal, theJournal+"-wal", theJournal+"-shm"), "JOURNAL-LOST"},
		{"journal: a letter", closed, written(theJournal, strings.Repeat("this is a letter\n", 500)), "JOURNAL-CORRUPT"},
		{"journal: a folder", closed, both(gone(theJournal), func(dir string) error { return os.Mkdir(filepath.Join(dir, theJournal), 0o700) }), "JOURNAL-IO"},
		{"journal: a wrong bit in its name", closed, flipped(theJournal, 3), "JOURNAL-CORRUPT"},
		{"journal: a wrong bit in its mark of application", closed, flipped(theJournal, 70), "JOURNAL-FOREIGN"},
		{"journal: a wrong bit in the size of its pages", closed, flipped(theJournal, 16), "JOURNAL-CORRUPT"},
		{"journal: an older copy", closed, from(older, theJournal), "JOURNAL-LOST"},
		{"log: gone", killed, gone(theJournal + "-wal"), "JOURNAL-LOST"},
		{"log: gone with its index", killed, gone(theJournal+"-wal", theJournal+"-shm"), "JOURNAL-LOST"},
		{"log: empty", killed, cut(theJournal+"-wal", to(0)), "JOURNAL-LOST"},
		{"log: its header alone", killed, cut(theJournal+"-wal", to(32)), "JOURNAL-LOST"},
		{"log: half", killed, cut(theJournal+"-wal", half), "JOURNAL-LOST"},
		{"log: the last byte is gone", killed, cut(theJournal+"-wal", less(1)), "JOURNAL-LOST"},
		{"log: a wrong bit in its header", killed, flipped(theJournal+"-wal", 17), "JOURNAL-LOST"},
		{"log: a wrong bit in its first page", killed, flipped(theJournal+"-wal", 1000), "JOURNAL-LOST"},
		{"log: a wrong bit in its last page", killed, flipped(theJournal+"-wal", -1000), "JOURNAL-LOST"},
		{"log: its index is gone", killed, gone(theJournal + "-shm"), ""},
		{"log: its index is nonsense", killed, written(theJournal+"-shm", strings.Repeat("x", 32768)), ""},
		{"mark: cut off", closed, cut(theJournal+journal.MarkSuffix, half), "JOURNAL-MARK"},
		{"mark: a wrong bit", killed, flipped(theJournal+journal.MarkSuffix, 30), "JOURNAL-MARK"},
		{"mark: gone", killed, gone(theJournal + journal.MarkSuffix), ""},

		{"vault key: gone", closed, gone(theVault), failure.StationVaultKey},
		{"vault key: empty", closed, cut(theVault, to(0)), failure.StationVaultKey},
		{"vault key: cut off", closed, cut(theVault, to(31)), failure.StationVaultKey},
		{"vault key: zeros", closed, written(theVault, strings.Repeat("\x00", 32)), failure.StationVaultKey},
		{"vault key: a wrong bit", closed, flipped(theVault, 7), failure.StationVaultKey},
		{"vault key: another station's", closed, from(stranger, theVault), failure.StationVaultKey},
		{"vault key: others may read it", closed, func(dir string) error { return os.Chmod(filepath.Join(dir, theVault), 0o644) }, failure.StationVaultKey},

		{"receipt key: gone", closed, gone(theReceipt), failure.StationReceiptKey},
		{"receipt key: empty", closed, cut(theReceipt, to(0)), failure.StationReceiptKey},
		{"receipt key: cut off", closed, cut(theReceipt, half), failure.StationReceiptKey},
		{"receipt key: a wrong bit", closed, flipped(theReceipt, 100), failure.StationReceiptKey},
		{"receipt key: another station's", closed, from(stranger, theReceipt), failure.StationReceiptKey},
		{"receipt key: its public half is another's", closed, from(stranger, thePublic), failure.StationReceiptKey},
		{"receipt key: its public half is gone", closed, gone(thePublic), ""},

		{"authority: its folder is gone", closed, gone("authority"), failure.PKIStore},
		{"authority: gone", closed, gone(theAuthority), failure.PKIStore},
		{"authority: empty", closed, cut(theAuthority, to(0)), failure.PKIStore},
		{"authority: half", closed, cut(theAuthority, half), failure.PKIStore},
		{"authority: the last page is gone", closed, cut(theAuthority, less(4096)), failure.PKIStore},
		{"authority: a wrong bit in its name", closed, flipped(theAuthority, 2), failure.PKIStore},
		{"authority: an older copy", closed, from(older, theAuthority), failure.PKIStore},
		{"authority: its log is gone", killed, gone(theAuthority+"-wal", theAuthority+"-shm"), failure.PKIStore},
		{"authority: its log is half", killed, cut(theAuthority+"-wal", half), failure.PKIStore},
		{"authority: a wrong bit in its log", killed, flipped(theAuthority+"-wal", -1000), failure.PKIStore},
		{"authority: its mark is damaged", closed, cut(theAuthority+".mark", half), failure.PKIStore},
		{"authority: a key is gone", closed, gone(theCA), failure.PKIStore},
		{"authority: a key is cut off", closed, cut(theCA, half), failure.PKIStore},
		{"authority: a wrong bit in a key", closed, flipped(theCA, 900), failure.PKIStore},
		{"authority: another's key", closed, from(stranger, theCA), failure.PKIStore},
		{"authority: a key of sealing is gone", closed, gone("authority/text-seal.key"), failure.PKIStore},
		{"authority: all is another's", closed, both(gone("authority"), func(dir string) error {
			return duplicate(filepath.Join(stranger, "authority"), filepath.Join(dir, "authority"))
		}), ""},
	}
}

type damage struct {
	name   string
	moment string
	do     func(dir string) error
	code   failure.Code
}

// TestEachDamageIsNamedAtTheStart: the daemon does not come up, says why twice alike,
// and has neither mended nor begun anything anew; or it comes up and all is there.
func TestEachDamageIsNamedAtTheStart(t *testing.T) {
	w := newWorld(t)
	stranger := folder(t)
	f, err := open(t.Context(), stranger, false)
	must(t, err)
	must(t, f.Close())
	for _, d := range damages(w, stranger) {
		t.Run(d.name, func(t *testing.T) {
			dir := w.copyOf(t, d.moment)
			must(t, d.do(dir))
			if d.code == "" {
				want := w.atClosed
				if d.moment == killedDir {
					want = w.atKilled
				}
				if strings.HasPrefix(d.name, "authority: all") { // whoever exchanges it means it; what it issued is not there
					want.certificates = nil
				}
				goesOn(t, dir, want)
				return
			}
			before := contents(t, dir)
			for range 2 {
				f, err := open(t.Context(), dir, false)
				if err == nil {
					_ = f.Close()
				}
				if codeOf(err) != string(d.code) || !strings.Contains(err.Error(), "; ") {
					t.Fatalf("got %v, want %s with a remedy", err, d.code)
				}
			}
			unmended(t, dir, before)
		})
	}
}

// goesOn opens a daemon and holds what is there against what was acknowledged.
func goesOn(t *testing.T, dir string, want acknowledged) {
	t.Helper()
	f, err := open(t.Context(), dir, false)
	must(t, err)
	defer func() { must(t, f.Close()) }()
	got, err := acknowledge(t.Context(), f.Journal, f.Authority)
	must(t, err)
	for _, wrong := range want.missing(got) {
		t.Error(wrong)
	}
}

// contents are the files of a folder that a refusal may not touch: SQLite carries over
// its logs when it has found a database sound, and locks name who held them.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, pattern := range []string{"state/*.key", "state/*.pub", "authority/*.key", "state/*.mark", "authority/*.mark"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		must(t, err)
		for _, name := range names {
			b, err := os.ReadFile(name)
			must(t, err)
			all[name] = b
		}
	}
	return all
}

// unmended is whether the files are those of before, and no others.
func unmended(t *testing.T, dir string, before map[string][]byte) {
	t.Helper()
	after := contents(t, dir)
	for name, b := range after {
		was, ok := before[name]
		if !ok {
			t.Errorf("%s was made anew", name)
		} else if !bytes.Equal(was, b) && !strings.HasSuffix(name, ".mark") {
			t.Errorf("%s was changed", name)
		}
	}
	if len(after) < len(before) {
		t.Errorf("%d files are left of %d", len(after), len(before))
	}
}
