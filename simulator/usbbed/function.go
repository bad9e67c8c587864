package usbbed

import (
	"context"
	"errors"
)

// Function is what a model does behind its endpoints. Transfers of one endpoint come one
// at a time, those of different endpoints side by side. ctx ends when the host cancels
// the transfer or the device is unplugged; what was moved until then is still returned.
//
// The error ErrStall halts the endpoint until the host clears it (USB 2.0, 8.4.5); for a
// control request it refuses that request alone. Any other error but ctx's is a protocol
// error on the bus.
type Function interface {
	// Control answers a request on endpoint 0 that is not a standard one. For a
	// request to the device data is what came with it; for one to the host the
	// answer is returned, cut to Setup.Length.
	Control(ctx context.Context, s Setup, data []byte) ([]byte, error)
	// Out takes a bulk packet or many and says how many bytes it took. It returns
	// when it has taken all of p, or never, if the printer stopped reading.
	Out(ctx context.Context, endpoint int, p []byte) (int, error)
	// In waits for something to send and gives at most n bytes.
	In(ctx context.Context, endpoint int, n int) ([]byte, error)
}

// Controller is a model that answers control requests besides, such as those of the
// printer class (USB Printer Class 1.1, 4.2). It is called while Serve runs.
type Controller interface {
	Control(ctx context.Context, s Setup, data []byte) ([]byte, error)
}

// Setup is the packet that begins a control transfer (USB 2.0, 9.3).
type Setup struct {
	Type, Request        byte
	Value, Index, Length uint16
}

// ErrStall is how a Function refuses.
var ErrStall = errors.New("stall")
