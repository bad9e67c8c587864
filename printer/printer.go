// Package printer is what cardd knows of card printers: devices that hold a
// card. Optional capabilities are further interfaces.
package printer

import (
	"context"
	"fmt"
	"image"
)

// Position is where the card is.
type Position int

// Hopper is before the card is fed, Contact and Contactless the chip stations,
// Head under the print head, Output delivered, Reject in the reject bin.
const (
	Hopper Position = iota
	Contact
	Contactless
	Head
	Output
	Reject
)

// String names the position.
func (p Position) String() string {
	if p < Hopper || p > Reject {
		return fmt.Sprintf("position %d", int(p))
	}
	return [...]string{"hopper", "contact", "contactless", "head", "output", "reject"}[p]
}

// Status is what a printer says of itself.
type Status struct {
	Position     Position // of the card inside, Hopper when there is none
	CardsPrinted uint64   // ever printed; it moves by one at the commit point and decides after a lost answer
	Supplies     []Supply
	Faults       []Fault
}

// Supply is ribbon, film or cards.
type Supply struct {
	Name      string
	Remaining int // sheets, panels or cards; -1 unknown
}

// Fault is a condition an operator must mend.
type Fault struct {
	Code string // the device's own, for example "0002D100"
	Text string
}

// Face is one card's two sides as rasters at the device's resolution.
type Face struct {
	Front, Back image.Image
	DPI         int
}

// Device is one printer with a card in it. One goroutine owns it.
type Device interface {
	// Status asks the printer; it moves nothing.
	Status(ctx context.Context) (Status, error)
	// Move takes the card to a position; from Hopper it feeds one.
	Move(ctx context.Context, to Position) error
	// Print prints both sides. It returns when the printer's counter moved or a
	// fault shows: a finished write proves nothing.
	Print(ctx context.Context, f Face) error
}
