package softca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// registered is an authority with a good, a revoked and a held certificate.
func registered(t *testing.T) (a *Authority, certs map[string]*x509.Certificate) {
	t.Helper()
	a = open(t, newDir(t))
	certs = map[string]*x509.Certificate{}
	for name, why := range map[string]pki.Reason{"good": -1, "revoked": pki.AffiliationChanged, "held": pki.CertificateHold, "destroyed": pki.Unspecified} {
		certs[name] = certify(t, a, name, pki.Signature)
		if why >= 0 {
			if err := a.Revoke(t.Context(), certs[name].SerialNumber, why); err != nil {
				t.Fatal(err)
			}
		}
	}
	return a, certs
}

func ocspAsk(t *testing.T, a *Authority, cert, ca *x509.Certificate, hash crypto.Hash) []byte {
	t.Helper()
	q, err := ocsp.CreateRequest(cert, ca, &ocsp.RequestOptions{Hash: hash})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.OCSP(t.Context(), q)
	if err != nil {
		t.Logf("%v", err)
	}
	return answer
}

// golang.org/x/crypto/ocsp reads and verifies every answer.
func TestOCSP(t *testing.T) {
	a, certs := registered(t)
	ca, other := a.cas[pki.Signature].cert, a.cas[pki.Authentication].cert
	unknown := *certs["good"]
	unknown.SerialNumber = big.NewInt(4711)
	tests := []struct {
		name   string
		cert   *x509.Certificate
		hash   crypto.Hash
		status int
		reason int
	}{
		{"good", certs["good"], crypto.SHA1, ocsp.Good, 0},
		{"good by SHA-256", certs["good"], crypto.SHA256, ocsp.Good, 0},
		{"revoked", certs["revoked"], crypto.SHA1, ocsp.Revoked, 3},
		{"held", certs["held"], crypto.SHA256, ocsp.Revoked, 6},
		{"destroyed", certs["destroyed"], crypto.SHA1, ocsp.Revoked, 0},
		{"never issued", &unknown, crypto.SHA1, ocsp.Unknown, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ocsp.ParseResponseForCert(ocspAsk(t, a, tt.cert, ca, tt.hash), tt.cert, ca)
			if err != nil {
				t.Fatal(err)
			}
			if r.Status != tt.status || r.RevocationReason != tt.reason || r.SerialNumber.Cmp(tt.cert.SerialNumber) != 0 {
				t.Errorf("status %d, reason %d", r.Status, r.RevocationReason)
			}
			if !r.ThisUpdate.Equal(today) || !r.NextUpdate.Equal(today.Add(time.Hour)) || tt.status == ocsp.Revoked && !r.RevokedAt.Equal(today) {
				t.Errorf("from %v to %v, revoked %v", r.ThisUpdate, r.NextUpdate, r.RevokedAt)
			}
		})
	}
	t.Run("under the other CA the number was never issued", func(t *testing.T) {
		if r, err := ocsp.ParseResponse(ocspAsk(t, a, certs["revoked"], other, crypto.SHA1), other); err != nil || r.Status != ocsp.Unknown {
			t.Errorf("got %+v, %v", r, err)
		}
	})
	t.Run("a CA of others", func(t *testing.T) {
		stranger := pkitest.NewIssuer(t, pki.Lab(), today).CAs()[0]
		if got := ocspAsk(t, a, certs["good"], stranger, crypto.SHA1); !bytes.Equal(got, []byte{0x30, 3, 0x0A, 1, 6}) {
			t.Errorf("want unauthorized, got %x", got)
		}
	})
	for name, request := range map[string][]byte{"nothing": nil, "something": []byte("GET /"), "too much": make([]byte, ocspMax+1)} {
		if got, err := a.OCSP(t.Context(), request); err == nil || !bytes.Equal(got, []byte{0x30, 3, 0x0A, 1, 1}) {
			t.Errorf("%s: want malformedRequest, got %x, %v", name, got, err)
		}
	}
	_ = a.Close()
	if got := ocspAsk(t, a, certs["good"], ca, crypto.SHA1); !bytes.Equal(got, []byte{0x30, 3, 0x0A, 1, 2}) {
		t.Errorf("a closed register: want internalError, got %x", got)
	}
}

// openssl asks over HTTP, with nonces, for several certificates at once.
func TestOpenSSLAsksOCSP(t *testing.T) {
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: apt-get install openssl")
	}
	a, certs := registered(t)
	site := httptest.NewServer(http.StripPrefix("/v1/authority", a.StatusHandler()))
	defer site.Close()
	dir := t.TempDir()
	write := func(name string, cert *x509.Certificate) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	ca := write("ca", a.cas[pki.Signature].cert)
	args := []string{"ocsp", "-nonce", "-issuer", ca, "-CAfile", ca, "-url", site.URL + "/v1/authority/ocsp", "-no_cert_checks", "-validity_period", "1000000000"}
	for name, cert := range certs {
		args = append(args, "-cert", write(name, cert))
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	said := string(out)
	if err != nil || !strings.Contains(said, "Response verify OK") || strings.Contains(said, "WARNING") {
		t.Fatalf("openssl ocsp: %v\n%s", err, said)
	}
	for name, want := range map[string]string{"good": ": good", "revoked": ": revoked", "held": ": revoked"} {
		if !strings.Contains(said, filepath.Join(dir, name)+want) {
			t.Errorf("%s: want %q:\n%s", name, want, said)
		}
	}
	for _, reason := range []string{"affiliationChanged", "certificateHold"} {
		if !strings.Contains(said, reason) {
			t.Errorf("no %s:\n%s", reason, said)
		}
	}
}

