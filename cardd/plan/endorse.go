package plan

import (
	"fmt"

	"jukicard/apdu/profile"
)

// ForEndorsement is what a plan is for that makes one entry (追記) on a card in use.
const ForEndorsement = "endorse"

// Entry is one entry that is wanted in the 追記欄 of a card in use. The chip is not
// written: it only says which card it is.
type Entry struct {
	Card   string // the card's number as the order has it
	Digest string // [Digest] of the entry's text; empty for one by hand
	ByHand bool   // it was written by hand and is recorded, not printed
}

// endorse plans one entry: the card tells its number, then the entry is printed, or
// recorded where it was written by hand. What is done is not done again.
func endorse(p *profile.Card, o Order, seen Observation, past Progress, w Wire) (*Plan, error) {
	if err := judgeInUse(p, o.Entry, seen); err != nil {
		return nil, err
	}
	if !o.Entry.ByHand && !o.Print {
		return nil, fmt.Errorf("cannot plan: no printer is configured for the entry; write and seal it by hand and give by_hand in its place")
	}
	b := &builder{p: p, o: o, seen: seen, past: past, w: w}
	entered := Step{Op: Print, On: EntryOn, Digest: o.Entry.Digest}
	if o.Entry.ByHand {
		entered = Step{Op: Note, On: EntryOn}
	}
	if !past.Done[stepID(entered.Op, entered.On)] {
		b.add(Step{Op: Identify, On: Held, Cost: numberCost(seen.Card)})
		b.add(entered)
	}
	out := &Plan{Version: 1, For: ForEndorsement, Profile: p.ID, Product: o.Product, Order: o.ID, Card: seen.Card, Extended: w.Extended, Steps: b.steps}
	if err := out.Check(); err != nil {
		panic("internal error: " + err.Error())
	}
	return out, nil
}

// judgeInUse refuses a card that no entry may be made on. One that does not tell its
// state, as no real card does today, is believed to be in use: its holder brought it.
func judgeInUse(p *profile.Card, e *Entry, seen Observation) error {
	switch {
	case seen.Card != e.Card:
		return &CardError{"CARD-NOT-ORDERED", "its number is not the order's", "put in the holder's own card, or correct the number in the order"}
	case seen.Known && seen.LifeCycle == p.Domain.Blank:
		return &CardError{"CARD-NOT-IN-USE", "its issue is not finished", "finish its issue; an entry is made on a card in use"}
	case seen.Known && seen.LifeCycle != p.Domain.Locked:
		return &CardError{"CARD-NOT-IN-USE", fmt.Sprintf("its life-cycle state is %02X", seen.LifeCycle), "give it back unchanged and have its state looked at"}
	}
	return nil
}

// numberCost is GET DATA of the card's number in the clear; the issuer domain has been
// selected by the look that every plan begins with.
func numberCost(card string) Cost { return Cost{APDUs: 1, Sent: 5, Received: len(card) + 2} }

// belongs refuses a step that is none of what its plan is for. An entry is made only
// behind the card's number.
func (s Step) belongs(what string, before map[string]bool) error {
	entry := s.Op == Identify || s.Op == Note || s.Op == Print && s.On == EntryOn
	switch {
	case entry != (what == ForEndorsement):
		return fmt.Errorf("a plan for %q has no such step", what)
	case s.Op == Print && s.On != Face && s.On != EntryOn, s.Op == Note && s.On != EntryOn, s.Op == Identify && s.On != Held:
		return fmt.Errorf("%s is not done on %q", s.Op, s.On)
	case entry && s.Op != Identify && !before[stepID(Identify, Held)]:
		return fmt.Errorf("an entry is made only once the card has told its number")
	}
	return nil
}
