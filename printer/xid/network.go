package xid

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"jukicard/printer/wire"
)

// network speaks frames over TCP port 50730 (revk/cardprint, eth.txt and xidserver.c).
type network struct {
	cfg   Config
	w     wire.Wire
	seq   uint32
	owed  []uint32 // sequence numbers of frames that are not answered, oldest first
	hello frame    // the printer's greeting, once it was read
}

// Functions of frames. An answer's has the lowest bit of the first byte set.
const (
	fnGreeting uint32 = 0xF3000200
	fnDocument uint32 = 0xF2000300
	fnWelcome  uint32 = 0xF3000400
	fnCommand  uint32 = 0xF0000100
	fnPlane    uint32 = 0xF0000200
	fnSettings uint32 = 0xF0000400
	fnInfo     uint32 = 0xF0000600
	fnAnswer   uint32 = 0x01000000 // what makes a function its answer
	fnDone     uint32 = 0xF1000100
	fnNotDone  uint32 = 0xF1000200
	fnData     uint32 = 0xF1000300
)

const (
	headSize = 16
	// frameMax bounds an answer: the longest that any source shows has 128 bytes.
	frameMax = 4096
	// owedMax is how many frames the printer takes before it has answered.
	owedMax = 3
	// seqDocument is the sequence number of the document information; commands begin
	// at 0 after it.
	seqDocument uint32 = 0x99999999
)

// frame is one message: words, big-endian. Word 1 counts those after it.
type frame struct {
	fn, param, seq uint32
	data           []byte
}

// bytes are those on the wire; data is filled up to whole words.
func (f frame) bytes() []byte {
	size := headSize + (len(f.data)+3)/4*4
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, f.fn)
	binary.BigEndian.PutUint32(b[4:], uint32(size/4-2))
	binary.BigEndian.PutUint32(b[8:], f.param)
	binary.BigEndian.PutUint32(b[12:], f.seq)
	copy(b[headSize:], f.data)
	return b
}

// readFrame reads one frame.
func readFrame(r io.Reader) (frame, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	size := int64(binary.BigEndian.Uint32(head[4:]))*4 + 8
	if size < headSize || size > frameMax {
		return frame{}, fmt.Errorf("cannot read a frame of %d bytes: it has %d to %d", size, headSize, frameMax)
	}
	f := frame{
		fn: binary.BigEndian.Uint32(head[:]), param: binary.BigEndian.Uint32(head[8:]), seq: binary.BigEndian.Uint32(head[12:]),
		data: make([]byte, size-headSize),
	}
	_, err := io.ReadFull(r, f.data)
	return f, err
}

func (n *network) close() error { return n.w.Close() }

// do gives one order. Only planes are sent ahead; everything else waits until all that
// was sent before it is answered.
func (n *network) do(ctx context.Context, o order) (answer, error) {
	if err := n.greeted(ctx); err != nil {
		return answer{}, err
	}
	switch o.op {
	case opIdentify:
		return parseGreeting(n.hello), nil
	case opPlane:
		return answer{}, n.plane(ctx, o)
	case opPlanes:
		return answer{}, n.collect(ctx, 0)
	case opCounters:
		return n.counters(ctx)
	case opSupplies:
		return n.supplies(ctx)
	case opNoRetry:
		return answer{}, nil // settings cannot be changed over TCP (eth.txt); supplies tells it
	}
	f, err := n.exchange(ctx, frame{fn: fnCommand, data: words(o)})
	if err != nil {
		return answer{}, err
	}
	if o.op == opPosition {
		// "01 02 mode position", in a data answer.
		if f.fn != fnData || len(f.data) < 4 {
			return answer{}, n.broken("the position is not in its answer")
		}
		return answer{inside: f.data[2] == 0, place: place(f.data[3])}, nil
	}
	return answer{}, nil
}

// words is the command of an order: 4 bytes or more, the second counts what follows it.
func words(o order) []byte {
	flip := byte(0)
	if o.flip || o.then == thenFlip {
		flip = 0x10
	}
	switch o.op {
	case opReady:
		return []byte{0x01, 2, 0, 0}
	case opPosition:
		return []byte{0x02, 2, 0, 0}
	case opLoad:
		return []byte{0x04, 2, 0, byte(o.place)}
	case opMove:
		return []byte{0x05, 2, flip, byte(o.place)}
	case opFilm:
		return []byte{0x06, 2, 0, netSet(o.print)}
	case opTransfer:
		return []byte{0x07, 6, flip, byte(atHead), 0, 0, 0, 0}
	case opEngage:
		return []byte{0x0A, 2, map[place]byte{atContact: 0x00, atContactless: 0x10}[o.place], 0}
	case opRelease:
		return []byte{0x0A, 2, map[place]byte{atContact: 0x40, atContactless: 0x50}[o.place], 0}
	}
	panic(fmt.Sprintf("internal error: order %d has no words", o.op))
}

// netSet is the set of panels of a film: Y 1, M 2, C 4, K 8.
func netSet(print []panel) byte {
	var set byte
	for _, p := range print {
		set |= 1 << p
	}
	return set
}

