// Package magicard drives card printers of Magicard (Enduro, Rio Pro, Pronto; Rio 2 and
// Tango 2; Alto) over USB or TCP: direct printing by a ribbon, one job a card that the
// printer carries out alone, status requests in between.
//
// Sources: the maker's own CUPS filter (Ultra Electronics, GPL, in pc-coholic/magicardppd)
// for the job's words; captures of jobs and of the status window, in the same repository;
// the gutenprint back end (Performed/selphy_print) for requests and simple commands.
//
// The commit point is the closing 03 of a job: everything before it is sent and held in
// the printer, so that Stage PlanesSent means what it says. Of a job with two sides each
// page has a closing 03 of its own, and the printer may begin with the first: there the
// first one is the commit point, and the back is sent behind it. What became of the card
// is decided by the counter of cards printed (INF field 9), which is asked until it moves
// or an error is shown: a feed that failed shows 34 s after the job was sent.
//
// It leaves out magnetic stripes, laminators, holograms, rewritable cards and hand feed.
//
// # Assumed until seen on a machine
//
//   - The printer tells no position. Where the card is is what this driver did with it,
//     and Lost after a link that failed with a card inside; who makes a Printer, or calls
//     TakenOut, says that none is inside.
//   - A port that is not selected (captured: 08, and 18 when idle) is a printer at work, and
//     one that is selected again, at two looks in a row and without an error, has done what
//     it was told, or shows why not. Without the port, as over TCP, nothing tells: INF has
//     no field for it, and what ERR says to a printer at work is in no capture.
//   - CHPUP takes a card from the hopper or the head to the chip contacts, CHPDOWN back to
//     the head; FEED1 feeds one to the head. selphy_print lists CHP%s with UP and DOWN and
//     FEED%d with 0 and 1, untried, in the notation in which OVR%s is the OVRON of jobs.
//     There is no word for a contactless station: this driver has none.
//   - REJ takes the card to the reject bin: as a word of jobs, with ON or OFF, it is known.
//     EJT and CLN end like RST and TST, which are known so.
//   - A job prints the card that is inside, and delivers it.
//   - Line n of the image is column n of the side, from the left.
//   - KEE heads have the same offset of the head's position as KGE ones.
//   - The second page of a job is a frame of its own with 64 times 05 and fewer words
//     (the maker's filter writes it so; no capture has two sides).
//   - SOFT_RESET of the USB printer class drops a job that was broken off; over TCP the
//     end of the connection does.
//   - Of the errors only 00:00 and 11:01 are known. Any other is shown with the printer's
//     own words, and is a jam when a card is inside.
//   - A shot of film (INF 22, 23) is a set of panels, and prints one side; of a film with a
//     second black for the back, named LC8 or YMCKOK in INF 24, a whole card.
//   - Shots of film used (INF 23) move when ink was used up, also for a card that was not
//     finished.
package magicard

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// DPI is the resolution of these printers.
const DPI = 300

// Timing is how long the printer is given for each thing. Zero values are the defaults.
type Timing struct {
	Reply time.Duration // a request; 5 s
	Job   time.Duration // a page on its way to the printer; 60 s (2.7 s were measured)
	Move  time.Duration // how long an order of which nothing shows is watched for an error; 4 s
	Print time.Duration // from the commit until the counter moves; 180 s
	Poll  time.Duration // between two requests; 2 s, as the maker's window asks
	Look  time.Duration // between two looks at the port, which the printer need not answer itself; 200 ms
	Drain time.Duration // for answers of an earlier connection; 50 ms
}

// Options are what the wire does not tell.
type Options struct {
	// Serial is the printer's serial number; another printer is refused. Empty: the
	// first one that answers is the one.
	Serial string
	// Family is "enduro" (also Rio Pro, Pronto), "rio2" (also Tango 2) or "alto".
	// Default "enduro".
	Family string
	// ResinBack prints the back in black alone.
	ResinBack bool
	// NoContact says that no chip station is built in.
	NoContact bool
	Timing    Timing
	// Now is the time that a job is stamped with; nil is the clock.
	Now func() time.Time
	// Pause waits between two requests; nil is a timer. Tests have their own clock.
	Pause func(ctx context.Context, d time.Duration) error
}

// Printer is one printer; see printer.Device. One goroutine owns it.
type Printer struct {
	opt    Options
	family family
	link   link
	serial string
	// at is where this driver has put the card.
	at printer.Position
	// delivered is a card that the printer gave out after printing it.
	delivered bool
	// leaving is one that may still be on its way out.
	leaving bool
	// owed is a job that was broken off: the printer may wait for the rest.
	owed bool
	// judging is the time after a commit: nothing may be reset.
	judging bool
}

var (
	_ printer.Device     = (*Printer)(nil)
	_ printer.Identifier = (*Printer)(nil)
	_ printer.Maintainer = (*Printer)(nil)
)

// New makes a driver for a printer without a card inside; it dials with the first thing
// it is asked to do. It fails for a family that there is not.
func New(d wire.Dialer, o Options) (*Printer, error) {
	if o.Family == "" {
		o.Family = "enduro"
	}
	f, ok := families[o.Family]
	if !ok {
		return nil, fmt.Errorf("cannot drive the family %q: want enduro, rio2 or alto", o.Family)
	}
	o.Timing.fill()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Pause == nil {
		o.Pause = wire.Pause
	}
	return &Printer{opt: o, family: f, serial: o.Serial, link: link{Talk: wire.Talk[string]{Dialer: d, Cut: cutAnswer}}}, nil
}

func (t *Timing) fill() {
	t.Reply = cmp.Or(t.Reply, 5*time.Second)
	t.Job = cmp.Or(t.Job, time.Minute)
	t.Move = cmp.Or(t.Move, 4*time.Second)
	t.Print = cmp.Or(t.Print, 3*time.Minute)
	t.Poll = cmp.Or(t.Poll, 2*time.Second)
	t.Look = cmp.Or(t.Look, 200*time.Millisecond)
	t.Drain = cmp.Or(t.Drain, 50*time.Millisecond)
}

// Close hangs up. The printer can be used again: the next call dials.
func (p *Printer) Close() error { return p.link.Close() }

// TakenOut says that a person has looked and no card is inside any more.
func (p *Printer) TakenOut() { p.place(printer.Hopper) }

// Identity tells name, serial number and firmware (REQ,INF).
func (p *Printer) Identity(ctx context.Context) (printer.Identity, error) {
	i, err := p.info(ctx)
	if err != nil {
		return printer.Identity{}, err
	}
	return printer.Identity{
		Maker: "Magicard", Model: i.text(infoName), Serial: i.text(infoSerial), Firmware: i.text(infoFirmware),
		DPI: DPI, Contact: !p.opt.NoContact,
	}, nil
}
