//go:build cgo

package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/gousb"
)

// Dial looks at the bus as it is now, opens the printer and claims its interface. A
// printer that is not there is Gone, one whose interface another program or wire has
// claimed Busy. Two printers and no serial number to choose by are an error that names
// the serial numbers.
//
// Each Dial has a libusb of its own: one that was there before the printer was unplugged
// may still list it, and would open what is no more.
func (u USB) Dial(ctx context.Context) (Wire, error) {
	w, err := u.open(ctx)
	if err == nil {
		return w, nil
	}
	return nil, &Error{Op: "dial", Name: u.String(), Kind: usbKind(err), Err: err}
}

func (u USB) open(ctx context.Context) (Wire, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lib, err := startLibrary()
	if err != nil {
		return nil, err
	}
	w := &usb{name: u.String(), lib: lib}
	if w.dev, err = u.find(lib); err == nil {
		err = w.claim(u)
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// startLibrary is a libusb; where the system has no USB at all gousb panics.
func startLibrary() (lib *gousb.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("start libusb: %v", r)
		}
	}()
	return gousb.NewContext(), nil
}

// find opens the one printer meant.
func (u USB) find(lib *gousb.Context) (*gousb.Device, error) {
	devices, err := lib.OpenDevices(func(d *gousb.DeviceDesc) bool {
		return d.Vendor == gousb.ID(u.Vendor) && (u.Product == 0 || d.Product == gousb.ID(u.Product))
	})
	var match []*gousb.Device
	var serials []string
	for _, d := range devices {
		serial, e := d.SerialNumber()
		if e != nil {
			err = e
		}
		if u.Serial == "" || e == nil && serial == u.Serial {
			match, serials = append(match, d), append(serials, serial)
		} else {
			_ = d.Close()
		}
	}
	if len(match) == 1 {
		return match[0], nil
	}
	for _, d := range match {
		_ = d.Close()
	}
	switch {
	case len(match) > 1 && u.Serial != "":
		return nil, fmt.Errorf("%d printers have this serial number: unplug all but one", len(match))
	case len(match) > 1:
		slices.Sort(serials)
		return nil, fmt.Errorf("%d printers are there: name one of the serial numbers %s", len(match), strings.Join(serials, ", "))
	case errors.Is(err, gousb.ErrorAccess):
		return nil, fmt.Errorf("open the device: %w: let this user write to it by a udev rule", gousb.ErrorAccess)
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("not on the bus: plug it in and switch it on: %w", gousb.ErrorNoDevice)
}

// List tells the devices on the bus that could be printers, in the order of the bus. It
// opens each for a moment to read its names, and claims none.
func List(ctx context.Context) ([]Attached, error) {
	if err := ctx.Err(); err != nil {
		return nil, &Error{Op: "list", Name: "usb", Kind: Timeout, Err: err}
	}
	lib, err := startLibrary()
	if err != nil {
		return nil, &Error{Op: "list", Name: "usb", Kind: Broken, Err: err}
	}
	defer func() { _ = lib.Close() }()
	var all []Attached
	_, err = lib.OpenDevices(func(d *gousb.DeviceDesc) bool {
		if hasPair(d) {
			all = append(all, named(lib, d))
		}
		return false
	})
	if err != nil {
		return nil, &Error{Op: "list", Name: "usb", Kind: usbKind(err), Err: err}
	}
	return all, nil
}

// named reads the names of the device at d's address.
func named(lib *gousb.Context, d *gousb.DeviceDesc) Attached {
	a := Attached{Vendor: uint16(d.Vendor), Product: uint16(d.Product)}
	opened, err := lib.OpenDevices(func(o *gousb.DeviceDesc) bool { return o.Bus == d.Bus && o.Address == d.Address })
	for _, o := range opened {
		var errs [3]error
		a.Maker, errs[0] = o.Manufacturer()
		a.Name, errs[1] = o.Product()
		a.Serial, errs[2] = o.SerialNumber()
		err = errors.Join(errs[0], errs[1], errs[2], o.Close())
	}
	a.Err = err
	return a
}

// hasPair says whether an interface has a bulk endpoint each way.
func hasPair(d *gousb.DeviceDesc) bool {
	for _, c := range d.Configs {
		for _, i := range c.Interfaces {
			if _, _, err := pair(i.AltSettings[0], 0, 0); err == nil {
				return true
			}
		}
	}
	return false
}
