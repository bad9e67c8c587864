package plan_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"jukicard/apdu/profile"
	"jukicard/cardd/plan"
)

// cardModel is what a card shows and a journal knows while a plan is carried out. It
// is written after docs/CARD-WRITING.md and knows nothing of Build.
type cardModel struct {
	p    *profile.Card
	o    plan.Order
	seen plan.Observation
	past plan.Progress
}

func newCard(p *profile.Card, o plan.Order) *cardModel {
	return &cardModel{p: p, o: o, seen: blankCard(p), past: plan.Progress{Ours: true, Done: map[string]bool{}}}
}

// lose makes the card forget an object.
func (m *cardModel) lose(on string) { delete(m.seen.Objects, on) }

// carry does a step and lets the journal know.
func (m *cardModel) carry(s plan.Step) {
	m.happen(s)
	m.past.Done[s.ID] = true
}

// happen is what a step leaves on the card, whether or not anybody learns of it.
func (m *cardModel) happen(s plan.Step) {
	value := s.Length
	switch s.Op {
	case plan.Generate:
		_, key, _ := m.p.Key(s.On)
		value = map[string]int{"RSA-2048": 2048, "P-384": 384}[key.Type]
	case plan.SetPIN:
		_, ref, _ := m.p.Reference(s.On)
		value = ref.Tries
	case plan.Update:
		if _, f, _ := m.p.File(s.On); f.Kind == profile.Record {
			value = 1
		}
	case plan.Put:
	case plan.Lock:
		m.seen.LifeCycle = m.p.Domain.Locked
		return
	default:
		return
	}
	m.seen.Objects[s.On] = plan.ObjectState{State: plan.StatePresent, Value: value}
}

// left says by a rule of its own which steps of a first plan are still to do after
// the first k, when the step at k is in doubt (if doubt is set) and happened or not.
// An application is opened again where anything in it is left, and the authority is
// asked again until the certificate is proven.
func left(all []plan.Step, k int, doubt, happened bool) []string {
	remains := map[string]bool{}
	for i, s := range all {
		remains[s.ID] = i >= k && s.Op != plan.Open
	}
	var learn string
	if doubt && happened {
		switch s := all[k]; s.Op {
		case plan.Generate:
			remains[s.ID], learn = false, "read-key "+s.On
		case plan.SetPIN, plan.Update, plan.Put:
			remains[s.ID] = false
		case plan.Lock:
			remains[s.ID] = false
		}
	}
	for _, s := range all {
		if s.Op == plan.Certify {
			remains[s.ID] = remains["compare "+s.On]
		}
	}
	// Nothing is printed but on a card that has proven itself since it was put in.
	remains["confirm domain"] = remains["confirm domain"] || remains["print face"]
	var out []string
	for i, s := range all {
		switch {
		case s.Op == plan.Open && useful(all[i+1:], remains):
			out = append(out, s.ID)
		case s.Op == plan.Lock && !remains[s.ID] && remains["confirm domain"]:
			out = append(out, "open domain")
		case remains[s.ID]:
			out = append(out, s.ID)
		case s.Op == plan.Generate && learn == "read-key "+s.On:
			out = append(out, learn)
		}
	}
	return out
}

// useful says whether anything up to the next Open is left that needs the channel for
// more than learning a key.
func useful(behind []plan.Step, remains map[string]bool) bool {
	for _, s := range behind {
		switch {
		case s.Op == plan.Open || s.Op == plan.Confirm:
			return false
		case remains[s.ID] && s.Op != plan.ReadKey:
			return true
		}
	}
	return false
}

// TestEveryPrefixIsResumed stops a full issue before, after and in the middle of every
// step and holds the plan for what is then there against an independent list.
func TestEveryPrefixIsResumed(t *testing.T) {
	for p, order := range generations(t) {
		t.Run(p.ID, func(t *testing.T) { everyPrefix(t, p, order) })
	}
}

func everyPrefix(t *testing.T, p *profile.Card, order func(product string) plan.Order) {
	for _, product := range []string{"standard", "under15", "infant", "face-auth"} {
		o := order(product)
		all := buildOn(t, p, o, blankCard(p), plan.Progress{}, short).Steps
		for k := range all {
			for _, how := range []string{"cleanly", "in doubt, not done", "in doubt, done"} {
				name := fmt.Sprintf("%s stopped %s at %s", product, how, all[k].ID)
				m := newCard(p, o)
				for _, s := range all[:k] {
					m.carry(s)
				}
				if how == "in doubt, done" {
					m.happen(all[k])
				}
				got := ids(buildOn(t, p, o, m.seen, m.past, short).Steps)
				want := left(all, k, how != "cleanly", how == "in doubt, done")
				if !slices.Equal(got, want) {
					t.Fatalf("%s\n got %q\nwant %q", name, got, want)
				}
			}
		}
	}
}

// TestResumedTwiceIsResumedOnce: after any stop, doing what is left finishes the card
// with nothing done twice that must be done once.
func TestResumedTwiceIsResumedOnce(t *testing.T) {
	for p, order := range generations(t) {
		t.Run(p.ID, func(t *testing.T) { resumedTwice(t, p, order("standard")) })
	}
}

