package xid

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"jukicard/printer"
)

// Serve speaks with one host over TCP port 50730: the printer greets, the host tells its
// document, then come commands and planes.
func (p *Printer) Serve(ctx context.Context, host io.ReadWriteCloser) error {
	p.cfg.Press.Hear()
	if _, err := host.Write(p.greeting()); err != nil {
		return err
	}
	head, _, err := p.next(ctx, host)
	if err != nil {
		return err
	}
	if word(head, 0) != 0xF2000300 {
		return fmt.Errorf("cannot serve: %08X came before the document", word(head, 0))
	}
	for answer := p.words(0xF3000400, fine, head, nil); ; {
		if _, err := host.Write(answer); err != nil {
			return err
		}
		head, data, err := p.next(ctx, host)
		if err != nil {
			return err
		}
		if answer = p.answer(head, data); answer == nil {
			return errors.New("cannot serve: the power is gone")
		}
	}
}

func word(b []byte, n int) uint32 { return binary.BigEndian.Uint32(b[4*n:]) }

// greeting is 30 words: a name at 30, the type at 56, the link-local address at 72.
func (p *Printer) greeting() []byte {
	b := make([]byte, 120)
	binary.BigEndian.PutUint32(b, 0xF3000200)
	binary.BigEndian.PutUint32(b[4:], 28)
	copy(b[30:], "PRINTER01")
	copy(b[56:72], fmt.Sprintf("%-16s", p.cfg.Type))
	_, a := p.label()
	copy(b[72:], []byte{0xFE, 0x80, 0, 0, 0, 0, 0, 0, a[0] ^ 2, a[1], a[2], 0xFF, 0xFE, a[3], a[4], a[5]})
	return b
}

// planeMax bounds what a host can make it keep.
const planeMax = 4 << 20

// next reads a message. In the middle of a plane the mechanics are told.
func (p *Printer) next(ctx context.Context, host io.Reader) (head, data []byte, err error) {
	head = make([]byte, 16)
	if _, err := io.ReadFull(host, head); err != nil {
		return nil, nil, err
	}
	p.took(len(head))
	n := int64(word(head, 1))*4 + 8 - 16
	if n < 0 || n > planeMax {
		return nil, nil, fmt.Errorf("cannot read a message of %d words", word(head, 1))
	}
	data = make([]byte, n)
	half := 0
	if word(head, 0) == 0xF0000200 {
		half = int(n) / 2
		if err := p.fill(host, data[:half]); err != nil {
			return nil, nil, err
		}
		if t := p.cfg.Press.Receive(); t != nil || p.cfg.Press.Deaf() {
			<-ctx.Done()
			return nil, nil, ctx.Err()
		}
	}
	return head, data, p.fill(host, data[half:])
}

func (p *Printer) fill(host io.Reader, b []byte) error {
	n, err := io.ReadFull(host, b)
	p.took(n)
	return err
}

// words is an answer to the message with that head.
func (p *Printer) words(function, code uint32, head, data []byte) []byte {
	b := make([]byte, 16, 16+len(data)+3)
	b = append(b, data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	binary.BigEndian.PutUint32(b, function)
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)/4-2))
	binary.BigEndian.PutUint32(b[8:], code)
	copy(b[12:16], head[12:16])
	return b
}

// answer carries a message out; nil when the power went with it.
func (p *Printer) answer(head, data []byte) []byte {
	var code uint32
	switch function := word(head, 0); function {
	case 0xF0000100:
		if len(data) >= 4 && data[0] == 0x02 {
			return p.position(head)
		}
		code = p.command(data)
	case 0xF0000200:
		code = p.panel(data)
	case 0xF0000400, 0xF0000600:
		return p.words(function|0x01000000, fine, head, p.items(data))
	default:
		code = badCommand
	}
	switch code {
	case noAnswer:
		return nil
	case fine:
		return p.words(0xF1000100, fine, head, nil)
	}
	return p.words(0xF1000200, code, head, nil)
}

func (p *Printer) position(head []byte) []byte {
	mode, at, code := p.where()
	if code != fine {
		return p.words(0xF1000200, code, head, nil)
	}
	return p.words(0xF1000300, fine, head, []byte{0x01, 0x02, mode, at})
}

// command is a number, the count of bytes that follow it, and those.
func (p *Printer) command(b []byte) uint32 {
	if len(b) < 4 || len(b) < 2+int(b[1]) {
		return badCommand
	}
	flags, at := b[2], b[3]
	switch b[0] {
	case 0x01:
		return p.state()
	case 0x03:
		return p.done(p.cfg.Press.Initialise())
	case 0x04:
		return p.load(at)
	case 0x05:
		return p.move(at, flags&0x10 != 0)
	case 0x06:
		panels := ""
		for i := range letters {
			if at&(1<<i) != 0 {
				panels += letters[i : i+1]
			}
		}
		return p.film(panels)
	case 0x07:
		switch {
		case flags&0x10 != 0:
			return p.transfer(turn)
		case at == 5:
			return p.transfer(eject)
		}
		return p.transfer(back)
	case 0x0A:
		return p.chip(map[bool]printer.Position{false: printer.Contact, true: printer.Contactless}[flags&0x10 != 0], flags&0x40 == 0)
	}
	return badCommand
}

// panel is a plane: its bit, the length with four bytes more, the length, the dots.
func (p *Printer) panel(b []byte) uint32 {
	if len(b) < 12 || word(b, 1) != word(b, 2)+4 || int64(word(b, 2)) > int64(len(b)-12) {
		return badCommand
	}
	for i := range letters {
		if b[0] == 1<<i {
			return p.plane(letters[i], b[12:12+word(b, 2)])
		}
	}
	return cannot
}

// items answers questions for information and settings: tag, length of the rest, length
// of the value, value, filled up to whole words.
func (p *Printer) items(ask []byte) []byte {
	s := p.cfg.Press.Snapshot()
	long := func(n uint64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	known := map[byte][]byte{
		0x0A: {hopper(s)}, 0x0B: {share(s.Ribbon, s.RibbonMax, 50)}, 0x0C: {share(s.FilmLeft, s.FilmMax, 10)},
		0x0D: {ink(s)}, 0x0E: binary.BigEndian.AppendUint16(nil, uint16(s.RibbonMax)),
		0x1E: long(s.Cards % 100), 0x1F: long(s.Cards), 0x20: long(s.Passes), 0x21: long(s.SinceCleaning), 0x23: long(s.Errors),
		0x28: {byte(p.Retry())},
	}
	var all []byte
	for i := 0; i+4 <= len(ask); i += 4 {
		value, ok := known[ask[i]]
		if !ok {
			continue
		}
		rest := append([]byte{byte(len(value))}, value...)
		for (2+len(rest))%4 != 0 {
			rest = append(rest, 0)
		}
		all = append(all, append([]byte{ask[i], byte(len(rest))}, rest...)...)
	}
	return all
}
