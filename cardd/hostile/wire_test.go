package hostile

import (
	"bytes"

	"jukicard/apdu"
	"jukicard/simulator"
)

// trick is one way to change what a card answered. It gets the command, whether the
// card shall still carry it out, and gives the answer.
type trick struct {
	name string
	mild bool // what comes of it can only be a broken link
	play func(w *wire, command []byte) []byte
}

// wire is a simulated card at the end of a line that somebody without its keys holds:
// what it answers is changed, withheld or made up. It is a card in a reader.
type wire struct {
	real *simulator.Card
	s    script
	gap  int  // commands to let pass before the next trick
	mask int  // of what the script says of later gaps
	mild bool // no trick that looks like a card's refusal

	history  [][]byte // answers given
	storm    []byte   // what every command is answered while strength is above 0
	strength int
	state    int    // how the personalisation state is forged; 0: it is not
	id       []byte // the card number that is claimed; nil: the real one
	played   map[string]int
}

var _ simulator.ProcessingCard = (*wire)(nil)

func newWire(real *simulator.Card, b []byte) *wire {
	w := &wire{real: real, s: script{b}, played: map[string]int{}}
	w.gap = w.s.next()
	temper := w.s.next()
	w.mask, w.mild = gapMasks[temper%len(gapMasks)], temper&0x80 != 0
	return w
}

// gapMasks are how far apart tricks are, by a script's second byte.
var gapMasks = [...]int{63, 15, 3, 0}

// ATR implements simulator.ProcessingCard.
func (w *wire) ATR() []byte { return w.real.ATR() }

// PowerOff implements simulator.ProcessingCard. A storm lasts no longer than the power.
func (w *wire) PowerOff() {
	w.strength = 0
	w.real.PowerOff()
}

// Reset implements simulator.ProcessingCard.
func (w *wire) Reset() {
	w.strength = 0
	w.real.Reset()
}

const historyMax = 32

// Process implements simulator.ProcessingCard.
func (w *wire) Process(command []byte) []byte {
	answer := w.answer(command)
	if len(answer) <= apdu.MaxResponse {
		w.history = append(w.history, bytes.Clone(answer))
		if len(w.history) > historyMax {
			w.history = w.history[1:]
		}
	}
	return answer
}

func (w *wire) answer(command []byte) []byte {
	switch {
	case w.strength > 0:
		w.strength--
		w.count("storm")
		return w.storm
	case w.gap > 0 || w.s.over():
		w.gap--
		return w.forged(command, w.real.Process(command))
	}
	t := tricks[w.s.below(len(tricks))]
	if w.mild && !t.mild {
		t = tricks[0]
	}
	answer := t.play(w, command)
	w.count(t.name)
	w.gap = w.s.next() & w.mask
	return answer
}

func (w *wire) count(name string) { w.played[name]++ }

// malformed is how many answers were not the card's.
func (w *wire) malformed() (n int) {
	for _, played := range w.played {
		n += played
	}
	return n
}

// cardIDTag and stateTag are P1 P2 of GET DATA for the card's number and for its
// personalisation state.
var (
	cardIDTag = [2]byte{0x00, 0x45}
	stateTag  = [2]byte{0xDF, 0x70}
)

func asks(command []byte, tag [2]byte) bool {
	return len(command) >= 4 && command[1] == apdu.INSGetData && [2]byte(command[2:4]) == tag
}

// forged puts the claimed number and state in place of the real ones, where they are
// told in the clear.
func (w *wire) forged(command, answer []byte) []byte {
	clear := command[0]&0x0C == 0
	switch {
	case clear && w.id != nil && asks(command, cardIDTag):
		w.count("another number")
		return append(bytes.Clone(w.id), 0x90, 0x00)
	case clear && w.state != 0 && asks(command, stateTag):
		w.count("another state")
		return append(forgeState(w.state, answer), 0x90, 0x00)
	}
	return answer
}

// split is an answer's data and its status word.
func split(answer []byte) (data, sw []byte) {
	if len(answer) < 2 {
		return nil, []byte{0x6F, 0x00}
	}
	return bytes.Clone(answer[:len(answer)-2]), answer[len(answer)-2:]
}

// statuses are those that make somebody believe something.
var statuses = [][]byte{
	{0x90, 0x00}, {0x63, 0xCF}, {0x63, 0xC0}, {0x63, 0xC1}, {0x69, 0x83}, {0x69, 0x84}, {0x61, 0xFF}, {0x61, 0x00},
	{0x6C, 0xFF}, {0x6C, 0x00}, {0x6C, 0x01}, {0x62, 0x82}, {0x62, 0x83}, {0x63, 0x00}, {0x6A, 0x82}, {0x6A, 0x88}, {0x6B, 0x00}, {0x69, 0x82}, {0x67, 0x00}, {0x00, 0x00}, {0xFF, 0xFF},
}

