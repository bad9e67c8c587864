package pki

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
)

// Sizes in bytes of the card-verifiable certificate (card fact sheet, 2.2).
const (
	CVCertificateLen   = 568 // the whole object 7F21, the size of EF 0004
	PublicKeyObjectLen = 265 // 90 03 010001 91 82 0100 n
	keyIDLen           = 16
	cvBodyLen          = 2*keyIDLen + PublicKeyObjectLen // 297, value of 5F4E
)

// Fixed bytes of the card-verifiable certificate: tags and BER lengths (ISO/IEC
// 7816-8:2021, annex on certificate encoding, gives 7F21, 5F4E and 5F37).
var (
	cvHead      = []byte{0x7F, 0x21, 0x82, 0x02, 0x33, 0x5F, 0x4E, 0x82, 0x01, 0x29}
	cvSignature = []byte{0x5F, 0x37, 0x82, 0x01, 0x00}
	exponentTLV = []byte{0x90, 0x03, 0x01, 0x00, 0x01}
	modulusHead = []byte{0x91, 0x82, 0x01, 0x00}
)

// KeyID is the 証明者鍵ID naming a key of the 券面 hierarchy: 7 ASCII digits, 08 05,
// 3 ASCII digits, 3 zero bytes and one byte that is zero for the keys of the two
// applications (card fact sheet, 2.2).
type KeyID [keyIDLen]byte

// NewKeyID builds an identifier such as 6000023/001 from its two decimal parts.
func NewKeyID(id, version string) (KeyID, error) {
	var k KeyID
	if !made(id, 7, digits) || !made(version, 3, digits) {
		return k, errors.New("cannot build a key id: want 7 digits and 3 digits")
	}
	copy(k[:], id)
	k[7], k[8] = 0x08, 0x05
	copy(k[9:], version)
	return k, nil
}

// String is the printed form 6000023/001, or the bytes in hexadecimal when the
// identifier is of another form.
func (k KeyID) String() string {
	id, version := string(k[:7]), string(k[9:12])
	if made(id, 7, digits) && made(version, 3, digits) && k[7] == 0x08 && k[8] == 0x05 {
		return id + "/" + version
	}
	return fmt.Sprintf("%X", k[:])
}

// CVCertificate is the card-verifiable certificate of EF 0004: the issuer's key
// certifies the key that seals the face data. It names its issuer and does not
// carry the issuer's key.
type CVCertificate struct {
	Issuer    KeyID
	Subject   KeyID
	PublicKey *rsa.PublicKey
	body      []byte // the 297 bytes that are signed
	signature []byte // 256 bytes
}

// NewCVCertificate has issuer's key certify pub: 568 bytes for EF 0004. The key
// must be RSA-2048, sign PKCS #1 v1.5 and may live in hardware.
func NewCVCertificate(issuer KeyID, key crypto.Signer, subject KeyID, pub *rsa.PublicKey) ([]byte, error) {
	object, err := PublicKeyObject(pub)
	if err != nil {
		return nil, fmt.Errorf("cannot build a card-verifiable certificate: %v", err)
	}
	body := bytes.Join([][]byte{issuer[:], subject[:], object}, nil)
	digest := sha256.Sum256(body)
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("cannot sign a card-verifiable certificate: %w", err)
	}
	if len(signature) != keyBytes {
		return nil, fmt.Errorf("cannot sign a card-verifiable certificate: want a signature of %d bytes, got %d", keyBytes, len(signature))
	}
	return bytes.Join([][]byte{cvHead, body, cvSignature, signature}, nil), nil
}

// ParseCVCertificate takes the content of EF 0004 apart: exactly 568 bytes in the
// one layout known (card fact sheet, 2.2). It does not verify the signature.
func ParseCVCertificate(b []byte) (*CVCertificate, error) {
	if len(b) != CVCertificateLen {
		return nil, fmt.Errorf("cannot parse card-verifiable certificate: want %d bytes, got %d", CVCertificateLen, len(b))
	}
	rest, ok := bytes.CutPrefix(b, cvHead)
	if !ok {
		return nil, errors.New("cannot parse card-verifiable certificate: want 7F21 820233 5F4E 820129 at the start")
	}
	body := rest[:cvBodyLen]
	signature, ok := bytes.CutPrefix(rest[cvBodyLen:], cvSignature)
	if !ok {
		return nil, errors.New("cannot parse card-verifiable certificate: want 5F37 820100 after the body")
	}
	pub, err := ParsePublicKeyObject(body[2*keyIDLen:])
	if err != nil {
		return nil, fmt.Errorf("cannot parse card-verifiable certificate: %v", err)
	}
	return &CVCertificate{
		Issuer:    KeyID(body[:keyIDLen]),
		Subject:   KeyID(body[keyIDLen : 2*keyIDLen]),
		PublicKey: pub,
		body:      bytes.Clone(body),
		signature: bytes.Clone(signature),
	}, nil
}

// VerifyCV checks the certificate's signature under the issuer's key, which the
// caller finds by c.Issuer among the keys it trusts.
func VerifyCV(c *CVCertificate, issuer *rsa.PublicKey) error {
	if err := checkKey(issuer); err != nil {
		return fmt.Errorf("cannot verify card-verifiable certificate: issuer key: %v", err)
	}
	digest := sha256.Sum256(c.body)
	if rsa.VerifyPKCS1v15(issuer, crypto.SHA256, digest[:], c.signature) != nil {
		return fmt.Errorf("cannot verify card-verifiable certificate %v: its signature is not by the key given for %v", c.Subject, c.Issuer)
	}
	return nil
}

// PublicKeyObject is a public key as the 券面 applications write it: 265 bytes
// 90 03 010001 91 82 0100 n (card fact sheet, 2.2).
func PublicKeyObject(pub *rsa.PublicKey) ([]byte, error) {
	if err := checkKey(pub); err != nil {
		return nil, fmt.Errorf("cannot write a public key object: %v", err)
	}
	out := make([]byte, PublicKeyObjectLen)
	n := copy(out, exponentTLV)
	n += copy(out[n:], modulusHead)
	pub.N.FillBytes(out[n:])
	return out, nil
}

// ParsePublicKeyObject reads what PublicKeyObject writes, and nothing else.
func ParsePublicKeyObject(b []byte) (*rsa.PublicKey, error) {
	rest, ok := bytes.CutPrefix(b, append(bytes.Clone(exponentTLV), modulusHead...))
	if !ok || len(rest) != keyBytes {
		return nil, fmt.Errorf("cannot parse public key object: want 90 03 010001 91 820100 and %d bytes", keyBytes)
	}
	pub := &rsa.PublicKey{N: new(big.Int).SetBytes(rest), E: keyExponent}
	if err := checkKey(pub); err != nil {
		return nil, fmt.Errorf("cannot parse public key object: %v", err)
	}
	return pub, nil
}
