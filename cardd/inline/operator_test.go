package inline

import (
	"context"
	"strings"
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/station"
	"jukicard/simulator"
	"jukicard/simulator/press"
)

// handsMax bounds how often the operator mends one order's card.
const handsMax = 12

// moment is told by the mechanics; it cuts the link where the case says.
func (s *shop) moment(m press.Moment, after bool) {
	if m != s.cutAt || !after {
		return
	}
	if s.cutNth--; s.cutNth == 0 {
		s.unplug()
	}
}

// work is an operator with one order: the job is run, what the station asks for is done,
// and a spoiled card's order is handed in again. It tells how the first job ended.
func (s *shop) work(t *testing.T) (end string) {
	t.Helper()
	return s.workOn(t, s.apply())
}

// workOn is work with an application that is written already.
func (s *shop) workOn(t *testing.T, a application) (end string) {
	t.Helper()
	for range handsMax {
		id, err := s.submit(a)
		if err != nil {
			s.mend(t, string(failure.CodeOf(err)))
			if err := s.station().Emptied(); err != nil {
				t.Fatal(err)
			}
			if s.holder != nil && failure.CodeOf(err) == failure.PrinterJam {
				s.layBack(holders.number)
			}
			continue
		}
		state := s.finish(t, id)
		if end == "" {
			end = state
		}
		if state == journal.Done || state == journal.Abandoned {
			return end
		}
	}
	t.Fatalf("after %d tries the order has no card", handsMax)
	return end
}

// finish runs a job to its end, and does by hand what it asks for.
func (s *shop) finish(t *testing.T, id string) string {
	t.Helper()
	for range handsMax {
		s.run(t, id)
		j := s.job(id)
		if j.State == journal.Done || j.State == journal.Spoiled || j.State == journal.Abandoned {
			return j.State
		}
		if j.State != journal.Held {
			continue
		}
		code, _, _ := strings.Cut(j.Reason, ":")
		if err := s.decide(t, id, code); err != nil {
			t.Fatalf("%s: %v", j.Reason, err)
		}
	}
	t.Fatalf("job %s has no end: %s", id, s.job(id).Reason)
	return ""
}

// run drives the job; where the case has the daemon die, it dies and starts again.
func (s *shop) run(t *testing.T, id string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s.stop = stop
	err := s.station().Run(ctx, id)
	if s.died {
		s.died = false
		s.restart()
		return
	}
	if err != nil && failure.CodeOf(err) != failure.StationStopped {
		t.Fatal(err)
	}
}

// decide is what the station's code asks of the operator.
func (s *shop) decide(t *testing.T, id, code string) error {
	t.Helper()
	switch failure.Code(code) {
	case failure.PrintDoubt: // a person takes the card out and looks at it
		s.mend(t, code)
		c := s.inked(s.job(id).CardID)
		switch {
		case c == nil:
			return s.station().Resume(t.Context(), id, false)
		case c.Half() && s.job(id).Operation == order.Endorse:
			return s.station().Abandon(t.Context(), id, "山田", "the entry is there in part")
		case c.Half():
			return s.station().PutAside(t.Context(), id, "山田", "the face is printed in part")
		}
		return s.station().Resume(t.Context(), id, true)
	case failure.PrinterJam:
		s.mend(t, code)
		s.layBack(s.job(id).CardID)
		return s.station().TakenOut(t.Context(), id, false)
	case failure.PrinterCardOut, failure.CardOther:
		s.layBack(s.job(id).CardID)
		return s.station().Resume(t.Context(), id, false)
	case failure.StationPIN:
		if _, err := s.submit(s.last); err != nil {
			return err
		}
		return s.station().Resume(t.Context(), id, false)
	}
	s.mend(t, code)
	if j := s.job(id); j.Operation == order.Endorse && strings.Contains(j.Reason, "take out a card") {
		s.press.TakeOut() // and the clerk gives it to its holder
		return s.station().TakenOut(t.Context(), id, false)
	}
	return s.station().Resume(t.Context(), id, false)
}

// mend puts everything at the printer right that a hand can.
func (s *shop) mend(t *testing.T, code string) {
	t.Helper()
	s.press.Cover(false)
	s.press.Hear()
	if !s.press.On() {
		s.press.PowerOn()
	}
	s.plug()
	s.press.SetSupplies(6, 500, 750, false)
	s.press.EmptyReject()
	if failure.Code(code) == failure.PrinterJam {
		s.press.TakeOut()
	}
}

// layBack looks for a card by its number and lays it on the hopper, wherever it is.
func (s *shop) layBack(id string) {
	for _, c := range s.press.Cards() {
		if c.Chip.(*simulator.Card).ID() == id {
			s.press.LayBack(c)
		}
	}
}

// inked is the card of that number, inside or delivered, if ink has come on it.
func (s *shop) inked(id string) *press.Card {
	for _, c := range s.press.Cards() {
		if c.Chip.(*simulator.Card).ID() == id && !c.Blank() {
			return c
		}
	}
	return nil
}

// dieAfter has the daemon die when a stage stands in its journal.
func (s *shop) dieAfter(stage string) { s.death = stage }

// watch is told of every record; it stops the run dead where the case says.
func (s *shop) watch(e station.Event) {
	if s.death == "" || s.stop == nil {
		return
	}
	if all := s.stages(e.Job); len(all) > 0 && all[len(all)-1] == s.death {
		s.death, s.died = "", true
		s.stop()
	}
}
