package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// duplex is a stream whose reads and writes can be given up.
type duplex interface {
	io.ReadWriteCloser
	deadlines
}

type deadlines interface {
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// stream is the wire over everything that is one already: TCP, a terminal, a pipe.
type stream struct {
	name   string
	d      duplex
	failed bool
	// release is called before the stream is closed, with whether it had failed.
	release func(failed bool) error
}

// past is a deadline that has gone by: it ends a call that waits.
var past = time.Unix(1, 0)

// Write sends all of p. Sent counts what the operating system took: over TCP and a
// serial line that is not yet at the printer.
func (s *stream) Write(ctx context.Context, p []byte) (int, error) {
	n, err := bounded(ctx, s.d.SetWriteDeadline, func() (int, error) { return s.d.Write(p) })
	if err != nil {
		s.failed = true
		return n, &Error{Op: "write", Name: s.name, Kind: kindOf(err), Sent: n, Err: err}
	}
	return n, nil
}

// Read takes what is there. A failure that came with bytes is told at the next Read.
func (s *stream) Read(ctx context.Context, p []byte) (int, error) {
	n, err := bounded(ctx, s.d.SetReadDeadline, func() (int, error) { return s.d.Read(p) })
	if n > 0 || err == nil {
		return n, nil
	}
	e := &Error{Op: "read", Name: s.name, Kind: kindOf(err), Err: err}
	s.failed = s.failed || e.Kind != Timeout
	return 0, e
}

// Close hangs up.
func (s *stream) Close() error {
	var err error
	if s.release != nil {
		err = s.release(s.failed)
	}
	return errors.Join(err, s.d.Close())
}

// bounded runs op until it ends or ctx does, whose error it then is. The deadline is
// taken back, so that the stream can be used again.
func bounded(ctx context.Context, set func(time.Time) error, op func() (int, error)) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	given := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(given)
		_ = set(past) // of a stream that is closed: op has ended
	})
	n, err := op()
	if stop() {
		return n, err
	}
	<-given
	_ = set(time.Time{})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ctx.Err()
	}
	return n, err
}

// kinds is what the errors of streams and of opening them mean; what is not here is
// Broken. EIO is how a terminal says that its other end is gone (tty_ioctl(4)).
var kinds = []struct {
	kind Kind
	errs []error
}{
	{Timeout, []error{context.Canceled, context.DeadlineExceeded, os.ErrDeadlineExceeded, syscall.ETIMEDOUT}},
	{Busy, []error{syscall.EBUSY, syscall.EWOULDBLOCK}},
	{Gone, []error{
		io.EOF, io.ErrClosedPipe, io.ErrUnexpectedEOF, net.ErrClosed, os.ErrClosed,
		syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.ECONNABORTED, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
		syscall.EIO, syscall.ENODEV, syscall.ENXIO, os.ErrNotExist,
	}},
}

func kindOf(err error) Kind {
	for _, row := range kinds {
		for _, e := range row.errs {
			if errors.Is(err, e) {
				return row.kind
			}
		}
	}
	var ne net.Error
	switch {
	case errors.As(err, new(*net.DNSError)):
		return Gone
	case errors.As(err, &ne) && ne.Timeout():
		return Timeout
	}
	return Broken
}
