//go:build linux

package printertest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"jukicard/printer"
	driver "jukicard/printer/magicard"
	"jukicard/printer/printertest"
	"jukicard/printer/wire"
	"jukicard/simulator/press"
	model "jukicard/simulator/press/magicard"
	"jukicard/simulator/usbbed"
)

func init() {
	for _, on := range []string{"pipe", "tcp", "usb"} {
		jobs = append(jobs, magicardRig(on))
	}
}

// magicardSerials gives each model on the bus its own serial number.
var magicardSerials atomic.Int32

func magicardRig(on string) printertest.Rig {
	is := printer.Identity{
		Maker: "Magicard", Model: "Enduro+", Serial: fmt.Sprintf("61E%04d", magicardSerials.Add(1)), Firmware: "1.24",
		DPI: 300, Contact: true,
	}
	return printertest.Rig{
		Name: "Enduro/" + on, Identity: is,
		Strokes: len(model.Panels), // every panel passes the head, inked or not
		Planes:  levelled(64, func(v int) byte { return byte(v * 255 / 63) }),
		Start: func(t testing.TB, o printertest.Options) *printertest.Bed {
			return magicardBed(t, is, on, o)
		},
		Differs: magicardDiffers(on),
	}
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

func magicardBed(t testing.TB, is printer.Identity, on string, o printertest.Options) *printertest.Bed {
	t.Helper()
	printing := o.Patience
	if on == "usb" {
		printing = max(printing, 90*time.Second) // the port shows the mechanics at work, as long as they are
	}
	return stream{
		shape: press.Config{Width: model.Width, Height: model.Height, Panels: model.Panels},
		usb:   usbbed.Printer(0x0C1F, 0x2800, is.Serial, 1, 2), other: "61E9999",
		model: func(p *press.Press, c press.Config) streamModel {
			return model.New(p, model.Options{Name: is.Model, Serial: is.Serial, Firmware: is.Firmware, Film: c.RibbonMax})
		},
		open: func(ctx context.Context, d wire.Dialer, mechanics *press.Press, pause pause) (printer.Device, error) {
			p, err := driver.New(d, driver.Options{
				Serial: is.Serial, Pause: pause,
				Timing: driver.Timing{Reply: o.Patience, Job: o.Patience, Print: printing, Drain: 5 * time.Millisecond},
			})
			if err == nil {
				_, err = p.Identity(ctx)
			}
			return watched{p, mechanics}, err
		},
	}.bed(t, is, on, o)
}

// Why rows end otherwise with a printer of this kind.
const (
	noNumbers = "only the numbers 00:00 and 11:01 of its errors are public: any other with a card inside is by hand"
	noPlace   = "it tells no position, and a cut link looks like lost power: the card may have left"
	delivers  = "it delivers by itself at the end of the job, so that what happens at the exit happens in Print"
	noReceipt = "nothing is answered before a job's end, and over TCP planes count as sent when the operating system has them"
	oneJob    = "a job with two sides begins with its first page, and the second had not come"
)

// byHand is a card that a person must take out.
func byHand(at printertest.Call, told printertest.Answer, s printer.Surface, why string) printertest.Difference {
	w := printertest.Want{Fails: at, Answer: told, Surface: s, End: printertest.ByHand}
	if told == printertest.Says {
		w.Kind = printer.Jam
	}
	return printertest.Difference{Want: w, Because: why}
}

func magicardDiffers(on string) map[string]printertest.Difference {
	const blank, unknown, spoilt, printed = printer.SurfaceBlank, printer.SurfaceUnknown, printer.SurfaceSpoilt, printer.SurfacePrinted
	out := func(why string) printertest.Difference {
		d := byHand(printertest.Print, printertest.Breaks, printed, why)
		d.Want.End = printertest.Delivered
		return d
	}
	rows := map[string]printertest.Difference{
		"ribbon out in the front's ink":    byHand(printertest.Print, printertest.Says, spoilt, noNumbers),
		"ribbon out in the back's ink":     byHand(printertest.Print, printertest.Says, spoilt, noNumbers),
		"cover opens at the station":       byHand(printertest.Feed, printertest.Says, blank, noNumbers),
		"cover opens over the ink":         byHand(printertest.Print, printertest.Says, unknown, noNumbers),
		"cover opens at the exit":          byHand(printertest.Deliver, printertest.Says, printed, noNumbers),
		"jam in the turn-over":             byHand(printertest.Print, printertest.Says, spoilt, "its count of film used says that the front is on the card"),
		"power lost before the exit":       byHand(printertest.Print, printertest.Breaks, printed, delivers),
		"power lost after the exit":        out(delivers),
		"unplugged at the exit":            out(delivers),
		"unplugged in feeding":             byHand(printertest.Feed, printertest.Breaks, blank, noPlace),
		"unplugged at the station":         byHand(printertest.Feed, printertest.Breaks, blank, noPlace),
		"unplugged on the way to the head": byHand(printertest.Head, printertest.Breaks, blank, noPlace),
		"another printer after a break":    byHand(printertest.Head, printertest.Breaks, blank, noPlace),
		"unplugged in the first plane":     byHand(printertest.Print, printertest.Breaks, blank, noPlace),
		"unplugged in the last plane":      byHand(printertest.Print, printertest.Breaks, blank, noPlace),
		"stops reading in the first plane": byHand(printertest.Print, printertest.Breaks, blank, noPlace),
		"stops reading in the last plane":  byHand(printertest.Print, printertest.Breaks, blank, noPlace),
		"unplugged in the commit":          byHand(printertest.Print, printertest.Breaks, unknown, oneJob),
	}
	if on == "tcp" {
		for _, name := range []string{
			"power lost in the first plane", "power lost in the last plane", "unplugged in the first plane",
			"unplugged in the last plane", "stops reading in the first plane", "stops reading in the last plane",
		} {
			rows[name] = byHand(printertest.Print, printertest.Breaks, unknown, noReceipt)
		}
	}
	return rows
}
