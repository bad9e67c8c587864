package vpcd

import (
	"io"
	"net"
	"syscall"
)

// quickReader acknowledges at once what it reads. vpcd writes length and body
// apart, and its kernel holds the body back until the length is acknowledged,
// which takes 40 ms unless TCP_QUICKACK is set; the kernel forgets the option at
// will (tcp(7)), so it is set before every read. Once at the start gave 20
// commands a second, this gives thousands.
type quickReader struct {
	conn *net.TCPConn
	raw  syscall.RawConn
	set  func(fd uintptr) // made once: a closure a read would be garbage a read
	err  error            // of the latest set
}

func quickRead(conn *net.TCPConn) (io.Reader, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	q := &quickReader{conn: conn, raw: raw}
	q.set = func(fd uintptr) {
		q.err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	}
	return q, nil
}

func (q *quickReader) Read(b []byte) (int, error) {
	if err := q.raw.Control(q.set); err != nil {
		return 0, err
	}
	if q.err != nil {
		return 0, q.err
	}
	return q.conn.Read(b)
}
