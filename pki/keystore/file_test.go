package keystore

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
)

// newFile makes a sealed file with the test masters and closes it.
func newFile(t testing.TB) (path string, u Unlock) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "keys")
	u = Unlock{kind: byCredential, secret: secret.New(bytes.Repeat([]byte{0x22}, 32))}
	f, err := CreateFile(path, u)
	if err != nil {
		t.Fatal(err)
	}
	importMasters(t, f)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path, u
}

func TestPassphrase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	right, err := Passphrase(secret.FromString("架空市民課の、長い合言葉です"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := CreateFile(path, right)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	importMasters(t, f)
	wrong, _ := Passphrase(secret.FromString("another long passphrase"))
	if _, err := OpenFile(path, wrong); !errors.Is(err, ErrUnlock) {
		t.Errorf("%v", err)
	}
	again, err := OpenFile(path, right)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	if keys, err := again.List(t.Context()); err != nil || len(keys) != 3 {
		t.Errorf("%v, %v", keys, err)
	}
	for _, short := range []string{"", "short", "架空市の長い合言葉"} { // nine characters, 27 bytes
		if _, err := Passphrase(secret.FromString(short)); err == nil {
			t.Errorf("%q is taken", short)
		}
	}
	credential := Unlock{kind: byCredential, secret: right.secret}
	if _, err := OpenFile(path, credential); !errors.Is(err, ErrUnlock) || !strings.Contains(err.Error(), "locked by a passphrase") {
		t.Errorf("%v", err)
	}
	if _, err := CreateFile(path, right); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a store was replaced: %v", err)
	}
	if _, err := OpenFile(path+"x", right); !errors.Is(err, ErrAbsent) {
		t.Errorf("%v", err)
	}
}

func TestCredential(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "credential")
	write := func(n int, mode fs.FileMode) {
		_ = os.Remove(path)
		if err := os.WriteFile(path, bytes.Repeat([]byte{7}, n), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		name    string
		size    int
		mode    fs.FileMode
		systemd string // $CREDENTIALS_DIRECTORY
		ok      bool
	}{
		{"its owner's", 32, 0o600, "", true},
		{"read-only", 64, 0o400, "", true},
		{"the group's", 32, 0o640, "", false},
		{"everybody's", 32, 0o604, "", false},
		{"short", 31, 0o600, "", false},
		{"long", 1<<16 + 1, 0o600, "", false},
		{"systemd's, under an access list", 32, 0o440, dir, true},
		{"systemd's, yet everybody's", 32, 0o444, dir, false},
		{"beside systemd's", 32, 0o440, dir + "/other", false},
		{"beside systemd's, by the beginning of its name", 32, 0o440, dir[:len(dir)-1], false},
	} {
		t.Run(row.name, func(t *testing.T) {
			write(row.size, row.mode)
			t.Setenv("CREDENTIALS_DIRECTORY", row.systemd)
			u, err := Credential(path)
			if (err == nil) != row.ok {
				t.Errorf("%v", err)
			}
			u.Destroy()
		})
	}
	if _, err := Credential(dir); err == nil {
		t.Error("a folder is a credential")
	}
	if _, err := Credential(path + "x"); !errors.Is(err, ErrAbsent) {
		t.Errorf("%v", err)
	}
}

func TestFileIsItsOwnersAlone(t *testing.T) {
	path, u := newFile(t)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(path, u); err == nil || !strings.Contains(err.Error(), "mode 0640") {
		t.Errorf("%v", err)
	}
	if _, err := OpenFile(filepath.Dir(path), u); err == nil {
		t.Error("a folder is a store")
	}
}

// TestFileHoldsNoKeyInTheClear, in no byte order and no hex.
func TestFileHoldsNoKeyInTheClear(t *testing.T) {
	path, _ := newFile(t)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for v, key := range masters() {
		_ = key.Lend(func(k []byte) error {
			if bytes.Contains(b, k[:8]) || bytes.Contains(b, []byte(hex.EncodeToString(k[:8]))) {
				t.Errorf("master %02X stands in the file", v)
			}
			return nil
		})
	}
	if bytes.Contains(b, []byte("issuer domain")) {
		t.Error("a label stands in the file")
	}
}

