package printers

import (
	"context"

	"jukicard/printer"
	"jukicard/printer/evolis"
	"jukicard/printer/magicard"
	"jukicard/printer/wire"
	"jukicard/printer/xid"
)

// kind is a driver and where its printers are found.
type kind struct {
	usb  wire.USB // Vendor 0: not on the bus; Product 0: any of the vendor's
	port int      // TCP; 0: none of its own
	open func(ctx context.Context, d wire.Dialer, a Address, s Spec) (printer.Device, error)
}

// kinds are the drivers. USB numbers are those of usb.ids 2025.07.26 and of the drivers'
// own sources.
var kinds = map[string]kind{
	"xid":    {usb: wire.USB{Vendor: xid.USBVendor, Product: xid.USBProduct, Out: xid.USBOut, In: xid.USBIn}, port: xid.Port, open: openXID},
	"evolis": {usb: wire.USB{Vendor: 0x0F49}, open: openEvolis},

	"magicard-enduro": {usb: wire.USB{Vendor: 0x0C1F}, open: magicardOf("enduro")},
	"magicard-rio2":   {usb: wire.USB{Vendor: 0x0C1F}, open: magicardOf("rio2")},
	"magicard-alto":   {usb: wire.USB{Vendor: 0x0C1F}, open: magicardOf("alto")},
}

// magicardOf opens a Magicard printer of a family.
func magicardOf(family string) func(context.Context, wire.Dialer, Address, Spec) (printer.Device, error) {
	return func(_ context.Context, d wire.Dialer, _ Address, _ Spec) (printer.Device, error) {
		return magicard.New(d, magicard.Options{Family: family})
	}
}

func openXID(ctx context.Context, d wire.Dialer, a Address, _ Spec) (printer.Device, error) {
	framing := xid.MassStorage
	if a.Wire == "tcp" {
		framing = xid.Network
	}
	return xid.Open(ctx, xid.Config{Dialer: d, Framing: framing, Serial: a.Serial})
}

func openEvolis(_ context.Context, d wire.Dialer, _ Address, s Spec) (printer.Device, error) {
	return evolis.New(d, evolis.Options{Ribbon: s.Ribbon})
}
