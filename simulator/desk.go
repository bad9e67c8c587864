package simulator

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"jukicard/reader"
)

// ProcessingCard is whatever can lie in a reader: a [Card], or one wrapped to misbehave.
// Process gives response data and a status word; fewer than two bytes means that the
// link failed, as it does when a card is pulled or dies.
type ProcessingCard interface {
	ATR() []byte
	PowerOff()
	Reset()
	Process(command []byte) []byte
}

// Desk is a table of readers without any PC/SC service: a reader.System whose cards are
// put in and taken out by Insert and Remove. A slot without an ATR holds a mute card.
// It is used by any number of goroutines; a card by one at a time.
type Desk struct {
	mu       sync.Mutex
	slots    []*slot
	watchers map[*watcher]struct{}
}

var (
	_ reader.System = (*Desk)(nil)
	_ reader.Lister = (*Desk)(nil)
)

// slot is one reader. Everything but running is Desk.mu's.
type slot struct {
	name     string
	attached bool
	placed   *placed // nil: no card

	exclusive bool // held by the one handle there is
	handles   map[*handle]struct{}
}

// placed is one stay of a card in a slot. running is held while the card works, so
// that it can be removed in the middle of a command: it loses its power when the
// command is over, and whoever sent that command learns nothing of it.
type placed struct {
	card    ProcessingCard
	atr     reader.ATR
	running sync.Mutex
	off     bool // removed and without power; running's
}

// powerOff takes the power of a removed card, once: it may lie in another slot by
// the time an old handle is closed. running is held.
func (p *placed) powerOff() {
	if !p.off {
		p.off = true
		p.card.PowerOff()
	}
}

// NewDesk makes a desk with a reader of each name, empty.
func NewDesk(names ...string) *Desk {
	d := &Desk{watchers: map[*watcher]struct{}{}}
	for _, name := range names {
		d.Attach(name)
	}
	return d
}

// Attach adds a reader and gives its slot number.
func (d *Desk) Attach(name string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slots = append(d.slots, &slot{name: name, attached: true, handles: map[*handle]struct{}{}})
	d.tell(reader.Event{Kind: reader.Attached, Reader: name})
	return len(d.slots) - 1
}

// Detach pulls a reader out, its card in it; the slot number is not given again.
func (d *Desk) Detach(n int) {
	d.Remove(n)
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.slots[n]; s.attached {
		s.attached = false
		d.tell(reader.Event{Kind: reader.Detached, Reader: s.name})
	}
}

// Insert puts a card into a slot, taking out what is there first; the card comes up
// without a session. A card pulled in the middle of a command must have ended it. The
// slot is one of NewDesk's or Attach's; any other panics.
func (d *Desk) Insert(n int, c ProcessingCard) {
	d.Remove(n)
	c.PowerOff()
	p := &placed{card: c, atr: reader.ATR(append([]byte(nil), c.ATR()...))}
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.slots[n]
	if !s.attached {
		return
	}
	s.placed = p
	d.tell(reader.Event{Kind: reader.Inserted, Reader: s.name, ATR: p.atr})
}

// Remove takes the card out of a slot, also in the middle of a command; open handles
// get ErrRemoved from then on.
func (d *Desk) Remove(n int) {
	d.mu.Lock()
	s := d.slots[n]
	p := s.placed
	if p == nil {
		d.mu.Unlock()
		return
	}
	s.placed = nil
	s.exclusive = false
	clear(s.handles)
	d.tell(reader.Event{Kind: reader.Removed, Reader: s.name})
	d.mu.Unlock()
	if p.running.TryLock() { // else whoever holds it takes the power, see handle.unlock
		p.powerOff()
		p.running.Unlock()
	}
}

// Readers says what is in each reader now.
func (d *Desk) Readers(ctx context.Context) ([]reader.State, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	states := make([]reader.State, 0, len(d.slots))
	for _, s := range d.slots {
		if s.attached {
			states = append(states, s.state())
		}
	}
	return states, nil
}

func (s *slot) state() reader.State {
	st := reader.State{Name: s.name, Present: s.placed != nil}
	if s.placed != nil {
		st.ATR, st.Mute = s.placed.atr, len(s.placed.atr) == 0
	}
	return st
}

// Open connects to the card in the named reader. Exclusive takes it clean: what
// another had verified is gone.
func (d *Desk) Open(ctx context.Context, name string, m reader.Mode) (reader.Card, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h, err := d.connect(name, m)
	if err != nil {
		return nil, &reader.Error{Op: "open", Reader: name, Kind: err}
	}
	if m == reader.Exclusive {
		h.placed.running.Lock()
		defer h.unlock()
		h.placed.card.Reset()
	}
	return h, nil
}

func (d *Desk) connect(name string, m reader.Mode) (*handle, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.byName(name)
	switch {
	case s == nil:
		return nil, reader.ErrNoReader
	case s.placed == nil:
		return nil, reader.ErrNoCard
	case len(s.placed.atr) == 0:
		return nil, reader.ErrMute
	case s.exclusive, m == reader.Exclusive && len(s.handles) > 0:
		return nil, reader.ErrSharing
	}
	h := &handle{desk: d, slot: s, placed: s.placed, mode: m}
	s.handles[h] = struct{}{}
	s.exclusive = m == reader.Exclusive
	return h, nil
}

