package press

import (
	"fmt"

	"jukicard/printer"
)

// Why is what the mechanics cannot do something for.
type Why int

// NoPower: it is off, or lost its power in this very call, and nobody answers any more.
// Empty: no card in the hopper. Occupied: a card is inside already. NoCard: none is.
// Unreachable: a card cannot be taken there. NotLoaded: nothing to print.
const (
	NoPower Why = iota + 1
	Empty
	CoverOpen
	RibbonOut
	RibbonWrong
	FilmOut
	Jammed
	OutputFull
	RejectFull
	Occupied
	NoCard
	Unreachable
	NotLoaded
	NeedsCleaning
)

// String names why.
func (w Why) String() string {
	names := [...]string{
		"nothing", "no power", "hopper empty", "cover open", "ribbon out", "wrong ribbon", "film out", "jammed", "output full",
		"reject bin full", "occupied", "no card", "unreachable", "not loaded", "needs cleaning",
	}
	if w < 0 || int(w) >= len(names) {
		return fmt.Sprintf("trouble %d", int(w))
	}
	return names[w]
}

// Trouble is what stopped the mechanics.
type Trouble struct {
	Why    Why
	At     printer.Position // where the card was
	During Moment           // of Jammed: what it was doing
}

// Error says what stopped it.
func (t *Trouble) Error() string {
	if t.Why == Jammed {
		return fmt.Sprintf("cannot go on: %s at %s while %s", t.Why, t.At, t.During)
	}
	return fmt.Sprintf("cannot go on: %s", t.Why)
}

func (p *Press) trouble(w Why) *Trouble {
	p.count.Errors++
	return &Trouble{Why: w, At: p.at}
}

// ready is what stops every movement.
func (p *Press) ready() *Trouble {
	switch {
	case !p.on:
		return &Trouble{Why: NoPower}
	case p.jam != nil:
		p.count.Errors++
		return p.jam
	case p.cover:
		return p.trouble(CoverOpen)
	}
	return nil
}
