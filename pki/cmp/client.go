// Package cmp is a client of the Certificate Management Protocol (RFC 9810, in the
// lightweight profile of RFC 9483) over HTTP (RFC 9811): an authority that certifies and
// revokes.
//
// It speaks ir and p10cr with polling, certConf and implicit confirmation, rr, and error
// messages; messages are protected by a MAC from a shared secret (PasswordBasedMac or
// PBMAC1, RFC 9481, 6.1) or by signatures. An answer is believed when its protection, its
// transactionID, its recipNonce and the kind of its body are right, and never otherwise: what is unprotected
// anybody may have said, and a refusal that is not the authority's would have a request
// asked a second time.
//
// With ir the authority is told everything in a CertTemplate (RFC 4211), and that the
// registration authority, which is cardd, saw the proof of possession (raVerified): a card
// signs a PKCS #10 and not the template. With p10cr the authority gets that PKCS #10 itself
// and checks the proof; the rest it knows from elsewhere, or is told by a CertTemplate in
// generalInfo under id-it-certReqTemplate, which RFC 9480 has for the other direction, so
// that is ours.
//
// The transactionID is made of the request's ID, so that an authority that keeps its
// transactions sees a question that comes twice. Package remote remembers what was asked.
//
// It leaves out: key update (each card's key is new), central key generation, key archival,
// general messages, cross-certification, and protection nested by further authorities.
package cmp

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"jukicard/pki"
	"jukicard/pki/remote"
)

// Form is how a certificate is asked for.
type Form string

// IR is an initialization request, P10CR a PKCS #10 request.
const (
	IR    Form = "ir"
	P10CR Form = "p10cr"
)

// Options are where the authority is and how it is spoken to.
type Options struct {
	Address    string      // http or https, with the path that the authority has for CMP
	TLS        *tls.Config // for https; nil for the system's
	Protection Protection  // Shared or Signed
	Form       Form        // IR when empty
	Template   bool        // with P10CR: send what is wanted beside the PKCS #10
	Timeout    time.Duration

	// Record is where and how requests are remembered; its Line is set here, and its
	// Issuers are needed. Repeats is for an authority that keeps the transactionIDs of all
	// certificates.
	Record remote.Config
}

const (
	timeout     = 30 * time.Second
	contentType = "application/pkixcmp" // RFC 9811, 3.4
	headerMax   = 64 << 10              // bytes of an answer's HTTP header
	clockMax    = 24 * time.Hour        // ours: how far the other side's clock may be from ours
)

// secured is the TLS that is used.
func secured(c *tls.Config) *tls.Config {
	if c == nil {
		c = new(tls.Config)
	}
	c = c.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	return c
}

// Authority is a pki.Authority and pki.Revoker over CMP.
type Authority struct {
	*remote.Authority
	line *line
}

var (
	_ pki.Authority = (*Authority)(nil)
	_ pki.Revoker   = (*Authority)(nil)
)

