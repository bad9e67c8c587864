package hostile

import (
	"context"
	"testing"

	"jukicard/simulator"
)

// The kinds of hostile card, as the first byte of an input names them.
const (
	aNoise  = iota // bytes
	aWire          // somebody without the keys
	aLiar          // one lie by somebody with the keys
	aMaster        // any number of them
	kinds
)

// played is a try, and how many answers of it were no honest card's.
type played struct {
	tried
	malformed, storms int
}

// play tries the hostile card that an input describes.
func (s *stage) play(ctx context.Context, kind int, b []byte, resumes int) played {
	switch kind % kinds {
	case aWire:
		real := s.twin()
		w := newWire(real, b)
		out := s.try(ctx, w, real, false, resumes)
		return played{out, w.malformed(), w.played["storm"]}
	case aLiar, aMaster:
		real, most := s.twin(), 1
		if kind%kinds == aMaster {
			most = 1 << 30
		}
		l := newLiar(real, most, b)
		out := s.try(ctx, l, real, most > 1, resumes)
		return played{out, l.told(), 0}
	}
	n := newNoise(b)
	out := s.try(ctx, n, nil, false, resumes)
	return played{out, n.answers, 0}
}

// FuzzFlow is the whole flow, from the order handed in to the signed receipt, against a
// card made of fuzz. Whatever it answers, the flow ends within bounds, says why, shows
// no secret, spends no try, and is done only if the card holds what it should.
func FuzzFlow(f *testing.F) {
	s := newStage(f, false)
	ctx := context.Background()
	f.Add([]byte{aNoise, 9, 0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14, 200, 34, 'J', 'P', 'K', 'I'})
	f.Add([]byte{aNoise, 0, 206, 206, 206})
	for i := range tricks {
		f.Add([]byte{aWire, byte(5 * i), 0, byte(i), 1, 0, 0})
	}
	for i := range lies {
		f.Add([]byte{aLiar, byte(6 * i), byte(i), 3, 0, 0})
		f.Add([]byte{aMaster, byte(i), byte(i), 1, 0, 7, byte(i), 2, 0, 3, byte(i), 0})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		out := s.play(ctx, int(b[0]), b[1:], 1)
		for _, wrong := range out.wrong {
			t.Error(wrong)
		}
		if t.Failed() {
			t.Errorf("the job ended %s: %s", out.word(), out.job.Reason)
		}
	})
}

// TestAFinishedCardOfAnotherPerson lies in the reader and claims, in the clear, to be
// the job's half-made one.
func TestAFinishedCardOfAnotherPerson(t *testing.T) {
	s := newStage(t, false)
	theirs := s.twin()
	s.desk.Insert(0, theirs)
	if h := s.issue(t.Context(), 0, func(string) {}); !h.done() {
		t.Fatalf("the other job ended %s: %s", h.job.State, h.job.Reason)
	}
	for name, stopped := range map[string]int{"nothing was done": 6, "half was done": 40, "only the lock was left": 97} {
		t.Run(name, func(t *testing.T) {
			mine := s.twin()
			c := &exchanged{first: mine, second: newWire(must(theirs.Clone(simulator.Options{})), nil), at: stopped}
			c.second.id, c.second.gap = []byte(mine.ID()), 1<<30
			out := s.try(t.Context(), c, nil, false, 2)
			if out.done() {
				t.Errorf("a card of another person was taken for the job's")
			}
			t.Log(out.word(), out.job.Reason)
		})
	}
}

// exchanged is a card that is another one from a command on.
type exchanged struct {
	first  *simulator.Card
	second *wire
	at, n  int
}

func (c *exchanged) now() simulator.ProcessingCard {
	if c.n < c.at {
		return c.first
	}
	return c.second
}

// ATR implements simulator.ProcessingCard.
func (c *exchanged) ATR() []byte { return c.first.ATR() }

// PowerOff implements simulator.ProcessingCard.
func (c *exchanged) PowerOff() { c.now().PowerOff() }

// Reset implements simulator.ProcessingCard.
func (c *exchanged) Reset() { c.now().Reset() }

// Process implements simulator.ProcessingCard. The command at which it is exchanged has
// no answer.
func (c *exchanged) Process(command []byte) []byte {
	if c.n++; c.n == c.at {
		return nil
	}
	return c.now().Process(command)
}

// TestACounterThatTheLineRaised: a card on whose line one bit was turned while it told
// its state after a doubtful VERIFY, so that more tries seemed left than there ever are.
// It is the card 8726 of the storm with seed 1, which was presented the value again.
func TestACounterThatTheLineRaised(t *testing.T) {
	s := newStage(t, false)
	kind, b := scriptOf(1, 8726)
	out, ill := s.guarded(t.Context(), kind, b, 2)
	if ill != "" || len(out.wrong) > 0 {
		t.Errorf("%s %q, the job ended %s: %s", ill, out.wrong, out.word(), out.job.Reason)
	}
}
