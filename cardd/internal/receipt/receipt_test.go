package receipt

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func statement() Statement {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	return Statement{
		Version: 1, Job: "job-1", Order: "LAB-1", Card: "0400000012719843", Profile: "mynumber-1", Product: "standard",
		Station: "window 1", Software: "cardd test", Started: at, Finished: at.Add(time.Minute),
		Plans: []string{"ab"}, Steps: []Step{{ID: "lock domain", At: at}}, Journal: "cd",
		Certificates: []Certificate{{On: "jpki/sign-cert", Serial: "01", SHA256: "ef"}},
		Choices:      []Choice{{Field: "name", Place: 1, By: "係員 07", At: at}},
	}
}

func TestReceiptSurvivesTheKeysReopening(t *testing.T) {
	dir := t.TempDir()
	first, err := OpenSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := first.Sign(statement())
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Verify(b, again.Public())
	if err != nil {
		t.Fatal(err)
	}
	if got.Card != "0400000012719843" || len(got.Steps) != 1 || !got.Steps[0].At.Equal(statement().Steps[0].At) {
		t.Errorf("statement came back as %+v", got)
	}
	if info, err := os.Stat(filepath.Join(dir, "receipt.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key's mode is %v, %v", info.Mode(), err)
	}
}

func TestEveryChangedByteIsNoticed(t *testing.T) {
	s, err := OpenSigner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Sign(statement())
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		changed := bytes.Clone(b)
		changed[i] ^= 0x01
		if _, err := Verify(changed, s.Public()); err == nil {
			t.Errorf("a receipt with byte %d changed was taken", i)
		}
	}
}

func TestAnotherStationsKeyIsNamed(t *testing.T) {
	one, err := OpenSigner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	other, err := OpenSigner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := one.Sign(statement())
	if err != nil {
		t.Fatal(err)
	}
	_, err = Verify(b, other.Public())
	if err == nil || !strings.Contains(err.Error(), "--key") {
		t.Errorf("error is %v, it should name the remedy", err)
	}
}

func TestDamagedKeysAreRefused(t *testing.T) {
	other := t.TempDir()
	if _, err := OpenSigner(other); err != nil {
		t.Fatal(err)
	}
	foreign := func(name string) func(path string) error {
		return func(path string) error {
			b, err := os.ReadFile(filepath.Join(other, name))
			if err != nil {
				return err
			}
			return os.WriteFile(path, b, 0o600)
		}
	}
	write := func(text string) func(path string) error {
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	cut := func(path string) error { return os.Truncate(path, 100) }
	for _, row := range []struct {
		name, file string
		damage     func(path string) error
		says       string
	}{
		{"nonsense", keyFile, write("nonsense"), "it is not PEM"},
		{"empty", keyFile, write(""), "it is not PEM"},
		{"cut off", keyFile, cut, "it is not PEM"},
		{"PEM of nothing", keyFile, write("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "it is not a P-256 key"},
		{"another station's", keyFile, foreign(keyFile), "is not its public half"},
		{"gone", keyFile, os.Remove, "is missing though receipt.pub is there"},
		{"public half of another station", PublicFile, foreign(PublicFile), "is not its public half"},
		{"public half cut off", PublicFile, cut, "is not its public half"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := OpenSigner(dir); err != nil {
				t.Fatal(err)
			}
			if err := row.damage(filepath.Join(dir, row.file)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := OpenSigner(dir); err == nil || !strings.Contains(err.Error(), row.says) {
					t.Errorf("got %v, want %q", err, row.says)
				}
			}
		})
	}
}

// TestThePublicHalfIsMadeAgain: a making that was interrupted between the two, or a
// public half that somebody moved instead of copying it.
func TestThePublicHalfIsMadeAgain(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, PublicFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSigner(dir); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, PublicFile)); err != nil || !bytes.Equal(b, s.Public()) {
		t.Errorf("the public half is %q, %v", b, err)
	}
}

func FuzzVerify(f *testing.F) {
	s, err := OpenSigner(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	b, err := s.Sign(statement())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		if st, err := Verify(in, s.Public()); err == nil && !bytes.Equal(in, b) && st.Job != "job-1" {
			t.Errorf("a forged receipt was taken: %+v", st)
		}
	})
}
