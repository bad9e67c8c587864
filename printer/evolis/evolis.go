// Package evolis drives card printers that speak the language of Evolis (Pebble, Dualys,
// Quantum, Zenius, Primacy, KC200 and their kin) over USB, a serial line or TCP: direct
// printing by a ribbon, text in resin, stations for contact and contactless chips, a
// reject box.
//
// Sources: the maker's "Evolis Card Printers Programming Guide" A5013 Rev. D2 and E, for
// the frame, the bitmaps and most commands; eight captured jobs of the maker's Windows
// driver (dpavlin/Printer-EVOLIS); kiosk and office programs in public repositories that
// drive Zenius and Primacy, for the position words, the sensors, Sis and Sic, Pneab and
// Psmgr. The maker's status words are not used: how they stand on the wire is not public.
//
// What a card's face is after a break is decided by the printer's counter alone. The
// planes lie in the printer's memory until Se, which is the commit point: up to then the
// card is blank. Errors are the host's to manage (Pem;2): the printer tries nothing again
// by itself.
//
// It leaves out magnetic stripes, hand feeding, the printer's own fonts and barcodes, and
// the host service on TCP 18000. There is no public order for a cleaning cycle or a test
// card: Clean and PrintTest say how to start them at the printer.
//
// # Assumed until seen on a machine
//
//   - The texts of refusals beyond their beginning "ERR", and that some begin with another
//     word ("COVER OPEN"): everything but OK is taken for a refusal and shown as it is.
//   - That a refusal which no sensor explains is a card that hangs in the mechanics.
//   - Rco;p: a program for the Primacy names it the cards printed, the guide for the older
//     models the panels printed. Options.Counter says which; a count that moves by another
//     number is reported as unknown, with both.
//   - That the counter moves by the time Se is answered, or within Timing.Settle after it.
//   - Rse;f, Rse;o: 5 Volts for a card in the feeder and for a closed cover (one source).
//   - Rlr;h answers CARD when the reject box is full; Rlr;r begins with ERR when cleaning
//     is due; Rem begins with the number that Pem set.
//   - Rse;n: like Rse;f 0 Volts when few cards are left. It only warns.
//   - Rrt;count and Rrt;qty are whole sets of panels; Rrt;zone and Rzp are alike when the
//     ribbon may be used in this printer.
//   - Ss begins with an empty memory, so that Ss and Se without planes eject only.
//   - Pneab;E keeps the card after printing, Pneab;A;1 has the next Se eject it (two
//     programs; what each letter means is not documented).
//   - Sis, Sic and Si take a card that is inside already to the station, as from the feeder.
//   - NUL between two orders is skipped (the captures end in it): a host that lost the end
//     of a download fills it up with them.
//   - Shades are 0 none to full, packed from the first pixel's highest bit on; the coded
//     form of colours, that only the guide describes.
package evolis

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// DPI is the resolution of every printer of this language: 300 dots per inch.
const DPI = 300

// Counter is what Rco;p counts.
type Counter int

// CountsCards moves by one a card (Zenius, Primacy), CountsPanels by one a panel of the
// ribbon (the guide's older models). With CountsPanels, Status.CardsPrinted is twice the
// panels: a card that took a single one must not look like a card that was printed.
const (
	CountsCards Counter = iota
	CountsPanels
)

// Timing is how long the printer is given for each thing. Zero values are the defaults.
type Timing struct {
	Reply  time.Duration // a question or a setting; 5 s
	Plane  time.Duration // a panel's download; 60 s, as at 115200 baud
	Move   time.Duration // the card's way to a station or out; 30 s
	Print  time.Duration // both sides; 120 s
	Settle time.Duration // the counter's move after Se was answered; 5 s
	Poll   time.Duration // between two questions while waiting; 200 ms
}

// Options are what the wire does not tell.
type Options struct {
	// Serial is the printer's serial number; another printer is refused. Empty: the
	// first one that answers is the one.
	Serial string
	// Ribbon is the one in the printer, in the maker's letters: "ymcko", "ymckok",
	// "ko", "k". Default "ymcko".
	Ribbon string
	// Shades of yellow, magenta and cyan; default Levels128.
	Shades Levels
	// Contrast of the resin, Pc;k;=;n; default 10, as the maker's Windows driver sends.
	Contrast int
	// Plain sends bitmaps without compression (Db instead of Dbc).
	Plain bool
	// Counter is what Rco;p counts.
	Counter Counter
	// NoContact and NoContactless say that the station is not built in.
	NoContact, NoContactless bool
	Timing                   Timing
	// Pause waits between two questions; nil is a timer. Tests have their own clock.
	Pause func(ctx context.Context, d time.Duration) error
}

