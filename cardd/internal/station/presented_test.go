package station_test

import (
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/plan"
)

func TestRequestedFor(t *testing.T) {
	for _, row := range []struct {
		id, order, card, purpose string
		ok                       bool
	}{
		{"LAB-1/0999000000000017/signature", "LAB-1", "0999000000000017", "signature", true},
		{"A/B/0999000000000017/signature", "A/B", "0999000000000017", "signature", true},
		{"/0999000000000017/signature", "", "0999000000000017", "signature", true},
		{"LAB-1//signature", "LAB-1", "", "signature", false},
		{"LAB-1/0999000000000017/", "LAB-1", "0999000000000017", "", false},
		{"LAB-1/signature", "LAB-1", "", "signature", false},
		{"", "", "", "", false},
	} {
		order, card, purpose, ok := station.RequestedFor(row.id)
		if ok != row.ok || ok && (order != row.order || card != row.card || purpose != row.purpose) {
			t.Errorf("%q is for %q %q %q, %v", row.id, order, card, purpose, ok)
		}
	}
}

// TestACardIsLookedAtWhereNobodyHasIt, and left alone where a job does.
func TestACardIsLookedAtWhereNobodyHasIt(t *testing.T) {
	b := newBench(t)
	p, seen, ok := b.Station.Presented(t.Context())
	if !ok || seen.Card != b.card.ID() || seen.LifeCycle != p.Domain.Blank {
		t.Errorf("a blank card shows %+v, %v", seen, ok)
	}
	job, err := b.submit(t, "infant")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := b.Station.Presented(t.Context()); ok {
		t.Error("a card that is kept for its job was looked at")
	}
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("the job ended %s: %s", j.State, j.Reason)
	}
	if p, seen, ok = b.Station.Presented(t.Context()); !ok || seen.LifeCycle != p.Domain.Locked || seen.Objects["jpki/auth-pin"].State != plan.StatePresent {
		t.Errorf("a finished card shows %+v, %v", seen, ok)
	}
	b.desk.Remove(0)
	if _, _, ok := b.Station.Presented(t.Context()); ok {
		t.Error("no card is looked at")
	}
	if err := b.Station.TakeBack(t.Context(), job, "1"); failure.CodeOf(err) != failure.StationDecision {
		t.Errorf("a certificate of a finished card was taken back: %v", err)
	}
}
