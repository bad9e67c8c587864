package station_test

import (
	"strings"
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/station"
	"jukicard/simulator"
)

// failing puts a card into the bench's reader that answers one command late in the
// issue, when both certificates are made, with a failed memory.
func (b *bench) failing(t *testing.T) *trap {
	t.Helper()
	card := &trap{Card: b.card}
	card.at = commands(t, "adult") - 12
	card.snap = func([]byte) ([]byte, bool) { return []byte{0x65, 0x81}, true }
	b.desk.Remove(0)
	b.desk.Insert(0, card)
	return card
}

// live counts the certificates that stand for a card and are not revoked.
func (b *bench) live(t *testing.T, card *simulator.Card) (live, revoked int) {
	t.Helper()
	all, err := b.Authority.Certificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		switch {
		case !strings.Contains(c.ID, card.ID()):
		case c.Revoked.IsZero():
			live++
		default:
			revoked++
		}
	}
	return live, revoked
}

// TestAFailedCardGoesIntoQuarantine: its certificates are taken back, it is refused from
// then on, two persons confirm its end, and its order is issued on another card.
func TestAFailedCardGoesIntoQuarantine(t *testing.T) {
	b := newBench(t)
	card := b.failing(t)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	card.n, card.armed = 0, true
	if j := b.run(t, job); j.State != journal.Spoiled || !strings.HasPrefix(j.Reason, "CARD-MEMORY") {
		t.Fatalf("the job ended %s: %s", j.State, j.Reason)
	}
	if live, revoked := b.live(t, b.card); live != 0 || revoked != 2 {
		t.Errorf("%d certificates of the failed card are valid, %d were taken back", live, revoked)
	}
	if _, err := b.Journal.Sealed(t.Context(), job); err == nil {
		t.Error("the order rests on, and nothing needs it any more")
	}
	if err := b.Station.Resume(t.Context(), job, false); err != nil {
		t.Fatal(err)
	}
	if j := b.run(t, job); j.State != journal.Spoiled {
		t.Errorf("resumed, the job is %s", j.State)
	}
	if _, err := b.submit(t, "adult"); failure.CodeOf(err) != failure.CardQuarantined {
		t.Errorf("the card was taken again: %v", err)
	}
	b.witness(t, job)
	b.another(t, b.card)
}

// witness has two persons confirm that the card of a job was destroyed.
func (b *bench) witness(t *testing.T, job string) {
	t.Helper()
	for _, row := range []struct {
		person    string
		code      failure.Code
		destroyed bool
	}{{"Sato", "", false}, {"sato", failure.QuarantinePerson, false}, {"Ｓ ato", failure.QuarantinePerson, false}, {"", failure.StationDecision, false}, {"Suzuki", "", true}, {"Suzuki", failure.QuarantinePerson, true}, {"Tanaka", failure.QuarantineClosed, true}} {
		if err := b.Station.ConfirmDestroyed(t.Context(), job, row.person); failure.CodeOf(err) != row.code {
			t.Errorf("%s confirms: %v", row.person, err)
		}
		if q := b.quarantined(t); len(q) != 1 || q[0].Job != job || q[0].Destroyed != row.destroyed || !q[0].Voided || len(q[0].Serials) != 2 {
			t.Errorf("after %s the quarantine holds %+v", row.person, q)
		}
	}
	b.restart(t)
	if q := b.quarantined(t); len(q) != 1 || !q[0].Destroyed || strings.Join(q[0].Witnesses, " ") != "Sato Suzuki" {
		t.Errorf("after a restart the quarantine holds %+v", q)
	}
}

func (b *bench) quarantined(t *testing.T) []station.Quarantine {
	t.Helper()
	q, err := b.Station.Quarantined(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// another issues the order of a failed card on a fresh one.
func (b *bench) another(t *testing.T, failed *simulator.Card) {
	t.Helper()
	fresh := blank(t)
	b.desk.Remove(0)
	b.desk.Insert(0, fresh)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("on a fresh card the job ended %s: %s", j.State, j.Reason)
	}
	if live, _ := b.live(t, failed); live != 0 {
		t.Errorf("%d certificates of the failed card are valid", live)
	}
	if live, revoked := b.live(t, fresh); live != 2 || revoked != 0 {
		t.Errorf("the fresh card has %d certificates, %d taken back", live, revoked)
	}
}

// TestACardPutAside: an operator ends a held job; what was made for it is taken back.
func TestACardPutAside(t *testing.T) {
	b := newBench(t)
	card := &trap{Card: b.card}
	card.at = commands(t, "adult") - 12
	card.snap = func([]byte) ([]byte, bool) { b.desk.Remove(0); return nil, true }
	b.desk.Remove(0)
	b.desk.Insert(0, card)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	card.n, card.armed = 0, true
	if j := b.run(t, job); j.State != journal.Held {
		t.Fatalf("the job ended %s: %s", j.State, j.Reason)
	}
	if err := b.Station.ConfirmDestroyed(t.Context(), job, "Sato"); failure.CodeOf(err) != failure.QuarantineNone {
		t.Errorf("a card in work was confirmed to be destroyed: %v", err)
	}
	if err := b.Station.PutAside(t.Context(), job, "", ""); failure.CodeOf(err) != failure.StationDecision {
		t.Errorf("nobody put the card aside: %v", err)
	}
	if err := b.Station.PutAside(t.Context(), job, "Sato", "割れ"); err != nil {
		t.Fatal(err)
	}
	q := b.quarantined(t)
	if len(q) != 1 || q[0].Code != string(failure.CardAside) || !strings.Contains(q[0].Reason, "割れ") || !q[0].Voided || q[0].Card != b.card.ID() {
		t.Errorf("the quarantine holds %+v", q)
	}
	if live, revoked := b.live(t, b.card); live != 0 || revoked != 2 {
		t.Errorf("%d certificates of the card are valid, %d were taken back", live, revoked)
	}
	if j := b.job(t, job); j.State != string(issue.Spoiled) {
		t.Errorf("the job is %s", j.State)
	}
	b.another(t, b.card)
}

// TestACardInWorkIsTakenForNoOtherOrder, though nothing was written to it yet.
func TestACardInWorkIsTakenForNoOtherOrder(t *testing.T) {
	b := newBench(t)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	b.restart(t) // the PINs are gone: the job is held before it began
	if j := b.job(t, job); j.State != journal.Held {
		t.Fatalf("the job is %s", j.State)
	}
	if _, err := b.submit(t, "under15"); failure.CodeOf(err) != failure.CardInWork {
		t.Errorf("the card was taken: %v", err)
	}
}

// TestANumberReadWrongBindsNoJob: the card's number goes over the line in the clear, and
// a bit of it may fall over.
func TestANumberReadWrongBindsNoJob(t *testing.T) {
	for _, at := range []int{4, 6} {
		b := newBench(t)
		card := &trap{Card: b.card, at: at, armed: true}
		card.snap = func(command []byte) ([]byte, bool) {
			answer := card.Card.Process(command)
			answer[0] ^= 1
			return answer, true
		}
		b.desk.Remove(0)
		b.desk.Insert(0, card)
		if job, err := b.submit(t, "adult"); failure.CodeOf(err) != failure.ReaderLink {
			t.Errorf("at command %d: the card became job %q: %v", at, job, err)
		}
		if _, err := b.submit(t, "adult"); err != nil {
			t.Errorf("read right, the card is refused: %v", err)
		}
	}
}
