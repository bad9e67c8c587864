package pkitest

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"jukicard/pki"
)

// Suite is an authority to be tested.
type Suite struct {
	Hierarchy pki.Hierarchy // what it writes into certificates
	Today     time.Time     // a moment at which its CAs are valid, and for four years on

	// New makes an authority that has issued nothing, and closes it with the test.
	New func(t testing.TB) pki.Authority
	// Reopen stops the authority as a crash would and starts it on what it had
	// stored. It is nil for an authority that a test cannot restart.
	Reopen func(t testing.TB, a pki.Authority) pki.Authority
	// Afar makes one with its other side, which can be made to fail; nil for an authority
	// that has no other side.
	Afar func(t testing.TB) Afar
}

// Run holds an authority against the contract of pki.Authority, and of
// pki.Revoker where it is one.
func Run(t *testing.T, s Suite) {
	for _, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		t.Run(string(p), func(t *testing.T) {
			t.Run("issues what was asked", func(t *testing.T) { s.issues(t, p, NewCard(t, 0)) })
			t.Run("issues for the next card", func(t *testing.T) { s.issues(t, p, NewNextCard(t, 0)) })
			t.Run("same id is the same certificate", func(t *testing.T) { s.sameID(t, p) })
			t.Run("same id survives a restart", func(t *testing.T) { s.restart(t, p) })
			t.Run("same id at once is one certificate", func(t *testing.T) { s.concurrent(t, p) })
			t.Run("another id is another certificate", func(t *testing.T) { s.otherID(t, p) })
			t.Run("another key under the id is refused", func(t *testing.T) { s.otherKey(t, p) })
			t.Run("broken requests are refused", func(t *testing.T) { s.broken(t, p) })
			t.Run("a cancelled context issues nothing", func(t *testing.T) { s.cancelled(t, p) })
			t.Run("revokes", func(t *testing.T) { s.revokes(t, p) })
		})
	}
	if s.Afar != nil {
		t.Run("afar", s.afar)
	}
	t.Run("another purpose under the id is refused", s.otherPurpose)
	t.Run("an unknown purpose has no ca", s.unknownPurpose)
	t.Run("an authentication certificate tells nothing of the holder", s.holderless)
}

func certify(t *testing.T, a pki.Authority, r pki.Request) *x509.Certificate {
	t.Helper()
	cert, err := a.Certify(t.Context(), r)
	if err != nil {
		t.Fatalf("Certify: %v", err)
	}
	return cert
}

func (s Suite) ca(t *testing.T, a pki.Authority, p pki.Purpose) *x509.Certificate {
	t.Helper()
	ca, err := a.CA(t.Context(), p)
	if err != nil {
		t.Fatalf("CA: %v", err)
	}
	if err := s.Hierarchy.JudgeCA(ca, p, s.Today); err != nil {
		t.Fatalf("JudgeCA: %v", err)
	}
	return ca
}

func (s Suite) issues(t *testing.T, p pki.Purpose, card Holder) {
	a, r := s.New(t), Request(t, "job-1/"+string(p), p, card, s.Today)
	if err := s.Hierarchy.Judge(certify(t, a, r), r, s.ca(t, a, p)); err != nil {
		t.Error(err)
	}
}

func (s Suite) sameID(t *testing.T, p pki.Purpose) {
	a, r := s.New(t), Request(t, "job-1", p, NewCard(t, 0), s.Today)
	first := certify(t, a, r)
	if again := certify(t, a, r); !bytes.Equal(again.Raw, first.Raw) {
		t.Error("the second answer is another certificate")
	}
	// A card signs the request anew after a crash; key and id are the same.
	anew := Request(t, "job-1", p, NewCard(t, 0), s.Today)
	if again := certify(t, a, anew); !bytes.Equal(again.Raw, first.Raw) {
		t.Error("the answer to a request signed anew is another certificate")
	}
}

