package xid

import (
	"encoding/binary"
	"fmt"
)

// usbPlanes is the number of each panel's plane: K 0, C 1, M 2, Y 3 (usb.txt).
var usbPlanes = [panels]byte{yellow: 3, magenta: 2, cyan: 1, black: 0}

// cdb is the command descriptor block of an order.
// Source of all: revk/cardprint, usb.txt and xidserver.c.
func cdb(o order) command {
	switch o.op {
	case opReady:
		return command{cdb: []byte{0x00, 0, 0, 0, 0, 0}}
	case opPosition:
		return command{cdb: []byte{0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0}, in: 8}
	case opCounters:
		return command{cdb: []byte{0x4D, 0, 0x78, 0, 0, 0, 0, 0, 0x34, 0}, in: 0x34}
	case opNoRetry:
		// Settings block 2Ah: FF leaves a setting as it is, byte 7 is the retry count.
		return command{cdb: []byte{0x15, 0x10, 0x2A, 0, 0x0A, 0}, out: []byte{0x2A, 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0xFF}}
	case opPlane:
		c := []byte{0x2A, 0, usbPlanes[o.panel], 0, 0, 0, 0, 0, 0, 0}
		binary.BigEndian.PutUint32(c[5:], uint32(len(o.data)))
		return command{cdb: c, out: o.data}
	case opTestCard:
		return command{cdb: []byte{0x1D, 0, 0x01, 0, 0x0A, 0}}
	}
	return motion(o)
}

// motion is what moves the card or the film.
func motion(o order) command {
	move := func(b ...byte) command { return command{cdb: append(b, make([]byte, 10-len(b))...)} }
	switch o.op {
	case opLoad:
		return move(0x31, 0x01, 0, 0, 0, 0, 0, byte(o.place))
	case opMove:
		flip := byte(0)
		if o.flip {
			flip = 2
		}
		return move(0x31, 0x0B, 0, 0, flip, 0, 0, byte(o.place))
	case opEngage:
		return move(0x32, map[place]byte{atContact: 0x00, atContactless: 0x04}[o.place])
	case opRelease:
		return move(0x32, map[place]byte{atContact: 0x01, atContactless: 0x05}[o.place])
	case opFilm:
		return move(0x31, 0x08, usbSet(o.print))
	case opTransfer:
		return move(0x31, map[then]byte{thenFlip: 0x0A, thenReturn: 0x0D}[o.then])
	}
	panic(fmt.Sprintf("internal error: order %d has no command", o.op))
}

// usbSet is the set of panels of a film: 02 yellow, magenta and cyan together, 04 black.
func usbSet(print []panel) byte {
	var set byte
	for _, p := range print {
		if p == black {
			set |= 0x04
		} else {
			set |= 0x02
		}
	}
	return set
}

// parseReply reads the data that an order gives over USB.
func parseReply(o op, b []byte) (answer, error) {
	switch o {
	case opPosition:
		if len(b) < 8 {
			return answer{}, short("position", len(b), 8)
		}
		return answer{inside: b[0] == 0, place: place(b[7])}, nil
	case opCounters:
		return parseCounters(b)
	}
	return answer{}, nil
}

func short(what string, got, want int) error {
	return fmt.Errorf("cannot read the %s: %d bytes, it takes %d", what, got, want)
}

// The counters' tags.
const (
	counterTotal = 0
	counterClean = 3
)

// parseCounters reads {tag16, length16, value32} from offset 4 on.
func parseCounters(b []byte) (answer, error) {
	var a answer
	found := false
	for p := 4; p+8 <= len(b); p += 8 {
		if binary.BigEndian.Uint16(b[p+2:]) != 4 {
			break
		}
		value := uint64(binary.BigEndian.Uint32(b[p+4:]))
		switch binary.BigEndian.Uint16(b[p:]) {
		case counterTotal:
			a.total, found = value, true
		case counterClean:
			a.sinceClean = value
		}
	}
	if !found {
		return answer{}, fmt.Errorf("cannot read the counters: no total among %d bytes", len(b))
	}
	return a, nil
}
