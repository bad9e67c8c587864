package est

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"jukicard/pki"
	"jukicard/pki/remote"
)

// Options are where the authority is and how it is spoken to.
type Options struct {
	Address string      // of the server: https://host or https://host:port
	TLS     *tls.Config // whom to trust, and the station's certificate
	// Labels are the additional path segments of the two authorities; empty where there
	// is one path for both.
	Labels map[pki.Purpose]string
	// Template sends what is wanted beside the CSR, in the header Cert-Template.
	Template bool
	Timeout  time.Duration // of one exchange; 30 s when zero

	// Record is where and how requests are remembered; its Line is set here. Repeats is for
	// a server that honours Idempotency-Key.
	Record remote.Config
}

const timeout = 30 * time.Second

// Headers beside those of RFC 7030.
const (
	// HeaderTemplate carries the CertTemplate of RFC 4211 in DER and base64; ours.
	HeaderTemplate = "Cert-Template"
	// HeaderKey is the same for the same question and different for every other
	// (draft-ietf-httpapi-idempotency-key-header, a string of Structured Fields).
	HeaderKey = "Idempotency-Key"
)

// Authority is a pki.Authority over EST. It is no pki.Revoker: the protocol has no such
// message.
type Authority struct{ *remote.Authority }

var _ pki.Authority = (*Authority)(nil)

// Open opens the record of requests and asks nobody anything.
func Open(ctx context.Context, o Options) (*Authority, error) {
	if o.Timeout == 0 {
		o.Timeout = timeout
	}
	client, err := NewClient(o.Address, o.TLS, o.Timeout)
	if err != nil {
		return nil, err
	}
	o.Record.Line = &line{client, o.Labels, o.Template}
	a, err := remote.Open(ctx, o.Record)
	if err != nil {
		return nil, err
	}
	return &Authority{a}, nil
}

// line implements remote.Line.
type line struct {
	client   *Client
	labels   map[pki.Purpose]string
	template bool
}

// Enroll implements remote.Line.
func (l *line) Enroll(ctx context.Context, q remote.Question) (remote.Reply, error) {
	header := http.Header{HeaderKey: {`"` + Key(q.ID, q.Attempt) + `"`}}
	if l.template {
		header.Set(HeaderTemplate, base64.StdEncoding.EncodeToString(q.Template))
	}
	certs, err := l.client.Enroll(ctx, l.labels[q.Purpose], q.CSR, header)
	if err != nil {
		return remote.Reply{}, err
	}
	csr, err := pki.VerifyCSR(q.CSR)
	if err != nil {
		return remote.Reply{}, err
	}
	cert := ofKey(certs, csr.RawSubjectPublicKeyInfo)
	if cert == nil {
		cert = certs[0] // to be objected to
	}
	return remote.Reply{DER: cert.Raw}, nil
}

// Key is the value of HeaderKey for a request: it tells nothing of the request's ID.
func Key(id string, attempt int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "jukicard est 1\x00%s\x00%d", id, attempt))
	return hex.EncodeToString(sum[:])
}

// Confirm implements remote.Line: EST has no confirmation.
func (l *line) Confirm(context.Context, remote.Question, remote.Reply, error) error { return nil }

// Issuers implements remote.Line.
func (l *line) Issuers(ctx context.Context) (all []*x509.Certificate, err error) {
	asked := map[string]bool{}
	for _, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		label := l.labels[p]
		if asked[label] {
			continue
		}
		asked[label] = true
		certs, failed := l.client.CACerts(ctx, label)
		all, err = append(all, certs...), errors.Join(err, failed)
	}
	return all, err
}
