package evolis

import (
	"context"
	"fmt"
	"strings"

	"jukicard/printer"
)

// Status asks for the card's place, the counter, the sensors and the ribbon. It moves
// nothing. What the printer refuses to tell is unknown, except the counter: a status
// without it would decide wrongly, and is an error.
func (p *Printer) Status(ctx context.Context) (printer.Status, error) {
	at, err := p.position(ctx)
	if err != nil {
		return printer.Status{}, err
	}
	st := printer.Status{Position: at}
	if st.CardsPrinted, err = p.counter(ctx); err != nil {
		return printer.Status{}, err
	}
	if p.opt.Counter == CountsPanels {
		st.CardsPrinted *= 2
	}
	if at == printer.Lost {
		st.Faults = append(st.Faults, p.lost())
	}
	r, err := p.ask(ctx, "Rem")
	if err != nil {
		return printer.Status{}, err
	}
	if p.forgot = p.forgot || forgot(r); p.forgot && at != printer.Hopper {
		st.Faults = append(st.Faults, restarted())
	}
	for _, s := range sensors {
		r, err := p.ask(ctx, s.ask)
		if err != nil {
			return printer.Status{}, err
		}
		if text := s.judge(r, at); text != "" {
			st.Faults = append(st.Faults, printer.Fault{Code: fmt.Sprintf("%s %s", s.ask, r), Kind: s.kind, Text: text})
		}
	}
	st.Supplies, err = p.supplies(ctx, &st)
	return st, err
}

// position is where the card is, Lost while one hangs.
func (p *Printer) position(ctx context.Context) (printer.Position, error) {
	r, err := p.ask(ctx, "Rlr;p")
	if err != nil {
		return printer.Lost, err
	}
	at := r.position()
	switch {
	case at == printer.Hopper:
		p.hangs, p.forgot = nil, false
	case p.hangs != nil:
		at = printer.Lost
	case at == printer.Lost:
		p.hangs = hanging(r)
	}
	return at, nil
}

// lost is the fault of a card that the printer cannot place.
func (p *Printer) lost() printer.Fault {
	if p.hangs != nil {
		return *p.hangs
	}
	return *hanging("")
}

// counter reads Rco;p.
func (p *Printer) counter(ctx context.Context) (uint64, error) {
	r, err := p.ask(ctx, "Rco;p")
	if err != nil {
		return 0, err
	}
	n, ok := r.number()
	if !ok {
		return 0, refusal("read the counter", r)
	}
	return n, nil
}

// sensor is a question and what its answer says is wrong, "" for nothing.
type sensor struct {
	ask   order
	kind  printer.FaultKind
	judge func(r reply, at printer.Position) string
}

var sensors = []sensor{
	{"Rse;o", printer.Operator, func(r reply, _ printer.Position) string {
		if v, ok := r.volts(); ok && v < high {
			return "the cover is open: close it"
		}
		return ""
	}},
	{"Rlr;h", printer.Operator, func(r reply, _ printer.Position) string {
		if r == "CARD" {
			return "the reject box is full: empty it"
		}
		return ""
	}},
	{"Rse;f", printer.Operator, func(r reply, at printer.Position) string {
		if v, ok := r.volts(); ok && v < high && at == printer.Hopper {
			return "the feeder is empty: put cards in"
		}
		return ""
	}},
}

// forgot is whether Rem says that the printer is not set up any more: it begins with the
// number that Pem set. An answer without a number says nothing.
func forgot(r reply) bool {
	digits := string(r)[:len(r)-len(strings.TrimLeft(string(r), "0123456789"))]
	return digits != "" && digits != "2"
}

// restarted is the fault of a printer that was switched off with a card inside.
func restarted() printer.Fault {
	return printer.Fault{
		Code: "Rem", Kind: printer.Restarted,
		Text: "the printer was switched off and has forgotten the face and its settings; where its card is was asked again",
	}
}

// supplies asks for the ribbon, the cards and the cleaning; what is wrong with the ribbon
// goes to the faults.
func (p *Printer) supplies(ctx context.Context, st *printer.Status) ([]printer.Supply, error) {
	answers := map[order]reply{}
	for _, o := range []order{"Rrt;count", "Rrt;qty", "Rrt;zone", "Rzp", "Rse;f", "Rse;n", "Rlr;r"} {
		r, err := p.ask(ctx, o)
		if err != nil {
			return nil, err
		}
		answers[o] = r
	}
	if f := p.ribbonFault(answers); f != nil {
		st.Faults = append(st.Faults, *f)
	}
	return []printer.Supply{
		{Name: "ribbon", Kind: strings.ToUpper(p.opt.Ribbon), Remaining: p.cards(answers["Rrt;count"]), Capacity: p.cards(answers["Rrt;qty"])},
		{Name: "cards", Remaining: feeder(answers["Rse;f"]), Capacity: -1, Low: low(answers["Rse;n"])},
		{Name: "cleaning", Remaining: cleaning(answers["Rlr;r"]), Capacity: -1},
	}, nil
}

// cards is how many can be printed with so many sets of panels.
func (p *Printer) cards(r reply) int {
	n, ok := r.number()
	if !ok || n > 1<<20 {
		return -1
	}
	return int(n) / p.set.sets
}

// feeder knows only whether it is empty.
func feeder(r reply) int {
	if low(r) {
		return 0
	}
	return -1
}

// low is whether a sensor for cards has none before it.
func low(r reply) bool {
	v, ok := r.volts()
	return ok && v < high
}

// cleaning is 0 when it is due.
func cleaning(r reply) int {
	if r.refused() && !r.misuse() {
		return 0
	}
	return -1
}

// codeShort is a ribbon that has something left, and not enough for a card: its first side
// would be printed and then no other.
const codeShort = "ribbon short"

// ribbonFault is what is wrong with the ribbon.
func (p *Printer) ribbonFault(a map[order]reply) *printer.Fault {
	fault := func(o order, text string) *printer.Fault {
		return &printer.Fault{Code: fmt.Sprintf("%s %s", o, a[o]), Kind: printer.Operator, Text: text}
	}
	left, known := a["Rrt;count"].number()
	switch zone, own := a["Rrt;zone"], a["Rzp"]; {
	case a["Rrt;count"].refused():
		return fault("Rrt;count", "the printer sees no ribbon that it knows: put one in, and close the cover")
	case !zone.refused() && !own.refused() && !zone.ok() && !own.ok() && zone != own:
		return fault("Rrt;zone", fmt.Sprintf("the ribbon is made for zone %s and the printer for %s: put another ribbon in", zone, own))
	case known && left == 0:
		return fault("Rrt;count", "the ribbon is used up: put a new one in")
	case known && left < uint64(p.set.sets):
		return &printer.Fault{Code: codeShort, Kind: printer.Operator, Text: "what is left of the ribbon is not enough for both sides of a card: put a new one in"}
	}
	return nil
}
