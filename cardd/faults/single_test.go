package faults

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/cardd/internal/failure"
	"jukicard/simulator/fault"
	"jukicard/simulator/people"
)

// casesLeast is what every single fault of a full issue comes to at least.
const casesLeast = 1200

// diskEach is one case in how many has a real journal; the others have one in memory, which
// keeps the same (TestADayReplays). It shares no factor with the kinds of faults, so that each
// kind meets a real one.
const diskEach = 3

// everySingle is every kind of fault at every command of a full issue with extended length,
// and with short length the kinds in turn, one at each command; -faults.full all of them with
// either. -faults.person says whose card it is: next-adult's is the draft of the next. The
// second number is how many there are with extended length.
func everySingle(t *testing.T) (cases []Case, extended int) {
	t.Helper()
	add := func(o Options, f fault.Fault) {
		o.Disk = *full || len(cases)%diskEach == 0
		cases = append(cases, Case{o, Try{Person: *person, Script: fault.Script{f}}})
	}
	for at, last := 1, commands(t, Options{Disk: true}, *person); at <= last; at += *stride {
		for _, f := range singles(at) {
			add(Options{}, f)
		}
	}
	extended = len(cases)
	for at, last := 1, commands(t, Options{Disk: true, Short: true}, *person); at <= last; at += *stride {
		kinds := singles(at)
		if !*full {
			kinds = kinds[at%len(kinds):][:1]
		}
		for _, f := range kinds {
			add(Options{Short: true}, f)
		}
	}
	return cases, extended
}

// TestEverySingleFault tries every single fault of a full issue.
func TestEverySingleFault(t *testing.T) {
	h := inHouse(t)
	cases, extended := everySingle(t)
	var tally Tally
	err := h.Crew(t.Context(), runtime.GOMAXPROCS(0), cases, func(c Case, end End) {
		tally.Add(end)
		complain(t, c, end)
		needless(t, c, end)
	})
	if err != nil {
		t.Fatal(err)
	}
	if extended**stride < casesLeast && *person == "adult" || tally.Cases != len(cases) {
		t.Errorf("%d cases are every fault with extended length, %d were tried of %d in all", extended, tally.Cases, len(cases))
	}
	if tally.TurnedAway > 0 {
		t.Errorf("%d cards were turned away for a single fault", tally.TurnedAway)
	}
	t.Logf("%d with extended length, %d with short\n%s", extended, len(cases)-extended, tally.Reasons())
	summary = append(summary, tally.String())
}

// singles are the faults of package fault, and the lie: the card says that it has done what
// it has not.
func singles(at int) []fault.Fault {
	return append(fault.Singles(at), fault.Fault{At: at, Kind: fault.Refused, SW: apdu.SWOK})
}

// needless complains of a card that was lost to a fault that a card survives: all but a
// failed memory and a lie.
func needless(t *testing.T, c Case, end End) {
	t.Helper()
	f := c.Try.Script[0]
	deserved := f.SW == apdu.SWMemoryFailure && end.Code == string(failure.CardMemory) || f.SW == apdu.SWOK && f.Kind == fault.Refused
	if end.State == Quarantined && !deserved {
		t.Errorf("%v: the card was lost to %v as %s", c, end.Log, end.Code)
	}
}

// TestEveryProductSurvives tries one fault in four on the cards of the other products.
func TestEveryProductSurvives(t *testing.T) {
	h := inHouse(t)
	var cases []Case
	for i, person := range []string{"under15", "infant", "face-auth", "opted-out", "foreigner", "ivs"} {
		for at, last := 1+i%4, commands(t, Options{}, person); at <= last; at += 4 {
			kinds := fault.Singles(at)
			cases = append(cases, Case{Options{}, Try{Person: person, Script: fault.Script{kinds[(at+i)%len(kinds)]}}})
		}
	}
	var tally Tally
	err := h.Crew(t.Context(), runtime.GOMAXPROCS(0), cases, func(c Case, end End) {
		tally.Add(end)
		complain(t, c, end)
	})
	if err != nil || !tally.Good() {
		t.Errorf("%v, %v", tally, err)
	}
}

// TestTheNextCardSurvives tries the kinds of faults in turn on the draft of the next card,
// at every other command of either length form: nothing is done for it that is not done for
// the cards of today. -faults.person next-adult has every kind tried at each.
func TestTheNextCardSurvives(t *testing.T) {
	h := inHouse(t)
	var cases []Case
	for i, who := range people.Upcoming() {
		for form, o := range []Options{{}, {Short: true}} {
			stride := 2
			if who != "next-adult" {
				stride = 9
			}
			for at, last := 1+(i+form)%stride, commands(t, o, who); at <= last; at += stride {
				kinds := singles(at)
				cases = append(cases, Case{o, Try{Person: who, Script: fault.Script{kinds[(at+i)%len(kinds)]}}})
			}
		}
	}
	var tally Tally
	err := h.Crew(t.Context(), runtime.GOMAXPROCS(0), cases, func(c Case, end End) {
		tally.Add(end)
		complain(t, c, end)
		needless(t, c, end)
	})
	if err != nil || !tally.Good() || tally.Cases != len(cases) || tally.TurnedAway > 0 {
		t.Errorf("%v, %v", tally, err)
	}
	t.Logf("%d cases\n%s", len(cases), tally.Reasons())
}

// TestOneScript replays one card: -faults.script, -faults.person, -faults.short. Without
// a script it is an undisturbed one.
func TestOneScript(t *testing.T) {
	o := Options{Short: *short, Disk: true}
	if *script != "" {
		o.Log = os.Stdout
	}
	try := Try{Person: *person, Script: parse(t, strings.ReplaceAll(*script, ";", "\n"))}
	end := single(t, office(t, o), try)
	complain(t, Case{o, try}, end)
	t.Logf("%s\n%v", end.line(try), end.Log)
}
