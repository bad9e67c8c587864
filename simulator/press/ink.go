package press

import (
	"strings"

	"jukicard/printer"
)

// shot is one frame of film with ink on it.
type shot struct{ ink Planes }

// Load keeps a plane for a side or buffer; it is gone when the power is. The front-end
// has turned it the right way round and made a byte a dot of it.
func (p *Press) Load(buffer int, panel byte, plane []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.memory[buffer] == nil {
		p.memory[buffer] = Planes{}
	}
	p.memory[buffer][panel] = append([]byte(nil), plane...)
}

// Loaded lists the panels a buffer holds, in the ribbon's order.
func (p *Press) Loaded(buffer int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all strings.Builder
	for i := range len(p.cfg.Panels) {
		if _, ok := p.memory[buffer][p.cfg.Panels[i]]; ok {
			all.WriteByte(p.cfg.Panels[i])
		}
	}
	return all.String()
}

// Clear forgets the planes of a buffer.
func (p *Press) Clear(buffer int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.memory, buffer)
}

// canPrint is what stops ink; the card must be at the head.
func (p *Press) canPrint() *Trouble {
	if t := p.ready(); t != nil {
		return t
	}
	switch {
	case p.card == nil || !p.knows:
		return p.trouble(NoCard)
	case p.at != printer.Head:
		return p.trouble(Unreachable)
	case p.wrongRibbon:
		return p.trouble(RibbonWrong)
	}
	return nil
}

// PrintFilm puts panels of a buffer on a new shot of film; the card takes nothing yet.
// An untransferred shot is thrown away.
func (p *Press) PrintFilm(buffer int, panels string) *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.canPrint(); t != nil {
		return t
	}
	switch {
	case p.cfg.Ribbon == 0:
		return p.trouble(RibbonOut)
	case p.cfg.FilmShots == 0:
		return p.trouble(FilmOut)
	case !p.has(buffer, panels):
		return p.trouble(NotLoaded)
	}
	p.film = nil
	p.cfg.FilmShots--
	p.count.Shots++
	laid := Planes{}
	for i := range len(panels) {
		p.works(p.cfg.Times.Panel)
		t := p.happen(Heating, func(float64) {
			p.count.Passes++
			laid[panels[i]] = p.memory[buffer][panels[i]]
		})
		if t != nil {
			return t
		}
	}
	p.cfg.Ribbon--
	p.film = &shot{laid}
	return nil
}

// has is whether a buffer holds all those panels, and there is at least one.
func (p *Press) has(buffer int, panels string) bool {
	for i := range len(panels) {
		if _, ok := p.memory[buffer][panels[i]]; !ok {
			return false
		}
	}
	return panels != ""
}

// Transfer puts the shot of film on the side towards the head; then it turns the card
// over when it is told to.
func (p *Press) Transfer(flip bool) *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.canPrint(); t != nil {
		return t
	}
	if p.film == nil {
		return p.trouble(NotLoaded)
	}
	p.works(p.cfg.Times.Transfer)
	film := p.film
	t := p.happen(Inking, func(share float64) {
		p.film = nil
		p.card.take(p.face, film.ink, share, Film)
	})
	if t != nil || !flip {
		return t
	}
	return p.flip()
}

// PrintDirect puts panels of a buffer on the side towards the head, one stroke each. A
// panel that was not loaded passes without ink when it is 'O' (the overlay covers all).
func (p *Press) PrintDirect(buffer int, panels string) *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.canPrint(); t != nil {
		return t
	}
	if p.cfg.Ribbon == 0 {
		return p.trouble(RibbonOut)
	}
	if !p.has(buffer, strings.ReplaceAll(panels, "O", "")) && panels != "O" {
		return p.trouble(NotLoaded)
	}
	for i := range len(panels) {
		if t := p.panelOn(panels[i], p.memory[buffer][panels[i]]); t != nil {
			return t
		}
	}
	p.cfg.Ribbon--
	return nil
}

func (p *Press) panelOn(panel byte, plane []byte) *Trouble {
	p.works(p.cfg.Times.Panel)
	return p.happen(Inking, func(share float64) {
		p.count.Passes++
		p.card.take(p.face, Planes{panel: plane}, share, panel)
	})
}

// Commit moves the counter: the printer holds this card for done.
func (p *Press) Commit() *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on {
		return &Trouble{Why: NoPower}
	}
	return p.happen(Counting, func(share float64) {
		if share == 1 {
			p.count.Cards++
			p.count.SinceCleaning++
		}
	})
}

// Clean runs the cleaning card that lies in the hopper through the machine.
func (p *Press) Clean() *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.ready(); t != nil {
		return t
	}
	switch {
	case p.card != nil:
		return p.trouble(Occupied)
	case p.cfg.Hopper == 0:
		return p.trouble(Empty)
	}
	p.works(p.cfg.Times.Clean)
	return p.happen(CleaningUp, func(float64) {
		p.cfg.Hopper--
		p.count.Cleanings++
		p.count.SinceCleaning = 0
	})
}

// TestCard feeds a card, puts the printer's own pattern on its front, counts and ejects it.
func (p *Press) TestCard() *Trouble {
	if t := p.Feed(printer.Head); t != nil {
		return t
	}
	p.mu.Lock()
	pattern := make([]byte, p.cfg.Width*p.cfg.Height)
	for i := range pattern {
		if i%p.cfg.Width/8%2 == 0 {
			pattern[i] = 255
		}
	}
	p.mu.Unlock()
	p.Load(testBuffer, 'K', pattern)
	defer p.Clear(testBuffer)
	for _, do := range p.testSteps() {
		if t := do(); t != nil {
			return t
		}
	}
	return nil
}

// testBuffer is a buffer that no language has a name for.
const testBuffer = -1

func (p *Press) testSteps() []func() *Trouble {
	ink := []func() *Trouble{func() *Trouble { return p.PrintDirect(testBuffer, "K") }}
	if p.cfg.Film {
		ink = []func() *Trouble{
			func() *Trouble { return p.PrintFilm(testBuffer, "K") },
			func() *Trouble { return p.Transfer(false) },
		}
	}
	return append(ink, p.Commit, func() *Trouble { return p.Move(printer.Output) })
}
