package lines

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"jukicard/printer/wire"
)

// Pty is a model behind a pseudo-terminal. Its name is a symbolic link that follows it
// from terminal to terminal, as those under /dev/serial/by-id do. As on a serial line,
// the printer does not notice whether a host has the line open.
type Pty struct {
	p     Printer
	link  string
	slave *os.File // kept open, so that the model never reads a hang-up of the host's
	now   *session
}

// NewPty plugs a model in. The directory gets the link, named printer.
func NewPty(dir string, p Printer) (*Pty, error) {
	c := &Pty{p: p, link: filepath.Join(dir, "printer")}
	return c, c.Plug()
}

// Dialer opens the line at 115200 baud, which a pseudo-terminal ignores.
func (c *Pty) Dialer() wire.Dialer { return wire.Serial{Path: c.link, Baud: 115200} }

// Plug opens a terminal and points the link at it.
func (c *Pty) Plug() error {
	if c.now != nil {
		return errors.New("cannot plug in a printer: it is in")
	}
	master, slave, err := openTerminal()
	if err != nil {
		return fmt.Errorf("cannot open a pseudo-terminal: %w", err)
	}
	_ = os.Remove(c.link)
	if err := os.Symlink(slave.Name(), c.link); err != nil {
		return errors.Join(err, master.Close(), slave.Close())
	}
	c.slave = slave
	c.now = serve(c.p, master, func() { _ = os.Remove(c.link) })
	return nil
}

// Unplug closes the terminal under whoever has it open.
func (c *Pty) Unplug() error {
	if c.now == nil {
		return nil
	}
	err := c.now.end()
	_ = c.slave.Close()
	c.now = nil
	return err
}

// openTerminal is a raw pseudo-terminal (pty(7)). The master is non-blocking: otherwise
// closing it would not wake its reader.
func openTerminal() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	slave, err = openSlave(master)
	if err != nil {
		return nil, nil, errors.Join(err, master.Close())
	}
	return master, slave, nil
}

func openSlave(master *os.File) (*os.File, error) {
	c, err := master.SyscallConn()
	if err != nil {
		return nil, err
	}
	var number int
	var inner error
	err = c.Control(func(fd uintptr) {
		if inner = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); inner == nil {
			number, inner = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err := errors.Join(err, inner); err != nil {
		return nil, err
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if err := raw(slave); err != nil {
		return nil, errors.Join(err, slave.Close())
	}
	return slave, nil
}

// raw passes every byte unchanged and echoes none (termios(3), cfmakeraw), before the
// first host does the same.
func raw(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = c.Control(func(fd uintptr) {
		var t *unix.Termios
		if t, inner = unix.IoctlGetTermios(int(fd), unix.TCGETS); inner != nil {
			return
		}
		t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
		inner = unix.IoctlSetTermios(int(fd), unix.TCSETS, t)
	})
	return errors.Join(err, inner)
}