func (d *Desk) byName(name string) *slot {
	for _, s := range d.slots {
		if s.attached && s.name == name {
			return s
		}
	}
	return nil
}

// handle is one open card.
type handle struct {
	desk   *Desk
	slot   *slot
	placed *placed
	mode   reader.Mode
	reset  bool // another handle reset the card; Desk.mu
	closed bool // Desk.mu
	doubt  bool // a command failed on the link: Reset or Close must follow; running's
	answer []byte
}

// standing is why the handle cannot be used, nil when it can. Desk.mu is held.
func (h *handle) standing() error {
	switch {
	case h.closed:
		return reader.ErrClosed
	case !h.slot.attached:
		return reader.ErrNoReader
	case h.slot.placed != h.placed:
		return reader.ErrRemoved
	case h.reset:
		return reader.ErrReset
	}
	return nil
}

func (h *handle) fail(op string, kind error) error {
	return &reader.Error{Op: op, Reader: h.slot.name, Kind: kind}
}

// ATR is the answer to reset.
func (h *handle) ATR() reader.ATR { return h.placed.atr }

// Transmit carries one command to the card.
func (h *handle) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(command) < 4 { // vpcd takes shorter ones for its own
		return nil, fmt.Errorf("cannot transmit: %d bytes, a command has at least 4", len(command))
	}
	h.placed.running.Lock()
	defer h.unlock()
	if err := h.check(); err != nil {
		return nil, h.fail("transmit", err)
	}
	if h.doubt {
		return nil, h.fail("transmit", reader.ErrLink)
	}
	h.answer = append(h.answer[:0], h.placed.card.Process(command)...)
	if err := h.check(); err != nil { // it happened, and nobody will know
		return nil, h.fail("transmit", err)
	}
	if len(h.answer) < 2 {
		h.doubt = true
		return nil, h.fail("transmit", reader.ErrLink)
	}
	return h.answer, nil
}

func (h *handle) check() error {
	h.desk.mu.Lock()
	defer h.desk.mu.Unlock()
	return h.standing()
}

// unlock ends the work on the card, which may have been removed meanwhile.
func (h *handle) unlock() {
	h.desk.mu.Lock()
	gone := h.slot.placed != h.placed
	h.desk.mu.Unlock()
	if gone {
		h.placed.powerOff()
	}
	h.placed.running.Unlock()
}

// Reset makes a warm reset; every other handle on the card learns of it.
func (h *handle) Reset(ctx context.Context) (reader.ATR, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h.placed.running.Lock()
	defer h.unlock()
	h.desk.mu.Lock()
	h.reset = false
	err := h.standing()
	if err == nil {
		h.tellOthers()
	}
	h.desk.mu.Unlock()
	if err != nil {
		return nil, h.fail("reset", err)
	}
	h.doubt = false
	h.placed.card.Reset()
	return h.placed.atr, nil
}

// tellOthers marks the other handles as reset. Desk.mu is held.
func (h *handle) tellOthers() {
	for other := range h.slot.handles {
		if other != h {
			other.reset = true
		}
	}
}

// Close gives the card up.
func (h *handle) Close(disposition reader.Disposition) error {
	h.placed.running.Lock()
	defer h.unlock()
	h.desk.mu.Lock()
	there := !h.closed && h.slot.placed == h.placed
	if there {
		delete(h.slot.handles, h)
		if h.mode == reader.Exclusive {
			h.slot.exclusive = false
		}
		if disposition != reader.Leave {
			h.tellOthers()
		}
	}
	h.closed = true
	h.desk.mu.Unlock()
	switch {
	case !there:
	case disposition == reader.Reset:
		h.placed.card.Reset()
	case disposition == reader.Unpower:
		h.placed.card.PowerOff()
	}
	return nil
}

// watcher is one Watch: what it has not told yet, and a signal that there is some.
type watcher struct {
	queue  []reader.Event // Desk.mu
	signal chan struct{}
}

// tell hands an event to every watcher. Desk.mu is held.
func (d *Desk) tell(e reader.Event) {
	for w := range d.watchers {
		w.queue = append(w.queue, e)
		select {
		case w.signal <- struct{}{}:
		default:
		}
	}
}

// Watch tells what is there, Settled, and each change, none left out, until ctx ends.
func (d *Desk) Watch(ctx context.Context) iter.Seq2[reader.Event, error] {
	return func(yield func(reader.Event, error) bool) {
		w := d.watch()
		defer d.unwatch(w)
		for {
			for _, e := range d.take(w) {
				if ctx.Err() != nil || !yield(e, nil) {
					return
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-w.signal:
			}
		}
	}
}

func (d *Desk) watch() *watcher {
	d.mu.Lock()
	defer d.mu.Unlock()
	w := &watcher{signal: make(chan struct{}, 1)}
	for _, s := range d.slots {
		if !s.attached {
			continue
		}
		w.queue = append(w.queue, reader.Event{Kind: reader.Attached, Reader: s.name})
		if s.placed != nil {
			w.queue = append(w.queue, reader.Event{Kind: reader.Inserted, Reader: s.name, ATR: s.placed.atr})
		}
	}
	w.queue = append(w.queue, reader.Event{Kind: reader.Settled})
	d.watchers[w] = struct{}{}
	return w
}

func (d *Desk) unwatch(w *watcher) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.watchers, w)
}

func (d *Desk) take(w *watcher) []reader.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	events := w.queue
	w.queue = nil
	return events
}
