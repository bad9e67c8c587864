package upstream

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/plan"
)

// every calls f for every combination of states there is.
func every(f func(t TerminalState, n State, m Status, c ChipState)) (count int) {
	for _, t := range terminalStates {
		for _, n := range noticeStates {
			for _, m := range statuses {
				for _, c := range chipStates {
					f(t, n, m, c)
					count++
				}
			}
		}
	}
	return count
}

// TestEveryCombinationHasAReason keeps testdata/reconcile.txt: all combinations,
// those alike in their notice on one line, and behind them every reason in both
// languages.
func TestEveryCombinationHasAReason(t *testing.T) {
	const path = "testdata/reconcile.txt"
	var b strings.Builder
	b.WriteString("# Every combination of what the journal, the outbox, card management and the chip say of one card.\n" +
		"# terminal / notice / management / chip -> verdict; whose word counts; why. Notices that make no difference are on one line.\n")
	codes := map[failure.Code]bool{}
	count := every(func(t TerminalState, n State, m Status, c ChipState) { codes[judge(t, n, m, c).code] = true })
	for _, terminal := range terminalStates {
		for _, m := range statuses {
			for _, c := range chipStates {
				writeNotices(&b, terminal, m, c)
			}
		}
	}
	fmt.Fprintf(&b, "\n# %d combinations.\n\n", count)
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		if code == "" {
			continue
		}
		e, ok := failure.Explain(code)
		if !ok || e.Cause == "" || e.Remedy == "" || e.CauseJa == "" || e.RemedyJa == "" {
			t.Errorf("%s has no reason in both languages", code)
		}
		fmt.Fprintf(&b, "%s: %s; %s\n    %s。%s\n", code, e.Cause, e.Remedy, e.CauseJa, e.RemedyJa)
	}
	golden(t, path, b.String())
}

// writeNotices writes the lines of one terminal, management and chip.
func writeNotices(b *strings.Builder, t TerminalState, m Status, c ChipState) {
	lines := map[string][]string{}
	var order []string
	for _, n := range noticeStates {
		r := judge(t, n, m, c)
		line := fmt.Sprintf("%-5s; %s; %s", r.verdict, r.right, r.code)
		if lines[line] == nil {
			order = append(order, line)
		}
		lines[line] = append(lines[line], string(n))
	}
	for _, line := range order {
		notices := strings.Join(lines[line], ",")
		if len(lines[line]) == len(noticeStates) {
			notices = "any"
		}
		fmt.Fprintf(b, "%-7s / %-33s / %-12s / %-9s -> %s\n", t, notices, m, c, strings.TrimSuffix(line, "; "))
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is not what the program says; write it anew with -update and read the difference", path)
	}
}

// What may happen without a person, and what never.
func TestNothingDangerousIsMendedByItself(t *testing.T) {
	every(func(terminal TerminalState, n State, m Status, c ChipState) {
		r := judge(terminal, n, m, c)
		name := fmt.Sprintf("%s / %s / %s / %s -> %s %s", terminal, n, m, c, r.verdict, r.code)
		automatic := r.verdict == Mend
		switch {
		case automatic && n != None:
			t.Errorf("%s: told although it was told before", name)
		case automatic && m != Unregistered && m != Before && m != Unasked:
			t.Errorf("%s: told although management would not take it", name)
		case automatic && terminal == Done && (c == Blank || c == HalfMade || c == Stopped):
			t.Errorf("%s: told against what the chip shows", name)
		case automatic && callsFor[terminal] == "":
			t.Errorf("%s: nothing to tell", name)
		case n == Unknown && (r.verdict == Agree || r.verdict == Mend || r.verdict == Wait):
			t.Errorf("%s: doubt is guessed away", name)
		case n == Refused && r.verdict != ToDo && r.verdict != Alarm && (terminal != NoJob || m != Abolished):
			t.Errorf("%s: a refusal is passed over", name)
		case m == Barred && r.verdict != ToDo && r.verdict != Alarm:
			t.Errorf("%s: a barred record is passed over", name)
		case (r.verdict == Agree) != (r.code == ""):
			t.Errorf("%s: a difference without a reason, or a reason without a difference", name)
		case r.verdict == Agree && (m == Delivered || m == Suspended) && (c == Blank || c == HalfMade || terminal == Spoiled || terminal == Working):
			t.Errorf("%s: a card that is handed over and not finished", name)
		case r.verdict == Agree && m == Abolished && c == Finished:
			t.Errorf("%s: an abolished card whose chip works", name)
		case r.verdict == Agree && terminal == Done && (m == Unregistered || m == Before):
			t.Errorf("%s: a finished card that management does not know of", name)
		}
	})
}

func TestEveryRuleIsUsed(t *testing.T) {
	used := map[string]bool{}
	key := func(r rule) string { return fmt.Sprint(r) }
	every(func(t TerminalState, n State, m Status, c ChipState) { used[key(judge(t, n, m, c))] = true })
	for i, r := range rules {
		if !used[key(r)] {
			t.Errorf("rule %d never counts: %v", i+1, r)
		}
	}
}