// TestChangedFileIsRefused: every byte counts.
func TestChangedFileIsRefused(t *testing.T) {
	path, u := newFile(t)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(name string, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := OpenFile(path, u); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnlock) {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	for i := range b {
		changed := bytes.Clone(b)
		changed[i] ^= 0x80
		try(fmt.Sprintf("byte %d", i), changed)
	}
	for _, n := range []int{0, 7, headerSize - 1, headerSize, headerSize + 27, len(b) - 1} {
		try(fmt.Sprintf("cut at %d", n), b[:n])
	}
	try("longer", append(bytes.Clone(b), 0))
	try("much longer", make([]byte, sealedMax+1))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(path, u)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
}

// TestInterruptedWriteIsNothing: what a crash leaves beside the file is in nobody's way,
// though others may read it.
func TestInterruptedWriteIsNothing(t *testing.T) {
	path, u := newFile(t)
	if err := errors.Join(os.WriteFile(path+".new", []byte("half of a fi"), 0o600), os.Chmod(path+".new", 0o644)); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(path, u)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Generate(t.Context(), master(0x33), 16); err != nil {
		t.Error(err)
	}
	if keys, err := f.List(t.Context()); err != nil || len(keys) != 4 {
		t.Errorf("%v, %v", keys, err)
	}
	if again, err := OpenFile(path, u); err != nil {
		t.Errorf("the old file's mode was kept: %v", err)
	} else {
		_ = again.Close()
	}
}

// TestLinkBesideTheFileIsNotFollowed: somebody who may write the folder must not have
// the store written elsewhere.
func TestLinkBesideTheFileIsNotFollowed(t *testing.T) {
	path, u := newFile(t)
	other := filepath.Join(t.TempDir(), "other")
	if err := errors.Join(os.WriteFile(other, []byte("mine"), 0o600), os.Symlink(other, path+".new")); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(path, u)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Generate(t.Context(), master(0x33), 16); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(other); err != nil || string(b) != "mine" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestFullDiskIsAFullStore.
func TestFullDiskIsAFullStore(t *testing.T) {
	if err := unwritten("/keys", fmt.Errorf("write /keys.new: %w", syscall.ENOSPC)); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "cannot write key store /keys") {
		t.Error(err)
	}
	if err := unwritten("/keys", fs.ErrPermission); errors.Is(err, ErrFull) || !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}

// TestChangeReadsTheFileAnew: a file system may give another file the number and the
// time of the one that was read; what is in it must not be written over.
func TestChangeReadsTheFileAnew(t *testing.T) {
	path, u := newFile(t)
	f, err := OpenFile(path, u)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	other, err := OpenFile(path, u)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if _, err := other.Generate(t.Context(), master(0x33), 16); err != nil {
		t.Fatal(err)
	}
	if f.seen, err = os.Stat(path); err != nil { // as if it were the one that f has read
		t.Fatal(err)
	}
	if _, err := f.Generate(t.Context(), master(0x34), 16); err != nil {
		t.Fatal(err)
	}
	if keys, err := other.List(t.Context()); err != nil || len(keys) != 5 {
		t.Errorf("%v, %v", keys, err)
	}
}

// TestFileOfAnotherUserIsRefused: root, by whom it would change hands.
func TestFileOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a file another user's; run as root")
	}
	path, u := newFile(t)
	if err := os.Chown(path, 4711, 4711); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(path, u); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("%v", err)
	}
}

// TestStoreClosedUnderACard: whoever computes with a card's keys while the store is
// closed gets the right result or an error, never that of half-cleared keys.
func TestStoreClosedUnderACard(t *testing.T) {
	path, u := newFile(t)
	want, _ := scp03.Diversify(masters()[0x30], kddA)
	mac, _ := want.CMAC(t.Context(), scp03.ENC, []byte("x"))
	for range 20 {
		f, err := OpenFile(path, u)
		if err != nil {
			t.Fatal(err)
		}
		k, err := f.Card(t.Context(), 0x30, kddA)
		if err != nil {
			t.Fatal(err)
		}
		var user sync.WaitGroup
		started := make(chan struct{})
		user.Go(func() {
			for n := 0; ; n++ {
				got, err := k.CMAC(t.Context(), scp03.ENC, []byte("x"))
				if n == 0 {
					close(started)
				}
				if err != nil {
					if !errors.Is(err, ErrGone) {
						t.Error(err)
					}
					return
				}
				if got != mac {
					t.Errorf("%X, want %X", got, mac)
				}
			}
		})
		<-started
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		user.Wait()
	}
}

