package pkitest

import (
	"bytes"
	"context"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// OpenSSLCMP is `openssl cmp` as server. That program answers every request with the one
// certificate that it is started with; so before the first message of each transaction the
// certificate is issued and a program is started for it. Every byte of the protocol is
// openssl's. Any goroutine may use it, one at a time is served.
type OpenSSLCMP struct {
	t      testing.TB
	issuer *Issuer
	dir    string
	args   []string

	mu      sync.Mutex
	servers map[string]http.Handler // by transactionID
	last    http.Handler            // for transactions that issue nothing
	said    sink
}

// NewOpenSSLCMP serves until the test ends; args are further arguments of openssl cmp, such
// as those that protect its messages. The test is passed over where there is no openssl.
func NewOpenSSLCMP(t testing.TB, issuer *Issuer, args ...string) *OpenSSLCMP {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed: apt-get install openssl")
	}
	return &OpenSSLCMP{t: t, issuer: issuer, dir: t.TempDir(), args: args, servers: map[string]http.Handler{}}
}

// Said is what the programs wrote.
func (o *OpenSSLCMP) Said() string { return o.said.String() }

// ServeHTTP implements http.Handler.
func (o *OpenSSLCMP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err == nil {
		var server http.Handler
		if server, err = o.server(body); err == nil {
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			server.ServeHTTP(w, r)
			return
		}
	}
	o.t.Errorf("cannot serve by openssl cmp: %v\n%s", err, o.Said())
	w.WriteHeader(http.StatusInternalServerError)
}

// server is the program of a message's transaction.
func (o *OpenSSLCMP) server(message []byte) (http.Handler, error) {
	transaction, template, err := readCMP(message)
	if err != nil {
		return nil, err
	}
	if s := o.servers[transaction]; s != nil {
		return s, nil
	}
	if template == nil {
		if o.last == nil {
			return nil, errors.New("nothing was issued before")
		}
		return o.last, nil
	}
	cert, err := o.issuer.Issue(template)
	if err != nil {
		return nil, err
	}
	if o.last, err = o.start(cert.Raw); err != nil {
		return nil, err
	}
	o.servers[transaction] = o.last
	return o.last, nil
}

// start runs openssl until the test ends.
func (o *OpenSSLCMP) start(cert []byte) (http.Handler, error) {
	file := filepath.Join(o.dir, "answer.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("openssl", append([]string{
		"cmp", "-config", "", "-port", port, "-rsp_cert", file, "-no_check_time", "-accept_raverified", "-verbosity", "8",
	}, o.args...)...)
	ready := o.said.watch("ACCEPT")
	cmd.Stdout, cmd.Stderr = &o.said, &o.said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	o.t.Cleanup(func() { _ = cmd.Process.Kill(); <-gone })
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	select {
	case <-ready:
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port})
		// openssl ends connections when it likes, which a POST on one that is kept does not survive.
		proxy.Transport = &http.Transport{DisableKeepAlives: true}
		return proxy, nil
	case <-gone:
		return nil, errors.New("openssl cmp ended")
	case <-ctx.Done():
		return nil, errors.New("openssl cmp does not listen")
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// readCMP finds the transactionID in a CMP message, and the CertTemplate where it asks for a
// certificate: in ir, or in generalInfo of p10cr. It shares nothing with the client.
func readCMP(message []byte) (transaction string, template []byte, err error) {
	all, err := elements(message)
	if err != nil || len(all) < 2 {
		return "", nil, errors.New("no CMP message")
	}
	header, body := all[0], all[1]
	fields, err := elements(header.FullBytes)
	if err != nil || len(fields) < 3 {
		return "", nil, errors.New("no CMP header")
	}
	var general []byte
	for _, f := range fields[3:] {
		switch f.Tag {
		case 4:
			transaction = string(f.Bytes)
		case 8:
			general = f.Bytes
		}
	}
	switch body.Tag {
	case 0: // SEQUENCE OF CertReqMsg, of CertRequest, after certReqId
		template, err = within(body.Bytes, 0, 0, 1)
	case 4: // SEQUENCE OF InfoTypeAndValue, the second, its value, a SEQUENCE
		template, err = within(general, 1, 1, 0)
	}
	return transaction, template, err
}

// elements are what stands in a SEQUENCE.
func elements(der []byte) (out []asn1.RawValue, err error) {
	var all asn1.RawValue
	if _, err := asn1.Unmarshal(der, &all); err != nil {
		return nil, err
	}
	for rest := all.Bytes; len(rest) > 0; {
		var one asn1.RawValue
		if rest, err = asn1.Unmarshal(rest, &one); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// within goes down: into a SEQUENCE, to its element of each number in turn.
func within(der []byte, path ...int) ([]byte, error) {
	for _, n := range path {
		all, err := elements(der)
		if err != nil || n >= len(all) {
			return nil, errors.New("no certificate template")
		}
		der = all[n].FullBytes
	}
	return der, nil
}

// sink keeps what programs write.
type sink struct {
	mu    sync.Mutex
	text  bytes.Buffer
	word  string
	from  int
	ready chan struct{}
}

func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.text.Write(b)
	if s.ready != nil && strings.Contains(s.text.String()[s.from:], s.word) {
		close(s.ready)
		s.ready = nil
	}
	return n, err
}

// watch gives a channel that is closed when a word is written from now on.
func (s *sink) watch(word string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.word, s.from, s.ready = word, s.text.Len(), make(chan struct{})
	return s.ready
}

// String is all that was written.
func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
