package fault

import (
	"bytes"
	"sync"

	"jukicard/apdu"
	"jukicard/simulator"
)

// logMax bounds a log; what happens beyond it is only counted.
const logMax = 10_000

// Card is a card on which things go wrong while it is armed. As any card it is used by
// one goroutine at a time; Count and Log may be called meanwhile.
type Card struct {
	// Patience, where set, is called when the card stalls or falls mute, on the
	// goroutine that waits for the answer: a test makes time pass in it.
	Patience func()
	// Hands, where set, take the card out of its reader when it is Pulled or Swapped.
	// They are called before the command ends and do not use the card. A Slot sets
	// them. A card in nobody's hands only loses its power.
	Hands func(swapped bool)

	card   *simulator.Card
	mute   bool
	answer []byte // reused

	mu     sync.Mutex
	script Script // what is to come, nil when not armed
	from   Fault  // what goes wrong at every command; Kind 0: nothing
	armed  bool
	count  int
	log    Log
	missed int // injected and not in log
}

var _ simulator.ProcessingCard = (*Card)(nil)

// Wrap gives a card that does nothing wrong until it is armed.
func Wrap(c *simulator.Card) *Card { return &Card{card: c} }

// Arm begins a scenario: the next command is number 1, and the log is empty. What the
// card is in the middle of, mute for instance, it stays.
func (c *Card) Arm(s Script) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.script = append(Script(nil), s...)
	c.script.sort()
	c.armed, c.from, c.count, c.log, c.missed = true, Fault{}, 0, nil, 0
}

// Disarm ends the scenario: nothing goes wrong any more and commands are not counted;
// count and log stay.
func (c *Card) Disarm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed, c.script = false, nil
}

// Count is how many commands came while the card was armed and not mute.
func (c *Card) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

// Log is what went wrong since the card was armed, the first 10,000 faults of it.
func (c *Card) Log() Log {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append(Log(nil), c.log...)
}

// Injected is how many faults happened since the card was armed.
func (c *Card) Injected() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.log) + c.missed
}

// ATR is the card's answer to reset.
func (c *Card) ATR() []byte { return c.card.ATR() }

// PowerOff takes the power away; a mute card answers again.
func (c *Card) PowerOff() {
	c.mute = false
	c.card.PowerOff()
}

// Reset is a warm reset; a mute card answers again.
func (c *Card) Reset() {
	c.mute = false
	c.card.Reset()
}

// Process carries out one command as the script has it. No answer, or one of a single
// byte, is a broken link. The answer is the card's until the next Process.
func (c *Card) Process(command []byte) []byte {
	if c.mute {
		return nil
	}
	f, due := c.due()
	if !due {
		return c.card.Process(command)
	}
	e := Injected{Fault: f, Length: len(command)}
	copy(e.Header[:], command)
	return c.inject(&e, command)
}

// due counts a command and says what goes wrong at it.
func (c *Card) due() (f Fault, due bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.armed {
		return f, false
	}
	c.count++
	f = c.from
	for len(c.script) > 0 && c.script[0].At <= c.count {
		if next := c.script[0]; next.At == c.count {
			f = next
		}
		if c.script[0].From {
			c.from = c.script[0]
		}
		c.script = c.script[1:]
	}
	f.At, f.From = c.count, false
	return f, f.Kind.valid()
}

func (c *Card) note(e *Injected) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.log) == logMax {
		c.missed++
		return
	}
	c.log = append(c.log, *e)
}

// inject carries the command out with the fault and notes it.
func (c *Card) inject(e *Injected, command []byte) []byte {
	switch e.Kind {
	case LostBefore:
		c.note(e)
		return nil
	case Stalled:
		c.note(e)
		return c.hang()
	case TornCommit, Pulled, Swapped:
		return c.tear(e, command)
	case Reset:
		c.card.Reset()
	}
	answer := c.carryOut(e, command)
	e.Answered = statusOf(answer)
	c.note(e)
	switch e.Kind {
	case LostAfter:
		return nil
	case MuteAfter:
		return c.hang()
	}
	return c.spoil(e.Fault, answer)
}

// carryOut is the card's own part.
func (c *Card) carryOut(e *Injected, command []byte) []byte {
	switch e.Kind {
	case Refused, RefusedAfter:
		return c.card.ProcessRefused(command, e.status(), e.Kind == RefusedAfter)
	}
	return c.card.Process(command)
}

func statusOf(answer []byte) apdu.SW {
	n := len(answer)
	return apdu.SW(answer[n-2])<<8 | apdu.SW(answer[n-1]) // simulator.Card gives two bytes at least
}

// hang makes the card mute.
func (c *Card) hang() []byte {
	c.mute = true
	if c.Patience != nil {
		c.Patience()
	}
	return nil
}

// tear takes the supply away, and for some kinds the card.
func (c *Card) tear(e *Injected, command []byte) []byte {
	e.Kept, e.Of = c.card.ProcessTorn(command, e.Byte)
	c.mute = true
	c.note(e)
	if e.Kind != TornCommit && c.Hands != nil {
		c.Hands(e.Kind == Swapped)
	}
	return nil
}

// junk is what a long answer is longer by.
const junk = 0xA5

// spoil does to an answer what the link does to it.
func (c *Card) spoil(f Fault, answer []byte) []byte {
	data, sw := answer[:len(answer)-2], answer[len(answer)-2:]
	switch f.Kind {
	case Garbled:
		c.answer = append(c.answer[:0], answer...)
		c.answer[min(max(f.Byte, 0), len(answer)-1)] ^= 1
	case Short:
		if len(data) == 0 {
			return sw[:1]
		}
		c.answer = append(append(c.answer[:0], data[:min(max(f.Byte, 0), len(data)-1)]...), sw...)
	case Long:
		c.answer = append(c.answer[:0], data...)
		c.answer = append(c.answer, bytes.Repeat([]byte{junk}, min(max(f.Byte, 1), End))...)
		c.answer = append(c.answer, sw...)
	default:
		return answer
	}
	return c.answer
}