func (s Suite) restart(t *testing.T, p pki.Purpose) {
	a := s.New(t)
	if s.Reopen == nil {
		t.Log("this authority cannot be restarted by a test")
		return
	}
	r := Request(t, "job-1", p, NewCard(t, 0), s.Today)
	first, ca := certify(t, a, r), s.ca(t, a, p)
	a = s.Reopen(t, a)
	if again := certify(t, a, r); !bytes.Equal(again.Raw, first.Raw) {
		t.Error("after a restart the answer is another certificate")
	}
	if again := s.ca(t, a, p); !again.Equal(ca) {
		t.Error("after a restart the CA is another one")
	}
	r.CSR = Request(t, "job-1", p, NewCard(t, 1), s.Today).CSR
	if _, err := a.Certify(t.Context(), r); !errors.Is(err, pki.ErrIDTaken) {
		t.Errorf("after a restart another key under the id: want ErrIDTaken, got %v", err)
	}
}

func (s Suite) concurrent(t *testing.T, p pki.Purpose) {
	a, r := s.New(t), Request(t, "job-1", p, NewCard(t, 0), s.Today)
	var (
		wg    sync.WaitGroup
		certs [8]*x509.Certificate
		errs  [len(certs)]error
	)
	for i := range certs {
		wg.Go(func() { certs[i], errs[i] = a.Certify(t.Context(), r) })
	}
	wg.Wait()
	for i := range certs {
		if errs[i] != nil {
			t.Fatalf("caller %d: %v", i, errs[i])
		}
		if !certs[i].Equal(certs[0]) {
			t.Errorf("caller %d got another certificate", i)
		}
	}
}

func (s Suite) otherID(t *testing.T, p pki.Purpose) {
	a := s.New(t)
	serials := map[string]bool{}
	for _, id := range []string{"job-1", "job-2", "JOB-1", "job-1 ", "job-1/サイン"} {
		cert := certify(t, a, Request(t, id, p, NewCard(t, 0), s.Today))
		if serials[cert.SerialNumber.String()] {
			t.Errorf("id %q: serial number repeated", id)
		}
		serials[cert.SerialNumber.String()] = true
	}
}

func (s Suite) otherKey(t *testing.T, p pki.Purpose) {
	a := s.New(t)
	first := certify(t, a, Request(t, "job-1", p, NewCard(t, 0), s.Today))
	if _, err := a.Certify(t.Context(), Request(t, "job-1", p, NewCard(t, 1), s.Today)); !errors.Is(err, pki.ErrIDTaken) {
		t.Errorf("want ErrIDTaken, got %v", err)
	}
	if again := certify(t, a, Request(t, "job-1", p, NewCard(t, 0), s.Today)); !again.Equal(first) {
		t.Error("the refused request changed what the id stands for")
	}
}

func (s Suite) otherPurpose(t *testing.T) {
	a := s.New(t)
	certify(t, a, Request(t, "job-1", pki.Authentication, NewCard(t, 0), s.Today))
	if _, err := a.Certify(t.Context(), Request(t, "job-1", pki.Signature, NewCard(t, 0), s.Today)); !errors.Is(err, pki.ErrIDTaken) {
		t.Errorf("want ErrIDTaken, got %v", err)
	}
}

func (s Suite) unknownPurpose(t *testing.T) {
	if _, err := s.New(t).CA(t.Context(), "encryption"); err == nil {
		t.Error("got a CA for encryption")
	}
}

