package keystore

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"

	"jukicard/apdu/secret"
)

// GenerateSigner implements Signers.
func (f *File) GenerateSigner(ctx context.Context, label string, a Algorithm) (crypto.Signer, error) {
	id := ID{Use: Signing, Label: label}
	if err := id.Check(); err != nil {
		return nil, err
	}
	der, err := newPrivateKey(a)
	if err != nil {
		return nil, err
	}
	key := secret.New(der)
	clear(der)
	if _, err := f.add(ctx, id, key); err != nil {
		return nil, err
	}
	return f.Signer(ctx, label)
}

// newPrivateKey is PKCS #8 of a new key. The caller clears it.
func newPrivateKey(a Algorithm) ([]byte, error) {
	var key any
	var err error
	switch a {
	case RSA2048:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case P384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		return nil, fmt.Errorf("cannot make signing key: %q is neither %s nor %s", a, RSA2048, P384)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot make signing key: %w", err)
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// Signer implements Signers.
func (f *File) Signer(ctx context.Context, label string) (s crypto.Signer, err error) {
	id := ID{Use: Signing, Label: label}
	err = f.lend(ctx, "find "+id.String(), id, func(e entry) error {
		k, err := e.signer()
		if err == nil {
			k.store, s = f, k
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// signer parses a signing key.
func (e entry) signer() (*fileSigner, error) {
	var key any
	err := e.key.Lend(func(der []byte) (err error) {
		key, err = x509.ParsePKCS8PrivateKey(der)
		return err
	})
	held, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, fmt.Errorf("cannot use %v: the file does not hold one", e.ID) // the cause is left out: it may quote the key
	}
	return &fileSigner{id: e.ID, open: func() crypto.Signer { return held }, public: held.Public()}, nil
}

// fileSigner hides the private key behind a closure, out of reach of fmt. It signs as
// long as its store is open and holds the key.
type fileSigner struct {
	store  *File
	id     ID
	open   func() crypto.Signer
	public crypto.PublicKey
}

// Public implements crypto.Signer.
func (s *fileSigner) Public() crypto.PublicKey { return s.public }

// Sign implements crypto.Signer.
func (s *fileSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := checkSign(s.public, digest, opts); err != nil {
		return nil, err
	}
	err := s.store.lend(context.Background(), "sign with "+s.id.String(), s.id, func(entry) error { return nil })
	if err != nil {
		return nil, err
	}
	return s.open().Sign(random, digest, opts)
}

// checkSign refuses what not every store does.
func checkSign(public crypto.PublicKey, digest []byte, opts crypto.SignerOpts) error {
	h := opts.HashFunc()
	if _, pss := opts.(*rsa.PSSOptions); pss {
		return fmt.Errorf("cannot sign: PSS is not offered, PKCS #1 v1.5 is")
	}
	if h != 0 && len(digest) != h.Size() {
		return fmt.Errorf("cannot sign: a digest of %d bytes, %v has %d", len(digest), h, h.Size())
	}
	if _, ok := public.(*rsa.PublicKey); ok && (len(digest) == 0 || len(digest) > 2048/8-11) { // RFC 8017, 9.2
		return fmt.Errorf("cannot sign %d bytes with RSA-2048", len(digest))
	}
	return nil
}

// bitsOf is the size of a public key.
func bitsOf(public crypto.PublicKey) int {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen()
	case *ecdsa.PublicKey:
		return k.Params().BitSize
	}
	return 0
}
