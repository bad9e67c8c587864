package main

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/simulator/fault"
)

var update = flag.Bool("update", false, "write the schedule anew")

// TestTheScheduleIsAsItWasDrawn: the file is what counts, and it says truly where it
// came from.
func TestTheScheduleIsAsItWasDrawn(t *testing.T) {
	text := draw(scheduleSeed, scheduleCards)
	if *update {
		if err := os.WriteFile(scheduleName+".txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != mishaps1 {
		t.Errorf("%s.txt is not what seed %d gives; go test -update writes it, and then it needs another name", scheduleName, scheduleSeed)
	}
}

// TestTheScheduleIsFair: every kind comes about as often as any other, and faults are
// all over an issue.
func TestTheScheduleIsFair(t *testing.T) {
	s, err := parseSchedule(mishaps1)
	if err != nil || len(s) != scheduleCards {
		t.Fatalf("%d cards, %v", len(s), err)
	}
	kinds, quarters := map[fault.Kind]int{}, [4]int{}
	for _, f := range s {
		if !destroys(f) {
			kinds[f.Kind]++
		}
		quarters[(f.At-1)*4/scheduleUpto]++
	}
	for _, k := range drawn {
		if n := kinds[k]; n < 50 || n > 120 {
			t.Errorf("%d cards meet %v, of %d with %d kinds", n, k, len(s), len(drawn))
		}
	}
	if slices.Min(quarters[:]) < 200 {
		t.Errorf("the quarters of an issue meet %v faults", quarters)
	}
	if n := s.destroyed(); n < 10 || n > 40 {
		t.Errorf("%d cards are destroyed, about one in %d should be", n, destroyEvery)
	}
	if got := s.perTenThousand(3); got != 30 {
		t.Errorf("3 of %d are %v in 10,000", len(s), got)
	}
}

func TestScheduleText(t *testing.T) {
	s, err := parseSchedule("# two cards\ncard 1 at 34 lost-after\n\ncard 2 from 7 refused 6581 # broken\n")
	want := schedule{{At: 34, Kind: fault.LostAfter}, {At: 7, From: true, Kind: fault.Refused, SW: apdu.SWMemoryFailure}}
	if err != nil || !slices.Equal(s, want) || s.destroyed() != 1 {
		t.Errorf("%v %v, want %v", s, err, want)
	}
	for _, row := range []struct{ name, text, want string }{
		{"a card left out", "card 2 at 1 reset", "want card 1"},
		{"a card twice", "card 1 at 1 reset\ncard 1 at 2 reset", "want card 2"},
		{"no card", "at 1 reset", "want card 1"},
		{"no fault", "card 1 at 1 burnt", "card 1"},
		{"two faults", "card 1 at 1 reset at 2 reset", "card 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := parseSchedule(row.text); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
		})
	}
}
