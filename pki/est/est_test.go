package est_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	globalsign "github.com/globalsign/est"

	"jukicard/pki"
	"jukicard/pki/est"
	"jukicard/pki/pkitest"
	"jukicard/pki/remote"
)

var today = time.Date(2026, 4, 1, 9, 30, 0, 0, pki.JST)

// credential is a certificate for TLS of this machine, for either side, signed by itself.
func credential(t testing.TB, key int, name string, edit func(c *x509.Certificate)) tls.Certificate {
	t.Helper()
	card := pkitest.NewCard(t, key)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(int64(key) + 100), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if edit != nil {
		edit(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &card.PublicKey, card.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: card.PrivateKey, Leaf: leaf}
}

func pool(certs ...tls.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c.Leaf)
	}
	return p
}

// office is a pkitest.Issuer behind globalsign's EST server.
type office struct {
	issuer *pkitest.Issuer
	gate   *pkitest.Gate
	site   *pkitest.Site
	client tls.Certificate
	server tls.Certificate

	mu      sync.Mutex
	labels  []string                     // under which it was asked
	later   int                          // how often it says 202 first
	answers map[string]*x509.Certificate // by Idempotency-Key, where it is honoured; else nil
}

const (
	serverKey = 5
	clientKey = 6
)

func newOffice(t testing.TB, repeats bool) *office {
	t.Helper()
	o := &office{
		issuer: pkitest.NewIssuer(t, pki.Lab(), today),
		server: credential(t, serverKey, "est.invalid", nil), client: credential(t, clientKey, "station.invalid", nil),
	}
	if repeats {
		o.answers = map[string]*x509.Certificate{}
	}
	router, err := globalsign.NewRouter(&globalsign.ServerConfig{CA: backend{o}})
	if err != nil {
		t.Fatal(err)
	}
	o.gate = &pkitest.Gate{Server: router}
	o.site = pkitest.NewSite(t, o.gate, &tls.Config{
		Certificates: []tls.Certificate{o.server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool(o.client),
	})
	return o
}

func (o *office) options(dir string) est.Options {
	return est.Options{
		Address:  "https://" + o.site.Address(),
		TLS:      &tls.Config{RootCAs: pool(o.server), Certificates: []tls.Certificate{o.client}},
		Labels:   map[pki.Purpose]string{pki.Signature: "sign", pki.Authentication: "auth"},
		Template: true,
		Record: remote.Config{
			Dir: dir, Hierarchy: pki.Lab(), Now: func() time.Time { return today }, Repeats: o.answers != nil,
			Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		},
	}
}

// open is a client of the office.
func (o *office) open(t testing.TB, dir string) *est.Authority {
	t.Helper()
	a, err := est.Open(t.Context(), o.options(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// failure is globalsign's way to answer with a status.
type failure struct {
	code  int
	after int
}

func (f failure) StatusCode() int { return f.code }
func (f failure) Error() string   { return "山田 is refused\nplainly" }
func (f failure) RetryAfter() int { return f.after }

// backend implements globalsign's CA over the office.
type backend struct{ *office }

func (b backend) CACerts(_ context.Context, _ string, _ *http.Request) ([]*x509.Certificate, error) {
	return b.issuer.CAs(), nil
}

func (b backend) CSRAttrs(context.Context, string, *http.Request) (globalsign.CSRAttrs, error) {
	return globalsign.CSRAttrs{}, nil
}

func (b backend) Enroll(_ context.Context, _ *x509.CertificateRequest, label string, r *http.Request) (*x509.Certificate, error) {
	template, err := base64.StdEncoding.DecodeString(r.Header.Get(est.HeaderTemplate))
	if err != nil {
		return nil, failure{code: http.StatusBadRequest}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.labels = append(b.labels, label)
	if b.later > 0 {
		b.later--
		return nil, failure{code: http.StatusAccepted, after: 7}
	}
	key := r.Header.Get(est.HeaderKey)
	if cert := b.answers[key]; cert != nil {
		return cert, nil
	}
	cert, err := b.issuer.Issue(template)
	if errors.Is(err, pkitest.ErrRefused) {
		return nil, failure{code: http.StatusForbidden}
	}
	if err == nil && b.answers != nil {
		b.answers[key] = cert
	}
	return cert, err
}

// Reenroll renews the client's certificate for its new key.
func (b backend) Reenroll(_ context.Context, old *x509.Certificate, csr *x509.CertificateRequest, _ string, _ *http.Request) (*x509.Certificate, error) {
	c := *old
	c.SerialNumber = new(big.Int).Add(old.SerialNumber, big.NewInt(1))
	c.RawSubject = old.RawSubject
	der, err := x509.CreateCertificate(rand.Reader, &c, b.issuer.CAs()[0], csr.PublicKey, b.issuer.Key())
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (b backend) ServerKeyGen(context.Context, *x509.CertificateRequest, string, *http.Request) (*x509.Certificate, []byte, error) {
	return nil, nil, failure{code: http.StatusNotImplemented}
}

func (b backend) TPMEnroll(context.Context, *x509.CertificateRequest, []*x509.Certificate, []byte, []byte, string, *http.Request) ([]byte, []byte, []byte, error) {
	return nil, nil, nil, failure{code: http.StatusNotImplemented}
}

// TestSuite holds the client to the contract against globalsign's server, both with one
// that honours Idempotency-Key and with one that issues whenever it is asked.
func TestSuite(t *testing.T) {
	for name, repeats := range map[string]bool{"asked once": false, "asked twice": true} {
		t.Run(name, func(t *testing.T) {
			offices := map[pki.Authority]*office{}
			dirs := map[pki.Authority]string{}
			var mu sync.Mutex
			remember := func(a pki.Authority, o *office, dir string) pki.Authority {
				mu.Lock()
				defer mu.Unlock()
				offices[a], dirs[a] = o, dir
				return a
			}
			fresh := func(t testing.TB) (pki.Authority, *office) {
				o, dir := newOffice(t, repeats), dir(t)
				return remember(o.open(t, dir), o, dir), o
			}
			reopen := func(t testing.TB, a pki.Authority) pki.Authority {
				mu.Lock()
				o, dir := offices[a], dirs[a]
				mu.Unlock()
				if err := a.(*est.Authority).Close(); err != nil {
					t.Fatal(err)
				}
				return remember(o.open(t, dir), o, dir)
			}
			pkitest.Run(t, pkitest.Suite{
				Hierarchy: pki.Lab(), Today: today, Reopen: reopen,
				New: func(t testing.TB) pki.Authority { a, _ := fresh(t); return a },
				Afar: func(t testing.TB) pkitest.Afar {
					a, o := fresh(t)
					return pkitest.Afar{
						Authority: a, Issuer: o.issuer, Gate: o.gate, Site: o.site, Repeats: repeats,
						Reopen: func(t testing.TB) pki.Authority { return o.open(t, dirs[a]) },
					}
				},
			})
		})
	}
}

func TestIsNoRevoker(t *testing.T) {
	var a pki.Authority = newOffice(t, false).open(t, dir(t))
	if _, ok := a.(pki.Revoker); ok {
		t.Error("EST has no message that revokes")
	}
}

func request(t *testing.T, id string) pki.Request {
	return pkitest.Request(t, id, pki.Signature, pkitest.NewCard(t, 0), today)
}

// 202 with Retry-After: the same question until patience ends, and on from there after a
// restart, also on a server that does not honour Idempotency-Key.
func TestWaits(t *testing.T) {
	o, dir := newOffice(t, false), dir(t)
	a := o.open(t, dir)
	o.later = 6 // 30 s of patience are four times 7 s
	if _, err := a.Certify(t.Context(), request(t, "job-1")); !errors.Is(err, pki.ErrWaiting) || errors.Is(err, pki.ErrDoubt) {
		t.Fatalf("want ErrWaiting, got %v", err)
	}
	if o.later != 1 {
		t.Errorf("it was asked %d times", 6-o.later)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = o.open(t, dir)
	if _, err := a.Certify(t.Context(), request(t, "job-1")); err != nil {
		t.Fatal(err)
	}
	if n := len(o.issuer.Issued()); n != 1 {
		t.Errorf("%d certificates", n)
	}
}

func TestLabels(t *testing.T) {
	o := newOffice(t, false)
	a := o.open(t, dir(t))
	for _, p := range []pki.Purpose{pki.Authentication, pki.Signature} {
		if _, err := a.Certify(t.Context(), pkitest.Request(t, "job/"+string(p), p, pkitest.NewCard(t, 0), today)); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(o.labels, " "); got != "auth sign" {
		t.Errorf("asked under %q", got)
	}
}

// The other sides that are not the right one, and we to them: nothing goes out, and
// nothing is in doubt.
func TestStrangers(t *testing.T) {
	stranger := credential(t, 4, "stranger.invalid", nil)
	expired := credential(t, clientKey, "station.invalid", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})
	tests := []struct {
		name string
		edit func(c *tls.Config)
		says string
	}{
		{"a server nobody vouches for", func(c *tls.Config) { c.RootCAs = pool(stranger) }, "unknown authority"},
		{"a server of another name", func(c *tls.Config) { c.ServerName = "ca.invalid" }, "ca.invalid"},
		{"an expired certificate of ours", func(c *tls.Config) { c.Certificates = []tls.Certificate{expired} }, "expired certificate"},
		{"a certificate of ours that it does not know", func(c *tls.Config) { c.Certificates = []tls.Certificate{stranger} }, "certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t, false)
			options := o.options(dir(t))
			tt.edit(options.TLS)
			options.Record.Issuers = o.issuer.CAs() // so that the first thing to go out is the request
			a, err := est.Open(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Close() }()
			_, err = a.Certify(t.Context(), request(t, "job-1"))
			if !errors.Is(err, remote.ErrNotSent) || errors.Is(err, pki.ErrDoubt) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("want ErrNotSent saying %q, got %v", tt.says, err)
			}
			if n := o.gate.Passed(); n != 0 {
				t.Errorf("%d requests arrived", n)
			}
		})
	}
}

// Who is asked answers, within the time there is: a redirection is not followed, with which a
// holder's data would go elsewhere.
func TestOneServerAnswersInTime(t *testing.T) {
	o, other := newOffice(t, false), 0
	elsewhere := pkitest.NewSite(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { other++ }), &tls.Config{Certificates: []tls.Certificate{o.server}})
	o.gate.Server = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+elsewhere.Address()+r.URL.Path, http.StatusTemporaryRedirect)
	})
	client, err := est.NewClient("https://"+o.site.Address(), &tls.Config{RootCAs: pool(o.server), Certificates: []tls.Certificate{o.client}}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var refusal *remote.Refusal
	if _, err := client.Enroll(t.Context(), "", request(t, "job-1").CSR, nil); !errors.As(err, &refusal) || other != 0 {
		t.Errorf("want a refusal, got %v; %d requests elsewhere", err, other)
	}
	o.gate.Break(pkitest.Slow)
	hasty, err := est.NewClient("https://"+o.site.Address(), &tls.Config{RootCAs: pool(o.server), Certificates: []tls.Certificate{o.client}}, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hasty.CACerts(t.Context(), ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("want an end of waiting, got %v", err)
	}
}

// Whom the card will be told to trust must itself hold.
func TestIssuersAreJudged(t *testing.T) {
	o := newOffice(t, false)
	options := o.options(dir(t))
	options.Record.Now = func() time.Time { return today.AddDate(11, 0, 0) }
	late, err := est.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = late.Close() }()
	var objection *pki.Objection
	if _, err := late.CA(t.Context(), pki.Signature); !errors.As(err, &objection) {
		t.Errorf("expired CAs: got %v", err)
	}
	options = o.options(dir(t))
	options.Record.Hierarchy = pki.Production()
	other, err := est.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if _, err := other.CA(t.Context(), pki.Signature); !errors.As(err, &objection) || objection.Part != "subject" {
		t.Errorf("CAs of another hierarchy: got %v", err)
	}
}

// The station's own certificate, renewed under a new key by the old one.
func TestReenroll(t *testing.T) {
	o := newOffice(t, false)
	o.client = credential(t, clientKey, "station.invalid", nil)
	ca := o.issuer.CAs()[0]
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "station.invalid"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca, &pkitest.NewCard(t, clientKey).PublicKey, o.issuer.Key())
	if err != nil {
		t.Fatal(err)
	}
	old := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: pkitest.NewCard(t, clientKey).PrivateKey}
	router, err := globalsign.NewRouter(&globalsign.ServerConfig{CA: backend{o}})
	if err != nil {
		t.Fatal(err)
	}
	site := pkitest.NewSite(t, router, &tls.Config{Certificates: []tls.Certificate{o.server}, ClientAuth: tls.RequireAnyClientCert})
	client, err := est.NewClient("https://"+site.Address()+"/.well-known/est/", &tls.Config{RootCAs: pool(o.server), Certificates: []tls.Certificate{old}}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(name string, key int) error {
		csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, pkitest.NewCard(t, key).PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := client.Reenroll(t.Context(), "", csr)
		if err == nil && !pkitest.NewCard(t, key).PublicKey.Equal(cert.PublicKey) {
			t.Error("it is a certificate of another key")
		}
		return err
	}
	if err := ask("station.invalid", 3); err != nil {
		t.Error(err)
	}
	var refusal *remote.Refusal
	if err := ask("another.invalid", 3); !errors.As(err, &refusal) {
		t.Errorf("another name: want a refusal, got %v", err)
	}
}
