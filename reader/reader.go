// Package reader is what cardd knows of card readers: a System that watches
// slots and opens cards. reader/pcsc is the real one, simulator the other;
// reader/readertest is the suite both pass.
package reader

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"jukicard/apdu"
)

// Mode says how a card is opened.
type Mode int

// Shared lets others look too; Exclusive keeps every other client out. A card is
// issued only in Exclusive.
const (
	Shared Mode = iota
	Exclusive
)

// Disposition says what happens to the card when it is closed.
type Disposition int

// Leave keeps the card powered and its security status; Reset clears the status;
// Unpower switches the card off.
const (
	Leave Disposition = iota
	Reset
	Unpower
)

// EventKind is what happened at a reader.
type EventKind int

// Attached and Detached are a reader's, Inserted and Removed a card's. Settled
// comes once, after everything that was there when Watch began has been told.
const (
	Attached EventKind = iota
	Detached
	Inserted
	Removed
	Settled
)

// String names the kind.
func (k EventKind) String() string {
	return [...]string{"attached", "detached", "inserted", "removed", "settled"}[k]
}

// Event is one change at one reader.
type Event struct {
	Kind   EventKind
	Reader string // the reader's name; empty for Settled
	ATR    ATR    // for Inserted
}

// System is a way to reach readers. It may be used by several goroutines.
type System interface {
	// Watch tells what is there, then Settled, then each change, until ctx ends.
	// An error that names a lost daemon is told and survived: the sequence goes
	// on by itself, with Detached for what is gone. A process has one watcher.
	Watch(ctx context.Context) iter.Seq2[Event, error]
	// Open connects to the card in the named reader. ErrNoCard, ErrNoReader and
	// ErrSharing are the usual refusals.
	Open(ctx context.Context, name string, m Mode) (Card, error)
}

// Card is an open card. One goroutine owns it from Open to Close. After any
// *Error from Transmit the card is in doubt: only Reset or Close may follow.
type Card interface {
	apdu.Transport
	// ATR is the answer to reset of the latest reset.
	ATR() ATR
	// Reset makes a warm reset: the card's volatile state is gone.
	Reset(ctx context.Context) (ATR, error)
	// Close gives the card up. It is idempotent.
	Close(d Disposition) error
}

// Lister is implemented by systems that can name readers at once, for commands
// that look once and leave.
type Lister interface {
	Readers(ctx context.Context) ([]State, error)
}

// State is one reader at one moment.
type State struct {
	Name    string
	Present bool // a card is in it
	Mute    bool // a card is in it and does not answer
	ATR     ATR
}

// Kinds of link failure, targets of errors.Is on an *Error.
var (
	ErrNoReader = errors.New("no such reader")
	ErrNoCard   = errors.New("no card in the reader")
	ErrMute     = errors.New("the card does not answer")
	ErrSharing  = errors.New("another program holds the card")
	ErrRemoved  = errors.New("the card was removed")
	ErrReset    = errors.New("another program reset the card")
	ErrDaemon   = errors.New("the PC/SC service is gone")
	ErrLink     = errors.New("the link to the card failed")
	ErrClosed   = errors.New("the card was closed")
)

// Error is a failed link, never a refusal by a card. After it nobody knows what
// the card did with the command on the wire.
type Error struct {
	Op     string // what was wanted: "open", "transmit", "reset", "watch"
	Reader string
	Kind   error  // one of the Err values above
	Detail string // the system's own words, for example the PC/SC code
}

// Error reads "cannot transmit at Virtual PCD 00 00: the card was removed (0x80100069)".
func (e *Error) Error() string {
	detail := ""
	if e.Detail != "" {
		detail = " (" + e.Detail + ")"
	}
	at := ""
	if e.Reader != "" {
		at = " at " + e.Reader
	}
	return fmt.Sprintf("cannot %s%s: %v%s", e.Op, at, e.Kind, detail)
}

// Unwrap is the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Pinpad is a reader on which the holder types the PIN himself (PC/SC part 10).
type Pinpad interface {
	// VerifyOnPad lets the pad fill the PIN into the template and send it.
	VerifyOnPad(ctx context.Context, p PadTemplate) (apdu.SW, error)
	// ModifyOnPad is the same for a new PIN, typed twice.
	ModifyOnPad(ctx context.Context, p PadTemplate) (apdu.SW, error)
}

// PadTemplate is a PIN command without its PIN.
type PadTemplate struct {
	Command  apdu.Command // Data empty: the pad fills it in
	MinLen   int          // characters
	MaxLen   int          // characters
	TimeoutS int          // seconds the holder has; 0 is the pad's own
}
