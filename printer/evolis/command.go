package evolis

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"jukicard/printer"
)

// The frame of a command: ESC, the elements between separators, CR. Psc can change the
// three; the driver leaves them as they come (Evolis A5013 Rev. E, 3).
const (
	start     = 0x1B
	separator = ';'
	stop      = '\r'
)

// order is a command with its parameters, for example "Pc;k;=;10".
type order string

// name is the order without its parameters.
func (o order) name() string {
	name, _, _ := strings.Cut(string(o), ";")
	return name
}

// frame is the order on the wire. The data of a download stand after one more separator;
// they are binary and may hold any byte.
func (o order) frame(data []byte) []byte {
	b := make([]byte, 0, len(o)+len(data)+3)
	b = append(b, start)
	b = append(b, o...)
	if data != nil {
		b = append(b, separator)
		b = append(b, data...)
	}
	return append(b, stop)
}

// reply is what a printer says to one order: text without its end.
type reply string

// ok is the plain "done".
func (r reply) ok() bool { return r == "OK" }

// refused is whether a question was not answered. Only the beginning is known: the rest
// of an error is a text for people, and "ERROR CDE" alone has a meaning in the guide.
func (r reply) refused() bool { return strings.HasPrefix(string(r), "ERR") }

// The replies of a serial line with acknowledgement switched on (Pcom): one byte, or
// NACK and a code (A5013, 5).
const (
	ack  = 0x06
	nack = 0x15
)

// nacks are the codes after NACK (A5013, 5).
var nacks = map[byte]string{
	'1': "command", '2': "parameter", 'T': "timeout or mechanical", 'C': "cover", 'F': "feeder", 'R': "ribbon",
	'K': "magnetic checksum", 'D': "magnetic data", 'W': "magnetic writing",
}

// replyMax is the longest text that is waited for: status texts have tens of bytes, and
// a printer that never ends one must not fill the memory.
const replyMax = 1024

// errEndless is a text that does not end.
var errEndless = errors.New("the printer's reply does not end")

// cutReply takes the first whole reply out of b. rest is what follows it; a reply that
// has not come to its end leaves b as it is and ok false.
func cutReply(b []byte) (r reply, rest []byte, ok bool, err error) {
	b = bytes.TrimLeft(b, "\r\n")
	switch {
	case len(b) > 0 && b[0] == ack:
		return "OK", b[1:], true, nil
	case len(b) > 1 && b[0] == nack:
		return nacked(b[1]), b[2:], true, nil
	}
	text, rest, ok := bytes.Cut(b, []byte{0}) // a reply ends with NUL (dpavlin/Printer-EVOLIS reads up to it)
	if !ok {
		if len(b) > replyMax {
			return "", nil, false, errEndless
		}
		return "", b, false, nil
	}
	if len(text) > replyMax {
		return "", nil, false, errEndless
	}
	return reply(strings.TrimSpace(printable(text))), rest, true, nil
}

// nacked words a NACK like the texts that other links give.
func nacked(code byte) reply {
	what, known := nacks[code]
	if !known {
		what = "code " + strconv.QuoteRuneToASCII(rune(code))
	}
	return reply("ERR NACK " + what)
}

// printable is text that may be shown: what is no ASCII sign becomes a question mark.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\r' || r == '\n' {
			return ' '
		}
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, string(b))
}

// number is a counter's or a ribbon's answer: decimal digits.
func (r reply) number() (uint64, bool) {
	n, err := strconv.ParseUint(string(r), 10, 63)
	return n, err == nil
}

// volts is a sensor's answer: "5,00 Volts", with a comma.
func (r reply) volts() (float64, bool) {
	text, ok := strings.CutSuffix(string(r), "Volts")
	if !ok {
		return 0, false
	}
	text = strings.Replace(strings.TrimSpace(text), ",", ".", 1)
	if len(text) > 8 || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

// high is the level from which a sensor reads as on. The guide's values are 0 and 5
// Volts; kiosk code that runs in the field sees 0,2x and 4,9x and parts them at 1.
const high = 1.0

// positions are the words of Rlr;p. The first four are what Zenius and Primacy say to
// kiosk code that drives them; the last is the guide's for the older ones.
var positions = map[reply]printer.Position{
	"OK":               printer.Hopper,
	"CARD":             printer.Head,
	"SMART CARD":       printer.Contact,
	"CONTACTLESS CARD": printer.Contactless,
	"NO CARD":          printer.Hopper,
}

// position is where the card is; what has no meaning here is a card that the printer
// cannot place.
func (r reply) position() printer.Position {
	if p, ok := positions[r]; ok {
		return p
	}
	return printer.Lost
}
