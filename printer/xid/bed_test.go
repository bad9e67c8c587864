package xid

import (
	"context"
	"errors"
	"testing"
	"time"

	"jukicard/printer/wire"
	"jukicard/simulator/lines"
	"jukicard/simulator/press"
	simulated "jukicard/simulator/press/xid"
	"jukicard/simulator/usbbed"
)

// machine is a model and its parts.
type machine struct {
	*press.Press
	model  *simulated.Printer
	clock  *press.Virtual
	pauses int
}

// newMachine is an XID580 with planes of its true size.
func newMachine(change func(*press.Config, *simulated.Config)) *machine {
	m := &machine{clock: &press.Virtual{}}
	cfg := press.Config{
		Width: 1036, Height: 664, Panels: "YMCK", Film: true, Hopper: 5, Printed: 41, Clock: m.clock,
		Ribbon: 500, RibbonMax: 500, FilmShots: 750, FilmMax: 750,
	}
	mc := simulated.Config{Type: "XID580", Serial: "80000001", Address: [6]byte{0, 0, 0x5E, 0, 0x53, 1}, Clock: m.clock}
	if change != nil {
		change(&cfg, &mc)
	}
	m.Press = press.New(cfg)
	mc.Press = m.Press
	m.model = simulated.New(mc)
	return m
}

// config is a driver's for the machine; its pauses let the machine's time pass.
func (m *machine) config(d wire.Dialer, f Framing) Config {
	return Config{
		Dialer: d, Framing: f, Query: 2 * time.Second, Plane: 2 * time.Second, Motion: 2 * time.Second,
		Pause: func(ctx context.Context, d time.Duration) error {
			m.pauses++
			m.clock.Wait(d)
			return ctx.Err()
		},
	}
}

// network is a driver over a pipe, in the network's language.
func (m *machine) network(t *testing.T) *Printer {
	t.Helper()
	return m.open(t, m.config(lines.NewPipe("xid", m.model).Dialer(), Network))
}

// storage is a driver in the language of USB, with the bus left out.
func (m *machine) storage(t *testing.T, change func(*bus)) *Printer {
	t.Helper()
	b := &bus{f: m.model}
	if change != nil {
		change(b)
	}
	return m.open(t, m.config(b, MassStorage))
}

func (m *machine) open(t *testing.T, cfg Config) *Printer {
	t.Helper()
	p, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// bus is a wire to a USB function without a bus, and its dialer.
type bus struct {
	f     usbbed.Function
	reply func([]byte) []byte // changes what comes in; nil: nothing
	resets, clears,
	dials int
}

func (b *bus) Dial(context.Context) (wire.Wire, error) {
	b.dials++
	return b, nil
}

func (b *bus) String() string { return "bus" }

func (b *bus) Close() error { return nil }

func (b *bus) failed(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, usbbed.ErrStall):
		return &wire.Error{Op: op, Name: "bus", Kind: wire.Stall, Err: err}
	}
	return &wire.Error{Op: op, Name: "bus", Kind: wire.Timeout, Err: err}
}

func (b *bus) Write(ctx context.Context, p []byte) (int, error) {
	n, err := b.f.Out(ctx, 2, p)
	return n, b.failed("write", err)
}

func (b *bus) Read(ctx context.Context, p []byte) (int, error) {
	got, err := b.f.In(ctx, 1, len(p))
	if b.reply != nil && err == nil {
		got = b.reply(got)
	}
	return copy(p, got), b.failed("read", err)
}

func (b *bus) Control(ctx context.Context, kind, request byte, value, index uint16, data []byte) (int, error) {
	b.resets++
	got, err := b.f.Control(ctx, usbbed.Setup{Type: kind, Request: request, Value: value, Index: index, Length: uint16(len(data))}, data)
	return len(got), b.failed("control", err)
}

func (b *bus) ClearHalt(context.Context, bool) error {
	b.clears++
	return nil
}
