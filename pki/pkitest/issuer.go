package pkitest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"jukicard/pki"
)

// Fault is what an authority afar does wrong.
type Fault string

// Faults of an [Issuer], which answers something else than was asked, and of a [Gate],
// which carries the answers.
const (
	None          Fault = ""
	Refuses       Fault = "refuses"
	WrongKey      Fault = "another key"       // certifies the key of another card
	WrongName     Fault = "another name"      // certifies another subject
	WrongValidity Fault = "another validity"  // ends a year later
	WrongCA       Fault = "another CA"        // signs with another key under the same name
	Replays       Fault = "an earlier answer" // gives what it gave last

	Slow Fault = "slow" // takes the request and does not answer
	Down Fault = "down" // ends the connection before it reads the request
	Lost Fault = "lost" // does what was asked, and the answer is lost
)

// ErrRefused is what an Issuer that refuses says.
var ErrRefused = errors.New("the issuer refuses")

// Issuer is the inside of an authority afar: it issues exactly what it is asked, by the
// certificate template of RFC 4211, and each time it is asked, for remembering requests is
// not its business. Told to, it makes one mistake for good. Any goroutine may use it.
type Issuer struct {
	cas map[string]*x509.Certificate // by subject
	key *rsa.PrivateKey

	mu      sync.Mutex
	fault   Fault
	serial  int64
	issued  []*x509.Certificate
	revoked map[string]pki.Reason
}

// IssuerKey and StrangerKey are the test cards whose keys an Issuer signs with, right and
// wrong.
const (
	IssuerKey   = 8
	StrangerKey = 9
)

// NewIssuer has a CA for either purpose, valid ten years from the day before today.
func NewIssuer(t testing.TB, h pki.Hierarchy, today time.Time) *Issuer {
	t.Helper()
	i := &Issuer{cas: map[string]*x509.Certificate{}, key: NewCard(t, IssuerKey).PrivateKey, serial: 1 << 62, revoked: map[string]pki.Reason{}}
	from := pki.StartOfDay(today).AddDate(0, 0, -1)
	for n, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		ca, err := h.CATemplate(p, &i.key.PublicKey, from, pki.EndOfDay(from.AddDate(10, 0, -1)))
		if err != nil {
			t.Fatalf("cannot make a test CA: %v", err)
		}
		ca.SerialNumber = big.NewInt(int64(n) + 1)
		cert, err := create(ca, ca, &i.key.PublicKey, i.key)
		if err != nil {
			t.Fatalf("cannot make a test CA: %v", err)
		}
		i.cas[string(cert.RawSubject)] = cert
	}
	return i
}

func create(template, parent *x509.Certificate, pub any, key *rsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Break makes the issuer do something wrong from now on; None mends it.
func (i *Issuer) Break(f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fault = f
}

// CAs are its own certificates.
func (i *Issuer) CAs() []*x509.Certificate { return slices.Collect(maps.Values(i.cas)) }

// Key signs in its name.
func (i *Issuer) Key() *rsa.PrivateKey { return i.key }

// Issued lists every certificate that was made, also those nobody received.
func (i *Issuer) Issued() []*x509.Certificate {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.issued)
}

// Issue makes the certificate of a template, and another each time.
func (i *Issuer) Issue(template []byte) (*x509.Certificate, error) {
	t, issuer, err := parseTemplate(template)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	ca, known := i.cas[issuer]
	switch {
	case !known:
		return nil, errors.New("cannot issue: it is asked in the name of another CA")
	case i.fault == Refuses:
		return nil, ErrRefused
	case i.fault == Replays && len(i.issued) > 0:
		return i.issued[len(i.issued)-1], nil
	}
	i.serial++
	t.SerialNumber = big.NewInt(i.serial)
	key, parent := i.spoil(t), *ca
	parent.PublicKey = &key.PublicKey
	cert, err := create(t, &parent, t.PublicKey, key)
	if err != nil {
		return nil, err
	}
	i.issued = append(i.issued, cert)
	return cert, nil
}

// spoil makes the one mistake, and gives the key to sign with.
func (i *Issuer) spoil(t *x509.Certificate) *rsa.PrivateKey {
	switch i.fault {
	case WrongKey:
		t.PublicKey = &cards()[7].(*rsa.PrivateKey).PublicKey
	case WrongName:
		t.RawSubject, _ = asn1.Marshal(pkix.Name{Country: []string{"JP"}, CommonName: "somebody else"}.ToRDNSequence())
	case WrongValidity:
		t.NotAfter = t.NotAfter.AddDate(1, 0, 0)
	case WrongCA:
		return cards()[StrangerKey].(*rsa.PrivateKey)
	}
	return i.key
}

// Revoke marks a certificate by its issuer and serial number, as pki.Revoker has it.
func (i *Issuer) Revoke(issuer []byte, serial *big.Int, why pki.Reason) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !slices.ContainsFunc(i.issued, func(c *x509.Certificate) bool {
		return c.SerialNumber.Cmp(serial) == 0 && string(c.RawIssuer) == string(issuer)
	}) {
		return pki.ErrUnknownSerial
	}
	if was, ok := i.revoked[serial.String()]; ok && (was != pki.CertificateHold || why == pki.CertificateHold) {
		return pki.ErrRevoked
	}
	i.revoked[serial.String()] = why
	return nil
}

// Revoked says whether a certificate was taken back, and why.
func (i *Issuer) Revoked(serial *big.Int) (why pki.Reason, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	why, ok = i.revoked[serial.String()]
	return why, ok
}

// parseTemplate reads the CertTemplate of RFC 4211, section 5, with nothing of the code
// that writes it.
func parseTemplate(der []byte) (t *x509.Certificate, issuer string, err error) {
	var fields struct {
		Issuer   asn1.RawValue `asn1:"tag:3"`
		Validity struct {
			NotBefore time.Time `asn1:"explicit,tag:0"`
			NotAfter  time.Time `asn1:"explicit,tag:1"`
		} `asn1:"tag:4"`
		Subject    asn1.RawValue    `asn1:"tag:5"`
		Key        asn1.RawValue    `asn1:"tag:6"`
		Extensions []pkix.Extension `asn1:"tag:9"`
	}
	if rest, err := asn1.Unmarshal(der, &fields); err != nil || len(rest) != 0 {
		return nil, "", fmt.Errorf("cannot read a certificate template: %w, %d bytes left", err, len(rest))
	}
	key, err := x509.ParsePKIXPublicKey(sequence(fields.Key.Bytes))
	if err != nil {
		return nil, "", fmt.Errorf("cannot read a certificate template: %w", err)
	}
	return &x509.Certificate{
		RawSubject: fields.Subject.Bytes, NotBefore: fields.Validity.NotBefore, NotAfter: fields.Validity.NotAfter,
		PublicKey: key, ExtraExtensions: fields.Extensions, SignatureAlgorithm: x509.SHA256WithRSA,
	}, string(fields.Issuer.Bytes), nil
}

func sequence(contents []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(contents) })
	return b.BytesOrPanic()
}
