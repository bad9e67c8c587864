package pkitest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"jukicard/pki"
)

// Afar is an authority over a network with everything on the way, to be made to fail.
type Afar struct {
	Authority pki.Authority
	Reopen    func(t testing.TB) pki.Authority // the same after a crash of this side
	Issuer    *Issuer                          // the other side's inside
	Gate      *Gate                            // what passes
	Site      *Site                            // the port
	// Repeats says that the other side, asked the same question twice, issues once.
	Repeats bool
}

// afar holds an authority against every way in which a network and another side fail:
// whatever happens, the ID never has two certificates, nothing that is not the card's own
// by the right CA is given on as good, and after a plain failure it goes on.
func (s Suite) afar(t *testing.T) {
	for _, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		t.Run(string(p), func(t *testing.T) {
			t.Run("unplugged", func(t *testing.T) { s.unplugged(t, p) })
			t.Run("refusing", func(t *testing.T) { s.refusing(t, p) })
			t.Run("slow", func(t *testing.T) { s.doubtful(t, p, Slow, 0) })
			t.Run("ending connections", func(t *testing.T) { s.doubtful(t, p, Down, 0) })
			t.Run("losing its answer", func(t *testing.T) { s.doubtful(t, p, Lost, 1) })
			t.Run("answering what it answered before", func(t *testing.T) { s.strange(t, p, Replays, "public key") })
			for fault, part := range map[Fault]string{
				WrongKey: "public key", WrongName: "subject", WrongValidity: "validity", WrongCA: "signature",
			} {
				t.Run(string(fault), func(t *testing.T) { s.strange(t, p, fault, part) })
			}
		})
	}
}

// unplugged: nothing went out, so nothing is in doubt.
func (s Suite) unplugged(t *testing.T, p pki.Purpose) {
	a := s.Afar(t)
	s.ca(t, a.Authority, p)
	r := Request(t, "job-1", p, NewCard(t, 0), s.Today)
	a.Site.Unplug()
	_, err := a.Authority.Certify(t.Context(), r)
	if err == nil || errors.Is(err, pki.ErrDoubt) {
		t.Errorf("want a failure without doubt, got %v", err)
	}
	a.Site.Plug(t)
	s.goesOn(t, a, r)
}

// refusing: the other side said that it issued nothing.
func (s Suite) refusing(t *testing.T, p pki.Purpose) {
	a, r := s.Afar(t), Request(t, "job-1", p, NewCard(t, 0), s.Today)
	a.Issuer.Break(Refuses)
	for range 2 {
		_, err := a.Authority.Certify(t.Context(), r)
		if err == nil || errors.Is(err, pki.ErrDoubt) {
			t.Errorf("want a refusal without doubt, got %v", err)
		}
		discreet(t, err)
	}
	a.Issuer.Break(None)
	s.goesOn(t, a, r)
}

// goesOn: what failed before now works, and there is one certificate.
func (s Suite) goesOn(t *testing.T, a Afar, r pki.Request) {
	t.Helper()
	cert := certify(t, a.Authority, r)
	if err := s.Hierarchy.Judge(cert, r, s.ca(t, a.Authority, r.Purpose)); err != nil {
		t.Error(err)
	}
	if again := certify(t, a.Reopen(t), r); !again.Equal(cert) {
		t.Error("after a crash it is another certificate")
	}
	if n := len(a.Issuer.Issued()); n != 1 {
		t.Errorf("%d certificates were issued for one request", n)
	}
}

// doubtful: nobody on this side knows what became of the request.
func (s Suite) doubtful(t *testing.T, p pki.Purpose, fault Fault, made int) {
	a, r := s.Afar(t), Request(t, "job-1", p, NewCard(t, 0), s.Today)
	s.ca(t, a.Authority, p)
	a.Gate.Break(fault)
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	_, err := a.Authority.Certify(ctx, r)
	if !errors.Is(err, pki.ErrDoubt) {
		t.Fatalf("want ErrDoubt, got %v", err)
	}
	discreet(t, err)
	if n := len(a.Issuer.Issued()); n != made {
		t.Fatalf("%d certificates were issued, the test wants %d", n, made)
	}
	a.Gate.Break(None)
	if a.Repeats {
		s.goesOn(t, a, r)
		return
	}
	passed := a.Gate.Passed()
	for _, again := range []pki.Authority{a.Authority, a.Reopen(t)} {
		if _, err := again.Certify(t.Context(), r); !errors.Is(err, pki.ErrDoubt) {
			t.Errorf("asked again: want ErrDoubt, got %v", err)
		}
	}
	if n := len(a.Issuer.Issued()); n != made {
		t.Errorf("it was asked anew: %d certificates", n)
	}
	// The CA's own certificates may be fetched again; the request goes out no more.
	if more := a.Gate.Passed() - passed; more > 2 {
		t.Errorf("%d requests went out again", more)
	}
}

// strange: another certificate comes than was asked for. It is not given on as good, and
// for its ID nothing else is.
func (s Suite) strange(t *testing.T, p pki.Purpose, fault Fault, part string) {
	a := s.Afar(t)
	if fault == Replays {
		certify(t, a.Authority, Request(t, "job-0", p, NewCard(t, 2), s.Today))
	}
	a.Issuer.Break(fault)
	r := Request(t, "job-1", p, NewCard(t, 0), s.Today)
	cert, err := a.Authority.Certify(t.Context(), r)
	if err == nil { // its own key by the right CA; the caller judges, and takes it back
		err = s.Hierarchy.Judge(cert, r, s.ca(t, a.Authority, p))
		if again := certify(t, a.Reopen(t), r); !bytes.Equal(again.Raw, cert.Raw) {
			t.Error("asked again it is another certificate")
		}
	}
	var objection *pki.Objection
	if !errors.As(err, &objection) || objection.Part != part {
		t.Fatalf("want an objection to its %s, got %v", part, err)
	}
	discreet(t, err)
}
