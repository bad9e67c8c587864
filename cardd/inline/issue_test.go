package inline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/plan"
	"jukicard/printer"
	"jukicard/reader"
	"jukicard/simulator"
	"jukicard/simulator/press"
)

func stageOf(body []byte) string {
	var rec issue.Record
	if err := json.Unmarshal(body, &rec); err != nil {
		return err.Error()
	}
	return rec.Facts[issue.FactStage]
}

// whole are the stages of a card that meets nothing.
var whole = []string{
	issue.StageFeed, issue.StageAtStation, issue.StageChipWritten, issue.StageAtHead,
	issue.StagePlanesSent, issue.StageCommitSent, issue.StageCommitDone, issue.StageEjected,
}

// TestFromHopperToOutput: two cards in a row, each stage in the journal in its order.
func TestFromHopperToOutput(t *testing.T) {
	for _, m := range append(machines, jobPrinter) {
		t.Run(m.name, func(t *testing.T) {
			s := newShop(t, m)
			for n := range 2 {
				id, err := s.submit(s.apply())
				if err != nil {
					t.Fatal(err)
				}
				if err := s.station().Run(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				if j := s.job(id); j.State != journal.Done || j.CardID != fmt.Sprintf("09990000%08d", n+1) || j.Station != at {
					t.Fatalf("job %s at %q on card %s: %s", j.State, j.Station, j.CardID, j.Reason)
				}
				if got := s.stages(id); !slices.Equal(got, whole) {
					t.Errorf("stages %v", got)
				}
			}
			s.judge(t)
			if n := s.count(printer.Output); n != 2 {
				t.Errorf("%d cards were delivered", n)
			}
		})
	}
}

// count is how many cards are at a place.
func (s *shop) count(at printer.Position) (n int) {
	for _, c := range s.press.Cards() {
		if s.press.Where(c) == at {
			n++
		}
	}
	return n
}

// judge holds every card against what may never be.
func (s *shop) judge(t *testing.T) {
	t.Helper()
	sum.shops++
	for _, c := range s.press.Cards() {
		at, finished := s.press.Where(c), s.finished(t, c)
		sum.cards++
		switch {
		case c.Twice():
			sum.twice++
			t.Errorf("card %d was printed twice", c.Number)
		case at == printer.Output && !finished:
			sum.unwritten++
			t.Errorf("card %d was delivered with an unfinished chip", c.Number)
		case at == printer.Output && (c.Blank() || c.Half()):
			t.Errorf("card %d was delivered without a whole face", c.Number)
		case !c.Blank() && !finished:
			t.Errorf("card %d took ink before its chip was finished", c.Number)
		}
		s.ownFace(t, c)
	}
}

// ownFace: the job of a card that took ink is a job on that very chip.
func (s *shop) ownFace(t *testing.T, c *press.Card) {
	t.Helper()
	if c.Blank() {
		return
	}
	jobs, err := s.Journal.ByCard(t.Context(), c.Chip.(*simulator.Card).ID())
	if err != nil || len(jobs) != 1 {
		t.Errorf("card %d took ink in %d jobs: %v", c.Number, len(jobs), err)
	}
}

// finished reads the card's own state at a reader of its own.
func (s *shop) finished(t *testing.T, c *press.Card) bool {
	t.Helper()
	chip, err := c.Chip.(*simulator.Card).Clone(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	desk := simulator.NewDesk("Judge")
	desk.Insert(0, chip)
	open, err := desk.Open(t.Context(), "Judge", reader.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.Load("mynumber-1")
	if err != nil {
		t.Fatal(err)
	}
	session := card.New(open, p, card.Options{Extended: true})
	if _, err := session.Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, err := session.CardID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := session.State(t.Context())
	if err != nil {
		return false
	}
	seen, err := plan.ParseState(p, id, b)
	return err == nil && seen.LifeCycle == p.Domain.Locked
}

// mishap is one thing that goes wrong in the printer, and how the job is to end.
type mishap struct {
	name string
	set  func(*press.Press) // before the card is fed; nil: nothing
	when press.Moment
	kind press.Kind
	nth  int
	part float64
	cut  bool // the link is cut at that moment, after it
	// How the job ends with film, which leaves the card blank until the transfer, and with
	// ink straight on the card; empty: it cannot happen.
	film, ink string
}

// The ends of a job: its card goes out whole, or into quarantine while the order goes on
// a fresh one.
const (
	goesOn = "done"
	spoilt = "spoiled"
)

// mishaps are the failure table of card printers, as a station has them. Where ink and
// film differ: with film the card is blank until the film reaches it.
var mishaps = []mishap{
	{name: "hopper empty", set: func(p *press.Press) { p.SetSupplies(0, 500, 750, false) }, film: goesOn, ink: goesOn},
	{name: "ribbon out before", set: func(p *press.Press) { p.SetSupplies(6, 0, 750, false) }, film: goesOn, ink: goesOn},
	{name: "wrong ribbon", set: func(p *press.Press) { p.SetSupplies(6, 500, 750, true) }, film: goesOn, ink: goesOn},
	{name: "cover open before", set: func(p *press.Press) { p.Cover(true) }, film: goesOn, ink: goesOn},
	{name: "reject bin full", set: (*press.Press).FillReject, film: goesOn, ink: goesOn},
	{name: "jam in the feeder", when: press.Feeding, kind: press.Jam, part: 0.5, film: goesOn, ink: goesOn},
	{name: "jam on the way to the head", when: press.Moving, kind: press.Jam, nth: 1, part: 0.5, film: goesOn, ink: goesOn},
	{name: "cover opens under the planes", when: press.Receiving, kind: press.CoverOpens, nth: 2, film: goesOn, ink: goesOn},
	{name: "power fails under the planes", when: press.Receiving, kind: press.PowerCut, nth: 2, film: goesOn, ink: goesOn},
	{name: "stops reading", when: press.Receiving, kind: press.Deafens, nth: 2, film: goesOn, ink: goesOn},
	{name: "link cut under the planes", when: press.Receiving, nth: 2, cut: true, film: goesOn, ink: goesOn},
	{name: "ribbon ends under the head", when: press.Heating, kind: press.RibbonEnds, part: 0.5, film: goesOn, ink: ""},
	{name: "ribbon ends on the card", when: press.Inking, kind: press.RibbonEnds, part: 0.5, film: "", ink: spoilt},
	{name: "power fails as the ink comes", when: press.Inking, kind: press.PowerCut, part: 0.5, film: spoilt, ink: spoilt},
	{name: "link cut after the count", when: press.Counting, cut: true, film: goesOn, ink: goesOn},
	{name: "jam at the exit", when: press.Ejecting, kind: press.Jam, part: 0.5, film: goesOn, ink: goesOn},
}

// TestWhatGoesWrongInside: every line of the table with film and with ink.
func TestWhatGoesWrongInside(t *testing.T) {
	for _, m := range append(machines, jobPrinter) {
		for _, row := range mishaps {
			want := row.ink
			if m.film {
				want = row.film
			}
			if want == "" {
				continue
			}
			t.Run(m.name+"/"+strings.ReplaceAll(row.name, " ", "-"), func(t *testing.T) {
				s := newShop(t, m)
				if row.set != nil {
					row.set(s.press)
				}
				if row.cut {
					s.cutAt, s.cutNth = row.when, max(row.nth, 1)
				} else if row.when != 0 {
					s.press.Arm(press.Mishap{When: row.when, Nth: row.nth, Kind: row.kind, Share: row.part})
				}
				end := s.work(t)
				if end != want {
					t.Errorf("the job ended %s, want %s", end, want)
				}
				s.judge(t)
				if n := s.count(printer.Output); n < 1 {
					t.Error("the order has no card")
				}
			})
		}
	}
}

// TestDeathInside: the daemon dies at every stage of the card's way; the card goes on, or
// where ink may have come on it a person looks.
func TestDeathInside(t *testing.T) {
	for _, m := range append(machines, jobPrinter) {
		for n := range whole {
			t.Run(fmt.Sprintf("%s/after-%s", m.name, whole[n]), func(t *testing.T) {
				s := newShop(t, m)
				s.dieAfter(whole[n])
				if end := s.work(t); end != goesOn {
					t.Errorf("the job ended %s", end)
				}
				s.judge(t)
				if got := s.count(printer.Output); got != 1 {
					t.Errorf("%d cards were delivered", got)
				}
			})
		}
	}
}
