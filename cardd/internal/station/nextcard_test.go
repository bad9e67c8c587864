package station_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/apdu/secret"
	"jukicard/cardd/internal/journal"
	"jukicard/pki"
	"jukicard/simulator/people"
)

// issuedNext is the draft of the next card, issued to its adult, in the hands of its
// holder.
func issuedNext(t *testing.T) (b *bench, s *card.Session, pins map[string]string) {
	t.Helper()
	const person = "next-adult"
	b = newBenchFor(t, person)
	job, err := b.submit(t, person)
	if err != nil {
		t.Fatal(err)
	}
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("the job ended %s: %s", j.State, j.Reason)
	}
	who, err := people.Get(person, time.Time{})
	if err == nil {
		err = json.Unmarshal(who.PINs, &pins)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.card.Reset()
	line := apdu.TransportFunc(func(_ context.Context, c []byte) ([]byte, error) { return b.card.Process(c), nil })
	return b, card.New(line, generationOf(t, person), card.Options{}), pins
}

// TestTwoPINsOpenWhatFourDid on the draft of the next card, once it is locked.
func TestTwoPINsOpenWhatFourDid(t *testing.T) {
	_, s, pins := issuedNext(t)
	if len(pins) != 2 {
		t.Fatalf("%d PINs are set", len(pins))
	}
	opens := map[string]map[string]bool{
		"authentication": {"jpki/number": true, "jpki/attributes": true, "jpki/code": true, "jpki/auth-cert": true, "jpki/sign-cert": false, "surface/face": false},
		"signature":      {"jpki/number": true, "jpki/attributes": true, "jpki/code": false, "jpki/auth-cert": true, "jpki/sign-cert": true, "surface/face": false},
		"":               {"jpki/number": false, "jpki/attributes": false, "jpki/code": false, "jpki/auth-cert": true, "jpki/sign-cert": false, "surface/face": false},
	}
	reference := map[string]string{"authentication": "jpki/auth-pin", "signature": "jpki/sign-pin"}
	for class, files := range opens {
		for path, open := range files {
			if err := s.Select(t.Context(), card.Domain); err != nil { // which forgets what was verified
				t.Fatal(err)
			}
			if class != "" {
				if err := s.Verify(t.Context(), reference[class], secret.FromString(pins[class])); err != nil {
					t.Fatal(err)
				}
			}
			_, err := s.ReadObject(t.Context(), path)
			if open && err != nil || !open && !errors.Is(err, apdu.SWSecurityStatus) {
				t.Errorf("%s behind %q: %v", path, class, err)
			}
		}
	}
}

// TestOpenSSLVerifiesTheNextCard: its certificates, which end with a birthday ten years
// on, and what its keys sign.
func TestOpenSSLVerifiesTheNextCard(t *testing.T) {
	b, s, pins := issuedNext(t)
	for _, row := range []struct {
		purpose              pki.Purpose
		pin, class, key, crt string
	}{
		{pki.Signature, "jpki/sign-pin", "signature", "jpki/sign-key", "jpki/sign-cert"},
		{pki.Authentication, "jpki/auth-pin", "authentication", "jpki/auth-key", "jpki/auth-cert"},
	} {
		t.Run(string(row.purpose), func(t *testing.T) {
			if err := s.Verify(t.Context(), row.pin, secret.FromString(pins[row.class])); err != nil {
				t.Fatal(err)
			}
			der, err := s.ReadObject(t.Context(), row.crt)
			if err != nil {
				t.Fatal(err)
			}
			ca, err := b.Authority.CA(t.Context(), row.purpose)
			if err != nil {
				t.Fatal(err)
			}
			cert := judged(t, der)
			if years := cert.NotAfter.Sub(cert.NotBefore).Hours() / 24 / 365; years < 9 || years > 10.1 {
				t.Errorf("it is valid for %.1f years", years)
			}
			message := []byte("署名 " + row.key)
			digest := sha512.Sum384(message)
			plain, err := s.Sign(t.Context(), row.key, digest[:])
			if err != nil || len(plain) != 96 {
				t.Fatalf("%d bytes of signature: %v", len(plain), err)
			}
			signature, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(plain[:48]), new(big.Int).SetBytes(plain[48:])})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			keep := func(name string, content []byte) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			certFile := keep("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
			caFile := keep("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}))
			says(t, "OK", "verify", "-x509_strict", "-CAfile", caFile, certFile)
			says(t, "secp384r1", "x509", "-in", certFile, "-noout", "-text")
			pub := keep("pub.pem", []byte(says(t, "PUBLIC KEY", "x509", "-in", certFile, "-noout", "-pubkey")))
			says(t, "Verified OK", "dgst", "-sha384", "-verify", pub, "-signature", keep("sig", signature), keep("message", message))
		})
	}
}

// says runs openssl, which must succeed and say so.
func says(t *testing.T, want string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: apt-get install openssl")
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// judged is a certificate of a key on P-384 to which zlint has no objection by RFC 5280
// and its kin; the rules of the public web do not apply to JPKI.
func judged(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || k.Params().BitSize != 384 {
		t.Fatalf("its key is a %T", cert.PublicKey)
	}
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{IncludeSources: lint.SourceList{
		lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC8813, lint.Community,
	}})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := zx509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	applied := 0
	for name, result := range zlint.LintCertificateEx(parsed, registry).Results {
		if result.Status > lint.NA {
			applied++
		}
		if result.Status >= lint.Error {
			t.Errorf("%s: %v %s", name, result.Status, result.Details)
		}
	}
	if applied < 40 {
		t.Errorf("only %d lints applied", applied)
	}
	return cert
}
