package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// loadText loads a configuration file with this text.
func loadText(t *testing.T, text string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cardd.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return load(path, nil, here())
}

// TestPrinters: each named printer has the defaults of what it leaves out.
func TestPrinters(t *testing.T) {
	c, err := loadText(t, "[printers.window1]\nkind = \"xid\"\nreader = \"Reader A\"\n[printers.window2]\nkind = \"evolis\"\naddress = \"serial:/dev/ttyS0\"\nreader = \"Reader B\"\nstation = \"contactless\"\n")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]CardPrinter{
		"window1": {Kind: "xid", Address: "usb", Reader: "Reader A", Station: "contact"},
		"window2": {Kind: "evolis", Address: "serial:/dev/ttyS0", Reader: "Reader B", Station: "contactless"},
	}
	if len(c.Printers) != len(want) || c.Printers["window1"] != want["window1"] || c.Printers["window2"] != want["window2"] {
		t.Errorf("got %+v", c.Printers)
	}
	if c, err := loadText(t, ""); err != nil || len(c.Printers) != 0 {
		t.Errorf("without any: %v, %v", c, err)
	}
}

// TestPrintersRefused: what could not be opened or told apart is refused, by its key.
func TestPrintersRefused(t *testing.T) {
	const good = "kind = \"xid\"\nreader = \"A\"\n"
	for _, row := range []struct{ name, text, want string }{
		{"a kind nobody drives", "[printers.a]\nkind = \"fargo\"\nreader = \"A\"\n", "printers.a"},
		{"no kind", "[printers.a]\nreader = \"A\"\n", "printers.a"},
		{"an address that is none", "[printers.a]\naddress = \"lpt1\"\n" + good, "begins neither"},
		{"no reader", "[printers.a]\nkind = \"xid\"\n", "printers.a.reader"},
		{"one reader twice", "[printers.a]\n" + good + "[printers.b]\n" + good, "printers.a has the same reader"},
		{"a station that is none", "[printers.a]\nstation = \"side\"\n" + good, "printers.a.station"},
		{"a name that is none", "[printers.\"A b\"]\n" + good, "small letters"},
		{"a key that is none", "[printers.a]\nspeed = 3\n" + good, "printers.a.speed"},
		{"another type", "[printers.a]\nribbon = 3\n" + good, "printers.a.ribbon"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := loadText(t, row.text); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want an error with %q", err, row.want)
			}
		})
	}
}
