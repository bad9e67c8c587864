// Package wire carries bytes to a printer and back: over USB, a serial line or TCP. A
// driver does not know which one it is on. It frames nothing and repeats nothing.
package wire

import (
	"context"
	"fmt"
)

// Wire is an open connection to one printer. One goroutine uses it. After an error but
// a Timeout of Read it is closed and a new one is dialled.
type Wire interface {
	// Write sends all of p. It ends with the context: on every wire, although a
	// serial line and a printer that stops reading would block for ever. The
	// *Error says how many bytes had gone out.
	Write(ctx context.Context, p []byte) (int, error)
	// Read waits for at least one byte and takes what is there, at most len(p). On USB
	// len(p) must be a multiple of the packet size, 512 is enough for any device here.
	Read(ctx context.Context, p []byte) (int, error)
	Close() error
}

// Dialer opens a connection to one and the same printer, found again after it was
// unplugged or its network failed.
type Dialer interface {
	Dial(ctx context.Context) (Wire, error)
	// String says what is dialled, for messages: "usb 2166:701d serial 81500123".
	String() string
}

// Controller is what a USB wire can do besides: control requests on endpoint 0 (USB
// 2.0, 9.3) and clearing a halted bulk endpoint (9.4.1).
type Controller interface {
	Control(ctx context.Context, requestType, request byte, value, index uint16, data []byte) (int, error)
	ClearHalt(ctx context.Context, in bool) error
}

// Kind is how a link failed.
type Kind int

// Gone: unplugged, closed by the other end or not there. Timeout: nothing came or went
// in the time given. Stall: the device halted a USB endpoint. Busy: somebody else has
// the device open. Broken: anything else.
const (
	Gone Kind = iota
	Timeout
	Stall
	Busy
	Broken
)

// String names the kind.
func (k Kind) String() string {
	if k < Gone || k > Broken {
		return fmt.Sprintf("kind %d", int(k))
	}
	return [...]string{"gone", "timeout", "stall", "busy", "broken"}[k]
}

// Error is a link that failed; what the printer did with what it had is not known.
type Error struct {
	Op   string // "dial", "write", "read", "control"
	Name string // the Dialer's String
	Kind Kind
	Sent int // bytes that had gone out when a write failed
	Err  error
}

// Error says what was wanted and how the link failed.
func (e *Error) Error() string {
	return fmt.Sprintf("cannot %s %s (%s): %v", e.Op, e.Name, e.Kind, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
