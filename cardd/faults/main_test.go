package faults

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"jukicard/printer/face"
	"jukicard/simulator/fault"
)

var (
	cards  = flag.Int("faults.cards", 0, "orders of the random days; 0: few enough for every day")
	aDay   = flag.Int("faults.day", 0, "orders of each random day; 0: 400, or fewer where there are few in all")
	seed   = flag.Uint64("faults.seed", 1, "seed of the first random day")
	pairs  = flag.Int("faults.pairs", 0, "pairs of faults drawn beside those at neighbouring commands; 0: no pairs")
	full   = flag.Bool("faults.full", false, "single faults with short length as with extended, all with a real journal")
	stride = flag.Int("faults.stride", 1, "only every so manieth command of an issue is disturbed")
	script = flag.String("faults.script", "", "faults of one card, as a script: \"at 12 torn 120\"; TestOneScript tells how it ended")
	person = flag.String("faults.person", "adult", "whose card that is, and whose every single fault is tried on")
	short  = flag.Bool("faults.short", false, "commands of short length for the script and the random days")
	kept   = flag.String("faults.log", "", "file for the log of random days")
)

// summary are the lines of counts, told when all tests have ended.
var summary []string

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if house.err == nil && house.open != nil {
		if err := house.open.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "cannot clear up:", err)
			code = 1
		}
	}
	for _, line := range summary {
		fmt.Println(line)
	}
	os.Exit(code)
}

var house struct {
	once sync.Once
	open *House
	err  error
}

// inHouse is the one house of all tests.
func inHouse(t *testing.T) *House {
	t.Helper()
	if _, err := os.Stat(face.DefaultFontPaths[0]); err != nil {
		t.Skip("IPAmj Mincho is not installed: apt-get install fonts-ipamj-mincho")
	}
	house.once.Do(func() { house.open, house.err = OpenHouse() })
	if house.err != nil {
		t.Fatal(house.err)
	}
	return house.open
}

// office is one that the test closes at its end.
func office(t *testing.T, o Options) *Office {
	t.Helper()
	f, err := inHouse(t).Office(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// single is one try that must be judged.
func single(t *testing.T, f *Office, try Try) End {
	t.Helper()
	end, err := f.Single(t.Context(), try)
	if err != nil {
		t.Fatal(err)
	}
	return end
}

// commands counts the commands of an undisturbed issue.
func commands(t *testing.T, o Options, person string) int {
	t.Helper()
	end := single(t, office(t, o), Try{Person: person})
	if end.State != Issued || len(end.Wrong) > 0 {
		t.Fatalf("undisturbed, a card ends %s: %q", end.State, end.Wrong)
	}
	return end.Commands
}

func parse(t *testing.T, text string) fault.Script {
	t.Helper()
	s, err := fault.ParseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// complain tells of a case all that it did wrong.
func complain(t *testing.T, c fmt.Stringer, end End) {
	t.Helper()
	if len(end.Wrong)+end.Double+end.Spent+end.Twice > 0 || end.State == Stuck {
		t.Errorf("%v: %s %s, clerk %v\n wrong: %q\n %d double certificates, %d tries spent, %d printed twice",
			c, end.State, end.Code, end.Codes, end.Wrong, end.Double, end.Spent, end.Twice)
	}
}
