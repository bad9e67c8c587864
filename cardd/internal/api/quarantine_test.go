package api_test

import (
	"errors"
	"testing"

	"jukicard/cardd/client"
	"jukicard/simulator"
	"jukicard/simulator/jukinet"
)

// failed checks an error's code and that it comes with a remedy in both languages.
func failed(t *testing.T, err error, code string, status int) {
	t.Helper()
	var f *client.Failure
	if !errors.As(err, &f) || f.Code != code || f.Status != status || f.Text == "" || f.Japanese == "" {
		t.Errorf("error is %#v, want %s with status %d", err, code, status)
	}
}

// TestAFinishedCardIsPutAsideDestroyedAndMadeAnew through the socket, and card management
// hears of each once.
func TestAFinishedCardIsPutAsideDestroyedAndMadeAnew(t *testing.T) {
	m := outside(t)
	s := serve(t, false)
	first, _ := s.issue(t, "under15", false)
	if first.State != "done" {
		t.Fatalf("job ended as %+v", first)
	}
	if list, err := s.Quarantine(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("the quarantine holds %+v, %v", list, err)
	}
	_, err := s.PutAside(t.Context(), "nobody", "Sato", "smeared")
	failed(t, err, "API-NO-JOB", 404)
	_, err = s.ConfirmDestroyed(t.Context(), first.Card, "Sato")
	failed(t, err, "QUARANTINE-NO-CARD", 404)
	q, err := s.PutAside(t.Context(), first.Card, "Sato", "smeared")
	if err != nil || q.Job != first.ID || q.Card != first.Card || q.Code != "CARD-PUT-ASIDE" || !q.Voided || len(q.Serials) != 1 || q.Destroyed {
		t.Fatalf("put aside it is %+v, %v", q, err)
	}
	for _, row := range []struct{ id, by, code string }{{first.Card, "Sato", ""}, {first.ID, "SATO", "QUARANTINE-SAME-PERSON"}, {first.ID, "Suzuki", ""}, {first.Card, "Tanaka", "QUARANTINE-CLOSED"}} {
		q, err := s.ConfirmDestroyed(t.Context(), row.id, row.by)
		switch {
		case row.code != "":
			failed(t, err, row.code, 409)
		case err != nil || q.Destroyed != (row.by == "Suzuki"):
			t.Errorf("%s confirms: %+v, %v", row.by, q, err)
		}
	}
	fresh, err := simulator.NewBlank(simulator.Options{LabKey: simulator.LabTestKey, Master: simulator.LabTestKey})
	if err != nil {
		t.Fatal(err)
	}
	s.desk.Insert(0, fresh)
	if again, _ := s.issue(t, "under15", false); again.State != "done" || again.Card != fresh.ID() || again.Order != first.Order {
		t.Errorf("on a fresh card the job is %+v", again)
	}
	settled(t, func() bool { return m.Card(first.Card).Destroyed && m.Card(fresh.ID()).Status == jukinet.Delivered })
	if c := m.Counts(); c.Taken != 4 || c.Refused+c.Repeats+c.Disorder != 0 { // issued, voided, destroyed; issued
		t.Errorf("card management counts %+v", c)
	}
}

// TestAJobIsGivenUpThroughTheSocket.
func TestAJobIsGivenUpThroughTheSocket(t *testing.T) {
	s := serve(t, false)
	wire, pins := applicant(t, "infant")
	job, err := s.Issue(t.Context(), wire, pins, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Watch(t.Context(), job.ID, func(client.Event) bool { return true }); err != nil {
		t.Fatal(err)
	}
	_, err = s.Abandon(t.Context(), job.ID, "Sato", "moved away")
	failed(t, err, "STATION-DECISION", 409)
	_, err = s.Abandon(t.Context(), "nobody", "Sato", "moved away")
	failed(t, err, "API-NO-JOB", 404)
	if _, err = s.Abandon(t.Context(), job.ID, "", ""); err == nil {
		t.Error("nobody gave the job up")
	}
}
