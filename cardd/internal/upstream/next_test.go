package upstream

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// -update rewrites what does not match in testdata. Only commit what you understand.
var update = flag.Bool("update", false, "rewrite what does not match in testdata")

// settle is how long a telegram may be under way in these tests.
const settle = 90 * time.Second

// TestNextConversations plays testdata/next.txt:
//
//	== a name              a new notice, intended
//	doubt                  it begins in doubt, as reconciliation queues it
//	most 1                 it may be told once
//	wait 30s               time passes
//	event -> state act     what was learnt, and what comes of it
func TestNextConversations(t *testing.T) {
	const path = "testdata/next.txt"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	s := Situation{}
	for line := range strings.SplitAfterSeq(string(text), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0, strings.HasPrefix(line, "#"):
		case words[0] == "==":
			s = Situation{State: Intended, Settle: settle}
		case words[0] == "doubt":
			s.State, s.Since = Unknown, settle
		case words[0] == "most":
			_, err = fmt.Sscan(words[1], &s.Most)
		case words[0] == "wait":
			var d time.Duration
			d, err = time.ParseDuration(words[1])
			s.Since += d
		default:
			line = saidNext(t, &s, line)
		}
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out.WriteString(line)
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// saidNext gives an event to Next and the line back as it should be.
func saidNext(t *testing.T, s *Situation, line string) string {
	t.Helper()
	event, want, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "->")
	event, want = strings.TrimSpace(event), strings.TrimSpace(want)
	after, act, code, err := Next(*s, Event(event))
	got := string(after.State)
	if after.Held {
		got += " held"
	}
	got = strings.TrimSpace(fmt.Sprintf("%s, %s %s", got, act, code))
	if err != nil {
		got = err.Error()
	}
	if got != want && !*update {
		t.Errorf("%s\n got %s\nwant %s", event, got, want)
	}
	*s = after
	return fmt.Sprintf("%-11s -> %s\n", event, got)
}

// Whatever happens in whatever order, these hold: every situation that can be
// reached is reached, and every event is tried in it.
func TestNextNeverRepeatsBlindly(t *testing.T) {
	events := []Event{Started, Begun, Lost, TookIt, SaidNo, HasIt, HasRefused, HasNothing, HasOther, Released, "?"}
	seen := map[Situation]bool{}
	todo := []Situation{{State: Intended, Settle: settle}, {State: Unknown, Settle: settle}}
	cases := 0
	for len(todo) > 0 {
		s := todo[0]
		todo = todo[1:]
		for _, since := range []time.Duration{0, settle - 1, settle, time.Hour} {
			if s.Since = max(s.Since, since); seen[s] {
				continue
			}
			seen[s] = true
			for _, e := range events {
				cases++
				after, act, _, err := Next(s, e)
				if wrong := blind(s, e, after, act, err); wrong != "" {
					t.Errorf("%+v, %s: %s (%+v, %s, %v)", s, e, wrong, after, act, err)
				}
				todo = append(todo, after)
			}
		}
	}
	for _, s := range []Situation{
		{State: Unknown, Held: true, Tells: TellsMax, Since: settle, Settle: settle}, {State: Accepted, Tells: TellsMax, Settle: settle},
		{State: Refused, Held: true, Tells: TellsMax, Settle: settle}, {State: Refused, Settle: settle},
	} {
		if !seen[s] {
			t.Errorf("%+v was never reached", s)
		}
	}
	t.Logf("%d situations, %d cases", len(seen), cases)
}

// blind says what is wrong with a step of Next.
func blind(s Situation, e Event, after Situation, act Act, err error) string {
	sends := act == Tell || act == Send
	switch {
	case err != nil && (after != s || act != ""):
		return "an event that cannot happen changed something"
	case err != nil:
		return ""
	case act == Send && (s.State != Intended || e != Begun || after.State != Unknown):
		return "sent without being in doubt first"
	case sends && s.State == Unknown && (e != HasNothing || s.Since < settle):
		return "told again without knowing that nothing is there"
	case sends && (s.State == Accepted || s.State == Refused || s.Held):
		return "told what is settled"
	case s.State == Accepted && after.State != Accepted, s.State == Refused && after.State != Refused:
		return "took a settled notice back"
	case after.State == Accepted && s.State != Accepted && e != TookIt && e != HasIt:
		return "accepted without the party's word"
	case after.State == Refused && s.State != Refused && e != SaidNo && e != HasRefused:
		return "refused without the party's word"
	case sends && after.Tells > TellsMax:
		return "told without end"
	case after.Held && act != Person || act == Rest && after.State != Accepted && after.State != Refused:
		return "what comes next does not fit where it stands"
	}
	return ""
}

func TestBackoffGrowsToItsBoundAndIsNeverTwiceTheSame(t *testing.T) {
	b := Backoff{First: time.Second, Max: time.Minute}
	for failures, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 1000000: time.Minute} {
		seen := map[time.Duration]bool{}
		for range 50 {
			p := b.pause(failures)
			if p < most/2 || p > most {
				t.Fatalf("pause %d is %v, want %v to %v", failures, p, most/2, most)
			}
			seen[p] = true
		}
		if len(seen) < 10 {
			t.Errorf("pause %d takes only %d values: stations would come back together", failures, len(seen))
		}
	}
	if p := (Backoff{}).pause(1); p > backoffFirst || p < backoffFirst/2 {
		t.Errorf("the zero value begins with %v", p)
	}
	if p := (Backoff{}).pause(99); p > backoffMax || p < backoffMax/2 {
		t.Errorf("the zero value ends with %v", p)
	}
}
