package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"jukicard/cardd/plan"
)

const numberOfHolder = "0999000000000017"

// endorsement is one entry wanted on the holder's card.
func endorsement() plan.Order {
	return plan.Order{ID: "LAB-2026-0101", Print: true, Entry: &plan.Entry{Card: numberOfHolder, Digest: plan.Digest([]byte("key"), []byte("entry"))}}
}

func TestAnEntryIsPlanned(t *testing.T) {
	p := generation1(t)
	inUse := plan.Observation{Card: numberOfHolder, Known: true, LifeCycle: p.Domain.Locked}
	byHand := endorsement()
	byHand.Print, byHand.Entry.ByHand = false, true
	for _, row := range []struct {
		name string
		o    plan.Order
		seen plan.Observation
		done string
		want []string
	}{
		{"on a card of ours", endorsement(), inUse, "", []string{"identify card", "print entry"}},
		{"on a card that tells no state", endorsement(), plan.Observation{Card: numberOfHolder}, "", []string{"identify card", "print entry"}},
		{"the number was told before", endorsement(), inUse, "identify card", []string{"identify card", "print entry"}},
		{"it was printed", endorsement(), inUse, "print entry", nil},
		{"by hand, without a printer", byHand, inUse, "", []string{"identify card", "note entry"}},
		{"it was recorded", byHand, inUse, "note entry", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			made, err := plan.Build(p, row.o, row.seen, plan.Progress{Ours: true, Done: map[string]bool{row.done: true}}, extended)
			if err != nil {
				t.Fatal(err)
			}
			if got := ids(made.Steps); !slices.Equal(got, row.want) || made.For != plan.ForEndorsement || made.Card != numberOfHolder {
				t.Errorf("steps %v for %q on %s", got, made.For, made.Card)
			}
			if s, ok := made.Step("print entry"); ok && (s.Digest != row.o.Entry.Digest || !s.Irreversible || s.Cost != plan.Cost{}) {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestNoEntryIsPlanned(t *testing.T) {
	p := generation1(t)
	noPrinter := endorsement()
	noPrinter.Print = false
	for _, row := range []struct {
		name string
		o    plan.Order
		seen plan.Observation
		code string
	}{
		{"on a card of another number", endorsement(), plan.Observation{Card: "0999000000000018", Known: true, LifeCycle: p.Domain.Locked}, "CARD-NOT-ORDERED"},
		{"on a blank card", endorsement(), plan.Observation{Card: numberOfHolder, Known: true, LifeCycle: p.Domain.Blank}, "CARD-NOT-IN-USE"},
		{"on a terminated card", endorsement(), plan.Observation{Card: numberOfHolder, Known: true, LifeCycle: 0xFF}, "CARD-NOT-IN-USE"},
		{"without a printer", noPrinter, plan.Observation{Card: numberOfHolder}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			made, err := plan.Build(p, row.o, row.seen, plan.Progress{}, extended)
			var state *plan.CardError
			if err == nil || made != nil || errors.As(err, &state) != (row.code != "") {
				t.Fatalf("%v: %v", made, err)
			}
			if state != nil && state.Code != row.code {
				t.Errorf("%s, want %s", state.Code, row.code)
			}
		})
	}
}

// TestOnePlanDoesOneThing: no step of an issue in a plan for an entry, and none the other
// way round.
func TestOnePlanDoesOneThing(t *testing.T) {
	entry := func() *plan.Plan {
		made, err := plan.Build(generation1(t), endorsement(), plan.Observation{Card: numberOfHolder}, plan.Progress{}, extended)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	issue := build(t, wanted("standard"), blankCard(generation1(t)), plan.Progress{}, extended)
	faceStep, _ := issue.Step("print face")
	for _, row := range []struct {
		name   string
		p      *plan.Plan
		change func(*plan.Plan)
		want   string
	}{
		{"a face on a card in use", entry(), func(p *plan.Plan) { p.Steps = append(p.Steps, faceStep) }, "has no such step"},
		{"a lock", entry(), func(p *plan.Plan) { p.Steps = append(p.Steps[:1:1], issue.Steps...) }, "has no such step"},
		{"an entry in an issue", issue, func(p *plan.Plan) { p.Steps = append(entry().Steps, p.Steps...) }, "has no such step"},
		{"an entry before the number", entry(), func(p *plan.Plan) { p.Steps = p.Steps[1:] }, "once the card has told its number"},
		{"a purpose that is none", entry(), func(p *plan.Plan) { p.For = "void" }, `"void", is not known`},
		{"an entry on the face", entry(), func(p *plan.Plan) { p.Steps[1].On, p.Steps[1].ID = "back", "print back" }, "no such step"},
		{"a number of the domain", entry(), func(p *plan.Plan) { p.Steps[0].On, p.Steps[0].ID = "domain", "identify domain" }, "not done on"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.change(row.p)
			if err := row.p.Check(); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %q", err, row.want)
			}
		})
	}
}
