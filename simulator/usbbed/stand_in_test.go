//go:build linux

package usbbed

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"jukicard/printer/wire"
)

// counter is a model that counts what it hears, and stalls what is not for its port.
type counter struct {
	mu    sync.Mutex
	heard int
}

// Received is Hearer.
func (c *counter) Received() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard
}

// Control answers with how much it has heard.
func (c *counter) Control(_ context.Context, s Setup, data []byte) ([]byte, error) {
	switch {
	case s.Request == 1 && int(s.Length) == len(data):
		return []byte{byte(c.Received())}, nil
	case s.Request == 2:
		return nil, io.ErrUnexpectedEOF
	}
	return nil, ErrStall
}

// listen counts what comes until its end.
func (c *counter) listen(host io.Reader) {
	b := make([]byte, 1)
	for {
		n, err := host.Read(b)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.heard += n
		c.mu.Unlock()
	}
}

func TestStandIn(t *testing.T) {
	ctx := within(t)
	model := &counter{}
	var far net.Conn
	d := StandIn(wire.Func{Name: "model", Open: func(context.Context) (net.Conn, error) {
		var near net.Conn
		near, far = net.Pipe()
		go model.listen(far)
		return near, nil
	}}, model)
	w, err := d.Dial(ctx)
	if err != nil || d.String() != "model" {
		t.Fatal(d, err)
	}
	defer func() { _ = w.Close() }()
	c := w.(wire.Controller)
	for n := 1; n <= 20; n++ {
		if _, err := w.Write(ctx, []byte{0}); err != nil {
			t.Fatal(err)
		}
		var status [1]byte
		if got, err := c.Control(ctx, 0xA1, 1, 0, 0, status[:]); err != nil || got != 1 || int(status[0]) != n {
			t.Fatalf("after %d bytes it is asked at %d, %v", n, status[0], err)
		}
	}
	if err := c.ClearHalt(ctx, true); err != nil {
		t.Error(err)
	}
	for request, want := range map[byte]wire.Kind{9: wire.Stall, 2: wire.Broken} {
		var e *wire.Error
		if _, err := c.Control(ctx, 0x21, request, 0, 0, nil); !errors.As(err, &e) || e.Kind != want {
			t.Errorf("request %d: %v, want %s", request, err, want)
		}
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	var e *wire.Error
	if _, err := c.Control(over, 0xA1, 1, 0, 0, nil); !errors.As(err, &e) || e.Kind != wire.Timeout {
		t.Errorf("a request that was given up: %v", err)
	}
}

func TestStandInWithoutAWire(t *testing.T) {
	d := StandIn(wire.Func{Name: "model", Open: func(context.Context) (net.Conn, error) { return nil, io.EOF }}, &counter{})
	if _, err := d.Dial(within(t)); !errors.As(err, new(*wire.Error)) {
		t.Errorf("it dials: %v", err)
	}
}
