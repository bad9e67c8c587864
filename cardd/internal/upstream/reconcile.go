package upstream

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/plan"
)

// TerminalState is where this terminal's journal stands with a card.
type TerminalState string

// NoJob: the journal does not know the card. Working: a job is running or held.
// Done: written, locked and read back, what the 2016 terminals called 交付済. Spoiled:
// it must never be used.
const (
	NoJob   TerminalState = "no-job"
	Working TerminalState = "working"
	Done    TerminalState = "done"
	Spoiled TerminalState = "spoiled"
)

// TerminalView is what the journal says of a card.
type TerminalView struct {
	Card, Order, Job string
	State            TerminalState
	Notice           State // of the notice to card management that State calls for: Issued, or Voided when Spoiled
	Told             bool  // such a notice was ever queued; then its key is taken

	Key  string // of that notice
	Held bool   // it waits for a person: Release
}

// Status is where card management stands with a card.
type Status string

// Unasked: it could not be asked. Unregistered: it does not have the card. Before:
// 交付前. Delivered: 交付済. Suspended: 一時停止. Abolished: 廃止 or 失効, for ever. Barred: its
// record is closed after what it took for unauthorised access.
const (
	Unasked      Status = "unasked"
	Unregistered Status = "unregistered"
	Before       Status = "before"
	Delivered    Status = "delivered"
	Suspended    Status = "suspended"
	Abolished    Status = "abolished"
	Barred       Status = "barred"
)

// known is whether a party may say so of a card.
func (s Status) known() bool { return s != Unasked && slices.Contains(statuses, s) }

// ManagementView is what card management says of a card.
type ManagementView struct {
	Card   string    `json:"card"`
	Status Status    `json:"status"`
	At     time.Time `json:"at"` // since when
}

// ChipState is what a chip shows, or what the journal last read back from it.
type ChipState string

// Unseen: neither. Blank: as the maker left it. HalfMade: something is written, it
// is not locked. Finished: locked. Stopped: card locked or terminated.
const (
	Unseen   ChipState = "unseen"
	Blank    ChipState = "blank"
	HalfMade ChipState = "half-made"
	Finished ChipState = "finished"
	Stopped  ChipState = "stopped"
)

// ChipView is a chip's state.
type ChipView struct {
	Card      string
	State     ChipState
	Presented bool // it was in a reader; else it is the journal's word
}

var (
	terminalStates = []TerminalState{NoJob, Working, Done, Spoiled}
	noticeStates   = []State{None, Intended, Unknown, Accepted, Refused}
	statuses       = []Status{Unasked, Unregistered, Before, Delivered, Suspended, Abolished, Barred}
	chipStates     = []ChipState{Unseen, Blank, HalfMade, Finished, Stopped}
)

// ChipOf is what a presented card shows, in the terms of its profile. Life-cycle
// states beyond the lock are GlobalPlatform's CARD_LOCKED and TERMINATED.
func ChipOf(p *profile.Card, seen plan.Observation) ChipView {
	v := ChipView{Card: seen.Card, Presented: true, State: Stopped}
	switch {
	case !seen.Known:
		v.State = Unseen
	case seen.LifeCycle == p.Domain.Locked:
		v.State = Finished
	case seen.LifeCycle == p.Domain.Blank && len(seen.Objects) == 0:
		v.State = Blank
	case seen.LifeCycle == p.Domain.Blank:
		v.State = HalfMade
	}
	return v
}

// operationIssue is the operation whose jobs make cards.
const operationIssue = "issue"

// FromJournal are the terminal's views, and what the journal last read back from
// each chip, by its jobs, its notices, and the cards that were put aside later
// whatever became of their jobs. A job that ended well has read the locked card
// back; of any other chip the journal claims nothing. Of several jobs on one card
// the last that was created counts, but spoiled is for ever.
func FromJournal(jobs []journal.Job, notices []journal.Notice, aside ...string) (terminal []TerminalView, chips []ChipView) {
	views := map[string]TerminalView{}
	jobs = slices.SortedStableFunc(slices.Values(jobs), func(a, b journal.Job) int { return a.Created.Compare(b.Created) })
	for _, j := range jobs {
		if j.CardID == "" || j.Operation != operationIssue || j.State == journal.Abandoned || views[j.CardID].State == Spoiled {
			continue
		}
		views[j.CardID] = TerminalView{Card: j.CardID, Order: j.OrderID, Job: j.ID, State: terminalState(j.State), Notice: None}
	}
	for _, card := range aside {
		if v, ok := views[card]; ok {
			v.State = Spoiled
			views[card] = v
		}
	}
	for _, n := range notices {
		if n.Party != Management {
			continue
		}
		v, ok := views[n.Card]
		if !ok { // a notice without its job: the journal is not whole
			v = TerminalView{Card: n.Card, Order: n.Order, Job: n.Job, State: NoJob, Notice: None}
		}
		if calls, is := callsFor[v.State]; !is || calls == Kind(n.Kind) {
			v.Notice, v.Told, v.Key, v.Held = noticeState(n), true, n.Key, n.Held
		}
		views[n.Card] = v
	}
	for _, card := range slices.Sorted(maps.Keys(views)) {
		v := views[card]
		terminal = append(terminal, v)
		if v.State == Done {
			chips = append(chips, ChipView{Card: card, State: Finished})
		}
	}
	return terminal, chips
}

