package api_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"jukicard/cardd/client"
	"jukicard/pki"
	"jukicard/simulator/jukinet"
)

// outside is card management in a test server, told of by the environment before the
// daemon starts.
func outside(t *testing.T) *jukinet.Server {
	t.Helper()
	m, err := jukinet.Open(jukinet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(m)
	t.Cleanup(func() { server.Close(); _ = m.Close() })
	t.Setenv("CARDD_UPSTREAM_MANAGEMENT", server.URL)
	return m
}

// settled waits until something holds outside.
func settled(t *testing.T, holds func() bool) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(end) {
			t.Fatal("it does not come to rest outside")
		}
		<-tick.C
	}
}

func TestCardManagementHearsOfAnIssuedCardAndAllAgree(t *testing.T) {
	m := outside(t)
	s := serve(t, false)
	if err := m.Register(s.card.ID()); err != nil {
		t.Fatal(err)
	}
	if job, _ := s.issue(t, "adult", false); job.State != "done" {
		t.Fatalf("job ended as %+v", job)
	}
	end := time.Now().Add(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		found, err := s.Reconcile(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("they do not agree: %+v", found)
		}
		<-tick.C
	}
	if got := m.Card(s.card.ID()).Status; got != jukinet.Delivered {
		t.Errorf("card management holds the card as %s", got)
	}
}

