// Package press is the mechanics that every simulated card printer shares, without any
// wire language: hopper, feeder, chip stations, head, film or ribbon, output, reject bin,
// cover, power, counters and a clock. A language front-end (a package below this one)
// turns the commands of one maker into these calls:
//
//	Feed, Move, Bring, Flip   the card's way
//	Engage, Release           the contacts or the antenna of a station; the simulated
//	                          reader is told by Config.Station which card it has
//	Load, Loaded, Clear       planes in the printer's memory, lost with the power
//	PrintFilm, Transfer       re-transfer: planes to the film, the film to the card
//	PrintDirect               direct printing: panel by panel onto the card
//	Commit                    the non-volatile counter moves: the card is done
//	Clean, TestCard           maintenance
//	Snapshot, BusyFor         what its sensors say; how long it still works
//
// Each returns a *Trouble when the printer cannot. A call carries its whole effect out
// at once and adds its time to the clock: BusyFor tells a front-end that answers at once
// how long it must still say that it is busy, and Settle waits for it.
//
// The truth is on the [Card]: which side took which ink, how often, and whether it was
// stopped half way. Tests judge drivers by it; no wire language shows it. What goes wrong
// is scripted with [Press.Arm], mended by hand with OpenCover, PowerOff and the like, and
// faults of the link belong to the beds: [Config.Moment] tells them when.
//
// Planes are landscape, row by row from the top left of the side as one reads it, a byte
// of ink a dot (0 none, 255 full), whatever the language's own order of dots is.
//
// What it leaves out: heat, magnetic stripes, laminators and wear.
package press

import (
	"sync"
	"time"

	"jukicard/printer"
)

// Config is what a printer is when it leaves the factory and its supplies when it is
// switched on. Zero capacities are the defaults of New.
type Config struct {
	Width, Height int    // dots of a plane
	Panels        string // one letter a panel of the ribbon, in its order: "YMCK"
	Film          bool   // re-transfer: ink reaches the card by a film alone
	Hopper        int    // cards in it
	OutputMax     int    // cards the output hopper holds
	RejectMax     int    // cards the reject bin holds
	Ribbon        int    // sets of panels left
	RibbonMax     int
	FilmShots     int // shots of film left
	FilmMax       int
	CleanEvery    int    // cards between cleanings; 0 never
	Printed       uint64 // cards ever printed before today
	Times         Times
	Clock         Clock
	// Chip gives the n-th card its chip, from 1; nil makes cards without one.
	Chip func(n int) any
	// Station is told when contacts or antenna touch a card, and with nil when they
	// let go. It runs with the mechanics stopped and must not call back.
	Station func(at printer.Position, c *Card)
	// Moment is told before each thing happens and, with after, when it has. It runs
	// with the mechanics stopped; it may cut a link, and must not call back.
	Moment func(m Moment, after bool)
	// Power is told when it goes off, by a mishap or a hand, and on: the link goes with
	// it. As Moment it must not call back.
	Power func(on bool)
}

// Press is one printer. Its methods may be called at once from several goroutines: the
// front-end, the test and the operator's hands are rarely the same.
type Press struct {
	mu  sync.Mutex
	cfg Config

	card   *Card            // inside, or nil
	at     printer.Position // where it truly is
	knows  bool             // whether the printer knows it
	jam    *Trouble
	face   int // which side is towards the head: 0 front, 1 back
	engage printer.Position

	on, cover, restarted, deaf bool
	wrongRibbon                bool
	panel                      int // the next panel of the ribbon
	memory                     map[int]Planes
	film                       *shot
	count                      Counters
	busyUntil                  time.Duration

	fed, out, rejected, taken []*Card
	laid                      []*Card // on the hopper again, the next one last
	armed                     []Mishap
	seen                      map[Moment]int
}

// Counters are kept without power.
type Counters struct {
	Cards         uint64 // moved by Commit
	Passes        uint64 // panels that were heated, on film or card
	Shots         uint64 // shots of film used
	Fed           uint64
	Cleanings     uint64
	SinceCleaning uint64
	Errors        uint64 // troubles told
}

// New switches a printer on. Its hopper holds cfg.Hopper cards, the first is number 1.
func New(cfg Config) *Press {
	fill := func(n *int, standard int) {
		if *n == 0 {
			*n = standard
		}
	}
	fill(&cfg.OutputMax, 100)
	fill(&cfg.RejectMax, 15)
	fill(&cfg.RibbonMax, 1000)
	fill(&cfg.FilmMax, 1000)
	if cfg.Panels == "" {
		cfg.Panels = "YMCK"
	}
	if cfg.Clock == nil {
		cfg.Clock = &Virtual{}
	}
	if cfg.Times == (Times{}) {
		cfg.Times = Typical
	}
	p := &Press{cfg: cfg, on: true, knows: true, memory: map[int]Planes{}, seen: map[Moment]int{}}
	p.count.Cards = cfg.Printed
	return p
}

// Snapshot is what the sensors of a printer that is on can tell.
type Snapshot struct {
	Inside             bool             // a card is inside
	At                 printer.Position // Hopper when none is inside; Lost when the printer does not know
	Engaged            printer.Position // the station that has the card's chip, or Hopper
	Back               bool             // the back is towards the head
	Jam                *Trouble         // what a jam was told as, nil without one
	Cover              bool             // open
	WrongRibbon        bool
	Hopper             int // cards
	Ribbon, FilmLeft   int
	RibbonMax, FilmMax int
	FilmLoaded         bool // a printed shot waits for its transfer
	Output, Rejected   int
	RejectFull         bool
	OutputFull         bool
	NeedsCleaning      bool
	Counters
}

// Snapshot reads the sensors.
func (p *Press) Snapshot() Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Snapshot{
		Inside: p.card != nil, At: p.at, Engaged: p.engage, Back: p.face == 1, Jam: p.jam, Cover: p.cover,
		WrongRibbon: p.wrongRibbon, Hopper: p.cfg.Hopper, Ribbon: p.cfg.Ribbon, FilmLeft: p.cfg.FilmShots,
		RibbonMax: p.cfg.RibbonMax, FilmMax: p.cfg.FilmMax,
		FilmLoaded: p.film != nil, Output: len(p.out), Rejected: len(p.rejected),
		RejectFull: len(p.rejected) >= p.cfg.RejectMax, OutputFull: len(p.out) >= p.cfg.OutputMax,
		NeedsCleaning: p.needsCleaning(), Counters: p.count,
	}
	switch {
	case p.card == nil:
		s.At = printer.Hopper
	case !p.knows:
		s.At = printer.Lost
	}
	return s
}

func (p *Press) needsCleaning() bool {
	return p.cfg.CleanEvery > 0 && p.count.SinceCleaning >= uint64(p.cfg.CleanEvery)
}

// Size is the planes' width and height in dots.
func (p *Press) Size() (width, height int) { return p.cfg.Width, p.cfg.Height }

// Cards lists every card that was ever fed, in order, wherever it is now.
func (p *Press) Cards() []*Card {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*Card(nil), p.fed...)
}

// Where is where a card truly is.
func (p *Press) Where(c *Card) printer.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.out {
		if o == c {
			return printer.Output
		}
	}
	for _, r := range p.rejected {
		if r == c {
			return printer.Reject
		}
	}
	if p.card != c {
		return printer.Lost
	}
	return p.at
}

// Inside is the card inside, nil when there is none.
func (p *Press) Inside() *Card {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.card
}
