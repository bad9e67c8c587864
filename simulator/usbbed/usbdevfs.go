//go:build linux

package usbbed

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Requests of usbdevfs, by number: the direction and size bits are not looked at
// (Linux, include/uapi/linux/usbdevice_fs.h).
const (
	setInterface    = 4
	setConfig       = 5
	getDriver       = 8
	submitURB       = 10
	discardURB      = 11
	reapURB         = 12
	reapURBNow      = 13
	claimInterface  = 15
	releaseIface    = 16
	driverIoctl     = 18
	reset           = 20
	clearHalt       = 21
	getCapabilities = 26
	disconnectClaim = 27
	getSpeed        = 31

	usbdevfsType = 'U'

	// ZERO_PACKET and NO_PACKET_SIZE_LIM: a transfer is one URB of any size.
	capabilities = 0x01 | 0x04
	speedHigh    = 3
)

// ioctl is one call on the node.
func (c *client) ioctl(request uint32, argument uint64) (int, unix.Errno) {
	if byte(request>>8) != usbdevfsType {
		return 0, unix.ENOTTY
	}
	number := byte(request)
	if c.node.gone() && number != reapURB && number != reapURBNow {
		return 0, unix.ENODEV
	}
	switch number {
	case submitURB:
		return 0, c.submit(argument)
	case discardURB:
		return 0, c.discard(argument)
	case reapURB, reapURBNow:
		return 0, c.reap(argument)
	case getCapabilities:
		return 0, c.put(argument, capabilities)
	case getSpeed:
		return speedHigh, 0
	case getDriver, driverIoctl:
		return 0, unix.ENODATA // no kernel driver has the interface
	case setConfig:
		return 0, 0
	case reset:
		c.node.clear(func(byte) bool { return true })
		return 0, 0
	case claimInterface, disconnectClaim, releaseIface, setInterface, clearHalt:
		return 0, c.onInterface(number, argument)
	}
	return 0, unix.ENOTTY
}

// onInterface are the calls whose argument begins with an interface or an endpoint.
func (c *client) onInterface(number byte, argument uint64) unix.Errno {
	p, err := c.memory.read(argument, 4)
	if err != nil {
		return unix.EFAULT
	}
	which := int(binary.NativeEndian.Uint32(p))
	switch number {
	case clearHalt:
		c.node.clear(func(endpoint byte) bool { return endpoint == byte(which) })
		return 0
	case setInterface:
		c.node.clear(func(endpoint byte) bool { return c.node.interfaceOf(endpoint) == which })
		return 0
	case releaseIface:
		return c.node.release(which, c)
	}
	return c.node.claim(which, c)
}

func (c *client) put(address uint64, value uint32) unix.Errno {
	if c.memory.write(address, binary.NativeEndian.AppendUint32(nil, value)) != nil {
		return unix.EFAULT
	}
	return 0
}

// claim gives an interface to one descriptor alone.
func (n *node) claim(number int, c *client) unix.Errno {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch holder := n.claims[number]; {
	case number >= len(n.seat.device.Interfaces):
		return unix.ENOENT
	case holder != nil && holder != c:
		return unix.EBUSY
	}
	n.claims[number] = c
	return 0
}

func (n *node) release(number int, c *client) unix.Errno {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.claims[number] != c {
		return unix.EINVAL
	}
	delete(n.claims, number)
	return 0
}

// interfaceOf is the interface that an endpoint address belongs to, or -1.
func (n *node) interfaceOf(endpoint byte) int {
	for i, in := range n.seat.device.Interfaces {
		if int(endpoint) == in.Out || int(endpoint) == in.In|inBit {
			return i
		}
	}
	return -1
}

// clear ends the halt of the endpoints meant.
func (n *node) clear(meant func(endpoint byte) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for e := range n.halted {
		if meant(e) {
			delete(n.halted, e)
		}
	}
}
