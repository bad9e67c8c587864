package faults

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"jukicard/apdu"
	"jukicard/cardd/internal/failure"
	"jukicard/simulator/fault"
)

// run tries cases that must all be good, and whose cards must all be issued but where
// they are expected in quarantine.
func run(t *testing.T, cases []Case, quarantined int) {
	t.Helper()
	var tally Tally
	err := inHouse(t).Crew(t.Context(), runtime.GOMAXPROCS(0), cases, func(c Case, end End) {
		tally.Add(end)
		complain(t, described{c}, end)
	})
	if err != nil || !tally.Good() || tally.Quarantined != quarantined || tally.TurnedAway > 0 {
		t.Errorf("%v, %v; %d were expected in quarantine\n%s", tally, err, quarantined, tally.Reasons())
	}
}

// described is a case with all that goes wrong around the card.
type described struct{ Case }

func (d described) String() string {
	return fmt.Sprintf("%v prints %v authority %v deaths %v", d.Case, d.Try.Jams, d.Try.Outages, d.Try.Deaths)
}

// boundaries counts those of an undisturbed issue.
func boundaries(t *testing.T) int {
	t.Helper()
	f := office(t, Options{})
	single(t, f, Try{Person: "opted-out"})
	return f.journal.passed
}

// TestEveryJam tries every way in which a print and the next one fail, and the daemon's
// death at every boundary around a print: one face comes out.
func TestEveryJam(t *testing.T) {
	var cases []Case
	for first := range jams {
		for second := range jams {
			cases = append(cases, Case{Options{}, Try{Person: "opted-out", Jams: []Jam{first, second}}})
		}
	}
	const around = 14 // intent and outcome of the print, the receipt, the end of the job
	last := boundaries(t)
	for at := last - around; at <= last; at++ {
		for first := range jams {
			cases = append(cases, Case{Options{}, Try{Person: "opted-out", Jams: []Jam{first}, Deaths: []int{at}}})
		}
	}
	run(t, cases, 0)
}

// TestEveryDeath ends the daemon at one boundary of its journal in three, and again soon
// after. The process itself is killed by cardd/kill.
func TestEveryDeath(t *testing.T) {
	var cases []Case
	for at, last := 1, boundaries(t); at <= last; at += 3 {
		cases = append(cases,
			Case{Options{}, Try{Person: "opted-out", Deaths: []int{at}}},
			Case{Options{}, Try{Person: "opted-out", Deaths: []int{at, at + 1 + at%40}}})
	}
	run(t, cases, 0)
}

// TestATrySpentElsewhere: a card is pulled at every command of its issue, and before it is put
// in again somebody presents a wrong value to every PIN that it has by then. It is handed
// over with all its tries or, once it is locked and nobody can give them back, put aside.
func TestATrySpentElsewhere(t *testing.T) {
	last, locks := commands(t, Options{}, "adult"), 3 // the lock and the two questions behind it
	var cases []Case
	for at := 1; at <= last; at++ {
		cases = append(cases, Case{Options{}, Try{Person: "adult", Thief: true, Script: fault.Script{{At: at, Kind: fault.Pulled, Byte: fault.End}}}})
	}
	stolen := 0
	err := inHouse(t).Crew(t.Context(), runtime.GOMAXPROCS(0), cases, func(c Case, end End) {
		complain(t, c, end)
		stolen += end.Stolen
		late := c.Try.Script[0].At > last-locks
		if late != (end.State == Quarantined && end.Code == string(failure.CardDiffers)) {
			t.Errorf("%v: it ended %s %s", c, end.State, end.Code)
		}
	})
	if err != nil || stolen < len(cases) {
		t.Errorf("%v; %d tries were spent elsewhere on %d cards", err, stolen, len(cases))
	}
}

