// Package printer is what cardd knows of card printers: devices that hold a card,
// show its chip to a reader, print its two sides and count what they printed. The
// drivers are packages below it; each is judged by printertest over every wire it has.
//
// A device holds one card at a time, and every method is about that card. Nothing here
// is tried again by itself: after a break the device is asked where the card is and how
// many it has printed, and what cannot be known that way is said to be unknown.
//
// Optional capabilities are further interfaces: Identifier, Maintainer, Judge, Emptied.
package printer

import (
	"context"
	"fmt"
	"image"
	"slices"
)

// Position is where the card is.
type Position int

// Hopper is before the card is fed (there is none inside), Contact and Contactless the
// chip stations, Head under the print head, Output delivered, Reject in the reject bin,
// Lost somewhere inside where the printer cannot tell: after a jam or a loss of power.
const (
	Hopper Position = iota
	Contact
	Contactless
	Head
	Output
	Reject
	Lost
)

// String names the position.
func (p Position) String() string {
	return name("position", int(p), "hopper", "contact", "contactless", "head", "output", "reject", "lost")
}

// name is the i-th of names, or what it would be the i-th of.
func name(of string, i int, names ...string) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("%s %d", of, i)
	}
	return names[i]
}

// Identity is which printer it is. The serial number, never an address, says after a
// break that it is the same one.
type Identity struct {
	Maker, Model, Serial, Firmware string
	DPI                            int  // dots per inch it prints in
	Contact, Contactless           bool // the chip stations it has
}

// Status is what a printer says of itself.
type Status struct {
	Position     Position // of the card inside, Hopper when there is none
	CardsPrinted uint64   // ever printed; it moves by one at the commit point and decides after a lost answer
	Supplies     []Supply
	Faults       []Fault
}

// Supply is ribbon, film, cards or what must be done now and then.
type Supply struct {
	Name      string // "ribbon", "film", "cards", "cleaning"
	Kind      string // the maker's designation, for example "YMCKO"; empty when it says none
	Remaining int    // cards, both sides of each, that can still be printed with it; -1 unknown
	Capacity  int    // cards it lasts when new; -1 unknown
	Low       bool   // a sensor says that little is left, of however much
}

// FaultKind is what a fault asks of people, and what it leaves of the card.
type FaultKind int

// Wait ends by itself; Operator is mended at the printer, and the card inside goes on;
// Jam has the card taken out by hand; Restarted means that the printer forgot what it
// was doing; Broken calls for service; Refused is a command the printer will not do in
// this state, which is an error of ours or a card in the wrong place.
const (
	Wait FaultKind = iota
	Operator
	Jam
	Restarted
	Broken
	Refused
)

// String names the kind.
func (k FaultKind) String() string {
	return name("fault kind", int(k), "wait", "operator", "jam", "restarted", "broken", "refused")
}

// Fault is a condition that the printer reports.
type Fault struct {
	Code string // the device's own, for example "0002D100"
	Kind FaultKind
	Text string // what is wrong and what to do at the printer, in English
}

// FaultError is a printer that answered and would not. A link that failed is a
// *wire.Error instead, and never this.
type FaultError struct {
	Op    string // what was wanted, for example "feed a card"
	Fault Fault
}

// Error says what was wanted, then what the printer said.
func (e *FaultError) Error() string {
	return fmt.Sprintf("cannot %s: %s (%s)", e.Op, e.Fault.Text, e.Fault.Code)
}

// Surface is what is known of a card's face.
type Surface int

// SurfaceUnknown is the zero value: nothing is assumed. Blank took no ink, Printed has
// its whole face, Spoilt a part of it.
const (
	SurfaceUnknown Surface = iota
	SurfaceBlank
	SurfacePrinted
	SurfaceSpoilt
)

// String names the surface.
func (s Surface) String() string {
	return name("surface", int(s), "unknown", "blank", "printed", "spoilt")
}

// PrintError is a print that did not end, and what is known of the card's face.
type PrintError struct {
	Surface Surface
	Err     error // a *FaultError, a *wire.Error, or what the mark said
}

// Error says what is known of the face.
func (e *PrintError) Error() string {
	return fmt.Sprintf("cannot print the face, which is %s: %v", e.Surface, e.Err)
}

// Unwrap gives the cause.
func (e *PrintError) Unwrap() error { return e.Err }

// Stage is how far a print has come.
type Stage int

// PlanesSent: the printer holds both sides and the card has taken no ink. CommitSent is
// told before the command goes out that puts ink on the card: from here on only the
// printer knows. CommitDone: the printer's counter has moved.
const (
	PlanesSent Stage = iota + 1
	CommitSent
	CommitDone
)

// String names the stage.
func (s Stage) String() string {
	return name("stage", int(s), "none", "planes-sent", "commit-sent", "commit-done")
}

// Mark is told each stage when it is reached, so that it can be written down. While it
// runs nothing is sent; when it fails nothing more is.
type Mark func(Stage) error

// Tell marks a stage; a nil Mark takes no notes.
func (m Mark) Tell(s Stage) error {
	if m == nil {
		return nil
	}
	return m(s)
}

// Face is one card's two sides as rasters at the device's resolution, in landscape.
type Face struct {
	Front, Back image.Image
	DPI         int
}

// Device is one printer with a card in it. One goroutine owns it.
type Device interface {
	// Status asks the printer; it moves nothing.
	Status(ctx context.Context) (Status, error)
	// Move takes the card to a position; from Hopper it feeds one. When it returns
	// nil the printer has confirmed the position. A *FaultError is the printer's
	// refusal, a *wire.Error a link that failed with the card anywhere.
	Move(ctx context.Context, to Position) error
	// Print prints the card at Head. It tells mark each stage and returns nil when
	// the printer's counter has moved: a finished write proves nothing. Any failure
	// is a *PrintError. The card stays inside until it is moved to Output or Reject.
	Print(ctx context.Context, f Face, mark Mark) error
}

// Identifier tells which printer it is.
type Identifier interface {
	Identity(ctx context.Context) (Identity, error)
}

// Maintainer does what a technician asks of a printer without a card of anybody's.
type Maintainer interface {
	// Clean runs the cleaning cycle; a cleaning card is in the hopper.
	Clean(ctx context.Context) error
	// PrintTest prints the printer's own test card, where it has one.
	PrintTest(ctx context.Context) error
}

// Emptied is a printer that cannot see whether a card is inside: only a person ends that
// doubt.
type Emptied interface {
	// TakenOut says that a person has looked and no card is inside any more.
	TakenOut()
}

// Judge is a printer that knows more than its counter about a print that was committed
// and not seen to end: one that is sure when a card took no ink.
type Judge interface {
	// Surface is what is on the card, by the counter as it was before the commit.
	Surface(ctx context.Context, before uint64) (Surface, error)
}

// Busy says that the printer is still doing something: what it says of its card is then
// about to change.
func (s Status) Busy() bool {
	return slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Kind == Wait })
}

// Since is what a committed print has come to, by the printer's counter as it was before:
// one more is printed. The same is not blank for sure, for ink may be on the card before
// the counter moves, and anything else is somebody else's card.
func (s Status) Since(before uint64) Surface {
	if s.CardsPrinted == before+1 && !s.Busy() {
		return SurfacePrinted
	}
	return SurfaceUnknown
}