// broken refuses, says nothing of the holder, and does not use up the id.
func (s Suite) broken(t *testing.T, p pki.Purpose) {
	tests := []struct {
		name  string
		proof bool // must be ErrProof
		edit  func(r *pki.Request)
	}{
		{"no request", true, func(r *pki.Request) { r.CSR = nil }},
		{"signature of another key", true, func(r *pki.Request) { r.CSR = flip(r.CSR, len(r.CSR)-1) }},
		{"altered subject", true, func(r *pki.Request) { r.CSR = flip(r.CSR, bytes.Index(r.CSR, []byte(r.CommonName))) }},
		{"trailing data", true, func(r *pki.Request) { r.CSR = append(bytes.Clone(r.CSR), 0) }},
		{"common name of another request", false, func(r *pki.Request) { r.CommonName = CommonName(t, p, 2) }},
		{"unknown purpose", false, func(r *pki.Request) { r.Purpose = "encryption" }},
		{"no id", false, func(r *pki.Request) { r.ID = "" }},
		{"endless id", false, func(r *pki.Request) { r.ID = strings.Repeat("9", 1000) }},
		{"ends before it begins", false, func(r *pki.Request) { r.NotAfter = pki.EndOfDay(r.NotBefore.AddDate(0, 0, -2)) }},
		{"ends in the middle of a day", false, func(r *pki.Request) { r.NotAfter = r.NotAfter.Add(-time.Hour) }},
		{"outlives the ca", false, func(r *pki.Request) { r.NotAfter = pki.EndOfDay(r.NotAfter.AddDate(20, 0, 0)) }},
	}
	a := s.New(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Request(t, "job-1", p, NewCard(t, 0), s.Today)
			tt.edit(&r)
			_, err := a.Certify(t.Context(), r)
			if err == nil || tt.proof && !errors.Is(err, pki.ErrProof) {
				t.Fatalf("want a refusal (ErrProof: %v), got %v", tt.proof, err)
			}
			discreet(t, err)
		})
	}
	certify(t, a, Request(t, "job-1", p, NewCard(t, 1), s.Today))
}

// discreet says that an error tells nothing of the holder.
func discreet(t *testing.T, err error) {
	t.Helper()
	h := Person()
	for _, value := range []string{h.Name, "山田", h.Address, "見本町", h.Birth, h.City} {
		if strings.Contains(err.Error(), value) {
			t.Errorf("the error tells the holder's data")
		}
	}
}

func flip(b []byte, i int) []byte {
	out := bytes.Clone(b)
	out[i] ^= 1
	return out
}

func (s Suite) cancelled(t *testing.T, p pki.Purpose) {
	a := s.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Certify(ctx, Request(t, "job-1", p, NewCard(t, 0), s.Today)); !errors.Is(err, context.Canceled) {
		t.Errorf("want context.Canceled, got %v", err)
	}
	certify(t, a, Request(t, "job-1", p, NewCard(t, 1), s.Today))
}

func (s Suite) holderless(t *testing.T) {
	a := s.New(t)
	cert := certify(t, a, Request(t, "job-1", pki.Authentication, NewCard(t, 0), s.Today))
	h := Person()
	for _, value := range []string{h.Name, h.Address, h.Birth, h.City, h.Prefecture, h.AddressSubstituted} {
		if bytes.Contains(cert.Raw, []byte(value)) {
			t.Errorf("the certificate contains %q", value)
		}
	}
}

func (s Suite) revokes(t *testing.T, p pki.Purpose) {
	a := s.New(t)
	revoker, ok := a.(pki.Revoker)
	if !ok {
		t.Log("this authority does not revoke")
		return
	}
	r := Request(t, "job-1", p, NewCard(t, 0), s.Today)
	cert := certify(t, a, r)
	steps := []struct {
		name   string
		serial *big.Int
		why    pki.Reason
		want   error
	}{
		{"unknown serial", new(big.Int).Add(cert.SerialNumber, big.NewInt(1)), pki.Superseded, pki.ErrUnknownSerial},
		{"hold", cert.SerialNumber, pki.CertificateHold, nil},
		{"hold again", cert.SerialNumber, pki.CertificateHold, nil},
		{"hold becomes final", cert.SerialNumber, pki.KeyCompromise, nil},
		{"final again", cert.SerialNumber, pki.KeyCompromise, nil},
		{"final is not held", cert.SerialNumber, pki.CertificateHold, pki.ErrRevoked},
		{"final for another reason", cert.SerialNumber, pki.Superseded, pki.ErrRevoked},
	}
	for _, st := range steps {
		if err := revoker.Revoke(t.Context(), st.serial, st.why); !errors.Is(err, st.want) {
			t.Errorf("%s: want %v, got %v", st.name, st.want, err)
		}
	}
	if err := revoker.Revoke(t.Context(), cert.SerialNumber, pki.Reason(8)); err == nil {
		t.Error("removeFromCRL accepted: a hold is never lifted")
	}
	if again := certify(t, a, r); !again.Equal(cert) {
		t.Error("after revocation the id stands for another certificate")
	}
}
