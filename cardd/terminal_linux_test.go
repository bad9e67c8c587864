package main_test

import (
	"errors"
	"io"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal (pts(4)): the console is a person's end, tty
// the program's.
func openTerminal() (console, tty *os.File, err error) {
	console, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(console.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, console.Close())
	}
	return console, tty, nil
}

// copyTerminal copies what a program writes until it has gone, which a console
// tells as EIO.
func copyTerminal(w io.Writer, console *os.File) (int64, error) {
	n, err := io.Copy(w, console)
	if errors.Is(err, syscall.EIO) {
		err = nil
	}
	return n, err
}
