package printers

import (
	"context"
	"errors"
	"strings"
	"testing"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// TestAddresses: each form of the configuration, and what is none.
func TestAddresses(t *testing.T) {
	for _, row := range []struct {
		text string
		want Address
		err  string
	}{
		{"usb", Address{Wire: "usb"}, ""},
		{"usb:81500123", Address{Wire: "usb", Serial: "81500123"}, ""},
		{"tcp:printer.example", Address{Wire: "tcp", Host: "printer.example"}, ""},
		{"tcp:192.0.2.7:50730", Address{Wire: "tcp", Host: "192.0.2.7", Port: 50730}, ""},
		{"tcp:[2001:db8::7]:9100", Address{Wire: "tcp", Host: "2001:db8::7", Port: 9100}, ""},
		{"serial:/dev/ttyS0", Address{Wire: "serial", Path: "/dev/ttyS0"}, ""},
		{"serial:/dev/ttyS0,115200", Address{Wire: "serial", Path: "/dev/ttyS0", Baud: 115200}, ""},
		{"", Address{}, "begins neither"},
		{"lpt1", Address{}, "begins neither"},
		{"tcp:", Address{}, "names no host"},
		{"tcp:host:0", Address{}, "from 1 to 65535"},
		{"tcp:host:http", Address{}, "from 1 to 65535"},
		{"serial:ttyS0", Address{}, "written whole"},
		{"serial:/dev/ttyS0,fast", Address{}, "from 300"},
	} {
		t.Run(row.text, func(t *testing.T) {
			got, err := ParseAddress(row.text)
			switch {
			case row.err == "" && (err != nil || got != row.want):
				t.Errorf("got %+v: %v", got, err)
			case row.err != "" && (err == nil || !strings.Contains(err.Error(), row.err) || !strings.Contains(err.Error(), "write usb")):
				t.Errorf("got %v, want an error with %q and the forms", err, row.err)
			}
		})
	}
}

// FuzzParseAddress: what is taken is dialled whole or refused with a reason.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"usb", "usb:1", "tcp:a", "tcp:a:1", "tcp:[::1]:2", "serial:/dev/a,300"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		d, err := a.Dialer(wire.USB{Vendor: 1}, 9100)
		if err != nil || d.String() == "" {
			t.Fatalf("%+v is not dialled: %v", a, err)
		}
	})
}

// TestWhatCannotBeReached: a printer is refused at start where its kind has no such wire.
func TestWhatCannotBeReached(t *testing.T) {
	for _, row := range []struct{ kind, address, want string }{
		{"fargo", "usb", "none of"},
		{"xid", "usb0", "begins neither"},
		{"evolis", "tcp:printer", "tcp:HOST:PORT"},
	} {
		if _, err := New(Spec{Name: "p1", Kind: row.kind, Address: row.address}); err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), "p1") {
			t.Errorf("%s at %s: %v", row.kind, row.address, err)
		}
	}
	if _, err := New(Spec{Name: "p1", Kind: "xid", Address: "tcp:printer"}); err != nil {
		t.Error(err)
	}
}

// TestWarnings: a supply is warned of before it is used up, and one that is not counted
// is not.
func TestWarnings(t *testing.T) {
	got := Warnings([]printer.Supply{
		{Name: "ribbon", Remaining: 20, Capacity: 200},
		{Name: "film", Remaining: 101, Capacity: 1000},
		{Name: "cards", Remaining: -1, Capacity: -1},
		{Name: "cleaning", Remaining: 0, Capacity: 5},
		{Name: "laminate", Remaining: 3, Capacity: -1},
		{Name: "spare", Remaining: 4, Capacity: 5},
		{Name: "full", Remaining: 5, Capacity: 5},
		{Name: "cards", Remaining: -1, Capacity: -1, Low: true},
	})
	want := []string{"ribbon: enough for 20 cards; lay a new ribbon beside the printer", "cleaning: enough for 0 cards; lay a cleaning card beside the printer",
		"laminate: enough for 3 cards; have a new one at hand", "spare: enough for 4 cards; have a new one at hand",
		"cards: nearly used up; fill the hopper"}
	if len(got) != len(want) {
		t.Fatalf("%d warnings: %+v", len(got), got)
	}
	for i, w := range got {
		if w.Text != want[i] {
			t.Errorf("got %q, want %q", w.Text, want[i])
		}
	}
}

// slow is a device whose Status waits for release.
type slow struct {
	printer.Device
	entered, release chan struct{}
	closed           bool
}

func (s *slow) Status(context.Context) (printer.Status, error) {
	s.entered <- struct{}{}
	<-s.release
	return printer.Status{CardsPrinted: 7, Position: printer.Head}, nil
}

func (s *slow) Close() error { s.closed = true; return nil }

// TestGlance: who looks at a printer that is at work does not wait, and is told so.
func TestGlance(t *testing.T) {
	s := &slow{entered: make(chan struct{}), release: make(chan struct{})}
	opened := 0
	p := Over(Spec{Name: "p1"}, func(context.Context) (printer.Device, error) { opened++; return s, nil })
	done := make(chan error)
	go func() {
		_, err := p.Status(t.Context())
		done <- err
	}()
	<-s.entered
	st, err := p.Glance(t.Context())
	if err != nil || !st.Busy() || st.Position != printer.Lost {
		t.Errorf("before anything is known: %+v: %v", st, err)
	}
	close(s.release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	go func() { <-s.entered }()
	if st, err = p.Glance(t.Context()); err != nil || st.Busy() || st.CardsPrinted != 7 {
		t.Errorf("at rest: %+v: %v", st, err)
	}
	if err := p.Close(); err != nil || !s.closed || opened != 1 {
		t.Errorf("opened %d times, closed %t: %v", opened, s.closed, err)
	}
}

// TestASwitchedOffPrinter is no reason not to start: what it is asked fails, and a print
// that could not begin left the card blank.
func TestASwitchedOffPrinter(t *testing.T) {
	gone := &wire.Error{Op: "dial", Name: "usb 2166:701d", Kind: wire.Gone, Err: errors.New("no such device")}
	p := Over(Spec{Name: "p1"}, func(context.Context) (printer.Device, error) { return nil, gone })
	if _, err := p.Status(t.Context()); !errors.Is(err, gone) {
		t.Error(err)
	}
	var print *printer.PrintError
	if err := p.Print(t.Context(), printer.Face{}, nil); !errors.As(err, &print) || print.Surface != printer.SurfaceBlank {
		t.Error(err)
	}
	if s, err := p.Surface(t.Context(), 1); s != printer.SurfaceUnknown || err == nil {
		t.Error(s, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestWhatADriverLacks is said, with where to do it instead.
func TestWhatADriverLacks(t *testing.T) {
	p := Over(Spec{Name: "p1"}, func(context.Context) (printer.Device, error) { return &slow{}, nil })
	var fault *printer.FaultError
	for _, err := range []error{p.Clean(t.Context()), p.PrintTest(t.Context()), func() error { _, err := p.Identity(t.Context()); return err }()} {
		if !errors.As(err, &fault) || fault.Fault.Kind != printer.Refused || !strings.Contains(err.Error(), "own menu") {
			t.Errorf("got %v", err)
		}
	}
}
