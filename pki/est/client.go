// Package est is a client of Enrollment over Secure Transport (RFC 7030, as clarified by
// RFC 8951): an authority over HTTPS with mutual TLS. It speaks cacerts, simpleenroll and
// simplereenroll.
//
// EST has no request IDs, so package remote remembers what was asked; what it takes to
// settle a lost answer is told there. A server that honours the header Idempotency-Key
// (draft-ietf-httpapi-idempotency-key-header), which is always sent, can be asked twice;
// whether one does cannot be seen, so it is configured. EST cannot revoke, so [Authority]
// is no pki.Revoker.
//
// A PKCS #10 that a card signs names the key and the CN and nothing else. An authority that
// does not know the rest from elsewhere, by the CN, is told by the header Cert-Template: the
// CertTemplate of RFC 4211 in DER and base64. That header is ours; EST has no other place
// beside the CSR, and a server that does not know it passes it over.
//
// It leaves out: HTTP authentication, TLS without certificates, csrattrs (what a card's
// request holds is fixed), serverkeygen (a holder's key never leaves the card), and fullcmc.
package est

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"jukicard/pki/remote"
)

const (
	bodyMax    = 1 << 20            // bytes of an answer: sixteen certificates are some 40 kB
	headerMax  = 64 << 10           // bytes of an answer's header
	whyMax     = 200                // bytes of an authority's words
	wellKnown  = "/.well-known/est" // RFC 7030, 3.2.2
	retryMax   = 24 * time.Hour     // longest pause an authority is believed to want
	retryUnset = time.Minute        // where it names none

	typePKCS10 = "application/pkcs10"
	typePKCS7  = "application/pkcs7-mime"
)

// Client speaks to one server. Its methods may be called by several goroutines.
type Client struct {
	base    *url.URL
	http    *http.Client
	timeout time.Duration
}

// NewClient is a client of the server at address, https://host or https://host:port, with
// /.well-known/est behind it or not. secured holds whom to trust (RootCAs) and the client's
// certificate; RFC 7030, 3.3.2 wants TLS 1.1, we 1.2. timeout bounds one exchange.
func NewClient(address string, secured *tls.Config, timeout time.Duration) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(strings.TrimSuffix(address, "/"), wellKnown))
	if err != nil || base.Scheme != "https" || base.Hostname() == "" || base.User != nil || base.RawQuery != "" || base.Path != "" {
		return nil, errors.New("cannot use the EST server: its address must be https://host or https://host:port")
	}
	if secured == nil || len(secured.Certificates) == 0 && secured.GetClientCertificate == nil {
		return nil, errors.New("cannot use the EST server: a client certificate is needed")
	}
	if secured.InsecureSkipVerify { // whoever answers would say which CA to believe: RFC 7030, 3.3.1
		return nil, errors.New("cannot use the EST server: TLS must verify who it is")
	}
	secured = secured.Clone()
	secured.MinVersion = max(secured.MinVersion, tls.VersionTLS12)
	return &Client{base: base, timeout: timeout, http: &http.Client{
		// A connection of its own for every exchange: on one that is used again, net/http
		// may send a request twice.
		Transport: &http.Transport{
			TLSClientConfig: secured, DisableKeepAlives: true, DisableCompression: true,
			TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: headerMax,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// CACerts are the authority's current certificates (RFC 7030, 4.1). label is the additional
// path segment (RFC 7030, 3.2.2), or empty.
func (c *Client) CACerts(ctx context.Context, label string) ([]*x509.Certificate, error) {
	certs, err := c.exchange(ctx, http.MethodGet, label, "cacerts", nil, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot get the authority's certificates: %w", err)
	}
	return certs, nil
}

// Enroll asks for a certificate of a CSR in DER (RFC 7030, 4.2.1). Errors are those of
// remote.Line.
func (c *Client) Enroll(ctx context.Context, label string, csr []byte, header http.Header) ([]*x509.Certificate, error) {
	return c.exchange(ctx, http.MethodPost, label, "simpleenroll", csr, header)
}

// Reenroll renews the certificate by which the client shows itself (RFC 7030, 4.2.2): CSR
// and certificate must have the same subject and alternative name. It is for the station's
// own certificate. A card's is never renewed so: each has a CN of its own.
func (c *Client) Reenroll(ctx context.Context, label string, csr []byte) (*x509.Certificate, error) {
	certs, err := c.exchange(ctx, http.MethodPost, label, "simplereenroll", csr, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot renew the client's certificate: %w", err)
	}
	request, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, errors.New("cannot renew the client's certificate: the request is no PKCS #10")
	}
	cert := ofKey(certs, request.RawSubjectPublicKeyInfo)
	if cert == nil || !bytes.Equal(cert.RawSubject, request.RawSubject) {
		return nil, errors.New("cannot renew the client's certificate: the authority answered with that of another key or name")
	}
	return cert, nil
}

// ofKey finds the certificate of a key among those of a chain.
func ofKey(certs []*x509.Certificate, spki []byte) *x509.Certificate {
	for _, c := range certs {
		if bytes.Equal(c.RawSubjectPublicKeyInfo, spki) {
			return c
		}
	}
	return nil
}

// exchange sends one request and reads one answer.
func (c *Client) exchange(ctx context.Context, method, label, operation string, csr []byte, header http.Header) ([]*x509.Certificate, error) {
	ctx, stop := context.WithTimeout(ctx, c.timeout)
	defer stop()
	var sent atomic.Bool // a connection with its TLS was there, so something may have gone out
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	at := c.base.JoinPath(wellKnown, label, operation)
	r, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader([]byte(base64.StdEncoding.EncodeToString(csr))))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", remote.ErrNotSent, err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if csr != nil {
		r.Header.Set("Content-Type", typePKCS10)
		r.Header.Set("Content-Transfer-Encoding", "base64") // RFC 8951, 3.1 drops it, older servers want it
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, remote.NotSent(sent.Load(), err)
	}
	defer func() { _ = answer.Body.Close() }()
	return read(answer)
}

