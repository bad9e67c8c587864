package api_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

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

func TestADifferenceIsListedWithItsRemedy(t *testing.T) {
	m := outside(t)
	s := serve(t, false)
	if err := m.Register(s.card.ID()); err != nil {
		t.Fatal(err)
	}
	if err := m.Abolish(s.card.ID()); err != nil { // card management has it abolished
		t.Fatal(err)
	}
	if job, _ := s.issue(t, "adult", false); job.State != "done" {
		t.Fatalf("job ended as %+v", job)
	}
	found, err := s.Reconcile(t.Context(), true)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d findings, %v", len(found), err)
	}
	f := found[0]
	if f.Card != s.card.ID() || f.Terminal != "done" || f.Code == "" || f.Text == "" || f.Japanese == "" || f.Right == "" {
		t.Errorf("finding is %+v", f)
	}
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
