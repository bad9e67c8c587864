package wire

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// Dial opens the line for ourselves alone, sets it and throws away what came in before.
// A line that is open elsewhere is Busy, one that is not there Gone. No modem line is
// read or set by hand: a pseudo-terminal has none.
//
// The library sets the line up; bytes go by a descriptor of our own, because a write of
// the library has no deadline and closing does not wake it. That descriptor also holds
// the lock: TIOCEXCL, which the library sets, does not keep root out, and flock on the
// device itself is left by no program that dies.
func (s Serial) Dial(ctx context.Context) (Wire, error) {
	s = s.filled()
	w, err := s.open(ctx)
	if err == nil {
		return w, nil
	}
	kind := kindOf(err)
	var p *serial.PortError
	if errors.As(err, &p) && p.Code() == serial.PortBusy {
		kind = Busy
	}
	return nil, &Error{Op: "dial", Name: s.String(), Kind: kind, Err: err}
}

func (s Serial) open(ctx context.Context) (Wire, error) {
	if err := errors.Join(s.valid(), ctx.Err()); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(s.Path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	port, err := s.take(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	release := func(failed bool) error {
		if failed {
			// Closing waits for what was not sent (closing_wait, 30 s), and a
			// printer that stopped reading never takes it.
			_ = port.ResetOutputBuffer()
		}
		return port.Close()
	}
	return &stream{name: s.String(), d: f, release: release}, nil
}

// take locks the line and sets it up.
func (s Serial) take(f *os.File) (serial.Port, error) {
	if err := control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) }); err != nil {
		return nil, fmt.Errorf("lock the device: %w", err)
	}
	port, err := serial.Open(s.Path, &serial.Mode{
		BaudRate: s.Baud, DataBits: s.DataBits,
		Parity:   []serial.Parity{serial.NoParity, serial.OddParity, serial.EvenParity}[s.Parity],
		StopBits: map[int]serial.StopBits{1: serial.OneStopBit, 2: serial.TwoStopBits}[s.StopBits],
	})
	if err != nil {
		return nil, err
	}
	err = port.ResetInputBuffer()
	if err == nil && s.Handshake {
		err = control(f, handshake)
	}
	if err != nil {
		return nil, errors.Join(err, port.Close())
	}
	return port, nil
}

// handshake has the line obey CTS, which the library switches off.
func handshake(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Cflag |= unix.CRTSCTS
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// control runs do with the file's descriptor, which stays non-blocking.
func control(f *os.File, do func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := c.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}
