package press

import (
	"fmt"
	"slices"

	"jukicard/printer"
)

// Moment is a thing that happens in a printer, where something can go wrong.
type Moment int

// The moments, in the order of a card's way. Receiving is a plane that comes in: front-
// ends with a language of their own tell it with Receive. Heating is a panel on its way
// to the film, Inking ink that reaches the card: a panel in direct printing, the whole
// film in re-transfer.
const (
	Feeding Moment = iota + 1
	Moving
	Flipping
	Engaging
	Receiving
	Heating
	Inking
	Counting
	Ejecting
	Rejecting
	CleaningUp
)

// String names the moment.
func (m Moment) String() string {
	names := [...]string{"none", "feeding", "moving", "flipping", "engaging", "receiving", "heating", "inking", "counting", "ejecting", "rejecting", "cleaning"}
	if m < 0 || int(m) >= len(names) {
		return fmt.Sprintf("moment %d", int(m))
	}
	return names[m]
}

// Kind is what goes wrong.
type Kind int

// Jam stops the card where it is. PowerCut switches the printer off in the middle.
// CoverOpens is a hand at the printer. RibbonEnds and FilmEnds are supplies at their end.
// Deafens stops the printer from reading its link (Press.Deaf). Cuts is nothing to the
// mechanics: Config.Moment's bed cuts the link, see Moment.
const (
	Jam Kind = iota + 1
	PowerCut
	CoverOpens
	RibbonEnds
	FilmEnds
	Deafens
)

// Mishap is one thing that goes wrong, once.
type Mishap struct {
	When Moment
	Nth  int // the how manieth of these moments since it was armed, from 1; 0 is 1
	Kind Kind
	// Share is how much of the moment has happened: 0 it goes wrong before it, 1 when
	// it is complete; between, ink reaches that share of the card's rows.
	Share float64
}

// Arm schedules mishaps; the moments are counted from now.
func (p *Press) Arm(all ...Mishap) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = append([]Mishap(nil), all...)
	p.seen = map[Moment]int{}
}

// happen runs a moment: do gets the share of it that comes to pass, and the trouble that
// ended it is returned. The time it takes is the caller's.
func (p *Press) happen(m Moment, do func(share float64)) *Trouble {
	p.tell(m, false)
	p.seen[m]++
	for i, a := range p.armed {
		if a.When != m || max(a.Nth, 1) != p.seen[m] {
			continue
		}
		p.armed = append(p.armed[:i:i], p.armed[i+1:]...)
		if a.Share > 0 {
			do(a.Share)
		}
		if t := p.strike(a.Kind, m); t != nil {
			return t
		}
		if a.Share == 0 { // it went wrong, and this moment is not touched by it
			do(1)
		}
		p.tell(m, true)
		return nil
	}
	do(1)
	p.tell(m, true)
	return nil
}

func (p *Press) tell(m Moment, after bool) {
	if p.cfg.Moment != nil {
		p.cfg.Moment(m, after)
	}
}

// strike makes a mishap happen; nil when the mechanics go on.
func (p *Press) strike(k Kind, m Moment) *Trouble {
	switch k {
	case Jam:
		p.jam, p.knows = &Trouble{Why: Jammed, At: p.at, During: m}, false
		p.letGo()
		p.count.Errors++
		return p.jam
	case PowerCut:
		p.powerOff()
		return &Trouble{Why: NoPower}
	case CoverOpens:
		p.cover = true
		return p.trouble(CoverOpen)
	case RibbonEnds:
		p.cfg.Ribbon, p.panel = 0, 0
		return p.trouble(RibbonOut)
	case FilmEnds:
		p.cfg.FilmShots = 0
		return p.trouble(FilmOut)
	}
	p.deaf = true
	return nil
}

// Receive is told by the front-end in the middle of each plane that comes in. It stops
// taking more when this returns a trouble or when the printer has become deaf.
func (p *Press) Receive() *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on {
		return &Trouble{Why: NoPower}
	}
	return p.happen(Receiving, func(float64) {})
}

// Deaf is whether the printer has stopped reading its link.
func (p *Press) Deaf() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deaf
}

// On is whether it has power.
func (p *Press) On() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.on
}

// PowerOff pulls the plug.
func (p *Press) PowerOff() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.powerOff()
}

// powerOff forgets what memory held: planes, and where the card is.
func (p *Press) powerOff() {
	p.letGo()
	p.on, p.memory, p.film, p.face = false, map[int]Planes{}, nil, 0
	p.knows = p.card == nil
	p.tellPower()
}

func (p *Press) tellPower() {
	if p.cfg.Power != nil {
		p.cfg.Power(p.on)
	}
}

// PowerOn starts it again. A card that was inside still is, and its place is not known
// until Initialise or a hand has taken it out.
func (p *Press) PowerOn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on, p.restarted, p.deaf = true, true, false
	p.tellPower()
}

// Restarted is whether it has started again since it was last asked.
func (p *Press) Restarted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.restarted
	p.restarted = false
	return r
}

// Hear makes a deaf printer read again, as a reset does.
func (p *Press) Hear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf = false
}

// Cover opens or closes it.
func (p *Press) Cover(open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cover = open
}

// TakeOut is a hand that takes the card out and clears a jam; nil when there was none.
func (p *Press) TakeOut() *Card {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.card
	p.letGo()
	if c != nil {
		p.taken = append(p.taken, c)
	}
	p.card, p.jam, p.knows, p.at, p.face = nil, nil, true, printer.Hopper, 0
	return c
}

// LayBack lays a card on the hopper, where it is fed next: one that was taken out, or from
// the output or the reject bin.
func (p *Press) LayBack(c *Card) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.laid = append(p.laid, c)
	for _, from := range []*[]*Card{&p.taken, &p.out, &p.rejected} {
		*from = slices.DeleteFunc(*from, func(t *Card) bool { return t == c })
	}
	p.cfg.Hopper++
}

// EmptyReject takes the cards out of the reject bin.
func (p *Press) EmptyReject() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = append(p.taken, p.rejected...)
	p.rejected = nil
}

// Refill puts cards into the hopper, a new ribbon and a new film in, and empties the
// reject bin and the output.
func (p *Press) Refill(cards int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.Hopper += cards
	p.cfg.Ribbon, p.cfg.FilmShots, p.panel, p.wrongRibbon = p.cfg.RibbonMax, p.cfg.FilmMax, 0, false
	p.out, p.rejected = nil, nil
}

// SetSupplies is what an operator left in the machine: cards in the hopper, sets of
// ribbon, shots of film, and whether the ribbon is one that this printer cannot use.
func (p *Press) SetSupplies(cards, ribbon, film int, wrong bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.Hopper, p.cfg.Ribbon, p.cfg.FilmShots, p.wrongRibbon, p.panel = cards, ribbon, film, wrong, 0
}

// FillReject puts other cards into the reject bin until it is full.
func (p *Press) FillReject() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.rejected) < p.cfg.RejectMax {
		p.rejected = append(p.rejected, &Card{})
	}
}
