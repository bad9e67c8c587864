package front_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"jukicard/simulator/press"
	"jukicard/simulator/press/front"
	"jukicard/simulator/usbbed"
)

// parrot answers every line with itself.
type parrot struct {
	f               *front.Front
	dropped, forgot int
	told            chan struct{} // gets one for every Next
}

// Next is front.Language.
func (p *parrot) Next() ([]byte, bool) {
	defer func() { p.told <- struct{}{} }()
	line, rest, ok := bytes.Cut(p.f.In, []byte{'\n'})
	if !ok {
		return nil, false
	}
	p.f.In = rest
	p.f.Note(string(line))
	if string(line) == "off" {
		p.f.Press.PowerOff()
	}
	return append(line, '!'), true
}

// Drop is front.Language.
func (p *parrot) Drop() { p.dropped++ }

// Forget is front.Language.
func (p *parrot) Forget() { p.forgot++ }

func newParrot(stubborn bool) *parrot {
	p := &parrot{f: &front.Front{Press: press.New(press.Config{Hopper: 1}), Stubborn: stubborn}, told: make(chan struct{}, 100)}
	p.f.Language = p
	return p
}

// host speaks with a front; end hangs up and gives what Serve had to say.
type host struct {
	net.Conn
	t     *testing.T
	ended chan error
	stop  context.CancelFunc
}

func serve(t *testing.T, f *front.Front) *host {
	t.Helper()
	near, far := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	h := &host{near, t, make(chan error, 1), cancel}
	go func() { h.ended <- f.Serve(ctx, far); _ = far.Close() }()
	t.Cleanup(func() { cancel(); _ = near.Close() })
	return h
}

func (h *host) say(text string) {
	h.t.Helper()
	if _, err := h.Write([]byte(text)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) hear(want string) {
	h.t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(h, got); err != nil || string(got) != want {
		h.t.Errorf("it answers %q, %v, want %q", got, err, want)
	}
}

func (h *host) end() error {
	_ = h.Close()
	return <-h.ended
}

func TestServe(t *testing.T) {
	p := newParrot(false)
	h := serve(t, p.f)
	h.say("one\ntwo\nth")
	h.hear("one!two!")
	h.say("ree\n")
	h.hear("three!")
	if log := p.f.Log(); len(log) != 3 || log[2] != "three" || p.f.Received() != 14 {
		t.Errorf("it noted %q of %d bytes", log, p.f.Received())
	}
	if err := h.end(); !errors.Is(err, io.EOF) {
		t.Errorf("hung up: %v", err)
	}
}

// What half came is forgotten with the host, unless the printer is stubborn, and by a
// reset of the printer class.
func TestHalfALine(t *testing.T) {
	for name, row := range map[string]struct {
		stubborn, reset bool
		want            string
	}{
		"hung up":             {want: "b!"},
		"hung up, stubborn":   {stubborn: true, want: "ab!"},
		"reset, but stubborn": {stubborn: true, reset: true, want: "b!"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParrot(row.stubborn)
			h := serve(t, p.f)
			h.say("a")
			<-p.told
			_ = h.end()
			if row.reset {
				if _, err := p.f.Control(t.Context(), usbbed.Setup{Type: 0x21, Request: 2}, nil); err != nil || p.dropped == 0 {
					t.Errorf("dropped %d times, %v", p.dropped, err)
				}
			}
			h = serve(t, p.f)
			h.say("b\n")
			h.hear(row.want)
			_ = h.end()
		})
	}
}

func TestOtherRequestsStall(t *testing.T) {
	p := newParrot(false)
	if _, err := p.f.Control(t.Context(), usbbed.Setup{Type: 0xA1, Request: 1}, nil); !errors.Is(err, usbbed.ErrStall) {
		t.Error(err)
	}
}

// Without power there is no answer, and with it again nothing is known any more.
func TestPower(t *testing.T) {
	p := newParrot(true)
	h := serve(t, p.f)
	h.say("off\n")
	if err := <-h.ended; !errors.Is(err, io.EOF) {
		t.Errorf("without power: %v", err)
	}
	if err := p.f.Serve(t.Context(), h); !errors.Is(err, io.EOF) {
		t.Errorf("still without power: %v", err)
	}
	p.f.Press.PowerOn()
	h = serve(t, p.f)
	h.say("back\n")
	h.hear("back!")
	_ = h.end()
	if p.forgot != 1 || p.dropped != 1 {
		t.Errorf("it forgot %d times and dropped %d times", p.forgot, p.dropped)
	}
}

// A deaf printer reads nothing until it hears again, or its host is gone.
func TestDeaf(t *testing.T) {
	p := newParrot(false)
	p.f.Press.Arm(press.Mishap{When: press.Receiving, Kind: press.Deafens})
	_ = p.f.Press.Receive()
	h := serve(t, p.f)
	h.stop()
	if err := <-h.ended; !errors.Is(err, context.Canceled) || p.f.Received() != 0 {
		t.Errorf("it heard %d bytes, %v", p.f.Received(), err)
	}
	h = serve(t, p.f)
	p.f.Press.Hear()
	h.say("now\n")
	h.hear("now!")
	_ = h.end()
}

func TestSerial(t *testing.T) {
	p := newParrot(false)
	p.f.SetSerial("42")
	if p.f.Serial() != "42" {
		t.Error(p.f.Serial())
	}
}
