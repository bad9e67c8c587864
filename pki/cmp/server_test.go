package cmp

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"jukicard/apdu/secret"
	"jukicard/pki"
	"jukicard/pki/pkitest"
	"jukicard/pki/remote"
)

var today = time.Date(2026, 4, 1, 9, 30, 0, 0, pki.JST)

// Which test cards' keys sign for either side.
const (
	serverKey = 5
	clientKey = 6
	rootKey   = 4
)

// dir is a folder in memory where the system has one: the suites commit a thousand times.
func dir(t testing.TB) string {
	t.Helper()
	if info, err := os.Stat("/dev/shm"); err != nil || !info.IsDir() {
		return t.TempDir()
	}
	d, err := os.MkdirTemp("/dev/shm", "cmp-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(d) })
	return d
}

// root vouches for identities.
func root(t testing.TB, key int) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root.invalid"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
		SubjectKeyId: []byte{byte(key), 9, 9, 9},
	}
	return signed(t, c, c, key, key)
}

func signed(t testing.TB, c, parent *x509.Certificate, key, parentKey int) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &pkitest.NewCard(t, key).PublicKey, pkitest.NewCard(t, parentKey).PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// identity is a certificate that signs messages, under the root with a key.
func identity(t testing.TB, key, rootKey int, name string, edit func(c *x509.Certificate)) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(int64(key) + 100), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, SubjectKeyId: []byte{byte(key), 1, 2, 3},
	}
	if edit != nil {
		edit(c)
	}
	return signed(t, c, root(t, rootKey), key, rootKey)
}

func pool(certs ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

// sides are the protections of client and server that fit together.
func sides(t testing.TB, scheme string) (client, server Protection) {
	if scheme == "signature" {
		c, s := identity(t, clientKey, rootKey, "station.invalid", nil), identity(t, serverKey, rootKey, "ca.invalid", nil)
		return Signed{Key: pkitest.NewCard(t, clientKey).PrivateKey, Chain: []*x509.Certificate{c}, Trusted: pool(root(t, rootKey)), Server: "ca.invalid"},
			Signed{Key: pkitest.NewCard(t, serverKey).PrivateKey, Chain: []*x509.Certificate{s}, Trusted: pool(root(t, rootKey)), Server: "station.invalid"}
	}
	p := Shared{Reference: "station-1", Secret: secret.FromString("correct horse battery staple"), MAC: MAC(scheme)}
	return p, p
}

// office is a pkitest.Issuer behind a CMP server of our own: it answers what openssl's
// cannot be made to, and issues what it is asked.
type office struct {
	issuer *pkitest.Issuer
	gate   *pkitest.Gate
	site   *pkitest.Site
	client Protection
	server Protection
	form   Form
	keeps  bool // remembers every transaction

	mu       sync.Mutex
	implicit bool // grants implicit confirmation
	polls    int  // how often it lets the client wait
	waiting  map[string]*message
	kept     map[string]*x509.Certificate
	open     map[string]*x509.Certificate // until confirmed
	after    int64                        // how long it says to wait, in seconds; 0: 7
	always   *x509.Certificate            // issues this, whatever it is asked; nil: what it is asked
	refused  error                        // why it did not believe the last message that it did not
	back     int                          // certificates turned down
	log      []kind
	spoil    func(answer *message)   // before it is protected
	damage   func(der []byte) []byte // after
}

func newOffice(t testing.TB, scheme string, form Form, keeps bool) *office {
	t.Helper()
	o := &office{
		issuer: pkitest.NewIssuer(t, pki.Lab(), today), form: form, keeps: keeps,
		waiting: map[string]*message{}, kept: map[string]*x509.Certificate{}, open: map[string]*x509.Certificate{},
	}
	o.client, o.server = sides(t, scheme)
	o.gate = &pkitest.Gate{Server: o}
	o.site = pkitest.NewSite(t, o.gate, nil)
	return o
}

// options are those of a client of the office.
func (o *office) options(dir string) Options {
	return Options{
		Address: "http://" + o.site.Address() + "/pkix/", Protection: o.client, Form: o.form, Template: true,
		Record: remote.Config{
			Dir: dir, Hierarchy: pki.Lab(), Now: func() time.Time { return today }, Repeats: o.keeps, Issuers: o.issuer.CAs(),
			Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		},
	}
}

func (o *office) connect(t testing.TB, dir string) *Authority {
	t.Helper()
	a, err := Open(t.Context(), o.options(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// ServeHTTP implements http.Handler.
func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	der, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Type") != contentType {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m, err := parse(der)
	if err == nil {
		err = o.server.verify(m)
	}
	if o.refused = err; err != nil { // unprotected, as a server has to where it knows nobody
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write((&message{header: header{sender: directoryName([]byte{0x30, 0}), recipient: directoryName([]byte{0x30, 0})},
			kind: kindError, body: errorBody(statusInfo{status: statusRejection, failInfo: 1 << 1})}).der())
		return
	}
	o.log = append(o.log, m.kind)
	answer := o.answer(m)
	answer.sender, answer.recipient = m.recipient, m.sender
	answer.transaction, answer.recipNonce, answer.senderNonce = m.transaction, m.senderNonce, nonce()
	wants := m
	if first := o.waiting[string(m.transaction)]; first != nil {
		wants = first
	}
	if o.implicit && wants.has(oidImplicitConfirm) {
		answer.general = []information{{oidImplicitConfirm, nil}}
	}
	if o.spoil != nil {
		o.spoil(answer)
	}
	if err := o.server.protect(answer); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	out := answer.der()
	if o.damage != nil {
		out = o.damage(out)
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(out)
}

func errorBody(info statusInfo) []byte {
	return encode(func(b *cryptobyte.Builder) { sequence(b, func(b *cryptobyte.Builder) { addStatus(b, info) }) })
}

func failed(info statusInfo) *message { return &message{kind: kindError, body: errorBody(info)} }

func (o *office) answer(m *message) *message {
	id := string(m.transaction)
	switch m.kind {
	case kindIR, kindP10CR:
		if o.polls > 0 {
			o.waiting[id] = m
			return o.reply(m, statusInfo{status: statusWaiting}, nil)
		}
		return o.issue(m)
	case kindPollReq:
		asked := o.waiting[id]
		if asked == nil {
			return failed(statusInfo{status: statusRejection, failInfo: 1 << 2})
		}
		if o.polls--; o.polls > 0 {
			return &message{kind: kindPollRep, body: pollReply(o.replyID(), cmp.Or(o.after, 7))}
		}
		return o.issue(asked)
	case kindCertConf:
		return o.confirm(m)
	case kindRR:
		return o.revoke(m)
	}
	return failed(statusInfo{status: statusRejection, failInfo: 1 << 2})
}

// pollReply is PollRepContent (RFC 9810, 5.3.22).
func pollReply(id, after int64) []byte {
	return encode(func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) { b.AddASN1Int64(id); b.AddASN1Int64(after) })
		})
	})
}