// TestADifferenceIsListedWithItsRemedy: card management has abolished the card and refuses
// to hear that it is issued. The chip lies in the reader. When a person has looked, the
// notice is released and closed.
func TestADifferenceIsListedWithItsRemedy(t *testing.T) {
	m := outside(t)
	s := serve(t, false)
	if err := errors.Join(m.Register(s.card.ID()), m.Abolish(s.card.ID())); err != nil {
		t.Fatal(err)
	}
	job, _ := s.issue(t, "infant", false)
	if job.State != "done" {
		t.Fatalf("job ended as %+v", job)
	}
	var found []client.Finding
	settled(t, func() bool {
		var err error
		if found, err = s.Reconcile(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		return len(found) > 0 && found[0].Key != ""
	})
	f := found[0]
	if f.About != client.AboutCard || f.Card != s.card.ID() || f.Job != job.ID || f.Terminal != "done" || f.Notice != "refused" || f.Management != "abolished" || f.Chip != "finished" ||
		!f.Presented || f.Code != "UPSTREAM-VOID-CARD" || f.Right != "card management" || f.Text == "" || f.Japanese == "" {
		t.Errorf("finding is %+v", f)
	}
	if len(found) != 2 || found[1].About != client.AboutCertificate || found[1].Code != "UPSTREAM-CERTIFICATE-ABOLISHED" || found[1].Verdict != "act" || found[1].Authority != "valid" {
		t.Errorf("findings are %+v", found)
	}
	_, err := s.Release(t.Context(), "no.such.key", "Sato")
	failed(t, err, "UPSTREAM-NO-NOTICE", 404)
	n, err := s.Release(t.Context(), f.Key, "Sato")
	if err != nil || n.Held || n.State != "refused" || n.Card != f.Card || n.Party != "management" {
		t.Errorf("released it is %+v, %v", n, err)
	}
	_, err = s.Release(t.Context(), f.Key, "Sato")
	failed(t, err, "UPSTREAM-NOT-HELD", 409)
	if _, err := s.Release(t.Context(), f.Key, ""); err == nil {
		t.Error("nobody released it")
	}
	moves, err := s.daemon.Journal.Moves(t.Context(), "management", f.Key)
	if err != nil || moves[len(moves)-1].By != "Sato" || moves[len(moves)-1].Act != "released" {
		t.Errorf("the journal has %+v, %v", moves, err)
	}
	found, err = s.Reconcile(t.Context(), false)
	if err != nil || len(found) != 2 || found[0].Key != "" {
		t.Errorf("afterwards there is %+v, %v", found, err)
	}
}

// TestCertificatesAreComparedWithTheirCards: one that is valid for a void card is taken
// back, one that was revoked for a finished card is told to a person.
func TestCertificatesAreComparedWithTheirCards(t *testing.T) {
	s := serve(t, false)
	job, _ := s.issue(t, "infant", false)
	if job.State != "done" {
		t.Fatalf("job ended as %+v", job)
	}
	s.desk.Remove(0)
	agree := func(want ...string) []client.Finding {
		t.Helper()
		found, err := s.Reconcile(t.Context(), false)
		var got []string
		for _, f := range found {
			got = append(got, f.Code+" "+f.Verdict+" "+f.Right)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("they differ in %q, want %q, %v", got, want, err)
		}
		return found
	}
	agree()
	late := s.certify(t, job)
	agree("UPSTREAM-CERTIFICATE-TWICE alarm nobody knows yet", "UPSTREAM-CERTIFICATE-TWICE alarm nobody knows yet")
	if err := s.daemon.Authority.Revoke(t.Context(), late, pki.Unspecified); err != nil {
		t.Fatal(err)
	}
	found := agree("UPSTREAM-CERTIFICATE-REVOKED act authority")
	if f := found[0]; f.About != client.AboutCertificate || f.Card != job.Card || f.Serial != late.Text(16) || f.Authority != "revoked" || f.Terminal != "done" {
		t.Errorf("finding is %+v", f)
	}
	if _, err := s.PutAside(t.Context(), job.ID, "Sato", "smeared"); err != nil {
		t.Fatal(err)
	}
	agree()
	s.certify(t, job)
	agree("UPSTREAM-CERTIFICATE-LIVE mend terminal")
	if found, err := s.Reconcile(t.Context(), true); err != nil || len(found) != 1 {
		t.Errorf("to be mended there is %+v, %v", found, err)
	}
	agree()
}

// certify has the authority issue a certificate for a job's card that no job knows of.
func (s *served) certify(t *testing.T, job *client.Job) *big.Int {
	t.Helper()
	key, err := rsa.GenerateKey(nil, 2048)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC().Truncate(time.Second)
	r := pki.Request{ID: fmt.Sprintf("late%d/%s/%s", at.UnixNano()+key.N.Int64(), job.Card, pki.Authentication), Purpose: pki.Authentication, NotBefore: at, NotAfter: pki.EndOfDay(at.AddDate(1, 0, 0))}
	random, err := pki.CNRandom(rand.Reader)
	if err == nil {
		r.CommonName, err = pki.AuthenticationCN(random, "99201")
	}
	if err != nil {
		t.Fatal(err)
	}
	r.CSR, err = pki.NewCSR(&key.PublicKey, r.CommonName, func(info []byte) ([]byte, error) { return rsa.SignPKCS1v15(nil, key, 0, info) })
	if err != nil {
		t.Fatal(err)
	}
	cert, err := s.daemon.Authority.Certify(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return cert.SerialNumber
}

// TestTheOtherSideIsReachedByTLSWithACertificateOfOurs, and by nobody without.
func TestTheOtherSideIsReachedByTLSWithACertificateOfOurs(t *testing.T) {
	m, err := jukinet.Open(jukinet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	server := httptest.NewUnstartedServer(m)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	t.Cleanup(func() { server.Close(); _ = m.Close() })
	// The server's own pair shows us too: what it is does not matter, that there is one does.
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for variable, block := range map[string]*pem.Block{
		"CARDD_UPSTREAM_CA_FILE": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "CARDD_UPSTREAM_CERT_FILE": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		"CARDD_UPSTREAM_KEY_FILE": {Type: "PRIVATE KEY", Bytes: key},
	} {
		file := filepath.Join(dir, variable)
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(variable, file)
	}
	t.Setenv("CARDD_UPSTREAM_MANAGEMENT", server.URL)
	s := serve(t, false)
	if job, _ := s.issue(t, "infant", false); job.State != "done" {
		t.Fatalf("job ended as %+v", job)
	}
	settled(t, func() bool { return m.Card(s.card.ID()).Status == jukinet.Delivered })
}
