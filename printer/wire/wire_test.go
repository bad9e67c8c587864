//go:build linux

package wire_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"jukicard/printer/wire"
	"jukicard/simulator/lines"
)

func TestNames(t *testing.T) {
	rows := []struct {
		name   string
		dialer wire.Dialer
		want   string
	}{
		{"usb with a serial number", wire.USB{Vendor: 0x2166, Product: 0x701D, Serial: "81500123"}, "usb 2166:701d serial 81500123"},
		{"usb without", wire.USB{Vendor: 0xF49, Product: 0xA}, "usb 0f49:000a"},
		{"serial as it comes", wire.Serial{Path: "/dev/ttyS0"}, "serial /dev/ttyS0 9600 8N1"},
		{"serial set", wire.Serial{Path: "/dev/ttyS0", Baud: 19200, DataBits: 7, Parity: wire.ParityEven, StopBits: 2, Handshake: true}, "serial /dev/ttyS0 19200 7E2 rts/cts"},
		{"serial set wrong", wire.Serial{Path: "x", Parity: 9}, "serial x 9600 8?1"},
		{"tcp", wire.TCP{Address: "192.0.2.7:50730"}, "tcp 192.0.2.7:50730"},
		{"func", wire.Func{Name: "model"}, "model"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := row.dialer.String(); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestError(t *testing.T) {
	err := error(&wire.Error{Op: "write", Name: "usb 2166:701d", Kind: wire.Stall, Sent: 12, Err: context.Canceled})
	if got, want := err.Error(), "cannot write usb 2166:701d (stall): context canceled"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, context.Canceled) {
		t.Error("the cause is lost")
	}
	if got := wire.Kind(9).String(); got != "kind 9" {
		t.Errorf("got %q", got)
	}
}

func TestDialFails(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close() // nobody listens there now
	missing := filepath.Join(t.TempDir(), "tty")
	open := func(err error) func(context.Context) (net.Conn, error) {
		return func(context.Context) (net.Conn, error) { return nil, err }
	}
	rows := []struct {
		name   string
		dialer wire.Dialer
		kind   wire.Kind
		says   string
	}{
		{"nobody listens", wire.TCP{Address: closed}, wire.Gone, "connection refused"},
		{"no such line", wire.Serial{Path: missing}, wire.Gone, "no such file"},
		{"no line but a file", wire.Serial{Path: "/dev/null"}, wire.Broken, "cannot dial"},
		{"no path", wire.Serial{}, wire.Broken, "path is empty: name the device"},
		{"five data bits", wire.Serial{Path: missing, DataBits: 5}, wire.Broken, "data bits is 5: give 7 or 8"},
		{"three stop bits", wire.Serial{Path: missing, StopBits: 3}, wire.Broken, "stop bits is 3"},
		{"odd parity", wire.Serial{Path: missing, Parity: 7}, wire.Broken, "parity is 7"},
		{"negative rate", wire.Serial{Path: missing, Baud: -1}, wire.Broken, "baud is -1"},
		{"busy function", wire.Func{Name: "f", Open: open(syscall.EBUSY)}, wire.Busy, "busy"},
		{"broken function", wire.Func{Name: "f", Open: open(errors.New("rust"))}, wire.Broken, "rust"},
		{"slow function", wire.Func{Name: "f", Open: open(context.DeadlineExceeded)}, wire.Timeout, "deadline"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := row.dialer.Dial(within(t))
			e := failure(t, err)
			if e.Op != "dial" || e.Kind != row.kind || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v (%v), want %v and %q", err, e.Kind, row.kind, row.says)
			}
		})
	}
}

func TestDialIsGivenUp(t *testing.T) {
	each(t, echo, func(t *testing.T, r rig) {
		if r.name == "pipe" {
			return // its function looks at nothing
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.cable.Dialer().Dial(ctx); failure(t, err).Kind != wire.Timeout {
			t.Errorf("got %v", err)
		}
	})
}

func TestAwait(t *testing.T) {
	rows := []struct {
		name  string
		errs  []error // of Open, one a call; then it succeeds
		calls int
		fails wire.Kind
		ok    bool
	}{
		{"there at once", nil, 1, 0, true},
		{"gone, then busy, then there", []error{syscall.ENODEV, syscall.EBUSY}, 3, 0, true},
		{"broken is not waited out", []error{errors.New("rust")}, 1, wire.Broken, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			calls := 0
			d := wire.Func{Name: "f", Open: func(context.Context) (net.Conn, error) {
				calls++
				if calls <= len(row.errs) {
					return nil, row.errs[calls-1]
				}
				c, _ := net.Pipe()
				return c, nil
			}}
			w, err := wire.Await(within(t), d, time.Millisecond)
			if calls != row.calls || (err == nil) != row.ok {
				t.Fatalf("%d calls, %v", calls, err)
			}
			if !row.ok {
				if failure(t, err).Kind != row.fails {
					t.Errorf("got %v", err)
				}
				return
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("given up", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		d := wire.Func{Name: "f", Open: func(context.Context) (net.Conn, error) { return nil, syscall.ENODEV }}
		if _, err := wire.Await(ctx, d, time.Millisecond); failure(t, err).Kind != wire.Gone {
			t.Errorf("got %v", err)
		}
	})
}

// TestLineIsSet looks at a line from its other side: a rate that no table has, parity,
// handshake, and what came in before it was opened.
func TestLineIsSet(t *testing.T) {
	pty, err := lines.NewPty(t.TempDir(), newPrinter(echo))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := pty.Unplug(); err != nil {
			t.Error(err)
		}
	}()
	path := pty.Dialer().(wire.Serial).Path
	w, err := wire.Serial{Path: path, Baud: 250000, Parity: wire.ParityOdd, StopBits: 2, Handshake: true}.Dial(within(t))
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY, 0)
	if err == nil { // as root; an ordinary user is kept out
		defer func() { _ = unix.Close(fd) }()
		got, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
		if err != nil {
			t.Fatal(err)
		}
		// A pseudo-terminal itself takes PARENB away (Linux, drivers/tty/pty.c).
		for name, bit := range map[string]uint32{"PARODD": unix.PARODD, "CSTOPB": unix.CSTOPB, "CRTSCTS": unix.CRTSCTS} {
			if got.Cflag&bit == 0 {
				t.Errorf("%s is off", name)
			}
		}
		if got.Ospeed != 250000 || got.Lflag&(unix.ICANON|unix.ECHO) != 0 {
			t.Errorf("%d baud, local flags %X", got.Ospeed, got.Lflag)
		}
	}
	if _, err := w.Write(within(t), []byte("stale")); err != nil {
		t.Fatal(err)
	}
	read(t, w, 1) // the rest is in the line
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w, err = pty.Dialer().Dial(within(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	if _, err := w.Write(within(t), []byte("!")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, w, 1); string(got) != "!" {
		t.Errorf("got %q, want what was asked last", got)
	}
}
