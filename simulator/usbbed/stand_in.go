package usbbed

import (
	"context"
	"errors"
	"runtime"

	"jukicard/printer/wire"
)

// Hearer is a Controller that says how many bytes it has heard and worked on.
type Hearer interface {
	Controller
	Received() int
}

// StandIn gives a wire in this process the control requests of USB, without a bus: for
// printers in virtual time. A request reaches the model after what was written before it.
func StandIn(d wire.Dialer, m Hearer) wire.Dialer { return standIn{d, m} }

type standIn struct {
	wire.Dialer
	model Hearer
}

// Dial opens the wire.
func (s standIn) Dial(ctx context.Context) (wire.Wire, error) {
	w, err := s.Dialer.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &classWire{Wire: w, name: s.String(), model: s.model, heard: s.model.Received()}, nil
}

// classWire is a wire with a wire.Controller.
type classWire struct {
	wire.Wire
	name  string
	model Hearer
	heard int // what the model will have heard of all that was written
}

// Write counts.
func (w *classWire) Write(ctx context.Context, p []byte) (int, error) {
	n, err := w.Wire.Write(ctx, p)
	w.heard += n
	return n, err
}

// Control asks the model itself.
func (w *classWire) Control(ctx context.Context, requestType, request byte, value, index uint16, data []byte) (int, error) {
	for w.model.Received() < w.heard && ctx.Err() == nil {
		runtime.Gosched() // it is on its way
	}
	if err := ctx.Err(); err != nil {
		return 0, &wire.Error{Op: "control", Name: w.name, Kind: wire.Timeout, Err: err}
	}
	answer, err := w.model.Control(ctx, Setup{Type: requestType, Request: request, Value: value, Index: index, Length: uint16(len(data))}, data)
	switch {
	case errors.Is(err, ErrStall):
		return 0, &wire.Error{Op: "control", Name: w.name, Kind: wire.Stall, Err: err}
	case err != nil:
		return 0, &wire.Error{Op: "control", Name: w.name, Kind: wire.Broken, Err: err}
	}
	return copy(data, answer), nil
}

// ClearHalt has nothing to clear: no endpoint of a stream halts.
func (w *classWire) ClearHalt(context.Context, bool) error { return nil }
