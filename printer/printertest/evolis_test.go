//go:build linux

package printertest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"jukicard/printer"
	driver "jukicard/printer/evolis"
	"jukicard/printer/printertest"
	"jukicard/printer/wire"
	"jukicard/simulator/press"
	model "jukicard/simulator/press/evolis"
	"jukicard/simulator/usbbed"
)

func init() {
	for _, on := range []string{"pipe", "tcp", "pty", "usb"} {
		rigs = append(rigs, evolisRig(on))
	}
}

// evolisSerials gives each model on the bus its own serial number.
var evolisSerials atomic.Int32

// evolisRig is a Primacy over one wire.
func evolisRig(on string) printertest.Rig {
	is := printer.Identity{
		Maker: "Evolis", Model: "Primacy", Serial: fmt.Sprintf("100001%05d", evolisSerials.Add(1)), Firmware: "1701",
		DPI: 300, Contact: true, Contactless: true,
	}
	return printertest.Rig{
		Name: "Primacy/" + on, Identity: is,
		Strokes: len(model.Panels), // every panel passes the head, inked or not
		Planes:  levelled(128, func(v int) byte { return byte((v*255 + 63) / 127) }),
		Start: func(t testing.TB, o printertest.Options) *printertest.Bed {
			return evolisBed(t, is, on, o)
		},
		NoClean: true, NoTestCard: true,
	}
}

func evolisBed(t testing.TB, is printer.Identity, on string, o printertest.Options) *printertest.Bed {
	t.Helper()
	return stream{
		shape: press.Config{Width: model.Width, Height: model.Height, Panels: model.Panels},
		usb:   usbbed.Printer(0x0F49, 0x0A00, is.Serial, 1, 2), other: "99999999999",
		model: func(p *press.Press, _ press.Config) streamModel {
			return model.New(p, model.Options{Model: is.Model, Serial: is.Serial, Firmware: is.Firmware})
		},
		open: func(ctx context.Context, d wire.Dialer, _ *press.Press, pause pause) (printer.Device, error) {
			p, err := driver.New(d, driver.Options{
				Serial: is.Serial, Pause: pause,
				Timing: driver.Timing{Reply: o.Patience, Plane: o.Patience, Move: time.Minute, Print: time.Minute, Settle: 400 * time.Millisecond},
			})
			if err == nil {
				_, err = p.Identity(ctx)
			}
			return p, err
		},
	}.bed(t, is, on, o)
}
