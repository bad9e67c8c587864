package softca

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

func certify(t *testing.T, a *Authority, id string, p pki.Purpose) *x509.Certificate {
	t.Helper()
	cert, err := a.Certify(t.Context(), pkitest.Request(t, id, p, pkitest.NewCard(t, 0), today))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func readCRL(t *testing.T, a *Authority, p pki.Purpose) *x509.RevocationList {
	t.Helper()
	der, err := a.CRL(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	l, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.CheckSignatureFrom(a.cas[p].cert); err != nil {
		t.Error(err)
	}
	return l
}

func TestCRL(t *testing.T) {
	dir := newDir(t)
	a := open(t, dir)
	if l := readCRL(t, a, pki.Signature); len(l.RevokedCertificateEntries) != 0 || l.Number.Int64() != 1 || !l.NextUpdate.Equal(today.Add(24*time.Hour)) {
		t.Errorf("the first list: %d entries, number %v, next %v", len(l.RevokedCertificateEntries), l.Number, l.NextUpdate)
	}
	var serials []*big.Int
	for i, why := range []pki.Reason{pki.Unspecified, pki.KeyCompromise, pki.CertificateHold} {
		cert := certify(t, a, "job-"+string(rune('0'+i)), pki.Signature)
		serials = append(serials, cert.SerialNumber)
		if err := a.Revoke(t.Context(), cert.SerialNumber, why); err != nil {
			t.Fatal(err)
		}
	}
	certify(t, a, "good", pki.Signature)
	other := certify(t, a, "other", pki.Authentication)
	if err := a.Revoke(t.Context(), other.SerialNumber, pki.Superseded); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()

	a = open(t, dir)
	l := readCRL(t, a, pki.Signature)
	if l.Number.Int64() != 2 || len(l.RevokedCertificateEntries) != 3 {
		t.Fatalf("want list 2 with 3 entries, got %v with %d", l.Number, len(l.RevokedCertificateEntries))
	}
	for i, e := range l.RevokedCertificateEntries {
		want := []int{0, 1, 6}[i]
		if e.SerialNumber.Cmp(serials[i]) != 0 || e.ReasonCode != want || !e.RevocationTime.Equal(today) {
			t.Errorf("entry %d: %+v", i, e)
		}
		if hasReason := len(e.Extensions) > 0; hasReason != (want != 0) {
			t.Errorf("entry %d: unspecified must be left out", i)
		}
	}
	if l := readCRL(t, a, pki.Authentication); l.Number.Int64() != 1 || len(l.RevokedCertificateEntries) != 1 {
		t.Errorf("the other CA's list: number %v, %d entries", l.Number, len(l.RevokedCertificateEntries))
	}
	if _, err := a.CRL(t.Context(), "encryption"); err == nil {
		t.Error("a list for encryption")
	}
}

// openssl checks a chain against the list.
func TestOpenSSLReadsCRL(t *testing.T) {
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: apt-get install openssl")
	}
	a := open(t, newDir(t))
	good, bad := certify(t, a, "good", pki.Signature), certify(t, a, "bad", pki.Signature)
	if err := a.Revoke(t.Context(), bad.SerialNumber, pki.AffiliationChanged); err != nil {
		t.Fatal(err)
	}
	crl, err := a.CRL(t.Context(), pki.Signature)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]pem.Block{
		"ca": {Type: "CERTIFICATE", Bytes: a.cas[pki.Signature].cert.Raw}, "crl": {Type: "X509 CRL", Bytes: crl},
		"good": {Type: "CERTIFICATE", Bytes: good.Raw}, "bad": {Type: "CERTIFICATE", Bytes: bad.Raw},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, error) {
		cmd := exec.Command(path, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("crl", "-in", "crl", "-noout", "-text", "-CAfile", "ca")
	if err != nil || !strings.Contains(out, "verify OK") || !strings.Contains(out, "Affiliation Changed") {
		t.Errorf("openssl crl: %v\n%s", err, out)
	}
	within := strconv.FormatInt(today.Add(time.Hour).Unix(), 10)
	verify := func(name string) (string, error) {
		return run("verify", "-x509_strict", "-crl_check", "-attime", within, "-CAfile", "ca", "-CRLfile", "crl", name)
	}
	if out, err := verify("bad"); err == nil || !strings.Contains(out, "revoked") {
		t.Errorf("the revoked certificate: %v\n%s", err, out)
	}
	if out, err := verify("good"); err != nil {
		t.Errorf("the good certificate: %v\n%s", err, out)
	}
}

// A hold that becomes final keeps its day, in the list, in OCSP and in the register: what was
// signed since is no better for it.
func TestAHoldThatBecomesFinalKeepsItsDay(t *testing.T) {
	a := open(t, newDir(t))
	at := today
	a.now = func() time.Time { return at }
	cert := certify(t, a, "job-1", pki.Signature)
	if err := a.Revoke(t.Context(), cert.SerialNumber, pki.CertificateHold); err != nil {
		t.Fatal(err)
	}
	at = today.Add(48 * time.Hour)
	if err := a.Revoke(t.Context(), cert.SerialNumber, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	if e := readCRL(t, a, pki.Signature).RevokedCertificateEntries; len(e) != 1 || !e[0].RevocationTime.Equal(today) || e[0].ReasonCode != 1 {
		t.Errorf("on the list: %+v", e)
	}
	ca := a.cas[pki.Signature].cert
	if r, err := ocsp.ParseResponse(ocspAsk(t, a, cert, ca, crypto.SHA1), ca); err != nil || !r.RevokedAt.Equal(today) || r.RevocationReason != 1 {
		t.Errorf("by OCSP: %+v, %v", r, err)
	}
	if all, err := a.Certificates(t.Context()); err != nil || !all[0].Revoked.Equal(today) || all[0].Reason != pki.KeyCompromise {
		t.Errorf("in the register: revoked %v for %v, %v", all[0].Revoked, all[0].Reason, err)
	}
}

func TestCertificatesList(t *testing.T) {
	a := open(t, newDir(t))
	second, first := certify(t, a, "job-2", pki.Authentication), certify(t, a, "job-1", pki.Signature)
	if err := a.Revoke(t.Context(), second.SerialNumber, pki.CessationOfOperation); err != nil {
		t.Fatal(err)
	}
	all, err := a.Certificates(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("want 2, got %d, %v", len(all), err)
	}
	for i, want := range []Issued{
		{"job-1", pki.Signature, first.SerialNumber, first.Raw, time.Time{}, 0},
		{"job-2", pki.Authentication, second.SerialNumber, second.Raw, today.UTC(), pki.CessationOfOperation},
	} {
		got := all[i]
		if got.ID != want.ID || got.Purpose != want.Purpose || got.Serial.Cmp(want.Serial) != 0 ||
			string(got.DER) != string(want.DER) || !got.Revoked.Equal(want.Revoked) || got.Reason != want.Reason {
			t.Errorf("%d: got %s %s %v revoked %v", i, got.ID, got.Purpose, got.Serial, got.Revoked)
		}
	}
}

func TestRevokeRefuses(t *testing.T) {
	a := open(t, newDir(t))
	cert := certify(t, a, "job-1", pki.Signature)
	for _, serial := range []*big.Int{nil, big.NewInt(0), big.NewInt(-1), big.NewInt(1), a.cas[pki.Signature].cert.SerialNumber} {
		if err := a.Revoke(t.Context(), serial, pki.Superseded); !errors.Is(err, pki.ErrUnknownSerial) {
			t.Errorf("%v: want ErrUnknownSerial, got %v", serial, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Revoke(ctx, cert.SerialNumber, pki.Superseded); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	if _, err := a.Certificates(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// After Close everything says so, and nothing is issued.
func TestClosed(t *testing.T) {
	a := open(t, newDir(t))
	r := pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Certify(t.Context(), r); err == nil {
		t.Error("issued")
	}
	if _, err := a.CRL(t.Context(), pki.Signature); err == nil {
		t.Error("made a list")
	}
}
