package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

func TestNewCSRSendsOneDigestInfo(t *testing.T) {
	card := pkitest.NewCard(t, 0)
	var sent [][]byte
	der, err := pki.NewCSR(&card.PublicKey, "997794E9AGCIEG13221003A", func(digestInfo []byte) ([]byte, error) {
		sent = append(sent, bytes.Clone(digestInfo))
		return card.Sign(digestInfo)
	})
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.VerifyCSR(der)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(csr.RawTBSCertificateRequest)
	// 51 bytes: RFC 8017, 9.2, note 1, for SHA-256.
	want := "3031300d060960864801650304020105000420" + hex.EncodeToString(digest[:])
	if len(sent) != 1 || hex.EncodeToString(sent[0]) != want {
		t.Errorf("want one DigestInfo %s, got %x", want, sent)
	}
	if subject := tlv("30", rdn(c, printable, "JP")+rdn(cn, utf8, "997794E9AGCIEG13221003A")); hex.EncodeToString(csr.RawSubject) != subject {
		t.Errorf("subject: got %x, want %s", csr.RawSubject, subject)
	}
}

func TestNewCSRRefuses(t *testing.T) {
	card, other := pkitest.NewCard(t, 0), pkitest.NewCard(t, 1)
	gone := errors.New("the card is gone")
	short := &rsa.PublicKey{N: card.N, E: 3}
	tests := []struct {
		name string
		pub  *rsa.PublicKey
		cn   string
		sign func([]byte) ([]byte, error)
		want error // nil: any
		says string
	}{
		{"signature of another key", &card.PublicKey, "X", other.Sign, pki.ErrProof, "invalid"},
		{"short signature", &card.PublicKey, "X", func([]byte) ([]byte, error) { return make([]byte, 255), nil }, pki.ErrProof, "256 bytes, got 255"},
		{"no signature", &card.PublicKey, "X", func([]byte) ([]byte, error) { return nil, nil }, pki.ErrProof, "got 0"},
		{"card error", &card.PublicKey, "X", func([]byte) ([]byte, error) { return nil, gone }, gone, "card signature"},
		{"no key", nil, "X", card.Sign, nil, "public key"},
		{"exponent 3", short, "X", card.Sign, nil, "exponent 65537"},
		{"no name", &card.PublicKey, "", card.Sign, nil, "common name"},
		{"long name", &card.PublicKey, strings.Repeat("X", 65), card.Sign, nil, "common name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pki.NewCSR(tt.pub, tt.cn, tt.sign)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("want %v saying %q, got %v", tt.want, tt.says, err)
			}
		})
	}
}

func request(t *testing.T, key any, alg x509.SignatureAlgorithm, extra int) []byte {
	t.Helper()
	template := &x509.CertificateRequest{SignatureAlgorithm: alg}
	for range extra {
		template.DNSNames = append(template.DNSNames, strings.Repeat("a", 60)+".invalid")
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestVerifyCSRRefuses(t *testing.T) {
	card := pkitest.NewCard(t, 0)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := request(t, card.PrivateKey, x509.SHA256WithRSA, 0)
	tests := []struct {
		name string
		der  []byte
		says string
	}{
		{"nothing", nil, "not a PKCS #10"},
		{"truncated", good[:len(good)-1], "not a PKCS #10"},
		{"altered signature", flip(good, len(good)-1), "verification"},
		{"RSA-1024", request(t, small, x509.SHA256WithRSA, 0), "want RSA-2048"},
		{"another curve", request(t, curve, x509.ECDSAWithSHA256, 0), "want a key on P-384, got one on P-256"},
		{"P-384 with SHA-256", request(t, pkitest.NewNextCard(t, 0).PrivateKey, x509.ECDSAWithSHA256, 0), "want ecdsa-with-SHA384"},
		{"SHA-384", request(t, card.PrivateKey, x509.SHA384WithRSA, 0), "want sha256WithRSAEncryption"},
		{"PSS", request(t, card.PrivateKey, x509.SHA256WithRSAPSS, 0), "want sha256WithRSAEncryption"},
		{"oversized", request(t, card.PrivateKey, x509.SHA256WithRSA, 80), "at most 4096 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := pki.VerifyCSR(tt.der); !errors.Is(err, pki.ErrProof) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("want ErrProof saying %q, got %v", tt.says, err)
			}
		})
	}
	if _, err := pki.VerifyCSR(good); err != nil {
		t.Errorf("the request they are made from: %v", err)
	}
}

func flip(b []byte, i int) []byte {
	out := bytes.Clone(b)
	out[i] ^= 1
	return out
}

// No request that differs from a proven one is proven.
func FuzzVerifyCSR(f *testing.F) {
	card := pkitest.NewCard(f, 0)
	good, err := pki.NewCSR(&card.PublicKey, "997794E9AGCIEG13221003A", card.Sign)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(flip(good, 40))
	f.Add([]byte{0x30, 0x82, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, der []byte) {
		csr, err := pki.VerifyCSR(der)
		if err != nil {
			if !errors.Is(err, pki.ErrProof) {
				t.Errorf("want ErrProof, got %v", err)
			}
			return
		}
		if pub := csr.PublicKey.(*rsa.PublicKey); pub.Equal(&card.PublicKey) && !bytes.Equal(der, good) {
			t.Errorf("another request is proven by the same key: %x", der)
		}
	})
}
