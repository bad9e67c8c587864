package daemon_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	globalsign "github.com/globalsign/est"
	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/station"
	"jukicard/pki"
	"jukicard/pki/est"
	"jukicard/pki/pkitest"
	"jukicard/pki/softca"
	"jukicard/printer/face"
	"jukicard/simulator"
	"jukicard/simulator/people"
)

const organization = "cardd network laboratory"

// desk is a daemon over a simulated reader, whose authority is over a network.
type desk struct {
	*daemon.Daemon
	issuer *pkitest.Issuer
	gate   *pkitest.Gate
	config *config.Config
	reader *simulator.Desk
	wire   []byte
	pins   []byte
	told   map[string][]byte // what the station says is on the card
}

func quick(t *testing.T) string {
	t.Helper()
	if info, err := os.Stat("/dev/shm"); err != nil || !info.IsDir() {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "daemon-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func newIssuer(t *testing.T) *pkitest.Issuer {
	h := pki.Lab()
	h.Organization = organization
	return pkitest.NewIssuer(t, h, time.Now())
}

// newDesk opens a daemon with an authority as it is configured.
func newDesk(t *testing.T, issuer *pkitest.Issuer, gate *pkitest.Gate, authority config.Authority) *desk {
	t.Helper()
	state := quick(t)
	authority.Dir, authority.Organization, authority.Template = filepath.Join(state, "authority"), organization, true
	d := &desk{
		issuer: issuer, gate: gate, reader: simulator.NewDesk("Reader"), told: map[string][]byte{},
		config: &config.Config{
			Lab: true, StateDir: state, Station: config.Station{Name: "desk"}, Authority: authority,
			Printer: config.Printer{Kind: "none"}, Fonts: config.Fonts{Paths: face.DefaultFontPaths},
		},
	}
	layKeys(t, authority)
	d.open(t)
	return d
}

// madeKeys are the files of an authority's keys, by name: six for every desk would be half of
// what these tests take.
var madeKeys = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "daemon-keys-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // best effort, in the system's temporary directory
	a, err := softca.Open(dir, softca.Options{})
	if err != nil {
		return nil, err
	}
	if err := a.Close(); err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.key"))
	out := map[string][]byte{}
	for _, path := range paths {
		if out[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return out, err
})

// layKeys gives a new authority the keys it would make, but those of CAs of another kind.
func layKeys(t *testing.T, authority config.Authority) {
	t.Helper()
	files, err := madeKeys()
	if err == nil {
		err = os.MkdirAll(authority.Dir, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if authority.Algorithm != "" && strings.HasSuffix(name, "-ca.key") {
			continue
		}
		if err := os.WriteFile(filepath.Join(authority.Dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *desk) open(t *testing.T) {
	t.Helper()
	var err error
	d.Daemon, err = daemon.Open(t.Context(), d.config, daemon.Options{
		Readers: d.reader, Log: slog.New(slog.DiscardHandler),
		Lab: func(_ string, l station.Lab) { d.told = l.Certificates },
	})
	if err != nil {
		t.Fatal(err)
	}
	opened := d.Daemon
	t.Cleanup(func() { _ = opened.Close() })
}

// issue hands in an adult's order, runs it on a new card and gives the job.
func (d *desk) issue(t *testing.T) journal.Job {
	t.Helper()
	d.insert(t)
	return d.submit(t)
}

// insert lays a new card on the reader and an adult's order on the desk.
func (d *desk) insert(t *testing.T) { d.insertFor(t, "adult", nil) }

// insertFor does it for another person, on a card of a generation; nil is today's.
func (d *desk) insertFor(t *testing.T, person string, generation *profile.Card) {
	t.Helper()
	next := 0
	keys := []int{0, 1, 2, 3, 4, 7} // those that nothing else here has
	card, err := simulator.NewBlank(simulator.Options{
		Profile: generation, LabKey: simulator.LabTestKey, Master: simulator.LabTestKey,
		KeyPool: func() *rsa.PrivateKey { next++; return pkitest.NewCard(t, keys[(next-1)%len(keys)]).PrivateKey },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.reader.Insert(0, card)
	dir := t.TempDir()
	p, err := people.Get(person, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if err := people.Write(dir, p); err != nil {
		t.Fatal(err)
	}
	if d.wire, err = order.Inline(dir, p.Order); err != nil {
		t.Fatal(err)
	}
	d.pins = p.PINs
}

// submit hands the order in, again perhaps, with the PINs entered anew, and runs it.
func (d *desk) submit(t *testing.T) journal.Job {
	t.Helper()
	job, err := d.tried(t)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// tried is submit where that may fail.
func (d *desk) tried(t *testing.T) (job journal.Job, err error) {
	t.Helper()
	parsed, err := order.Parse(d.wire, nil, d.Station.Checks())
	if err != nil {
		t.Fatal(err)
	}
	pins, err := order.ParsePINs(d.pins)
	if err != nil {
		t.Fatal(err)
	}
	id, err := d.Station.Submit(t.Context(), parsed, d.wire, pins)
	if err != nil {
		return job, err
	}
	if err := d.Station.Resume(t.Context(), id, false); err != nil {
		return job, err
	}
	if err := d.Station.Run(t.Context(), id); err != nil {
		return job, err
	}
	return d.Journal.Job(t.Context(), id)
}

// resume lets a held job go on.
func (d *desk) resume(t *testing.T, id string) journal.Job {
	t.Helper()
	if err := d.Station.Resume(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	return d.run(t, id)
}

func (d *desk) run(t *testing.T, id string) journal.Job {
	t.Helper()
	if err := d.Station.Run(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	job, err := d.Journal.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// credential is a certificate of this machine for TLS and CMP, signed by itself, in files.
func credential(t *testing.T, key int, name string) (pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	card := pkitest.NewCard(t, key)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(int64(key)), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &card.PublicKey, card.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(card.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = file(t, "CERTIFICATE", der), file(t, "PRIVATE KEY", pkcs8)
	if pair, err = tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	return pair, certFile, keyFile
}

func file(t *testing.T, kind string, ders ...[]byte) string {
	t.Helper()
	var text []byte
	for _, der := range ders {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// estDesk has globalsign's EST server on the other side.
func estDesk(t *testing.T) *desk { return estDeskOf(t, newIssuer(t), func(*config.Authority) {}) }

// estDeskOf is that of an issuer, with something else in the configuration.
func estDeskOf(t *testing.T, issuer *pkitest.Issuer, edit func(a *config.Authority)) *desk {
	t.Helper()
	router, err := globalsign.NewRouter(&globalsign.ServerConfig{CA: estCA{issuer: issuer}})
	if err != nil {
		t.Fatal(err)
	}
	server, serverFile, _ := credential(t, 5, "est.invalid")
	client, clientFile, clientKey := credential(t, 6, "station.invalid")
	clients := x509.NewCertPool()
	clients.AddCert(client.Leaf)
	gate := &pkitest.Gate{Server: router}
	site := pkitest.NewSite(t, gate, &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients})
	authority := config.Authority{
		Kind: config.AuthorityEST, URL: "https://" + site.Address(), CAFile: serverFile, CertFile: clientFile, KeyFile: clientKey,
		EST: config.EST{SignatureLabel: "sign", AuthenticationLabel: "auth"},
	}
	edit(&authority)
	return newDesk(t, issuer, gate, authority)
}

// estCA implements globalsign's CA; what it is not asked for it has not.
type estCA struct {
	globalsign.CA
	issuer *pkitest.Issuer
}

func (c estCA) CACerts(context.Context, string, *http.Request) ([]*x509.Certificate, error) {
	return c.issuer.CAs(), nil
}

func (c estCA) Enroll(_ context.Context, _ *x509.CertificateRequest, _ string, r *http.Request) (*x509.Certificate, error) {
	template, err := base64.StdEncoding.DecodeString(r.Header.Get(est.HeaderTemplate))
	if err != nil {
		return nil, err
	}
	return c.issuer.Issue(template)
}

// cmpDesk has openssl's CMP server on the other side.
func cmpDesk(t *testing.T) *desk { return cmpDeskOf(t, func(*config.Authority) {}) }

// cmpDeskOf has something else in the configuration.
func cmpDeskOf(t *testing.T, edit func(a *config.Authority)) *desk {
	t.Helper()
	issuer := newIssuer(t)
	const reference, secret = "station-1", "correct horse battery staple"
	gate := &pkitest.Gate{Server: pkitest.NewOpenSSLCMP(t, issuer, "-srv_ref", reference, "-srv_secret", "pass:"+secret, "-grant_implicitconf")}
	site := pkitest.NewSite(t, gate, nil)
	secretFile := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secretFile, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var cas [][]byte
	for _, c := range issuer.CAs() {
		cas = append(cas, c.Raw)
	}
	authority := config.Authority{
		Kind: config.AuthorityCMP, URL: "http://" + site.Address() + "/pkix/", IssuersFile: file(t, "CERTIFICATE", cas...),
		CMP: config.CMP{Request: "ir", MAC: "pbm", Reference: reference, SecretFile: secretFile},
	}
	edit(&authority)
	return newDesk(t, issuer, gate, authority)
}

var desks = map[string]func(t *testing.T) *desk{"est": estDesk, "cmp": cmpDesk}

// A card is issued end to end, and on it is what the authority afar issued.
func TestIssuesByAnAuthorityAfar(t *testing.T) {
	for kind, open := range desks {
		t.Run(kind, func(t *testing.T) {
			d := open(t)
			if job := d.issue(t); job.State != journal.Done {
				t.Fatalf("the job ended %s: %s", job.State, job.Reason)
			}
			made := d.issuer.Issued()
			if len(made) != 2 {
				t.Fatalf("%d certificates were issued", len(made))
			}
			for _, cert := range made {
				found := false
				for _, der := range d.told {
					found = found || bytes.Equal(der, cert.Raw)
				}
				if !found {
					t.Errorf("certificate %X is not on the card", cert.SerialNumber)
				}
				lints(t, cert)
			}
		})
	}
}

// lints has zlint find no error, by the rules that apply to JPKI (see pki's own test).
func lints(t *testing.T, cert *x509.Certificate) {
	t.Helper()
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{IncludeSources: lint.SourceList{lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.Community}})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := zx509.ParseCertificate(cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, result := range zlint.LintCertificateEx(parsed, registry).Results {
		if result.Status >= lint.Error {
			t.Errorf("%s: %v %s", name, result.Status, result.Details)
		}
	}
}

// A lost answer holds the job under a code of its own; it is not asked anew, not after a
// restart either. What a person finds at the authority ends the doubt, and the job goes on
// with that very certificate.
func TestADoubtIsSettled(t *testing.T) {
	for kind, open := range desks {
		t.Run(kind, func(t *testing.T) {
			d := open(t)
			d.gate.Server = lossy(d.gate.Server)
			job := d.issue(t)
			if job.State != journal.Held || !strings.HasPrefix(job.Reason, string(failure.PKIDoubt)) {
				t.Fatalf("the job is %s: %s", job.State, job.Reason)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d.open(t)
			if job = d.resume(t, job.ID); job.State != journal.Held {
				t.Errorf("asked again the job is %s: %s", job.State, job.Reason)
			}
			made := d.issuer.Issued()
			doubts, err := d.Doubts(t.Context())
			if err != nil || len(doubts) != 1 || len(made) != 1 || doubts[0].Subject != made[0].Subject.CommonName || !bytes.Equal(doubts[0].Key, made[0].SubjectKeyId) {
				t.Fatalf("want the one doubt about the one certificate, got %+v, %v", doubts, err)
			}
			if err := d.Settle(t.Context(), doubts[0].ID, made[0].Raw); err != nil {
				t.Fatal(err)
			}
			// The PINs were in memory alone, so the holder enters them again.
			if job = d.submit(t); job.State != journal.Done {
				t.Fatalf("the job ended %s: %s", job.State, job.Reason)
			}
			if n := len(d.issuer.Issued()); n != 2 {
				t.Errorf("%d certificates were issued", n)
			}
			var refused *failure.Error
			if err := d.Settle(t.Context(), doubts[0].ID, nil); !errors.As(err, &refused) || refused.Code != failure.PKINoDoubt {
				t.Errorf("settled twice: got %v", err)
			}
		})
	}
}

// lossy loses the first answer that is a certificate's.
func lossy(server http.Handler) http.Handler {
	lost := false
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || lost {
			server.ServeHTTP(w, r)
			return
		}
		lost = true
		server.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	})
}

// A certificate that is not what was asked for stays off the card. When the card is given
// up it is taken back: by CMP at once, and with EST when a person says that it was done.
func TestAWrongCertificateIsTakenBack(t *testing.T) {
	for kind, open := range desks {
		t.Run(kind, func(t *testing.T) {
			d := open(t)
			d.issuer.Break(pkitest.WrongValidity)
			job := d.issue(t)
			if job.State != journal.Held || !strings.HasPrefix(job.Reason, string(failure.PKICertificate)) || len(d.told) != 0 {
				t.Fatalf("the job is %s: %s; %d certificates on the card", job.State, job.Reason, len(d.told))
			}
			if err := d.Station.Abandon(t.Context(), job.ID, "山田 花子", "the authority erred"); err != nil {
				t.Fatal(err)
			}
			owing := func() int {
				jobs, err := d.Journal.Owing(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return len(jobs)
			}
			serial := d.issuer.Issued()[0].SerialNumber
			if kind == "est" {
				if owing() != 1 {
					t.Error("a certificate is valid on a card that was given up, and nothing is owed")
				}
				if err := d.RevokedByHand(t.Context(), serial, pki.Unspecified); err != nil {
					t.Fatal(err)
				}
				if err := d.Station.Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if n := owing(); n != 0 {
				t.Errorf("%d jobs still owe a revocation", n)
			}
		})
	}
}
