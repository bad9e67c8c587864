package press

import (
	"image"

	"jukicard/printer"
)

// Feed takes a card from the hopper to a station or the head.
func (p *Press) Feed(to printer.Position) *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.ready(); t != nil {
		return t
	}
	switch {
	case p.card != nil:
		return p.trouble(Occupied)
	case !inside(to):
		return p.trouble(Unreachable)
	case p.cfg.Hopper == 0:
		return p.trouble(Empty)
	}
	p.works(p.cfg.Times.Feed)
	t := p.happen(Feeding, func(float64) { p.fromHopper() })
	if t != nil {
		return t
	}
	p.at = to
	return nil
}

// Bring takes the card inside to a station or the head, or one from the hopper when there
// is none; at a station its contacts or antenna close by themselves.
func (p *Press) Bring(to printer.Position) *Trouble {
	move := p.Move
	if !p.Snapshot().Inside {
		move = p.Feed
	}
	if t := move(to); t != nil || to == printer.Head {
		return t
	}
	return p.Engage(to)
}

// inside is whether a card that is there is in the machine.
func inside(at printer.Position) bool {
	return at == printer.Contact || at == printer.Contactless || at == printer.Head
}

func (p *Press) fromHopper() {
	p.cfg.Hopper--
	p.face = 0
	if n := len(p.laid); n > 0 { // it has been in before
		p.card, p.at, p.knows = p.laid[n-1], printer.Hopper, true
		p.laid = p.laid[:n-1]
		return
	}
	p.count.Fed++
	c := &Card{Number: int(p.count.Fed), size: image.Pt(p.cfg.Width, p.cfg.Height)}
	if p.cfg.Chip != nil {
		c.Chip = p.cfg.Chip(c.Number)
	}
	p.card, p.at, p.knows = c, printer.Hopper, true
	p.fed = append(p.fed, c)
}

// Move takes the card inside to a station, to the head, or out.
func (p *Press) Move(to printer.Position) *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.move(to)
}

func (p *Press) move(to printer.Position) *Trouble {
	if t := p.ready(); t != nil {
		return t
	}
	if p.card == nil || !p.knows {
		return p.trouble(NoCard)
	}
	p.letGo()
	switch {
	case to == printer.Output:
		return p.leave(Ejecting, len(p.out) >= p.cfg.OutputMax, OutputFull, &p.out)
	case to == printer.Reject:
		return p.leave(Rejecting, len(p.rejected) >= p.cfg.RejectMax, RejectFull, &p.rejected)
	case !inside(to):
		return p.trouble(Unreachable)
	}
	p.works(p.cfg.Times.Move)
	return p.happen(Moving, func(share float64) {
		if share == 1 {
			p.at = to
		}
	})
}

// leave takes the card out of the machine into a bin.
func (p *Press) leave(m Moment, full bool, why Why, bin *[]*Card) *Trouble {
	if full {
		return p.trouble(why)
	}
	p.works(p.cfg.Times.Eject)
	return p.happen(m, func(share float64) {
		if share == 1 {
			*bin = append(*bin, p.card)
			p.card, p.at, p.face = nil, printer.Hopper, 0
		}
	})
}

// Flip turns the card inside over.
func (p *Press) Flip() *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.ready(); t != nil {
		return t
	}
	if p.card == nil || !p.knows {
		return p.trouble(NoCard)
	}
	return p.flip()
}

func (p *Press) flip() *Trouble {
	p.letGo()
	p.works(p.cfg.Times.Flip)
	return p.happen(Flipping, func(share float64) {
		if share == 1 {
			p.face = 1 - p.face
		}
	})
}

// Engage has contacts or antenna touch the card, which must be at that station.
func (p *Press) Engage(at printer.Position) *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.ready(); t != nil {
		return t
	}
	if p.card == nil || !p.knows || p.at != at || at == printer.Head {
		return p.trouble(NoCard)
	}
	return p.happen(Engaging, func(share float64) {
		if share < 1 || p.engage == at {
			return
		}
		p.engage = at
		if p.cfg.Station != nil {
			p.cfg.Station(at, p.card)
		}
	})
}

// Release lets the chip go; without one it does nothing.
func (p *Press) Release() *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on {
		return &Trouble{Why: NoPower}
	}
	p.letGo()
	return nil
}

func (p *Press) letGo() {
	if p.engage == printer.Hopper {
		return
	}
	at := p.engage
	p.engage = printer.Hopper
	if p.cfg.Station != nil {
		p.cfg.Station(at, nil)
	}
}

// Initialise is the mechanism's own start: it forgets planes and film. A card whose place
// was lost is found by no sensor; a hand must take it out, and until then it is a jam
// where it lies.
func (p *Press) Initialise() *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on {
		return &Trouble{Why: NoPower}
	}
	p.memory, p.film, p.deaf = map[int]Planes{}, nil, false
	p.letGo()
	if p.card != nil && !p.knows && p.jam == nil {
		p.jam = &Trouble{Why: Jammed, At: p.at, During: Moving}
	}
	return p.ready()
}
