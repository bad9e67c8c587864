package printertest

import (
	"slices"

	"jukicard/printer"
	"jukicard/simulator/press"
)

// Call is what a station does with a card, in its order.
type Call int

// The calls of one card: look at the printer and feed a card to the contact station; take
// it to the head, or to the reject bin when its chip failed; print; deliver. None is a
// case in which nothing fails.
const (
	None Call = iota
	Feed
	Head
	Void
	Print
	Deliver
)

// String names the call.
func (c Call) String() string {
	return [...]string{"nothing", "feed", "head", "void", "print", "deliver"}[c]
}

// Answer is how a call fails.
type Answer int

// Says is a *printer.FaultError: the printer itself says what is wrong. Breaks is a
// *wire.Error or an ended context: nobody said anything, and the printer is asked later.
const (
	Says Answer = iota + 1
	Breaks
)

// String names the answer.
func (a Answer) String() string { return [...]string{"nothing", "says", "breaks"}[a] }

// End is what becomes of the first card of a case.
type End int

// Delivered is in the output, whole, printed once. Rejected lies in the reject bin. ByHand
// was taken out by the operator.
const (
	Delivered End = iota + 1
	Rejected
	ByHand
)

// String names the end.
func (e End) String() string {
	return [...]string{"nowhere", "delivered", "rejected", "taken out by hand"}[e]
}

// Want is how a row must end. The zero value is a row that is not this printer's.
type Want struct {
	Fails  Call
	Answer Answer
	Kind   printer.FaultKind // of Says
	// Surface is what is known of the card when all was asked that can be: first the
	// error of Print, then the printer.
	Surface printer.Surface
	End     End
}

// Row is one line of the fault table.
type Row struct {
	Name string
	Fact string // the line of the fact sheet's table (printers, 4) that it belongs to
	// Set is the state that the operator left the printer in; nil: as it should be.
	Set func(*press.Press)
	// Mishap goes wrong by itself; nil: nothing does. Strokes of ink are counted for a
	// printer that takes one a side (Rig.Strokes).
	Mishap *press.Mishap
	// Cut is the moment at which the link is cut.
	Cut Cut
	// Stranger puts another printer in its place before the right one comes back.
	Stranger bool
	// ChipFails has the card thrown away at the chip station.
	ChipFails bool
	// Mend is what the operator does about it; nil: nothing, or the link comes back.
	Mend func(*press.Press)
	Film Want // re-transfer
	Ink  Want // direct printing
}

// Cut is when a link is cut: at the Nth such moment, before it or after.
type Cut struct {
	When  press.Moment
	Nth   int
	After bool
}

// want is how the row ends on a rig.
func (r Row) want(rig Rig) Want {
	if d, ok := rig.Differs[r.Name]; ok {
		return d.Want
	}
	if rig.Film {
		return r.Film
	}
	return r.Ink
}

// mishaps are the row's for a rig: what counts strokes counts those of its sides.
func (r Row) mishaps(rig Rig) []press.Mishap {
	if r.Mishap == nil {
		return nil
	}
	m := *r.Mishap
	m.Nth = rig.nth(m.When, m.Nth)
	return []press.Mishap{m}
}

// nth turns the number of a side into that of its first stroke.
func (rig Rig) nth(m press.Moment, n int) int {
	n = max(n, 1)
	if m == press.Inking && !rig.Film {
		return (n-1)*max(rig.Strokes, 1) + 1
	}
	return n
}

// The hands of an operator.
func empty(p *press.Press)      { p.SetSupplies(0, 500, 750, false) }
func ribbonless(p *press.Press) { p.SetSupplies(5, 0, 750, false) }
func filmless(p *press.Press)   { p.SetSupplies(5, 500, 0, false) }
func misfit(p *press.Press)     { p.SetSupplies(5, 500, 750, true) }
func refill(p *press.Press)     { p.Refill(5) }
func open(p *press.Press)       { p.Cover(true) }
func shut(p *press.Press)       { p.Cover(false) }
func powerOn(p *press.Press)    { p.PowerOn() }
func hear(p *press.Press)       { p.Hear() }

// same is a row that ends alike with and without film.
func same(r Row, w Want) Row {
	r.Film, r.Ink = w, w
	return r
}

// Rows is the fault table of the fact sheet (printers, 4) as data.
func Rows() []Row {
	return slices.Concat(suppliesRows(), coverRows(), jamRows(), powerRows(), linkRows(), binRows())
}

// Wants that many rows share. A fault that is told leaves the card blank unless ink was on
// its way to it.
var (
	heldBack = Want{Feed, Says, printer.Operator, printer.SurfaceBlank, Delivered}
	stopped  = Want{Print, Says, printer.Operator, printer.SurfaceBlank, Delivered}
	ruined   = Want{Print, Says, printer.Operator, printer.SurfaceSpoilt, Rejected}
	doubtful = Want{Print, Says, printer.Operator, printer.SurfaceUnknown, Rejected}
)

