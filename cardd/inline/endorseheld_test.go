package inline

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/printer"
	"jukicard/simulator/press"
)

// TestAnEntryLeavesAnotherJobsCardInside: a card whose chip is written and whose face is
// not printed waits inside for its own job. An order to endorse that comes meanwhile is
// refused, and does not have it delivered.
func TestAnEntryLeavesAnotherJobsCardInside(t *testing.T) {
	s := newShop(t, machines[0])
	s.dieAfter(issue.StageChipWritten)
	id, err := s.submit(s.apply())
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, id)
	s.press.Cover(true)
	s.run(t, id)
	if j := s.job(id); j.State != journal.Held {
		t.Fatalf("job %s: %s", j.State, j.Reason)
	}
	card := s.press.Cards()[0]
	for _, row := range []struct {
		open bool
		code failure.Code
	}{{true, failure.PrinterFault}, {false, failure.CardInWork}} {
		s.press.Cover(row.open)
		if _, err := s.submit(s.entry("0999000000099999", false)); failure.CodeOf(err) != row.code {
			t.Errorf("got %v, want %s", err, row.code)
		}
		if at := s.press.Where(card); at == printer.Output || at == printer.Reject {
			t.Fatalf("cover open %t: the card of job %s is at %v", row.open, id, at)
		}
	}
}

// heldInside has a job's card stand at the chip station while the job is held.
func (s *shop) heldInside(t *testing.T, id string) {
	t.Helper()
	s.dieAfter(issue.StageAtStation)
	s.run(t, id)
	s.press.Cover(true)
	s.run(t, id)
	if j := s.job(id); j.State != journal.Held {
		t.Fatalf("job %s: %s", j.State, j.Reason)
	}
	s.press.Cover(false)
}

// TestAnotherJobLeavesAHoldersCardInside: the card of an entry that is held waits inside.
// Another job that goes on meanwhile, and finds it in place of its own, does not have it
// thrown into the reject bin.
func TestAnotherJobLeavesAHoldersCardInside(t *testing.T) {
	s := openShop(t, machines[0], cardInUse(t))
	entry, err := s.submit(s.entry(holders.number, false))
	if err != nil {
		t.Fatal(err)
	}
	s.heldInside(t, entry)
	card := s.press.TakeOut()
	if err := s.station().Emptied(); err != nil {
		t.Fatal(err)
	}
	issued, err := s.submit(s.apply())
	if err != nil {
		t.Fatal(err)
	}
	s.heldInside(t, issued)
	s.press.TakeOut()
	s.press.LayBack(card)
	if err := s.station().TakenOut(t.Context(), entry, false); err != nil {
		t.Fatal(err)
	}
	s.heldInside(t, entry)
	if _, err := s.submit(s.last); err != nil { // its holder enters the PINs again
		t.Fatal(err)
	}
	if err := s.station().TakenOut(t.Context(), issued, false); err != nil {
		t.Fatal(err)
	}
	s.run(t, issued)
	if at := s.press.Where(card); at != printer.Contact {
		t.Errorf("the holder's card is at %v", at)
	}
	if j := s.job(issued); j.State != journal.Held || !strings.HasPrefix(j.Reason, string(failure.CardOther)) {
		t.Errorf("job %s: %s", j.State, j.Reason)
	}
}

