//go:build linux

package printertest_test

import (
	"context"
	"image"
	"io"
	"sync"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/printer/printertest"
	"jukicard/printer/raster"
	"jukicard/printer/wire"
	"jukicard/simulator/lines"
	"jukicard/simulator/press"
	"jukicard/simulator/usbbed"
)

// link is a model on a wire that can be cut from within the model's own mechanics: from
// that moment nothing gets through, while the cable itself is pulled beside.
type link struct {
	cable lines.Cable
	mu    sync.Mutex
	cut   bool
	hosts map[io.Closer]bool
	pull  sync.WaitGroup // the cable being pulled
}

// onPipe, onTCP and onPty hang up a model that speaks a stream.
func onPipe(t testing.TB, name string, p lines.Printer) *link {
	l := newLink(t)
	l.cable = lines.NewPipe(name, gate{l, p})
	return l
}

func onTCP(t testing.TB, p lines.Printer) *link {
	t.Helper()
	l := newLink(t)
	c, err := lines.NewTCP(gate{l, p})
	if err != nil {
		t.Fatal(err)
	}
	l.cable = c
	return l
}

func onPty(t testing.TB, p lines.Printer) *link {
	t.Helper()
	l := newLink(t)
	c, err := lines.NewPty(t.TempDir(), gate{l, p})
	if err != nil {
		t.Fatal(err)
	}
	l.cable = c
	return l
}

// onUSB plugs a model that speaks packets into the bus.
func onUSB(t testing.TB, d usbbed.Device, f usbbed.Function) *link {
	t.Helper()
	l := newLink(t)
	c, err := usbbed.For(t).Plug(d, function{l, f})
	if err != nil {
		t.Fatal(err)
	}
	l.cable = c
	return l
}

func newLink(t testing.TB) *link {
	l := &link{hosts: map[io.Closer]bool{}}
	t.Cleanup(func() {
		l.Cut()
		l.pull.Wait()
	})
	return l
}

// Dialer is how a driver reaches the model.
func (l *link) Dialer() wire.Dialer { return l.cable.Dialer() }

// Cut is Bed.Cut.
func (l *link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return
	}
	l.cut = true
	l.pull.Go(func() { _ = l.cable.Unplug() }) // a model that was cut off says so in its error
}

// Restore is the rest of Bed.Restore; relabel runs while nothing is plugged in.
func (l *link) Restore(relabel func()) error {
	l.mu.Lock()
	cut := l.cut
	l.mu.Unlock()
	if !cut {
		return nil
	}
	l.pull.Wait()
	relabel()
	l.mu.Lock()
	l.cut = false
	l.mu.Unlock()
	return l.cable.Plug()
}

// Power is press.Config.Power: a printer without power has no link.
func (l *link) Power(on bool) {
	if !on {
		l.Cut()
	}
}

func (l *link) open() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.cut
}

// gate is a stream model behind a link.
type gate struct {
	link *link
	p    lines.Printer
}

// Serve serves unless the link is cut.
func (g gate) Serve(ctx context.Context, host io.ReadWriteCloser) error {
	return g.p.Serve(ctx, gatedHost{g.link, host})
}

type gatedHost struct {
	link *link
	io.ReadWriteCloser
}

// Read gives nothing that comes when the link is cut.
func (h gatedHost) Read(p []byte) (int, error) {
	n, err := h.ReadWriteCloser.Read(p)
	if !h.link.open() {
		return 0, io.ErrClosedPipe
	}
	return n, err
}

// Write sends nothing when the link is cut.
func (h gatedHost) Write(p []byte) (int, error) {
	if !h.link.open() {
		return 0, io.ErrClosedPipe
	}
	return h.ReadWriteCloser.Write(p)
}

// function is a packet model behind a link. What it does when the link is cut waits for
// the cable to be out.
type function struct {
	link *link
	f    usbbed.Function
}

// Control is usbbed.Function.
func (g function) Control(ctx context.Context, s usbbed.Setup, data []byte) ([]byte, error) {
	if !g.link.open() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return g.f.Control(ctx, s, data)
}

