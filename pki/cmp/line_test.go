package cmp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"jukicard/pki"
	"jukicard/pki/pkitest"
	"jukicard/pki/remote"
)

// atHome lets a certificate be that of a server on this machine.
func atHome(c *x509.Certificate) {
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
}

func pair(t *testing.T, key, rootKey int, edit func(c *x509.Certificate)) tls.Certificate {
	return tls.Certificate{
		Certificate: [][]byte{identity(t, key, rootKey, "127.0.0.1", func(c *x509.Certificate) { atHome(c); edit(c) }).Raw},
		PrivateKey:  pkitest.NewCard(t, key).PrivateKey,
	}
}

// Over TLS the other side is who it must be, and so are we: else nothing goes out, and
// nothing is in doubt.
func TestStrangers(t *testing.T) {
	asItIs := func(*x509.Certificate) {}
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	elsewhere := func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} }
	tests := []struct {
		name           string
		server, client tls.Certificate
		says           string // empty: a certificate
	}{
		{"both right", pair(t, serverKey, rootKey, asItIs), pair(t, clientKey, rootKey, asItIs), ""},
		{"a server nobody vouches for", pair(t, serverKey, 2, asItIs), pair(t, clientKey, rootKey, asItIs), "unknown authority"},
		{"a server of another name", pair(t, serverKey, rootKey, elsewhere), pair(t, clientKey, rootKey, asItIs), "127.0.0.1"},
		{"a server whose certificate has expired", pair(t, serverKey, rootKey, expired), pair(t, clientKey, rootKey, asItIs), "expired"},
		{"an expired certificate of ours", pair(t, serverKey, rootKey, asItIs), pair(t, clientKey, rootKey, expired), "expired certificate"},
		{"a certificate of ours that it does not know", pair(t, serverKey, rootKey, asItIs), pair(t, clientKey, 2, asItIs), "certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t, "pbm", IR, false)
			o.site = pkitest.NewSite(t, o.gate, &tls.Config{
				Certificates: []tls.Certificate{tt.server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool(root(t, rootKey)),
			})
			options := o.options(dir(t))
			options.Address = "https://" + o.site.Address() + "/pkix/"
			options.TLS = &tls.Config{RootCAs: pool(root(t, rootKey)), Certificates: []tls.Certificate{tt.client}}
			a, err := Open(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Close() }()
			_, err = a.Certify(t.Context(), request(t, "job-1"))
			if tt.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, remote.ErrNotSent) || errors.Is(err, pki.ErrDoubt) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("want ErrNotSent saying %q, got %v", tt.says, err)
			}
			if n := o.gate.Passed(); n != 0 {
				t.Errorf("%d messages arrived", n)
			}
		})
	}
}

// Who answers over HTTP is asked and nobody else, for so long and for so much.
func TestHTTP(t *testing.T) {
	other := 0
	tests := []struct {
		name   string
		answer http.HandlerFunc
		says   string
	}{
		{"sent elsewhere", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				other++
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "another type with HTTP status 307"},
		{"a web page", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "another type with HTTP status 403"},
		{"an endless message", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			for b := make([]byte, 64<<10); ; {
				if _, err := w.Write(b); err != nil {
					return
				}
			}
		}, "at most"},
		{"an endless header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 2*headerMax))
		}, "exceed"},
		{"nothing", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // net/http notices a client that goes only after that
			<-r.Context().Done()
		}, "deadline exceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t, "pbm", IR, false)
			o.site = pkitest.NewSite(t, tt.answer, nil)
			options := o.options(dir(t))
			if options.Timeout = time.Minute; tt.name == "nothing" {
				options.Timeout = 100 * time.Millisecond
			}
			a, err := Open(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Close() }()
			if _, err := a.Certify(t.Context(), request(t, "job-1")); !errors.Is(err, pki.ErrDoubt) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("want ErrDoubt saying %q, got %v", tt.says, err)
			}
		})
	}
	if other != 0 {
		t.Errorf("the message went elsewhere %d times", other)
	}
}