// The rows are cards as a clerk would meet them.
func TestReconcileListsWhatDiffersTheWorstFirst(t *testing.T) {
	at := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	job := func(card, state string) journal.Job {
		return journal.Job{ID: "job-" + card, OrderID: "order-" + card, CardID: card, Operation: "issue", State: state, Created: at}
	}
	told := func(seq int64, card string, kind Kind, state State) journal.Notice {
		return journal.Notice{Seq: seq, Party: Management, Key: KeyOf("job-"+card, card, kind, ""), Card: card, Kind: string(kind), State: string(state), Facts: json.RawMessage("null")}
	}
	again := job("twice-b", journal.Done)
	again.OrderID = "order-twice-a"
	jobs := []journal.Job{
		job("agrees", journal.Done), job("2016", journal.Done), job("untold", journal.Done), job("doubt", journal.Done), job("spoiled", journal.Spoiled),
		job("wrong", journal.Done), job("locked", journal.Running), job("twice-a", journal.Done), again, job("other", journal.Done),
	}
	jobs[9].Operation = "renew" // no card was made by it
	notices := []journal.Notice{
		told(1, "agrees", Issued, Accepted), told(2, "2016", Issued, Refused), told(3, "doubt", Issued, Unknown), told(4, "wrong", Issued, Accepted),
		told(5, "twice-a", Issued, Accepted), told(6, "twice-b", Issued, Accepted), told(7, "stray", Issued, Intended),
		{Seq: 8, Party: JPKI, Card: "untold", Kind: string(CertificateIssued), State: string(Accepted)},
	}
	terminal, chips := FromJournal(jobs, notices)
	chips = append(chips, ChipView{"wrong", Blank, true}, ChipView{"locked", Finished, true}, ChipView{"2016", Finished, true}, ChipView{"wrong", Finished, false})
	management := []ManagementView{
		{Card: "agrees", Status: Delivered}, {Card: "2016", Status: Barred}, {Card: "untold", Status: Before}, {Card: "doubt", Status: Delivered},
		{Card: "wrong", Status: Delivered}, {Card: "twice-a", Status: Delivered}, {Card: "twice-b", Status: Delivered}, {Card: "spoiled", Status: Before},
	}
	var got strings.Builder
	for _, f := range Reconcile(terminal, management, chips) {
		fmt.Fprintf(&got, "%-8s %-5s %-17s %s", f.Card(), f.Verdict, f.Right, f.Code)
		if n, ok := f.Notice(at); ok {
			fmt.Fprintf(&got, ", mended by %s from %s", n.Key, n.State)
		}
		got.WriteString("\n")
	}
	const want = `stray    alarm nobody knows yet  UPSTREAM-NO-JOB
twice-a  alarm nobody knows yet  UPSTREAM-ORDER-TWICE
twice-b  alarm nobody knows yet  UPSTREAM-ORDER-TWICE
wrong    alarm chip              UPSTREAM-CHIP-NOT-DONE
2016     act   terminal and chip UPSTREAM-UNAUTHORISED
locked   act   chip              UPSTREAM-RESUME
spoiled  mend  terminal          UPSTREAM-TELL-VOID, mended by job-spoiled.spoiled.voided from unknown
untold   mend  terminal and chip UPSTREAM-TELL, mended by job-untold.untold.issued from unknown
doubt    ask   nobody knows yet  UPSTREAM-ASK
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func TestReconcileWithoutManagementClaimsNothingOfIt(t *testing.T) {
	terminal := []TerminalView{{Card: "A", Order: "O", Job: "J", State: Done, Notice: Accepted, Told: true}}
	if got := Reconcile(terminal, nil, nil); len(got) != 0 {
		t.Errorf("management could not be asked: %+v", got)
	}
	got := Reconcile(terminal, []ManagementView{}, nil)
	if len(got) != 1 || got[0].Code != failure.UpstreamForgotten || got[0].Management != Unregistered {
		t.Errorf("management has nothing: %+v", got)
	}
	if _, ok := got[0].Notice(time.Now()); ok {
		t.Error("what was accepted once is told again")
	}
}

func TestSpoiledIsForEver(t *testing.T) {
	at := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	jobs := []journal.Job{
		{ID: "2", CardID: "A", OrderID: "O2", Operation: "issue", State: journal.Done, Created: at.Add(time.Hour)},
		{ID: "1", CardID: "A", OrderID: "O1", Operation: "issue", State: journal.Spoiled, Created: at},
		{ID: "3", Operation: "issue", State: journal.Running, Created: at}, // no card yet
	}
	terminal, chips := FromJournal(jobs, nil, "of another station")
	if len(terminal) != 1 || terminal[0].State != Spoiled || terminal[0].Job != "1" || len(chips) != 0 {
		t.Errorf("got %+v, %+v", terminal, chips)
	}
	// Put aside after its job had ended well.
	terminal, chips = FromJournal(jobs[:1], nil, "A")
	if len(terminal) != 1 || terminal[0].State != Spoiled || len(chips) != 0 {
		t.Errorf("got %+v, %+v", terminal, chips)
	}
}

func TestChipOf(t *testing.T) {
	p, err := profile.Load("mynumber-1")
	if err != nil {
		t.Fatal(err)
	}
	some := map[string]plan.ObjectState{"text/number": {State: plan.StatePresent, Value: 12}}
	rows := []struct {
		name string
		seen plan.Observation
		want ChipState
	}{
		{"as the maker left it", plan.Blank(p), Blank},
		{"something is written", plan.Observation{Known: true, LifeCycle: p.Domain.Blank, Objects: some}, HalfMade},
		{"locked", plan.Observation{Known: true, LifeCycle: p.Domain.Locked, Objects: some}, Finished},
		{"card locked", plan.Observation{Known: true, LifeCycle: 0x7F, Objects: some}, Stopped},
		{"terminated", plan.Observation{Known: true, LifeCycle: 0xFF}, Stopped},
		{"it does not tell", plan.Observation{LifeCycle: p.Domain.Locked}, Unseen},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			row.seen.Card = "C1"
			if got := ChipOf(p, row.seen); got != (ChipView{"C1", row.want, true}) {
				t.Errorf("got %+v, want %s", got, row.want)
			}
		})
	}
}