// Open opens the record of requests and asks nobody anything.
func Open(ctx context.Context, o Options) (*Authority, error) {
	at, err := url.Parse(o.Address)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Hostname() == "" || at.User != nil {
		return nil, errors.New("cannot use the CMP server: its address must be http or https with a host")
	}
	if o.Protection == nil || len(o.Record.Issuers) == 0 {
		return nil, errors.New("cannot use the CMP server: a protection and the CAs' certificates are needed")
	}
	if o.TLS != nil && o.TLS.InsecureSkipVerify { // holders' data go over it
		return nil, errors.New("cannot use the CMP server: TLS must verify who it is")
	}
	if err := o.Protection.check(); err != nil {
		return nil, fmt.Errorf("cannot use the CMP server: %w", err)
	}
	if o.Timeout == 0 {
		o.Timeout = timeout
	}
	if o.Form == "" {
		o.Form = IR
	}
	l := &line{o: o, http: &http.Client{
		// A connection of its own for every exchange: on one that is used again, net/http
		// may send a message twice.
		Transport: &http.Transport{
			TLSClientConfig: secured(o.TLS), DisableKeepAlives: true, DisableCompression: true,
			TLSHandshakeTimeout: o.Timeout, MaxResponseHeaderBytes: headerMax,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	o.Record.Line = l
	a, err := remote.Open(ctx, o.Record)
	if err != nil {
		return nil, err
	}
	return &Authority{a, l}, nil
}

// Revoke implements pki.Revoker, for certificates that were issued through this record.
func (a *Authority) Revoke(ctx context.Context, serial *big.Int, why pki.Reason) error {
	return a.TakeBack(ctx, serial, why, func(issuer *x509.Certificate) error {
		return a.line.revoke(ctx, issuer, serial, why)
	})
}

// line implements remote.Line.
type line struct {
	o    Options
	http *http.Client
}

// token is what goes on with a transaction that an answer has left open.
type token struct {
	Nonce []byte // the other side's last
	ID    int    // certReqId as the other side has it
	First []byte // ours in the message that asked, when it is polled for
}

var (
	// errTransaction: an answer that is not to our message.
	errTransaction = errors.New("the answer belongs to another message")
	errNonce       = errors.New("the answer has no nonce of 16 bytes or more (RFC 9483, 3.5)")
	errClock       = errors.New("the answer was made at another time: set the clocks of both sides")
)

func transaction(id string, attempt int) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "jukicard cmp 1\x00%s\x00%d", id, attempt))
	return sum[:nonceSize] // RFC 9810, 5.1.1: 128 bits
}

func nonce() []byte {
	b := make([]byte, nonceSize)
	_, _ = rand.Read(b) // crypto/rand ends the program rather than fail
	return b
}

// Enroll implements remote.Line.
func (l *line) Enroll(ctx context.Context, q remote.Question) (remote.Reply, error) {
	asks, err := l.question(q)
	if err != nil {
		return remote.Reply{}, fmt.Errorf("%w: %w", remote.ErrNotSent, err)
	}
	answer, err := l.exchange(ctx, asks)
	if err != nil {
		return remote.Reply{}, err
	}
	given := kindIP
	if l.o.Form == P10CR {
		given = kindCP
	}
	switch {
	case answer.kind == given:
		return l.certificate(asks, answer)
	case answer.kind == kindPollRep && asks.kind == kindPollReq:
		id, after, err := parsePollReply(answer.body)
		if err == nil && id != asks.request {
			err = errTransaction
		}
		if err != nil {
			return remote.Reply{}, err
		}
		return remote.Reply{}, wait(asks, answer, id, after)
	case answer.kind == kindError:
		return remote.Reply{}, l.refusal(asks, answer)
	}
	return remote.Reply{}, fmt.Errorf("want a certificate or the like, got a CMP message of kind %d", answer.kind)
}

// question is the message that asks, or that asks on.
func (l *line) question(q remote.Question) (*message, error) {
	ca, err := issuerOf(q.Template)
	if err != nil {
		return nil, err
	}
	m := &message{header: header{recipient: directoryName(ca), transaction: transaction(q.ID, q.Attempt)}}
	if q.Token != nil {
		var t token
		if err := json.Unmarshal(q.Token, &t); err != nil {
			return nil, err
		}
		m.kind, m.body, m.recipNonce = kindPollReq, poll(t.ID), t.Nonce
		m.request, m.first = t.ID, t.First
		return m, nil
	}
	m.general = []information{{oidImplicitConfirm, nil}}
	if l.o.Form == IR {
		m.kind, m.body = kindIR, initialization(q.Template)
		return m, nil
	}
	m.kind, m.body = kindP10CR, q.CSR
	if l.o.Template {
		content := encode(func(b *cryptobyte.Builder) { sequence(b, func(b *cryptobyte.Builder) { b.AddBytes(q.Template) }) })
		m.general = append(m.general, information{oidCertReqTemplate, content})
	}
	return m, nil
}

// issuerOf is the issuer's name in a CertTemplate.
func issuerOf(template []byte) ([]byte, error) {
	s := cryptobyte.String(template)
	var all, issuer cryptobyte.String
	if !s.ReadASN1(&all, 0x30) || !all.ReadASN1(&issuer, tagged(3)) {
		return nil, errors.New("want a CertTemplate with an issuer")
	}
	return issuer, nil
}

