package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Tally counts how cards ended. Wrong, Doubles, Spent and Twice must be zero.
type Tally struct {
	Cases       int // cards
	Issued      int // issued and verified
	Quarantined int // with a reason, nothing valid left behind
	TurnedAway  int // refused before there was a job, untouched
	Wrong       int // cards with anything wrong; among them those that ended in no other way
	Doubles     int // certificates that came while another of the purpose was valid
	Spent       int // wrong values presented
	Twice       int // faces printed beyond a card's first

	Faults int // that happened to cards
	Deaths int // of the daemon
	Holds  int // times a clerk was needed
	Codes  map[string]int
}

// Add takes one end into the tally.
func (t *Tally) Add(e End) {
	t.Cases++
	switch e.State {
	case Issued:
		t.Issued++
	case Quarantined:
		t.Quarantined++
	case TurnedAway:
		t.TurnedAway++
	}
	if len(e.Wrong) > 0 {
		t.Wrong++
	}
	t.Doubles, t.Spent, t.Twice = t.Doubles+e.Double, t.Spent+e.Spent, t.Twice+e.Twice
	t.Faults, t.Deaths, t.Holds = t.Faults+len(e.Log), t.Deaths+e.Deaths, t.Holds+len(e.Codes)
	if t.Codes == nil {
		t.Codes = map[string]int{}
	}
	if e.State != Issued {
		t.Codes[e.State+" "+e.Code]++
	}
}

// Sum takes another tally into this one.
func (t *Tally) Sum(o Tally) {
	t.Cases, t.Issued, t.Quarantined, t.TurnedAway = t.Cases+o.Cases, t.Issued+o.Issued, t.Quarantined+o.Quarantined, t.TurnedAway+o.TurnedAway
	t.Wrong, t.Doubles, t.Spent, t.Twice = t.Wrong+o.Wrong, t.Doubles+o.Doubles, t.Spent+o.Spent, t.Twice+o.Twice
	t.Faults, t.Deaths, t.Holds = t.Faults+o.Faults, t.Deaths+o.Deaths, t.Holds+o.Holds
	if t.Codes == nil {
		t.Codes = map[string]int{}
	}
	for code, n := range o.Codes {
		t.Codes[code] += n
	}
}

// Good says that every card ended in one of the ways it may and nothing that must not
// happen did.
func (t Tally) Good() bool {
	return t.Cases > 0 && t.Cases == t.Issued+t.Quarantined+t.TurnedAway && t.Wrong+t.Doubles+t.Spent+t.Twice == 0
}

// String is the line of counts.
func (t Tally) String() string {
	turned := ""
	if t.TurnedAway > 0 {
		turned = fmt.Sprintf("%d turned away untouched, ", t.TurnedAway)
	}
	return fmt.Sprintf("faults: %d cases, %d issued, %d quarantined, %s%d wrong, %d double certificates, %d tries spent, %d printed twice",
		t.Cases, t.Issued, t.Quarantined, turned, t.Wrong, t.Doubles, t.Spent, t.Twice)
}

// Reasons are why cards were not issued, the most frequent first.
func (t Tally) Reasons() string {
	codes := slices.SortedFunc(maps.Keys(t.Codes), func(a, b string) int {
		if d := t.Codes[b] - t.Codes[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	for _, code := range codes {
		fmt.Fprintf(&b, "%d %s\n", t.Codes[code], code)
	}
	return b.String()
}
