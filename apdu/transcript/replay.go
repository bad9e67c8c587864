package transcript

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"jukicard/apdu"
)

// ErrRedacted means that a transcript cannot be replayed.
var ErrRedacted = errors.New("cannot replay transcript: it is redacted, record it again with a lab writer")

// Replay is a card made of a transcript: it answers the recorded commands in the
// recorded order, and fails on any other. It is used by one goroutine.
type Replay struct {
	left  []Exchange
	total int
	err   error // the first mismatch; nothing is answered after it
}

// NewReplay refuses a redacted transcript with ErrRedacted.
func NewReplay(t *Transcript) (*Replay, error) {
	if t.Redacted {
		return nil, ErrRedacted
	}
	return &Replay{left: t.Exchanges, total: len(t.Exchanges)}, nil
}

// Transmit implements apdu.Transport. A recorded link failure comes back as an error
// with the recorded text.
func (r *Replay) Transmit(_ context.Context, command []byte) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	if len(r.left) == 0 {
		r.err = fmt.Errorf("cannot replay %v: the transcript ends after %d exchanges", header(command), r.total)
		return nil, r.err
	}
	x := r.left[0]
	if !bytes.Equal(x.Command.Head, command) {
		r.err = fmt.Errorf("cannot replay exchange %d: wanted %v, got %v%s",
			r.total-len(r.left)+1, header(x.Command.Head), header(command), sameHeader(x.Command.Head, command))
		return nil, r.err
	}
	r.left = r.left[1:]
	if x.Failure != "" {
		return nil, errors.New(x.Failure)
	}
	return bytes.Clone(x.Answer.Head), nil
}

// Close is the first mismatch, or an error when exchanges are left over.
func (r *Replay) Close() error {
	if r.err == nil && len(r.left) > 0 {
		r.err = fmt.Errorf("cannot end replay: %d of %d exchanges are left over, next %v",
			len(r.left), r.total, header(r.left[0].Command.Head))
	}
	return r.err
}

// header shows a command without its data.
func header(b []byte) fmt.Stringer {
	c, err := apdu.ParseCommand(b)
	if err != nil {
		return text(fmt.Sprintf("%d bytes that are no command", len(b)))
	}
	return c
}

type text string

func (t text) String() string { return string(t) }

func sameHeader(a, b []byte) string {
	if header(a).String() == header(b).String() {
		return " with other data"
	}
	return ""
}
