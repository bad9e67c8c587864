//go:build linux && cgo

package wire_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"jukicard/printer/wire"
	"jukicard/simulator/usbbed"
)

// plug puts a device on the bus for as long as the test runs.
func plug(t *testing.T, d usbbed.Device, f usbbed.Function) *usbbed.Cable {
	t.Helper()
	c, err := usbbed.For(t).Plug(d, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Unplug(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestSerialNumberChooses(t *testing.T) {
	const vendor, product = 0x2166, 0x701D
	first := newPrinter(sink)
	plug(t, usbbed.Printer(vendor, product, "A1", 2, 1), usbbed.Stream(first))
	second := plug(t, usbbed.Printer(vendor, product, "B2", 2, 1), usbbed.Stream(newPrinter(echo)))

	w, err := wire.USB{Vendor: vendor, Product: product, Serial: "B2"}.Dial(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(within(t), []byte("for B2")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, w, 6); string(got) != "for B2" {
		t.Errorf("got %q", got)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	rows := []struct {
		name   string
		dialer wire.USB
		kind   wire.Kind
		says   []string
	}{
		{"two and no number", wire.USB{Vendor: vendor, Product: product}, wire.Broken, []string{"2 printers", "A1, B2"}},
		{"another number", wire.USB{Vendor: vendor, Product: product, Serial: "C3"}, wire.Gone, []string{"serial C3", "plug it in"}},
		{"another product", wire.USB{Vendor: vendor, Product: 1}, wire.Gone, []string{"2166:0001"}},
		{"no such interface", wire.USB{Vendor: vendor, Product: product, Serial: "A1", Interface: 4}, wire.Broken, []string{"interface 4"}},
		{"no such endpoint", wire.USB{Vendor: vendor, Product: product, Serial: "A1", Out: 7}, wire.Broken, []string{"bulk OUT endpoint 7"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := row.dialer.Dial(within(t))
			e := failure(t, err)
			if e.Kind != row.kind {
				t.Errorf("kind %v of %v, want %v", e.Kind, err, row.kind)
			}
			for _, s := range row.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%v does not say %q", err, s)
				}
			}
		})
	}
	if err := second.Unplug(); err != nil {
		t.Fatal(err)
	}
	if _, err := (wire.USB{Vendor: vendor, Product: product, Serial: "B2"}).Dial(within(t)); failure(t, err).Kind != wire.Gone {
		t.Errorf("A1 in the place of B2: %v", err)
	}
	if w, err = (wire.USB{Vendor: vendor, Product: product, Out: 2, In: 0x81}).Dial(within(t)); err != nil {
		t.Fatalf("the only one: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if n, _ := first.got(); n != 0 {
		t.Errorf("A1 got %d bytes that were not for it", n)
	}
}

// TestEndpointNotAsked sees that a claim that fails leaves the printer free.
func TestEndpointNotAsked(t *testing.T) {
	d := usbbed.Printer(0x0C1F, 0x2800, "free", 1, 2)
	c := plug(t, d, usbbed.Stream(newPrinter(echo)))
	bad := c.Dialer().(wire.USB)
	bad.In = 9
	if _, err := bad.Dial(within(t)); failure(t, err).Kind != wire.Broken {
		t.Errorf("got %v", err)
	}
	w, err := c.Dialer().Dial(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestList(t *testing.T) {
	d := usbbed.Printer(0x0F49, 0x0A01, "list", 1, 2)
	d.Maker, d.Name = "Evolis", "Primacy"
	plug(t, d, usbbed.Stream(newPrinter(echo)))
	all, err := wire.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := wire.Attached{Vendor: 0x0F49, Product: 0x0A01, Maker: "Evolis", Name: "Primacy", Serial: "list"}
	if !slices.Contains(all, want) {
		t.Errorf("%+v is not in %+v", want, all)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := wire.List(ctx); failure(t, err).Kind != wire.Timeout {
		t.Errorf("cancelled: %v", err)
	}
}

// script is a device that does what the test says, packet by packet.
type script struct {
	out     func(p []byte) (int, error)
	in      func(ctx context.Context) ([]byte, error)
	control func(s usbbed.Setup, data []byte) ([]byte, error)
}

func (s script) Control(_ context.Context, p usbbed.Setup, data []byte) ([]byte, error) {
	return s.control(p, data)
}
func (s script) Out(_ context.Context, _ int, p []byte) (int, error)  { return s.out(p) }
func (s script) In(ctx context.Context, _ int, _ int) ([]byte, error) { return s.in(ctx) }

func TestStallIsCleared(t *testing.T) {
	var asked, taken atomic.Int32 // the race detector does not see the way through libusb
	c := plug(t, usbbed.Printer(0x2166, 0x701D, "stall", 2, 1), script{
		in: func(context.Context) ([]byte, error) {
			if asked.Add(1) == 1 {
				return nil, usbbed.ErrStall
			}
			return []byte("sense"), nil
		},
		out: func(p []byte) (int, error) {
			if taken.Add(1) == 1 {
				return 100, usbbed.ErrStall
			}
			return len(p), nil
		},
	})
	w := dial(t, rig{cable: c})
	bus := w.(wire.Controller)
	for range 2 { // it stays halted by itself
		_, err := w.Read(within(t), make([]byte, 512))
		if failure(t, err).Kind != wire.Stall {
			t.Fatalf("read: %v", err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the device was asked %d times, want once: it was halted", n)
	}
	if err := bus.ClearHalt(within(t), true); err != nil {
		t.Fatal(err)
	}
	if got := read(t, w, 5); string(got) != "sense" {
		t.Errorf("got %q", got)
	}
	n, err := w.Write(within(t), make([]byte, 1024))
	if e := failure(t, err); e.Kind != wire.Stall || n != 100 || e.Sent != 100 {
		t.Fatalf("wrote %d: %v", n, err)
	}
	if err := bus.ClearHalt(within(t), false); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Write(within(t), make([]byte, 31)); n != 31 || err != nil {
		t.Errorf("wrote %d: %v", n, err)
	}
}

func TestControl(t *testing.T) {
	came := make(chan string, 1)
	c := plug(t, usbbed.Printer(0x0C1F, 0x2800, "control", 1, 2), script{
		control: func(s usbbed.Setup, data []byte) ([]byte, error) {
			switch s {
			case usbbed.Setup{Type: 0xA1, Request: 1, Length: 1}: // GET_PORT_STATUS
				return []byte{0x18}, nil
			case usbbed.Setup{Type: 0x41, Request: 9, Value: 0x1234, Index: 0x5678, Length: 3}:
				came <- string(data)
				return nil, nil
			}
			return nil, usbbed.ErrStall
		},
	})
	bus := dial(t, rig{cable: c}).(wire.Controller)
	b := make([]byte, 1)
	if n, err := bus.Control(within(t), 0xA1, 1, 0, 0, b); n != 1 || err != nil || b[0] != 0x18 {
		t.Errorf("port status %d % X: %v", n, b, err)
	}
	if n, err := bus.Control(within(t), 0x41, 9, 0x1234, 0x5678, []byte("abc")); n != 3 || err != nil {
		t.Errorf("wrote %d: %v", n, err)
	}
	if got := <-came; got != "abc" {
		t.Errorf("%q came", got)
	}
	_, err := bus.Control(within(t), 0xA1, 0x55, 0, 0, b)
	if e := failure(t, err); e.Kind != wire.Stall || e.Op != "control" {
		t.Errorf("refused: %v", err)
	}
	if n, err := bus.Control(within(t), 0xA1, 1, 0, 0, b); n != 1 || err != nil {
		t.Errorf("after a refusal: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bus.Control(ctx, 0xA1, 1, 0, 0, b); failure(t, err).Kind != wire.Timeout {
		t.Errorf("cancelled: %v", err)
	}
	if err := bus.ClearHalt(ctx, true); failure(t, err).Kind != wire.Timeout {
		t.Errorf("cancelled: %v", err)
	}
	if err := c.Unplug(); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Control(within(t), 0xA1, 1, 0, 0, b); failure(t, err).Kind != wire.Gone {
		t.Errorf("unplugged: %v", err)
	}
}

// TestControlTimeout: a device that never answers holds a request no longer than asked.
func TestControlTimeout(t *testing.T) {
	released := make(chan struct{})
	c := plug(t, usbbed.Printer(0x0C1F, 0x2800, "mute", 1, 2), script{
		control: func(usbbed.Setup, []byte) ([]byte, error) { <-released; return nil, errors.New("late") },
	})
	bus := dial(t, rig{cable: c}).(wire.Controller)
	time.AfterFunc(100*time.Millisecond, func() { close(released) })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := bus.Control(ctx, 0xA1, 1, 0, 0, make([]byte, 1)); failure(t, err).Kind != wire.Timeout {
		t.Errorf("got %v", err)
	}
}

// TestEmptyPacketIsNoAnswer: some devices end a transfer by a packet without a byte.
func TestEmptyPacketIsNoAnswer(t *testing.T) {
	n := 0
	c := plug(t, usbbed.Printer(0x0F49, 0x0A00, "empty", 1, 2), script{
		in: func(context.Context) ([]byte, error) {
			if n++; n < 3 {
				return nil, nil
			}
			return []byte("OK"), nil
		},
	})
	w := dial(t, rig{cable: c})
	if got := read(t, w, 2); string(got) != "OK" {
		t.Errorf("got %q", got)
	}
	for _, room := range []int{0, 64, 513} {
		if _, err := w.Read(within(t), make([]byte, room)); failure(t, err).Kind != wire.Broken {
			t.Errorf("room for %d: %v", room, err)
		}
	}
}

// TestPartOfAnAnswer: what came before the read was given up is not lost.
func TestPartOfAnAnswer(t *testing.T) {
	c := plug(t, usbbed.Printer(0x0F49, 0x0A00, "part", 1, 2), script{
		in: func(ctx context.Context) ([]byte, error) {
			<-ctx.Done()
			return []byte("half"), ctx.Err()
		},
	})
	w := dial(t, rig{cable: c})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	b := make([]byte, 512)
	if n, err := w.Read(ctx, b); err != nil || string(b[:n]) != "half" {
		t.Errorf("got %q, %v", b[:n], err)
	}
}

func TestBusErrorIsBroken(t *testing.T) {
	c := plug(t, usbbed.Printer(0x0F49, 0x0A00, "noise", 1, 2), script{
		in: func(context.Context) ([]byte, error) { return nil, errors.New("bad CRC") },
	})
	w := dial(t, rig{cable: c})
	if _, err := w.Read(within(t), make([]byte, 512)); failure(t, err).Kind != wire.Broken {
		t.Errorf("got %v", err)
	}
}