func TestStatusHandler(t *testing.T) {
	a, certs := registered(t)
	handler := a.StatusHandler()
	ask := func(method, path, kind string, body []byte) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, bytes.NewReader(body))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	q, err := ocsp.CreateRequest(certs["revoked"], a.cas[pki.Signature].cert, nil)
	if err != nil {
		t.Fatal(err)
	}
	const der, list, answer = "application/pkix-cert", "application/pkix-crl", "application/ocsp-response"
	tests := []struct {
		name, method, path, kind string
		body                     []byte
		status                   int
		says                     string // type of the answer
	}{
		{"a CA", "GET", "/ca/signature", "", nil, 200, der},
		{"no CA", "GET", "/ca/encryption", "", nil, 404, ""},
		{"a list", "GET", "/crl/authentication", "", nil, 200, list},
		{"no list", "GET", "/crl/encryption", "", nil, 404, ""},
		{"OCSP by POST", "POST", "/ocsp", "application/ocsp-request", q, 200, answer},
		{"OCSP by GET", "GET", "/ocsp/" + strings.ReplaceAll(base64.StdEncoding.EncodeToString(q), "+", "%2B"), "", nil, 200, answer},
		{"OCSP by GET of nothing", "GET", "/ocsp/!", "", nil, 200, answer},
		{"OCSP of another type", "POST", "/ocsp", "text/plain", q, 415, ""},
		{"a list by POST", "POST", "/crl/signature", "", nil, 405, ""},
		{"a path that is none", "GET", "/keys", "", nil, 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := ask(tt.method, tt.path, tt.kind, tt.body)
			if w.Code != tt.status || tt.says != "" && w.Header().Get("Content-Type") != tt.says {
				t.Errorf("got %d %s", w.Code, w.Header().Get("Content-Type"))
			}
		})
	}
	get := ask("GET", tests[5].path, "", nil).Body.Bytes()
	if r, err := ocsp.ParseResponse(get, a.cas[pki.Signature].cert); err != nil || r.Status != ocsp.Revoked {
		t.Errorf("OCSP by GET: %+v, %v", r, err)
	}
}

// A list is given out again until something is revoked or it is an hour old; numbers rise.
func TestListsAreFresh(t *testing.T) {
	a, certs := registered(t)
	at := today
	a.now = func() time.Time { return at }
	site := httptest.NewServer(a.StatusHandler())
	defer site.Close()
	list := func() *x509.RevocationList {
		t.Helper()
		answer, err := http.Get(site.URL + "/crl/signature")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		der, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		l, err := x509.ParseRevocationList(der)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	first := list()
	if again := list(); again.Number.Cmp(first.Number) != 0 || len(first.RevokedCertificateEntries) != 3 {
		t.Errorf("list %v then %v with %d entries", first.Number, again.Number, len(first.RevokedCertificateEntries))
	}
	if err := a.Revoke(t.Context(), certs["good"].SerialNumber, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	second := list()
	if second.Number.Cmp(first.Number) <= 0 || len(second.RevokedCertificateEntries) != 4 {
		t.Errorf("after a revocation list %v with %d entries", second.Number, len(second.RevokedCertificateEntries))
	}
	at = today.Add(time.Hour)
	if third := list(); third.Number.Cmp(second.Number) <= 0 || !third.ThisUpdate.Equal(at) {
		t.Errorf("after an hour list %v of %v", third.Number, third.ThisUpdate)
	}
}

func FuzzParseOCSP(f *testing.F) {
	f.Add([]byte{0x30, 0})
	for _, hexadecimal := range []string{
		// openssl ocsp -nonce, with an invented CA
		"3072307030493047304506092b0603300906052b0e03021a0500041400000000000000000000000000000000000000000414000000000000000000000000000000000000000002080100000000000000a2233021301f06092b060105050730010204120410aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	} {
		der := make([]byte, len(hexadecimal)/2)
		for i := range der {
			n, _ := new(big.Int).SetString(hexadecimal[2*i:2*i+2], 16)
			der[i] = byte(n.Int64())
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		q, err := parseOCSP(der)
		if err != nil {
			return
		}
		if len(q.ids) == 0 || len(q.ids) > ocspCerts || len(q.nonce) > nonceMax+4 {
			t.Errorf("%d certificates, a nonce of %d bytes", len(q.ids), len(q.nonce))
		}
		for _, id := range q.ids {
			if id.serial == nil || len(id.der) == 0 {
				t.Error("a certificate without a number")
			}
		}
	})
}
