package softca

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// TestHoldersDataAreNotInTheFiles looks for a holder in everything the directory
// holds, with the database open and its log unmerged.
func TestHoldersDataAreNotInTheFiles(t *testing.T) {
	dir := newDir(t)
	a := open(t, dir)
	r := pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today)
	cert, err := a.Certify(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(cert.Raw, []byte(r.Holder.Name)) {
		t.Fatal("the certificate does not hold the name: there is nothing to look for")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 8 {
		t.Fatalf("files: %d, %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(r.Holder.Name)) || bytes.Contains(b, []byte(r.Holder.Address)) {
			t.Errorf("%s holds the holder's data", filepath.Base(name))
		}
	}
}

func TestRegisterOpensWhatItSealed(t *testing.T) {
	a, other := open(t, newDir(t)), freshRegister(t)
	r, der := a.store.register, []byte("certificate")
	sealed := r.seal("job-1", der)
	rows := []struct {
		name   string
		by     *register
		id     string
		sealed []byte
		want   []byte
		err    error
	}{
		{"the same row", r, "job-1", sealed, der, nil},
		{"a reserved serial", r, "job-1", nil, nil, nil},
		{"another row", r, "job-2", sealed, nil, errSealed},
		{"another authority", other, "job-1", sealed, nil, errSealed},
		{"changed", r, "job-1", append(bytes.Clone(sealed[:len(sealed)-1]), sealed[len(sealed)-1]^1), nil, errSealed},
		{"cut off", r, "job-1", sealed[:5], nil, errSealed},
		{"empty", r, "job-1", []byte{}, nil, errSealed},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, err := row.by.open(row.id, row.sealed)
			if !errors.Is(err, row.err) || !bytes.Equal(got, row.want) {
				t.Errorf("%q, %v; want %q, %v", got, err, row.want, row.err)
			}
		})
	}
	if bytes.Equal(sealed, r.seal("job-1", der)) {
		t.Error("the same certificate twice looks the same")
	}
}

// freshRegister is that of another authority.
func freshRegister(t *testing.T) *register {
	t.Helper()
	key, err := loadKey(made, "authentication-ca")
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRegister(key)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
