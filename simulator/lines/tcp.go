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
	listener *net.TCPListener
	accepted chan struct{} // closed when nobody accepts any more
	mu       sync.Mutex    // for those below
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
	c.listener, c.address, c.accepted = l.(*net.TCPListener), l.Addr().String(), make(chan struct{})
	go c.accept(c.listener, c.accepted)
	return nil
}

func (c *TCP) accept(l *net.TCPListener, accepted chan struct{}) {
	defer close(accepted)
	for {
		conn, err := l.AcceptTCP()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.errs = append(c.errs, c.now.end())
		c.now = serve(c.p, conn, nil)
		c.mu.Unlock()
	}
}

// Unplug resets the connection and refuses others.
func (c *TCP) Unplug() error {
	if c.listener == nil {
		return nil
	}
	err := c.listener.Close()
	c.listener = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now != nil {
		// What the printer had not read is lost with it: the host is told so at
		// once instead of by a time-out.
		_ = c.now.host.(*net.TCPConn).SetLinger(0)
	}
	err = errors.Join(append(c.errs, c.now.end(), err)...)
	c.now, c.errs = nil, nil
	return err
}
