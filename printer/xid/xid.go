// Package xid drives the re-transfer card printers of G-Printec, which Matica and others
// sell: XID8600 (600 dpi) and XID580 (300 dpi), over USB and over the network.
//
// # The two languages
//
// Over USB the printer is a mass-storage device of the Bulk-Only kind (USB Mass Storage
// Class, Bulk-Only Transport 1.0) with commands of its own; over TCP port 50730 it speaks
// frames of 32-bit words. Both are known from open code and from dumps alone
// (github.com/revk/cardprint: xidserver.c, usb.txt, eth.txt, xid8600.txt); the maker
// publishes neither.
//
// # The commit point
//
// A side is printed on film first, and the film is then transferred to the card. Until
// the transfer the card is blank. A card with two sides needs two transfers, and no known
// command prints two shots of film before the first of them. So Print prints the front on
// film and keeps the back's planes in the printer's memory: that is PlanesSent. CommitSent
// is told before the first transfer, and CommitDone when the counter has moved after the
// last. A print that broke between the two left a front without a back.
//
// # Assumed until seen on a machine
//
// No source states these; the model in jukicard/simulator/press/xid assumes the same:
//
//   - Which codes come while the film is printed and which while it is transferred. A
//     refusal before the first transfer leaves the card blank whatever it says; of the
//     transfer itself only a code of the class 0005 says that it was not begun.
//   - The total counter moves by one when the transfer that returns or ejects the card is
//     done, and not with the transfer that turns it over. (In all three public dumps there
//     are more than five head passes for each count of it, more than one side takes, so it
//     counts cards.) Print notices a printer that counts otherwise and says so.
//   - The front is towards the head when a card is fed.
//   - INQUIRY: the type is bytes 16 to 23, ended by a NUL or spaces, before the serial
//     number at 24. The open code reads 16 bytes of type and compares eight.
//   - MODE SENSE page 68h: byte 51 is the film left in tenths, 52 the ribbon left in
//     fiftieths, 53 the cards (0 there, 2 none): by the values that the maker's own tool
//     showed beside the dump.
//   - Network counters: of the information items 1Fh and 21h one is the total and the
//     other the cards since cleaning; in both dumps they are equal. The larger is taken.
//   - Network information (F0000600) and settings (F0000400) are answered on TCP too. The
//     open code asks on UDP 50731; its notes say only of changing settings that TCP fails.
//   - The reply to a plane over TCP is an ordinary reply (F1000100 or F1000200).
//   - Over the network the printer is known by the hardware address in its link-local IPv6
//     address, for its greeting has no serial number.
//   - After its power was cut over a card it says 0002C300 until the card is taken out, and
//     the position is refused meanwhile.
//   - SEND DIAGNOSTIC for the test card has no data, although its length field says ten.
//   - A refused command whose answer would have been data stalls the endpoint first, as
//     Bulk-Only Transport 6.7 asks.
//   - The Bulk-Only reset is understood. A stall of it is taken for "not understood".
//
// # What it leaves out
//
// Magnetic stripes, UV and peel-off panels, the laminator, and cleaning, for which no
// command is known.
package xid

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// Framing is which of its two languages the printer is spoken to in.
type Framing int

// MassStorage is USB, Network TCP port 50730.
const (
	MassStorage Framing = iota + 1
	Network
)

// USBVendor and USBProduct are its identity on the bus (revk/cardprint, xidserver.c).
const (
	USBVendor  = 0x2166
	USBProduct = 0x701D
	// USBOut and USBIn are its bulk endpoints.
	USBOut = 0x02
	USBIn  = 0x81
	// Port is the TCP port of the Network framing.
	Port = 50730
)

// Config says which printer, and how long it may take.
type Config struct {
	Dialer  wire.Dialer
	Framing Framing
	// Serial is the serial number it must have: over USB that of its label, over the
	// network its hardware address as twelve hex digits. Empty takes any printer the
	// first time, and the same one after a break.
	Serial string
	// Query is how long an answer may take that moves nothing (zero: 10 s), Plane how
	// long a plane may (30 s), Motion how long the mechanism may (90 s: the open code
	// gives loading 60 s and all else 30 s, without a pause to warm up).
	Query, Plane, Motion time.Duration
	// Pause waits between two questions to a busy printer; nil really waits.
	Pause func(ctx context.Context, d time.Duration) error
}

const (
	// pollEvery is the open code's pause between two questions.
	pollEvery = 100 * time.Millisecond
	// pollsMax bounds the wait for a busy printer: five minutes, as the open code does.
	pollsMax = 3000
)

