package xid

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"jukicard/printer/wire"
)

// storage speaks the USB language: commands in the wrappers of USB Mass Storage Class,
// Bulk-Only Transport 1.0 ("BOT").
type storage struct {
	cfg   Config
	w     wire.Wire
	tag   uint32
	ready bool // the reset recovery is done
}

const (
	cbwSize = 31 // BOT 5.1
	cswSize = 13 // BOT 5.2
	// packet is what USB reads are a multiple of (wire.Wire.Read).
	packet = 512
	// stallsMax is how often a halted endpoint is cleared for one transfer, as the
	// open code does.
	stallsMax = 10
)

var (
	cbwSignature = []byte("USBC")
	cswSignature = []byte("USBS")
)

func (s *storage) close() error { return s.w.Close() }

// do sends one command, its data, and what refused it if the printer did.
func (s *storage) do(ctx context.Context, o order) (answer, error) {
	if err := s.recover(ctx); err != nil {
		return answer{}, err
	}
	switch o.op {
	case opIdentify:
		return s.identify(ctx)
	case opSupplies:
		return s.supplies(ctx)
	case opPlanes:
		return answer{}, nil // each was answered before the next was sent
	}
	reply, err := s.command(ctx, cdb(o))
	if err != nil {
		return answer{}, err
	}
	a, err := parseReply(o.op, reply)
	if err != nil {
		return answer{}, s.broken(err.Error())
	}
	return a, nil
}

// command runs a CDB, and asks for the sense code when it is refused.
func (s *storage) command(ctx context.Context, c command) ([]byte, error) {
	reply, refused, err := s.transact(ctx, c)
	if err != nil || !refused {
		return reply, err
	}
	sense, refused, err := s.transact(ctx, command{cdb: []byte{0x03, 0, 0, 0, 0x14, 0}, in: 0x14})
	switch {
	case err != nil:
		return nil, err
	case refused || len(sense) < 13:
		return nil, s.broken("the printer refuses and does not say why")
	}
	// revk/cardprint, xidserver.c: the sense key and the additional sense code alone.
	code := uint32(sense[2])<<16 | uint32(sense[12])<<8
	if code == 0 {
		return nil, s.broken("the printer refuses and has no reason")
	}
	return nil, &senseError{code}
}

// command is a command descriptor block and its data: out, or room for in bytes.
type command struct {
	cdb []byte
	in  int
	out []byte
}

// transact is one command, its data and its status (BOT 5.3).
func (s *storage) transact(ctx context.Context, c command) (reply []byte, refused bool, err error) {
	s.tag++
	if err := s.send(ctx, wrap(s.tag, c)); err != nil {
		return nil, false, err
	}
	var csw []byte
	switch {
	case c.in > 0:
		reply, csw, err = s.data(ctx, c.in)
	case len(c.out) > 0:
		err = s.send(ctx, c.out)
	}
	if err != nil {
		return nil, false, err
	}
	if csw == nil {
		if csw, err = s.receive(ctx, cswSize); err != nil {
			return nil, false, err
		}
	}
	refused, err = s.status(csw, c, len(reply))
	return reply, refused, err
}

// wrap is the command block wrapper (BOT 5.1).
func wrap(tag uint32, c command) []byte {
	cbw := make([]byte, 15, cbwSize)
	copy(cbw, cbwSignature)
	binary.LittleEndian.PutUint32(cbw[4:], tag)
	binary.LittleEndian.PutUint32(cbw[8:], uint32(max(c.in, len(c.out))))
	if c.in > 0 {
		cbw[12] = 0x80
	}
	cbw[14] = byte(len(c.cdb))
	return append(cbw, c.cdb...)[:cbwSize]
}

// data reads what a command gives. A device that has nothing to give stalls the endpoint,
// and its status follows when that is cleared (BOT 6.7.2): what comes then may be the
// data or the status already.
func (s *storage) data(ctx context.Context, n int) (reply, csw []byte, err error) {
	got, err := s.receive(ctx, max(n, cswSize))
	switch {
	case err != nil:
		return nil, nil, err
	case len(got) == cswSize && n != cswSize && slices.Equal(got[:4], cswSignature):
		return nil, got, nil
	case len(got) > n:
		return nil, nil, s.broken(fmt.Sprintf("%d bytes came where at most %d were asked for", len(got), n))
	}
	return got, nil, nil
}

// status reads the command status wrapper (BOT 5.2, 6.3).
func (s *storage) status(csw []byte, c command, got int) (refused bool, err error) {
	switch {
	case len(csw) != cswSize || !slices.Equal(csw[:4], cswSignature):
		return false, s.broken(fmt.Sprintf("the status has %d bytes, or not its signature", len(csw)))
	case binary.LittleEndian.Uint32(csw[4:]) != s.tag:
		return false, s.broken(fmt.Sprintf("the status belongs to command %d and not to %d", binary.LittleEndian.Uint32(csw[4:]), s.tag))
	case csw[12] > 1:
		return false, s.broken("the printer has lost its place (phase error)")
	case csw[12] == 1:
		return true, nil
	}
	if residue := int(binary.LittleEndian.Uint32(csw[8:])); residue != 0 && (len(c.out) > 0 || got+residue != c.in) {
		return false, s.broken(fmt.Sprintf("%d of %d bytes were left over", residue, max(c.in, len(c.out))))
	}
	return false, nil
}

