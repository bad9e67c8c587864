package apdu

import (
	"context"
	"sync/atomic"
)

// Counts is what went over a Transport.
type Counts struct {
	APDUs    int64 // commands sent, those that failed included
	Sent     int64 // bytes of commands
	Received int64 // bytes of answers, status words included
}

// Sub is what was added since earlier.
func (c Counts) Sub(earlier Counts) Counts {
	return Counts{c.APDUs - earlier.APDUs, c.Sent - earlier.Sent, c.Received - earlier.Received}
}

// Counter counts the exchanges of the Transports it wraps. The zero value is ready.
// Any goroutine may read Counts at any time.
type Counter struct {
	apdus, sent, received atomic.Int64
}

// Wrap is a Wrapper.
func (n *Counter) Wrap(t Transport) Transport { return &counted{t, n} }

// Counts is the state now.
func (n *Counter) Counts() Counts {
	return Counts{APDUs: n.apdus.Load(), Sent: n.sent.Load(), Received: n.received.Load()}
}

type counted struct {
	t Transport
	n *Counter
}

func (c *counted) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	c.n.apdus.Add(1)
	c.n.sent.Add(int64(len(command)))
	answer, err := c.t.Transmit(ctx, command)
	c.n.received.Add(int64(len(answer)))
	return answer, err
}
