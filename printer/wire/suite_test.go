//go:build linux

package wire_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"jukicard/printer/wire"
	"jukicard/simulator/lines"
	"jukicard/simulator/usbbed"
)

func TestMain(m *testing.M) { os.Exit(usbbed.Main(m)) }

// timeout is for what must happen; reaching it is a failure.
const timeout = 20 * time.Second

// printer is a model that does as the test says: it answers every byte by the same, or
// counts and sums what it gets, or reads nothing.
type printer struct {
	mu       sync.Mutex
	mode     mode
	received int
	sum      [32]byte
	wake     chan struct{} // closed when the mode changes
	filled   chan struct{} // closed when a full one has had enough
}

type mode int

const (
	echo mode = iota
	sink      // takes everything
	deaf      // reads nothing, until told otherwise
	full      // a sink that is deaf from fullAt on
)

const (
	fullAt   = 256 << 10
	readSize = 32 << 10 // what the model reads at once
)

func newPrinter(m mode) *printer {
	return &printer{mode: m, wake: make(chan struct{}), filled: make(chan struct{})}
}

func (p *printer) set(m mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode, p.received = m, 0
	close(p.wake)
	p.wake = make(chan struct{})
}

func (p *printer) look() (mode, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode, p.wake
}

// Serve is lines.Printer.
func (p *printer) Serve(ctx context.Context, host io.ReadWriteCloser) error {
	h := sha256.New()
	b := make([]byte, readSize)
	for {
		m, wake := p.look()
		if m == deaf {
			select {
			case <-wake:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		n, err := host.Read(b)
		if err != nil {
			return err
		}
		if m, _ = p.look(); m == echo {
			if _, err := host.Write(b[:n]); err != nil {
				return err
			}
			continue
		}
		h.Write(b[:n])
		p.mu.Lock()
		p.received += n
		h.Sum(p.sum[:0])
		if p.mode == full && p.received >= fullAt {
			p.mode = deaf
			close(p.filled)
		}
		p.mu.Unlock()
	}
}

// got is what a sink has received.
func (p *printer) got() (int, [32]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.received, p.sum
}

// rig is a model on one wire.
type rig struct {
	name  string
	cable lines.Cable
	model *printer
	usb   bool
	// buffered is how much the wire takes for a printer that reads nothing: at least
	// and at most, -1 for no bound.
	least, most int
	busy        bool // a second open is refused
}

// rigs is the model on every wire, each new.
func rigs(t *testing.T, m mode) []rig {
	t.Helper()
	var all []rig
	add := func(r rig, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := r.cable.Unplug(); err != nil {
				t.Error(err)
			}
		})
		all = append(all, r)
	}
	p := newPrinter(m)
	add(rig{name: "pipe", cable: lines.NewPipe("model", p), model: p, busy: true}, nil)
	p = newPrinter(m)
	tcp, err := lines.NewTCP(p)
	add(rig{name: "tcp", cable: tcp, model: p, least: 1, most: -1}, err)
	p = newPrinter(m)
	pty, err := lines.NewPty(t.TempDir(), p)
	add(rig{name: "pty", cable: pty, model: p, busy: true, least: 1, most: 64 << 10}, err)
	p = newPrinter(m)
	usb, err := usbbed.For(t).Plug(usbbed.Printer(0x0F49, 0x0A00, t.Name(), 1, 2), usbbed.Stream(p))
	add(rig{name: "usb", cable: usb, model: p, usb: true, busy: true, least: 64 << 10, most: 64 << 10}, err)
	return all
}

// each runs a test on every wire, with a printer that begins in a mode.
func each(t *testing.T, m mode, do func(t *testing.T, r rig)) {
	for _, r := range rigs(t, m) {
		t.Run(r.name, func(t *testing.T) { do(t, r) })
	}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

func dial(t *testing.T, r rig) wire.Wire {
	t.Helper()
	w, err := r.cable.Dialer().Dial(within(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() }) // most tests close it
	return w
}

// failure is the *wire.Error in err.
func failure(t *testing.T, err error) *wire.Error {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *wire.Error", err)
	}
	return e
}

// read takes n bytes.
func read(t *testing.T, w wire.Wire, n int) []byte {
	t.Helper()
	ctx := within(t)
	var got []byte
	for len(got) < n {
		b := make([]byte, 4096)
		k, err := w.Read(ctx, b)
		if err != nil {
			t.Fatalf("after %d of %d bytes: %v", len(got), n, err)
		}
		got = append(got, b[:k]...)
	}
	return got
}