// certificate takes ip or cp.
func (l *line) certificate(asks, answer *message) (remote.Reply, error) {
	r, err := parseCertificateReply(answer.body)
	if err != nil {
		return remote.Reply{}, err
	}
	// Old servers, OpenSSL 3.0 among them, answer p10cr with 0 too.
	if r.id != certReqID && (l.o.Form != P10CR || r.id != certReqNone) {
		return remote.Reply{}, errTransaction
	}
	switch r.status.status {
	case statusAccepted, statusGranted: // what was granted the caller judges
	case statusWaiting:
		return remote.Reply{}, wait(asks, answer, r.id, 0)
	case statusRejection:
		return remote.Reply{}, rejected(r.status)
	default:
		return remote.Reply{}, fmt.Errorf("want a certificate, got %v", r.status)
	}
	if r.der == nil {
		return remote.Reply{}, errors.New("want a certificate, got an acceptance without one")
	}
	reply := remote.Reply{DER: r.der}
	if !answer.has(oidImplicitConfirm) {
		reply.Token = encodeToken(token{Nonce: answer.senderNonce, ID: r.id})
	}
	return reply, nil
}

func encodeToken(t token) []byte {
	b, err := json.Marshal(t)
	if err != nil {
		panic("internal error: bytes and a number have a JSON form: " + err.Error())
	}
	return b
}

// wait goes on with the transaction after an answer that is none. To a poll that answer is
// never the one that began the waiting, which somebody may send once more.
func wait(asks, answer *message, id int, after time.Duration) error {
	first := asks.first
	switch {
	case first == nil:
		first = asks.senderNonce
	case !bytes.Equal(answer.recipNonce, asks.senderNonce):
		return errTransaction
	}
	return &remote.Wait{After: after, Token: encodeToken(token{Nonce: answer.senderNonce, ID: id, First: first})}
}

// refusal takes an error message.
func (l *line) refusal(asks, answer *message) error {
	info, err := parseError(answer.body)
	if err != nil {
		return err
	}
	if info.status == statusWaiting { // RFC 9810, 5.3.22: the whole answer comes later
		return wait(asks, answer, certReqNone, 0)
	}
	if asks.kind == kindPollReq { // it refuses the poll; what it has decided comes in ip or cp
		return fmt.Errorf("the authority may issue the certificate that it was asked for before: %v", info)
	}
	return rejected(info)
}

// rejected is what a rejection says of whether there is a certificate: where the authority
// knows the transaction or the request already, or has failed in it, there may be one.
func rejected(info statusInfo) error {
	if info.fails(failInUse) || info.fails(failDuplicate) || info.fails(failSystem) {
		return fmt.Errorf("the authority may have issued a certificate before: %v", info)
	}
	return &remote.Refusal{Why: info.String()}
}

// Confirm implements remote.Line. A certificate that is turned down and whose rejection the
// authority acknowledges is a *remote.Refusal.
func (l *line) Confirm(ctx context.Context, q remote.Question, r remote.Reply, objection error) error {
	if r.Token == nil {
		return nil
	}
	m, err := l.confirmation(q, r, objection)
	if err != nil {
		return err
	}
	answer, err := l.exchange(ctx, m)
	if err != nil {
		return err
	}
	if answer.kind == kindError {
		info, err := parseError(answer.body)
		if err == nil && info.fails(failCertConfirmed) && objection == nil {
			return nil // our first message had arrived
		}
		return errors.Join(fmt.Errorf("the authority does not take the confirmation: %v", info), err)
	}
	if answer.kind != kindPKIConf || !bytes.Equal(answer.body, []byte{0x05, 0x00}) { // NULL: RFC 9810, 5.3.17
		return fmt.Errorf("want pkiConf, got a CMP message of kind %d", answer.kind)
	}
	if objection != nil {
		return &remote.Refusal{Why: "it has its certificate back"}
	}
	return nil
}

