//go:build linux

package usbbed

import (
	"context"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// Layout of struct usbdevfs_urb on 64-bit Linux and its types (include/uapi/linux/
// usbdevice_fs.h).
const (
	urbSize     = 56
	urbType     = 0
	urbEndpoint = 1
	urbStatus   = 4
	urbBuffer   = 16
	urbLength   = 24
	urbActual   = 28

	typeControl = 2
	typeBulk    = 3

	setupSize = 8
)

// urb is one transfer.
type urb struct {
	client   *client
	address  uint64 // of the struct
	buffer   uint64 // of what comes in
	kind     byte
	endpoint byte // address, direction included
	length   int
	out      []byte
	ctx      context.Context // done: discarded or unplugged
	cancel   context.CancelFunc
	in       []byte
	actual   int
	status   unix.Errno
}

// submit queues a transfer at its endpoint.
func (c *client) submit(address uint64) unix.Errno {
	p, err := c.memory.read(address, urbSize)
	if err != nil {
		return unix.EFAULT
	}
	u := &urb{
		client: c, address: address, kind: p[urbType], endpoint: p[urbEndpoint],
		buffer: binary.NativeEndian.Uint64(p[urbBuffer:]), length: int(int32(binary.NativeEndian.Uint32(p[urbLength:]))),
	}
	switch {
	case u.kind == typeControl:
		u.endpoint = 0
	case u.kind != typeBulk || c.node.interfaceOf(u.endpoint) < 0:
		return unix.EINVAL
	}
	if u.kind == typeControl || u.endpoint&inBit == 0 {
		if u.out, err = c.memory.read(u.buffer, u.length); err != nil {
			return unix.EFAULT
		}
	}
	if u.kind == typeControl && len(u.out) < setupSize {
		return unix.EINVAL
	}
	return c.node.enqueue(u)
}

// enqueue starts a transfer when those before it at the endpoint have ended.
func (n *node) enqueue(u *urb) unix.Errno {
	n.mu.Lock()
	defer n.mu.Unlock()
	if holder := n.claims[n.interfaceOf(u.endpoint)]; u.kind == typeBulk && holder != u.client {
		return unix.EBUSY
	}
	if n.gone() {
		return unix.ENODEV
	}
	u.ctx, u.cancel = context.WithCancel(n.ctx)
	u.client.urbs[u.address] = u
	q := n.queues[u.endpoint]
	if q == nil {
		q = &queue{}
		n.queues[u.endpoint] = q
	}
	q.waiting = append(q.waiting, u)
	if !q.busy {
		q.busy = true
		n.running.Add(1)
		go n.work(q)
	}
	return 0
}

// work does the transfers of one endpoint until none waits.
func (n *node) work(q *queue) {
	defer n.running.Done()
	for {
		n.mu.Lock()
		if len(q.waiting) == 0 {
			q.busy = false
			n.mu.Unlock()
			return
		}
		u := q.waiting[0]
		q.waiting = q.waiting[1:]
		halted := n.halted[u.endpoint]
		n.mu.Unlock()
		u.run(n, halted)
		n.finish(u)
	}
}

// run does one transfer.
func (u *urb) run(n *node, halted bool) {
	var err error
	switch {
	case u.ctx.Err() != nil:
		err = u.ctx.Err()
	case halted:
		err = ErrStall
	case u.kind == typeControl:
		err = u.control(n)
	case u.endpoint&inBit != 0:
		u.in, err = n.function.In(u.ctx, int(u.endpoint&^inBit), u.length)
		u.actual = len(u.in)
	default:
		u.actual, err = n.function.Out(u.ctx, int(u.endpoint), u.out)
	}
	switch {
	case u.actual > u.length:
		u.status, u.in, u.actual = unix.EOVERFLOW, nil, 0
	case err == nil:
	case n.gone():
		u.status = unix.ESHUTDOWN
	case u.ctx.Err() != nil:
		u.status = unix.ENOENT
	case errors.Is(err, ErrStall):
		u.status = unix.EPIPE
	default:
		u.status = unix.EPROTO
	}
}

// finish has the transfer reaped.
func (n *node) finish(u *urb) {
	u.cancel()
	n.mu.Lock()
	defer n.mu.Unlock()
	if u.status == unix.EPIPE && u.kind == typeBulk {
		n.halted[u.endpoint] = true
	}
	delete(u.client.urbs, u.address)
	if n.clients[u.client] {
		u.client.done = append(u.client.done, u)
		n.signal()
	}
}

// discard calls a transfer off; it is reaped as any other.
func (c *client) discard(address uint64) unix.Errno {
	c.node.mu.Lock()
	defer c.node.mu.Unlock()
	u := c.urbs[address]
	if u == nil {
		return unix.EINVAL // it has ended
	}
	u.cancel()
	return 0
}

// reap hands over the transfer that ended first.
func (c *client) reap(argument uint64) unix.Errno {
	c.node.mu.Lock()
	if len(c.done) == 0 {
		over := c.node.gone() && len(c.urbs) == 0
		c.node.mu.Unlock()
		if over {
			return unix.ENODEV
		}
		return unix.EAGAIN
	}
	u := c.done[0]
	c.done = c.done[1:]
	c.node.signal()
	c.node.mu.Unlock()
	err := errors.Join(
		c.memory.write(u.buffer, u.in),
		c.memory.write(u.address+urbStatus, binary.NativeEndian.AppendUint32(nil, uint32(-int32(u.status)))),
		c.memory.write(u.address+urbActual, binary.NativeEndian.AppendUint32(nil, uint32(u.actual))),
		c.memory.write(argument, binary.NativeEndian.AppendUint64(nil, u.address)),
	)
	if err != nil {
		return unix.EFAULT
	}
	return 0
}
