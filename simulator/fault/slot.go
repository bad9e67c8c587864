package fault

import (
	"sync"
	"sync/atomic"

	"jukicard/simulator"
)

// Slot is a reader of a desk in which a card lies that may be pulled or swapped, and
// the person who puts it back. One goroutine plays that person, also while another
// uses the card through the desk.
type Slot struct {
	desk  *simulator.Desk
	n     int
	card  *Card
	other simulator.ProcessingCard

	use sync.Mutex // held while a card in the slot works

	mu      sync.Mutex
	lying   *stay // nil: the slot is empty
	swapped bool  // the next to be put in is the other card
}

// NewSlot puts a card into slot n of a desk and takes its Hands in hand. The other card
// is what lies there after a swap; without one, nil, a swap is a pull.
func NewSlot(d *simulator.Desk, n int, c *Card, other simulator.ProcessingCard) *Slot {
	s := &Slot{desk: d, n: n, card: c, other: other}
	c.Hands = func(swapped bool) { s.takeOut(swapped && other != nil) }
	s.Reinsert()
	return s
}

// Out says whether the slot is empty.
func (s *Slot) Out() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lying == nil
}

// Remove takes out by hand what lies in the slot, also in the middle of a command,
// which then ends before Remove does.
func (s *Slot) Remove() {
	lying := s.takeOut(false)
	if lying == nil {
		return
	}
	s.use.Lock()
	defer s.use.Unlock()
	lying.card.PowerOff()
}

// Reinsert puts the card in, also where it lies already; but the first time after a
// swap the other card. It says which: own is the card of the slot. It waits for the
// command in whose middle the card was pulled.
func (s *Slot) Reinsert() (own bool) {
	s.Remove()
	s.mu.Lock()
	var c simulator.ProcessingCard = s.card
	if own = !s.swapped; !own {
		c, s.swapped = s.other, false
	}
	lying := &stay{slot: s, card: c}
	s.lying = lying
	s.mu.Unlock()
	s.desk.Insert(s.n, lying)
	return own
}

// takeOut empties the slot and gives what lay there. Hands do so in the middle of a
// command, so it must not wait for the end of one.
func (s *Slot) takeOut(swapped bool) *stay {
	s.mu.Lock()
	defer s.mu.Unlock()
	lying := s.lying
	if lying == nil {
		return nil
	}
	lying.over.Store(true)
	s.lying = nil
	s.swapped = s.swapped || swapped
	s.desk.Remove(s.n)
	return lying
}

// stay is one stay of a card in the slot. When it is over, the card loses its power by
// who took it out, and may lie in the slot anew: the desk, when the last command ends,
// must not take its power once more.
type stay struct {
	slot *Slot
	card simulator.ProcessingCard
	over atomic.Bool
}

func (s *stay) ATR() []byte { return s.card.ATR() }

func (s *stay) PowerOff() {
	if s.over.Load() {
		return
	}
	s.slot.use.Lock()
	defer s.slot.use.Unlock()
	s.card.PowerOff()
}

func (s *stay) Reset() {
	if s.over.Load() {
		return
	}
	s.slot.use.Lock()
	defer s.slot.use.Unlock()
	s.card.Reset()
}

func (s *stay) Process(command []byte) []byte {
	if s.over.Load() {
		return nil
	}
	s.slot.use.Lock()
	defer s.slot.use.Unlock()
	return s.card.Process(command)
}
