package wire

import (
	"fmt"
	"strings"
)

// Serial dials a printer on a serial line. Linux only.
type Serial struct {
	// Path is the device; one under /dev/serial/by-id stays the same printer's when
	// it is plugged in elsewhere.
	Path     string
	Baud     int    // 0 is 9600
	DataBits int    // 7 or 8; 0 is 8
	Parity   Parity // the zero value is none
	StopBits int    // 1 or 2; 0 is 1
	// Handshake stops sending while the printer holds CTS low. A printer's buffer
	// is smaller than a picture: leave it off only where the cable has no such wire.
	Handshake bool
}

// Parity is the parity bit of a serial line.
type Parity int

// The parities that printers are set to.
const (
	ParityNone Parity = iota
	ParityOdd
	ParityEven
)

// String names the line and how it is set, for example "serial /dev/ttyS0 19200 8N1".
func (s Serial) String() string {
	s = s.filled()
	parity := "?"
	if s.Parity >= ParityNone && s.Parity <= ParityEven {
		parity = string("NOE"[s.Parity])
	}
	set := fmt.Sprintf("serial %s %d %d%s%d", s.Path, s.Baud, s.DataBits, parity, s.StopBits)
	if s.Handshake {
		set += " rts/cts"
	}
	return set
}

// filled has the usual values where none was given.
func (s Serial) filled() Serial {
	if s.Baud == 0 {
		s.Baud = 9600
	}
	if s.DataBits == 0 {
		s.DataBits = 8
	}
	if s.StopBits == 0 {
		s.StopBits = 1
	}
	return s
}

// valid names the setting that no line has.
func (s Serial) valid() error {
	var wrong []string
	if s.Path == "" {
		wrong = append(wrong, "path is empty: name the device, for example /dev/ttyUSB0")
	}
	if s.Baud < 0 {
		wrong = append(wrong, fmt.Sprintf("baud is %d: give the rate set at the printer", s.Baud))
	}
	if s.DataBits != 7 && s.DataBits != 8 {
		wrong = append(wrong, fmt.Sprintf("data bits is %d: give 7 or 8", s.DataBits))
	}
	if s.Parity < ParityNone || s.Parity > ParityEven {
		wrong = append(wrong, fmt.Sprintf("parity is %d: give none, odd or even", s.Parity))
	}
	if s.StopBits != 1 && s.StopBits != 2 {
		wrong = append(wrong, fmt.Sprintf("stop bits is %d: give 1 or 2", s.StopBits))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return nil
}
