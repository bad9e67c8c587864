// Package lines hangs a printer model on a wire: a pipe in this process, a TCP port, a
// pseudo-terminal. Package usbbed does the same with a USB bus. The model sees a stream
// of bytes and a host that may vanish, whichever wire it is, and the driver under test
// dials it as it would dial the machine.
//
// Models that speak packets and not a stream (USB mass storage) implement
// usbbed.Function instead.
package lines

import (
	"context"
	"io"

	"jukicard/printer/wire"
)

// Printer is a model that speaks a stream of bytes. Its paper, ribbon and counters
// outlive the host: it is served again after an unplugging.
type Printer interface {
	// Serve speaks with one host until the host is gone: ctx is then done, and reads
	// and writes fail. A model that stops reading holds up the host's writes, after
	// what the wire itself buffers. One Serve runs at a time on one cable. When it
	// returns or closes host, the printer has hung up: over TCP and in a pipe the
	// next host may come at once, over USB and a pseudo-terminal the printer is
	// gone, as without power, until it is plugged in again.
	//
	// Its error is what was wrong with the host's words; that the host is gone is
	// none, in whatever words it came.
	Serve(ctx context.Context, host io.ReadWriteCloser) error
}

// Cable is a model on a wire. Its methods are for one goroutine at a time.
type Cable interface {
	// Dialer is how a driver reaches the model.
	Dialer() wire.Dialer
	// Unplug pulls the cable. It returns when the model's Serve has ended, with the
	// errors of all Serves since Plug. Unplugging twice is nothing.
	Unplug() error
	// Plug puts it back, over USB at another address of the bus, over a
	// pseudo-terminal at another terminal under the same name.
	Plug() error
}
