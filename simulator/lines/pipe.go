package lines

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"

	"jukicard/printer/wire"
)

// answerSize is what a printer in a pipe keeps for a host that does not read yet.
const answerSize = 64 << 10

// Pipe is a model in this process. Nothing is buffered towards it; its answers wait for
// the host. It is the wire for tests in virtual time.
type Pipe struct {
	p       Printer
	name    string
	mu      sync.Mutex
	plugged bool
	now     *session // the latest, ended or not
	errs    []error
}

// NewPipe plugs a model in. name is for messages.
func NewPipe(name string, p Printer) *Pipe {
	return &Pipe{p: p, name: name, plugged: true}
}

// Dialer opens the pipe. While one host has it open, it is busy.
func (c *Pipe) Dialer() wire.Dialer {
	return wire.Func{Name: "pipe " + c.name, Open: c.open}
}

func (c *Pipe) open(context.Context) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.plugged {
		return nil, fmt.Errorf("unplugged: %w", syscall.ENODEV)
	}
	if c.now != nil {
		select {
		case <-c.now.ended:
		default:
			return nil, fmt.Errorf("open already: %w", syscall.EBUSY)
		}
		c.errs = append(c.errs, c.now.err)
	}
	near, far := net.Pipe()
	c.now = serve(c.p, newPipeHost(far), nil)
	return &pipeConn{Conn: near, session: c.now}, nil
}

// Unplug hangs up on both.
func (c *Pipe) Unplug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := errors.Join(append(c.errs, c.now.end())...)
	c.plugged, c.now, c.errs = false, nil, nil
	return err
}

// Plug lets hosts in again.
func (c *Pipe) Plug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plugged = true
	return nil
}

// pipeConn is the host's end. Closing it is noticed by a model that does not read.
type pipeConn struct {
	net.Conn
	session *session
}

// Close hangs up and waits for the model to have noticed.
func (c *pipeConn) Close() error {
	err := c.Conn.Close()
	_ = c.session.end() // kept for Unplug
	return err
}

// pipeHost is the printer's end: its writes do not wait for the host to read.
type pipeHost struct {
	net.Conn
	answers *Buffer
	ctx     context.Context
	cancel  context.CancelFunc
	pumped  chan struct{}
}

func newPipeHost(c net.Conn) *pipeHost {
	h := &pipeHost{Conn: c, answers: NewBuffer(answerSize), pumped: make(chan struct{})}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	go h.pump()
	return h
}

// pump carries answers to the host.
func (h *pipeHost) pump() {
	defer close(h.pumped)
	defer h.cancel()
	p := make([]byte, answerSize)
	for {
		n, err := h.answers.Take(h.ctx, p)
		if err != nil {
			return
		}
		if _, err := h.Conn.Write(p[:n]); err != nil {
			return
		}
	}
}

// Write keeps p for the host.
func (h *pipeHost) Write(p []byte) (int, error) { return h.answers.Put(h.ctx, p) }

// Close hangs up. What the host has not read is lost.
func (h *pipeHost) Close() error {
	h.cancel()
	err := h.Conn.Close()
	<-h.pumped
	return err
}
