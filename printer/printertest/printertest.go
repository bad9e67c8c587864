// Package printertest judges every card printer driver over every wire it has, against a
// model with mechanics (jukicard/simulator/press). The model's cards are the truth: what
// a driver claims is held against what its card took.
//
// # A rig
//
// A [Rig] is one driver on one wire with its model behind it. Who adds a driver writes a
// file NAME_test.go in this folder, package printertest_test, with one Rig for each wire,
// and appends them to rigs in its init. Nothing else is needed: [Run] and [Judge] do the
// rest, the second for `make printers`. The beds of bed_test.go hang a model on a pipe, a
// TCP port, a pseudo-terminal or the USB bus.
//
// What a driver must do for it, besides printer.Device, Identifier and Maintainer:
//
//   - It dials by itself through a wire.Dialer, at its opening and again at the first call
//     after a link failed, and it makes sure of the serial number each time: to another
//     printer nothing is sent that moves a card, and the call fails.
//   - It waits for a busy printer through a pause that the rig can inject, so that no
//     test sleeps: the model's clock is virtual.
//   - It is given up after [Options.Patience] when the model stops reading.
//   - It centres a smaller face on its raster: of an odd number of dots the larger part
//     is at the right and below (raster.Planes.Fit).
//   - It says in its Status what a station must not begin with: an empty hopper, a
//     ribbon that is out or wrong.
//   - It implements io.Closer, for the suite to let go of the wire.
//
// What it leaves out: the chip itself and the journal, which are the station's.
package printertest

import (
	"context"
	"image"
	"io"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/simulator/press"
)

// Rig is one driver over one wire.
type Rig struct {
	// Name is the driver's model and its wire: "xid580/tcp".
	Name string
	// Identity is what the model says it is, and what Open expects.
	Identity printer.Identity
	// Film is whether it prints on film first: the card is blank until the transfer.
	// Otherwise ink reaches the card panel by panel.
	Film bool
	// Strokes is how many panels a side takes that has nothing but resin on it; 0 is 1.
	// It is 2 where an overlay follows.
	Strokes int
	// Planes is the ink that a side must have taken in the end, at the model's size
	// (press.Press.Size), computed without the driver or the packages that it uses.
	// Separated does most of it.
	Planes func(side image.Image, width, height int) press.Planes
	// Start brings a model up for one case and takes it down with t.Cleanup. The
	// model's press.Config goes through o.Press before it begins: the suite hooks
	// Moment and Station there.
	Start func(t testing.TB, o Options) *Bed
	// Differs are the rows of the fault table that end otherwise with this printer,
	// by name; each says why, by what the printer's language cannot tell.
	Differs map[string]Difference
	// NoClean and NoTestCard are printers that know no command for it: the driver
	// refuses and moves nothing.
	NoClean, NoTestCard bool
}

// Options are what a case wants of its model.
type Options struct {
	// Press changes the mechanics before the printer is switched on; may be nil. It is
	// to be called last, after the rig's own settings.
	Press func(*press.Config)
	// Patience is what Open gives the driver for a plane, and for an answer. It is long
	// where no answer should be missing, however busy this computer is.
	Patience time.Duration
}

// Bed is one model that is up, with its link.
type Bed struct {
	// Press is the truth, and the operator's hands.
	Press *press.Press
	// Open makes a driver that expects the serial number of Rig.Identity.
	Open func(ctx context.Context) (printer.Device, error)
	// Cut pulls the plug of the link, or closes its connections: what was not read is
	// lost, and nobody can dial until Restore. It is called from within the mechanics
	// too (press.Config.Moment), so it must not wait for the model. Twice is nothing.
	Cut func()
	// Restore lets dial again; when nothing is cut it does nothing. With other it is
	// another printer, with another serial number, that stands there now.
	Restore func(other bool)
	// Received counts the bytes that the model has taken from the link since it began.
	Received func() int
}

// Difference is how a row of the fault table ends with one printer, and why.
type Difference struct {
	Want    Want
	Because string
}

// open makes the driver and closes it with the test.
func (b *Bed) open(ctx context.Context, t testing.TB) printer.Device {
	t.Helper()
	d, err := b.Open(ctx)
	if err != nil {
		t.Fatalf("cannot open the driver: %v", err)
	}
	t.Cleanup(func() {
		if c, ok := d.(io.Closer); ok {
			_ = c.Close() // the model may be gone already
		}
	})
	return d
}
