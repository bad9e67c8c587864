package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
)

// Prove has whoever holds the private half of pub sign something new, and checks that it
// did. sign is called once, with what NewCSR would have it sign, and must give what NewCSR
// wants. ErrProof says that another key signed, or none; an error of sign is wrapped.
func Prove(pub crypto.PublicKey, sign func(data []byte) ([]byte, error)) error {
	fresh := make([]byte, sha512.Size384)
	_, _ = rand.Read(fresh) // crypto/rand ends the program rather than fail
	err := errors.New("want an RSA key or one on P-384")
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		err = proveRSA(pub, fresh[:sha256.Size], sign)
	case *ecdsa.PublicKey:
		err = proveEC(pub, fresh, sign)
	}
	if err != nil {
		return fmt.Errorf("cannot prove the key: %w", err)
	}
	return nil
}

func proveRSA(pub *rsa.PublicKey, digest []byte, sign func([]byte) ([]byte, error)) error {
	signature, err := sign(DigestInfoSHA256(digest))
	if err != nil {
		return err
	}
	if rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest, signature) != nil {
		return ErrProof
	}
	return nil
}

func proveEC(pub *ecdsa.PublicKey, digest []byte, sign func([]byte) ([]byte, error)) error {
	plain, err := sign(digest)
	if err != nil {
		return err
	}
	signature, err := rawSignature(plain)
	if err == nil && !ecdsa.VerifyASN1(pub, digest, signature) {
		err = ErrProof
	}
	return err
}
