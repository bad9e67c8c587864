package softca

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

func TestNewDirectory(t *testing.T) {
	dir := newDir(t)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := "authentication-ca.key authority.db authority.db.mark signature-ca.key surface-root.key surface-seal.key text-root.key text-seal.key"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("want %s, got %s", want, got)
	}
	for _, name := range append(names, "") {
		info, err := os.Stat(filepath.Join(made, name))
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q may be read by others: %v, %v", name, info.Mode(), err)
		}
	}
}

// The lab's CAs are of the size of the real ones, and live twice as long: see lifetimeCA.
func TestCA(t *testing.T) {
	a := open(t, newDir(t))
	for _, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		ca, err := a.CA(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if got := ca.NotBefore.Format(time.RFC3339) + " " + ca.NotAfter.Format(time.RFC3339); got != "2026-03-30T15:00:00Z 2046-03-30T14:59:59Z" {
			t.Errorf("%s: valid %s", p, got)
		}
		if n := len(ca.Raw); n < 1150 || n > 1350 {
			t.Errorf("%s: %d bytes", p, n)
		}
		if !strings.Contains(ca.Subject.String(), "JPKI-LAB") {
			t.Errorf("%s: subject %v is not plainly a lab", p, ca.Subject)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	key := func(name string) func(dir string) string {
		return func(dir string) string { return filepath.Join(dir, name+keyFile) }
	}
	write := func(content string) func(path string) error {
		return func(path string) error { return os.WriteFile(path, []byte(content), 0o600) }
	}
	copyOf := func(name string) func(path string) error {
		return func(path string) error {
			b, err := os.ReadFile(filepath.Join(made, name+keyFile))
			if err != nil {
				return err
			}
			return os.WriteFile(path, b, 0o600)
		}
	}
	tests := []struct {
		name string
		path func(dir string) string
		do   func(path string) error
		says string
	}{
		{"ca key gone", key("signature-ca"), os.Remove, "signature-ca: it is missing"},
		{"sealing key gone", key("text-seal"), os.Remove, "text-seal: it is missing"},
		{"root key gone", key("surface-root"), os.Remove, "surface-root: it is missing"},
		{"ca key of the other ca", key("signature-ca"), copyOf("authentication-ca"), "does not fit"},
		{"sealing key of the other application", key("text-seal"), copyOf("surface-seal"), "does not fit"},
		{"root key of the other application", key("text-root"), copyOf("surface-root"), "signature is not by the key"},
		{"key empty", key("signature-ca"), write(""), "want one PKCS #8"},
		{"key not PKCS #8", key("signature-ca"), write("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "want one PKCS #8"},
		{"key file endless", key("signature-ca"), write(strings.Repeat("x", keyMax+1)), "at most"},
		{"no database", func(dir string) string { return filepath.Join(dir, databaseName) }, write("this is no database, whatever its name may say"), "not a database"},
	}
	if runtime.GOOS != "windows" {
		open := func(path string) error { return os.Chmod(path, 0o640) }
		tests = append(tests, tests[0])
		tests[len(tests)-1].name, tests[len(tests)-1].do, tests[len(tests)-1].says = "key open to the group", open, "others may read it"
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := newDir(t)
			if err := tt.do(tt.path(dir)); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir, options())
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "cannot open authority") {
				t.Errorf("want %q, got %v", tt.says, err)
			}
		})
	}
}

func TestOpenRefusesAnotherHierarchy(t *testing.T) {
	opts := options()
	opts.Hierarchy = pki.Production()
	if _, err := Open(newDir(t), opts); err == nil || !strings.Contains(err.Error(), "another hierarchy") {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefusesALaterDatabase(t *testing.T) {
	dir := newDir(t)
	a := open(t, dir)
	if _, err := a.store.db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	if _, err := Open(dir, options()); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefusesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, options()); err == nil {
		t.Error("opened a file")
	}
}

// Two openings of one new directory, as by two processes, make one authority.
func TestOpenedAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "with space?and#signs", "ca")
	var (
		wg   sync.WaitGroup
		both [2]*Authority
		errs [2]error
	)
	for i := range both {
		wg.Go(func() { both[i], errs[i] = Open(dir, options()) })
	}
	wg.Wait()
	for i, a := range both {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		t.Cleanup(func() { _ = a.Close() })
	}
	for _, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		if !both[0].cas[p].cert.Equal(both[1].cas[p].cert) {
			t.Errorf("two %s CAs", p)
		}
	}
	for _, s := range []pki.Sealing{pki.TextAP, pki.SurfaceAP} {
		if !bytes.Equal(both[0].sealers[s].cert, both[1].sealers[s].cert) {
			t.Errorf("two %s sealers", s)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, databaseName)); err != nil {
		t.Errorf("the database is elsewhere: %v", err)
	}
	r := pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today)
	var ders [2][]byte
	for i, a := range both {
		wg.Go(func() {
			cert, err := a.Certify(t.Context(), r)
			if errs[i] = err; err == nil {
				ders[i] = cert.Raw
			}
		})
	}
	wg.Wait()
	if errs[0] != nil || errs[1] != nil || !bytes.Equal(ders[0], ders[1]) {
		t.Errorf("two certificates for one id: %v, %v", errs[0], errs[1])
	}
}

// A source that repeats itself must not make a serial number repeat.
func TestStuckSerialsAreRefused(t *testing.T) {
	a := open(t, newDir(t))
	card := pkitest.NewCard(t, 0)
	a.rand = repeating(0x11)
	first, err := a.Certify(t.Context(), pkitest.Request(t, "job-1", pki.Signature, card, today))
	if err != nil || first.SerialNumber.Text(16) != "5111111111111111" {
		t.Fatalf("got %v", err)
	}
	if _, err := a.Certify(t.Context(), pkitest.Request(t, "job-2", pki.Authentication, card, today)); err == nil || !strings.Contains(err.Error(), "random source is stuck") {
		t.Errorf("got %v", err)
	}
	own := a.cas[pki.Signature].cert.SerialNumber.Bytes()
	a.rand = bytes.NewReader(append(bytes.Clone(own), 1, 2, 3, 4, 5, 6, 7, 8))
	next, err := a.Certify(t.Context(), pkitest.Request(t, "job-2", pki.Signature, card, today))
	if err != nil || next.SerialNumber.Text(16) != "4102030405060708" {
		t.Errorf("the CA's own serial number: got %v, %v", next, err)
	}
	if _, err := a.Certify(t.Context(), pkitest.Request(t, "job-3", pki.Signature, card, today)); err == nil || !strings.Contains(err.Error(), "cannot draw") {
		t.Errorf("an exhausted source: got %v", err)
	}
}

// repeating is a source of one byte.
type repeating byte

func (r repeating) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(r)
	}
	return len(b), nil
}
