package vpcd

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
)

// Bodies of one byte, from the reader (vsmartcard, vpcd.h: VPCD_CTRL_OFF,
// VPCD_CTRL_ON, VPCD_CTRL_RESET, VPCD_CTRL_ATR). Only the last is answered.
const (
	ctrlOff   = 0
	ctrlOn    = 1
	ctrlReset = 2
	ctrlATR   = 4
)

const (
	headerSize = 2 // the length before each body
	bodyMax    = 1<<16 - 1
	apduMin    = 4 // CLA INS P1 P2 (ISO/IEC 7816-4:2020, 5.2)
)

// wrongLength answers what is no command, and a command whose answer the
// protocol cannot carry (ISO/IEC 7816-4:2020, 5.6: 6700 wrong length). That a
// reader answers so is ours: vpcd has no word for it.
var wrongLength = []byte{0x67, 0x00}

// slot is the card's end of one connection. Its goroutine owns all fields.
type slot struct {
	ctx      context.Context
	r        *bufio.Reader
	w        io.Writer
	card     Card
	onAttach func() // may be nil
	attached bool   // the reader has asked for the ATR
	powered  bool   // the reader has done something with the card
	asked    int    // how often the ATR was asked for
	patient  bool   // being overlooked is borne
	in, out  []byte // reused for each message
}

func newSlot(ctx context.Context, r io.Reader, w io.Writer, card Card, onAttach func()) *slot {
	return &slot{ctx: ctx, r: bufio.NewReaderSize(r, headerSize+bodyMax), w: w, card: card, onAttach: onAttach,
		in: make([]byte, bodyMax)}
}

// asksMax is how often pcscd asks for the ATR, every 400 ms, of a card that it has
// not powered: more, and it has overlooked the card. A card put in again before
// pcscd saw that it was pulled is one: pcscd takes it for absent for ever, until it
// is out for longer than that (seen: pcscd 1.9.9, a card pulled in mid-command).
const asksMax = 4

var errOverlooked = errors.New("the reader overlooks the card")

// serve answers messages until the connection fails, errGone, or the reader shows
// that it overlooks the card, errOverlooked.
func (s *slot) serve() error {
	defer func() { clear(s.in); clear(s.out[:cap(s.out)]) }() // they carried PINs
	for {
		body, err := s.receive()
		if err != nil {
			return gone(err)
		}
		answer, due := s.obey(body)
		if s.asked > asksMax && !s.powered && !s.patient {
			return errOverlooked
		}
		if s.ctx.Err() != nil {
			return gone(s.ctx.Err()) // removed in mid-command: the answer stays in the card
		}
		if !due {
			continue
		}
		if len(answer) == 0 { // an empty body would hang the reader, which waits for its first byte
			return gone(errMute)
		}
		if err := s.send(answer); err != nil {
			return gone(err)
		}
	}
}

func (s *slot) receive() ([]byte, error) {
	header := s.in[:headerSize]
	if _, err := io.ReadFull(s.r, header); err != nil {
		return nil, err
	}
	body := s.in[:binary.BigEndian.Uint16(header)]
	_, err := io.ReadFull(s.r, body)
	return body, err
}

// obey carries one message out and says whether an answer is due.
func (s *slot) obey(body []byte) (answer []byte, due bool) {
	if len(body) == 1 {
		switch body[0] {
		case ctrlOff:
			s.card.PowerOff()
			return nil, false
		case ctrlOn:
			s.powered = true
			return nil, false
		case ctrlReset:
			s.powered = true
			s.card.Reset()
			return nil, false
		case ctrlATR:
			return s.attach(), true
		}
	}
	if len(body) < apduMin {
		return wrongLength, true
	}
	s.powered = true
	answer = s.card.Process(body)
	if len(answer) > bodyMax {
		return wrongLength, true
	}
	return answer, true
}

func (s *slot) attach() []byte {
	if !s.attached && s.onAttach != nil {
		s.onAttach()
	}
	s.attached = true
	s.asked++
	return s.card.ATR()
}

var errMute = errors.New("the card does not answer")

// send writes length and body in one go: in two, the second waits for the
// first's acknowledgement (Nagle).
func (s *slot) send(body []byte) error {
	s.out = binary.BigEndian.AppendUint16(s.out[:0], uint16(len(body)))
	s.out = append(s.out, body...)
	_, err := s.w.Write(s.out)
	return err
}
