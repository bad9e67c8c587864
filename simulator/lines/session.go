package lines

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// session is one Serve.
type session struct {
	cancel context.CancelFunc
	host   io.Closer
	ended  chan struct{} // closed when Serve has returned
	err    error         // Serve's, to be read when ended is closed
}

// serve runs the model on a host and closes it afterwards. after, if any, runs last.
func serve(p Printer, host io.ReadWriteCloser, after func()) *session {
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{cancel: cancel, host: host, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		err := p.Serve(ctx, host)
		if !isGone(err) {
			s.err = err
		}
		cancel()
		_ = host.Close()
		if after != nil {
			after()
		}
	}()
	return s
}

// end takes the host away, waits and gives Serve's error.
func (s *session) end() error {
	if s == nil {
		return nil
	}
	s.cancel()
	_ = s.host.Close() // the model may have done so
	<-s.ended
	return s.err
}

// gone are the ways in which a host is found to be gone.
var gone = []error{
	io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, os.ErrClosed,
	syscall.EIO, syscall.EPIPE, syscall.ECONNRESET, context.Canceled,
}

func isGone(err error) bool {
	for _, g := range gone {
		if errors.Is(err, g) {
			return true
		}
	}
	return false
}