// Printer is one XID printer. One goroutine owns it.
type Printer struct {
	cfg   Config
	is    printer.Identity
	model model
	line  speaker // nil until it is dialled, and after the link failed
}

// speaker speaks one of the two languages. Its errors are *senseError when the printer
// refused and *wire.Error when the link failed.
type speaker interface {
	do(ctx context.Context, o order) (answer, error)
	close() error
}

// Open dials the printer and makes sure which it is.
func Open(ctx context.Context, cfg Config) (*Printer, error) {
	cfg.Query = cmp.Or(cfg.Query, 10*time.Second)
	cfg.Plane = cmp.Or(cfg.Plane, 30*time.Second)
	cfg.Motion = cmp.Or(cfg.Motion, 90*time.Second)
	if cfg.Pause == nil {
		cfg.Pause = wire.Pause
	}
	p := &Printer{cfg: cfg}
	if err := p.connect(ctx); err != nil {
		return nil, err
	}
	// Settings are kept without power, so once for each Open is enough.
	if _, err := p.ask(ctx, "turn hidden retries off", order{op: opNoRetry}); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Close lets go of the wire. The card stays where it is.
func (p *Printer) Close() error {
	if p.line == nil {
		return nil
	}
	line := p.line
	p.line = nil
	return line.close()
}

// Identity says which printer it is.
func (p *Printer) Identity(ctx context.Context) (printer.Identity, error) {
	if err := p.connect(ctx); err != nil {
		return printer.Identity{}, err
	}
	return p.is, nil
}

// connect dials when there is no wire, and takes no other printer for this one.
func (p *Printer) connect(ctx context.Context) error {
	if p.line != nil {
		return nil
	}
	w, err := p.cfg.Dialer.Dial(ctx)
	if err != nil {
		return err
	}
	p.line = p.cfg.speaker(w)
	is, err := p.greet(ctx)
	if err == nil {
		err = p.accept(is)
	}
	if err != nil {
		return errors.Join(err, p.Close())
	}
	return nil
}

func (c Config) speaker(w wire.Wire) speaker {
	if c.Framing == Network {
		return &network{cfg: c, w: w}
	}
	return &storage{cfg: c, w: w}
}

// greet learns which printer it is, and takes note of a restart that it tells the first
// that asks.
func (p *Printer) greet(ctx context.Context) (answer, error) {
	is, err := p.ask(ctx, "greet the printer", order{op: opIdentify})
	if err != nil {
		return answer{}, err
	}
	_, err = p.code(ctx)
	return is, err
}

// accept checks that it is a printer we know, and the one that is meant.
func (p *Printer) accept(a answer) error {
	m, ok := modelOf(a.model)
	if !ok {
		return refusal("greet the printer", fmt.Sprintf("it is of type %q: this driver knows XID8600 and XID580", a.model))
	}
	want := p.cfg.Serial
	if want == "" {
		want = p.is.Serial
	}
	if want != "" && want != a.serial {
		return refusal("greet the printer", fmt.Sprintf("its serial number is %q and not %q: plug in the printer that is meant, or name this one", a.serial, want))
	}
	if a.plane != (size{}) && a.plane != m.plane {
		return refusal("greet the printer", fmt.Sprintf("its plane is %d × %d dots and not %d × %d: this firmware is not known", a.plane.width, a.plane.height, m.plane.width, m.plane.height))
	}
	p.model = m
	p.is = printer.Identity{
		Maker: a.maker, Model: a.model, Serial: a.serial, Firmware: a.firmware,
		DPI: m.dpi, Contact: true, Contactless: true,
	}
	return nil
}

// ask gives one order. A link that failed is let go, so that the next order dials anew.
func (p *Printer) ask(ctx context.Context, op string, o order) (answer, error) {
	if err := p.connect(ctx); err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.patience(o.op))
	defer cancel()
	a, err := p.line.do(ctx, o)
	var sense *senseError
	switch {
	case err == nil:
		return a, nil
	case errors.As(err, &sense):
		return answer{}, &printer.FaultError{Op: op, Fault: fault(sense.code)}
	}
	return answer{}, errors.Join(err, p.Close())
}

func (c Config) patience(o op) time.Duration {
	switch {
	case o == opPlane, o == opPlanes:
		return c.Plane
	case o >= opLoad:
		return c.Motion
	}
	return c.Query
}

// refusal is a fault that the driver itself finds.
func refusal(op, text string) error {
	return &printer.FaultError{Op: op, Fault: printer.Fault{Code: "-", Kind: printer.Refused, Text: text}}
}
