package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	globalsign "github.com/globalsign/est"

	"jukicard/apdu/secret"
	"jukicard/pki"
	"jukicard/pki/cmp"
	"jukicard/pki/est"
	"jukicard/pki/remote"
	"jukicard/pki/softca"
)

const (
	tripRuns     = 40
	mockPatience = 30 * time.Second // until openssl listens
)

// measureAuthorities times a certificate's way to each authority and back, under an ID of its
// own each time: what the record costs that no ID has two certificates, and for est and cmp
// TLS or HTTP on this machine. The embedded authority issues each; the servers, globalsign's
// for EST and openssl's for CMP, give one that was issued before, so that their time is not
// an issue's.
func measureAuthorities(ctx context.Context, r *report) error {
	return withDir(func(dir string) error {
		o := &tripOffice{dir: dir}
		if err := o.furnish(ctx); err != nil {
			return err
		}
		defer func() { _ = o.ca.Close() }()
		for _, one := range []struct {
			name string
			open func(ctx context.Context) (a pki.Authority, shut func() error, err error)
		}{{"softca", o.embedded}, {"est", o.openEST}, {"cmp", o.openCMP}} {
			a, shut, err := one.open(ctx)
			if err == nil {
				err = errors.Join(o.trips(ctx, r, one.name, a), shut())
			}
			if err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
		}
		return nil
	})
}

// tripOffice is what the authorities have in common: who issues, what is asked, and the
// answer.
type tripOffice struct {
	dir     string
	ca      *softca.Authority
	issuers []*x509.Certificate
	request pki.Request
	cert    *x509.Certificate
}

func (o *tripOffice) furnish(ctx context.Context) (err error) {
	if o.ca, err = softca.Open(filepath.Join(o.dir, "authority"), softca.Options{}); err != nil {
		return err
	}
	for _, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		cert, err := o.ca.CA(ctx, p)
		if err != nil {
			return err
		}
		o.issuers = append(o.issuers, cert)
	}
	if o.request, err = tripRequest(time.Now()); err != nil {
		return err
	}
	o.cert, err = o.ca.Certify(ctx, o.request)
	return err
}

// tripRequest is one that a card makes, for 利用者証明用.
func tripRequest(now time.Time) (pki.Request, error) {
	key, err := rsa.GenerateKey(nil, 2048)
	if err != nil {
		return pki.Request{}, err
	}
	name, err := pki.AuthenticationCN("BENCH000000000", "99999")
	if err != nil {
		return pki.Request{}, err
	}
	csr, err := pki.NewCSR(&key.PublicKey, name, func(info []byte) ([]byte, error) { return rsa.SignPKCS1v15(nil, key, 0, info) })
	return pki.Request{
		ID: "bench", Purpose: pki.Authentication, CSR: csr, CommonName: name,
		NotBefore: pki.StartOfDay(now), NotAfter: pki.EndOfDay(now.AddDate(5, 0, -1)),
	}, err
}

// trips asks again and again, for another certificate each time.
func (o *tripOffice) trips(ctx context.Context, r *report, name string, a pki.Authority) error {
	n := 0
	took, err := lasting(tripRuns, func() error {
		n++
		q := o.request
		q.ID = fmt.Sprintf("bench-%s-%d", name, n)
		cert, err := a.Certify(ctx, q)
		if err == nil && !bytes.Equal(cert.RawSubjectPublicKeyInfo, o.cert.RawSubjectPublicKeyInfo) {
			err = errors.New("a certificate of another key")
		}
		return err
	})
	if err != nil {
		return err
	}
	r.add("certificate_round_trip_"+name, micro(took)/1e3, "ms", none)
	return nil
}

func (o *tripOffice) embedded(context.Context) (pki.Authority, func() error, error) {
	return o.ca, func() error { return nil }, nil
}

func (o *tripOffice) record(name string) remote.Config {
	return remote.Config{Dir: filepath.Join(o.dir, name), Hierarchy: pki.Lab(), Issuers: o.issuers}
}

// tripCA implements globalsign's CA as far as it is asked.
type tripCA struct {
	globalsign.CA
	cert *x509.Certificate
}

// Enroll gives the certificate there is.
func (c tripCA) Enroll(context.Context, *x509.CertificateRequest, string, *http.Request) (*x509.Certificate, error) {
	return c.cert, nil
}

// openEST serves by globalsign's EST server, with mutual TLS.
func (o *tripOffice) openEST(ctx context.Context) (pki.Authority, func() error, error) {
	router, err := globalsign.NewRouter(&globalsign.ServerConfig{CA: tripCA{cert: o.cert}})
	if err != nil {
		return nil, nil, err
	}
	pair, pool, err := tripCredential()
	if err != nil {
		return nil, nil, err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	})
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{Handler: router, ReadHeaderTimeout: mockPatience, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	a, err := est.Open(ctx, est.Options{
		Address: "https://" + l.Addr().String(), Template: true, Record: o.record("est"),
		TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: []tls.Certificate{pair}},
	})
	shut := func() error { return errors.Join(server.Close(), served(<-done)) }
	if err != nil {
		return nil, nil, errors.Join(err, shut())
	}
	return a, func() error { return errors.Join(a.Close(), shut()) }, nil
}

// served is what a server ended with, where that was not wanted.
func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// tripCredential is a certificate for either side of TLS on this machine, by itself.
func tripCredential() (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench.invalid"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool, nil
}

// openCMP serves by `openssl cmp`, which answers everything with one certificate.
func (o *tripOffice) openCMP(ctx context.Context) (pki.Authority, func() error, error) {
	const reference, shared = "bench", "a secret of this bench alone"
	file := filepath.Join(o.dir, "answer.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.cert.Raw}), 0o600); err != nil {
		return nil, nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	said := &heard{word: "ACCEPT", there: make(chan struct{})}
	cmd := exec.CommandContext(ctx, "openssl", "cmp", "-config", "", "-port", port, "-rsp_cert", file, "-no_check_time",
		"-accept_raverified", "-grant_implicitconf", "-srv_ref", reference, "-srv_secret", "pass:"+shared)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("%w; apt-get install openssl", err)
	}
	shut := func() error {
		err := cmd.Process.Kill()
		_ = cmd.Wait() // it was killed, and says so
		return err
	}
	patience, stop := context.WithTimeout(ctx, mockPatience)
	defer stop()
	select {
	case <-said.there:
	case <-patience.Done():
		return nil, nil, errors.Join(errors.New("openssl cmp does not listen"), shut())
	}
	a, err := cmp.Open(ctx, cmp.Options{
		Address: "http://127.0.0.1:" + port + "/pkix/", Record: o.record("cmp"),
		Protection: cmp.Shared{Reference: reference, Secret: secret.FromString(shared)},
	})
	if err != nil {
		return nil, nil, errors.Join(err, shut())
	}
	return a, func() error { return errors.Join(a.Close(), shut()) }, nil
}

// freePort is one that nobody had a moment ago.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// heard waits for a word in what a program writes.
type heard struct {
	word  string
	there chan struct{} // closed when the word has come

	mu   sync.Mutex
	text strings.Builder
	came bool
}

// Write implements io.Writer.
func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.came {
		return len(b), nil
	}
	_, _ = h.text.Write(b) // a strings.Builder takes everything
	if h.came = strings.Contains(h.text.String(), h.word); h.came {
		close(h.there)
	}
	return len(b), nil
}
