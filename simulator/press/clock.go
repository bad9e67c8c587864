package press

import (
	"sync"
	"time"
)

// Clock is the time a mechanism lives in.
type Clock interface {
	Now() time.Duration // since any fixed moment
	Wait(d time.Duration)
}

// Virtual is a clock that stands still until somebody waits: then that time has passed
// at once. Cards an hour are counted with it.
type Virtual struct {
	mu  sync.Mutex
	now time.Duration
}

// Now is how much time was waited for.
func (v *Virtual) Now() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// Wait lets d pass.
func (v *Virtual) Wait(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now += max(d, 0)
}

// Wall is the real clock, for demonstrations; under testing/synctest it is a virtual one
// that several printers share rightly.
type Wall struct{}

var born = time.Now()

// Now is the time since the program began.
func (Wall) Now() time.Duration { return time.Since(born) }

// Wait sleeps.
func (Wall) Wait(d time.Duration) { time.Sleep(d) }

// Times is how long the mechanism takes for each thing.
type Times struct {
	Feed, Move, Flip, Panel, Transfer, Eject, Clean time.Duration
}

// Typical is ours: no maker publishes the times of the single steps. They are chosen so
// that one colour side of four panels on film, with its feed and eject, takes 24 s, which
// is the "up to 150 cards per hour" in colour that is the highest published figure
// (grokipedia.com, card_printer).
var Typical = Times{
	Feed: 2 * time.Second, Move: time.Second, Flip: 2 * time.Second, Panel: 3 * time.Second,
	Transfer: 7 * time.Second, Eject: 2 * time.Second, Clean: 30 * time.Second,
}

// BusyFor is how long the mechanism still works on what it was told.
func (p *Press) BusyFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.busyUntil-p.cfg.Clock.Now(), 0)
}

// Settle waits until it has done what it was told.
func (p *Press) Settle() { p.cfg.Clock.Wait(p.BusyFor()) }

// works adds the time of a step to what the mechanism has to do.
func (p *Press) works(d time.Duration) {
	p.busyUntil = max(p.busyUntil, p.cfg.Clock.Now()) + d
}
