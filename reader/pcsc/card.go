//go:build windows || cgo

package pcsc

import (
	"context"
	"errors"
	"fmt"

	"github.com/ebfe/scard"

	"jukicard/reader"
	"jukicard/reader/quirks"
)

// card is an open card. Its owner's goroutine owns all fields.
type card struct {
	context    *scard.Context // the card's own
	handle     *scard.Card
	name       string
	share      scard.ShareMode
	atr        reader.ATR
	commandMax int           // bytes of a command the reader carries
	failed     *reader.Error // set: the card is in doubt or gone
	closed     bool
}

const (
	commandMin = 4 // CLA INS P1 P2 (ISO/IEC 7816-4:2020, 5.2)
	answerMin  = 2 // SW1 SW2
)

func newCard(sc *scard.Context, name string, m reader.Mode) *card {
	c := &card{context: sc, name: name, share: scard.ShareShared, commandMax: quirks.For(name).CommandMax}
	if m == reader.Exclusive {
		c.share = scard.ShareExclusive
	}
	return c
}

// take connects; a card taken for ourselves alone is reset.
func (c *card) take() error {
	var err error
	if c.handle, err = c.context.Connect(c.name, c.share, scard.ProtocolAny); err != nil {
		return failure("open", c.name, err)
	}
	if c.share == scard.ShareExclusive {
		if err := c.handle.Reconnect(c.share, scard.ProtocolAny, scard.ResetCard); err != nil {
			return failure("open", c.name, err)
		}
	}
	return c.learn("open")
}

// learn asks for the ATR and refuses a protocol with which the binding's Transmit
// would panic.
func (c *card) learn(op string) error {
	if p := c.handle.ActiveProtocol(); p != scard.ProtocolT0 && p != scard.ProtocolT1 {
		return &reader.Error{Op: op, Reader: c.name, Kind: reader.ErrMute, Detail: fmt.Sprintf("protocol %d is neither T=0 nor T=1", p)}
	}
	s, err := c.handle.Status()
	if err != nil {
		return failure(op, c.name, err)
	}
	c.atr = s.Atr
	return nil
}

// ATR is the answer to reset of the latest reset.
func (c *card) ATR() reader.ATR { return c.atr }

// Transmit sends one command. A command that cannot go on the wire is refused
// with an error that is no *reader.Error: nothing was sent and the card is as it
// was. After a *reader.Error every further Transmit fails alike until Reset.
func (c *card) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("cannot transmit at %s: %w", c.name, err)
	}
	if c.closed {
		return nil, c.isClosed("transmit")
	}
	if c.failed != nil {
		return nil, c.failed
	}
	// vpcd takes a command of one byte for its own and may hang; the binding
	// panics at an empty one.
	if len(command) < commandMin || len(command) > c.commandMax {
		return nil, fmt.Errorf("cannot transmit at %s: the command has %d bytes, it must have %d to %d",
			c.name, len(command), commandMin, c.commandMax)
	}
	answer, err := c.handle.Transmit(command)
	if err != nil {
		return nil, c.fail(failure("transmit", c.name, err))
	}
	if len(answer) < answerMin { // a card pulled in mid-command is "success" with no bytes
		return nil, c.fail(&reader.Error{Op: "transmit", Reader: c.name, Kind: reader.ErrLink,
			Detail: fmt.Sprintf("an answer of %d bytes, SW1 SW2 are %d", len(answer), answerMin)})
	}
	return answer, nil
}

// fail notes that the card is in doubt.
func (c *card) fail(e *reader.Error) error {
	c.failed = e
	return e
}

func (c *card) isClosed(op string) error {
	return &reader.Error{Op: op, Reader: c.name, Kind: reader.ErrClosed}
}

// Reset makes a warm reset and lifts the doubt. A card that was removed stays so:
// PC/SC would silently go on with another one.
func (c *card) Reset(ctx context.Context) (reader.ATR, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("cannot reset at %s: %w", c.name, err)
	}
	if c.closed {
		return nil, c.isClosed("reset")
	}
	if c.failed == nil || !isGone(c.failed) {
		c.noticeRemoval()
	}
	if c.failed != nil && isGone(c.failed) {
		return nil, &reader.Error{Op: "reset", Reader: c.name, Kind: c.failed.Kind, Detail: c.failed.Detail}
	}
	if err := c.handle.Reconnect(c.share, scard.ProtocolAny, scard.ResetCard); err != nil {
		e := failure("reset", c.name, err)
		if e.Kind == reader.ErrNoCard { // there was one when we opened it
			e.Kind = reader.ErrRemoved
		}
		return nil, c.fail(e)
	}
	if err := c.learn("reset"); err != nil {
		return nil, err
	}
	c.failed = nil
	return c.atr, nil
}

// isGone says that no reset brings the card back.
func isGone(e *reader.Error) bool {
	return errors.Is(e, reader.ErrRemoved) || errors.Is(e, reader.ErrDaemon)
}

// noticeRemoval asks PC/SC, which remembers a removal until the next Reconnect.
func (c *card) noticeRemoval() {
	if _, err := c.handle.Status(); err != nil {
		if e := failure("reset", c.name, err); isGone(e) {
			c.failed = e
		}
	}
}

// dispositions by reader.Disposition.
var dispositions = [...]scard.Disposition{
	reader.Leave: scard.LeaveCard, reader.Reset: scard.ResetCard, reader.Unpower: scard.UnpowerCard,
}

// Close gives the card up and ends its context. A card that is gone needs no
// disposition: that is no error.
func (c *card) Close(d reader.Disposition) error {
	if c.closed {
		return nil
	}
	c.closed = true
	err := c.handle.Disconnect(dispositions[d])
	_ = c.context.Release() // of a lost service too, which frees what the client holds
	if err == nil {
		return nil
	}
	if e := failure("close", c.name, err); !isGone(e) && !errors.Is(e, reader.ErrNoCard) {
		return e
	}
	return nil
}
