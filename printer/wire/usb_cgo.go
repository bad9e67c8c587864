//go:build cgo

package wire

// #cgo pkg-config: libusb-1.0
// #include <libusb.h>
import "C"

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/gousb"
)

const (
	// chunk is how much goes to libusb at once: it and the kernel each keep a copy,
	// and usbfs allows 16 MB to all programs together (usbfs_memory_mb). It is a
	// whole number of packets of every speed, so that no packet is short but the last.
	chunk = 256 << 10
	// timeoutControl is for a request whose context has no deadline. A device has
	// five seconds for one (USB 2.0, 9.2.6.1).
	timeoutControl = 5 * time.Second
)

// usb is the wire over a claimed interface.
type usb struct {
	name string
	lib  *gousb.Context
	dev  *gousb.Device
	cfg  *gousb.Config
	face *gousb.Interface
	out  *gousb.OutEndpoint
	in   *gousb.InEndpoint
}

// claim takes the interface; the kernel's own printer driver (usblp) lets go of it until
// the wire is closed.
func (w *usb) claim(u USB) error {
	if err := w.dev.SetAutoDetach(true); err != nil {
		return err
	}
	number, err := w.dev.ActiveConfigNum()
	if err != nil {
		return err
	}
	if w.cfg, err = w.dev.Config(number); err != nil {
		return err
	}
	if w.face, err = w.cfg.Interface(u.Interface, 0); err != nil {
		return err
	}
	out, in, err := pair(w.face.Setting, u.Out, u.In)
	if err != nil {
		return err
	}
	if w.out, err = w.face.OutEndpoint(out); err != nil {
		return err
	}
	w.in, err = w.face.InEndpoint(in)
	return err
}

// pair is the bulk endpoint of each direction, by number or the only one there is.
func pair(s gousb.InterfaceSetting, out, in int) (int, int, error) {
	var found [2]int
	for direction, want := range map[gousb.EndpointDirection]int{gousb.EndpointDirectionOut: out, gousb.EndpointDirectionIn: in} {
		name := map[gousb.EndpointDirection]string{gousb.EndpointDirectionOut: "OUT", gousb.EndpointDirectionIn: "IN"}[direction]
		n := 0
		for _, e := range s.Endpoints {
			if e.TransferType != gousb.TransferTypeBulk || e.Direction != direction || want&0x0F != 0 && e.Number != want&0x0F {
				continue
			}
			if n != 0 {
				return 0, 0, fmt.Errorf("interface %d has bulk %s endpoints %d and %d: name one", s.Number, name, n, e.Number)
			}
			n = e.Number
		}
		if n == 0 {
			return 0, 0, fmt.Errorf("interface %d has no bulk %s endpoint %d", s.Number, name, want&0x0F)
		}
		if direction == gousb.EndpointDirectionOut {
			found[0] = n
		} else {
			found[1] = n
		}
	}
	return found[0], found[1], nil
}

// Write sends p as one run of packets. Sent counts what the printer acknowledged.
func (w *usb) Write(ctx context.Context, p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		n, err := w.transfer(ctx, w.out.WriteContext, p[sent:min(len(p), sent+chunk)])
		sent += n
		if err != nil {
			return sent, w.failed("write", sent, err)
		}
	}
	return sent, nil
}

// Read takes one transfer. Packets without a byte end a transfer and are no answer.
func (w *usb) Read(ctx context.Context, p []byte) (int, error) {
	if size := w.in.Desc.MaxPacketSize; len(p) == 0 || len(p)%size != 0 {
		return 0, w.failed("read", 0, fmt.Errorf("room for %d bytes: give a multiple of the packet size %d", len(p), size))
	}
	for {
		n, err := w.transfer(ctx, w.in.ReadContext, p)
		if n > 0 {
			return n, nil
		}
		if err != nil {
			return 0, w.failed("read", 0, err)
		}
	}
}

// transfer moves bytes until it is done or ctx is, whose error it then has.
func (w *usb) transfer(ctx context.Context, move func(context.Context, []byte) (int, error), p []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n, err := move(ctx, p)
	if errors.Is(err, gousb.TransferCancelled) && ctx.Err() != nil {
		err = ctx.Err()
	}
	return n, err
}

// Control sends a request on endpoint 0. It ends with ctx's deadline, or in five seconds
// when there is none; a cancellation is looked at before only, for libusb cannot be
// called off here. A request the device refuses is a Stall, which clears itself (USB
// 2.0, 8.5.3.4).
func (w *usb) Control(ctx context.Context, requestType, request byte, value, index uint16, data []byte) (int, error) {
	w.dev.ControlTimeout = timeoutControl
	if end, ok := ctx.Deadline(); ok {
		w.dev.ControlTimeout = max(time.Until(end), time.Millisecond) // 0 would be for ever
	}
	err := ctx.Err()
	n := 0
	if err == nil {
		n, err = w.dev.Control(requestType, request, value, index, data)
	}
	if err != nil {
		return 0, w.failed("control", 0, err)
	}
	return n, nil
}

// ClearHalt clears a halted bulk endpoint: CLEAR_FEATURE(ENDPOINT_HALT) to the device,
// and the data toggle of both ends back to DATA0 (USB 2.0, 5.8.5 and 9.4.5).
//
// It is libusb's own function on gousb's handle, which gousb does not export. The bare
// control request would leave the host's toggle as it was, and the device then drops the
// next packet as one it has seen.
func (w *usb) ClearHalt(ctx context.Context, in bool) error {
	if err := ctx.Err(); err != nil {
		return w.failed("control", 0, err)
	}
	endpoint := w.out.Desc.Address
	if in {
		endpoint = w.in.Desc.Address
	}
	handle := (*C.libusb_device_handle)(reflect.ValueOf(w.dev).Elem().FieldByName("handle").UnsafePointer())
	if code := C.libusb_clear_halt(handle, C.uchar(endpoint)); code != 0 {
		return w.failed("control", 0, gousb.Error(code))
	}
	return nil
}

// Close lets the interface go. It takes up to a tenth of a second, which is how often
// gousb looks up from waiting for events.
func (w *usb) Close() error {
	var errs []error
	if w.face != nil {
		w.face.Close()
	}
	if w.cfg != nil {
		errs = append(errs, w.cfg.Close())
	}
	if w.dev != nil {
		errs = append(errs, w.dev.Close())
	}
	return errors.Join(append(errs, w.lib.Close())...)
}

func (w *usb) failed(op string, sent int, err error) error {
	return &Error{Op: op, Name: w.name, Kind: usbKind(err), Sent: sent, Err: err}
}

// usbKinds is what libusb's codes mean; what is not here is Broken.
var usbKinds = map[error]Kind{
	gousb.ErrorNoDevice: Gone, gousb.ErrorNotFound: Gone, gousb.TransferNoDevice: Gone,
	gousb.ErrorPipe: Stall, gousb.TransferStall: Stall,
	gousb.ErrorTimeout: Timeout, gousb.TransferTimedOut: Timeout,
	gousb.ErrorBusy: Busy,
}

func usbKind(err error) Kind {
	for code, kind := range usbKinds {
		// gousb keeps only the words of a code that it wraps.
		if errors.Is(err, code) || strings.Contains(err.Error(), code.Error()) {
			return kind
		}
	}
	return kindOf(err)
}
