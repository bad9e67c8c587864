// Package apdu is ISO/IEC 7816-4 on the wire: commands, responses, status words,
// and wrappers around one seam, [Transport].
//
// It is the bottom of the house: it imports nothing of ours, does no I/O of its
// own and does not log. An error from a Transport means that the link failed and
// nobody knows what the card did; a card that answers 6A82 has answered, and
// that answer is a [Response], which [Response.Err] turns into a *[StatusError].
package apdu

import (
	"context"
	"encoding/binary"
	"fmt"
)

// Transport carries one command to a card and brings its answer back.
//
// The answer is the response data followed by SW1 SW2, so at least two bytes.
// A non-nil error means that the link failed: whether the card carried the
// command out is then unknown, and the caller must ask the card, never assume.
// A Transport is used by one goroutine at a time. ctx is looked at between
// commands only: a command on the wire is waited for.
// The caller may reuse command when Transmit returns; the answer belongs to the
// caller until the next Transmit.
type Transport interface {
	Transmit(ctx context.Context, command []byte) ([]byte, error)
}

// TransportFunc lets a function be a Transport.
type TransportFunc func(ctx context.Context, command []byte) ([]byte, error)

// Transmit calls f.
func (f TransportFunc) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	return f(ctx, command)
}

// Wrapper adds one behaviour around a Transport; each is usable alone.
type Wrapper func(Transport) Transport

// Wrap stacks wrappers around t; the first named is the innermost, nearest the card.
func Wrap(t Transport, wrappers ...Wrapper) Transport {
	for _, w := range wrappers {
		t = w(t)
	}
	return t
}

// Limits of the two length forms (ISO/IEC 7816-4:2020, 5.2).
const (
	MaxShortData    = 255       // Lc in one byte
	MaxShortNe      = 256       // Le '00'
	MaxExtendedData = 65535     // Lc in two bytes
	MaxExtendedNe   = 65536     // Le '0000'
	MaxResponse     = 65536 + 2 // data and SW1 SW2
)

// Command is one command APDU. Its four cases (ISO/IEC 7816-4:2020, 5.2) follow
// from Data and Ne: 1 neither, 2 Ne only, 3 Data only, 4 both.
type Command struct {
	CLA, INS, P1, P2 byte
	Data             []byte // command data, 0..65535 bytes; never shown by String
	Ne               int    // most response bytes wanted: 0 none, 256 = short maximum, 65536 = extended maximum
	Extended         bool   // use the extended form even where the short one would do
}

// Case is 1 to 4 (ISO/IEC 7816-4:2020, Table 2).
func (c Command) Case() int {
	n := 1
	if c.Ne > 0 {
		n++
	}
	if len(c.Data) > 0 {
		n += 2
	}
	return n
}

// NeedsExtended says whether the short form cannot carry c.
func (c Command) NeedsExtended() bool {
	return c.Extended || len(c.Data) > MaxShortData || c.Ne > MaxShortNe
}

// Append encodes c behind b. It fails on data or Ne beyond the extended form's limits.
func (c Command) Append(b []byte) ([]byte, error) {
	if len(c.Data) > MaxExtendedData || c.Ne < 0 || c.Ne > MaxExtendedNe {
		return b, fmt.Errorf("cannot encode %v: data is at most %d bytes and Ne 0 to %d", c, MaxExtendedData, MaxExtendedNe)
	}
	b = append(b, c.CLA, c.INS, c.P1, c.P2)
	if c.NeedsExtended() {
		return c.appendExtended(b), nil
	}
	if len(c.Data) > 0 {
		b = append(append(b, byte(len(c.Data))), c.Data...)
	}
	if c.Ne > 0 {
		b = append(b, byte(c.Ne)) // 256 becomes '00'
	}
	return b, nil
}

// appendExtended writes Lc as '00' and two bytes, Le as two bytes behind data
// and three without (ISO/IEC 7816-4:2020, 5.2, cases 2E, 3E and 4E).
func (c Command) appendExtended(b []byte) []byte {
	if len(c.Data) > 0 {
		b = append(b, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(len(c.Data)))
		b = append(b, c.Data...)
	}
	if c.Ne > 0 {
		if len(c.Data) == 0 {
			b = append(b, 0)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(c.Ne)) // 65536 becomes '0000'
	}
	return b
}

// Bytes encodes c; see [Command.Append].
func (c Command) Bytes() ([]byte, error) {
	return c.Append(make([]byte, 0, 4+3+len(c.Data)+2))
}

