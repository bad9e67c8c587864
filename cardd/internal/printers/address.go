package printers

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"jukicard/printer/wire"
)

// Address is how a printer is reached, as the configuration writes it:
//
//	usb                        the only printer of its kind on the bus
//	usb:81500123               the one with this serial number in its descriptor
//	tcp:printer.example        at the kind's own port
//	tcp:192.0.2.7:50730        at another
//	serial:/dev/serial/by-id/X at 9600 baud
//	serial:/dev/ttyS0,115200   at another rate
type Address struct {
	Wire   string // "usb", "tcp" or "serial"
	Serial string // of USB
	Host   string // of TCP
	Port   int    // of TCP; 0 is the kind's own
	Path   string // of a serial line
	Baud   int    // 0 is 9600
}

// ParseAddress reads an address. Its error names the rule and shows the forms.
func ParseAddress(s string) (Address, error) {
	kind, rest, _ := strings.Cut(s, ":")
	var a Address
	var err error
	switch kind {
	case "usb":
		a = Address{Wire: kind, Serial: rest}
	case "tcp":
		a, err = parseTCP(rest)
	case "serial":
		a, err = parseSerial(rest)
	default:
		err = fmt.Errorf("it begins neither with usb nor with tcp: or serial: as it must")
	}
	if err != nil {
		return Address{}, fmt.Errorf("cannot use the address %q: %w; write usb, usb:SERIAL, tcp:HOST, tcp:HOST:PORT, serial:/dev/PATH or serial:/dev/PATH,BAUD", s, err)
	}
	return a, nil
}

func parseTCP(rest string) (Address, error) {
	if rest == "" {
		return Address{}, fmt.Errorf("it names no host")
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil { // no port
		return Address{Wire: "tcp", Host: strings.Trim(rest, "[]")}, nil
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 || host == "" {
		return Address{}, fmt.Errorf("the port is a number from 1 to 65535 behind a host")
	}
	return Address{Wire: "tcp", Host: host, Port: n}, nil
}

func parseSerial(rest string) (Address, error) {
	path, baud, rated := strings.Cut(rest, ",")
	if !strings.HasPrefix(path, "/") {
		return Address{}, fmt.Errorf("the line is a device under /dev, written whole")
	}
	a := Address{Wire: "serial", Path: path}
	if rated {
		n, err := strconv.Atoi(baud)
		if err != nil || n < 300 || n > 4_000_000 {
			return Address{}, fmt.Errorf("the rate is a number from 300 to 4000000 baud")
		}
		a.Baud = n
	}
	return a, nil
}

// Dialer is what dials the address of a printer whose kind is known on the bus as usb and
// listens at port.
func (a Address) Dialer(usb wire.USB, port int) (wire.Dialer, error) {
	switch {
	case a.Wire == "usb" && usb.Vendor != 0:
		usb.Serial = a.Serial
		return usb, nil
	case a.Wire == "tcp" && a.Port == 0 && port == 0:
		return nil, fmt.Errorf("printers of this kind have no port of their own: write tcp:HOST:PORT")
	case a.Wire == "tcp" && a.Port == 0:
		a.Port = port
		fallthrough
	case a.Wire == "tcp":
		return wire.TCP{Address: net.JoinHostPort(a.Host, strconv.Itoa(a.Port))}, nil
	case a.Wire == "serial":
		return wire.Serial{Path: a.Path, Baud: a.Baud, Handshake: true}, nil
	}
	return nil, fmt.Errorf("printers of this kind are not reached by %s", a.Wire)
}
