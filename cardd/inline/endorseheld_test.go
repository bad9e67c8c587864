package inline

import (
	"strings"
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/printer"
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
	if err := s.station().TakenOut(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	s.heldInside(t, entry)
	if _, err := s.submit(s.last); err != nil { // its holder enters the PINs again
		t.Fatal(err)
	}
	if err := s.station().TakenOut(t.Context(), issued); err != nil {
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
