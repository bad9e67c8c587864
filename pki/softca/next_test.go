package softca

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
	"golang.org/x/crypto/ocsp"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// nextRequest is for a card of the next generation: a key on P-384, ten years.
func nextRequest(t *testing.T, id string, p pki.Purpose, from time.Time) pki.Request {
	t.Helper()
	r := pkitest.Request(t, id, p, pkitest.NewNextCard(t, 0), from)
	r.NotAfter = pki.EndOfDay(from.AddDate(10, 0, 0))
	return r
}

// openNext is an authority with CAs on P-384. Its sealing keys, which take long to make, are
// those of every other test.
func openNext(t testing.TB) *Authority {
	t.Helper()
	a, _ := newNext(t)
	return a
}

func newNext(t testing.TB) (a *Authority, dir string) {
	t.Helper()
	dir = t.TempDir()
	keys, _ := filepath.Glob(filepath.Join(made, "*"+keyFile))
	for _, path := range keys {
		if strings.HasSuffix(path, "-ca"+keyFile) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opts := options()
	opts.Algorithm = pki.P384
	a, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() }) // closed twice where the test reopens
	return a, dir
}

func TestConformanceOnP384(t *testing.T) {
	dirs := map[pki.Authority]string{}
	pkitest.Run(t, pkitest.Suite{
		Hierarchy: pki.Lab(), Today: today,
		New: func(t testing.TB) pki.Authority {
			a, dir := newNext(t)
			dirs[a] = dir
			return a
		},
		Reopen: func(t testing.TB, a pki.Authority) pki.Authority {
			if err := a.(*Authority).Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, dirs[a])
		},
	})
}

// The contract holds for CAs on P-384 and after they are opened again, with files and where
// the keys cannot be seen; certificates, lists and answers are by their keys, for cards of
// either generation.
func TestCAsOnP384(t *testing.T) {
	for _, keys := range []Keys{nil, &hidden{keys: map[string]crypto.Signer{}}} {
		dir := t.TempDir()
		opts := options()
		opts.Keys, opts.Algorithm = keys, pki.P384
		opts.Keys = keys
		var first *x509.Certificate
		for _, asked := range []pki.Algorithm{pki.P384, ""} { // made, and opened as it is
			opts.Algorithm = asked
			a, err := Open(dir, opts)
			if err != nil {
				t.Fatal(err)
			}
			r := nextRequest(t, "job-1", pki.Signature, today)
			cert, err := a.Certify(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			ca := a.cas[pki.Signature].cert
			if err := pki.Lab().Judge(cert, r, ca); err != nil || cert.SignatureAlgorithm != x509.ECDSAWithSHA384 {
				t.Errorf("%v, signed by %v", err, cert.SignatureAlgorithm)
			}
			if first != nil && !cert.Equal(first) {
				t.Error("opened again it is another certificate")
			}
			first = cert
			this := pkitest.Request(t, "job-2", pki.Authentication, pkitest.NewCard(t, 0), today)
			if cert, err = a.Certify(t.Context(), this); err != nil || pki.Lab().Judge(cert, this, a.cas[pki.Authentication].cert) != nil {
				t.Errorf("a card of today: %v", err)
			}
			if l := readCRL(t, a, pki.Signature); l.SignatureAlgorithm != x509.ECDSAWithSHA384 {
				t.Errorf("the list is signed by %v", l.SignatureAlgorithm)
			}
			answer, err := ocsp.ParseResponseForCert(ocspAsk(t, a, first, ca, crypto.SHA256), first, ca)
			if err != nil || answer.Status != ocsp.Good || answer.SignatureAlgorithm != x509.ECDSAWithSHA384 {
				t.Errorf("OCSP: %+v, %v", answer, err)
			}
			if _, err := a.Seal(t.Context(), pki.TextAP, []byte("a DigestInfo")); err != nil {
				t.Errorf("seals: %v", err)
			}
			_ = a.Close()
		}
		opts.Algorithm = pki.RSA2048
		if _, err := Open(dir, opts); err == nil || !strings.Contains(err.Error(), "a directory keeps its keys") {
			t.Errorf("asked for the other algorithm: %v", err)
		}
	}
	opts := options()
	opts.Algorithm = "P-256"
	if _, err := Open(t.TempDir(), opts); err == nil || !strings.Contains(err.Error(), "its algorithm must be") {
		t.Errorf("an algorithm that is none: %v", err)
	}
}

// openssl verifies chain, list and OCSP of CAs on P-384.
func TestOpenSSLJudgesP384(t *testing.T) {
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: apt-get install openssl")
	}
	a, dir := openNext(t), t.TempDir()
	issue := func(id string) *x509.Certificate {
		cert, err := a.Certify(t.Context(), nextRequest(t, id, pki.Signature, today))
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	good, bad := issue("good"), issue("bad")
	if err := a.Revoke(t.Context(), bad.SerialNumber, pki.CertificateHold); err != nil {
		t.Fatal(err)
	}
	crl, err := a.CRL(t.Context(), pki.Signature)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]pem.Block{
		"ca": {Type: "CERTIFICATE", Bytes: a.cas[pki.Signature].cert.Raw}, "crl": {Type: "X509 CRL", Bytes: crl},
		"good": {Type: "CERTIFICATE", Bytes: good.Raw}, "bad": {Type: "CERTIFICATE", Bytes: bad.Raw},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), path, args...)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput() // what it says is judged
		return string(out)
	}
	within := strconv.FormatInt(today.Add(time.Hour).Unix(), 10)
	site := httptest.NewServer(a.StatusHandler())
	defer site.Close()
	verify := []string{"verify", "-x509_strict", "-crl_check", "-attime", within, "-CAfile", "ca", "-CRLfile", "crl"}
	asked := run("ocsp", "-nonce", "-issuer", "ca", "-CAfile", "ca", "-url", site.URL+"/ocsp", "-no_cert_checks", "-validity_period", "1000000000", "-cert", "good", "-cert", "bad")
	for name, one := range map[string]struct{ out, says string }{
		"the list":             {run("crl", "-in", "crl", "-noout", "-text", "-CAfile", "ca"), "verify OK"},
		"its algorithm":        {run("crl", "-in", "crl", "-noout", "-text"), "ecdsa-with-SHA384"},
		"a good certificate":   {run(append(verify, "good")...), "good: OK"},
		"one on hold":          {run(append(verify, "bad")...), "certificate revoked"},
		"an answer":            {asked, "Response verify OK"},
		"a good one by OCSP":   {asked, "good: good"},
		"one on hold, by OCSP": {asked, "bad: revoked"},
	} {
		if !strings.Contains(one.out, one.says) {
			t.Errorf("%s: want %q:\n%s", name, one.says, one.out)
		}
	}
}

