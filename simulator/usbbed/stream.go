//go:build linux

package usbbed

import (
	"context"
	"errors"
	"io"
	"sync"

	"jukicard/simulator/lines"
)

// bufferSize is what a printer's interface holds each way before it makes the host wait.
const bufferSize = 64 << 10

// Stream makes a device of a model that speaks a stream. The first interface carries it;
// control requests go to the model if it is a Controller and are refused if not.
func Stream(p lines.Printer) Function { return &stream{p: p} }

type stream struct {
	p   lines.Printer
	mu  sync.Mutex
	now *streamHost
}

func (s *stream) host() *streamHost {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Control passes the request on.
func (s *stream) Control(ctx context.Context, setup Setup, data []byte) ([]byte, error) {
	if c, ok := s.p.(Controller); ok {
		return c.Control(ctx, setup, data)
	}
	return nil, ErrStall
}

// Out fills the model's buffer.
func (s *stream) Out(ctx context.Context, _ int, p []byte) (int, error) {
	return s.host().out.Put(ctx, p)
}

// In empties the other.
func (s *stream) In(ctx context.Context, _ int, n int) ([]byte, error) {
	p := make([]byte, n)
	n, err := s.host().in.Take(ctx, p)
	return p[:n], err
}

// plugged serves the model while the device is on the bus.
func (s *stream) plugged(hangUp func()) {
	h := &streamHost{in: lines.NewBuffer(bufferSize), out: lines.NewBuffer(bufferSize), ended: make(chan struct{})}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	s.mu.Lock()
	s.now = h
	s.mu.Unlock()
	go func() {
		defer close(h.ended)
		if err := s.p.Serve(h.ctx, h); !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
			h.err = err
		}
		h.cancel()
		hangUp()
	}()
}

// unplugged waits for the model to have noticed.
func (s *stream) unplugged() error {
	h := s.host()
	h.cancel()
	<-h.ended
	return h.err
}

// streamHost is the host as the model sees it.
type streamHost struct {
	in, out *lines.Buffer // as the host names them
	ctx     context.Context
	cancel  context.CancelFunc
	ended   chan struct{}
	err     error // to be read when ended is closed
}

func (h *streamHost) Read(p []byte) (int, error)  { return h.out.Take(h.ctx, p) }
func (h *streamHost) Write(p []byte) (int, error) { return h.in.Put(h.ctx, p) }

// Close is the device's dropping off the bus, when Serve has returned.
func (h *streamHost) Close() error {
	h.cancel()
	return nil
}