// TestEveryOutage loses the authority's calls and answers in every order of three, on a
// card that is issued and on one that fails when its certificates are made: the first has
// one of each, the second none that is valid.
func TestEveryOutage(t *testing.T) {
	var cases []Case
	last := commands(t, Options{}, "adult")
	broken := fault.Script{{At: last - 12, From: true, Kind: fault.Refused, SW: apdu.SWMemoryFailure}}
	spoiled := 0
	for a := range outages {
		for b := range outages {
			for c := range outages {
				calls := []Outage{a, b, c}
				cases = append(cases, Case{Options{}, Try{Person: "adult", Outages: calls}})
				for _, well := range [][]Outage{{NoOutage, NoOutage}, nil} { // with the certificates made first, and from the first call on
					cases = append(cases, Case{Options{}, Try{Person: "adult", Script: broken, Outages: slices.Concat(well, calls)}})
					spoiled++
				}
			}
		}
	}
	run(t, cases, spoiled)
}

// TestAVoidOutlivesTheDaemon: the authority is away when a card is spoiled, and the daemon
// dies at every boundary of what follows. At the end no certificate is valid.
func TestAVoidOutlivesTheDaemon(t *testing.T) {
	f := office(t, Options{})
	last := commands(t, Options{}, "adult")
	broken := fault.Script{{At: last - 12, From: true, Kind: fault.Refused, SW: apdu.SWMemoryFailure}}
	single(t, f, Try{Person: "adult"})
	late := f.journal.passed
	var cases []Case
	for at := late - 60; at <= late; at++ {
		cases = append(cases, Case{Options{}, Try{Person: "adult", Script: broken, Deaths: []int{at}, Outages: []Outage{NoOutage, NoOutage, Unreached, AnswerLost}}})
	}
	run(t, cases, len(cases))
}

// TestAHopelessCardIsPutAside: a card that refuses for good, a link that fails for good,
// an authority or a printer that never comes back.
func TestAHopelessCardIsPutAside(t *testing.T) {
	for _, row := range []struct {
		name, script string
		jams         []Jam
		outages      []Outage
		state        string
		code         failure.Code
	}{
		{name: "refuses from its first command on", script: "from 1 refused 6F00", state: TurnedAway, code: failure.CardRefused},
		{name: "refuses from the middle on", script: "from 40 refused 6F00", state: Quarantined, code: failure.CardAside},
		{name: "loses every answer", script: "from 50 lost-after", state: Quarantined, code: failure.CardAside},
		{name: "stalls", script: "from 60 stalled", state: Quarantined, code: failure.CardAside},
		{name: "the authority stays away", outages: slices.Repeat([]Outage{Unreached}, holdsMax), state: Quarantined, code: failure.CardAside},
		{name: "its answers stay away", outages: slices.Repeat([]Outage{AnswerLost}, holdsMax), state: Quarantined, code: failure.CardAside},
		{name: "the printer stays jammed", jams: slices.Repeat([]Jam{JamBefore}, holdsMax+1), state: Quarantined, code: failure.CardAside},
	} {
		t.Run(row.name, func(t *testing.T) {
			try := Try{Person: "adult", Script: parse(t, row.script), Jams: row.jams, Outages: row.outages}
			end := single(t, office(t, Options{}), try)
			complain(t, described{Case{Options{}, try}}, end)
			if end.State != row.state || end.Code != string(row.code) {
				t.Errorf("it ended %s %s, want %s %s", end.State, end.Code, row.state, row.code)
			}
		})
	}
}

// TestADeathDuringTheEndOfAHopelessCard: the daemon dies at every boundary around the decision
// to put a card aside, and again soon after. The card is in quarantine all the same.
func TestADeathDuringTheEndOfAHopelessCard(t *testing.T) {
	f, hopeless := office(t, Options{}), Try{Person: "opted-out", Script: parse(t, "from 50 lost-after")}
	if _, err := f.one(t.Context(), f.house.people[hopeless.Person], f.next(), hopeless); err != nil {
		t.Fatal(err)
	}
	const around = 24 // the last hold, the decision, the end of the job, two persons
	var cases []Case
	for last, at := f.journal.passed, f.journal.passed-around; at <= last; at++ {
		for _, deaths := range [][]int{{at}, {at, at + 3}} {
			cases = append(cases, Case{Options{}, Try{Person: hopeless.Person, Script: hopeless.Script, Deaths: deaths}})
		}
	}
	run(t, cases, len(cases))
}
