package softca

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// hidden is a key store whose keys cannot be seen.
type hidden struct {
	keys  map[string]crypto.Signer
	other crypto.Signer // what is made in place of RSA-2048
}

var keysMade = hidden{keys: map[string]crypto.Signer{}}

type hiddenKey struct{ key crypto.Signer }

func (h hiddenKey) Public() crypto.PublicKey { return h.key.Public() }

func (h hiddenKey) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return h.key.Sign(r, digest, o)
}

func (h *hidden) Signer(_ context.Context, name string) (crypto.Signer, error) {
	if k, ok := h.keys[name]; ok {
		return hiddenKey{k}, nil
	}
	return nil, fs.ErrNotExist
}

func (h *hidden) GenerateSigner(ctx context.Context, name string, a pki.Algorithm) (crypto.Signer, error) {
	made := string(a) + name // each is made once for all tests
	key, ok := keysMade.keys[made]
	if !ok {
		var err error
		if key, err = generate(a); err != nil {
			return nil, err
		}
		keysMade.keys[made] = key
	}
	h.keys[name] = key
	if h.other != nil {
		h.keys[name] = h.other
	}
	return h.Signer(ctx, name)
}

// TestKeysElsewhere: certificates, lists, seals and the sealed register with keys that
// the authority cannot see, twice opened.
func TestKeysElsewhere(t *testing.T) {
	dir, keys := t.TempDir(), &hidden{keys: map[string]crypto.Signer{}}
	open := func() *Authority {
		a, err := Open(dir, Options{Keys: keys, Now: func() time.Time { return today }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = a.Close() })
		return a
	}
	a := open()
	r := pkitest.Request(t, "one", pki.Signature, pkitest.NewCard(t, 0), today)
	cert, err := a.Certify(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(keys.keys) != 6 {
		t.Errorf("%d keys were made", len(keys.keys))
	}
	if files, _ := filepath.Glob(dir + "/*" + keyFile); len(files) != 0 {
		t.Errorf("keys stand in files: %v", files)
	}
	again, err := open().Certify(t.Context(), r) // the register opens: it is the same certificate
	if err != nil || !again.Equal(cert) {
		t.Errorf("%v", err)
	}
	if l := readCRL(t, a, pki.Authentication); l.Number.Int64() != 1 {
		t.Errorf("%+v", l)
	}
	sealed, err := a.Seal(t.Context(), pki.SurfaceAP, []byte("a DigestInfo as it stands"))
	root := keys.keys[string(pki.SurfaceAP)+"-seal"].Public().(*rsa.PublicKey)
	if err != nil || rsa.VerifyPKCS1v15(root, 0, []byte("a DigestInfo as it stands"), sealed) != nil {
		t.Errorf("%v", err)
	}
}

func TestKeysElsewhereAreRefused(t *testing.T) {
	weak, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.TempDir(), Options{Keys: &hidden{keys: map[string]crypto.Signer{}, other: weak}}); err == nil || !strings.Contains(err.Error(), "want RSA-2048") {
		t.Errorf("%v", err)
	}
	dir, keys := t.TempDir(), &hidden{keys: map[string]crypto.Signer{}}
	a, err := Open(dir, Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	delete(keys.keys, "signature-ca")
	if _, err := Open(dir, Options{Keys: keys}); err == nil || !strings.Contains(err.Error(), "is missing though certificates of it exist") {
		t.Errorf("a lost key: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "signature-ca"+keyFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Keys: keys}); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key in two places: %v", err)
	}
}
