package station_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"testing"

	"jukicard/apdu"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/plan"
	"jukicard/reader"
	"jukicard/simulator"
)

// counting is a desk that counts what goes over its wires.
type counting struct {
	*simulator.Desk
	apdu.Counter
}

func (c *counting) Open(ctx context.Context, name string, m reader.Mode) (reader.Card, error) {
	card, err := c.Desk.Open(ctx, name, m)
	if err != nil {
		return nil, err
	}
	return &countedCard{Card: card, counted: c.Wrap(card)}, nil
}

type countedCard struct {
	reader.Card
	counted apdu.Transport
}

func (c *countedCard) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	return c.counted.Transmit(ctx, command)
}

// meter holds what each step cost on the wire when it was last carried out.
type meter struct {
	desk  *counting
	begun apdu.Counts
	steps map[string]plan.Cost
}

// watch is told of a step's intent and of its outcome, which is all its commands.
func (m *meter) watch(e station.Event) {
	switch now := m.desk.Counts(); {
	case e.Step != "" && e.Result == "":
		m.begun = now
	case e.Step != "":
		spent := now.Sub(m.begun)
		m.steps[e.Step] = plan.Cost{APDUs: int(spent.APDUs), Sent: int(spent.Sent), Received: int(spent.Received)}
	}
}

// check holds a plan's steps against what they cost.
func (m *meter) check(t *testing.T, p *plan.Plan) {
	t.Helper()
	for _, s := range p.Steps {
		if got := m.steps[s.ID]; got != s.Cost {
			t.Errorf("%s cost %+v, foretold was %+v", s.ID, got, s.Cost)
		}
	}
}

// metered is a bench whose wires are counted.
func metered(t *testing.T, person string, short bool) (*bench, *meter) {
	t.Helper()
	b := newBenchFor(t, person)
	m := &meter{desk: &counting{Desk: b.desk}, steps: map[string]plan.Cost{}}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	b.Daemon, err = daemon.Open(t.Context(), c, daemon.Options{
		Readers: m.desk, Watch: m.watch, Short: short, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, m
}

// plans are the plans a job adopted, in order.
func (b *bench) plans(t *testing.T, job string) []*plan.Plan {
	t.Helper()
	records, err := b.Journal.Records(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	var plans []*plan.Plan
	for _, r := range records {
		var rec issue.Record
		if err := json.Unmarshal(r.Body, &rec); err != nil {
			t.Fatal(err)
		}
		if rec.Kind == issue.Planned && rec.Plan != nil {
			plans = append(plans, rec.Plan)
		}
	}
	return plans
}

// looks is what looking at a card costs, once for order and job together; no plan
// counts it.
const looks = 6

// TestAPlanCostsWhatItSays: for every invented person, and so for every product, in
// both length forms, each step sends and receives exactly the commands and bytes that
// the plan foretold.
func TestAPlanCostsWhatItSays(t *testing.T) {
	products := map[string]bool{}
	for _, name := range everybody() {
		for form, short := range map[string]bool{"short": true, "extended": false} {
			t.Run(name+" "+form, func(t *testing.T) {
				b, m := metered(t, name, short)
				job, err := b.submit(t, name)
				if err != nil {
					t.Fatal(err)
				}
				if j := b.run(t, job); j.State != journal.Done {
					t.Fatalf("the job ended %s: %s", j.State, j.Reason)
				}
				plans := b.plans(t, job)
				if len(plans) != 1 {
					t.Fatalf("the job took %d plans", len(plans))
				}
				p := plans[0]
				products[p.Product] = true
				if p.Extended == short {
					t.Errorf("the plan is for extended length: %t", p.Extended)
				}
				m.check(t, p)
				if got, want := int(m.desk.Counts().APDUs), p.Cost().APDUs+looks; got != want {
					t.Errorf("%d commands went to the card, foretold and for looking are %d", got, want)
				}
			})
		}
	}
	for _, product := range []string{"standard", "under15", "infant", "face-auth"} {
		if !products[product] {
			t.Errorf("no person has the product %s", product)
		}
	}
}

// TestATornPlanCostsWhatItSays: a write that goes on in the middle of a file costs what
// the second plan says, the way to its offset included.
func TestATornPlanCostsWhatItSays(t *testing.T) {
	for form, short := range map[string]bool{"short": true, "extended": false} {
		t.Run(form, func(t *testing.T) {
			b, m := metered(t, "adult", short)
			card := &trap{Card: b.card}
			b.desk.Remove(0)
			b.desk.Insert(0, card)
			job, err := b.submit(t, "adult")
			if err != nil {
				t.Fatal(err)
			}
			// The third write to the file of the face is lost: behind three commands that
			// open, the key and its proof, each with a GET RESPONSE, and the birth date.
			card.n, card.at, card.armed = 0, 3+4+3+3, true
			if !short {
				card.at = 3 + 2 + 1 + 3
			}
			card.snap = func([]byte) ([]byte, bool) { return nil, true }
			if j := b.run(t, job); j.State != journal.Done {
				t.Fatalf("the job ended %s: %s", j.State, j.Reason)
			}
			plans := b.plans(t, job)
			if len(plans) != 2 {
				t.Fatalf("the job took %d plans", len(plans))
			}
			if torn, ok := plans[1].Step("update surface/face"); !ok || torn.Offset < 256 {
				t.Fatalf("the write goes on at %d", torn.Offset)
			}
			m.check(t, plans[1])
		})
	}
}
