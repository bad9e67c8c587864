package tlv

import (
	"fmt"
	"math"
)

// NextSimple reads one simple TLV object as JICSAP records hold it: a one-byte
// tag 01 to FE, then one length byte 00 to FE, or FF and two bytes
// (ISO/IEC 7816-4:2020, 6.2; card fact sheet, two TLV encodings).
func NextSimple(b []byte) (o Object, rest []byte, err error) {
	if len(b) < 2 {
		return Object{}, b, ErrTruncated
	}
	if b[0] == 0 || b[0] == 0xFF {
		return Object{}, b, fmt.Errorf("cannot parse simple TLV: tag %02X, 01 to FE are tags", b[0])
	}
	size, length := 2, int(b[1])
	if b[1] == 0xFF {
		if len(b) < 4 {
			return Object{}, b, ErrTruncated
		}
		size, length = 4, int(b[2])<<8|int(b[3])
	}
	end := size + length
	if end > len(b) {
		return Object{}, b, ErrTruncated
	}
	return Object{Tag: Tag(b[0]), Value: b[size:end:end]}, b[end:], nil
}

// FindSimple is the value of the first object of b with this tag. Filler (00 or FF)
// between the objects is skipped.
func FindSimple(b []byte, tag byte) ([]byte, bool) {
	for n := 0; n < MaxObjects; n++ {
		for len(b) > 0 && (b[0] == 0 || b[0] == 0xFF) {
			b = b[1:]
		}
		o, rest, err := NextSimple(b)
		if err != nil {
			return nil, false
		}
		if o.Tag == Tag(tag) {
			return o.Value, true
		}
		b = rest
	}
	return nil, false
}

// AppendSimple writes one simple TLV object with the shortest length; its value is
// the values one after another. It panics on tag 00 or FF and above 65535 bytes,
// which no input may lead to.
func AppendSimple(dst []byte, tag byte, values ...[]byte) []byte {
	n := total(values)
	if tag == 0 || tag == 0xFF || n > math.MaxUint16 {
		panic(fmt.Sprintf("internal error: simple TLV of tag %02X and %d bytes", tag, n))
	}
	if n < 0xFF {
		dst = append(dst, tag, byte(n))
	} else {
		dst = append(dst, tag, 0xFF, byte(n>>8), byte(n))
	}
	return appendAll(dst, values)
}