// callsFor is what card management has to hear of a terminal's state.
var callsFor = map[TerminalState]Kind{Done: Issued, Spoiled: Voided}

func terminalState(job string) TerminalState {
	switch job {
	case journal.Done:
		return Done
	case journal.Spoiled:
		return Spoiled
	}
	return Working
}

// noticeState is a notice's state; one in doubt that waits for a person is still
// in doubt.
func noticeState(n journal.Notice) State { return State(n.State) }

// Verdict is what a card's three states amount to, the worst last.
type Verdict string

// Agree: nothing differs. Wait: it is under way in the outbox. Asking: it is in
// doubt and the shipper asks. Mend: reconciliation may mend it. Act: a person has
// something to do. Alarm: something is wrong that nobody may mend alone.
const (
	Agree  Verdict = "agree"
	Wait   Verdict = "wait"
	Asking Verdict = "ask"
	Mend   Verdict = "mend"
	ToDo   Verdict = "act"
	Alarm  Verdict = "alarm"
)

var verdicts = []Verdict{Agree, Wait, Asking, Mend, ToDo, Alarm}

// Right is whose word on a card counts.
type Right string

// Everybody: they agree. Nobody: what is known does not say; ask or look.
const (
	Everybody       Right = "all"
	TerminalAndChip Right = "terminal and chip"
	OfTerminal      Right = "terminal"
	OfManagement    Right = "card management"
	OfChip          Right = "chip"
	Nobody          Right = "nobody knows yet"
)

// Finding is one card on which the three do not agree.
type Finding struct {
	Terminal   TerminalView
	Management Status
	Chip       ChipView
	Verdict    Verdict
	Right      Right
	Code       failure.Code // why, and what to do; failure.Explain has the words. Empty for Agree
}

// Card is the card's number.
func (f Finding) Card() string { return f.Terminal.Card }

// Notice is what reconciliation tells card management to mend a finding; ok is
// false where nothing may be told. It is for the outbox, and begins in doubt, so
// that card management is asked before it is told: this journal may be an old copy
// of one that told it long ago.
func (f Finding) Notice(at time.Time) (n journal.Notice, ok bool) {
	if f.Verdict != Mend || f.Terminal.Told {
		return journal.Notice{}, false
	}
	kind := callsFor[f.Terminal.State]
	n, err := Notice{Key: KeyOf(f.Terminal.Job, f.Card(), kind, ""), Card: f.Card(), Order: f.Terminal.Order, Kind: kind, At: at}.ForOutbox(Management)
	if err != nil {
		return journal.Notice{}, false
	}
	n.Job, n.State = f.Terminal.Job, string(Unknown)
	return n, true
}

// Reconcile compares what journal, card management and chips say and lists every
// card on which they differ, the worst first, then by card number. A card that
// management does not list is taken as unregistered, or as unasked when management
// is nil: it could not be asked. Of two views of one card the later counts, a
// presented chip before the journal's word.
func Reconcile(terminal []TerminalView, management []ManagementView, chips []ChipView) []Finding {
	cards := map[string]Finding{}
	get := func(card string) Finding {
		f, ok := cards[card]
		if !ok {
			f = Finding{Terminal: TerminalView{Card: card, State: NoJob, Notice: None}, Management: Unregistered, Chip: ChipView{Card: card, State: Unseen}}
			if management == nil {
				f.Management = Unasked
			}
		}
		return f
	}
	for _, v := range terminal {
		f := get(v.Card)
		f.Terminal = v
		cards[v.Card] = f
	}
	for _, v := range management {
		f := get(v.Card)
		f.Management = v.Status
		cards[v.Card] = f
	}
	for _, v := range chips {
		f := get(v.Card)
		if v.Presented || !f.Chip.Presented {
			f.Chip = v
		}
		cards[v.Card] = f
	}
	return judged(cards)
}

// judged judges every card and keeps those that differ.
func judged(cards map[string]Finding) []Finding {
	finished := map[string]int{} // by order
	for _, f := range cards {
		if f.Terminal.State == Done && f.Terminal.Order != "" && f.Management != Abolished {
			finished[f.Terminal.Order]++
		}
	}
	var found []Finding
	for _, f := range cards {
		r := judge(f.Terminal.State, f.Terminal.Notice, f.Management, f.Chip.State)
		f.Verdict, f.Right, f.Code = r.verdict, r.right, r.code
		if f.Terminal.State == Done && finished[f.Terminal.Order] > 1 && f.Management != Abolished && f.Verdict != Alarm {
			f.Verdict, f.Right, f.Code = Alarm, Nobody, failure.UpstreamOrderTwice
		}
		if f.Verdict != Agree {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(verdicts, b.Verdict), slices.Index(verdicts, a.Verdict)), cmp.Compare(a.Card(), b.Card()))
	})
	return found
}
