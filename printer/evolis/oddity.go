package evolis

import (
	"context"
	"strings"
)

// oddity is a behaviour that no guide explains and the driver allows for.
type oddity struct {
	order  string // the name of the order
	reply  reply  // what it may answer
	again  int    // how often it is then asked again
	reason string
	source string
}

type oddityList []oddity

// oddities of answers. Everything else that is odd stands where it is read: the comma
// of volts, the words of positions, the sizes of bitmaps, the parameters of Dbc.
var oddities = oddityList{
	{
		order: "Rrt", reply: "OK", again: 3,
		reason: "a question about the ribbon is now and then answered OK, and with the number when it is asked again",
		source: "a kiosk program for Zenius in public repositories, which asks three times",
	},
}

func (l oddityList) of(o order) *oddity {
	for i := range l {
		if l[i].order == o.name() {
			return &l[i]
		}
	}
	return nil
}

// setting is what the printer is told before anything else, on every connection and
// again before every print: a printer that was switched off in between has forgotten.
type setting struct {
	order  order
	must   bool // without it the printer is not driven
	reason string
	source string
}

var settings = []setting{
	{"Pem;2", true, "the host manages errors: the printer repeats nothing by itself, and a refusal is answered instead of waiting for a hand", "A5013, Pem; 18 is the same for Quantum, without tries"},
	{"Pneab;E", true, "the card stays inside after printing, until the face has been judged by the counter", "kiosk programs"},
	{"Psmgr;2", false, "the printer's own session management would wait for a card to be taken", "kiosk programs; older models do not know it"},
	{"Pcim;F", false, "cards come from the feeder", "kiosk programs; older models have Pmi"},
}

// setUp makes the settings. What an older model does not know it answers with ERROR CDE.
func (p *Printer) setUp(ctx context.Context) error {
	for _, s := range settings {
		r, err := p.link.exchange(ctx, p.opt.Timing.Reply, s.order, nil)
		if err != nil {
			return err
		}
		if !r.ok() && s.must {
			return refusal("set the printer up with "+string(s.order), r)
		}
	}
	return nil
}

// misused are refusals that say the order was wrong and the card is where it was. The
// first is the guide's, the others are named by a program for the Primacy.
var misused = []string{"ERROR CDE", "ERROR PARAMETRES", "OPT NOT AVAILABLE", "ERR NACK command", "ERR NACK parameter"}

func (r reply) misuse() bool {
	for _, m := range misused {
		if strings.HasPrefix(string(r), m) {
			return true
		}
	}
	return false
}
