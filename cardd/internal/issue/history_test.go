package issue

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jukicard/cardd/plan"
)

// drawRecord draws a record that may or may not follow.
func drawRecord(t *rapid.T) Record {
	r := Record{
		Kind:   rapid.SampledFrom([]Kind{Planned, Intent, Outcome, Outcome, Crashed, Resumed, Signed, Staged, "other"}).Draw(t, "kind"),
		Step:   rapid.SampledFrom([]string{"", "open text", "update text/number", "compare text/number", "print face"}).Draw(t, "step"),
		Result: rapid.SampledFrom([]Result{OK, OK, OK, Doubt, Refused, Unavailable, ""}).Draw(t, "result"),
		Code:   rapid.SampledFrom([]string{"", "READER-LINK"}).Draw(t, "code"),
	}
	if rapid.Bool().Draw(t, "facts") {
		r.Facts = map[string]string{FactCounter: rapid.SampledFrom([]string{"", "41", "42", "x"}).Draw(t, "counter")}
		if rapid.IntRange(0, 3).Draw(t, "printed") == 0 {
			r.Facts[FactPrinted] = "operator"
		}
		if r.Kind == Staged {
			r.Facts[FactStage] = rapid.SampledFrom([]string{StageFeed, StageAtHead, StageCommitSent, StageEjected, "?"}).Draw(t, "stage")
		}
	}
	if r.Kind == Planned && rapid.Bool().Draw(t, "plan") {
		steps := []plan.Step{step(plan.Open, "text"), step(plan.Update, "text/number"), step(plan.Compare, "text/number"), step(plan.Print, "face")}
		r.Plan = &plan.Plan{Version: 1, Card: "A", Steps: steps[rapid.SampledFrom([]int{0, 3, 4}).Draw(t, "from"):]}
	}
	return r
}

// TestAnyHistory: whatever records come, a refused one changes nothing, what was
// applied can be replayed through the journal's JSON to the same machine, only the step
// that is next is ever begun, and an end is an end.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New()
		var kept []Record
		for range rapid.IntRange(1, 60).Draw(t, "records") {
			r := drawRecord(t)
			before, _, _ := m.State()
			next, _ := m.Next()
			if err := m.Apply(r); err != nil {
				if !strings.HasPrefix(err.Error(), "cannot ") {
					t.Fatalf("%q does not say what was wanted", err)
				}
			} else {
				kept = append(kept, r)
				if r.Kind == Intent && (next.Do != Perform || next.Step.ID != r.Step) {
					t.Fatalf("%q is begun where %s %q was next", r.Step, next.Do, next.Step.ID)
				}
				if before == Done || before == Spoiled {
					t.Fatalf("%s follows the end of a %s job", r.Kind, before)
				}
			}
			if again := throughJSON(t, kept); !reflect.DeepEqual(again, m) {
				t.Fatalf("replayed\n%+v\nwant\n%+v", again, m)
			}
		}
	})
}

// throughJSON replays records as they come back from the journal.
func throughJSON(t *rapid.T, records []Record) *Machine {
	b, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	var back []Record
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	m, err := Replay(back)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestReplayNamesTheRecord that cannot follow.
func TestReplayNamesTheRecord(t *testing.T) {
	_, err := Replay([]Record{{Kind: Planned, Result: Unavailable}, {Kind: Signed}})
	if err == nil || !strings.Contains(err.Error(), "cannot replay record 2") {
		t.Errorf("got %v", err)
	}
}

// TestAJobHasABound: it is held before an intent could lack room for its outcome, and
// nothing follows the last record.
func TestAJobHasABound(t *testing.T) {
	for offset := range 4 { // a round is four records: any of them may come to the bound
		m := New()
		p := &plan.Plan{Version: 1, Card: "A", Steps: []plan.Step{step(plan.Open, "text")}}
		records := 0
		apply := func(r Record) {
			t.Helper()
			must(t, m.Apply(r))
			records++
		}
		for range offset {
			apply(Record{Kind: Crashed})
		}
		for {
			if state, code, _ := m.State(); state == Held {
				if code != "STATION-JOB-LONG" {
					t.Fatalf("held after %d records with code %q", records, code)
				}
				break
			}
			apply(Record{Kind: Planned, Result: OK, Plan: p})
			if a, ok := m.Next(); ok && a.Do == Perform {
				apply(Record{Kind: Intent, Step: "open text"})
				apply(Record{Kind: Outcome, Step: "open text", Result: OK})
			}
			if _, ok := m.Next(); ok {
				// All is done, but the daemon dies before the receipt.
				apply(Record{Kind: Crashed})
			}
		}
		if records <= RecordsMax-roomForStep {
			t.Errorf("held after %d records", records)
		}
		for m.Apply(Record{Kind: Resumed}) == nil {
			if records++; records > RecordsMax {
				t.Fatal("a job goes beyond its bound")
			}
			if state, _, _ := m.State(); state != Held {
				t.Fatalf("the job is %s at its bound", state)
			}
		}
	}
}

// TestProgressIsACopy: whoever plans with it cannot change the machine.
func TestProgressIsACopy(t *testing.T) {
	m := New()
	past := m.Progress()
	past.Done["lock domain"], past.Lengths["jpki/auth-cert"] = true, 9
	if again := m.Progress(); again.Done["lock domain"] || again.Lengths["jpki/auth-cert"] != 0 {
		t.Error("the machine took what a caller wrote")
	}
}
