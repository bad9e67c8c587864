package vault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func sealer(t testing.TB, dir string) *Sealer {
	t.Helper()
	s, err := OpenSealer(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var plain = []byte("order of 山田　太郎 " + canary)

func TestSealedOpensAfterARestart(t *testing.T) {
	dir := t.TempDir()
	sealed, err := sealer(t, dir).Seal("j1", plain)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte(canary)) || bytes.Contains(sealed, []byte("山田")) {
		t.Error("sealed data show the plain text")
	}
	got, err := sealer(t, dir).Open("j1", sealed)
	if err != nil || !bytes.Equal(got, plain) {
		t.Errorf("does not open: %v", err)
	}
	again, err := sealer(t, dir).Seal("j1", plain)
	if err != nil || bytes.Equal(again, sealed) {
		t.Errorf("the same twice is sealed alike (%v)", err)
	}
	info, err := os.Stat(filepath.Join(dir, keyName))
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != sizeKey {
		t.Errorf("the key file is %v (%v)", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestEmptyDataAreSealedToo(t *testing.T) {
	s := sealer(t, t.TempDir())
	sealed, err := s.Seal("j1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Open("j1", sealed); err != nil || len(got) != 0 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestWhatWasChangedDoesNotOpen(t *testing.T) {
	s := sealer(t, t.TempDir())
	sealed, err := s.Seal("j1", plain)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name, job string, with *Sealer, b []byte) {
		t.Helper()
		got, err := with.Open(job, b)
		if !errors.Is(err, ErrSealed) || got != nil {
			t.Errorf("%s: opened (%v)", name, err)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%s: the error shows the plain text", name)
		}
	}
	for bit := range 8 * len(sealed) {
		b := bytes.Clone(sealed)
		b[bit/8] ^= 1 << (bit % 8)
		refused(fmt.Sprintf("bit %d", bit), "j1", s, b)
	}
	for n := range len(sealed) {
		refused(fmt.Sprintf("%d bytes", n), "j1", s, sealed[:n])
	}
	refused("a byte more", "j1", s, append(bytes.Clone(sealed), 0))
	refused("another job", "j2", s, sealed)
	refused("no job", "", s, sealed)
	refused("another key", "j1", sealer(t, t.TempDir()), sealed)
}

func TestTooMuchIsNotSealed(t *testing.T) {
	_, err := sealer(t, t.TempDir()).Seal("j1", make([]byte, sizePlainMax+1))
	if err == nil || !strings.HasPrefix(err.Error(), "cannot seal data of job j1") {
		t.Errorf("got %v", err)
	}
}

func TestAKeyFileThatIsNotRightIsRefused(t *testing.T) {
	key := bytes.Repeat([]byte{7}, sizeKey)
	rows := []struct {
		name, says string
		make       func(path string) error
	}{
		{"readable by others", "chmod 600", func(p string) error {
			return errors.Join(os.WriteFile(p, key, 0o600), os.Chmod(p, 0o640))
		}},
		{"short", "31 bytes", func(p string) error { return os.WriteFile(p, key[1:], 0o600) }},
		{"empty", "0 bytes", func(p string) error { return os.WriteFile(p, nil, 0o600) }},
		{"zeros", "holds no key", func(p string) error { return os.WriteFile(p, make([]byte, sizeKey), 0o600) }},
		{"a link", "not a regular file", func(p string) error {
			return errors.Join(os.WriteFile(p+"2", key, 0o600), os.Symlink(p+"2", p))
		}},
		{"a folder", "not a regular file", func(p string) error { return os.Mkdir(p, 0o700) }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := row.make(filepath.Join(dir, keyName)); err != nil {
				t.Fatal(err)
			}
			_, err := OpenSealer(dir)
			if err == nil || !strings.HasPrefix(err.Error(), "cannot use vault key") || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := OpenSealer(filepath.Join(t.TempDir(), "absent")); err == nil || !strings.HasPrefix(err.Error(), "cannot make vault key") {
		t.Errorf("in an absent folder: %v", err)
	}
}

// TestOneKeyWhoeverIsFirst starts many at once: all must end with the same key.
func TestOneKeyWhoeverIsFirst(t *testing.T) {
	dir := t.TempDir()
	sealers := make([]*Sealer, 8)
	var wg sync.WaitGroup
	for i := range sealers {
		wg.Go(func() {
			s, err := OpenSealer(dir)
			if err != nil {
				t.Error(err)
			}
			sealers[i] = s
		})
	}
	wg.Wait()
	sealed, err := sealers[0].Seal("j1", plain)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range sealers {
		if _, err := s.Open("j1", sealed); err != nil {
			t.Errorf("sealer %d has another key", i)
		}
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	s := sealer(f, dir)
	good, err := s.Seal("j1", plain)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{formSealed})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := s.Open("j1", b)
		if (err == nil) != bytes.Equal(b, good) || err == nil && !bytes.Equal(got, plain) {
			t.Errorf("opened forged data (%v)", err)
		}
	})
}

// TestAMarkKnowsTheSameBytesAgain, under the same key alone.
func TestAMarkKnowsTheSameBytesAgain(t *testing.T) {
	dir := t.TempDir()
	open := func(dir string) *Sealer {
		s, err := OpenSealer(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s, other := open(dir), open(t.TempDir())
	mark := s.Mark([]byte("order"))
	if mark != open(dir).Mark([]byte("order")) || mark == s.Mark([]byte("order ")) || len(mark) != 72 {
		t.Errorf("the mark is %s", mark)
	}
	if foreign := other.Mark([]byte("order")); SameKey(mark, foreign) || foreign == mark || !SameKey(mark, s.Mark(nil)) || SameKey("", "") {
		t.Error("marks of different keys are taken for one key's, or the same key's are not")
	}
}
