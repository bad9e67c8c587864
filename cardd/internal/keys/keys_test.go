package keys

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/apdu/scp03"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/pki/keystore"
)

// files are a credential, a passphrase and a place for the store.
func files(t *testing.T) (byCredential, byPassphrase config.GP) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	byCredential = config.GP{KeyStore: config.KeysFile, File: config.GPFile{Path: filepath.Join(dir, "a"), Credential: write("credential", bytes.Repeat([]byte{1}, 32))}}
	byPassphrase = config.GP{KeyStore: config.KeysFile, File: config.GPFile{Path: filepath.Join(dir, "b"), PassphraseFile: write("passphrase", []byte("several words in a row\n"))}}
	return byCredential, byPassphrase
}

func TestOpen(t *testing.T) {
	a, b := files(t)
	for name, g := range map[string]config.GP{"by credential": a, "by passphrase": b} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(g, t.TempDir()); failure.CodeOf(err) != failure.KeysAbsent {
				t.Errorf("nothing is there: %v", err)
			}
			s, err := Create(g, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			made, err := s.(keystore.Keeper).Generate(t.Context(), keystore.ID{Use: keystore.Master, Version: 0x30, Label: "a"}, 32)
			if err := errors.Join(err, s.Close()); err != nil {
				t.Fatal(err)
			}
			for _, open := range []func(config.GP, string) (keystore.Store, error){Open, Create} { // what is there is opened, not made
				s, err := open(g, t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				if list, err := s.List(t.Context()); err != nil || len(list) != 1 || list[0] != made {
					t.Errorf("%v, %v", list, err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wrong := a
	wrong.File.Path = b.File.Path
	if s, err := Open(wrong, t.TempDir()); failure.CodeOf(err) != failure.KeysUnlock || s != nil {
		t.Errorf("%v", err)
	}
	if _, err := Open(config.GP{KeyStore: config.KeysNone}, t.TempDir()); failure.CodeOf(err) != failure.KeysAbsent {
		t.Errorf("%v", err)
	}
}

func TestOpenModuleThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	pin := filepath.Join(dir, "pin")
	if err := os.WriteFile(pin, []byte("314159\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := config.GP{KeyStore: config.KeysPKCS11, PKCS11: config.GPPKCS11{Module: filepath.Join(dir, "none.so"), Token: "cards", PINFile: pin}}
	for _, open := range []func(config.GP, string) (keystore.Store, error){Open, Create} {
		s, err := open(g, t.TempDir())
		if code := failure.CodeOf(err); code != failure.KeysAbsent && code != failure.KeysUnable || s != nil || strings.Contains(err.Error(), "314159") {
			t.Errorf("%v, %v", s, err) // KeysUnable without cgo
		}
	}
	g.PKCS11.PINFile = filepath.Join(dir, "nowhere")
	if _, err := Open(g, t.TempDir()); err == nil || !strings.Contains(err.Error(), "PIN") {
		t.Errorf("%v", err)
	}
}

func TestReadLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "line")
	for name, row := range map[string]struct {
		text string
		want int // bytes; -1: refused
	}{
		"a line": {"314159\n", 6}, "without an end": {"314159", 6}, "of Windows": {"314159\r\n", 6}, "spaces stay": {" 3 \n", 3},
		"two lines": {"314159\n271828\n", -1}, "two lines of a Macintosh": {"314159\r271828", -1},
		"empty": {"", -1}, "an end alone": {"\n", -1}, "long": {strings.Repeat("x", lineMax), -1},
	} {
		if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readLine(path)
		if (err != nil) != (row.want < 0) || err == nil && got.Len() != row.want {
			t.Errorf("%s: %d bytes, %v", name, got.Len(), err)
		}
	}
}

func TestEveryKindHasACode(t *testing.T) {
	seen := map[failure.Code]bool{}
	for _, c := range codes {
		err := Coded(fmt.Errorf("wrapped: %w", &keystore.Error{Kind: c.kind, Wanted: "do it"}))
		if failure.CodeOf(err) != c.code || !errors.Is(err, c.kind) || seen[c.code] {
			t.Errorf("%v: %v", c.kind, err)
		}
		if again := Coded(err); again != err {
			t.Errorf("%v was coded twice", c.kind)
		}
		seen[c.code] = true
	}
	if other := errors.New("x"); Coded(other) != other || Coded(nil) != nil {
		t.Error("what is no store's failure was changed")
	}
}

// TestFinder: a session's failures in the store have codes, whatever lies between.
func TestFinder(t *testing.T) {
	g, _ := files(t)
	s, err := Create(g, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	find := Finder(s)
	if k, err := find(t.Context(), 0x30, [10]byte{}); k != nil || failure.CodeOf(err) != failure.KeysNone {
		t.Errorf("%v, %v", k, err)
	}
	if _, err := s.(keystore.Keeper).Generate(t.Context(), keystore.ID{Use: keystore.Master, Version: 0x30, Label: "a"}, 16); err != nil {
		t.Fatal(err)
	}
	k, err := find(t.Context(), 0x30, [10]byte{})
	if err != nil || k.Size() != 16 {
		t.Fatalf("%v, %v", k, err)
	}
	if _, err := k.CMAC(t.Context(), scp03.ENC, []byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := k.Wrap(t.Context(), make([]byte, 16)); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := find(t.Context(), 0x30, [10]byte{}); failure.CodeOf(err) != failure.KeysGone {
		t.Errorf("%v", err)
	}
}