// zlint finds no error in certificates and lists of either kind of CA.
func TestZlint(t *testing.T) {
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{IncludeSources: lint.SourceList{
		lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC6960, lint.RFC8813, lint.Community,
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]*Authority{"RSA": open(t, newDir(t)), "P-384": openNext(t)} {
		t.Run(name, func(t *testing.T) {
			r := nextRequest(t, "job-1", pki.Signature, today)
			cert, err := a.Certify(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Revoke(t.Context(), cert.SerialNumber, pki.AffiliationChanged); err != nil {
				t.Fatal(err)
			}
			crl, err := a.CRL(t.Context(), pki.Signature)
			if err != nil {
				t.Fatal(err)
			}
			for _, der := range [][]byte{cert.Raw, a.cas[pki.Signature].cert.Raw, a.cas[pki.Authentication].cert.Raw} {
				parsed, err := zx509.ParseCertificate(der)
				if err != nil {
					t.Fatal(err)
				}
				clean(t, zlint.LintCertificateEx(parsed, registry), 30)
			}
			list, err := zx509.ParseRevocationList(crl)
			if err != nil {
				t.Fatal(err)
			}
			clean(t, zlint.LintRevocationListEx(list, registry), 3)
		})
	}
}

// clean wants no error among at least so many lints that applied.
func clean(t *testing.T, set *zlint.ResultSet, least int) {
	t.Helper()
	applied := 0
	for name, result := range set.Results {
		if result.Status > lint.NA {
			applied++
		}
		if result.Status >= lint.Error {
			t.Errorf("%s: %v %s", name, result.Status, result.Details)
		}
	}
	if applied < least {
		t.Errorf("only %d lints applied", applied)
	}
}

// A CA certifies for ten years at a time through ten years, and afterwards nothing that would
// outlive it; what it says names the remedy, and the ID is not used up.
func TestACAOutlivesWhatItIssues(t *testing.T) {
	a := open(t, newDir(t))
	end := a.cas[pki.Signature].cert.NotAfter
	late := end.AddDate(-10, 0, 0).In(pki.JST)
	for _, tt := range []struct {
		name string
		from time.Time
		says string
	}{
		{"when it is new", today, ""},
		{"on its last day for ten years", late, ""},
		{"a day later", late.AddDate(0, 0, 1), "make a new CA"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := nextRequest(t, tt.name, pki.Signature, pki.StartOfDay(tt.from))
			cert, err := a.Certify(t.Context(), r)
			if tt.says == "" {
				if err != nil || cert.NotAfter.After(end) {
					t.Errorf("%v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("want %q, got %v", tt.says, err)
			}
			r.NotAfter = pki.EndOfDay(end)
			if _, err := a.Certify(t.Context(), r); err != nil {
				t.Errorf("one that ends with it: %v", err)
			}
		})
	}
}