func (l *line) confirmation(q remote.Question, r remote.Reply, objection error) (*message, error) {
	var t token
	if err := json.Unmarshal(r.Token, &t); err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(r.DER)
	if err != nil {
		return nil, errors.New("want a certificate to confirm, got something else")
	}
	ca, err := issuerOf(q.Template)
	if err != nil {
		return nil, err
	}
	body, err := confirmation(cert, t.ID, objection)
	return &message{
		header: header{recipient: directoryName(ca), transaction: transaction(q.ID, q.Attempt), recipNonce: t.Nonce},
		kind:   kindCertConf, body: body,
	}, err
}

// Issuers implements remote.Line; they are configured.
func (l *line) Issuers(context.Context) ([]*x509.Certificate, error) { return l.o.Record.Issuers, nil }

// revoke sends rr.
func (l *line) revoke(ctx context.Context, issuer *x509.Certificate, serial *big.Int, why pki.Reason) error {
	answer, err := l.exchange(ctx, &message{
		header: header{recipient: directoryName(issuer.RawSubject), transaction: nonce()},
		kind:   kindRR, body: revocation(issuer.RawSubject, serial, why),
	})
	if err != nil {
		return err
	}
	var info statusInfo
	switch answer.kind {
	case kindRP:
		info, err = parseRevocationReply(answer.body)
	case kindError:
		info, err = parseError(answer.body)
	default:
		err = fmt.Errorf("want rp, got a CMP message of kind %d", answer.kind)
	}
	switch {
	case err != nil:
		return err
	case answer.kind == kindRP && (info.status == statusAccepted || info.status == statusGranted):
		return nil
	case info.fails(failCertRevoked):
		return pki.ErrRevoked
	case info.fails(failBadCertID):
		return pki.ErrUnknownSerial
	case info.status == statusWaiting:
		return fmt.Errorf("%w: %v", pki.ErrWaiting, info)
	}
	return &remote.Refusal{Why: info.String()}
}

// exchange protects a message, sends it and gives the answer, when it is one to it.
func (l *line) exchange(ctx context.Context, m *message) (*message, error) {
	ctx, stop := context.WithTimeout(ctx, l.o.Timeout)
	defer stop()
	m.senderNonce, m.time = nonce(), time.Now()
	if err := l.o.Protection.protect(m); err != nil {
		return nil, fmt.Errorf("%w: %w", remote.ErrNotSent, err)
	}
	der, err := l.send(ctx, m.der())
	if err != nil {
		return nil, err
	}
	answer, err := parse(der)
	if err != nil {
		return nil, err
	}
	if err := l.o.Protection.verify(answer); err != nil {
		return nil, err
	}
	return answer, m.answeredBy(answer)
}

// answeredBy says whether a message whose protection is right answers m, and now (RFC 9483,
// 3.5). What comes at last, after it was polled for, may name the nonce of the message that
// asked instead of that of the last poll (RFC 9483, 4.4).
func (m *message) answeredBy(answer *message) error {
	last := m.first != nil && answer.kind != kindPollRep && bytes.Equal(answer.recipNonce, m.first)
	switch {
	case !bytes.Equal(answer.transaction, m.transaction), !bytes.Equal(answer.recipNonce, m.senderNonce) && !last:
		return errTransaction
	case len(answer.senderNonce) < nonceSize:
		return errNonce
	case !answer.time.IsZero() && answer.time.Sub(m.time).Abs() > clockMax:
		return errClock
	}
	return nil
}

// send carries one message there and one back (RFC 9811, 3). What HTTP itself says is
// nobody's word, so no status is a refusal.
func (l *line) send(ctx context.Context, der []byte) ([]byte, error) {
	var sent atomic.Bool // a connection was there, so something may have gone out
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.o.Address, bytes.NewReader(der))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", remote.ErrNotSent, err)
	}
	r.Header.Set("Content-Type", contentType)
	answer, err := l.http.Do(r)
	if err != nil {
		return nil, remote.NotSent(sent.Load(), err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, messageMax+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	// RFC 9811, 3.3: an error message may come with an HTTP status of error.
	if kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type")); err != nil || kind != contentType {
		return nil, fmt.Errorf("want an answer of %s, got another type with HTTP status %d", contentType, answer.StatusCode)
	}
	return body, nil
}