func suppliesRows() []Row {
	const before, mid = "ribbon/film out before print", "ribbon out mid print"
	return []Row{
		same(Row{Name: "hopper empty", Fact: "no card in feeder", Set: empty, Mend: refill}, heldBack),
		same(Row{Name: "ribbon out before print", Fact: before, Set: ribbonless, Mend: refill}, heldBack),
		{Name: "film out before print", Fact: before, Set: filmless, Mend: refill, Film: heldBack},
		same(Row{Name: "wrong ribbon", Fact: before, Set: misfit, Mend: refill}, heldBack),
		{
			Name: "ribbon out on the front", Fact: mid, Mend: refill,
			Mishap: &press.Mishap{When: press.Heating, Nth: 1, Kind: press.RibbonEnds, Share: 0.5}, Film: stopped,
		},
		{
			Name: "ribbon out on the back", Fact: mid, Mend: refill,
			Mishap: &press.Mishap{When: press.Heating, Nth: 2, Kind: press.RibbonEnds, Share: 0.5}, Film: ruined,
		},
		{
			Name: "ribbon out in the front's ink", Fact: mid, Mend: refill,
			Mishap: &press.Mishap{When: press.Inking, Nth: 1, Kind: press.RibbonEnds, Share: 0.5}, Ink: ruined,
		},
		{
			Name: "ribbon out in the back's ink", Fact: mid, Mend: refill,
			Mishap: &press.Mishap{When: press.Inking, Nth: 2, Kind: press.RibbonEnds, Share: 0.5}, Ink: ruined,
		},
		{
			Name: "film out on the front", Fact: mid, Mend: refill,
			Mishap: &press.Mishap{When: press.Heating, Nth: 1, Kind: press.FilmEnds, Share: 0.5}, Film: stopped,
		},
	}
}

func coverRows() []Row {
	const fact = "cover/door open"
	return []Row{
		same(Row{Name: "cover open", Fact: fact, Set: open, Mend: shut}, heldBack),
		same(Row{
			Name: "cover opens at the station", Fact: fact, Mend: shut,
			Mishap: &press.Mishap{When: press.Engaging, Kind: press.CoverOpens},
		}, heldBack),
		{
			Name: "cover opens over the film", Fact: fact, Mend: shut,
			Mishap: &press.Mishap{When: press.Heating, Nth: 1, Kind: press.CoverOpens, Share: 0.5}, Film: stopped,
		},
		{
			Name: "cover opens over the ink", Fact: fact, Mend: shut,
			Mishap: &press.Mishap{When: press.Inking, Nth: 1, Kind: press.CoverOpens, Share: 0.5}, Film: doubtful, Ink: doubtful,
		},
		same(Row{
			Name: "cover opens at the exit", Fact: fact, Mend: shut,
			Mishap: &press.Mishap{When: press.Ejecting, Kind: press.CoverOpens},
		}, Want{Deliver, Says, printer.Operator, printer.SurfacePrinted, Delivered}),
	}
}

// jammed is a card that sticks in a call.
func jammed(at Call, s printer.Surface) Want { return Want{at, Says, printer.Jam, s, ByHand} }

func jamRows() []Row {
	row := func(name string, when press.Moment, share float64, w Want) Row {
		return same(Row{Name: name, Fact: "jam", Mishap: &press.Mishap{When: when, Kind: press.Jam, Share: share}}, w)
	}
	void := row("jam at the reject bin", press.Rejecting, 0.5, jammed(Void, printer.SurfaceBlank))
	void.ChipFails = true
	film := row("jam over the film", press.Heating, 0.5, jammed(Print, printer.SurfaceBlank))
	film.Ink = Want{}
	return []Row{
		row("jam at the hopper", press.Feeding, 0.5, jammed(Feed, printer.SurfaceBlank)),
		row("jam at the contact station", press.Engaging, 0.5, jammed(Feed, printer.SurfaceBlank)),
		row("jam on the way to the head", press.Moving, 0.5, jammed(Head, printer.SurfaceBlank)),
		film,
		row("jam before the ink", press.Inking, 0, jammed(Print, printer.SurfaceUnknown)),
		row("jam in the ink", press.Inking, 0.5, jammed(Print, printer.SurfaceUnknown)),
		row("jam in the turn-over", press.Flipping, 0.5, jammed(Print, printer.SurfaceUnknown)),
		row("jam at the exit", press.Ejecting, 0.5, jammed(Deliver, printer.SurfacePrinted)),
		void,
	}
}

// dark is a call that the power is cut in.
func dark(at Call, s printer.Surface, end End) Want {
	return Want{Fails: at, Answer: Breaks, Surface: s, End: end}
}

