package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// The next card's key in a CSR: the card signs 48 bytes and gives back 96.
func TestNewCSROnP384(t *testing.T) {
	card, other := pkitest.NewNextCard(t, 0), pkitest.NewNextCard(t, 1)
	gone := errors.New("the card is gone")
	tests := []struct {
		name string
		sign func(digest []byte) ([]byte, error)
		want error
	}{
		{"its own key", func(digest []byte) ([]byte, error) {
			if len(digest) != 48 {
				t.Errorf("the card is given %d bytes", len(digest))
			}
			return card.Sign(digest)
		}, nil},
		{"another key", other.Sign, pki.ErrProof},
		{"DER instead of r and s", func(digest []byte) ([]byte, error) { return ecdsa.SignASN1(rand.Reader, card.PrivateKey, digest) }, pki.ErrProof},
		{"zeros", func([]byte) ([]byte, error) { return make([]byte, 96), nil }, pki.ErrProof},
		{"a card that is gone", func([]byte) ([]byte, error) { return nil, gone }, gone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			der, err := pki.NewCSR(card.Public(), "997794E9AGCIEG13221003A", tt.sign)
			if !errors.Is(err, tt.want) {
				t.Fatalf("want %v, got %v", tt.want, err)
			}
			if err != nil {
				return
			}
			csr, err := pki.VerifyCSR(der)
			if err != nil || !card.PublicKey.Equal(csr.PublicKey) {
				t.Errorf("the request does not verify: %v", err)
			}
			wants(t, openssl(t, "req", "-in", writePEM(t, "CERTIFICATE REQUEST", der), "-noout", "-text", "-verify"),
				"ecdsa-with-SHA384", "NIST CURVE: P-384")
		})
	}
}

// Both kinds of key under both kinds of CA, built, measured, signed and judged.
func TestNextCardCertificates(t *testing.T) {
	h := pki.Lab()
	cas := map[string]*x509.Certificate{"an RSA CA": newLab(t, h).cas[pki.Signature]}
	key := pkitest.NewNextCard(t, 2)
	template, err := h.CATemplate(pki.Signature, key.Public(), pki.StartOfDay(today), pki.EndOfDay(today.AddDate(10, 0, -1)))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1 << 40)
	cas["a P-384 CA"] = create(t, template, template, key.Public(), key.PrivateKey)
	if err := h.JudgeCA(cas["a P-384 CA"], pki.Signature, today); err != nil {
		t.Fatal(err)
	}
	signers := map[string]any{"an RSA CA": pkitest.NewCard(t, caKey).PrivateKey, "a P-384 CA": key.PrivateKey}
	for caName, ca := range cas {
		for cardName, card := range map[string]pkitest.Holder{"this card": pkitest.NewCard(t, 0), "the next card": pkitest.NewNextCard(t, 0)} {
			t.Run(cardName+" under "+caName, func(t *testing.T) {
				r := pkitest.Request(t, "job-1", pki.Signature, card, today)
				template, err := h.Template(r, ca)
				if err != nil {
					t.Fatal(err)
				}
				template.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 62)
				cert := create(t, template, ca, template.PublicKey, signers[caName])
				if err := h.Judge(cert, r, ca); err != nil {
					t.Error(err)
				}
				// An ECDSA signature is two integers, whose leading zeros fall away.
				if n, err := h.Size(r, ca); err != nil || n < len(cert.Raw)-4 || n > len(cert.Raw)+4 {
					t.Errorf("measured %d bytes, got %d, %v", n, len(cert.Raw), err)
				}
				r.Algorithm = map[pki.Algorithm]pki.Algorithm{pki.RSA2048: pki.P384, pki.P384: pki.RSA2048}[r.Algorithm]
				if _, err := h.Template(r, ca); err == nil || !strings.Contains(err.Error(), "key: must be of") {
					t.Errorf("a key of the other kind: got %v", err)
				}
			})
		}
	}
}

func create(t *testing.T, template, parent *x509.Certificate, pub, key any) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// What an issuer makes of the template alone is what was asked for.
func TestCertTemplateSaysAll(t *testing.T) {
	h := pki.Lab()
	for _, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		for name, card := range map[string]pkitest.Holder{"RSA": pkitest.NewCard(t, 0), "P-384": pkitest.NewNextCard(t, 0)} {
			t.Run(string(p)+" "+name, func(t *testing.T) {
				issuer := pkitest.NewIssuer(t, h, today)
				r := pkitest.Request(t, "job-1", p, card, today)
				for _, ca := range issuer.CAs() {
					der, err := h.CertTemplate(r, ca)
					if err != nil {
						continue // the CA of the other purpose
					}
					cert, err := issuer.Issue(der)
					if err != nil {
						t.Fatal(err)
					}
					if err := h.Judge(cert, r, ca); err != nil {
						t.Error(err)
					}
					if bytes.Contains(der, []byte(r.Holder.Name)) != (p == pki.Signature) {
						t.Error("the holder stands where it must not, or does not where it must")
					}
				}
				if len(issuer.Issued()) != 1 {
					t.Errorf("%d certificates", len(issuer.Issued()))
				}
			})
		}
	}
	r := pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today)
	r.CSR = flip(r.CSR, len(r.CSR)-1)
	if _, err := h.CertTemplate(r, newLab(t, h).cas[pki.Signature]); !errors.Is(err, pki.ErrProof) {
		t.Errorf("unproven: got %v", err)
	}
}
