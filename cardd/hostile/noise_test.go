package hostile

import "jukicard/simulator"

// noise is a card made of bytes: the first are its answer to reset, the rest its
// answers, each behind its length. Behind the end it answers 6F00.
type noise struct {
	atr     []byte
	s       script
	answers int
}

var _ simulator.ProcessingCard = (*noise)(nil)

// atrMax is the most bytes an answer to reset has, and one more (ISO/IEC 7816-3:2006, 8.2.1).
const atrMax = 34

func newNoise(b []byte) *noise {
	n := &noise{s: script{b}}
	n.atr = n.s.take(n.s.below(atrMax))
	return n
}

// ATR implements simulator.ProcessingCard.
func (n *noise) ATR() []byte { return n.atr }

// PowerOff implements simulator.ProcessingCard.
func (n *noise) PowerOff() {}

// Reset implements simulator.ProcessingCard.
func (n *noise) Reset() {}

// Process implements simulator.ProcessingCard. Lengths from 200 on stand for a status
// word alone, so that a short input gets far.
func (n *noise) Process([]byte) []byte {
	n.answers++
	if n.s.over() {
		return []byte{0x6F, 0x00}
	}
	length := n.s.next()
	if length >= 200 {
		return statuses[(length-200)%len(statuses)]
	}
	return n.s.take(length)
}
