package softca

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/highwater"
	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// used is a directory in which two certificates were issued, one was revoked, and a
// serial number is reserved.
func used(t *testing.T) string {
	t.Helper()
	dir := newDir(t)
	a := open(t, dir)
	for i, id := range []string{"job-1", "job-2"} {
		cert, err := a.Certify(t.Context(), pkitest.Request(t, id, pki.Authentication, pkitest.NewCard(t, i), today))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := a.Revoke(t.Context(), cert.SerialNumber, pki.Unspecified); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := pkitest.Request(t, "job-3", pki.Signature, pkitest.NewCard(t, 0), today)
	if _, err := a.store.reserve(t.Context(), r.ID, r.Purpose, fingerprint(t, r), a.serial); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func tamper(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, databaseName))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestAChangedRowIsNoticed: each column by which a request is known again.
func TestAChangedRowIsNoticed(t *testing.T) {
	for _, row := range []struct{ name, statement, says string }{
		{"the ID", "UPDATE certificate SET id = 'job-9' WHERE id = 'job-2'", `request "job-9"`},
		{"the key", "UPDATE certificate SET key = zeroblob(32) WHERE id = 'job-2'", "not what was issued under it"},
		{"the length of a key", "UPDATE certificate SET key = x'00' WHERE id = 'job-3'", "not what was issued under it"},
		{"the serial number", "UPDATE certificate SET serial = '4000000000000001' WHERE id = 'job-2'", "not what was issued under it"},
		{"a serial number that is none", "UPDATE certificate SET serial = 'x' WHERE id = 'job-3'", "not what was issued under it"},
		{"the purpose", "UPDATE certificate SET purpose = 'signature' WHERE id = 'job-2'", "not what was issued under it"},
		{"a purpose that is none", "UPDATE certificate SET purpose = 'x' WHERE id = 'job-3'", "not what was issued under it"},
		{"the certificate", "UPDATE certificate SET der = zeroblob(2000) WHERE id = 'job-2'", "does not open"},
		{"the certificate of another", "UPDATE certificate SET der = (SELECT der FROM certificate WHERE id = 'job-1') WHERE id = 'job-2'", "does not open"},
		{"the CA's certificate", "UPDATE own SET der = (SELECT der FROM own WHERE name = 'authentication-ca') WHERE name = 'signature-ca'", "does not fit"},
		{"the count", "UPDATE written SET n = n - 1", "does not hold what it had taken"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := used(t)
			tamper(t, dir, row.statement)
			if _, err := Open(dir, options()); err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v, want %q", err, row.says)
			}
		})
	}
}

// TestAnAuthorityThatForgotIsRefused: what it forgot would be issued a second time.
func TestAnAuthorityThatForgotIsRefused(t *testing.T) {
	file := func(dir string) string { return filepath.Join(dir, databaseName) }
	for _, row := range []struct {
		name   string
		damage func(dir string) error
		says   string
	}{
		{"the database is gone", func(dir string) error { return os.Remove(file(dir)) }, "the file is gone"},
		{"the database is empty", func(dir string) error { return os.Truncate(file(dir), 0) }, "0 transactions are in it"},
		{"it is cut off", func(dir string) error { return os.Truncate(file(dir), 4096*3) }, "malformed"},
		{"the mark is damaged", func(dir string) error { return os.Truncate(file(dir)+highwater.Suffix, 5) }, "its mark is damaged"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := used(t)
			if err := row.damage(dir); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := Open(dir, options()); err == nil || !strings.Contains(err.Error(), row.says) {
					t.Errorf("got %v, want %q", err, row.says)
				}
			}
		})
	}
}

// TestAnAuthorityOfBeforeTheCount goes on, and counts from then on.
func TestAnAuthorityOfBeforeTheCount(t *testing.T) {
	dir := used(t)
	tamper(t, dir, "DROP TABLE written")
	tamper(t, dir, "PRAGMA user_version = 1")
	if err := os.Remove(filepath.Join(dir, databaseName+highwater.Suffix)); err != nil {
		t.Fatal(err)
	}
	a := open(t, dir)
	listed, err := a.Certificates(t.Context())
	if err != nil || len(listed) != 3 {
		t.Fatalf("%d certificates, %v", len(listed), err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, databaseName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, options()); !errors.Is(err, highwater.ErrLost) {
		t.Errorf("got %v, want %v", err, highwater.ErrLost)
	}
}
