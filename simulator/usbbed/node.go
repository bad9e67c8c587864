//go:build linux

package usbbed

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	inBit     = 0x80 // of an endpoint address: towards the host (USB 2.0, 9.6.6)
	fifoSize  = 4096 // the least a pipe can hold (pipe(7))
	queuesMax = 31   // endpoint 0 and 15 each way
)

// node is a device node: what programs open. Every descriptor of theirs is a client.
type node struct {
	seat     seat
	function Function
	listener net.Listener
	fifo     int
	ctx      context.Context // done: unplugged
	cancel   context.CancelFunc
	removed  bool           // guarded by the bed's lock
	running  sync.WaitGroup // endpoints at work
	mu       sync.Mutex     // for those below
	full     bool           // the FIFO: nobody has anything to reap
	clients  map[*client]bool
	claims   map[int]*client // by interface
	halted   map[byte]bool   // by endpoint address
	queues   map[byte]*queue // by endpoint address
}

// queue are the transfers of one endpoint, which go in order (USB 2.0, 5.3.2).
type queue struct {
	waiting []*urb
	busy    bool
}

// newNode listens where the preload library connects when a program opens the node, and
// then makes the node: a library that cannot connect ends its program. For the same
// reason a node that was unplugged listens on, and refuses, until it retires.
//
// The node itself is a FIFO that is kept full: so poll says that it can be written to
// only when a transfer has ended, which is what usbdevfs says, and libusb sleeps until
// then.
func newNode(dir string, s seat, f Function) (*node, error) {
	n := &node{
		seat: s, function: f, fifo: -1,
		clients: map[*client]bool{}, claims: map[int]*client{}, halted: map[byte]bool{}, queues: make(map[byte]*queue, queuesMax),
	}
	socket := filepath.Join(dir, "ioctl/dev", s.devname())
	err := os.Remove(socket)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if n.listener, err = net.Listen("unix", socket); err != nil {
		return nil, err
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	go n.accept()
	if err := n.openFIFO(filepath.Join(dir, "dev", s.devname())); err != nil {
		n.retire()
		return nil, err
	}
	return n, nil
}

// openFIFO makes it and fills it.
func (n *node) openFIFO(path string) error {
	if err := unix.Mkfifo(path, 0o666); err != nil {
		return err
	}
	var err error
	if n.fifo, err = unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(n.fifo), unix.F_SETPIPE_SZ, fifoSize); err != nil {
		return err
	}
	n.fill()
	return nil
}

// accept serves every program that opens the node.
func (n *node) accept() {
	for {
		conn, err := n.listener.Accept()
		if err != nil {
			return
		}
		c := &client{node: n, memory: memory{conn}, urbs: map[uint64]*urb{}}
		n.mu.Lock()
		n.clients[c] = true
		n.mu.Unlock()
		go c.serve() // until the program closes it, which may be long after the unplugging
	}
}

// unplug ends all transfers and wakes whoever waits for one.
func (n *node) unplug() {
	n.mu.Lock()
	n.cancel() // from here on no transfer is taken
	n.mu.Unlock()
	n.running.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.signal()
}

// retire ends a node for good.
func (n *node) retire() {
	if n == nil {
		return
	}
	n.cancel()
	_ = n.listener.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fifo >= 0 {
		_ = unix.Close(n.fifo) // nothing can be done about it
		n.fifo = -1
	}
}

func (n *node) gone() bool { return n.ctx.Err() != nil }

// forget is a program's closing the node.
func (n *node) forget(c *client) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, holder := range n.claims {
		if holder == c {
			delete(n.claims, i)
		}
	}
	for _, u := range c.urbs {
		u.cancel()
	}
	delete(n.clients, c)
}

// signal makes the FIFO say whether anybody has something to reap; mu is held.
func (n *node) signal() {
	ready := n.gone()
	for c := range n.clients {
		ready = ready || len(c.done) > 0
	}
	switch {
	case n.fifo < 0 || ready == !n.full:
	case ready:
		n.drain()
	default:
		n.fill()
	}
}

func (n *node) fill() {
	block := make([]byte, fifoSize)
	for {
		if _, err := unix.Write(n.fifo, block); err != nil && !errors.Is(err, unix.EINTR) {
			break // EAGAIN: it is full
		}
	}
	n.full = true
}

func (n *node) drain() {
	block := make([]byte, fifoSize)
	for {
		if _, err := unix.Read(n.fifo, block); err != nil && !errors.Is(err, unix.EINTR) {
			break // EAGAIN: it is empty
		}
	}
	n.full = false
}