// plane sends a plane ahead, so that the next can follow before it is answered.
func (n *network) plane(ctx context.Context, o order) error {
	head := make([]byte, 12, 12+len(o.data))
	head[0] = 1 << o.panel
	binary.BigEndian.PutUint32(head[4:], uint32(len(o.data)+4))
	binary.BigEndian.PutUint32(head[8:], uint32(len(o.data)))
	if err := n.send(ctx, frame{fn: fnPlane, data: append(head, o.data...)}); err != nil {
		return err
	}
	return n.collect(ctx, owedMax-1)
}

// exchange sends a frame and gives its answer.
func (n *network) exchange(ctx context.Context, f frame) (frame, error) {
	if err := n.collect(ctx, 0); err != nil {
		return frame{}, err
	}
	if err := n.send(ctx, f); err != nil {
		return frame{}, err
	}
	return n.answer(ctx)
}

// collect reads answers until at most left are owed. The first refusal is told when all
// of them are read.
func (n *network) collect(ctx context.Context, left int) error {
	var refused error
	for len(n.owed) > left {
		_, err := n.answer(ctx)
		if err != nil && !errors.As(err, new(*senseError)) {
			return err
		}
		if refused == nil {
			refused = err
		}
		if refused != nil {
			left = 0
		}
	}
	return refused
}

func (n *network) send(ctx context.Context, f frame) error {
	f.seq = n.seq
	n.seq++
	if f.fn == fnDocument {
		f.seq, n.seq = seqDocument, 0
	}
	if _, err := n.w.Write(ctx, f.bytes()); err != nil {
		return err
	}
	n.owed = append(n.owed, f.seq)
	return nil
}

// answer reads the answer to the oldest frame that is owed one. Word 2 is the sense code.
func (n *network) answer(ctx context.Context) (frame, error) {
	f, err := n.read(ctx)
	if err != nil {
		return frame{}, err
	}
	seq := n.owed[0]
	n.owed = n.owed[1:]
	switch {
	case f.seq != seq:
		return frame{}, n.broken(fmt.Sprintf("answer %d came where %d was due", f.seq, seq))
	case f.fn&fnAnswer == 0:
		return frame{}, n.broken(fmt.Sprintf("%08X is no answer", f.fn))
	case f.param != 0:
		return frame{}, &senseError{f.param}
	case f.fn == fnNotDone:
		return frame{}, n.broken("the printer refuses and has no reason")
	}
	return f, nil
}

func (n *network) read(ctx context.Context) (frame, error) {
	f, err := readFrame(&reader{ctx, n.w})
	var e *wire.Error
	if err != nil && !errors.As(err, &e) {
		return frame{}, n.broken(err.Error())
	}
	return f, err
}

// reader reads a wire within a context.
type reader struct {
	ctx context.Context
	w   wire.Wire
}

// Read reads what is there.
func (r *reader) Read(p []byte) (int, error) { return r.w.Read(r.ctx, p) }

// greeted waits for the printer's greeting, which comes unasked, and tells it a document:
// the printer takes no command before that.
func (n *network) greeted(ctx context.Context) error {
	if n.hello.fn != 0 {
		return nil
	}
	f, err := n.read(ctx)
	if err != nil {
		return err
	}
	if f.fn != fnGreeting || len(f.data) < 72-headSize {
		return n.broken(fmt.Sprintf("it greets with %08X and %d bytes: this is no XID printer's port", f.fn, len(f.data)))
	}
	m, _ := modelOf(parseGreeting(f).model)
	n.hello = f
	welcome, err := n.exchange(ctx, frame{fn: fnDocument, param: m.greeting, data: document()})
	if err == nil && welcome.fn != fnWelcome {
		err = n.broken(fmt.Sprintf("%08X is no welcome", welcome.fn))
	}
	return err
}

// document is the information on the job: owner and name in UTF-16, low byte first. The
// bytes before are a time that the printer does not need: the open code sends that of the
// day it was written.
func document() []byte {
	b := make([]byte, 108)
	copy(b[12:], utf16le("cardd"))
	copy(b[44:], utf16le("card"))
	return b
}

func utf16le(s string) []byte {
	var b []byte
	for _, c := range []byte(s) { // ASCII alone
		b = append(b, c, 0)
	}
	return b
}

// parseGreeting reads the type at byte 56 and the hardware address in the link-local
// address at 72 (RFC 4291, appendix A: the address with FF FE in its middle and the
// universal bit turned).
func parseGreeting(f frame) answer {
	at := func(from, to int) []byte {
		from, to = from-headSize, to-headSize
		if to > len(f.data) {
			return nil
		}
		return f.data[from:to]
	}
	a := answer{maker: "G-Printec", model: text(at(56, 72))}
	if ip := at(72, 88); len(ip) == 16 && ip[0] == 0xFE && ip[1] == 0x80 && ip[11] == 0xFF && ip[12] == 0xFE {
		a.serial = fmt.Sprintf("%02x%02x%02x%02x%02x%02x", ip[8]^2, ip[9], ip[10], ip[13], ip[14], ip[15])
	}
	return a
}

func (n *network) broken(why string) error {
	return &wire.Error{Op: "read", Name: n.cfg.Dialer.String(), Kind: wire.Broken, Err: errors.New(why)}
}
