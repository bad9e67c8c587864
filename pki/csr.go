package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
)

const (
	keyBits     = 2048  // every RSA key on the card (card fact sheet, 2.1)
	keyExponent = 65537 // 〃
	keyBytes    = keyBits / 8

	csrMax   = 4096 // ours; a request with an RSA-2048 key is about 630 bytes
	csrCNMax = 64   // RFC 5280, appendix A.1, ub-common-name
)

// NewCSR builds the PKCS #10 request (RFC 2986) for a key that never leaves the
// card: subject C=JP, CN=commonName. sign is called once with what the card signs. For
// RSA-2048, sha256WithRSAEncryption, that is a DigestInfo of 51 bytes, which the card
// pads, and sign must return 256 bytes. For P-384, ecdsa-with-SHA384, it is the digest of
// 48 bytes, and sign must return r and s, 48 bytes each; that form is ours, for nothing is
// public of how the next card answers. The signature is verified under pub before the
// request is returned, and ErrProof says that the card signed with another key. A key
// that CheckKey refuses is ErrWeakKey or of another form, and is not asked to sign.
// An error of sign is wrapped.
func NewCSR(pub crypto.PublicKey, commonName string, sign func(digest []byte) ([]byte, error)) ([]byte, error) {
	if err := strongKey(pub); err != nil {
		return nil, fmt.Errorf("cannot build a certificate request: %w", err)
	}
	if commonName == "" || len(commonName) > csrCNMax {
		return nil, fmt.Errorf("cannot build a certificate request: the common name must have 1 to %d bytes", csrCNMax)
	}
	template := &x509.CertificateRequest{
		RawSubject:         japan(attribute{oidCommonName, commonName}).der(),
		SignatureAlgorithm: signatureAlgorithm(pub),
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, cardSigner{pub, sign})
	if err == nil {
		return der, nil
	}
	var card *signError
	if errors.As(err, &card) {
		return nil, fmt.Errorf("cannot build a certificate request: card signature: %w", card.err)
	}
	return nil, fmt.Errorf("cannot build a certificate request: %v: %w", err, ErrProof)
}

// VerifyCSR parses a request and checks what an authority must: one DER object of
// at most 4096 bytes, a key that CheckKey takes, the signature algorithm that NewCSR
// writes for such a key, and a signature by the very key it names. Every refusal is an ErrProof.
func VerifyCSR(der []byte) (*x509.CertificateRequest, error) {
	csr, err := parseCSR(der)
	if err == nil {
		err = csr.CheckSignature()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot accept certificate request: %v: %w", err, ErrProof)
	}
	return csr, nil
}

func parseCSR(der []byte) (*x509.CertificateRequest, error) {
	if len(der) > csrMax {
		return nil, fmt.Errorf("want at most %d bytes, got %d", csrMax, len(der))
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, errors.New("not a PKCS #10 request in DER") // the cause may quote the content
	}
	if err := checkKey(csr.PublicKey); err != nil {
		return nil, err
	}
	if want := signatureAlgorithm(csr.PublicKey); csr.SignatureAlgorithm != want {
		return nil, fmt.Errorf("want %s, got %v", signatureWords(want), csr.SignatureAlgorithm)
	}
	return csr, strongKey(csr.PublicKey)
}

// cardSigner makes a card a crypto.Signer, so that the standard library builds
// the request.
type cardSigner struct {
	pub  crypto.PublicKey
	sign func(digest []byte) ([]byte, error)
}

// signError marks what went wrong at the card, through the standard library's wrapping.
type signError struct{ err error }

func (e *signError) Error() string { return e.err.Error() }

func (c cardSigner) Public() crypto.PublicKey { return c.pub }

func (c cardSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, ok := c.pub.(*ecdsa.PublicKey); ok {
		return c.signEC(digest)
	}
	if opts.HashFunc() != crypto.SHA256 {
		panic("internal error: the request template asks for SHA-256")
	}
	signature, err := c.sign(DigestInfoSHA256(digest))
	if err != nil {
		return nil, &signError{err}
	}
	if len(signature) != keyBytes {
		return nil, &signError{fmt.Errorf("want a signature of %d bytes, got %d: %w", keyBytes, len(signature), ErrProof)}
	}
	return signature, nil
}

func (c cardSigner) signEC(digest []byte) ([]byte, error) {
	plain, err := c.sign(digest)
	if err != nil {
		return nil, &signError{err}
	}
	signature, err := rawSignature(plain)
	if err != nil {
		return nil, &signError{err}
	}
	return signature, nil
}
