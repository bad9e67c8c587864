package wire

import (
	"context"
	"net"
	"time"
)

// timeoutDial bounds a connection to a printer that is off: without it the kernel tries
// for two minutes (tcp(7), tcp_syn_retries).
const timeoutDial = 10 * time.Second

// TCP dials a printer in the network. A printer serves one host at a time, and most say
// nothing to the second: that somebody else has it open shows as a Timeout of the first
// answer, not as Busy.
type TCP struct {
	Address string // host:port, for example "192.0.2.7:50730"
}

// String names the printer by its address.
func (t TCP) String() string { return "tcp " + t.Address }

// Dial connects within ten seconds or ctx, whichever ends first. A printer that is off,
// refuses or has no such name is Gone, one that does not answer a Timeout.
func (t TCP) Dial(ctx context.Context) (Wire, error) {
	d := net.Dialer{Timeout: timeoutDial}
	c, err := d.DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return nil, &Error{Op: "dial", Name: t.String(), Kind: kindOf(err), Err: err}
	}
	return &stream{name: t.String(), d: c.(*net.TCPConn)}, nil
}
