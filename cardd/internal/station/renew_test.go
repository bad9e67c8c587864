package station_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/station"
)

// handIn hands in an order with a person's PINs, its text changed.
func (b *bench) handIn(t *testing.T, name string, change func([]byte) []byte) (string, error) {
	t.Helper()
	wire, p := applicant(t, name)
	wire = change(wire)
	o, err := order.Parse(wire, nil, b.Station.Checks())
	if err != nil {
		t.Fatal(err)
	}
	defer o.Destroy()
	pins, err := order.ParsePINs(p)
	if err != nil {
		t.Fatal(err)
	}
	return b.Station.Submit(t.Context(), o, wire, pins)
}

// respaced changes nothing that is written to a card.
func respaced(wire []byte) []byte {
	return bytes.Replace(wire, []byte(`"security_code": "`), []byte(`"security_code":  "`), 1)
}

// told are the notices about a card, as kind and reason.
func (b *bench) told(t *testing.T, card string) string {
	t.Helper()
	notices, err := b.Journal.NoticesOf(t.Context(), card)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, n := range notices {
		kinds = append(kinds, n.Kind)
	}
	return strings.Join(kinds, " ")
}

// outside has the bench's next daemons tell both parties, who are not there.
func outside(t *testing.T) {
	t.Helper()
	t.Setenv("CARDD_UPSTREAM_MANAGEMENT", "http://127.0.0.1:9")
	t.Setenv("CARDD_UPSTREAM_JPKI", "http://127.0.0.1:9")
}

// TestAFulfilledOrderIsNotFulfilledAgain, nor another under its number; but when its card
// turns out unfit it is put aside, and the order gets a fresh one.
func TestAFulfilledOrderIsNotFulfilledAgain(t *testing.T) {
	outside(t)
	b := newBench(t)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("the job ended %s: %s", j.State, j.Reason)
	}
	first := b.card
	b.desk.Insert(0, blank(t))
	if _, err := b.submit(t, "adult"); failure.CodeOf(err) != failure.StationOrderDone {
		t.Errorf("handed in again: %v", err)
	}
	if _, err := b.handIn(t, "adult", respaced); failure.CodeOf(err) != failure.StationOrderChanged {
		t.Errorf("another under the same number: %v", err)
	}
	if err := b.Station.Abandon(t.Context(), job, "Sato", ""); failure.CodeOf(err) != failure.StationDecision {
		t.Errorf("a finished job was given up: %v", err)
	}
	for _, why := range []string{"番号 １２３４５６７８９０１２", "two\nlines", strings.Repeat("長", 201)} {
		if err := b.Station.PutAside(t.Context(), job, "Sato", why); failure.CodeOf(err) != failure.StationDecision {
			t.Errorf("the reason %q was taken: %v", why, err)
		}
	}
	if err := b.Station.PutAside(t.Context(), job, "Sato", "misprint"); err != nil {
		t.Fatal(err)
	}
	if live, revoked := b.live(t, first); live != 0 || revoked != 2 {
		t.Errorf("%d certificates of the unfit card are valid, %d were taken back", live, revoked)
	}
	if _, err := b.handIn(t, "adult", respaced); failure.CodeOf(err) != failure.StationOrderChanged {
		t.Errorf("another order took the number of one whose card is in quarantine: %v", err)
	}
	b.another(t, first)
	for _, person := range []string{"Sato", "Suzuki"} {
		if err := b.Station.ConfirmDestroyed(t.Context(), job, person); err != nil {
			t.Error(err)
		}
	}
	const want = "issued certificate-issued certificate-issued voided certificate-revoked certificate-revoked destroyed"
	if got := b.told(t, first.ID()); got != want {
		t.Errorf("the parties hear %q, want %q", got, want)
	}
}

// TestACertificateFoundOutLaterIsToldAsRevoked: the authority was asked, the card failed
// before its answer was written down; that there is a certificate is found out when it is
// taken back.
func TestACertificateFoundOutLaterIsToldAsRevoked(t *testing.T) {
	outside(t)
	b := newBench(t)
	stop, ended := context.WithCancel(t.Context())
	b.watched(t, func(e station.Event) {
		if e.Step == "certify jpki/auth-cert" && e.Result == "" {
			ended()
		}
	})
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Station.Run(stop, job) // it asks, and stops
	if err := b.Station.PutAside(t.Context(), job, "Sato", ""); err != nil {
		t.Fatal(err)
	}
	if live, revoked := b.live(t, b.card); live != 0 || revoked == 0 {
		t.Errorf("%d certificates of the card are valid, %d were taken back", live, revoked)
	}
	if got, want := b.told(t, b.card.ID()), "voided"+strings.Repeat(" certificate-revoked", 2); got != want {
		t.Errorf("the parties hear %q, want %q", got, want)
	}
}

// TestAJobGivenUpBeforeItWroteLeavesItsCardFree, and one that wrote does not.
func TestAJobGivenUpBeforeItWroteLeavesItsCardFree(t *testing.T) {
	outside(t)
	b := newBench(t)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	b.restart(t) // held for its PINs, before its card is opened
	if err := b.Station.Abandon(t.Context(), job, "", "moved away"); failure.CodeOf(err) != failure.StationDecision {
		t.Errorf("nobody gave the job up: %v", err)
	}
	if err := b.Station.Abandon(t.Context(), job, "Sato", "moved away"); err != nil {
		t.Fatal(err)
	}
	j := b.job(t, job)
	if j.State != journal.Abandoned || !strings.HasPrefix(j.Reason, string(failure.StationAbandoned)) || !strings.Contains(j.Reason, "moved away") {
		t.Errorf("the job is %s: %s", j.State, j.Reason)
	}
	if _, err := b.Journal.Sealed(t.Context(), job); err == nil {
		t.Error("the order rests on, and nothing needs it any more")
	}
	if q := b.quarantined(t); len(q) != 0 || b.told(t, b.card.ID()) != "" {
		t.Errorf("the quarantine holds %+v, the parties hear %q", q, b.told(t, b.card.ID()))
	}
	b.restart(t) // an ended job stays ended
	next, err := b.submit(t, "under15")
	if err != nil {
		t.Fatalf("the card is not free: %v", err)
	}
	if j := b.run(t, next); j.State != journal.Done {
		t.Fatalf("the next job ended %s: %s", j.State, j.Reason)
	}
	b.desk.Insert(0, blank(t))
	if _, err := b.submit(t, "adult"); err != nil {
		t.Errorf("the order cannot be handed in again: %v", err)
	}
}

// TestAJobGivenUpAfterItWroteSpoilsItsCard.
func TestAJobGivenUpAfterItWroteSpoilsItsCard(t *testing.T) {
	outside(t)
	b := newBench(t)
	card := &trap{Card: b.card, at: 40}
	card.snap = func([]byte) ([]byte, bool) { b.desk.Remove(0); return nil, true }
	b.desk.Insert(0, card)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	card.n, card.armed = 0, true
	if j := b.run(t, job); j.State != journal.Held {
		t.Fatalf("the job is %s: %s", j.State, j.Reason)
	}
	if err := b.Station.Abandon(t.Context(), job, "Sato", "moved away"); err != nil {
		t.Fatal(err)
	}
	if q := b.quarantined(t); len(q) != 1 || q[0].Job != job || q[0].Code != string(failure.CardAside) {
		t.Errorf("the quarantine holds %+v", q)
	}
	if got := b.told(t, b.card.ID()); got != "voided" {
		t.Errorf("the parties hear %q", got)
	}
}