// hugeTLV are headers that promise more than there is.
var hugeTLV = [][]byte{
	{0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF}, {0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF}, {0x30, 0x83, 0xFF, 0xFF, 0xFF}, {0x30, 0x82, 0xFF, 0xFF},
	{0x7F, 0x49, 0x83, 0x01, 0x00, 0x00, 0x81, 0x84, 0xFF, 0xFF, 0xFF, 0xFF}, {0x30, 0x80, 0x00, 0x00}, {0x30, 0x85, 1, 1, 1, 1, 1}, {0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x00},
	{0xFF, 0x20, 0x82, 0x7F, 0xFF}, {0x7F, 0x21, 0x82, 0x02, 0x34},
}

func (w *wire) status() []byte {
	if n := w.s.below(len(statuses) + 8); n < len(statuses) {
		return statuses[n]
	}
	return []byte{byte(w.s.next()), byte(w.s.next())}
}

// tricks are what can be done without keys.
var tricks = []trick{
	{"flip", true, func(w *wire, command []byte) []byte {
		answer := bytes.Clone(w.real.Process(command))
		answer[w.s.below(len(answer))] ^= 1 << w.s.below(8)
		return answer
	}},
	{"truncate", true, func(w *wire, command []byte) []byte {
		answer := w.real.Process(command)
		return bytes.Clone(answer[:w.s.below(len(answer))])
	}},
	{"shorten", true, func(w *wire, command []byte) []byte {
		data, sw := split(w.real.Process(command))
		return append(data[:w.s.below(len(data)+1)], sw...)
	}},
	{"lengthen", true, func(w *wire, command []byte) []byte {
		data, sw := split(w.real.Process(command))
		data = append(data, bytes.Repeat([]byte{byte(w.s.next())}, 1+w.s.below(600))...)
		return append(data, sw...)
	}},
	{"another status", false, func(w *wire, command []byte) []byte {
		data, _ := split(w.real.Process(command))
		return append(data, w.status()...)
	}},
	{"status alone", false, func(w *wire, command []byte) []byte {
		w.real.Process(command)
		return bytes.Clone(w.status())
	}},
	{"not carried out", false, func(w *wire, _ []byte) []byte { return bytes.Clone(w.status()) }},
	{"replay", true, func(w *wire, command []byte) []byte {
		w.real.Process(command)
		if len(w.history) == 0 {
			return nil
		}
		return bytes.Clone(w.history[len(w.history)-1-w.s.below(len(w.history))])
	}},
	{"replay to a command that is withheld", true, func(w *wire, _ []byte) []byte {
		if len(w.history) == 0 {
			return nil
		}
		return bytes.Clone(w.history[len(w.history)-1-w.s.below(len(w.history))])
	}},
	{"storm", false, func(w *wire, command []byte) []byte {
		data := bytes.Repeat([]byte{0x30}, []int{0, 1, 255, 256, 300, 65000}[w.s.below(6)])
		w.storm = append(data, statuses[w.s.below(len(statuses))]...)
		if w.strength = w.s.next(); w.strength > 200 {
			w.strength = 1 << 30 // as long as the power lasts
		}
		return w.storm
	}},
	{"huge length", true, func(w *wire, command []byte) []byte {
		w.real.Process(command)
		data := bytes.Clone(hugeTLV[w.s.below(len(hugeTLV))])
		return append(append(data, w.s.take(w.s.below(32))...), 0x90, 0x00)
	}},
	{"huge answer", true, func(w *wire, command []byte) []byte {
		w.real.Process(command)
		return append(bytes.Repeat([]byte{0x30}, 65000+w.s.below(1200)), 0x90, 0x00)
	}},
	{"junk", true, func(w *wire, command []byte) []byte {
		w.real.Process(command)
		return bytes.Clone(w.s.take(w.s.below(40)))
	}},
	{"brown-out", false, func(w *wire, command []byte) []byte {
		w.real.Reset()
		return w.real.Process(command)
	}},
	{"another number from here on", false, func(w *wire, command []byte) []byte {
		w.id = [][]byte{nil, []byte("0999000000000043"), {}, bytes.Repeat([]byte{'9'}, 65000), []byte("0999/../../0042"), []byte("山田"), {0x00}}[w.s.below(7)]
		return w.forged(command, w.real.Process(command))
	}},
	{"another state from here on", false, func(w *wire, command []byte) []byte {
		w.state = w.s.below(forgeries)
		return w.forged(command, w.real.Process(command))
	}},
}
