package daemon_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	globalsign "github.com/globalsign/est"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// restart closes the daemon and opens it with another configuration.
func (d *desk) restart(t *testing.T, edit func(a *config.Authority)) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	edit(&d.config.Authority)
	d.open(t)
}

// replaying gives its first answer to a request for a certificate for ever.
func replaying(server http.Handler) http.Handler {
	var first *httptest.ResponseRecorder
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			server.ServeHTTP(w, r)
			return
		}
		if first == nil {
			first = httptest.NewRecorder()
			server.ServeHTTP(first, r)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		maps.Copy(w.Header(), first.Header())
		w.WriteHeader(first.Code)
		_, _ = w.Write(first.Body.Bytes())
	})
}

// Each row is an authority that must not be believed, and how that is mended. What becomes of
// the order is told under a code that says what to do, nothing of it reaches the card, and
// when the cause is mended, and the doubt settled where there is one, the same order ends with
// its certificates on the card.
func TestAnAuthorityThatIsNotBelieved(t *testing.T) {
	tests := []struct {
		name string
		open func(t *testing.T) (d *desk, mend func())
		code failure.Code
		says string
	}{
		{"expired CAs", expiredCAs, failure.PKIAuthority, "validity must hold now"},
		{"a server that nobody trusted vouches for", untrustedServer, failure.PKIAuthority, "unknown authority"},
		{"protection by another secret", otherSecret, failure.PKIDoubt, "protection is not that of the authority"},
		{"a replayed answer, by CMP", replays(cmpDesk), failure.PKIDoubt, "belongs to another message"},
		{"a replayed answer, by EST", replays(estDesk), failure.PKIDoubt, "public key must be the one in the request"},
		{"a certificate of another key, by CMP", otherKey(cmpDesk), failure.PKIDoubt, "public key must be the one in the request"},
		{"a certificate of another key, by EST", otherKey(estDesk), failure.PKIDoubt, "public key must be the one in the request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, mend := tt.open(t)
			d.insert(t)
			job, err := d.tried(t)
			said := job.Reason
			var coded *failure.Error
			switch {
			case errors.As(err, &coded): // it was not begun
				said = string(coded.Code) + ": " + err.Error()
			case err != nil || job.State != journal.Held:
				t.Fatalf("the job is %s: %v", job.State, err)
			}
			if !strings.HasPrefix(said, string(tt.code)+":") || !strings.Contains(said, tt.says) {
				t.Errorf("want %s saying %q, got %s", tt.code, tt.says, said)
			}
			if len(d.told) != 0 {
				t.Errorf("%d certificates are on the card", len(d.told))
			}
			mend()
			d.settle(t)
			if job, err = d.tried(t); err != nil || job.State != journal.Done || len(d.told) != 4 { // with those of the two CAs
				t.Errorf("mended, the job is %s: %s, %v; %d certificates on the card", job.State, job.Reason, err, len(d.told))
			}
		})
	}
}

// expiredCAs are those of a server that gets new ones.
func expiredCAs(t *testing.T) (*desk, func()) {
	h := pki.Lab()
	h.Organization = organization
	d := estDeskOf(t, pkitest.NewIssuer(t, h, time.Now().AddDate(-11, 0, 0)), func(*config.Authority) {})
	return d, func() {
		router, err := globalsign.NewRouter(&globalsign.ServerConfig{CA: estCA{issuer: newIssuer(t)}})
		if err != nil {
			t.Fatal(err)
		}
		d.gate.Server = router
	}
}

// untrustedServer has another's certificate configured.
func untrustedServer(t *testing.T) (*desk, func()) {
	var right string
	d := estDeskOf(t, newIssuer(t), func(a *config.Authority) {
		right = a.CAFile
		_, a.CAFile, _ = credential(t, 4, "stranger.invalid")
	})
	return d, func() { d.restart(t, func(a *config.Authority) { a.CAFile = right }) }
}