// Printer is one printer; see printer.Device. One goroutine owns it.
type Printer struct {
	opt  Options
	set  ribbon
	link link
	// serial is the printer that answered first.
	serial string
	// hangs is a refusal that left a card in the mechanics; it stands until none is inside.
	hangs *printer.Fault
	// forgot is a printer that has started again with a card inside.
	forgot bool
	// known is whether it has been set up before.
	known bool
}

var (
	_ printer.Device     = (*Printer)(nil)
	_ printer.Identifier = (*Printer)(nil)
	_ printer.Maintainer = (*Printer)(nil)
)

// New makes a driver; it dials with the first thing it is asked to do. It fails for a
// ribbon or shades that there are not.
func New(d wire.Dialer, o Options) (*Printer, error) {
	if o.Ribbon == "" {
		o.Ribbon = "ymcko"
	}
	set, ok := ribbons[o.Ribbon]
	if !ok {
		return nil, fmt.Errorf("cannot use the ribbon %q: want one of %s", o.Ribbon, ribbonNames())
	}
	if o.Shades == 0 {
		o.Shades = Levels128
	}
	if o.Shades.bits() < 5 {
		return nil, fmt.Errorf("cannot print %d shades of a colour: want 32, 64 or 128", o.Shades)
	}
	if o.Contrast == 0 {
		o.Contrast = 10
	}
	if o.Contrast < 1 || o.Contrast > 20 {
		return nil, fmt.Errorf("cannot set the contrast %d: want 1 to 20", o.Contrast)
	}
	o.Timing.fill()
	if o.Pause == nil {
		o.Pause = wire.Pause
	}
	return &Printer{opt: o, set: set, serial: o.Serial, link: link{wire.Talk[reply]{Dialer: d, Cut: cutReply}}}, nil
}

func (t *Timing) fill() {
	t.Reply = cmp.Or(t.Reply, 5*time.Second)
	t.Plane = cmp.Or(t.Plane, time.Minute)
	t.Move = cmp.Or(t.Move, 30*time.Second)
	t.Print = cmp.Or(t.Print, 2*time.Minute)
	t.Settle = cmp.Or(t.Settle, 5*time.Second)
	t.Poll = cmp.Or(t.Poll, 200*time.Millisecond)
}

// Close hangs up. The printer can be used again: the next call dials.
func (p *Printer) Close() error { return p.link.Close() }

// Identity tells model, serial number and firmware (Rtp, Rsn, Rfv). Which stations are
// built in is not told by the wire: that is what Options say.
func (p *Printer) Identity(ctx context.Context) (printer.Identity, error) {
	id := printer.Identity{Maker: "Evolis", DPI: DPI, Contact: !p.opt.NoContact, Contactless: !p.opt.NoContactless}
	for _, row := range []struct {
		ask order
		to  *string
	}{{"Rtp", &id.Model}, {"Rsn", &id.Serial}, {"Rfv", &id.Firmware}} {
		r, err := p.ask(ctx, row.ask)
		if err != nil {
			return printer.Identity{}, err
		}
		if r.refused() {
			return printer.Identity{}, refusal("read which printer it is", r)
		}
		*row.to = string(r)
	}
	return id, nil
}

// Clean refuses: no public order begins a cleaning cycle.
func (p *Printer) Clean(context.Context) error {
	return byHand("clean", "no order of its language starts a cleaning: put the cleaning card in and press the printer's own button, as its manual says")
}

// PrintTest refuses: no public order prints the printer's own card.
func (p *Printer) PrintTest(context.Context) error {
	return byHand("print a test card", "no order of its language prints one: hold the printer's own button, as its manual says")
}

func byHand(op, text string) error {
	return &printer.FaultError{Op: op, Fault: printer.Fault{Code: "no order", Kind: printer.Refused, Text: text}}
}
