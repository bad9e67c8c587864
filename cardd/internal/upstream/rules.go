package upstream

import (
	"slices"

	"jukicard/cardd/internal/failure"
)

// rule is what a combination of states means. An empty list fits every state; the
// first rule that fits counts.
type rule struct {
	terminal   []TerminalState
	notice     []State
	management []Status
	chip       []ChipState

	verdict Verdict
	right   Right
	code    failure.Code
}

type (
	ts = []TerminalState
	ns = []State
	ms = []Status
	cs = []ChipState
)

var (
	open    = ms{Unregistered, Before} // management would still take the card
	has     = ms{Delivered, Suspended} // management has it as handed over
	notOpen = ms{Unasked}              // management could not be asked
	begun   = cs{Blank, HalfMade}      // the chip shows that it is not finished
	quiet   = cs{Unseen, Finished}     // the chip says nothing against a finished card
	unmade  = cs{Unseen, Blank}        // the chip says nothing against an untouched one
)

// rules are all that may be concluded. They stand in the order of danger: first
// what must not be used, then what contradicts itself, then what is under way, at
// the end what is right.
//
// Automatic are Wait, Asking and Mend alone, and Mend only where card management
// was never told, would take the card, and the chip says nothing against it.
// 廃止 cannot be taken back and is told by itself only for a card that card management
// never had as handed over.
var rules = []rule{
	// A notice without a job: the journal is not whole, nothing it says may be sent.
	{ts{NoJob}, ns{Intended, Unknown, Accepted, Refused}, nil, nil, Alarm, Nobody, failure.UpstreamNoJob},

	// What card management abolished is abolished; a spoiled or stopped card agrees with that.
	{ts{Spoiled}, ns{Unknown}, ms{Abolished}, nil, Asking, OfManagement, failure.UpstreamAsk},
	{ts{Spoiled}, ns{Intended}, ms{Abolished}, nil, ToDo, OfManagement, failure.UpstreamUntold},
	{ts{Spoiled}, ns{Refused}, ms{Abolished}, nil, ToDo, OfManagement, failure.UpstreamRefusedStands},
	{ts{Spoiled}, nil, ms{Abolished}, cs{Finished}, ToDo, OfManagement, failure.UpstreamSpoiledLive},
	{ts{Spoiled}, nil, ms{Abolished}, nil, Agree, Everybody, ""},
	{ts{NoJob}, nil, ms{Abolished}, cs{Unseen, Stopped}, Agree, Everybody, ""},
	{nil, nil, ms{Abolished}, nil, ToDo, OfManagement, failure.UpstreamVoidCard},

	// Chips that contradict what is written about them.
	{ts{Done}, nil, nil, begun, Alarm, OfChip, failure.UpstreamChipNotDone},
	{ts{Spoiled}, nil, has, nil, Alarm, OfTerminal, failure.UpstreamSpoiledIssued},
	{ts{Spoiled}, nil, nil, cs{Finished}, ToDo, OfTerminal, failure.UpstreamSpoiledLive},
	{ts{Working}, nil, has, nil, Alarm, Nobody, failure.UpstreamEarly},
	{ts{Working}, ns{Intended, Unknown, Accepted, Refused}, nil, nil, Alarm, Nobody, failure.UpstreamEarly},
	{ts{NoJob}, nil, has, begun, Alarm, OfChip, failure.UpstreamChipNotIssued},
	{ts{Spoiled}, nil, ms{Barred}, nil, ToDo, OfTerminal, failure.UpstreamUnauthorised},
	{ts{Done}, nil, ms{Barred}, quiet, ToDo, TerminalAndChip, failure.UpstreamUnauthorised},
	{nil, nil, ms{Barred}, nil, ToDo, Nobody, failure.UpstreamUnauthorised},
	{ts{NoJob, Working, Done}, nil, nil, cs{Stopped}, ToDo, OfChip, failure.UpstreamChipStopped},

	// A card that this terminal does not know.
	{ts{NoJob}, nil, slices.Concat(notOpen, open), cs{Finished}, Alarm, OfChip, failure.UpstreamChipStrange},
	{ts{NoJob}, nil, nil, cs{HalfMade}, ToDo, OfChip, failure.UpstreamHalfStrange},
	{ts{NoJob}, nil, has, quiet, Agree, Everybody, ""}, // made at another terminal
	{ts{NoJob}, nil, nil, unmade, Agree, Everybody, ""},

	// A card in work.
	{ts{Working}, nil, nil, cs{Finished}, ToDo, OfChip, failure.UpstreamResume},
	{ts{Working}, nil, nil, nil, Agree, Everybody, ""},

	// A spoiled card: card management has to hear that it is void.
	{ts{Spoiled}, ns{Unknown}, nil, nil, Asking, OfTerminal, failure.UpstreamAsk},
	{ts{Spoiled}, ns{Refused}, nil, nil, ToDo, OfTerminal, failure.UpstreamRefused},
	{ts{Spoiled}, ns{Accepted}, open, nil, ToDo, OfTerminal, failure.UpstreamForgotten},
	{ts{Spoiled}, ns{Intended}, nil, nil, Wait, OfTerminal, failure.UpstreamWaiting},
	{ts{Spoiled}, ns{None}, nil, nil, Mend, OfTerminal, failure.UpstreamTellVoid},
	{ts{Spoiled}, nil, nil, nil, Agree, Everybody, ""},

	// A finished card, its chip finished or not at hand.
	{ts{Done}, ns{Unknown}, nil, nil, Asking, Nobody, failure.UpstreamAsk},
	{ts{Done}, ns{Refused}, has, nil, ToDo, Everybody, failure.UpstreamRefusedStands},
	{ts{Done}, ns{Refused}, nil, nil, ToDo, TerminalAndChip, failure.UpstreamRefused},
	{ts{Done}, ns{Intended}, has, nil, Alarm, Nobody, failure.UpstreamUntold},
	{ts{Done}, ns{Intended}, nil, nil, Wait, TerminalAndChip, failure.UpstreamWaiting},
	{ts{Done}, ns{Accepted}, open, nil, ToDo, TerminalAndChip, failure.UpstreamForgotten},
	{ts{Done}, ns{None}, slices.Concat(notOpen, open), nil, Mend, TerminalAndChip, failure.UpstreamTell},
	{ts{Done}, nil, nil, nil, Agree, Everybody, ""},
}

// judge finds the rule for a combination.
func judge(t TerminalState, n State, m Status, c ChipState) rule {
	for _, r := range rules {
		if fits(r.terminal, t) && fits(r.notice, n) && fits(r.management, m) && fits(r.chip, c) {
			return r
		}
	}
	panic("internal error: no rule for " + string(t) + " " + string(n) + " " + string(m) + " " + string(c))
}

func fits[S comparable](list []S, s S) bool { return len(list) == 0 || slices.Contains(list, s) }
