//go:build linux

package usbbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jukicard/printer/wire"
)

// envList has this program list the bus it is on, as a program of somebody else.
const envList = "USBBED_TEST_LIST"

func TestMain(m *testing.M) {
	if os.Getenv(envList) != "" {
		list()
		return
	}
	os.Exit(Main(m))
}

func list() {
	all, err := wire.List(context.Background())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, a := range all {
		fmt.Printf("%04x:%04x %s/%s/%s\n", a.Vendor, a.Product, a.Maker, a.Name, a.Serial)
	}
}

// echo answers what it gets, and its port status.
type echo struct{}

func (echo) Serve(_ context.Context, host io.ReadWriteCloser) error {
	b := make([]byte, 64)
	for {
		n, err := host.Read(b)
		if err != nil {
			return err
		}
		switch string(b[:n]) {
		case "off":
			return nil
		case "?":
			return errors.New("no such word")
		}
		if _, err := host.Write(b[:n]); err != nil {
			return err
		}
	}
}

func (echo) Control(_ context.Context, s Setup, _ []byte) ([]byte, error) {
	if s.Type == 0xA1 && s.Request == 1 {
		return []byte{0x18}, nil
	}
	return nil, ErrStall
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func plug(t *testing.T, serial string) *Cable {
	t.Helper()
	c, err := For(t).Plug(Printer(0x0F49, 0x0A00, serial, 1, 2), Stream(echo{}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func dial(t *testing.T, c *Cable) wire.Wire {
	t.Helper()
	w, err := c.Dialer().Dial(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A model behind USB is dialled as the printer would be. TestMain is what the package
// says, and the tests share one bus.
func Example() {
	test := func(t *testing.T) {
		cable, err := For(t).Plug(Printer(0x0F49, 0x0A00, "10000123456", 1, 2), Stream(echo{}))
		if err != nil {
			t.Fatal(err)
		}
		w, err := cable.Dialer().Dial(t.Context()) // a wire.USB: libusb finds it
		if err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		_ = cable.Unplug()
	}
	_ = test
}

func TestAnotherProgramIsOnTheBus(t *testing.T) {
	c := plug(t, "elsewhere")
	defer func() { _ = c.Unplug() }()
	env, err := For(t).Env()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(within(t), os.Args[0])
	cmd.Env = append(append(os.Environ(), env...), envList+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := "0f49:0a00 cardd/printer model/elsewhere\n"; !strings.Contains(string(out), want) {
		t.Errorf("got %q, want %q in it", out, want)
	}
}

func TestModelIsAController(t *testing.T) {
	c := plug(t, "controller")
	defer func() { _ = c.Unplug() }()
	w := dial(t, c)
	b := make([]byte, 4)
	if n, err := w.(wire.Controller).Control(within(t), 0xA1, 1, 0, 0, b); n != 1 || b[0] != 0x18 || err != nil {
		t.Errorf("port status % X, %v", b[:n], err)
	}
	// What USB asks of every device is answered without the model.
	if n, err := w.(wire.Controller).Control(within(t), 0x80, 8, 0, 0, b); n != 1 || b[0] != 1 || err != nil {
		t.Errorf("configuration % X, %v", b[:n], err)
	}
	if n, err := w.(wire.Controller).Control(within(t), 0x82, 0, 0, 0x01, b); n != 2 || b[0] != 0 || err != nil {
		t.Errorf("endpoint status % X, %v", b[:n], err)
	}
	if _, err := w.(wire.Controller).Control(within(t), 0x80, 0x30, 0, 0, b); err == nil {
		t.Error("a request that no device knows was answered")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// TestModelGoesByItself: a printer that loses power drops off the bus with its cable in.
func TestModelGoesByItself(t *testing.T) {
	for word, says := range map[string]string{"off": "", "?": "no such word"} {
		t.Run(word, func(t *testing.T) {
			c := plug(t, "power")
			before := c.Address()
			w := dial(t, c)
			if _, err := w.Write(within(t), []byte(word)); err != nil {
				t.Fatal(err)
			}
			var e *wire.Error
			if _, err := w.Read(within(t), make([]byte, 512)); !errors.As(err, &e) || e.Kind != wire.Gone {
				t.Errorf("read: %v", err)
			}
			_ = w.Close() // it is gone
			switch err := c.Unplug(); {
			case says == "" && err != nil, says != "" && (err == nil || !strings.Contains(err.Error(), says)):
				t.Errorf("unplugged: %v, want %q", err, says)
			}
			if c.Address() != 0 {
				t.Errorf("address %d without a bus", c.Address())
			}
			if err := c.Plug(); err != nil {
				t.Fatal(err)
			}
			if after := c.Address(); after == before {
				t.Errorf("address %d again", after)
			}
			w = dial(t, c)
			if err := errors.Join(w.Close(), c.Unplug()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAddressesComeRound plugs more often than a bus has addresses.
func TestAddressesComeRound(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "usbbed")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	stays, err := b.Plug(Printer(1, 1, "stays", 1, 2), Stream(echo{}))
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Plug(Printer(1, 1, "goes", 1, 2), Stream(echo{}))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{stays.Address(): true}
	for range 125 {
		if a := c.Address(); seen[a] || a < addressMin || a > addressMax {
			t.Fatalf("address %d, after %v", a, seen)
		} else {
			seen[a] = true
		}
		if err := errors.Join(c.Unplug(), c.Plug()); err != nil {
			t.Fatal(err)
		}
	}
	if a := c.Address(); a != addressMin+1 {
		t.Errorf("address %d, want %d: %d is taken", a, addressMin+1, addressMin)
	}
	if err := c.Plug(); err == nil {
		t.Error("plugged in twice")
	}
	if err := errors.Join(c.Unplug(), stays.Unplug()); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "sys/bus/usb/devices/*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDeviceIsChecked(t *testing.T) {
	rows := []struct {
		name   string
		device Device
		says   string
	}{
		{"no interface", Device{}, "no interface"},
		{"endpoint 0", Printer(1, 1, "", 0, 1), "endpoints 0 and 1"},
		{"endpoint 16", Printer(1, 1, "", 1, 16), "endpoints 1 and 16"},
		{"an endpoint twice", Device{Interfaces: []Interface{{Out: 1, In: 1}, {Out: 2, In: 1}}}, "interface 1"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if _, err := For(t).Plug(row.device, Stream(echo{})); err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v, want %q", err, row.says)
			}
		})
	}
	if _, err := New("/tmp/" + strings.Repeat("x", 60)); err == nil || !strings.Contains(err.Error(), "give a shorter one") {
		t.Errorf("long directory: %v", err)
	}
}

// TestDescriptors spells them out (USB 2.0, 9.6).
func TestDescriptors(t *testing.T) {
	d := Printer(0x2166, 0x701D, "日1", 2, 1)
	rows := []struct {
		name  string
		value uint16
		want  []byte
	}{
		{"device", 0x0100, []byte{18, 1, 0, 2, 0, 0, 0, 64, 0x66, 0x21, 0x1D, 0x70, 0, 1, 1, 2, 3, 1}},
		{"configuration", 0x0200, []byte{
			9, 2, 32, 0, 1, 1, 0, 0xC0, 1,
			9, 4, 0, 0, 2, 7, 1, 2, 0,
			7, 5, 0x02, 2, 0, 2, 0,
			7, 5, 0x81, 2, 0, 2, 0,
		}},
		{"languages", 0x0300, []byte{4, 3, 9, 4}},
		{"serial number", 0x0303, []byte{6, 3, 0xE5, 0x65, '1', 0}},
		{"no such string", 0x0304, nil},
		{"no such descriptor", 0x0600, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := d.descriptor(row.value); !bytes.Equal(got, row.want) {
				t.Errorf("got % X, want % X", got, row.want)
			}
		})
	}
}

// TestMonitorMessage has the hashes from another implementation of MurmurHash2.
func TestMonitorMessage(t *testing.T) {
	m := monitorMessage("ACTION=add\x00")
	if len(m) != 51 || !bytes.HasPrefix(m, []byte("libudev\x00\xFE\xED\xCA\xFE")) {
		t.Errorf("got %q", m)
	}
	for text, want := range map[string]uint32{"": 0, "a": 0x92685F5E, "usb": 0x0577C5E5, "usb_device": 0x27F8F50C, "hello": 0xE56129CB} {
		if got := murmur2(text); got != want {
			t.Errorf("%q is %X, want %X", text, got, want)
		}
	}
}