// send writes all of b; a halted endpoint is cleared and what was left is sent again.
func (s *storage) send(ctx context.Context, b []byte) error {
	for range stallsMax {
		n, err := s.w.Write(ctx, b)
		b = b[min(n, len(b)):]
		if err == nil {
			return nil
		}
		if err := s.clear(ctx, err, false); err != nil {
			return err
		}
	}
	return s.broken("the printer takes no command (endpoint halted)")
}

// receive reads up to n bytes, less when the transfer ends before.
func (s *storage) receive(ctx context.Context, n int) ([]byte, error) {
	room := make([]byte, (n+packet-1)/packet*packet)
	for range stallsMax {
		got, err := s.w.Read(ctx, room)
		if err == nil {
			if got > n {
				return nil, s.broken(fmt.Sprintf("%d bytes came where at most %d were asked for", got, n))
			}
			return room[:got], nil
		}
		if err := s.clear(ctx, err, true); err != nil {
			return nil, err
		}
	}
	return nil, s.broken("the printer gives no answer (endpoint halted)")
}

// clear takes a stall away; any other failure stays.
func (s *storage) clear(ctx context.Context, cause error, in bool) error {
	var e *wire.Error
	if !errors.As(cause, &e) || e.Kind != wire.Stall {
		return cause
	}
	c, ok := s.w.(wire.Controller)
	if !ok {
		return cause
	}
	return c.ClearHalt(ctx, in)
}

// recover is the reset recovery (BOT 5.3.4), once for each dialling: whoever spoke to the
// printer before may have been cut off in the middle of a command.
func (s *storage) recover(ctx context.Context) error {
	c, ok := s.w.(wire.Controller)
	if s.ready || !ok {
		return nil
	}
	_, err := c.Control(ctx, 0x21, 0xFF, 0, 0, nil) // BOT 3.1
	var e *wire.Error
	if err != nil && (!errors.As(err, &e) || e.Kind != wire.Stall) {
		return err
	}
	for _, in := range []bool{true, false} {
		if err := c.ClearHalt(ctx, in); err != nil {
			return err
		}
	}
	s.ready = true
	return nil
}

func (s *storage) broken(why string) error {
	return &wire.Error{Op: "read", Name: s.cfg.Dialer.String(), Kind: wire.Broken, Err: errors.New(why)}
}

// identify is INQUIRY for the name and MODE SENSE for the size.
func (s *storage) identify(ctx context.Context) (answer, error) {
	b, err := s.command(ctx, command{cdb: []byte{0x12, 0, 0, 0, 0x60, 0}, in: 0x60})
	if err != nil {
		return answer{}, err
	}
	a, err := parseInquiry(b)
	if err != nil {
		return answer{}, s.broken(err.Error())
	}
	info, err := s.modePage(ctx, 0x68, 0x40)
	if err != nil {
		return answer{}, err
	}
	a.plane = size{int(binary.BigEndian.Uint16(info[32:])), int(binary.BigEndian.Uint16(info[34:]))}
	return a, nil
}

// modePage is MODE SENSE of a page that is n bytes long.
func (s *storage) modePage(ctx context.Context, page, n byte) ([]byte, error) {
	b, err := s.command(ctx, command{cdb: []byte{0x1A, 0, page, 0, n, 0}, in: int(n)})
	if err == nil && len(b) < int(n) {
		err = s.broken(short(fmt.Sprintf("page %02X", page), len(b), int(n)).Error())
	}
	return b, err
}

// supplies are on two pages: 63h is the ribbon's label, 68h has what is left.
func (s *storage) supplies(ctx context.Context) (answer, error) {
	label, err := s.modePage(ctx, 0x63, 0x2C)
	if err != nil {
		return answer{}, err
	}
	info, err := s.modePage(ctx, 0x68, 0x40)
	if err != nil {
		return answer{}, err
	}
	return answer{ribbon: ribbon{
		kind: label[6], total: int(binary.BigEndian.Uint16(label[8:])),
		film: int(info[51]), left: int(info[52]), cards: info[53] == cardsThere,
	}}, nil
}

// parseInquiry reads the name (revk/cardprint, xidserver.c; the package comment says what
// is assumed of the type).
func parseInquiry(b []byte) (answer, error) {
	if len(b) < 87 {
		return answer{}, fmt.Errorf("cannot read the printer's name: %d bytes, it takes 87", len(b))
	}
	versions := []string{text(b[58:71]), text(b[71:79]), text(b[79:87])}
	return answer{
		maker: text(b[8:16]), model: text(b[16:24]), serial: text(b[24:32]),
		firmware: strings.TrimSpace(strings.Join(versions, " ")),
	}, nil
}

// text is a field that ends at a NUL or in spaces; what cannot be printed is left out.
func text(b []byte) string {
	if i := slices.Index(b, 0); i >= 0 {
		b = b[:i]
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(b)))
}
