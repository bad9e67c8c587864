package main

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"jukicard/apdu"
	"jukicard/simulator/fault"
)

// scheduleName stands in the names of the figures measured under the schedule. A
// schedule that differs in a line gets another name and another file.
const scheduleName = "mishaps1"

//go:embed mishaps1.txt
var mishaps1 string

// What the schedule was drawn from, for whoever wants to draw the like. It is the text
// that counts, not this.
const (
	scheduleSeed  = 20160118 // the month in which terminals and centre first disagreed about cards
	scheduleCards = 1000
	scheduleUpto  = 92 // the last command at which anything goes wrong: every issuer sends more
	destroyEvery  = 50 // one card in so many is broken for good
)

// schedule is what goes wrong with each card, one fault a card. Card 1 is the first.
type schedule []fault.Fault

// perTenThousand is what n of the schedule's cards are among 10,000.
func (s schedule) perTenThousand(n int) float64 { return float64(n) * 10_000 / float64(len(s)) }

// destroys says whether a fault leaves a card that nobody can issue: its memory fails at
// this command and at every later one.
func destroys(f fault.Fault) bool { return f.From }

// destroyed is how many cards nobody can issue.
func (s schedule) destroyed() (n int) {
	for _, f := range s {
		if destroys(f) {
			n++
		}
	}
	return n
}

// parseSchedule reads lines of "card 17 at 34 lost-after": the card's number, then the
// fault as a script of package fault has it. Numbers rise by one. What follows # is
// ignored.
func parseSchedule(text string) (schedule, error) {
	var s schedule
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		rest, ok := strings.CutPrefix(line, fmt.Sprintf("card %d ", len(s)+1))
		if !ok {
			return nil, fmt.Errorf("cannot read the schedule: want card %d, have %q", len(s)+1, line)
		}
		script, err := fault.ParseScript(rest)
		if err != nil || len(script) != 1 {
			return nil, fmt.Errorf("cannot read the schedule: card %d: want one fault, have %q: %w", len(s)+1, rest, err)
		}
		s = append(s, script[0])
	}
	return s, nil
}

// drawn are the kinds that are drawn from, each as likely. A swap is left out: which of
// two cards the person at the reader ends with is no matter of how the issuer goes on.
var drawn = []fault.Kind{
	fault.LostBefore, fault.LostAfter, fault.TornCommit, fault.Refused, fault.RefusedAfter, fault.Garbled,
	fault.Short, fault.Long, fault.Stalled, fault.MuteAfter, fault.Pulled, fault.Reset,
}

// draw makes a schedule: for each card one of the kinds at one of the commands, all
// alike likely, and now and then one that destroys it.
func draw(seed uint64, cards int) string {
	dice := rand.NewPCG(seed, 0) // Uint64 alone, which is the same on every machine
	below := func(n int) int { return int(dice.Uint64() % uint64(n)) }
	var b strings.Builder
	fmt.Fprintf(&b, "# Schedule %s, drawn from seed %d: one fault a card, at a command counted from the first that\n"+
		"# the card gets. Kinds and commands are alike likely; the memory of one card in %d fails for good.\n", scheduleName, seed, destroyEvery)
	for n := range cards {
		f := fault.Fault{At: 1 + below(scheduleUpto), Kind: drawn[below(len(drawn))], Byte: below(1 << (1 + below(11))), SW: apdu.SWUnknown}
		if below(destroyEvery) == 0 {
			f = fault.Fault{At: f.At, From: true, Kind: fault.Refused, SW: apdu.SWMemoryFailure}
		}
		b.WriteString("card " + strconv.Itoa(n+1) + " " + f.String() + "\n")
	}
	return b.String()
}
