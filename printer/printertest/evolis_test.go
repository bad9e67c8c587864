//go:build linux

package printertest_test

import (
	"context"
	"fmt"
	"image"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"jukicard/printer"
	driver "jukicard/printer/evolis"
	"jukicard/printer/printertest"
	"jukicard/printer/raster"
	"jukicard/simulator/lines"
	"jukicard/simulator/press"
	model "jukicard/simulator/press/evolis"
	"jukicard/simulator/usbbed"
)

func init() {
	for _, wire := range []string{"pipe", "tcp", "pty", "usb"} {
		rigs = append(rigs, evolisRig(wire))
	}
}

// evolisSerials gives each model on the bus its own serial number.
var evolisSerials atomic.Int32

// evolisRig is a Primacy over one wire.
func evolisRig(wire string) printertest.Rig {
	is := printer.Identity{
		Maker: "Evolis", Model: "Primacy", Serial: fmt.Sprintf("100001%05d", evolisSerials.Add(1)), Firmware: "1701",
		DPI: 300, Contact: true, Contactless: true,
	}
	return printertest.Rig{
		Name: "Primacy/" + wire, Identity: is,
		Strokes: len(model.Panels), // every panel passes the head, inked or not
		Planes:  evolisPlanes,
		Start: func(t testing.TB, o printertest.Options) *printertest.Bed {
			return evolisBed(t, is, wire, o)
		},
		NoClean: true, NoTestCard: true,
	}
}

// evolisPlanes are the dots in 128 levels. The error diffusion is package raster's own
// and judged there.
func evolisPlanes(side image.Image, width, height int) press.Planes {
	planes := printertest.Separated(side, width, height, true)
	for _, panel := range []byte("YMC") {
		if !slices.ContainsFunc(planes[panel], func(b byte) bool { return b != 0 }) {
			continue
		}
		levels, err := raster.Dither(planes[panel], width, 128)
		if err != nil {
			panic(err)
		}
		for i, v := range levels {
			levels[i] = byte((int(v)*255 + 63) / 127)
		}
		planes[panel] = levels
	}
	return planes
}

func evolisBed(t testing.TB, is printer.Identity, wire string, o printertest.Options) *printertest.Bed {
	t.Helper()
	clock := &press.Virtual{}
	var l *link
	cfg := linked(&l, clock, press.Config{Width: model.Width, Height: model.Height, Panels: model.Panels})
	if o.Press != nil {
		o.Press(&cfg)
	}
	mechanics := press.New(cfg)
	m := model.New(mechanics, model.Options{Model: is.Model, Serial: is.Serial, Firmware: is.Firmware})
	switch wire {
	case "usb":
		l = onUSBStream(t, usbbed.Printer(0x0F49, 0x0A00, is.Serial, 1, 2), m)
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
			d, err := driver.New(l.Dialer(), driver.Options{
				Serial: is.Serial,
				Timing: driver.Timing{Reply: o.Patience, Plane: o.Patience, Move: time.Minute, Print: time.Minute, Settle: 400 * time.Millisecond},
				Pause: func(ctx context.Context, d time.Duration) error {
					clock.Wait(d)
					return ctx.Err()
				},
			})
			if err == nil {
				_, err = d.Identity(ctx)
			}
			return d, err
		},
		Restore: func(other bool) {
			err := l.Restore(func() {
				m.SetSerial(is.Serial)
				if other {
					m.SetSerial("99999999999")
				}
			})
			if err != nil {
				t.Error(err)
			}
		},
	}
}

// streamModel is a model that speaks a stream and, on the bus, answers control requests.
type streamModel interface {
	lines.Printer
	usbbed.Controller
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
