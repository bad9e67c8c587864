package inline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/printer"
	"jukicard/simulator"
	"jukicard/simulator/press"
)

// holders is a card in use, as every shop but the one that issued it finds it.
var holders struct {
	once     sync.Once
	snapshot []byte
	number   string
}

// cardInUse issues a card once and gives what its chip then holds.
func cardInUse(t *testing.T) []byte {
	t.Helper()
	holders.once.Do(func() {
		s := newShop(t, machines[0])
		id, err := s.submit(s.apply())
		if err != nil {
			t.Fatal(err)
		}
		s.run(t, id)
		if j := s.job(id); j.State != journal.Done {
			t.Fatal(j.Reason)
		}
		chip := s.press.Cards()[0].Chip.(*simulator.Card)
		holders.snapshot, holders.number = chip.Snapshot(), chip.ID()
	})
	if holders.snapshot == nil {
		t.Fatal("no card was issued")
	}
	return holders.snapshot
}

// canary stands in every entry of these tests and nowhere else.
const canary = "架空県架空市港町７－８"

// entry is an order to endorse the card of that number; what stands on it the clerk says,
// unless it was issued here.
func (s *shop) entry(number string, here bool) application {
	s.t.Helper()
	scratch.orders++
	id := fmt.Sprintf("LAB-2026-E-%d", scratch.orders)
	o := map[string]any{
		"version": 1, "id": id, "operation": "endorse", "profile": "mynumber-1", "card": number,
		"entry": map[string]any{"date": "2026-11-23", "reason": "転居", "content": canary},
	}
	if !here {
		o["panel"] = map[string]any{"layout": "mynumber-1", "version": 2}
	}
	wire, err := json.Marshal(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.last = application{id, wire, []byte("{}")}
	return s.last
}

// entered are the stages of a card in use that meets nothing.
var entered = []string{
	issue.StageFeed, issue.StageAtStation, issue.StageAtHead,
	issue.StagePlanesSent, issue.StageCommitSent, issue.StageCommitDone, issue.StageEjected,
}

// judgeEntry holds every card against what may never be: the holder's is given back, its
// chip as it was, nothing printed on it twice, and no other card takes any ink.
func (s *shop) judgeEntry(t *testing.T, end string) {
	t.Helper()
	sum.shops++
	for _, c := range s.press.Cards() {
		at, chip := s.press.Where(c), c.Chip.(*simulator.Card)
		sum.cards++
		switch {
		case c.Number != 1 && !c.Blank():
			t.Errorf("card %d took ink, which is not the holder's", c.Number)
		case c.Number != 1:
		case c.Twice():
			sum.twice++
			t.Error("the entry was printed twice")
		case at == printer.Reject:
			t.Error("the holder's card is in the reject bin")
		case end == goesOn && (at != printer.Output || c.Blank() || c.Half()):
			t.Errorf("the card is at %v without a whole entry", at)
		case inked(c, 1):
			t.Error("the back took ink")
		case !bytes.Equal(chip.Snapshot(), s.holder):
			t.Error("the chip of a card in use was changed")
		}
	}
	s.notVoid(t)
	s.nothingShown(t)
}

// inked says whether any dot of a side was printed.
func inked(c *press.Card, side int) bool {
	for _, plane := range c.Side(side).Ink {
		if slices.ContainsFunc(plane, func(b byte) bool { return b != 0 }) {
			return true
		}
	}
	return false
}

// notVoid: whatever became of an entry, its card is not in quarantine and its
// certificates stand.
func (s *shop) notVoid(t *testing.T) {
	t.Helper()
	if all, err := s.station().Quarantined(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d cards in quarantine: %v", len(all), err)
	}
	certificates, err := s.Authority.Certificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mine := 0
	for _, c := range certificates {
		if c.DER == nil || !strings.Contains(c.ID, "/"+holders.number+"/") {
			continue
		}
		mine++
		if !c.Revoked.IsZero() && c.Serial.Cmp(new(big.Int)) != 0 {
			t.Errorf("certificate %s of a card in use was revoked", c.ID)
		}
	}
	if mine == 0 {
		t.Error("the card has no certificates")
	}
}

// nothingShown looks for the entry's words in everything the daemon keeps.
func (s *shop) nothingShown(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		kept, err := os.ReadFile(path)
		if bytes.Contains(kept, []byte(canary)) || bytes.Contains(kept, []byte("転居")) {
			t.Errorf("the entry stands in %s", filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lines is what the journal has of the holder's card, and how it came so.
func (s *shop) lines(t *testing.T) (how, body string) {
	t.Helper()
	p, err := s.Journal.Panel(t.Context(), holders.number)
	if err != nil {
		return "", ""
	}
	return p.How, string(p.Body)
}

// TestAnEntryInsideThePrinter: hopper, chip station, head, output; each stage in the
// journal, nothing said of a written chip.
func TestAnEntryInsideThePrinter(t *testing.T) {
	holder := cardInUse(t)
	for _, m := range append(machines, jobPrinter) {
		t.Run(m.name, func(t *testing.T) {
			s := openShop(t, m, holder)
			id, err := s.submit(s.entry(holders.number, false))
			if err != nil {
				t.Fatal(err)
			}
			s.nothingShown(t)
			s.run(t, id)
			if j := s.job(id); j.State != journal.Done || j.CardID != holders.number {
				t.Fatalf("job %s on card %s: %s", j.State, j.CardID, j.Reason)
			}
			if got := s.stages(id); !slices.Equal(got, entered) {
				t.Errorf("stages %v", got)
			}
			if how, body := s.lines(t); how != journal.PanelPrinted || !strings.Contains(body, `"entries":[{"lines":2}]`) {
				t.Errorf("there stands %s %s", how, body)
			}
			s.judgeEntry(t, goesOn)
		})
	}
}

// TestIssuedThenEndorsed: the printer that made the card finds the lines below what it
// printed then, and both are on it, each once. The clerk is told what is left.
func TestIssuedThenEndorsed(t *testing.T) {
	s := newShop(t, machines[0])
	c := s.serve(t)
	issued, err := s.submit(s.apply())
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, issued)
	card := s.press.Cards()[0]
	before := slices.Clone(card.Side(0).Ink['K'])
	s.press.LayBack(card)
	job, err := c.At(at).Issue(t.Context(), s.entry(s.job(issued).CardID, true).wire, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Watch(t.Context(), job.ID, func(e client.Event) bool { return e.State == journal.Running }); err != nil {
		t.Fatal(err)
	}
	if job, err = c.Job(t.Context(), job.ID); err != nil || job.State != journal.Done || job.Operation != "endorse" || job.Left == nil || *job.Left != 2 {
		t.Fatalf("%+v: %v", job, err)
	}
	if s.press.Where(card) != printer.Output || card.Half() {
		t.Errorf("the card is at %v", s.press.Where(card))
	}
	for panel, n := range card.Side(0).Strokes {
		if n != 2 {
			t.Errorf("%c was put on the front %d times", panel, n)
		}
	}
	after, added := card.Side(0).Ink['K'], 0
	for i, b := range before {
		switch {
		case after[i] < b:
			t.Fatal("the entry took resin away")
		case after[i] > b && b != 0:
			t.Fatal("the entry lies over what was printed")
		case after[i] > b:
			added++
		}
	}
	if added == 0 {
		t.Error("no entry is on the card")
	}
}

// TestWhatGoesWrongWithAnEntry: every line of the table with film and with ink. What
// would void a new card ends the entry alone: the card is its holder's.
func TestWhatGoesWrongWithAnEntry(t *testing.T) {
	holder := cardInUse(t)
	for _, m := range machines {
		for _, row := range mishaps {
			want := row.ink
			if m.film {
				want = row.film
			}
			if want == "" {
				continue
			}
			if want == spoilt {
				want = journal.Abandoned
			}
			t.Run(m.name+"/"+strings.ReplaceAll(row.name, " ", "-"), func(t *testing.T) {
				s := openShop(t, m, holder)
				if row.set != nil {
					row.set(s.press)
				}
				if row.cut {
					s.cutAt, s.cutNth = row.when, max(row.nth, 1)
				} else if row.when != 0 {
					s.press.Arm(press.Mishap{When: row.when, Nth: row.nth, Kind: row.kind, Share: row.part})
				}
				end := s.workOn(t, s.entry(holders.number, false))
				if end != want {
					t.Errorf("the job ended %s, want %s", end, want)
				}
				s.judgeEntry(t, end)
				s.recorded(t, end)
			})
		}
	}
}

// recorded: what may stand on the card stands in the journal, and nothing is printed on
// a card that holds half an entry.
func (s *shop) recorded(t *testing.T, end string) {
	t.Helper()
	how, body := s.lines(t)
	if end == goesOn {
		if how != journal.PanelPrinted {
			t.Errorf("there stands %s %s", how, body)
		}
		return
	}
	if how != journal.PanelSpoilt || !strings.Contains(body, `"spoilt":true`) {
		t.Errorf("there stands %s %s", how, body)
	}
	if _, err := s.submit(s.entry(holders.number, true)); failure.CodeOf(err) != failure.EntrySpoilt {
		t.Errorf("one more entry: %v", err)
	}
}

// TestDeathInsideAnEntry: the daemon dies at every stage of the card's way; the entry is
// printed once, or a person looks.
func TestDeathInsideAnEntry(t *testing.T) {
	holder := cardInUse(t)
	for _, m := range append(machines, jobPrinter) {
		for n := range entered {
			t.Run(fmt.Sprintf("%s/after-%s", m.name, entered[n]), func(t *testing.T) {
				s := openShop(t, m, holder)
				s.dieAfter(entered[n])
				end := s.workOn(t, s.entry(holders.number, false))
				if end != goesOn {
					t.Errorf("the job ended %s", end)
				}
				s.judgeEntry(t, end)
				s.recorded(t, end)
			})
		}
	}
}

// TestACardThatIsNotTheOrders: another holder's is given back as it came; a blank one
// that was fed by mistake goes where blanks go.
func TestACardThatIsNotTheOrders(t *testing.T) {
	holder := cardInUse(t)
	for _, row := range []struct {
		name   string
		holder []byte
		where  printer.Position
	}{{"another holder's", holder, printer.Output}, {"a blank one", nil, printer.Reject}} {
		t.Run(row.name, func(t *testing.T) {
			s := openShop(t, machines[0], row.holder)
			_, err := s.submit(s.entry("0999000000099999", false))
			if failure.CodeOf(err) != failure.CardNotOrdered {
				t.Fatalf("got %v", err)
			}
			c := s.press.Cards()[0]
			if s.press.Where(c) != row.where || !c.Blank() {
				t.Errorf("it is at %v, without ink: %t", s.press.Where(c), c.Blank())
			}
			if jobs, err := s.Journal.Jobs(t.Context(), 10); err != nil || len(jobs) != 0 {
				t.Errorf("%d jobs: %v", len(jobs), err)
			}
		})
	}
}

// TestAnEntryGivenUpGivesTheCardBack: it stands at the chip station when its job is given up.
func TestAnEntryGivenUpGivesTheCardBack(t *testing.T) {
	s := openShop(t, machines[0], cardInUse(t))
	s.dieAfter(issue.StageAtStation)
	id, err := s.submit(s.entry(holders.number, false))
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, id)
	if err := s.station().Abandon(t.Context(), id, "山田", "the holder left"); err != nil {
		t.Fatal(err)
	}
	if j := s.job(id); j.State != journal.Abandoned || !strings.HasPrefix(j.Reason, string(failure.EntryAbandoned)) {
		t.Errorf("job %s: %s", j.State, j.Reason)
	}
	if c := s.press.Cards()[0]; s.press.Where(c) != printer.Output || !c.Blank() {
		t.Errorf("the card is at %v", s.press.Where(c))
	}
	s.judgeEntry(t, journal.Abandoned)
}
