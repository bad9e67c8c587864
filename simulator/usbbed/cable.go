//go:build linux

package usbbed

import (
	"errors"
	"sync"

	"jukicard/printer/wire"
	"jukicard/simulator/lines"
)

// Cable is a device on the bus, or one that was pulled. It is a lines.Cable.
type Cable struct {
	bed      *Bed
	device   Device
	function Function
	port     int
	mu       sync.Mutex // for those below
	node     *node      // nil: unplugged
	errs     []error
}

var _ lines.Cable = (*Cable)(nil)

// lifecycle is a function that wants to know when it is on the bus.
type lifecycle interface {
	plugged(hangUp func())
	unplugged() error
}

// Dialer finds the device by its serial number and takes the first interface.
func (c *Cable) Dialer() wire.Dialer {
	i := c.device.Interfaces[0]
	return wire.USB{Vendor: c.device.Vendor, Product: c.device.Product, Serial: c.device.Serial, Out: i.Out, In: i.In}
}

// Plug puts the device back on the bus, at another address.
func (c *Cable) Plug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.node != nil {
		return errors.New("cannot plug in a device: it is in")
	}
	n, err := c.bed.add(c)
	if err != nil {
		return err
	}
	c.node = n
	if l, ok := c.function.(lifecycle); ok {
		l.plugged(func() { c.hangUp(n) })
	}
	return nil
}

// Unplug pulls it: transfers on the way end, with what they had moved, and nothing
// further gets through.
func (c *Cable) Unplug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.node != nil {
		c.errs = append(c.errs, c.bed.remove(c.node))
		c.node = nil
	}
	if l, ok := c.function.(lifecycle); ok {
		c.errs = append(c.errs, l.unplugged())
	}
	err := errors.Join(c.errs...)
	c.errs = nil
	return err
}

// hangUp is the device's own going: it drops off the bus, and the cable stays in.
func (c *Cable) hangUp(n *node) {
	_ = c.bed.remove(n) // of a directory that is gone by then
}

// Address is where on the bus the device is; 0 when it is not.
func (c *Cable) Address() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.node == nil {
		return 0
	}
	return c.node.seat.address
}