// read takes an answer (RFC 7030, 4.2.3).
func read(answer *http.Response) ([]*x509.Certificate, error) {
	body, err := io.ReadAll(io.LimitReader(answer.Body, bodyMax+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	switch code := answer.StatusCode; {
	case len(body) > bodyMax:
		return nil, fmt.Errorf("want an answer of at most %d bytes", bodyMax)
	case code == http.StatusOK:
		return readCertificates(answer.Header.Get("Content-Type"), body)
	case code == http.StatusAccepted:
		return nil, &remote.Wait{After: retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	case code == http.StatusServiceUnavailable, code == http.StatusTooManyRequests: // by definition not handled
		return nil, fmt.Errorf("%w: HTTP status %d, %s", remote.ErrNotTaken, code, words(body))
	case code == http.StatusConflict, code == http.StatusUnprocessableEntity:
		// It knows the Idempotency-Key and works on it, or had another question under it
		// (draft-ietf-httpapi-idempotency-key-header, 2.7): there may be a certificate.
		return nil, fmt.Errorf("the authority may have issued a certificate before: HTTP status %d, %s", code, words(body))
	case code >= 300 && code < 500:
		return nil, &remote.Refusal{Why: fmt.Sprintf("HTTP status %d, %s", code, words(body))}
	default:
		return nil, fmt.Errorf("the authority failed with HTTP status %d, %s", code, words(body))
	}
}

func readCertificates(contentType string, body []byte) ([]*x509.Certificate, error) {
	// smime-type=certs-only is wanted by RFC 7030, 4.2.3, and left out by servers for cacerts.
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != typePKCS7 {
		return nil, fmt.Errorf("want an answer of %s, got another type", typePKCS7)
	}
	der, err := decodeBody(body)
	if err != nil {
		return nil, err
	}
	return parseCertsOnly(der)
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3), within bounds.
func retryAfter(value string, now time.Time) time.Duration {
	after := retryUnset
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		after = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		after = at.Sub(now)
	}
	return min(max(after, 0), retryMax)
}

// words are the first printable ASCII of what an authority says, for people.
func words(body []byte) string {
	var b strings.Builder
	for _, c := range string(body[:min(len(body), whyMax)]) {
		if c < ' ' || c > '~' {
			c = ' '
		}
		b.WriteRune(c)
	}
	if said := strings.Join(strings.Fields(b.String()), " "); said != "" {
		return strconv.Quote(said)
	}
	return "without a word"
}
