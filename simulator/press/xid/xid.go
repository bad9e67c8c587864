// Package xid is a model of the re-transfer card printers XID8600 and XID580 of G-Printec:
// both their languages on the mechanics of package press. It is written from what is
// public of them (github.com/revk/cardprint: usb.txt, eth.txt, xid8600.txt, xidserver.c)
// and shares no code with the driver that it judges.
//
// Over USB it is a usbbed.Function, over TCP and in a pipe a lines.Printer; it may be both
// at once, as the machine is.
//
// # Where the sources are silent
//
// It does what the driver assumes (jukicard/printer/xid, "Assumed until seen on a
// machine"), and of its own: a full bin is refused with 00052A00, for no code is public
// for it; a card that lay inside when the power went is told as 0002C300 until somebody
// takes it out; what is left of ribbon and film is rounded up, so that 0 is none.
//
// What it leaves out: magnetic stripes, UV and peel-off panels, the second buffer, the
// laminator and the status port UDP 50731.
package xid

import (
	"sync"
	"time"

	"jukicard/printer"
	"jukicard/simulator/press"
)

// Config is one machine.
type Config struct {
	Type    string // "XID8600", "XID580", at most eight letters
	Serial  string // at most eight
	Address [6]byte
	Press   *press.Press
	Clock   press.Clock   // the press's, for warming up; nil: it is warm
	WarmUp  time.Duration // from New on
	Retry   byte          // its retry count; a new machine's is 1
}

// Printer is the machine.
type Printer struct {
	cfg    Config
	turned bool // planes come upside down
	warmAt time.Duration

	mu    sync.Mutex // for what follows
	retry byte
	taken int // bytes from all links
	usb   bulkOnly
}

// New makes one of a press, whose size says its resolution.
func New(cfg Config) *Printer {
	p := &Printer{cfg: cfg, turned: cfg.Type == "XID8600", retry: cfg.Retry}
	if cfg.Clock != nil {
		p.warmAt = cfg.Clock.Now() + cfg.WarmUp
	}
	p.usb.wake = make(chan struct{}, 1)
	return p
}

// Relabel gives it another serial number and address: it is another machine now.
func (p *Printer) Relabel(serial string, address [6]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.Serial, p.cfg.Address = serial, address
}

// label is its serial number and address.
func (p *Printer) label() (serial string, address [6]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cfg.Serial, p.cfg.Address
}

// Received counts the bytes that it has taken from its links.
func (p *Printer) Received() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

// Retry is its retry count, a setting.
func (p *Printer) Retry() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.retry)
}

func (p *Printer) took(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken += n
}

// Codes as REQUEST SENSE and frames tell them.
const (
	fine           uint32 = 0
	busyPrinting   uint32 = 0x0002D400
	warming        uint32 = 0x0002DA00
	noCards        uint32 = 0x0002D000
	doorOpen       uint32 = 0x0002D100
	powerCut       uint32 = 0x0002C300
	inkError       uint32 = 0x0003B000
	inkOut         uint32 = 0x0003B200
	filmSearch     uint32 = 0x0003A100
	jamHopper      uint32 = 0x00039000
	jamTurnOver    uint32 = 0x00039100
	jamTransfer    uint32 = 0x00039300
	jamDischarge   uint32 = 0x00039400
	jamRetransfer  uint32 = 0x00039500
	badCommand     uint32 = 0x00052000
	wrongPosition  uint32 = 0x00052600
	cannot         uint32 = 0x00052A00
	resetAttention uint32 = 0x00062800
	noAnswer       uint32 = 0xFFFFFFFF // the power is gone: nobody answers
)

// state is what TEST UNIT READY tells.
func (p *Printer) state() uint32 {
	if p.cfg.Press.Restarted() {
		return resetAttention
	}
	s := p.cfg.Press.Snapshot()
	switch {
	case !p.cfg.Press.On():
		return noAnswer
	case p.cfg.Clock != nil && p.cfg.Clock.Now() < p.warmAt:
		return warming
	case s.Jam != nil:
		return codeOf(s.Jam)
	case s.Cover:
		return doorOpen
	case s.At == printer.Lost:
		return powerCut
	case p.cfg.Press.BusyFor() > 0:
		return busyPrinting
	case s.Hopper == 0:
		return noCards
	}
	return fine
}

