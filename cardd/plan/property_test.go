package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jukicard/apdu/profile"
	"jukicard/cardd/plan"
)

// situation is an order, a card and a journal that need not fit each other: a hostile
// card may show anything, and a journal may know of a card that has changed since.
type situation struct {
	o    plan.Order
	seen plan.Observation
	past plan.Progress
	w    plan.Wire
}

// drawSituation draws an order that can be planned, and anything for the rest.
func drawSituation(t *rapid.T, p *profile.Card) situation {
	s := situation{o: drawOrder(t, p), seen: blankCard(p), past: plan.Progress{Ours: true, Done: map[string]bool{}, Lengths: map[string]int{}}}
	if rapid.Bool().Draw(t, "extended") {
		s.w = extended
	}
	if rapid.IntRange(0, 9).Draw(t, "locked") == 0 {
		s.seen.LifeCycle = p.Domain.Locked
	}
	finished := rapid.IntRange(0, 3).Draw(t, "finished") == 0
	for _, on := range everyName(s.o) {
		if rapid.Bool().Draw(t, "there: "+on) {
			state := rapid.SampledFrom([]byte{plan.StatePresent, plan.StatePresent, plan.StateBlocked}).Draw(t, "state")
			s.seen.Objects[on] = plan.ObjectState{State: state, Value: rapid.IntRange(0, 0xFFFF).Draw(t, "value")}
		}
		for _, op := range []plan.Op{plan.ReadKey, plan.Generate, plan.Request, plan.Certify, plan.Update, plan.Compare, plan.SetPIN, plan.ProvePIN, plan.Put} {
			if finished || rapid.Bool().Draw(t, "done") {
				s.past.Done[plan.StepID(op, on)] = true
			}
		}
	}
	s.past.Done["confirm domain"] = rapid.Bool().Draw(t, "confirmed")
	s.past.Done["print face"] = rapid.Bool().Draw(t, "printed")
	return s
}

// drawOrder leaves out and reorders parts of a full order.
func drawOrder(t *rapid.T, p *profile.Card) plan.Order {
	products := make([]string, len(p.Products))
	for i, product := range p.Products {
		products[i] = product.Name
	}
	o := wanted(rapid.SampledFrom(products).Draw(t, "product"))
	o.Print = rapid.Bool().Draw(t, "print")
	keep := func(on string) bool { return rapid.IntRange(0, 3).Draw(t, "keep "+on) > 0 }
	o.References = slices.DeleteFunc(o.References, func(r plan.ReferenceTo) bool { return !keep(r.On) })
	o.Objects = slices.DeleteFunc(o.Objects, func(c plan.Content) bool { return !keep(c.On) })
	o.Keys = slices.DeleteFunc(o.Keys, func(k plan.KeyPair) bool { return !keep(k.On) })
	o.Files = slices.DeleteFunc(o.Files, func(c plan.Content) bool {
		certified := slices.ContainsFunc(o.Keys, func(k plan.KeyPair) bool { return k.Cert == c.On })
		return !certified && (strings.HasPrefix(c.After, "certify") || !keep(c.On))
	})
	o.Files = rapid.Permutation(o.Files).Draw(t, "files")
	o.References = rapid.Permutation(o.References).Draw(t, "references")
	return o
}

func everyName(o plan.Order) []string {
	var names []string
	for _, c := range slices.Concat(o.Files, o.Objects) {
		names = append(names, c.On)
	}
	for _, k := range o.Keys {
		names = append(names, k.On)
	}
	for _, r := range o.References {
		names = append(names, r.On)
	}
	return names
}

// TestPlansKeepTheirRules: whatever a card shows and a journal knows.
func TestPlansKeepTheirRules(t *testing.T) {
	p := generation1(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t, p)
		made, err := plan.Build(p, s.o, s.seen, s.past, s.w)
		var refused *plan.CardError
		if errors.As(err, &refused) && refused.Code == "CARD-LIFECYCLE" && unproven(s) {
			return
		}
		if err != nil || s.seen.LifeCycle == p.Domain.Locked && unproven(s) {
			t.Fatalf("cannot plan: %v", err)
		}
		for _, rule := range []func(situation, *plan.Plan) error{
			stepsAreInsideTheirChannel, lockEndsTheIssue, keysComeBeforeCertificates, whatIsWrittenIsCompared,
			nothingIsDoneTwice, nothingIsLeftOut, costsAddUp,
		} {
			if err := rule(s, made); err != nil {
				t.Fatalf("%v\n%s", err, made.Text(plan.Contact))
			}
		}
	})
}

