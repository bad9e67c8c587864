// Package usbbed is a USB bus on which printer models sit, without a kernel that has
// USB: the real libusb, and any program built on it, finds them, opens them, transfers
// and sees them unplugged. Linux only; it needs Debian's umockdev.
//
// Of umockdev only libumockdev-preload.so.0 is used: a library that, preloaded into a
// program, turns the program's /sys and /dev/bus/usb into a directory of ours and
// forwards every ioctl on a device node to a socket there (umockdev 0.17.16,
// src/libumockdev-preload.c). This package writes that directory, answers those sockets
// as usbdevfs would, and sends the udev events of plugging and unplugging.
//
// Only calls of the C library are diverted. Go's own os.Open sees the real /sys, so bed
// and program may be the same process: tests have their TestMain call [Main], which runs
// the test binary once more with the library preloaded, and ask [For] for the bus.
// Another program joins the bus with [Bed.Env] in its environment.
//
// A bed has at most 50 device nodes open at once, which is a limit of the preload
// library, and the speed of every device is high speed (480 Mbit/s).
package usbbed

import "fmt"

// Device is what a device says of itself on the bus (USB 2.0, 9.6).
type Device struct {
	Vendor, Product     uint16
	Maker, Name, Serial string
	Interfaces          []Interface
}

// Interface is one interface with a pair of bulk endpoints. Numbers count from 0 in the
// order of Device.Interfaces.
type Interface struct {
	Class   [3]byte // class, subclass, protocol; a printer is 7, 1, 2
	Out, In int     // endpoint numbers 1 to 15; In without its direction bit
}

// packetSize is that of a bulk endpoint at high speed (USB 2.0, 5.8.3).
const packetSize = 512

// Printer is the usual description of a printer: one interface of the printer class,
// bidirectional.
func Printer(vendor, product uint16, serial string, out, in int) Device {
	return Device{
		Vendor: vendor, Product: product, Maker: "cardd", Name: "printer model", Serial: serial,
		Interfaces: []Interface{{Class: [3]byte{7, 1, 2}, Out: out, In: in}},
	}
}

// valid names what a device must not be.
func (d Device) valid() error {
	seen := map[int]bool{}
	for i, n := range d.Interfaces {
		if n.Out < 1 || n.Out > 15 || n.In < 1 || n.In > 15 || seen[n.Out] || seen[n.In+16] {
			return fmt.Errorf("interface %d has endpoints %d and %d: numbers are 1 to 15, each once a direction", i, n.Out, n.In)
		}
		seen[n.Out], seen[n.In+16] = true, true
	}
	if len(d.Interfaces) == 0 {
		return fmt.Errorf("the device has no interface: give it one")
	}
	return nil
}
