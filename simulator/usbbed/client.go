//go:build linux

package usbbed

import (
	"encoding/binary"
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// Commands of the preload library's protocol, three unsigned longs each (umockdev
// 0.17.16, src/libumockdev-preload.c, IOCTL_REQ_* and IOCTL_RES_*).
const (
	commandIoctl    = 1 // request, argument
	commandDone     = 3 // result, errno
	commandReadMem  = 5 // address, length; the bytes come back
	commandWriteMem = 6 // address, length; the bytes follow
)

// memory is a program's memory, read and written over its socket.
type memory struct{ conn net.Conn }

func (m memory) send(command, a, b uint64) error {
	var p [24]byte
	binary.NativeEndian.PutUint64(p[0:], command)
	binary.NativeEndian.PutUint64(p[8:], a)
	binary.NativeEndian.PutUint64(p[16:], b)
	_, err := m.conn.Write(p[:])
	return err
}

func (m memory) read(address uint64, length int) ([]byte, error) {
	p := make([]byte, length)
	if length == 0 {
		return p, nil
	}
	if err := m.send(commandReadMem, address, uint64(length)); err != nil {
		return nil, err
	}
	_, err := io.ReadFull(m.conn, p)
	return p, err
}

func (m memory) write(address uint64, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if err := m.send(commandWriteMem, address, uint64(len(p))); err != nil {
		return err
	}
	_, err := m.conn.Write(p)
	return err
}

// client is one descriptor of one program.
type client struct {
	node   *node
	memory memory
	// Those below are guarded by node.mu.
	urbs map[uint64]*urb // by address in the program
	done []*urb          // ended, not reaped
}

// serve answers ioctls until the descriptor is closed.
func (c *client) serve() {
	defer func() {
		c.node.forget(c)
		_ = c.memory.conn.Close() // read to its end
	}()
	var p [24]byte
	for {
		if _, err := io.ReadFull(c.memory.conn, p[:]); err != nil {
			return
		}
		result, errno := -1, unix.EINVAL // reading and writing a node is no use
		if binary.NativeEndian.Uint64(p[0:]) == commandIoctl {
			result, errno = c.ioctl(uint32(binary.NativeEndian.Uint64(p[8:])), binary.NativeEndian.Uint64(p[16:]))
		}
		if errno != 0 {
			result = -1
		}
		if c.memory.send(commandDone, uint64(result), uint64(errno)) != nil {
			return
		}
	}
}