// omitted says what the standard rules leave off a product's card.
func omitted(product, on string) bool {
	return product != "standard" && strings.HasPrefix(on, "jpki/sign-") && on != "jpki/sign-ca" ||
		product == "face-auth" && slices.Contains([]string{"jpki/auth-pin", "resident/pin", "common/pin", "text/pin"}, on)
}

// unproven says whether a card shows itself locked before the journal has everything
// proven that comes before the lock.
func unproven(s situation) bool {
	if s.seen.LifeCycle == 0x07 {
		return false
	}
	for _, c := range slices.Concat(s.o.Files, s.o.Objects) {
		if !omitted(s.o.Product, c.On) && !s.past.Done["compare "+c.On] {
			return true
		}
	}
	return slices.ContainsFunc(s.o.References, func(r plan.ReferenceTo) bool {
		return !omitted(s.o.Product, r.On) && !s.past.Done["prove-pin "+r.On]
	})
}

// position is where a step stands, -1 when it does not.
func position(p *plan.Plan, op plan.Op, on string) int {
	return slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.Op == op && s.On == on })
}

// stepsAreInsideTheirChannel: every step that goes through the channel stands behind
// the Open of its own application, with no other Open between; no application is
// opened for nothing, and none twice.
func stepsAreInsideTheirChannel(_ situation, p *plan.Plan) error {
	open, used := "", true
	opened := map[string]bool{}
	for _, s := range p.Steps {
		app, _, _ := strings.Cut(s.On, "/")
		switch s.Op {
		case plan.Open:
			if !used || opened[s.On] {
				return fmt.Errorf("%q was opened for nothing, or %q twice", open, s.On)
			}
			open, used = s.On, false
			opened[open] = true
		case plan.Certify, plan.Print:
		default:
			if app != open {
				return fmt.Errorf("%s stands in the channel of %q", s.ID, open)
			}
			used = used || s.Op != plan.ReadKey
		}
	}
	if !used {
		return fmt.Errorf("%q was opened for nothing", open)
	}
	return nil
}

// lockEndsTheIssue: an unlocked card is locked once, then confirmed, and nothing but
// the print follows; a locked one gets nothing written.
func lockEndsTheIssue(s situation, p *plan.Plan) error {
	at := position(p, plan.Lock, plan.Domain)
	if locked := s.seen.LifeCycle != 0x07; locked != (at < 0) {
		return fmt.Errorf("locked %t, and the lock stands at %d", locked, at)
	}
	for i, step := range p.Steps {
		after := step.Op == plan.Confirm || step.Op == plan.Print || at < 0 && step.Op == plan.Open
		if after != (i > at) {
			return fmt.Errorf("%s stands at %d and the lock at %d", step.ID, i, at)
		}
	}
	confirm, print := position(p, plan.Confirm, plan.Domain), position(p, plan.Print, plan.Face)
	switch {
	case at >= 0 && confirm != at+1:
		return fmt.Errorf("the lock is not confirmed")
	case print >= 0 && confirm != print-1:
		return fmt.Errorf("a face is printed on a card that was not confirmed just before")
	}
	return nil
}

// keysComeBeforeCertificates: a key that is there is never made anew; one that is made
// or learnt comes before its request, that before the authority, that before the
// file, and a new key is never certified by an old request.
func keysComeBeforeCertificates(s situation, p *plan.Plan) error {
	for _, k := range s.o.Keys {
		generate, request := position(p, plan.Generate, k.On), position(p, plan.Request, k.On)
		if there := s.seen.Objects[k.On].State == plan.StatePresent; there && generate >= 0 {
			return fmt.Errorf("%s is there and is made anew", k.On)
		}
		if generate >= 0 && request < 0 {
			return fmt.Errorf("%s is new and no request is signed with it", k.On)
		}
		row := []int{
			max(generate, position(p, plan.ReadKey, k.On)), request, position(p, plan.Certify, k.Cert),
			position(p, plan.Update, k.Cert), position(p, plan.Compare, k.Cert),
		}
		row = slices.DeleteFunc(row, func(at int) bool { return at < 0 })
		if !slices.IsSorted(row) {
			return fmt.Errorf("the steps of %s stand at %v", k.On, row)
		}
		if request >= 0 && (position(p, plan.Certify, k.Cert) < 0 || position(p, plan.Compare, k.Cert) < 0) {
			return fmt.Errorf("a request of %s is signed and no certificate comes of it", k.On)
		}
	}
	return nil
}