// String shows header, Lc and Ne and never the data, which may be a PIN.
func (c Command) String() string {
	return fmt.Sprintf("%s %02X%02X%02X%02X Lc=%d Ne=%d", Instruction(c.INS), c.CLA, c.INS, c.P1, c.P2, len(c.Data), c.Ne)
}

// GoString is String, so that %#v shows no data either.
func (c Command) GoString() string { return c.String() }

// Format shows what String shows whatever the verb: %x on a command must not
// print its data.
func (c Command) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, c.String()) }

// ParseCommand reads one command APDU in either length form. Data aliases b.
// A zero-length extended Lc and stray bytes are refused.
func ParseCommand(b []byte) (Command, error) {
	if len(b) < 4 {
		return Command{}, fmt.Errorf("cannot parse command: %d bytes, a header has 4", len(b))
	}
	c := Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3]}
	body := b[4:]
	switch {
	case len(body) == 0: // case 1
		return c, nil
	case len(body) == 1: // case 2S
		c.Ne = shortNe(body[0])
		return c, nil
	case body[0] != 0: // case 3S or 4S
		return c.parseShort(body)
	}
	return c.parseExtended(body)
}

func (c Command) parseShort(body []byte) (Command, error) {
	lc := int(body[0])
	switch len(body) {
	case 1 + lc:
	case 2 + lc:
		c.Ne = shortNe(body[1+lc])
	default:
		return Command{}, fmt.Errorf("cannot parse command: Lc is %d but %d bytes follow", lc, len(body)-1)
	}
	c.Data = body[1 : 1+lc : 1+lc] // appending to it must not overwrite Le
	return c, nil
}

func (c Command) parseExtended(body []byte) (Command, error) {
	c.Extended = true
	if len(body) < 3 {
		return Command{}, fmt.Errorf("cannot parse command: extended length is cut off")
	}
	n := int(binary.BigEndian.Uint16(body[1:3]))
	if len(body) == 3 { // case 2E
		c.Ne = extendedNe(n)
		return c, nil
	}
	if n == 0 {
		return Command{}, fmt.Errorf("cannot parse command: extended Lc is 0")
	}
	switch len(body) {
	case 3 + n:
	case 5 + n:
		c.Ne = extendedNe(int(binary.BigEndian.Uint16(body[3+n:])))
	default:
		return Command{}, fmt.Errorf("cannot parse command: extended Lc is %d but %d bytes follow", n, len(body)-3)
	}
	c.Data = body[3 : 3+n : 3+n]
	return c, nil
}

func shortNe(b byte) int {
	if b == 0 {
		return MaxShortNe
	}
	return int(b)
}

func extendedNe(n int) int {
	if n == 0 {
		return MaxExtendedNe
	}
	return n
}

// Response is one response APDU.
type Response struct {
	Data []byte // never shown by String
	SW   SW
}

// ParseResponse splits an answer into data and status word. Data aliases b.
func ParseResponse(b []byte) (Response, error) {
	if len(b) < 2 {
		return Response{}, fmt.Errorf("cannot parse response: %d bytes, SW1 SW2 are 2", len(b))
	}
	if len(b) > MaxResponse {
		return Response{}, fmt.Errorf("cannot parse response: %d bytes, at most %d", len(b), MaxResponse)
	}
	n := len(b) - 2
	return Response{Data: b[:n:n], SW: SW(binary.BigEndian.Uint16(b[n:]))}, nil
}

// Append encodes r behind b.
func (r Response) Append(b []byte) []byte {
	return binary.BigEndian.AppendUint16(append(b, r.Data...), uint16(r.SW))
}

// Err is nil when the card answered 9000, else a *StatusError that names the
// command and file and drops the data.
func (r Response) Err(c Command, file string) error {
	if r.SW == SWOK {
		return nil
	}
	c.Data = nil
	return &StatusError{Command: c, File: file, SW: r.SW}
}

// String shows the length and the status word, never the data.
func (r Response) String() string { return fmt.Sprintf("%d bytes %v", len(r.Data), r.SW) }

// GoString is String.
func (r Response) GoString() string { return r.String() }

// Format shows what String shows whatever the verb.
func (r Response) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, r.String()) }

// Send encodes c, carries it over t and splits the answer. Its error is a link
// failure or a command that cannot be encoded; a refusal is in Response.SW.
func Send(ctx context.Context, t Transport, c Command) (Response, error) {
	b, err := c.Bytes()
	if err != nil {
		return Response{}, err
	}
	defer clear(b) // it may have carried a PIN
	answer, err := t.Transmit(ctx, b)
	if err != nil {
		return Response{}, err
	}
	return ParseResponse(answer)
}
