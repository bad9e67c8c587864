package faults

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"jukicard/apdu"
	"jukicard/simulator/fault"
)

// streamDay tells the dice of days from those of fault scripts.
const streamDay = 0x6461790000000000

// cardsMost is how many cards an order may use up before nothing more goes wrong with the
// next one.
const cardsMost = 3

// Day is a day of one office: so many orders, and whatever goes wrong drawn from a seed.
// Cards are torn, pulled, swapped and refuse; the daemon dies at its journal's
// boundaries; the authority and the printer fail before and after they did their work;
// the clerk does what he is told and sometimes something else. Every order is issued in
// the end, on a fresh card after each that went into quarantine.
//
// What happened is written to log, a line a card, and is the same for the same seed, n
// and options on every machine. Each line begins with what does the like again.
func (h *House) Day(ctx context.Context, seed uint64, n int, o Options, log io.Writer) (Tally, error) {
	f, err := h.Office(ctx, o)
	if err != nil {
		return Tally{}, err
	}
	defer func() { _ = f.Close() }()
	var t Tally
	for i := range n {
		if err := ctx.Err(); err != nil {
			return t, err
		}
		d := newDice(seed, streamDay+uint64(i))
		if err := f.order(ctx, d, fmt.Sprintf("day %d order %d", seed, i), &t, log); err != nil {
			return t, fmt.Errorf("day %d order %d: %w", seed, i, err)
		}
	}
	return t, nil
}

// order issues one order, on as many cards as it takes.
func (f *Office) order(ctx context.Context, d dice, name string, t *Tally, log io.Writer) error {
	who := f.house.People()
	person, number := who[d.below(len(who))], f.next()
	defer f.registry.forget(number)
	for card := 1; ; card++ {
		try := d.try(person)
		if card > cardsMost {
			try = Try{Person: person}
		}
		end, err := f.one(ctx, f.house.people[person], number, try)
		if err != nil {
			return fmt.Errorf("card %d: %w", card, err)
		}
		if card > cardsMost && end.State != Issued {
			end.Wrong = append(end.Wrong, "its order cannot be issued on a fresh card")
		}
		t.Add(end)
		if _, err := fmt.Fprintf(log, "%s card %d %s\n", name, card, end.line(try)); err != nil {
			return err
		}
		if end.State == Issued || card > cardsMost {
			f.archive()
			return nil
		}
	}
}

// try draws what goes wrong with one card.
func (d dice) try(person string) Try {
	t := Try{Person: person, habits: &habits{dice: newDice(d.Uint64(), streamDay)}}
	every := []int{0, 0, 240, 120, 60, 30, 12}[d.below(7)]
	if every > 0 {
		t.Script = fault.Seeded(d.Uint64(), fault.Odds{Every: every, Upto: 400})
		for i, f := range t.Script {
			if f.Kind == fault.Refused && d.once(4) { // it says that it was done
				t.Script[i].SW = apdu.SWOK
			}
		}
	}
	if d.once(40) { // broken for good
		kinds := []fault.Kind{fault.Refused, fault.RefusedAfter, fault.Stalled, fault.LostBefore, fault.LostAfter}
		at := 1 + d.below(110)
		t.Script = slices.DeleteFunc(t.Script, func(f fault.Fault) bool { return f.At >= at })
		t.Script = append(t.Script, fault.Fault{At: at, From: true, Kind: kinds[d.below(len(kinds))]})
	}
	for range 3 {
		jam := NoJam
		if d.once(6) {
			jam = Jam(d.below(int(jams)))
		}
		t.Jams = append(t.Jams, jam)
	}
	for range 6 {
		outage := NoOutage
		if d.once(6) {
			outage = Outage(d.below(int(outages)))
		}
		t.Outages = append(t.Outages, outage)
	}
	for at := 0; d.once(3) && len(t.Deaths) < 3; {
		at += 1 + d.below(360)
		t.Deaths = append(t.Deaths, at)
	}
	return t
}

// line is how a try ended and what it met.
func (e End) line(t Try) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", t.Person, e.State)
	if e.State != Issued {
		b.WriteString(" " + e.Code)
	}
	fmt.Fprintf(&b, ", %d commands", e.Commands)
	for _, f := range t.Script {
		if f.At <= e.Commands {
			fmt.Fprintf(&b, "; %v", f)
		}
	}
	if slices.ContainsFunc(t.Jams, func(j Jam) bool { return j != NoJam }) {
		fmt.Fprintf(&b, "; prints %v", t.Jams)
	}
	if slices.ContainsFunc(t.Outages, func(o Outage) bool { return o != NoOutage }) {
		fmt.Fprintf(&b, "; authority %v", t.Outages)
	}
	if e.Deaths > 0 {
		fmt.Fprintf(&b, "; daemon died %d times, meant to at %v", e.Deaths, t.Deaths)
	}
	if len(e.Codes) > 0 {
		fmt.Fprintf(&b, "; clerk %v", e.Codes)
	}
	if len(e.Wrong)+e.Double+e.Spent+e.Twice > 0 {
		fmt.Fprintf(&b, "; WRONG %q, %d double certificates, %d tries spent, %d printed twice", e.Wrong, e.Double, e.Spent, e.Twice)
	}
	return b.String()
}

// archive puts away what a day's office is not asked about again, where its journal is
// in memory.
func (f *Office) archive() {
	if l, ok := f.books.(*ledger); ok {
		l.archive()
	}
}