// TestKeyIsDescribedBeforeOthersMayEndIt: two stores of one process take keys in and
// look at them, each making the other read the file anew.
func TestKeyIsDescribedBeforeOthersMayEndIt(t *testing.T) {
	path, u := newFile(t)
	f, err := OpenFile(path, u)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			for j := range 10 {
				key := secret.New(bytes.Repeat([]byte{byte(i), byte(j)}, 8))
				want, _ := KCVOf(key)
				if k, err := f.Import(t.Context(), master(byte(1+10*i+j)), key); err != nil || k.KCV != want {
					t.Errorf("%v, %v, want %v", k, err, want)
				}
			}
		})
	}
	all.Wait()
}

// TestFileThatCannotBeWritten loses nothing.
func TestFileThatCannotBeWritten(t *testing.T) {
	path, u := newFile(t)
	f, err := OpenFile(path, u)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := os.MkdirAll(path+".new/full", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Generate(t.Context(), master(0x33), 16); err == nil {
		t.Error("written into a folder")
	}
	if keys, err := f.List(t.Context()); err != nil || len(keys) != 3 {
		t.Errorf("%v, %v", keys, err)
	}
	if _, err := f.Card(t.Context(), 0x30, kddA); err != nil {
		t.Error(err)
	}
}

// TestSeveralWritersLoseNothing: processes take turns; two stores do as two processes do.
func TestSeveralWritersLoseNothing(t *testing.T) {
	path, u := newFile(t)
	var all sync.WaitGroup
	for i := range 4 {
		f, err := OpenFile(path, u)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		all.Go(func() {
			for j := range 5 {
				if _, err := f.Generate(t.Context(), master(byte(1+5*i+j)), 16); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	f, err := OpenFile(path, u)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if keys, err := f.List(t.Context()); err != nil || len(keys) != 3+20 {
		t.Errorf("%d, %v", len(keys), err)
	}
}

func TestFileThatVanishes(t *testing.T) {
	path, u := newFile(t)
	f, err := OpenFile(path, u)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	open, err := f.Card(t.Context(), 0x30, kddA)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Card(t.Context(), 0x30, kddA); !errors.Is(err, ErrAbsent) {
		t.Errorf("%v", err)
	}
	if _, err := open.CMAC(t.Context(), scp03.ENC, []byte("x")); err != nil {
		t.Errorf("a session under way: %v", err)
	}
	other, err := CreateFile(path, u)
	if err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
	if _, err := f.Card(t.Context(), 0x30, kddA); !errors.Is(err, ErrGone) {
		t.Errorf("another store in its place: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Card(t.Context(), 0x30, kddA); err != nil {
		t.Errorf("it is back: %v", err)
	}
}

// FuzzSealed feeds the parsers of header and records.
func FuzzSealed(f *testing.F) {
	h := newHeader(byPassphrase)
	f.Add(h.append(nil))
	plain, err := encode([]entry{{ID: master(0x30), key: secret.New(make([]byte, 16))}, {ID: ID{Use: Transport, Label: "a"}, key: secret.New(make([]byte, 32))}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, _, err := parseHeader(b); err == nil && !bytes.HasPrefix(b, h.append(nil)) {
			t.Errorf("another header: %+v", h)
		}
		entries, err := decode(b)
		if err != nil {
			return
		}
		again, err := encode(entries)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%X is written as %X: %v", b, again, err)
		}
		for i, e := range entries {
			if e.Check() != nil || find(entries, e.ID) != i {
				t.Errorf("%v was taken", e.ID)
			}
		}
	})
}