// whatIsWrittenIsCompared: every write is read back after it, every PIN set is proven
// after it, and no reference is set before the contents of its application.
func whatIsWrittenIsCompared(_ situation, p *plan.Plan) error {
	proof := map[plan.Op]plan.Op{plan.Update: plan.Compare, plan.Put: plan.Compare, plan.SetPIN: plan.ProvePIN}
	for i, s := range p.Steps {
		if want, ok := proof[s.Op]; ok && position(p, want, s.On) < i {
			return fmt.Errorf("%s is not proven behind it", s.ID)
		}
		if s.Op == plan.Update && slices.ContainsFunc(p.Steps[:i], func(e plan.Step) bool {
			return e.Op == plan.SetPIN && strings.Split(e.On, "/")[0] == strings.Split(s.On, "/")[0]
		}) {
			return fmt.Errorf("%s stands behind reference data of its application", s.ID)
		}
	}
	return nil
}

// nothingIsDoneTwice: what is set stays set, what is written whole is not written,
// what is proven and not written anew is not proven again.
func nothingIsDoneTwice(s situation, p *plan.Plan) error {
	for _, step := range p.Steps {
		state, there := s.seen.Objects[step.On]
		there = there && state.State == plan.StatePresent
		switch step.Op {
		case plan.SetPIN:
			if there && state.Value >= 10 { // no reference has more tries
				return fmt.Errorf("%s is set", step.On)
			}
		case plan.Compare:
			again := max(position(p, plan.Update, step.On), position(p, plan.Put, step.On), position(p, plan.Certify, step.On)) >= 0
			if s.past.Done[step.ID] && !again {
				return fmt.Errorf("%s is proven", step.On)
			}
		case plan.ProvePIN:
			if s.past.Done[step.ID] && position(p, plan.SetPIN, step.On) < 0 {
				return fmt.Errorf("%s is proven", step.On)
			}
		case plan.Print, plan.ReadKey:
			if s.past.Done[step.ID] && position(p, plan.Generate, step.On) < 0 {
				return fmt.Errorf("%s is done", step.ID)
			}
		}
	}
	return nil
}

// nothingIsLeftOut: on an unlocked card everything wanted is there, or gets there, and
// is proven or gets proven.
func nothingIsLeftOut(s situation, p *plan.Plan) error {
	if s.seen.LifeCycle != 0x07 {
		return nil
	}
	for _, on := range everyName(s.o) {
		if omitted(s.o.Product, on) {
			continue
		}
		_, there := s.seen.Objects[on]
		made := max(position(p, plan.Update, on), position(p, plan.Put, on), position(p, plan.SetPIN, on), position(p, plan.Generate, on)) >= 0 ||
			s.past.Done["generate "+on] // what the journal knows to be made is not made anew
		if !there && !made {
			return fmt.Errorf("%s is wanted and does not come", on)
		}
	}
	for _, c := range slices.Concat(s.o.Files, s.o.Objects) {
		if !omitted(s.o.Product, c.On) && !s.past.Done[plan.StepID(plan.Compare, c.On)] && position(p, plan.Compare, c.On) < 0 {
			return fmt.Errorf("%s is never compared", c.On)
		}
	}
	return nil
}

// costsAddUp: a step on the wire has commands and answers, one off it has none, and
// the plan is the sum.
func costsAddUp(_ situation, p *plan.Plan) error {
	var sum plan.Cost
	for _, s := range p.Steps {
		sum = sum.Add(s.Cost)
		off := s.Op == plan.Certify || s.Op == plan.Print
		if off != (s.Cost == plan.Cost{}) || s.Cost.Sent < 4*s.Cost.APDUs || s.Cost.Received < 2*s.Cost.APDUs {
			return fmt.Errorf("%s costs %+v", s.ID, s.Cost)
		}
	}
	if sum != p.Cost() {
		return fmt.Errorf("the plan costs %+v, its steps %+v", p.Cost(), sum)
	}
	return nil
}
