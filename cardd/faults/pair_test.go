package faults

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"jukicard/simulator/fault"
)

// TestPairsOfFaults tries two faults on one card: at every command each of the kinds, and
// at the command after it each of the kinds, which is the first of the recovery; and as
// many pairs at any two commands as -faults.pairs draws from -faults.seed. Every pair at
// any two commands would be millions.
func TestPairsOfFaults(t *testing.T) {
	h := inHouse(t)
	last := commands(t, Options{}, "adult")
	neighbours, drawn := *pairs > 0, *pairs
	if !neighbours {
		drawn = 60 // enough for every run of the tests
	}
	var cases []Case
	for at := 1; neighbours && at <= last; at++ {
		for _, first := range fault.Singles(at) {
			for _, second := range fault.Singles(at + 1) {
				cases = append(cases, pair(first, second))
			}
		}
	}
	exhaustive := len(cases)
	d := newDice(*seed, streamDay)
	for range drawn {
		a := 1 + d.below(last)
		first, second := fault.Singles(a), fault.Singles(a+1+d.below(last))
		cases = append(cases, pair(first[d.below(len(first))], second[d.below(len(second))]))
	}
	var tally Tally
	err := h.Crew(t.Context(), runtime.GOMAXPROCS(0), cases, func(c Case, end End) {
		tally.Add(end)
		complain(t, c, end)
		if neighbours && tally.Cases%5000 == 0 {
			fmt.Printf("pairs: %v\n", tally)
		}
	})
	if err != nil || !tally.Good() {
		t.Errorf("%v, %v", tally, err)
	}
	t.Logf("%d pairs at neighbouring commands, %d drawn from seed %d; journal in memory\n%s", exhaustive, drawn, *seed, tally.Reasons())
	summary = append(summary, strings.Replace(tally.String(), "faults:", "pairs of faults:", 1))
}

func pair(first, second fault.Fault) Case {
	return Case{Options{}, Try{Person: "adult", Script: fault.Script{first, second}}}
}
