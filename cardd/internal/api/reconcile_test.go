package api_test

import (
	"net/http/httptest"
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
