package simulator

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"

	"jukicard/apdu"
)

// What goes wrong inside a card while it carries out one command: its supply fails in
// the middle of a change, or it refuses. What goes wrong around it, on the link and in
// people's hands, is simulator/fault's.

// ProcessTorn carries a command out while the supply fails as soon as keep bytes of
// the change that the command makes are in the memory. Of a write these bytes take
// effect; any other change takes effect whole if keep is at least its size, else not
// at all (docs/CARD-WRITING.md). The card is then without power and there is no
// answer. kept and of tell how many bytes were kept of how many; of is 0 when the
// command came to no change.
func (c *Card) ProcessTorn(command []byte, keep int) (kept, of int) {
	s := &failingSupply{store: c.store, left: max(keep, 0)}
	c.store = s
	c.Process(command)
	c.store = s.store
	c.PowerOff()
	return s.kept, s.of
}

// ProcessRefused carries a command out as a card does that has it, in the channel's
// order if it came through the channel, and then answers sw: without having begun the
// work, or with after when the work is done. It also lies, with a sw of 9000 for work
// not begun. A command that does not get as far, for its form or its MAC, is answered
// as ever. sw is not 0.
func (c *Card) ProcessRefused(command []byte, sw apdu.SW, after bool) []byte {
	c.refusal = refusal{sw: sw, after: after}
	defer func() { c.refusal = refusal{} }()
	return c.Process(command)
}

// refusal is what the card answers to the command at hand; sw 0: what is due.
type refusal struct {
	sw    apdu.SW
	after bool
}

// unlessRefused carries a command out by h.
func (c *Card) unlessRefused(h handler, cmd apdu.Command) apdu.SW {
	if c.refusal.sw == 0 {
		return h(c, cmd)
	}
	if c.refusal.after {
		_ = h(c, cmd) // done, and not told
	}
	return c.refusal.sw
}

// failingSupply is a store that fails for good after so many bytes.
type failingSupply struct {
	store
	left     int
	kept, of int
}

var errSupply = errors.New("the supply failed")

func (s *failingSupply) keep(ch change) (change, error) {
	s.of = ch.size()
	part := ch.cut(s.left)
	s.left = 0
	if part.Op == opNothing {
		return part, errSupply
	}
	part, err := s.store.keep(part)
	if err != nil {
		return part, err
	}
	s.kept = part.size()
	return part, errSupply
}

// size is how many bytes a change puts into the memory, as far as anybody outside
// needs to know: at least 1.
func (ch change) size() int {
	switch k := ch.key.(type) {
	case *rsa.PrivateKey:
		return k.Size()
	case *ecdsa.PrivateKey:
		return pointKind.bits / 8
	}
	return max(len(ch.Data), 1)
}

// cut is what takes effect of a change when n bytes of it were written.
func (ch change) cut(n int) change {
	switch {
	case n >= ch.size():
		return ch
	case n == 0 || ch.Op != opWrite:
		return change{Op: opNothing}
	}
	ch.Data = ch.Data[:n]
	return ch
}
