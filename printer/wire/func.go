package wire

import (
	"context"
	"net"
)

// Func dials by a function: a printer model in this process, or a connection that is
// made in a way of its own.
type Func struct {
	Name string
	// Open gives the host's end, for example of a net.Pipe. It honours deadlines.
	Open func(ctx context.Context) (net.Conn, error)
}

// String is the name given.
func (f Func) String() string { return f.Name }

// Dial calls Open and classes its error as that of a stream.
func (f Func) Dial(ctx context.Context) (Wire, error) {
	c, err := f.Open(ctx)
	if err != nil {
		return nil, &Error{Op: "dial", Name: f.Name, Kind: kindOf(err), Err: err}
	}
	return &stream{name: f.Name, d: c}, nil
}