// where is the answer to the question for the position: mode 4 is outside.
func (p *Printer) where() (mode, at byte, code uint32) {
	s := p.cfg.Press.Snapshot()
	switch {
	case s.Jam != nil:
		return 0, 0, codeOf(s.Jam)
	case s.At == printer.Lost:
		return 0, 0, powerCut
	case !s.Inside:
		return 4, 0, fine
	}
	for number, place := range stations {
		if place == s.At {
			return 0, byte(number), fine
		}
	}
	return 4, 0, fine
}

// stations are the positions by the machine's numbers; 3 is the magnetic head, which this
// machine does not have.
var stations = [...]printer.Position{
	printer.Head, printer.Contact, printer.Contactless, printer.Lost, printer.Reject, printer.Output,
}

// codeOf says a trouble of the mechanics in the machine's codes.
func codeOf(t *press.Trouble) uint32 {
	if t == nil {
		return fine
	}
	switch t.Why {
	case press.NoPower:
		return noAnswer
	case press.Empty:
		return noCards
	case press.CoverOpen:
		return doorOpen
	case press.RibbonOut:
		return inkOut
	case press.RibbonWrong:
		return inkError
	case press.FilmOut:
		return filmSearch
	case press.Occupied, press.NoCard:
		return wrongPosition
	case press.Jammed:
		return jamOf(t.During)
	}
	return cannot
}

func jamOf(m press.Moment) uint32 {
	switch m {
	case press.Feeding:
		return jamHopper
	case press.Flipping:
		return jamTurnOver
	case press.Ejecting, press.Rejecting:
		return jamDischarge
	case press.Heating, press.Inking:
		return jamRetransfer
	}
	return jamTransfer
}

// letters are the panels by the bit of their planes over the network.
const letters = "YMCK"

// plane takes a plane, as the head wants it.
func (p *Printer) plane(letter byte, dots []byte) uint32 {
	width, height := p.cfg.Press.Size()
	if len(dots) != width*height {
		return cannot
	}
	if p.turned {
		turned := make([]byte, len(dots))
		for i, d := range dots {
			turned[len(dots)-1-i] = d
		}
		dots = turned
	}
	p.cfg.Press.Load(0, letter, dots)
	return fine
}

// load feeds a card; the exits are refused.
func (p *Printer) load(at byte) uint32 {
	if int(at) >= len(stations) || at >= 3 {
		return cannot
	}
	return p.done(p.cfg.Press.Feed(stations[at]))
}

// move takes the card on, and turns it over on the way when it is told to.
func (p *Printer) move(at byte, flip bool) uint32 {
	if int(at) >= len(stations) || at == 3 {
		return cannot
	}
	if flip {
		if t := p.cfg.Press.Flip(); t != nil {
			return codeOf(t)
		}
	}
	return p.done(p.cfg.Press.Move(stations[at]))
}

// done waits until the mechanics have done what they were told, and says how it ended.
func (p *Printer) done(t *press.Trouble) uint32 {
	p.cfg.Press.Settle()
	return codeOf(t)
}

func (p *Printer) film(panels string) uint32 { return p.done(p.cfg.Press.PrintFilm(0, panels)) }

// after is what a transfer does with the card.
type after int

const (
	back after = iota
	turn
	eject
)

// transfer counts the card unless it is turned over, for then another side comes.
func (p *Printer) transfer(then after) uint32 {
	t := p.cfg.Press.Transfer(then == turn)
	if t == nil && then != turn {
		t = p.cfg.Press.Commit()
	}
	if t == nil && then == eject {
		t = p.cfg.Press.Move(printer.Output)
	}
	return p.done(t)
}

func (p *Printer) chip(at printer.Position, engage bool) uint32 {
	if engage {
		return p.done(p.cfg.Press.Engage(at))
	}
	return p.done(p.cfg.Press.Release())
}

// share is what is left of max in parts, rounded up.
func share(left, of, parts int) byte {
	if of == 0 {
		return 0
	}
	return byte((left*parts + of - 1) / of)
}

// ink is the kind of ribbon: YMCK, or one whose label it cannot read.
func ink(s press.Snapshot) byte {
	if s.WrongRibbon {
		return 0xFE
	}
	return 0
}

// hopper is 0 when cards are there and 2 when none is.
func hopper(s press.Snapshot) byte {
	if s.Hopper == 0 {
		return 2
	}
	return 0
}
