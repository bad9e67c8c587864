package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// plainly signs as a card with a key on P-384 does: r and s, 48 bytes each.
func plainly(k *ecdsa.PrivateKey) func([]byte) ([]byte, error) {
	return func(digest []byte) ([]byte, error) {
		r, s, err := ecdsa.Sign(rand.Reader, k, digest)
		if err != nil {
			return nil, err
		}
		out := make([]byte, 96)
		r.FillBytes(out[:48])
		s.FillBytes(out[48:])
		return out, nil
	}
}

func TestProve(t *testing.T) {
	var ec [2]*ecdsa.PrivateKey
	for i := range ec {
		var err error
		if ec[i], err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	rsa, other := pkitest.NewCard(t, 0), pkitest.NewCard(t, 1)
	gone := errors.New("the card is gone")
	for _, row := range []struct {
		name string
		pub  crypto.PublicKey
		sign func([]byte) ([]byte, error)
		want error
	}{
		{"RSA", &rsa.PublicKey, rsa.Sign, nil},
		{"RSA, another key", &rsa.PublicKey, other.Sign, pki.ErrProof},
		{"RSA, no signature", &rsa.PublicKey, func([]byte) ([]byte, error) { return nil, nil }, pki.ErrProof},
		{"P-384", &ec[0].PublicKey, plainly(ec[0]), nil},
		{"P-384, another key", &ec[0].PublicKey, plainly(ec[1]), pki.ErrProof},
		{"P-384, a short signature", &ec[0].PublicKey, func([]byte) ([]byte, error) { return make([]byte, 95), nil }, pki.ErrProof},
		{"P-384, all zero", &ec[0].PublicKey, func([]byte) ([]byte, error) { return make([]byte, 96), nil }, pki.ErrProof},
		{"the card is gone", &ec[0].PublicKey, func([]byte) ([]byte, error) { return nil, gone }, gone},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := pki.Prove(row.pub, row.sign); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
	if err := pki.Prove(nil, nil); err == nil {
		t.Error("no key is proven")
	}
}
