package escpos

import (
	"context"
	"image"
	"io"
)

// print takes commands from the buffer until ctx is done.
func (m *Model) print(ctx context.Context, host io.Writer) {
	for {
		m.mu.Lock()
		reply, did := m.step()
		changed := m.changed
		m.mu.Unlock()
		if len(reply) > 0 {
			_, _ = host.Write(reply) // a host that is gone needs no answer
		}
		if did {
			continue
		}
		if wait(ctx, changed) != nil {
			return
		}
	}
}

// step does the next thing in the buffer, if it is all there and nothing stops the
// printer; mu is held.
func (m *Model) step() (reply []byte, did bool) {
	if m.stopped() || len(m.queue) == 0 {
		return nil, false
	}
	if m.rows.left > 0 {
		if len(m.queue) < m.rows.bytes {
			return nil, false
		}
		m.row(m.queue[:m.rows.bytes])
		m.rows.left--
		m.take(m.rows.bytes)
		return nil, true
	}
	for _, c := range commands {
		if !starts(m.queue, c.bytes) {
			continue
		}
		if len(m.queue) < len(c.bytes)+c.parameters {
			return nil, false
		}
		size := len(c.bytes) + c.parameters
		p := append([]byte(nil), m.queue[len(c.bytes):size]...)
		if c.bytes[0] == gs && c.bytes[1] == 'V' && m.willStick {
			m.willStick, m.stuck = false, true
			m.tell()
			return nil, true // and the cut is still to be done
		}
		m.take(size)
		return c.do(m, p), true
	}
	if unfinished(m.queue) {
		return nil, false
	}
	m.noise++
	m.take(1)
	return nil, true
}

// take removes n bytes from the buffer, which makes room; mu is held.
func (m *Model) take(n int) {
	m.queue = append([]byte(nil), m.queue[n:]...)
	m.tell()
}

const gs = 0x1D

// commands are what the buffer may hold: their first bytes, how many parameters follow
// and what they do.
var commands = []struct {
	bytes      []byte
	parameters int
	do         func(m *Model, p []byte) []byte
}{
	{[]byte{0x00}, 0, nothing},
	{[]byte{0x1B, '@'}, 0, nothing},
	{[]byte{0x1B, 'd'}, 1, (*Model).feed},
	{[]byte{gs, 'a'}, 1, nothing},
	{[]byte{gs, 'r'}, 1, (*Model).paper},
	{[]byte{gs, 'v', '0'}, 5, (*Model).picture},
	{[]byte{gs, 'V', 'B'}, 1, (*Model).cut},
	{[]byte{gs, '(', 'H', 6, 0, '0', '0'}, 4, (*Model).identify},
}

func nothing(*Model, []byte) []byte { return nil }

func (m *Model) feed(p []byte) []byte {
	for range int(p[0]) * lineHeight {
		m.row(nil)
	}
	return nil
}

// paper answers GS r 1.
func (m *Model) paper([]byte) []byte {
	if m.near {
		return []byte{0x03}
	}
	return []byte{0x00}
}

// picture begins a GS v 0 in single density; another density is noise.
func (m *Model) picture(p []byte) []byte {
	m.rows = rows{bytes: int(p[1]) + int(p[2])<<8, left: int(p[3]) + int(p[4])<<8}
	if p[0] != 0 || m.rows.bytes == 0 {
		m.noise++
		m.rows = rows{}
	}
	return nil
}

func (m *Model) cut([]byte) []byte {
	m.slips = append(m.slips, m.roll)
	m.roll = m.fresh()
	return nil
}

// identify answers GS ( H, function 48.
func (m *Model) identify(p []byte) []byte {
	if m.o.Plain {
		return nil
	}
	return append(append([]byte{0x37, 0x22}, p...), 0x00)
}

// starts is whether p begins with all of b.
func starts(p, b []byte) bool { return len(p) >= len(b) && string(p[:len(b)]) == string(b) }

// unfinished is whether p may still become a command.
func unfinished(p []byte) bool {
	for _, c := range commands {
		if len(p) < len(c.bytes) && starts(c.bytes, p) {
			return true
		}
	}
	return false
}

// Trim is a slip without the white rows at its end.
func Trim(slip *image.Gray) *image.Gray {
	end := slip.Rect.Max.Y
	for end > 0 {
		white := true
		for _, v := range slip.Pix[(end-1)*slip.Stride : end*slip.Stride] {
			white = white && v == 0xFF
		}
		if !white {
			break
		}
		end--
	}
	return slip.SubImage(image.Rect(0, 0, slip.Rect.Max.X, end)).(*image.Gray)
}
