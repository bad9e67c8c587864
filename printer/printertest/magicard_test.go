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
	driver "jukicard/printer/magicard"
	"jukicard/printer/printertest"
	"jukicard/printer/raster"
	"jukicard/simulator/press"
	model "jukicard/simulator/press/magicard"
	"jukicard/simulator/usbbed"
)

// jobRigs are printers that take whole jobs: they print and deliver by themselves and
// tell no position. The conformance suite is of printers that hold a card and say where;
// printer/magicard has the same cases for these. The fault table is theirs too.
var jobRigs []printertest.Rig

func init() {
	for _, wire := range []string{"pipe", "tcp", "usb"} {
		jobRigs = append(jobRigs, magicardRig(wire))
	}
}

// TestPrintersOfJobs is the fault table with them.
func TestPrintersOfJobs(t *testing.T) {
	for _, rig := range jobRigs {
		t.Run(rig.Name, func(t *testing.T) {
			v := printertest.Judge(t, rig)
			if v.Twice > 0 {
				t.Errorf("%d cards were printed twice", v.Twice)
			}
			t.Logf("%d cases, %d wrong", v.Cases, v.Wrong)
		})
	}
}

// magicardSerials gives each model on the bus its own serial number.
var magicardSerials atomic.Int32

func magicardRig(wire string) printertest.Rig {
	is := printer.Identity{
		Maker: "Magicard", Model: "Enduro+", Serial: fmt.Sprintf("61E%04d", magicardSerials.Add(1)), Firmware: "1.24",
		DPI: 300, Contact: true,
	}
	return printertest.Rig{
		Name: "Enduro/" + wire, Identity: is,
		Strokes: len(model.Panels), // every panel passes the head, inked or not
		Planes:  magicardPlanes,
		Start: func(t testing.TB, o printertest.Options) *printertest.Bed {
			return magicardBed(t, is, wire, o)
		},
		Differs: magicardDiffers,
	}
}

// magicardPlanes are the dots in 64 levels. The error diffusion is package raster's own
// and judged there.
func magicardPlanes(side image.Image, width, height int) press.Planes {
	planes := printertest.Separated(side, width, height, true)
	for _, panel := range []byte("YMC") {
		if !slices.ContainsFunc(planes[panel], func(b byte) bool { return b != 0 }) {
			continue
		}
		levels, err := raster.Dither(planes[panel], width, 64)
		if err != nil {
			panic(err)
		}
		for i, v := range levels {
			levels[i] = byte(int(v) * 255 / 63)
		}
		planes[panel] = levels
	}
	return planes
}

// watched is a driver whose operator says when no card is inside any more: this printer
// cannot tell.
type watched struct {
	*driver.Printer
	press *press.Press
}

func (w watched) look() {
	if w.press.Inside() == nil {
		w.TakenOut()
	}
}

// Status looks inside first.
func (w watched) Status(ctx context.Context) (printer.Status, error) {
	st, err := w.Printer.Status(ctx)
	if st.Position == printer.Lost && w.press.Inside() == nil {
		w.look()
		return w.Printer.Status(ctx)
	}
	return st, err
}

func magicardBed(t testing.TB, is printer.Identity, wire string, o printertest.Options) *printertest.Bed {
	t.Helper()
	clock := &press.Virtual{}
	var l *link
	cfg := linked(&l, clock, press.Config{Width: model.Width, Height: model.Height, Panels: model.Panels})
	if o.Press != nil {
		o.Press(&cfg)
	}
	mechanics := press.New(cfg)
	m := model.New(mechanics, model.Options{Name: is.Model, Serial: is.Serial, Firmware: is.Firmware, Film: cfg.RibbonMax})
	switch wire {
	case "usb":
		l = onUSBStream(t, usbbed.Printer(0x0C1F, 0x2800, is.Serial, 1, 2), m)
	case "tcp":
		l = onTCP(t, m)
	default:
		l = onPipe(t, is.Model, m)
	}
	return &printertest.Bed{
		Press: mechanics, Received: m.Received, Cut: l.Cut,
		Open: func(ctx context.Context) (printer.Device, error) {
			d, err := driver.New(l.Dialer(), driver.Options{
				Serial: is.Serial,
				Timing: driver.Timing{Reply: 800 * time.Millisecond, Job: 800 * time.Millisecond, Print: 40 * time.Second, Drain: 5 * time.Millisecond},
				Pause: func(ctx context.Context, d time.Duration) error {
					clock.Wait(d)
					return ctx.Err()
				},
			})
			if err == nil {
				_, err = d.Identity(ctx)
			}
			return watched{d, mechanics}, err
		},
		Restore: func(other bool) {
			err := l.Restore(func() {
				m.SetSerial(is.Serial)
				if other {
					m.SetSerial("61E9999")
				}
			})
			if err != nil {
				t.Error(err)
			}
		},
	}
}

var magicardDiffers = map[string]printertest.Difference{}
