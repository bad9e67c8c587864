package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Algorithm is what kind of key a card makes.
type Algorithm string

// RSA2048 is that of every card today (card fact sheet, 2.1); P384, with SHA-384, that
// of the next one (card fact sheet, 8).
const (
	RSA2048 Algorithm = "RSA-2048"
	P384    Algorithm = "P-384"
)

// AlgorithmOf is the kind of a public key. A key that no card makes is an error; that it
// is a strong one is for [CheckKey] to say.
func AlgorithmOf(pub crypto.PublicKey) (Algorithm, error) {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return RSA2048, checkRSA(pub)
	case *ecdsa.PublicKey:
		return P384, checkEC(pub)
	}
	return "", errors.New("want an RSA key or one on P-384")
}

// checkKey holds a key against what cards make.
func checkKey(pub crypto.PublicKey) error {
	_, err := AlgorithmOf(pub)
	return err
}

func checkRSA(pub *rsa.PublicKey) error {
	if pub == nil || pub.N == nil || pub.N.Sign() <= 0 {
		return errors.New("want a public key, got none")
	}
	if pub.N.BitLen() != keyBits || pub.E != keyExponent {
		return fmt.Errorf("want RSA-%d with exponent %d, got RSA-%d with exponent %d", keyBits, keyExponent, pub.N.BitLen(), pub.E)
	}
	return nil
}

func checkEC(pub *ecdsa.PublicKey) error {
	if pub == nil || pub.Curve == nil {
		return errors.New("want a public key, got none")
	}
	if pub.Curve != elliptic.P384() {
		return fmt.Errorf("want a key on P-384, got one on %s", pub.Params().Name)
	}
	if _, err := pub.Bytes(); err != nil { // which says whether the point is on the curve
		return errors.New("want a point on P-384, got another")
	}
	return nil
}

// equalKeys says whether two public keys are the same.
func equalKeys(a, b crypto.PublicKey) bool {
	known, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && known.Equal(b)
}

// coordinate is the length of r and of s on P-384, in bytes.
const coordinate = 48

// signatureAlgorithm is what a key signs with: each with the hash of its strength.
func signatureAlgorithm(pub crypto.PublicKey) x509.SignatureAlgorithm {
	if _, ok := pub.(*ecdsa.PublicKey); ok {
		return x509.ECDSAWithSHA384
	}
	return x509.SHA256WithRSA
}

// signatureWords are RFC 5912's names of them.
func signatureWords(a x509.SignatureAlgorithm) string {
	if a == x509.ECDSAWithSHA384 {
		return "ecdsa-with-SHA384"
	}
	return "sha256WithRSAEncryption"
}

// algorithm is the kind of key a request is for.
func (r Request) algorithm() Algorithm {
	if r.Algorithm == "" {
		return RSA2048
	}
	return r.Algorithm
}

// keyID is the SHA-1 of the public key (RFC 5280, 4.2.1.2, method 1), as in the published
// CA certificates. It is a name, not a protection.
func keyID(pub crypto.PublicKey) []byte {
	var bits []byte
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		bits = x509.MarshalPKCS1PublicKey(pub)
	case *ecdsa.PublicKey:
		bits, _ = pub.Bytes() // it was checked to be a point
	}
	id := sha1.Sum(bits)
	return id[:]
}

// SubjectKeyID names a public key as the subject key identifier of its certificate does.
func SubjectKeyID(pub crypto.PublicKey) ([]byte, error) {
	if err := checkKey(pub); err != nil {
		return nil, fmt.Errorf("cannot name a key: %w", err)
	}
	return keyID(pub), nil
}

// rawSignature is r and s, 48 bytes each, as the DER of an ECDSA signature (RFC 3279,
// 2.2.3).
func rawSignature(plain []byte) ([]byte, error) {
	if len(plain) != 2*coordinate {
		return nil, fmt.Errorf("want a signature of %d bytes, got %d: %w", 2*coordinate, len(plain), ErrProof)
	}
	return encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1BigInt(new(big.Int).SetBytes(plain[:coordinate]))
			b.AddASN1BigInt(new(big.Int).SetBytes(plain[coordinate:]))
		})
	}), nil
}
