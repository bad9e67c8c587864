package lines

import (
	"context"
	"errors"
	"net"
	"sync"

	"jukicard/printer/wire"
)

// TCP is a model behind a port of 127.0.0.1. A host that connects takes the place of the
// one before: so a printer that stopped reading can be asked over a fresh connection.
type TCP struct {
	p        Printer
	address  string
	listener net.Listener  // nil: unplugged
	accepted chan struct{} // closed when nobody accepts any more
	mu       sync.Mutex    // for those below
	plugged  bool
	now      *session
	errs     []error
}

// NewTCP plugs a model in at a free port.
func NewTCP(p Printer) (*TCP, error) {
	c := &TCP{p: p, address: "127.0.0.1:0"}
	return c, c.Plug()
}

// Dialer connects to the port.
func (c *TCP) Dialer() wire.Dialer { return wire.TCP{Address: c.address} }

// Plug listens, at the same port as before.
func (c *TCP) Plug() error {
	if c.listener != nil {
		return errors.New("cannot plug in a printer: it is in")
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", c.address)
	if err != nil {
		return err
	}
	c.listener, c.address, c.accepted, c.plugged = l, l.Addr().String(), make(chan struct{}), true
	go c.accept(l, c.accepted)
	return nil
}

func (c *TCP) accept(l net.Listener, accepted chan struct{}) {
	defer close(accepted)
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c.take(conn.(*net.TCPConn))
	}
}

// take serves a host instead of the one before.
func (c *TCP) take(conn *net.TCPConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.plugged {
		reset(conn)
		return
	}
	c.errs = append(c.errs, c.now.end())
	c.now = serve(c.p, conn, nil)
}

// Unplug resets the connection and refuses others.
func (c *TCP) Unplug() error {
	if c.listener == nil {
		return nil
	}
	c.mu.Lock()
	c.plugged = false
	if c.now != nil {
		reset(c.now.host.(*net.TCPConn))
	}
	err := errors.Join(append(c.errs, c.now.end(), c.listener.Close())...)
	c.now, c.errs = nil, nil
	c.mu.Unlock()
	<-c.accepted
	c.listener = nil
	return err
}

// reset tells the host at once, instead of by a time-out, that what the printer had not
// read is lost.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0) // a connection that has ended needs none
	_ = conn.Close()
}
