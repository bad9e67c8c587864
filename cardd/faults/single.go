package faults

import (
	"context"
	"fmt"

	"jukicard/cardd/internal/failure"
	"jukicard/simulator"
	"jukicard/simulator/fault"
)

// Single issues a card to a person while things go wrong, and judges what came of it. A
// card that ends in quarantine has its order issued on a fresh one, on which nothing
// goes wrong.
func (f *Office) Single(ctx context.Context, t Try) (End, error) {
	a := f.house.people[t.Person]
	if a == nil {
		return End{}, fmt.Errorf("cannot issue: nobody is called %q", t.Person)
	}
	number := f.next()
	defer f.registry.forget(number)
	end, err := f.one(ctx, a, number, t)
	if err != nil || end.State != Quarantined {
		return end, err
	}
	again, err := f.one(ctx, a, number, Try{Person: t.Person})
	if again.State != Issued {
		end.Wrong = append(end.Wrong, "its order cannot be issued on a fresh card: "+again.State+" "+again.Code)
	}
	end.Wrong = append(end.Wrong, again.Wrong...)
	end.Double, end.Twice = end.Double+again.Double, end.Twice+again.Twice
	return end, err
}

// one lets the clerk work on one card and judges it.
func (f *Office) one(ctx context.Context, a *applicant, number string, t Try) (End, error) {
	c, err := f.place(a, number, f.cards%lines, t)
	if err != nil {
		return End{}, err
	}
	defer func() {
		f.press.forget(c.card.ID())
		f.press.forget(c.other.ID())
	}()
	before := map[string]chip{}
	for _, card := range []*simulator.Card{c.card, c.other} {
		if before[card.ID()], err = readChip(card); err != nil {
			return End{}, err
		}
	}
	if err := c.serve(ctx); err != nil {
		return c.end, err
	}
	if c.end.Commands == 0 {
		c.end.Commands, c.end.Log = c.faulty.Count(), c.faulty.Log()
	}
	c.slot.Remove()
	m, err := f.house.model(ctx, f.o, t.Person, c.line)
	if err != nil {
		return c.end, err
	}
	c.judge(m, before[c.card.ID()])
	if wrong := untouched(c.other, before[c.other.ID()]); len(wrong) > 0 {
		c.end.Wrong = append(c.end.Wrong, "another card was written to: "+wrong[0])
	}
	return c.end, nil
}

// place puts a fresh card into the reader, whatever lay there, with all that is to go
// wrong with it.
func (f *Office) place(a *applicant, number string, line int, t Try) (*counter, error) {
	card, err := f.blank(a.profile, line)
	if err != nil {
		return nil, err
	}
	other, err := f.blank(a.profile, lines-1-line)
	if err != nil {
		return nil, err
	}
	c := &counter{Office: f, a: a, number: number, card: card, other: other, line: line, faulty: fault.Wrap(card), lies: true, habits: t.habits, thief: t.Thief}
	c.slot = fault.NewSlot(f.desk.Desk, 0, c.faulty, other)
	f.press.under(card.ID())
	f.press.expect(t.Jams)
	f.registry.expect(t.Outages)
	f.journal.expect(t.Deaths)
	c.faulty.Arm(t.Script)
	return c, nil
}

// judge fills in what is wrong with how a card ended.
func (c *counter) judge(m model, before chip) {
	live, faces := c.registry.live(c.number), c.press.on(c.card.ID())
	c.end.Double, c.end.Spent, c.end.Twice = c.registry.doublesOf(c.number), c.card.TriesSpent()-c.end.Stolen, max(len(faces)-1, 0)
	wrong := c.press.misprints()
	switch c.end.State {
	case Issued:
		wrong = append(wrong, c.house.issued(c.a, m, c.card, before, live)...)
		if len(faces) != 1 || faces[0] != c.a.form.Resident.MyNumber {
			wrong = append(wrong, fmt.Sprintf("%d faces are printed on it, or another person's", len(faces)))
		}
	case Quarantined:
		if n := len(live); n > 0 {
			wrong = append(wrong, fmt.Sprintf("certificates for %d purposes are still valid", n))
		}
		if _, known := failure.Explain(failure.Code(c.end.Code)); !known {
			wrong = append(wrong, fmt.Sprintf("%q is no reason", c.end.Code))
		}
	case TurnedAway:
		wrong = append(wrong, untouched(c.card, before)...)
	default:
		wrong = append(wrong, "it is neither issued nor in quarantine")
	}
	c.end.Wrong = append(c.end.Wrong, wrong...)
}

// untouched says what a card holds that it did not hold before, but for the count of its
// channels.
func untouched(card *simulator.Card, before chip) []string {
	now, err := readChip(card)
	if err != nil {
		return []string{err.Error()}
	}
	return now.differences(before, func(key string) bool { return key == name("sequence", "") })
}

// model is a person's finished card of a line, made once without any fault and held
// against the person's form.
func (h *House) model(ctx context.Context, o Options, person string, line int) (model, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := fmt.Sprint(person, line)
	if m, ok := h.models[key]; ok {
		return m, nil
	}
	f, err := h.Office(ctx, o)
	if err != nil {
		return model{}, err
	}
	defer func() { _ = f.Close() }()
	a, number := h.people[person], f.next()
	c, err := f.place(a, number, line, Try{Person: person})
	if err != nil {
		return model{}, err
	}
	if err := c.serve(ctx); err != nil || c.end.State != Issued {
		return model{}, fmt.Errorf("cannot issue a model: %s %s, %w", c.end.State, c.end.Code, err)
	}
	m := model{card: c.card.ID()}
	if m.chip, err = readChip(c.card); err != nil {
		return model{}, err
	}
	if wrong := a.plausible(m.chip); len(wrong) > 0 {
		return model{}, fmt.Errorf("cannot use a model: %q", wrong)
	}
	h.models[key] = m
	return m, nil
}
