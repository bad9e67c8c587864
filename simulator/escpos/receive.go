package escpos

import (
	"bytes"
	"context"
	"io"
)

// Real-time commands (Epson, ESC/POS Command Reference, "Real-time Commands").
var clearBuffers = []byte{0x10, 0x14, 0x08, 0x01, 0x03, 0x14, 0x01, 0x06, 0x02, 0x08}

const (
	dle = 0x10
	eot = 0x04
	enq = 0x05
)

// receive takes what the host sends: real-time commands are obeyed at once, the rest goes
// into the buffer, and when that is full the host waits.
func (m *Model) receive(ctx context.Context, host io.ReadWriter) error {
	var held []byte
	p := make([]byte, 1024)
	for {
		if err := m.hear(ctx); err != nil {
			return err
		}
		n, err := host.Read(p)
		if err != nil {
			return err
		}
		held = append(held, p[:n]...)
		for len(held) > 0 {
			size, isCommand := command(held)
			if size == 0 {
				break // the rest of it is on its way
			}
			if isCommand {
				err = m.obey(held[:size], host)
			} else {
				err = m.keep(ctx, held[:size])
			}
			if err != nil {
				return err
			}
			held = held[size:]
		}
	}
}

// hear waits while the printer is deaf.
func (m *Model) hear(ctx context.Context) error {
	for {
		m.mu.Lock()
		deaf, changed := m.deaf, m.changed
		m.mu.Unlock()
		if !deaf {
			return nil
		}
		if err := wait(ctx, changed); err != nil {
			return err
		}
	}
}

// command is how long the real-time command at the beginning of p is, or how many bytes
// are none; 0 is that more must come to tell.
func command(p []byte) (size int, isCommand bool) {
	if p[0] != dle {
		if i := bytes.IndexByte(p, dle); i > 0 {
			return i, false
		}
		return len(p), false
	}
	if len(p) == 1 {
		return 0, false
	}
	switch {
	case p[1] == eot || p[1] == enq:
		if len(p) < 3 {
			return 0, false
		}
		return 3, p[1] == eot && p[2] >= 1 && p[2] <= 4 || p[1] == enq && (p[2] == 1 || p[2] == 2)
	case bytes.HasPrefix(p, clearBuffers):
		return len(clearBuffers), true
	case bytes.HasPrefix(clearBuffers, p):
		return 0, false
	}
	return 1, false
}

// keep puts bytes into the buffer.
func (m *Model) keep(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		m.mu.Lock()
		n := min(len(p), m.o.Buffer-len(m.queue))
		m.queue = append(m.queue, p[:n]...)
		if n > 0 {
			m.tell()
		}
		changed := m.changed
		m.mu.Unlock()
		if p = p[n:]; len(p) == 0 {
			return nil
		}
		if err := wait(ctx, changed); err != nil {
			return err
		}
	}
	return nil
}

// obey does a real-time command.
func (m *Model) obey(p []byte, host io.Writer) error {
	m.mu.Lock()
	var reply []byte
	switch p[1] {
	case eot:
		reply = []byte{m.status(p[2])}
	case enq:
		if m.stuck && m.freed {
			m.stuck, m.freed = false, false
			if p[2] == 2 {
				m.forget()
			}
		}
	default:
		if !m.o.Plain {
			m.forget()
			reply = []byte{0x37, 0x25, 0x00}
		}
	}
	m.tell()
	m.mu.Unlock()
	_, err := host.Write(reply)
	return err
}

// forget empties the buffers; mu is held.
func (m *Model) forget() { m.queue, m.rows = nil, rows{} }

// status is the answer to DLE EOT n (printers fact sheet, 1.5); mu is held.
func (m *Model) status(n byte) byte {
	b := byte(0x12)
	set := func(on bool, bit byte) {
		if on {
			b |= bit
		}
	}
	switch n {
	case 1:
		set(m.stopped(), 0x08)
		set(m.stuck, 0x20)
	case 2:
		set(m.cover, 0x04)
		set(m.end, 0x20)
		set(m.stuck || m.broken || m.hot, 0x40)
	case 3:
		set(m.stuck, 0x08)
		set(m.broken, 0x20)
		set(m.hot, 0x40)
	case 4:
		set(m.near || m.end, 0x0C)
		set(m.end, 0x60)
	}
	return b
}

// stopped is whether the head stands still; mu is held.
func (m *Model) stopped() bool { return m.cover || m.end || m.stuck || m.broken || m.hot }