func (o *office) replyID() int64 {
	if o.form == P10CR {
		return certReqNone
	}
	return certReqID
}

func (o *office) issue(m *message) *message {
	id := string(m.transaction)
	if cert := o.kept[id]; cert != nil {
		return o.reply(m, statusInfo{}, cert)
	}
	cert, err := o.always, error(nil)
	if cert == nil {
		cert, err = o.issuer.Issue(templateOf(m))
	}
	if err != nil {
		return o.reply(m, statusInfo{status: statusRejection, text: "no\nmore 山田", failInfo: 1 << 23}, nil)
	}
	if o.keeps {
		o.kept[id] = cert
	}
	o.open[id] = cert
	return o.reply(m, statusInfo{}, cert)
}

// templateOf finds the CertTemplate in ir or p10cr.
func templateOf(m *message) []byte {
	if m.kind == kindP10CR {
		for _, info := range m.general {
			if info.id.Equal(oidCertReqTemplate) {
				return contents(info.value)
			}
		}
		return nil
	}
	request := contents(contents(contents(m.body)))
	s := cryptobyte.String(request)
	var n int
	if !s.ReadASN1Integer(&n) || n != certReqID {
		return nil
	}
	return s
}

// contents is what stands in a SEQUENCE, or in the first of several.
func contents(der []byte) []byte {
	s := cryptobyte.String(der)
	var inner cryptobyte.String
	s.ReadASN1(&inner, cbasn1.SEQUENCE)
	return inner
}

func (o *office) reply(m *message, info statusInfo, cert *x509.Certificate) *message {
	kind := kindIP
	if m.kind == kindP10CR || o.form == P10CR {
		kind = kindCP
	}
	return &message{kind: kind, body: encode(func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) {
					b.AddASN1Int64(o.replyID())
					addStatus(b, info)
					if cert != nil {
						sequence(b, func(b *cryptobyte.Builder) {
							b.AddASN1(tagged(0), func(b *cryptobyte.Builder) { b.AddBytes(cert.Raw) })
						})
					}
				})
			})
		})
	})}
}

// confirm takes certConf: the hash must be the certificate's.
func (o *office) confirm(m *message) *message {
	var list []struct {
		Hash   []byte
		ID     int
		Status struct {
			Status   int
			Text     []asn1.RawValue `asn1:"optional"`
			FailInfo asn1.BitString  `asn1:"optional"`
		} `asn1:"optional"`
	}
	cert := o.open[string(m.transaction)]
	_, err := asn1.Unmarshal(m.body, &list)
	if err != nil || len(list) != 1 || int64(list[0].ID) != o.replyID() || cert == nil {
		return failed(statusInfo{status: statusRejection, failInfo: 1 << failCertConfirmed})
	}
	if want, err := confirmation(cert, list[0].ID, nil); err != nil || string(contents(contents(want))[:34]) != string(contents(contents(m.body))[:34]) {
		return failed(statusInfo{status: statusRejection, failInfo: 1 << 2})
	}
	if list[0].Status.Status == int(statusRejection) {
		o.back++
		delete(o.kept, string(m.transaction))
	}
	delete(o.open, string(m.transaction))
	return &message{kind: kindPKIConf, body: []byte{5, 0}}
}

func (o *office) revoke(m *message) *message {
	var list []struct {
		Details struct {
			Serial *big.Int      `asn1:"tag:1"`
			Issuer asn1.RawValue `asn1:"tag:3"`
		}
		Entry []pkix.Extension
	}
	info := statusInfo{}
	var why asn1.Enumerated
	_, err := asn1.Unmarshal(m.body, &list)
	if err == nil && len(list) == 1 && len(list[0].Entry) == 1 {
		_, err = asn1.Unmarshal(list[0].Entry[0].Value, &why)
	}
	if err != nil || len(list) != 1 || len(list[0].Entry) != 1 {
		return failed(statusInfo{status: statusRejection, failInfo: 1 << 5})
	}
	switch err := o.issuer.Revoke(list[0].Details.Issuer.Bytes, list[0].Details.Serial, pki.Reason(why)); {
	case errors.Is(err, pki.ErrRevoked):
		info = statusInfo{status: statusRejection, failInfo: 1 << failCertRevoked}
	case errors.Is(err, pki.ErrUnknownSerial):
		info = statusInfo{status: statusRejection, failInfo: 1 << failBadCertID}
	}
	return &message{kind: kindRP, body: encode(func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) { sequence(b, func(b *cryptobyte.Builder) { addStatus(b, info) }) })
	})}
}