// otherSecret has a wrong one configured.
func otherSecret(t *testing.T) (*desk, func()) {
	var right string
	d := cmpDeskOf(t, func(a *config.Authority) {
		right = a.CMP.SecretFile
		a.CMP.SecretFile = filepath.Join(t.TempDir(), "other")
		if err := os.WriteFile(a.CMP.SecretFile, []byte("another one"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	return d, func() { d.restart(t, func(a *config.Authority) { a.CMP.SecretFile = right }) }
}

// replays has the first answer given for ever.
func replays(open func(t *testing.T) *desk) func(t *testing.T) (*desk, func()) {
	return func(t *testing.T) (*desk, func()) {
		d := open(t)
		honest := d.gate.Server
		d.gate.Server = replaying(honest)
		return d, func() { d.gate.Server = honest }
	}
}

// otherKey has the key of somebody else certified.
func otherKey(open func(t *testing.T) *desk) func(t *testing.T) (*desk, func()) {
	return func(t *testing.T) (*desk, func()) {
		d := open(t)
		d.issuer.Break(pkitest.WrongKey)
		return d, func() { d.issuer.Break(pkitest.None) }
	}
}

// settle says of every doubt that nothing was issued.
func (d *desk) settle(t *testing.T) {
	t.Helper()
	doubts, err := d.Doubts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range doubts {
		if err := d.Settle(t.Context(), one.ID, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// entries are the serial numbers on a CA's list, with the reasons.
func entries(t *testing.T, d *desk, p pki.Purpose) map[string]int {
	t.Helper()
	der, err := d.Authority.CRL(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, e := range list.RevokedCertificateEntries {
		out[e.SerialNumber.String()] = e.ReasonCode
	}
	return out
}

// The next card, with its certificates of ten years, is issued under CAs on P-384, which are
// on it too; zlint finds no error in any.
func TestIssuesTheNextCardUnderP384(t *testing.T) {
	d := newDesk(t, nil, nil, config.Authority{Kind: config.AuthoritySoftCA, Algorithm: string(pki.P384)})
	next, err := profile.Shared("mynumber-2-draft")
	if err != nil {
		t.Fatal(err)
	}
	d.insertFor(t, "next-adult", next)
	if job := d.submit(t); job.State != journal.Done {
		t.Fatalf("the job ended %s: %s", job.State, job.Reason)
	}
	if len(d.told) != 4 {
		t.Errorf("%d certificates are on the card", len(d.told))
	}
	for name, der := range d.told {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if cert.SignatureAlgorithm != x509.ECDSAWithSHA384 {
			t.Errorf("%s is signed by %v", name, cert.SignatureAlgorithm)
		}
		if years := time.Until(cert.NotAfter).Hours() / 24 / 365; years < 9 {
			t.Errorf("%s ends in %.1f years", name, years)
		}
		lints(t, cert)
	}
}

// A change of what the 署名用 certificate says takes it and leaves 利用者証明用; a suspension
// takes what is left, and a final end both, on the lists of the embedded authority.
func TestEventsTakeCertificatesBack(t *testing.T) {
	d := newDesk(t, nil, nil, config.Authority{Kind: config.AuthoritySoftCA})
	d.config.Authority.Template = false
	job := d.issue(t)
	if job.State != journal.Done {
		t.Fatalf("the job ended %s: %s", job.State, job.Reason)
	}
	all, err := d.Authority.Certificates(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%d certificates, %v", len(all), err)
	}
	serial := map[pki.Purpose]string{}
	for _, c := range all {
		serial[c.Purpose] = c.Serial.String()
	}
	for _, st := range []struct {
		event pki.Event
		taken []pki.Purpose
		signs map[string]int // on the list of 署名用
		auths map[string]int // 〃 of 利用者証明用
	}{
		{pki.AddressChanged, []pki.Purpose{pki.Signature}, map[string]int{serial[pki.Signature]: 3}, map[string]int{}},
		{pki.NameChanged, nil, map[string]int{serial[pki.Signature]: 3}, map[string]int{}},
		{pki.CardSuspended, []pki.Purpose{pki.Authentication}, map[string]int{serial[pki.Signature]: 3}, map[string]int{serial[pki.Authentication]: 6}},
		{pki.CardEnded, []pki.Purpose{pki.Authentication}, map[string]int{serial[pki.Signature]: 3}, map[string]int{serial[pki.Authentication]: 5}},
	} {
		got, err := d.Happened(t.Context(), job.CardID, st.event)
		if err != nil {
			t.Fatalf("%s: %v", st.event, err)
		}
		if !slices.EqualFunc(got, st.taken, func(n *big.Int, p pki.Purpose) bool { return n.String() == serial[p] }) {
			t.Errorf("%s took %v, want %v", st.event, got, st.taken)
		}
		if s, a := entries(t, d, pki.Signature), entries(t, d, pki.Authentication); !maps.Equal(s, st.signs) || !maps.Equal(a, st.auths) {
			t.Errorf("%s: on the lists %v and %v, want %v and %v", st.event, s, a, st.signs, st.auths)
		}
	}
}

// An authority that cannot be told of one certificate is told of the other all the same, and
// what is still valid is named: by EST that is both.
func TestAnEventNamesAllThatItCouldNotTakeBack(t *testing.T) {
	d := estDesk(t)
	job := d.issue(t)
	if job.State != journal.Done {
		t.Fatalf("the job ended %s: %s", job.State, job.Reason)
	}
	taken, err := d.Happened(t.Context(), job.CardID, pki.CardSuspended)
	var refused *failure.Error
	if !errors.As(err, &refused) || refused.Code != failure.PKIAuthority || len(taken) != 0 {
		t.Fatalf("took %v, %v", taken, err)
	}
	for _, cert := range d.issuer.Issued() {
		hexadecimal := strings.ToUpper(cert.SerialNumber.Text(16))
		if !strings.Contains(err.Error(), "revoked "+hexadecimal) {
			t.Errorf("certificate %s is still valid and not named: %v", hexadecimal, err)
		}
		if err := d.RevokedByHand(t.Context(), cert.SerialNumber, pki.CertificateHold); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Happened(t.Context(), job.CardID, pki.CardSuspended); err != nil {
		t.Errorf("done by hand, it is still owed: %v", err)
	}
	if h := pkitest.Person(); bytes.Contains([]byte(err.Error()), []byte(h.Name)) {
		t.Error("the error tells the holder's data")
	}
}
