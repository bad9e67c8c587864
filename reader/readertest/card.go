package readertest

import (
	"encoding/hex"
	"slices"
	"sync"
)

// The suite's ATRs: both valid, T=1, and apart (ISO/IEC 7816-3:2006, 8.2).
var (
	atrOne   = []byte{0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14}
	atrOther = []byte{0x3B, 0x80, 0x80, 0x01, 0x01}
)

// Commands of the suite's card; CLA, P1 and P2 do not matter.
const (
	insEcho  = 0x10 // the data comes back
	insMark  = 0x20 // sets the volatile mark
	insShow  = 0x22 // answers the mark, 00 or 01
	insShort = 0x30 // answers P1 bytes, without status word
	insBusy  = 0x40 // answers when free is closed
)

var swOK = []byte{0x90, 0x00}

// testCard has a volatile mark, as a card has a security status.
type testCard struct {
	atr  []byte
	busy chan struct{} // receives when insBusy is being carried out
	free chan struct{} // closed to let insBusy end

	mu   sync.Mutex
	mark bool
	seen []string // header of each command
}

func newCard(atr []byte) *testCard {
	return &testCard{atr: atr, busy: make(chan struct{}, 1), free: make(chan struct{})}
}

func (c *testCard) ATR() []byte { return slices.Clone(c.atr) }
func (c *testCard) PowerOff()   { c.forget() }
func (c *testCard) Reset()      { c.forget() }

func (c *testCard) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mark = false
}

func (c *testCard) Process(command []byte) []byte {
	if len(command) < 4 {
		return []byte{0x67, 0x00}
	}
	c.mu.Lock()
	c.seen = append(c.seen, hex.EncodeToString(command[:4]))
	c.mu.Unlock()
	switch command[1] {
	case insEcho:
		return append(slices.Clone(body(command)), swOK...)
	case insMark:
		return c.set()
	case insShow:
		return c.show()
	case insShort:
		return make([]byte, command[2])
	case insBusy:
		c.busy <- struct{}{}
		<-c.free
		return swOK
	}
	return []byte{0x6D, 0x00}
}

func (c *testCard) set() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mark = true
	return swOK
}

func (c *testCard) show() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mark {
		return append([]byte{1}, swOK...)
	}
	return append([]byte{0}, swOK...)
}

// commands is how many commands the card saw.
func (c *testCard) commands() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

// body is the data of a command in either length form, without Le.
func body(command []byte) []byte {
	switch {
	case len(command) <= 5:
		return nil
	case command[4] == 0:
		return command[7:]
	}
	return command[5:]
}

// echo is an insEcho command, without Le; over 255 bytes it is extended
// (ISO/IEC 7816-4:2020, 5.2).
func echo(data []byte) []byte {
	c := []byte{0, insEcho, 0, 0}
	if len(data) > 255 {
		c = append(c, 0, byte(len(data)>>8), byte(len(data)))
	} else if len(data) > 0 {
		c = append(c, byte(len(data)))
	}
	return append(c, data...)
}
