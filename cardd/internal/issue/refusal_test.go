package issue

import (
	"strings"
	"testing"

	"jukicard/cardd/plan"
)

// ending is what an operation's bad ends mean.
type ending struct {
	op                   plan.Op
	on                   string
	refused, unavailable State
	doubt                State
}

// steps are the operation behind the opening of its channel.
func (e ending) steps() []plan.Step {
	if e.op == plan.Open {
		return []plan.Step{step(e.op, e.on)}
	}
	app, _, _ := strings.Cut(e.on, "/")
	return []plan.Step{step(plan.Open, strings.Replace(app, "face", "text", 1)), step(e.op, e.on)}
}

// outcomes are what each operation's bad endings mean for the job; "" goes on by
// looking at the card again.
var outcomes = []ending{
	{plan.Open, "text", Held, Held, Running},
	{plan.ReadKey, "text/card-key", Spoiled, Held, Running},
	{plan.Generate, "text/card-key", Spoiled, Held, Running},
	{plan.Request, "text/card-key", Spoiled, Held, Running},
	{plan.Certify, "text/number", Held, Held, Running},
	{plan.Update, "text/number", Spoiled, Held, Running},
	{plan.Compare, "text/number", Spoiled, Held, Running},
	{plan.SetPIN, "text/pin", Spoiled, Held, Running},
	{plan.ProvePIN, "text/pin", Spoiled, Held, Running},
	{plan.Put, "text/expiry", Spoiled, Held, Running},
	{plan.Lock, "text", Spoiled, Held, Running},
	{plan.Confirm, "domain", Spoiled, Held, Running},
	{plan.Print, "face", Held, Held, Running}, // before its commit: the card took no ink
}

// TestWhatABadEndingMeans goes through every operation and every result.
func TestWhatABadEndingMeans(t *testing.T) {
	for _, row := range outcomes {
		for result, want := range map[Result]State{Refused: row.refused, Unavailable: row.unavailable, Doubt: row.doubt, OK: Running} {
			t.Run(string(row.op)+" "+string(result), func(t *testing.T) {
				m := New()
				p := &plan.Plan{Version: 1, Profile: "mynumber-1", Order: "LAB-1", Card: "A"}
				p.Steps = row.steps()
				must(t, m.Apply(Record{Kind: Planned, Result: OK, Plan: p}))
				for _, s := range p.Steps {
					must(t, m.Apply(Record{Kind: Intent, Step: s.ID}))
					r := Record{Kind: Outcome, Step: s.ID, Result: OK, Facts: map[string]string{FactLength: "7"}}
					if s.Op == row.op {
						r.Result, r.Code, r.Text = result, "CODE", "in words"
					}
					must(t, m.Apply(r))
				}
				state, code, _ := m.State()
				if state != want {
					t.Errorf("the job is %s, want %s", state, want)
				}
				if (code != "") != (result != OK) {
					t.Errorf("the job has code %q", code)
				}
				if a, ok := m.Next(); ok && result == Doubt && a.Do != Observe {
					t.Errorf("next comes %s, and the card is not looked at", a.Do)
				}
			})
		}
	}
}

// TestEveryOperationIsInTheTable: a new operation must have its endings thought about.
func TestEveryOperationIsInTheTable(t *testing.T) {
	listed := map[plan.Op]bool{}
	for _, row := range outcomes {
		listed[row.op] = true
		p := plan.Plan{Version: 1, Steps: row.steps()}
		if err := p.Check(); err != nil {
			t.Errorf("the table's step is none: %v", err)
		}
	}
	for _, op := range []plan.Op{
		plan.Open, plan.ReadKey, plan.Generate, plan.Request, plan.Certify, plan.Update, plan.Compare,
		plan.SetPIN, plan.ProvePIN, plan.Put, plan.Lock, plan.Confirm, plan.Print,
	} {
		if !listed[op] {
			t.Errorf("%s is not in the table", op)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
