//go:build linux

package usbbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Bed is the bus. Its methods may be called at once.
type Bed struct {
	dir     string
	mu      sync.Mutex
	ports   int           // ports of the hub in use so far
	address int           // of the device plugged in last
	nodes   map[int]*node // by address
	former  map[int]*node // unplugged, by address, until the address is another's
	events  int           // sent so far
}

const (
	addressMin = 2   // 1 is the hub
	addressMax = 127 // USB 2.0, 8.3.2.1
	dirMax     = 60  // sun_path has 108 bytes and the socket's name below takes its part (unix(7))
)

// New makes an empty bus in a directory, which is made if need be. Its name is at most
// 60 bytes long.
func New(dir string) (*Bed, error) {
	if len(dir) > dirMax {
		return nil, fmt.Errorf("cannot make a USB bus: the directory's name has %d bytes, at most %d fit: give a shorter one", len(dir), dirMax)
	}
	for _, p := range []string{"dev/.node", "dev/bus/usb/001", "sys/bus/usb/devices", "sys/devices", "sys/class", "ioctl/dev/bus/usb/001"} {
		if err := os.MkdirAll(filepath.Join(dir, p), 0o755); err != nil {
			return nil, fmt.Errorf("cannot make a USB bus: %w", err)
		}
	}
	return &Bed{dir: dir, address: addressMin - 1, nodes: map[int]*node{}, former: map[int]*node{}}, nil
}

// Env is what another program needs in its environment to be on this bus.
func (b *Bed) Env() ([]string, error) {
	lib, err := preload()
	if err != nil {
		return nil, err
	}
	return []string{"UMOCKDEV_DIR=" + b.dir, "LD_PRELOAD=" + lib}, nil
}

// Plug puts a device on the bus, at an address that was not the latest one's.
func (b *Bed) Plug(d Device, f Function) (*Cable, error) {
	if err := d.valid(); err != nil {
		return nil, fmt.Errorf("cannot plug in %04x:%04x: %w", d.Vendor, d.Product, err)
	}
	b.mu.Lock()
	b.ports++
	c := &Cable{bed: b, device: d, function: f, port: b.ports}
	b.mu.Unlock()
	return c, c.Plug()
}

// add is a new node on the bus, known to udev.
func (b *Bed) add(c *Cable) (*node, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	address, err := b.free()
	if err != nil {
		return nil, err
	}
	b.former[address].retire()
	delete(b.former, address)
	s := seat{device: c.device, port: c.port, address: address}
	n, err := newNode(b.dir, s, c.function)
	if err != nil {
		return nil, err
	}
	if err := b.writeTree(s); err != nil {
		n.retire()
		return nil, err
	}
	b.nodes[address], b.address = n, address
	return n, b.send("add", s)
}

// free is the next address that nothing has.
func (b *Bed) free() (int, error) {
	a := b.address
	for range addressMax {
		if a++; a > addressMax {
			a = addressMin
		}
		if b.nodes[a] == nil {
			return a, nil
		}
	}
	return 0, errors.New("all addresses of the bus are taken")
}

// remove takes a node off the bus: its transfers end, udev is told. A device may go by
// itself while its cable is pulled, so removing twice is nothing.
func (b *Bed) remove(n *node) error {
	b.mu.Lock()
	first := !n.removed
	n.removed = true
	b.mu.Unlock()
	if !first {
		return nil
	}
	n.unplug()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.nodes, n.seat.address)
	b.former[n.seat.address] = n
	// The event comes last: whoever hears it looks the device up no more, and whoever
	// looks without hearing finds it gone.
	return errors.Join(b.removeTree(n.seat), b.send("remove", n.seat))
}
