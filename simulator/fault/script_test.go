package fault_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/simulator/fault"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestAScriptIsWhatItsTextSays(t *testing.T) {
	text := `
# a bad day
from 40 refused            # for good
at 12 lost-after
  at	37 torn 120
at 38 pulled end
at 39 refused-after 6a84
at 1000000 long 131072
`
	want := fault.Script{
		{At: 12, Kind: fault.LostAfter},
		{At: 37, Kind: fault.TornCommit, Byte: 120},
		{At: 38, Kind: fault.Pulled, Byte: fault.End},
		{At: 39, Kind: fault.RefusedAfter, SW: apdu.SWNotEnoughMemory},
		{At: 40, From: true, Kind: fault.Refused, SW: apdu.SWUnknown},
		{At: 1000000, Kind: fault.Long, Byte: fault.End},
	}
	got, err := fault.ParseScript(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("script\n%v(%v) want\n%v", got, err, want)
	}
	const plain = "at 12 lost-after\nat 37 torn 120\nat 38 pulled end\nat 39 refused-after 6A84\nfrom 40 refused 6F00\nat 1000000 long end\n"
	if got.String() != plain {
		t.Errorf("text\n%swant\n%s", got, plain)
	}
}

func TestEveryKindGoesThroughItsText(t *testing.T) {
	for i, f := range fault.Singles(7) {
		f.From = i%2 == 0
		got, err := fault.ParseScript(f.String())
		if err != nil || len(got) != 1 || got[0].String() != f.String() || got[0].Kind != f.Kind {
			t.Errorf("%v becomes %v, %v", f, got, err)
		}
	}
	for _, k := range fault.Kinds() {
		f := fault.Fault{At: 1, Kind: k}
		if got, err := fault.ParseScript("at 1 " + k.String()); err != nil || got.String() != f.String()+"\n" {
			t.Errorf("%v without its argument becomes %v, %v", k, got, err)
		}
	}
	if got := (fault.Fault{At: 1, Kind: 99, Byte: 3}).String(); got != "at 1 unknown" {
		t.Errorf("an unknown kind reads %q", got)
	}
}

func TestSinglesHaveEveryKind(t *testing.T) {
	seen := map[fault.Kind]bool{}
	for _, f := range fault.Singles(3) {
		seen[f.Kind] = f.At == 3
	}
	for _, k := range fault.Kinds() {
		if !seen[k] {
			t.Errorf("no %v", k)
		}
	}
}

func TestParseScriptRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no number", "at torn 3", `number of a command, 1 to 1000000, have "torn"`},
		{"a word alone", "at", `want "at" or "from", a number and a kind, have "at"`},
		{"another word", "on 3 torn", `want "at" or "from"`},
		{"command 0", "at 0 torn", "number of a command"},
		{"a negative one", "at -1 torn", "number of a command"},
		{"one too large", "at 1000001 torn", "number of a command"},
		{"no kind there is", "at 3 explode", `lost-before, lost-after, torn, refused, refused-after, garbled, short, long, stalled, mute-after, pulled, swapped, reset), have "explode"`},
		{"too much", "at 3 torn 4 5", `nothing more behind torn, have "5"`},
		{"an argument where none is", "at 3 stalled 4", `nothing more behind stalled, have "4"`},
		{"no byte", "at 3 torn x", `number of a byte, 0 to 131072, or "end", have "x"`},
		{"a negative byte", "at 3 torn -1", "number of a byte"},
		{"a byte too large", "at 3 torn 131073", "number of a byte"},
		{"no status word", "at 3 refused 9", `status word, 4 hexadecimal digits and not 0000, have "9"`},
		{"a status word that is none", "at 3 refused 0000", "status word"},
		{"a status word in five digits", "at 3 refused 09000", "status word"},
		{"two at a command", "at 3 torn\n\nfrom 3 torn", "line 3: want one fault at a command, command 3 has another"},
		{"too many", manyFaults(10_001), "line 10001: want at most 10000 faults"},
	}
	for _, tt := range tests {
		_, err := fault.ParseScript(tt.text)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read script: line ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func manyFaults(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "at %d torn\n", i+1)
	}
	return b.String()
}

func FuzzScript(f *testing.F) {
	f.Add("at 37 torn 120\nfrom 40 refused 6581 # why\n\nat 41 pulled end")
	f.Add("at 1 lost-before\r\nat 2 long 131072")
	f.Add(fault.Seeded(1, fault.Odds{Every: 2, Upto: 40}).String())
	f.Fuzz(func(t *testing.T, text string) {
		s, err := fault.ParseScript(text)
		if err != nil {
			if s != nil || !strings.HasPrefix(err.Error(), "cannot read script: line ") {
				t.Fatalf("%v with %d faults", err, len(s))
			}
			return
		}
		again, err := fault.ParseScript(s.String())
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("%q becomes %q, %v", s, again, err)
		}
		for i := 1; i < len(s); i++ {
			if s[i].At <= s[i-1].At {
				t.Fatalf("not in order: %v", s)
			}
		}
	})
}

// The numbers a seed gives are a promise: a failure found yesterday, or elsewhere, is
// found again by its seed.
func TestASeedGivesTheSameScriptForEver(t *testing.T) {
	const path = "testdata/seed-1.txt"
	got := fault.Seeded(1, fault.Odds{}).String() + "\n# every 3\n" +
		fault.Seeded(1, fault.Odds{Every: 3, Upto: 120}).String()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("script\n%swant (%v)\n%s", got, err, want)
	}
}

func TestOddsAreKept(t *testing.T) {
	tests := []struct {
		name     string
		odds     fault.Odds
		low, top int // faults
		upto     int
		kinds    int
	}{
		{"the usual", fault.Odds{}, 6, 14, 400, len(fault.Kinds())},
		{"at every command", fault.Odds{Every: 1, Upto: 50}, 50, 50, 50, len(fault.Kinds())},
		{"at most three", fault.Odds{Every: 2, Upto: 1000, Most: 3}, 3, 3, 1000, len(fault.Kinds())},
		{"one kind", fault.Odds{Every: 10, Upto: 1000, Kinds: []fault.Kind{fault.TornCommit}}, 85, 120, 1000, 1},
		{"more than a script holds", fault.Odds{Every: 1, Upto: 1 << 30}, 10_000, 10_000, 1_000_000, len(fault.Kinds())},
	}
	for _, tt := range tests {
		seen, total := map[fault.Kind]bool{}, 0
		const seeds = 40
		for seed := range uint64(seeds) {
			s := fault.Seeded(seed, tt.odds)
			total += len(s)
			for i, f := range s {
				seen[f.Kind] = true
				if f.At < 1 || f.At > tt.upto || i > 0 && f.At <= s[i-1].At {
					t.Fatalf("%s, seed %d: %v out of order or beyond %d", tt.name, seed, f, tt.upto)
				}
			}
			if again, err := fault.ParseScript(s.String()); err != nil || !reflect.DeepEqual(s, again) {
				t.Fatalf("%s, seed %d: %v does not go through its text: %v", tt.name, seed, s, err)
			}
		}
		if mean := total / seeds; mean < tt.low || mean > tt.top || len(seen) != tt.kinds {
			t.Errorf("%s: %d faults of %d kinds, want %d to %d of %d", tt.name, mean, len(seen), tt.low, tt.top, tt.kinds)
		}
	}
}
