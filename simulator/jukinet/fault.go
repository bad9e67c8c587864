package jukinet

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Fault is how one call goes wrong. The zero value is that it goes well.
type Fault struct {
	Kind FaultKind
	For  time.Duration // Slow and Late: how long
}

// FaultKind is what goes wrong.
type FaultKind int

// What can go wrong with a call. Of those without an answer only the side they
// happen on knows which it was.
const (
	None      FaultKind = iota
	LoseCall            // it never arrives
	Interrupt           // it is seen and has no effect, and no answer: the case of 2016
	LoseReply           // it has its effect; the answer is lost
	Slow                // it is answered after a while
	Late                // the line breaks, and a relay delivers it a while later
	Busy                // a relay answers 503 in its own words; it never arrives
	Garble              // it has its effect; the answer is mutilated
	Foreign             // it has its effect; the answer is another call's
	Die                 // it is seen, and the counterpart dies without an effect
	DieAfter            // it has its effect, and the counterpart dies before it answers
)

var faultNames = []string{"none", "lose-call", "interrupt", "lose-reply", "slow", "late", "busy", "garble", "foreign", "die", "die-after"}

// String is the fault's name in scripts and test names.
func (k FaultKind) String() string { return faultNames[k] }

// Faults are all kinds but None.
func Faults() []FaultKind {
	var all []FaultKind
	for k := LoseCall; int(k) < len(faultNames); k++ {
		all = append(all, k)
	}
	return all
}

// ParseFault finds a fault by its name, the duration behind a colon: "late:30s".
func ParseFault(text string) (Fault, error) {
	for i, name := range faultNames {
		var f Fault
		switch {
		case text == name:
			return Fault{Kind: FaultKind(i)}, nil
		case len(text) > len(name)+1 && text[:len(name)+1] == name+":":
			var err error
			if f.For, err = time.ParseDuration(text[len(name)+1:]); err != nil || f.For < 0 {
				return Fault{}, fmt.Errorf("cannot read fault %q: give a duration behind the colon, as in late:30s", text)
			}
			f.Kind = FaultKind(i)
			return f, nil
		}
	}
	return Fault{}, fmt.Errorf("cannot read fault %q: it is none of %v", text, faultNames)
}

// script is what goes wrong next, for telegrams and for questions.
type script struct {
	mu          sync.Mutex
	tells, asks []Fault
	random      *rand.Rand
	rate        float64
}

// OnTell makes the next telegrams go wrong, one fault each.
func (s *Server) OnTell(faults ...Fault) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.tells = append(s.script.tells, faults...)
}

// OnAsk makes the next questions go wrong, one fault each.
func (s *Server) OnAsk(faults ...Fault) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.asks = append(s.script.asks, faults...)
}

// Seeded makes that part of all calls go wrong, each in a way drawn from a seed: the
// same seed and the same calls are the same faults. Those that kill are left out.
func (s *Server) Seeded(seed uint64, rate float64) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.random, s.script.rate = rand.New(rand.NewPCG(seed, 0)), rate
}

func (s *script) next(ask bool) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue := &s.tells
	if ask {
		queue = &s.asks
	}
	if len(*queue) > 0 {
		f := (*queue)[0]
		*queue = (*queue)[1:]
		return f
	}
	if s.random == nil || s.random.Float64() >= s.rate {
		return Fault{}
	}
	return Fault{Kind: LoseCall + FaultKind(s.random.IntN(int(Die-LoseCall))), For: time.Duration(s.random.IntN(50)) * time.Second}
}
