// Package bed starts a private pcscd with virtual readers: a test bed on which
// any PC/SC program, ours or not, meets simulated cards.
//
// The daemon is Debian's own pcscd with Debian's vpcd driver (vsmartcard). It
// runs in its own mount namespace, so its socket is a file of ours, no system
// pcscd is disturbed and no USB reader is taken from it. Root is not needed
// where the kernel lets ordinary users make user namespaces. Linux only.
//
// A card gets into a reader by package vpcd, dialling [Bed.Addr]. The driver
// listens on all interfaces, as Debian built it: use a bed on machines whose
// network you trust.
package bed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// ReadersMax is the most readers one pcscd can have (pcsc-lite's
// PCSCLITE_MAX_READERS_CONTEXTS).
const ReadersMax = 16

const (
	slotsPerDriver = 2 // VICC_MAX_SLOTS of Debian's vpcd: ports P and P+1
	attemptsMax    = 5 // another program may take a port between our look and pcscd's bind
	timeoutStart   = 10 * time.Second
	socketPathMax  = 107 // sun_path has 108 bytes, the last one NUL (unix(7))
)

// ErrNotInstalled says that a program or driver is missing; the error around it
// names the Debian package.
var ErrNotInstalled = errors.New("not installed")

// Options say what to start.
type Options struct {
	// Dir holds socket, configuration, driver copies and pcscd.log. It is made
	// if need be and kept by Close. Empty: a temporary directory, removed by Close.
	Dir string
	// Readers is 1 to 16; 0 is 2. It is rounded up to an even number, for each
	// copy of the driver has two slots.
	Readers int
}

// Bed is a running pcscd. Its methods are for one goroutine, except the
// accessors Socket, Env, Slots, Addr and Reader, which never change.
type Bed struct {
	dir       string
	temporary bool
	readers   int
	base      int // port of slot 0; slot i listens on base+i
	tools     tools
	daemon    *daemon
}

// Up starts a pcscd and returns when it answers on its socket and has every
// reader. ctx bounds the start only; Close ends the daemon. It also ends when
// the calling program dies, however that happens.
func Up(ctx context.Context, o Options) (*Bed, error) {
	b, err := prepare(o)
	if err != nil {
		return nil, fmt.Errorf("cannot set up a private pcscd: %w", err)
	}
	for attempt := 1; ; attempt++ {
		if b.base, err = freePorts(b.readers); err == nil {
			err = b.Restart(ctx)
		}
		if err == nil {
			return b, nil
		}
		if attempt == attemptsMax || !errors.Is(err, errPortTaken) {
			return nil, errors.Join(err, b.Close())
		}
	}
}

func prepare(o Options) (*Bed, error) {
	readers := o.Readers
	if readers == 0 {
		readers = slotsPerDriver
	}
	if readers < 1 || readers > ReadersMax {
		return nil, fmt.Errorf("readers is %d: give 1 to %d", readers, ReadersMax)
	}
	t, err := findTools()
	if err != nil {
		return nil, err
	}
	b := &Bed{readers: (readers + 1) / slotsPerDriver * slotsPerDriver, tools: t}
	if o.Dir == "" {
		b.temporary = true
		b.dir, err = os.MkdirTemp("", "bed")
	} else {
		b.dir, err = filepath.Abs(o.Dir)
	}
	if err != nil {
		return nil, err
	}
	if n := len(b.Socket()); n > socketPathMax {
		return nil, fmt.Errorf("directory: the socket %s has %d bytes, a socket name at most %d: give a shorter one", b.Socket(), n, socketPathMax)
	}
	if err := b.copyDrivers(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Restart starts pcscd again after Kill, on the same socket and ports.
func (b *Bed) Restart(ctx context.Context) error {
	if b.daemon != nil {
		return errors.New("cannot start the private pcscd: it is running")
	}
	if err := b.writeConfig(); err != nil {
		return fmt.Errorf("cannot configure the private pcscd: %w", err)
	}
	d, err := startDaemon(b.dir, b.tools)
	if err != nil {
		return fmt.Errorf("cannot start the private pcscd: %w", err)
	}
	b.daemon = d
	ctx, cancel := context.WithTimeout(ctx, timeoutStart)
	defer cancel()
	if err := b.wait(ctx); err != nil {
		return errors.Join(fmt.Errorf("cannot start the private pcscd: %w; its log ends: %s", err, b.logTail()), b.Kill())
	}
	return nil
}

// Kill ends pcscd without warning, as a crash would, and waits for its end.
func (b *Bed) Kill() error {
	if b.daemon == nil {
		return nil
	}
	err := b.daemon.kill()
	b.daemon = nil
	return err
}

// Close ends pcscd and removes a temporary directory. It is idempotent.
func (b *Bed) Close() error {
	err := b.Kill()
	if b.temporary {
		err = errors.Join(err, os.RemoveAll(b.dir))
	}
	return err
}

// Socket is the file on which pcscd listens: what libpcsclite wants in
// PCSCLITE_CSOCK_NAME.
func (b *Bed) Socket() string { return filepath.Join(b.runDir(), "pcscd.comm") }

// Env is what a PC/SC program needs in its environment to talk to this pcscd.
// libpcsclite reads it once: a program that is itself the client must set it
// before its first PC/SC call, and cannot move to another bed later unless that
// has the same Dir.
func (b *Bed) Env() []string { return []string{EnvSocket + "=" + b.Socket()} }

// EnvSocket is the variable in which libpcsclite looks for the socket.
const EnvSocket = "PCSCLITE_CSOCK_NAME"

// Slots is how many readers there are.
func (b *Bed) Slots() int { return b.readers }

// Addr is where a card dials to be in slot i, counted from 0.
func (b *Bed) Addr(i int) string { return "127.0.0.1:" + strconv.Itoa(b.base+i) }

// Reader is the PC/SC name of slot i, counted from 0, for example
// "Virtual PCD 0 00 01".
func (b *Bed) Reader(i int) string {
	// pcscd appends the device's number among equal names and the slot's, in hex.
	return fmt.Sprintf("%s 00 %02X", friendlyName(i/slotsPerDriver), i%slotsPerDriver)
}

// Log is the file with pcscd's output.
func (b *Bed) Log() string { return filepath.Join(b.dir, "pcscd.log") }

func (b *Bed) runDir() string { return filepath.Join(b.dir, "run") }

func friendlyName(driver int) string { return fmt.Sprintf("Virtual PCD %d", driver) }
