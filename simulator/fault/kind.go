// Package fault makes a simulated card, and whoever holds it, misbehave: at a command
// by number, by a script or from a seed, the same again each time.
//
// A [Card] is a [simulator.Card] with a [Script]. A [Slot] is the reader it lies in,
// for the faults that need a hand: the card is pulled, another is put in. What was done
// is in the [Log], whose lines are a script that does it again.
//
// No fault takes time: a card that stalls gives up at once, and a test that wants to
// see the wait hands the card a Patience. Left out: faults of printers and of
// authorities, and cards that answer at random, which the fuzz targets of the packages
// that read answers are for.
package fault

// Kind is one way to misbehave.
type Kind uint8

// The kinds. "No answer" is a broken link to the host; a mute card gives none until it
// is reset or loses its power.
const (
	// LostBefore loses the command on its way: nothing happens, no answer.
	LostBefore Kind = iota + 1
	// LostAfter loses the answer: the command was carried out.
	LostAfter
	// TornCommit takes the supply away when Byte bytes of the change are in the memory
	// (simulator.Card.ProcessTorn; docs/CARD-WRITING.md). No answer, session lost, mute.
	TornCommit
	// Refused answers SW, 6F00 without one, and nothing happens. A secure channel stays
	// in step. A SW of 9000 is a lie.
	Refused
	// RefusedAfter answers SW, 6581 without one, to a command carried out.
	RefusedAfter
	// Garbled flips the lowest bit of byte Byte of the answer, or of its last byte.
	Garbled
	// Short cuts the answer's data to Byte bytes, at least one less than there are. Of
	// an answer without data half the status word is left: a broken link.
	Short
	// Long puts Byte bytes of junk, at least one, between data and status word.
	Long
	// Stalled hangs before anything happens: no answer, mute.
	Stalled
	// MuteAfter hangs when the command has been carried out: no answer, mute.
	MuteAfter
	// Pulled takes the card out of the reader when Byte bytes of the change are in
	// the memory: as TornCommit, and the reader is empty. 0 is before the change, End
	// after it.
	Pulled
	// Swapped is Pulled, and who puts the card back puts in another one first.
	Swapped
	// Reset makes the card lose its session just before the command, unnoticed, as a
	// brown-out does; the command is carried out as it then can be.
	Reset
)

// argument is what a kind's line in a script ends with.
type argument uint8

const (
	nothing argument = iota
	byteNumber
	statusWord
)

// kinds is by Kind.
var kinds = [...]struct {
	name string
	argument
}{
	LostBefore:   {"lost-before", nothing},
	LostAfter:    {"lost-after", nothing},
	TornCommit:   {"torn", byteNumber},
	Refused:      {"refused", statusWord},
	RefusedAfter: {"refused-after", statusWord},
	Garbled:      {"garbled", byteNumber},
	Short:        {"short", byteNumber},
	Long:         {"long", byteNumber},
	Stalled:      {"stalled", nothing},
	MuteAfter:    {"mute-after", nothing},
	Pulled:       {"pulled", byteNumber},
	Swapped:      {"swapped", byteNumber},
	Reset:        {"reset", nothing},
}

// Kinds lists every kind once, in the order of their constants.
func Kinds() []Kind {
	var all []Kind
	for k := LostBefore; int(k) < len(kinds); k++ {
		all = append(all, k)
	}
	return all
}

// String is the kind's word in a script.
func (k Kind) String() string {
	if !k.valid() {
		return "unknown"
	}
	return kinds[k].name
}

func (k Kind) valid() bool { return k >= LostBefore && int(k) < len(kinds) }

// kindOf is the kind of a word, 0 when it is none's.
func kindOf(word string) Kind {
	for _, k := range Kinds() {
		if kinds[k].name == word {
			return k
		}
	}
	return 0
}
