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

func TestDamagedKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "receipt.key"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSigner(dir); err == nil {
		t.Error("a damaged key file was taken")
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
