package pki_test

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// openssl runs the program and returns what it says; it must succeed.
func openssl(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: apt-get install openssl")
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wants(t *testing.T, out string, lines ...string) {
	t.Helper()
	ascii := func(r rune) bool { return r == ' ' || r == '\n' } // not U+3000
	flat := strings.Join(strings.FieldsFunc(out, ascii), " ")
	for _, line := range lines {
		if !strings.Contains(flat, line) {
			t.Errorf("openssl does not say %q:\n%s", line, out)
			return
		}
	}
}

func TestOpenSSLReadsCertificates(t *testing.T) {
	l := newLab(t, pki.Lab())
	tests := []struct {
		purpose pki.Purpose
		says    []string
	}{
		{pki.Signature, []string{
			"Subject: C = JP, L = Tokyo-to, L = Kakuu-shi, CN = 2026010203040500001TEST00001",
			"X509v3 Key Usage: critical Digital Signature, Non Repudiation",
			"othername: 1.2.392.200149.8.5.5.1::山田　太郎, othername: 1.2.392.200149.8.5.5.4::319800101, othername: 1.2.392.200149.8.5.5.3::1, " +
				"othername: 1.2.392.200149.8.5.5.5::東京都架空市見本町１２－３４－５６, othername: 1.2.392.200149.8.5.5.2::00000, othername: 1.2.392.200149.8.5.5.6::",
			"X509v3 Certificate Policies: critical Policy: 1.2.392.200149.8.5.1.0.20 CPS: http://jpki-lab.invalid/cps.html",
			"X509v3 Issuer Alternative Name: DirName:",
			"OU = CRL Distribution Points, OU = Tokyo-to, CN = Kakuu-shiCRLDP",
		}},
		{pki.Authentication, []string{
			"Subject: C = JP, CN = 000001TESTCASE99999003A",
			"X509v3 Key Usage: critical Digital Signature X509v3",
			"X509v3 Certificate Policies: critical Policy: 1.2.392.200149.8.5.1.3.30",
		}},
	}
	for _, tt := range tests {
		t.Run(string(tt.purpose), func(t *testing.T) {
			cert := l.issue(t, pkitest.Request(t, "job-1", tt.purpose, pkitest.NewCard(t, 0), today))
			ca, leaf := writePEM(t, "CERTIFICATE", l.cas[tt.purpose].Raw), writePEM(t, "CERTIFICATE", cert.Raw)
			wants(t, openssl(t, "x509", "-in", leaf, "-noout", "-text", "-nameopt", "oneline,utf8,-esc_msb", "-certopt", "ext_parse"),
				append(tt.says, "Version: 3 (0x2)", "Signature Algorithm: sha256WithRSAEncryption", "Public-Key: (2048 bit)", "Exponent: 65537",
					"X509v3 Authority Key Identifier", "X509v3 Subject Key Identifier")...)
			// -x509_strict holds the chain against RFC 5280.
			wants(t, openssl(t, "verify", "-x509_strict", "-check_ss_sig", "-attime", tomorrow, "-CAfile", ca, leaf), "OK")
			wants(t, openssl(t, "verify", "-x509_strict", "-policy_check", "-explicit_policy", "-policy", policyOf(tt.purpose),
				"-attime", tomorrow, "-CAfile", ca, leaf), "OK")
			wants(t, openssl(t, "x509", "-in", ca, "-noout", "-text", "-nameopt", "oneline,utf8,-esc_msb"),
				"Issuer: C = JP, O = JPKI-LAB", "X509v3 Basic Constraints: critical CA:TRUE X509v3", "Key Usage: critical Certificate Sign, CRL Sign")
		})
	}
}

// tomorrow is when verification takes place, in Unix seconds.
var tomorrow = strconv.FormatInt(today.AddDate(0, 0, 1).Unix(), 10)

func policyOf(p pki.Purpose) string {
	if p == pki.Signature {
		return pki.Lab().PolicySignature
	}
	return pki.Lab().PolicyAuthentication
}

func TestOpenSSLVerifiesRequest(t *testing.T) {
	r := pkitest.Request(t, "job-1", pki.Authentication, pkitest.NewCard(t, 0), today)
	out := openssl(t, "req", "-in", writePEM(t, "CERTIFICATE REQUEST", r.CSR), "-noout", "-verify", "-text")
	wants(t, out, "verify OK", "Subject: C = JP, CN = 000001TESTCASE99999003A", "Signature Algorithm: sha256WithRSAEncryption")
}

// asn1parse shows string types and nesting, which the text form hides.
func TestOpenSSLParsesStringTypes(t *testing.T) {
	l := newLab(t, pki.Lab())
	cert := l.issue(t, pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today))
	out := openssl(t, "asn1parse", "-in", writePEM(t, "CERTIFICATE", cert.Raw))
	counts := map[string]int{"PRINTABLESTRING": 2, "UTF8STRING": 3 + 3, "UTCTIME": 2, "BOOLEAN": 2, ":X509v3": 7}
	for what, want := range counts {
		if got := strings.Count(out, what); got != want {
			t.Errorf("want %d %s, got %d:\n%s", want, what, got, out)
		}
	}
}