// TestAnEntryGivenUpWaitsForItsCardToLeave: the printer cannot let the holder's card go
// when its job is given up. The job is held until the card is out; no other order throws
// it away meanwhile, and nothing is printed on it any more.
func TestAnEntryGivenUpWaitsForItsCardToLeave(t *testing.T) {
	s := openShop(t, machines[0], cardInUse(t))
	id, err := s.submit(s.entry(holders.number, false))
	if err != nil {
		t.Fatal(err)
	}
	s.heldInside(t, id)
	s.press.Cover(true)
	if err := s.station().Abandon(t.Context(), id, "山田", "the holder left"); err != nil {
		t.Fatal(err)
	}
	s.press.Cover(false)
	if j := s.job(id); j.State != journal.Held || !strings.HasPrefix(j.Reason, string(failure.PrinterFault)) {
		t.Errorf("job %s: %s", j.State, j.Reason)
	}
	if _, err := s.submit(s.apply()); failure.CodeOf(err) != failure.CardInWork {
		t.Errorf("another order: %v", err)
	}
	if at := s.press.Where(s.press.Cards()[0]); at != printer.Contact {
		t.Fatalf("the holder's card is at %v", at)
	}
	if err := s.station().Resume(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	s.run(t, id)
	s.givenBack(t, id)
}

// givenBack: the entry was given up before anything was printed, and the card is out.
func (s *shop) givenBack(t *testing.T, id string) {
	t.Helper()
	if j := s.job(id); j.State != journal.Abandoned || !strings.HasPrefix(j.Reason, string(failure.EntryAbandoned)) {
		t.Errorf("job %s: %s", j.State, j.Reason)
	}
	if c := s.press.Cards()[0]; s.press.Where(c) != printer.Output || !c.Blank() {
		t.Errorf("the card is at %v, without ink: %t", s.press.Where(c), c.Blank())
	}
}

// TestAnEntryGivenUpIsGivenBackByTheNextLife: the daemon is killed when the decision is
// in the journal and nothing more. The job was listed as held, which nobody runs.
func TestAnEntryGivenUpIsGivenBackByTheNextLife(t *testing.T) {
	s := openShop(t, machines[0], cardInUse(t))
	id, err := s.submit(s.entry(holders.number, false))
	if err != nil {
		t.Fatal(err)
	}
	s.heldInside(t, id)
	body, err := json.Marshal(issue.Record{Kind: issue.Ruled, Facts: map[string]string{issue.FactAbandoned: "山田"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Journal.Append(t.Context(), id, journal.Record{Kind: journal.State, Body: body}); err != nil {
		t.Fatal(err)
	}
	s.restart()
	if j := s.job(id); j.State != journal.Running {
		t.Fatalf("it is listed as %s", j.State)
	}
	s.run(t, id)
	s.givenBack(t, id)
}

// TestAnEntryGivenUpDeliversNoOtherCard: the holder's card was taken out without a word,
// and another job's, which is not finished, is inside when the entry is given up.
func TestAnEntryGivenUpDeliversNoOtherCard(t *testing.T) {
	s := openShop(t, machines[0], cardInUse(t))
	id, err := s.submit(s.entry(holders.number, false))
	if err != nil {
		t.Fatal(err)
	}
	s.heldInside(t, id)
	s.press.TakeOut()
	other, err := s.submit(s.apply())
	if err != nil {
		t.Fatal(err)
	}
	s.heldInside(t, other)
	card := s.press.Inside()
	if err := s.station().Abandon(t.Context(), id, "山田", "the holder left"); err != nil {
		t.Fatal(err)
	}
	if at := s.press.Where(card); at != printer.Contact {
		t.Errorf("the card of job %s is at %v", other, at)
	}
	if j := s.job(id); j.State != journal.Held || !strings.HasPrefix(j.Reason, string(failure.CardInWork)) {
		t.Errorf("job %s: %s", j.State, j.Reason)
	}
	if err := s.station().TakenOut(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	s.run(t, id)
	if j := s.job(id); j.State != journal.Abandoned {
		t.Errorf("job %s: %s", j.State, j.Reason)
	}
}

// TestAnEntryWhoseCardIsAwayEndsWithItsReceipt: the card was taken out by hand with its
// entry on it, and its holder has left with it.
func TestAnEntryWhoseCardIsAwayEndsWithItsReceipt(t *testing.T) {
	s := openShop(t, machines[0], cardInUse(t))
	id, err := s.submit(s.entry(holders.number, false))
	if err != nil {
		t.Fatal(err)
	}
	s.dieAfter(issue.StageCommitDone)
	s.run(t, id)
	s.press.Cover(true)
	s.run(t, id)
	s.press.Cover(false)
	s.press.TakeOut()
	if err := s.station().TakenOut(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	if err := s.station().Abandon(t.Context(), id, "山田", "the holder left"); err != nil {
		t.Fatal(err)
	}
	if j := s.job(id); j.State != journal.Done {
		t.Errorf("job %s: %s", j.State, j.Reason)
	}
	if r, err := s.station().Receipt(t.Context(), id); err != nil || r == nil {
		t.Errorf("no receipt: %v", err)
	}
	if how, _ := s.lines(t); how != journal.PanelPrinted {
		t.Errorf("there stands %s", how)
	}
}

// TestPrintedAndTakenOut: a person takes the card out by hand and sees the entry on it.
// Both words reach the station: the card is fed, found and delivered, and nothing more is
// printed on it.
func TestPrintedAndTakenOut(t *testing.T) {
	s := openShop(t, machines[0], cardInUse(t))
	c := s.serve(t)
	id, err := s.submit(s.entry(holders.number, false))
	if err != nil {
		t.Fatal(err)
	}
	s.cutAt, s.cutNth = press.Counting, 1
	s.run(t, id)
	if j := s.job(id); j.State != journal.Held || !strings.HasPrefix(j.Reason, string(failure.PrintDoubt)) {
		t.Fatalf("job %s: %s", j.State, j.Reason)
	}
	s.mend(t, string(failure.PrinterJam))
	card := s.press.Cards()[0]
	s.press.LayBack(card)
	strokes := maps.Clone(card.Side(0).Strokes)
	if _, err := c.TakenOut(t.Context(), id, true); err != nil {
		t.Fatal(err)
	}
	if err := c.Watch(t.Context(), id, func(e client.Event) bool { return e.State == journal.Running }); err != nil {
		t.Fatal(err)
	}
	if j := s.job(id); j.State != journal.Done || s.press.Where(card) != printer.Output {
		t.Errorf("job %s with its card at %v: %s", j.State, s.press.Where(card), j.Reason)
	}
	if !maps.Equal(strokes, card.Side(0).Strokes) {
		t.Errorf("%v was printed after %v", card.Side(0).Strokes, strokes)
	}
}