func resumedTwice(t *testing.T, p *profile.Card, o plan.Order) {
	all := buildOn(t, p, o, blankCard(p), plan.Progress{}, short).Steps
	for k := range all {
		m := newCard(p, o)
		times := map[string]int{}
		for _, s := range all[:k] {
			m.carry(s)
			times[s.ID]++
		}
		for _, s := range buildOn(t, p, o, m.seen, m.past, short).Steps {
			m.carry(s)
			times[s.ID]++
		}
		for id, n := range times {
			op, _, _ := strings.Cut(id, " ")
			if n > 1 && !slices.Contains([]string{"open", "certify", "confirm"}, op) {
				t.Errorf("stopped before %s: %s is done %d times", all[k].ID, id, n)
			}
		}
		if rest := buildOn(t, p, o, m.seen, m.past, short); !rest.Empty() {
			t.Errorf("stopped before %s: left over %q", all[k].ID, ids(rest.Steps))
		}
	}
}

// TestATornWriteGoesOnAtItsChunk: every length a torn file can have is resumed at the
// beginning of the chunk that was torn, never behind what is surely there, and costs
// what is left plus what it takes to reach it.
func TestATornWriteGoesOnAtItsChunk(t *testing.T) {
	p, o := generation1(t), wanted("standard")
	for _, w := range []plan.Wire{short, extended} {
		whole, _ := build(t, o, blankCard(p), plan.Progress{}, w).Step("update surface/face")
		for at := 0; at <= whole.Length; at += 13 {
			seen := blankCard(p)
			seen.Objects["surface/face"] = plan.ObjectState{State: plan.StatePresent, Value: at}
			s, ok := build(t, o, seen, plan.Progress{Ours: true}, w).Step("update surface/face")
			if !ok {
				t.Fatalf("torn at %d: nothing is written", at)
			}
			if s.Offset > at || at-s.Offset >= w.Chunk() || s.Offset%w.Chunk() != 0 || s.Length != whole.Length {
				t.Fatalf("torn at %d of %d: goes on at %d in chunks of %d", at, whole.Length, s.Offset, w.Chunk())
			}
			chunks, reach := (s.Length-s.Offset+w.Chunk()-1)/w.Chunk(), min(s.Offset/256, 1)
			if s.Cost.APDUs != chunks+reach {
				t.Fatalf("torn at %d: %d commands, want %d and %d to reach the offset", at, s.Cost.APDUs, chunks, reach)
			}
		}
	}
}

// TestAFileAsLongAsWantedIsOnlyCompared: also a longer one, for the comparison and not
// the card's word decides.
func TestAFileAsLongAsWantedIsOnlyCompared(t *testing.T) {
	p, o := generation1(t), wanted("standard")
	for _, value := range []int{17, 18, 0xFFFF} {
		seen := blankCard(p)
		seen.Objects["text/number"] = plan.ObjectState{State: plan.StatePresent, Value: value}
		made := build(t, o, seen, plan.Progress{Ours: true}, short)
		if _, ok := made.Step("update text/number"); ok {
			t.Errorf("written again at %d bytes", value)
		}
		if _, ok := made.Step("compare text/number"); !ok {
			t.Errorf("not compared at %d bytes", value)
		}
	}
}

// TestStoppedPlans shows what people see when a job goes on.
func TestStoppedPlans(t *testing.T) {
	p, o := generation1(t), wanted("standard")
	all := build(t, o, blankCard(p), plan.Progress{}, extended).Steps
	for name, at := range map[string]string{
		"resumed-in-the-face": "update surface/face", "resumed-at-a-key": "generate jpki/auth-key", "resumed-at-the-lock": "lock domain",
	} {
		t.Run(name, func(t *testing.T) {
			m := newCard(p, o)
			for _, s := range all {
				if s.ID == at {
					m.happen(s)
					break
				}
				m.carry(s)
			}
			if at == "update surface/face" {
				m.seen.Objects["surface/face"] = plan.ObjectState{State: plan.StatePresent, Value: 5000}
			}
			golden(t, name+".txt", build(t, o, m.seen, m.past, extended).Text(plan.Contact))
		})
	}
}

// TestAStaleProofIsForgotten: what the journal knows of an object that the card has lost
// is worth nothing.
func TestAStaleProofIsForgotten(t *testing.T) {
	p, o := generation1(t), wanted("standard")
	everything := map[string]bool{}
	for _, s := range build(t, o, blankCard(p), plan.Progress{}, short).Steps {
		everything[s.ID] = true
	}
	everything["print face"] = false
	made := build(t, o, blankCard(p), plan.Progress{Ours: true, Done: maps.Clone(everything)}, short)
	for _, s := range made.Steps {
		for _, id := range s.Undoes() {
			if _, again := made.Step(id); !again && !strings.HasPrefix(id, "read-key") {
				t.Errorf("%s is done again and %s is not", s.ID, id)
			}
		}
	}
}

// TestALockNobodyIntendedIsNotBelieved: a card that says it is locked, with everything
// on it, before the journal has all of it proven. Anybody on the line can say so.
func TestALockNobodyIntendedIsNotBelieved(t *testing.T) {
	p, o := generation1(t), wanted("standard")
	finished := newCard(p, o)
	all := build(t, o, blankCard(p), plan.Progress{}, short).Steps
	for _, s := range all {
		finished.happen(s)
	}
	m := newCard(p, o)
	for _, s := range all {
		_, err := plan.Build(p, o, finished.seen, m.past, short)
		var refused *plan.CardError
		if proven := s.Op == plan.Lock || s.Op == plan.Confirm || s.Op == plan.Print; proven != (err == nil) {
			t.Fatalf("before %s: %v", s.ID, err)
		}
		if err != nil && (!errors.As(err, &refused) || refused.Code != "CARD-LIFECYCLE") {
			t.Fatalf("before %s: %v", s.ID, err)
		}
		m.carry(s)
	}
}
