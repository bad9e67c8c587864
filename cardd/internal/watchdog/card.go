package watchdog

import (
	"context"
	"fmt"
	"time"

	"jukicard/reader"
)

// card is an open card with a goroutine of its own, which alone uses the card behind it.
// The owner's goroutine owns the other fields.
type card struct {
	system *System
	name   string
	inner  reader.Card
	atr    reader.ATR
	work   chan func()
	done   chan struct{}
	timer  *time.Timer
	closed bool
	failed *reader.Error // a command was late: the card is given up

	command []byte // the worker's while a command is on the wire
	answer  []byte
	err     error
}

func (s *System) guard(name string, inner reader.Card) *card {
	c := &card{system: s, name: name, inner: inner, atr: inner.ATR(), work: make(chan func()), done: make(chan struct{}, 1), timer: time.NewTimer(s.limit)}
	c.timer.Stop()
	go func() {
		for f := range c.work {
			f()
			c.done <- struct{}{}
		}
	}()
	return c
}

// ATR is the answer to reset of the latest reset.
func (c *card) ATR() reader.ATR { return c.atr }

// Transmit sends one command and waits for its answer until the limit, which is a link
// that failed: every further command fails alike, and only Close helps.
func (c *card) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := c.standing("transmit"); err != nil {
		return nil, err
	}
	c.command = append(c.command[:0], command...) // the caller may clear its own when this returns
	if err := c.do("transmit", func() {
		c.answer, c.err = c.inner.Transmit(ctx, c.command)
		clear(c.command)
	}); err != nil {
		return nil, err
	}
	return c.answer, c.err
}

// Reset makes a warm reset.
func (c *card) Reset(ctx context.Context) (reader.ATR, error) {
	if err := c.standing("reset"); err != nil {
		return nil, err
	}
	var atr reader.ATR
	var failed error
	if err := c.do("reset", func() { atr, failed = c.inner.Reset(ctx) }); err != nil {
		return nil, err
	}
	if failed == nil {
		c.atr = atr
	}
	return atr, failed
}

// standing is why nothing can be sent.
func (c *card) standing(op string) error {
	switch {
	case c.closed:
		return &reader.Error{Op: op, Reader: c.name, Kind: reader.ErrClosed}
	case c.failed != nil:
		return c.failed
	}
	return nil
}

// do has the worker do something and waits until the limit. What is late then goes on
// without the owner: when it comes back the card is switched off.
func (c *card) do(op string, f func()) error {
	c.work <- f
	c.timer.Reset(c.system.limit)
	select {
	case <-c.done:
		c.timer.Stop()
		return nil
	case <-c.timer.C:
	}
	c.failed = silent(op, c.name, fmt.Sprintf("no answer within %v; where a card takes longer set reader.command_seconds", c.system.limit))
	back := c.system.miss(c.name)
	go func() {
		defer back()
		<-c.done
		close(c.work)
		_ = c.inner.Close(reader.Unpower) // it is given up either way
	}()
	return c.failed
}

// Close gives the card up, without waiting for a command that is late.
func (c *card) Close(d reader.Disposition) error {
	if c.closed || c.failed != nil {
		c.closed = true
		return nil
	}
	var err error
	late := c.do("close", func() { err = c.inner.Close(d) })
	c.closed = true
	if late != nil {
		return late
	}
	close(c.work)
	return err
}
