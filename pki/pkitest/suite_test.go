package pkitest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

var today = time.Date(2026, 4, 1, 9, 30, 0, 0, pki.JST)

// memory is an authority that forgets with the process, and breaks one promise of
// the contract when told to.
type memory struct {
	fault   string
	mu      sync.Mutex
	issued  map[string]*x509.Certificate
	serial  int64
	key     *rsa.PrivateKey
	revoked map[string]pki.Reason
}

func newMemory(t testing.TB, fault string) *memory {
	return &memory{fault: fault, issued: map[string]*x509.Certificate{}, key: pkitest.NewCard(t, 9).PrivateKey, revoked: map[string]pki.Reason{}}
}

func (m *memory) sign(template, parent *x509.Certificate, pub any) (*x509.Certificate, error) {
	template.SerialNumber = big.NewInt(m.serial + 1)
	if m.fault != "repeats serials" {
		m.serial++
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, m.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (m *memory) CA(_ context.Context, p pki.Purpose) (*x509.Certificate, error) {
	if m.fault == "has one CA" {
		p = pki.Signature
	}
	template, err := pki.Lab().CATemplate(p, &m.key.PublicKey, pki.StartOfDay(today), pki.EndOfDay(today.AddDate(10, 0, -1)))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = big.NewInt(1 << 40)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &m.key.PublicKey, m.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (m *memory) Certify(ctx context.Context, r pki.Request) (*x509.Certificate, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil && m.fault != "ignores contexts" {
		return nil, err
	}
	csr, err := pki.VerifyCSR(r.CSR)
	if err != nil {
		return nil, err
	}
	if before := m.issued[r.ID]; before != nil && m.fault != "forgets ids" {
		same := csr.PublicKey.(*rsa.PublicKey).Equal(before.PublicKey) &&
			bytes.Equal(before.Extensions[0].Value, []byte{3, 2, 6, 0xC0}) == (r.Purpose == pki.Signature)
		if !same && m.fault != "ignores keys" {
			return nil, pki.ErrIDTaken
		}
		return before, nil
	}
	ca, err := m.CA(ctx, r.Purpose)
	if err != nil {
		return nil, err
	}
	if m.fault == "tells the holder" {
		if err := r.Holder.Check(); err == nil && r.ID == "" {
			return nil, fmt.Errorf("cannot certify %s without id", r.Holder.Name)
		}
	}
	template, err := pki.Lab().Template(r, ca)
	if err != nil {
		return nil, err
	}
	if m.fault == "extends validity" {
		template.NotAfter = template.NotAfter.AddDate(0, 0, 1)
	}
	m.issued[r.ID], err = m.sign(template, ca, template.PublicKey)
	return m.issued[r.ID], err
}

func (m *memory) Revoke(_ context.Context, serial *big.Int, why pki.Reason) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !why.Valid() {
		return fmt.Errorf("cannot revoke: %v", why)
	}
	known := m.fault == "revokes anything"
	for _, c := range m.issued {
		known = known || c.SerialNumber.Cmp(serial) == 0
	}
	if !known {
		return pki.ErrUnknownSerial
	}
	was, ok := m.revoked[serial.String()]
	if ok && was != why && was != pki.CertificateHold && m.fault != "lifts holds" {
		return pki.ErrRevoked
	}
	m.revoked[serial.String()] = why
	return nil
}

const envFault = "PKITEST_FAULT"

// TestSuiteOnMemory passes without a fault. With one, told by the environment, it
// must fail: TestSuiteFindsFaults runs it so.
func TestSuiteOnMemory(t *testing.T) {
	pkitest.Run(t, pkitest.Suite{
		Hierarchy: pki.Lab(),
		Today:     today,
		New:       func(t testing.TB) pki.Authority { return newMemory(t, os.Getenv(envFault)) },
	})
}

func TestSuiteFindsFaults(t *testing.T) {
	for fault, found := range map[string]string{
		"forgets ids":      "same_id_is_the_same_certificate",
		"ignores keys":     "another_key_under_the_id_is_refused",
		"ignores contexts": "a_cancelled_context_issues_nothing",
		"repeats serials":  "another_id_is_another_certificate",
		"extends validity": "issues_what_was_asked",
		"has one CA":       "an_unknown_purpose_has_no_ca",
		"tells the holder": "broken_requests_are_refused/no_id",
		"revokes anything": "revokes",
		"lifts holds":      "revokes",
	} {
		t.Run(fault, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestSuiteOnMemory$")
			cmd.Env = append(os.Environ(), envFault+"="+fault)
			out, err := cmd.CombinedOutput()
			if err == nil || !failed(string(out), found) {
				t.Errorf("want %q to fail, got %v:\n%s", found, err, out)
			}
		})
	}
}

// failed says whether the output names a failed test that ends so.
func failed(out, name string) bool {
	for line := range strings.Lines(out) {
		head, _, _ := strings.Cut(strings.TrimSpace(line), " (")
		if strings.HasPrefix(head, "--- FAIL") && strings.HasSuffix(head, name) {
			return true
		}
	}
	return false
}