func powerRows() []Row {
	row := func(name string, when press.Moment, nth int, share float64, w Want) Row {
		return same(Row{Name: name, Fact: "power loss", Mend: powerOn, Mishap: &press.Mishap{When: when, Nth: nth, Kind: press.PowerCut, Share: share}}, w)
	}
	film := row("power lost over the film", press.Heating, 1, 0.5, dark(Print, printer.SurfaceBlank, ByHand))
	film.Ink = Want{}
	return []Row{
		row("power lost before feeding", press.Feeding, 1, 0, dark(Feed, printer.SurfaceBlank, Delivered)),
		row("power lost in feeding", press.Feeding, 1, 0.5, dark(Feed, printer.SurfaceBlank, ByHand)),
		row("power lost at the station", press.Engaging, 1, 1, dark(Feed, printer.SurfaceBlank, ByHand)),
		row("power lost on the way to the head", press.Moving, 1, 0.5, dark(Head, printer.SurfaceBlank, ByHand)),
		row("power lost in the first plane", press.Receiving, 1, 0, dark(Print, printer.SurfaceBlank, ByHand)),
		row("power lost in the last plane", press.Receiving, 2, 0, dark(Print, printer.SurfaceBlank, ByHand)),
		film,
		row("power lost before the ink", press.Inking, 1, 0, dark(Print, printer.SurfaceUnknown, ByHand)),
		row("power lost in the front's ink", press.Inking, 1, 0.5, dark(Print, printer.SurfaceUnknown, ByHand)),
		row("power lost in the back's ink", press.Inking, 2, 0.5, dark(Print, printer.SurfaceUnknown, ByHand)),
		row("power lost before the count", press.Counting, 1, 0, dark(Print, printer.SurfaceUnknown, ByHand)),
		row("power lost after the count", press.Counting, 1, 1, dark(Print, printer.SurfacePrinted, ByHand)),
		row("power lost before the exit", press.Ejecting, 1, 0, dark(Deliver, printer.SurfacePrinted, ByHand)),
		row("power lost after the exit", press.Ejecting, 1, 1, dark(Deliver, printer.SurfacePrinted, Delivered)),
	}
}

func linkRows() []Row {
	const mid, after = "USB unplug / TCP cut mid plane", "USB unplug after commit"
	row := func(name, fact string, when press.Moment, nth int, over bool, w Want) Row {
		return same(Row{Name: name, Fact: fact, Cut: Cut{when, nth, over}}, w)
	}
	blank := dark(Print, printer.SurfaceBlank, Delivered)
	printed := dark(Print, printer.SurfacePrinted, Delivered)
	// With film the front is on the card then, and the printer waits for more.
	front := row("unplugged in the commit", after, press.Inking, 1, false, printed)
	front.Film = dark(Print, printer.SurfaceUnknown, Rejected)
	stranger := row("another printer after a break", "match serial number, not address", press.Moving, 1, true, dark(Head, printer.SurfaceBlank, Delivered))
	stranger.Stranger = true
	deaf := func(name string, nth int) Row {
		return same(Row{Name: name, Fact: "printer stops reading", Mend: hear, Mishap: &press.Mishap{When: press.Receiving, Nth: nth, Kind: press.Deafens}}, blank)
	}
	return []Row{
		row("unplugged in feeding", mid, press.Feeding, 1, true, dark(Feed, printer.SurfaceBlank, Delivered)),
		row("unplugged at the station", mid, press.Engaging, 1, true, dark(Feed, printer.SurfaceBlank, Delivered)),
		row("unplugged on the way to the head", mid, press.Moving, 1, true, dark(Head, printer.SurfaceBlank, Delivered)),
		row("unplugged in the first plane", mid, press.Receiving, 1, false, blank),
		row("unplugged in the last plane", mid, press.Receiving, 2, false, blank),
		front,
		row("unplugged in the back's ink", after, press.Inking, 2, false, printed),
		row("unplugged before the count", after, press.Counting, 1, false, printed),
		row("unplugged after commit", after, press.Counting, 1, true, printed),
		row("unplugged at the exit", after, press.Ejecting, 1, true, dark(Deliver, printer.SurfacePrinted, Delivered)),
		stranger,
		deaf("stops reading in the first plane", 1),
		deaf("stops reading in the last plane", 2),
	}
}

func binRows() []Row {
	full := same(Row{Name: "reject bin full", Fact: "reject bin / hopper full", Set: (*press.Press).FillReject, Mend: refill}, heldBack)
	both := same(Row{Name: "chip write failed over a full bin", Fact: full.Fact, ChipFails: true, Set: (*press.Press).FillReject, Mend: refill},
		Want{Feed, Says, printer.Operator, printer.SurfaceBlank, Rejected})
	return []Row{
		full,
		both,
		same(Row{Name: "chip write failed", Fact: "chip write failed at station", ChipFails: true}, Want{Surface: printer.SurfaceBlank, End: Rejected}),
		same(Row{Name: "nothing wrong", Fact: "-"}, Want{Surface: printer.SurfacePrinted, End: Delivered}),
	}
}
