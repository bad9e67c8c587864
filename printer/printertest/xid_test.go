//go:build linux

package printertest_test

import (
	"context"
	"fmt"
	"image"
	"sync/atomic"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/printer/printertest"
	driver "jukicard/printer/xid"
	"jukicard/simulator/press"
	model "jukicard/simulator/press/xid"
)

func init() {
	small, large := [2]int{1036, 664}, [2]int{2072, 1328}
	rigs = append(rigs,
		xidRig("XID580", "pipe", small, driver.Network),
		xidRig("XID580", "tcp", small, driver.Network),
		xidRig("XID580", "usb", small, driver.MassStorage),
	)
	conformance = append(conformance, xidRig("XID8600", "usb", large, driver.MassStorage))
}

// xidSerials gives each model on the bus its own serial number.
var xidSerials atomic.Int32

// xidAddress is the network address of the models, which no other machine has (RFC 7042,
// 2.1.2: for documentation).
var xidAddress = [6]byte{0x00, 0x00, 0x5E, 0x00, 0x53, 0x01}

// xidRig is one XID printer over one wire.
func xidRig(kind, wire string, size [2]int, framing driver.Framing) printertest.Rig {
	serial := fmt.Sprintf("8%07d", xidSerials.Add(1))
	is := printer.Identity{
		Maker: "GPRINTEC", Model: kind, Serial: serial, Firmware: "1.02A 0.9 3.1",
		DPI: size[0] * 300 / 1036, Contact: true, Contactless: true,
	}
	if framing == driver.Network {
		is.Maker, is.Serial, is.Firmware = "G-Printec", "00005e005301", ""
	}
	return printertest.Rig{
		Name: kind + "/" + wire, Identity: is, Film: true,
		Planes: func(side image.Image, width, height int) press.Planes {
			return printertest.Separated(side, width, height, true)
		},
		Start: func(t testing.TB, o printertest.Options) *printertest.Bed {
			return xidBed(t, is, wire, size, framing, serial, o)
		},
		Differs: xidDiffers,
		NoClean: true, NoTestCard: framing == driver.Network,
	}
}

func xidBed(t testing.TB, is printer.Identity, wire string, size [2]int, framing driver.Framing, serial string, o printertest.Options) *printertest.Bed {
	t.Helper()
	clock := &press.Virtual{}
	var l *link
	cfg := linked(&l, clock, press.Config{Width: size[0], Height: size[1], Panels: "YMCK", Film: true})
	if o.Press != nil {
		o.Press(&cfg)
	}
	mechanics := press.New(cfg)
	m := model.New(model.Config{Type: is.Model, Serial: serial, Address: xidAddress, Press: mechanics})
	switch wire {
	case "usb":
		l = onUSB(t, m.Device(), m)
	case "tcp":
		l = onTCP(t, m)
	default:
		l = onPipe(t, is.Model, m)
	}
	return &printertest.Bed{
		Press: mechanics, Received: m.Received, Cut: l.Cut,
		Open: func(ctx context.Context) (printer.Device, error) {
			return driver.Open(ctx, driver.Config{
				Dialer: l.Dialer(), Framing: framing, Serial: is.Serial,
				Plane: o.Patience, Query: o.Patience, Motion: time.Minute, Pause: onClock(clock),
			})
		},
		Restore: func(other bool) {
			err := l.Restore(func() {
				m.Relabel(serial, xidAddress)
				if other {
					m.Relabel("99999999", [6]byte{0, 0, 0x5E, 0, 0x53, 0xFF})
				}
			})
			if err != nil {
				t.Error(err)
			}
		},
	}
}

// xidDiffers are the rows that end otherwise: no source names a code for a full bin, so
// that the printer is found out when it refuses a card.
var xidDiffers = map[string]printertest.Difference{
	"reject bin full": {
		Want:    printertest.Want{Surface: printer.SurfacePrinted, End: printertest.Delivered},
		Because: "it does not tell that the bin is full, and a good card does not go there",
	},
	"chip write failed over a full bin": {
		Want:    printertest.Want{Fails: printertest.Void, Answer: printertest.Says, Kind: printer.Refused, Surface: printer.SurfaceBlank, End: printertest.Rejected},
		Because: "it does not tell that the bin is full until it refuses the card",
	},
}