// Out is usbbed.Function.
func (g function) Out(ctx context.Context, endpoint int, p []byte) (int, error) {
	n, err := 0, error(nil)
	if g.link.open() {
		n, err = g.f.Out(ctx, endpoint, p)
	}
	if !g.link.open() {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return n, err
}

// In is usbbed.Function.
func (g function) In(ctx context.Context, endpoint, n int) ([]byte, error) {
	if !g.link.open() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	b, err := g.f.In(ctx, endpoint, n)
	if !g.link.open() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return b, err
}

// linked is a press whose power is its link's too.
func linked(l **link, clock press.Clock, cfg press.Config) press.Config {
	cfg.Clock = clock
	cfg.Power = func(on bool) { (*l).Power(on) }
	return cfg
}

// streamModel is a model that speaks a stream and, on the bus, answers control requests.
type streamModel interface {
	lines.Printer
	usbbed.Controller
	Received() int
	SetSerial(serial string)
}

// busGate is a stream model behind a link on the bus.
type busGate struct {
	gate
	control usbbed.Controller
}

// Control is usbbed.Controller.
func (g busGate) Control(ctx context.Context, s usbbed.Setup, data []byte) ([]byte, error) {
	if !g.link.open() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return g.control.Control(ctx, s, data)
}

// onUSBStream plugs a model that speaks a stream into the bus.
func onUSBStream(t testing.TB, d usbbed.Device, m streamModel) *link {
	t.Helper()
	l := newLink(t)
	c, err := usbbed.For(t).Plug(d, usbbed.Stream(busGate{gate{l, m}, m}))
	if err != nil {
		t.Fatal(err)
	}
	l.cable = c
	return l
}

// pause is how a driver waits between two questions.
type pause = func(ctx context.Context, d time.Duration) error

// onClock lets the mechanics' time pass.
func onClock(clock *press.Virtual) pause {
	return func(ctx context.Context, d time.Duration) error {
		clock.Wait(d)
		return ctx.Err()
	}
}

// stream is a printer that speaks a stream, on every wire that carries one.
type stream struct {
	shape press.Config
	usb   usbbed.Device
	other string // the serial number of another printer
	model func(*press.Press, press.Config) streamModel
	open  func(context.Context, wire.Dialer, *press.Press, pause) (printer.Device, error)
}

func (s stream) bed(t testing.TB, is printer.Identity, on string, o printertest.Options) *printertest.Bed {
	t.Helper()
	clock := &press.Virtual{}
	var l *link
	cfg := linked(&l, clock, s.shape)
	if o.Press != nil {
		o.Press(&cfg)
	}
	mechanics := press.New(cfg)
	m := s.model(mechanics, cfg)
	switch on {
	case "usb":
		l = onUSBStream(t, s.usb, m)
	case "tcp":
		l = onTCP(t, m)
	case "pty":
		l = onPty(t, m)
	default:
		l = onPipe(t, is.Model, m)
	}
	return &printertest.Bed{
		Press: mechanics, Received: m.Received, Cut: l.Cut,
		Open: func(ctx context.Context) (printer.Device, error) {
			return s.open(ctx, l.Dialer(), mechanics, onClock(clock))
		},
		Restore: func(other bool) {
			err := l.Restore(func() {
				m.SetSerial(is.Serial)
				if other {
					m.SetSerial(s.other)
				}
			})
			if err != nil {
				t.Error(err)
			}
		},
	}
}

// levelled are the dots in so many levels, each of which inks a dot by full. The error
// diffusion is package raster's own and judged there.
func levelled(levels int, full func(v int) byte) func(side image.Image, width, height int) press.Planes {
	return func(side image.Image, width, height int) press.Planes {
		planes := printertest.Separated(side, width, height, true)
		for _, panel := range []byte("YMC") {
			if !raster.Inked(planes[panel]) {
				continue
			}
			shades, err := raster.Dither(planes[panel], width, levels)
			if err != nil {
				panic(err)
			}
			for i, v := range shades {
				shades[i] = full(int(v))
			}
			planes[panel] = shades
		}
		return planes
	}
}
