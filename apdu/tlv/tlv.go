// Package tlv reads and writes the two TLV encodings of My Number cards:
// BER-TLV (ISO/IEC 7816-4:2020, 6.3) in transparent files and the simple TLV
// of JICSAP in records.
//
// It never copies on reading: every Value aliases the input. Nothing here
// recurses without a bound. It is not ASN.1: types, sorting and canonical
// encoding are left to encoding/asn1. The indefinite length is refused.
package tlv

import (
	"errors"
	"fmt"
	"iter"
	"math"
)

// Bounds on what is read.
const (
	MaxObjects = 4096      // objects one Parse, All or Walk yields
	MaxDepth   = 8         // levels Walk and Find descend
	MaxLength  = 1<<24 - 1 // bytes in one value
	MaxHeader  = maxTag + 5

	maxTag = 3 // bytes
)

// ErrTruncated means that the input ends inside an object: with more bytes it
// may be right.
var ErrTruncated = errors.New("cannot parse TLV: the input ends inside an object")

// Object is one data object. Its Value aliases what was parsed.
type Object struct {
	Tag   Tag
	Value []byte
}

// Header reads the tag and length at the start of b: size is the number of bytes
// in the header, length that of the value, which need not be in b yet.
// It returns ErrTruncated when b ends inside the header.
func Header(b []byte) (tag Tag, size, length int, err error) {
	tag, size, err = nextTag(b)
	if err != nil {
		return 0, 0, 0, err
	}
	length, n, err := nextLength(b[size:])
	if err != nil {
		return 0, 0, 0, err
	}
	return tag, size + n, length, nil
}

// nextLength reads a definite length of one to five bytes, not necessarily the
// shortest: some cards write `82 00 65` (card fact sheet, 2.2, EF 0002).
func nextLength(b []byte) (length, size int, err error) {
	if len(b) == 0 {
		return 0, 0, ErrTruncated
	}
	if b[0] < 0x80 {
		return int(b[0]), 1, nil
	}
	n := int(b[0] & 0x7F)
	if n == 0 || n > 4 {
		return 0, 0, fmt.Errorf("cannot parse TLV: length begins %02X, 81 to 84 are known", b[0])
	}
	if len(b) < 1+n {
		return 0, 0, ErrTruncated
	}
	v := uint32(0)
	for _, c := range b[1 : 1+n] {
		v = v<<8 | uint32(c)
	}
	if v > MaxLength {
		return 0, 0, fmt.Errorf("cannot parse TLV: a value of %d bytes, at most %d", v, MaxLength)
	}
	return int(v), 1 + n, nil
}

// Size is the total size of the first object, header included, told from the
// header alone: a reader of a file needs MaxHeader bytes to know where to stop.
// It returns ErrTruncated when b ends inside the header.
func Size(b []byte) (int, error) {
	_, size, length, err := Header(b)
	return size + length, err
}

// Next reads the first object and gives what follows it.
func Next(b []byte) (o Object, rest []byte, err error) {
	tag, size, length, err := Header(b)
	if err != nil {
		return Object{}, b, err
	}
	if length > len(b)-size {
		return Object{}, b, ErrTruncated
	}
	end := size + length
	return Object{Tag: tag, Value: b[size:end:end]}, b[end:], nil
}

// All yields the objects of b in order, skipping filler between and behind them.
// An error ends it; so do more than MaxObjects objects.
func All(b []byte) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for n := 0; ; n++ {
			b = SkipFiller(b)
			if len(b) == 0 {
				return
			}
			o, rest, err := Next(b)
			if err == nil && n == MaxObjects {
				err = fmt.Errorf("cannot parse TLV: more than %d objects", MaxObjects)
			}
			if err != nil {
				yield(Object{}, err)
				return
			}
			if !yield(o, nil) {
				return
			}
			b = rest
		}
	}
}

// Parse collects All. On an error it gives the objects before it as well.
func Parse(b []byte) ([]Object, error) {
	var objects []Object
	for o, err := range All(b) {
		if err != nil {
			return objects, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// Find is the value of the first object that path leads to: each tag of path is
// looked for among the objects inside the one before. False when there is none,
// when b is malformed before it, or when path is empty or longer than MaxDepth.
func Find(b []byte, path ...Tag) ([]byte, bool) {
	if len(path) == 0 || len(path) > MaxDepth {
		return nil, false
	}
	for _, tag := range path {
		value, ok := first(b, tag)
		if !ok {
			return nil, false
		}
		b = value
	}
	return b, true
}

func first(b []byte, tag Tag) ([]byte, bool) {
	for n := 0; n < MaxObjects; n++ {
		o, rest, err := Next(SkipFiller(b))
		if err != nil {
			return nil, false
		}
		if o.Tag == tag {
			return o.Value, true
		}
		b = rest
	}
	return nil, false
}

// Walk calls visit for every object of b, outer before inner, depth 0 at the top.
// It descends into constructed objects, at most MaxDepth levels and MaxObjects
// objects in all, and ends at the first error, its own or visit's.
func Walk(b []byte, visit func(depth int, o Object) error) error {
	left := MaxObjects
	return walk(b, 0, &left, visit)
}

func walk(b []byte, depth int, left *int, visit func(int, Object) error) error {
	if depth == MaxDepth {
		return fmt.Errorf("cannot parse TLV: nested deeper than %d", MaxDepth)
	}
	for o, err := range All(b) {
		if err != nil {
			return err
		}
		if *left--; *left < 0 {
			return fmt.Errorf("cannot parse TLV: more than %d objects", MaxObjects)
		}
		if err := visit(depth, o); err != nil {
			return err
		}
		if !o.Tag.Constructed() {
			continue
		}
		if err := walk(o.Value, depth+1, left, visit); err != nil {
			return err
		}
	}
	return nil
}

// SkipFiller drops filler from the start of b: bytes 00, and bytes FF that cannot
// begin a tag because nothing or another FF follows. The unwritten tail of a
// card's file is FF (card fact sheet, READ BINARY), while FF10, FF20 and FF30 are
// tags. Nothing left means that b was all filler. Behind FF filler only a tag that
// itself begins FF can be told: the last FF is always taken for a tag's first byte.
func SkipFiller(b []byte) []byte {
	for len(b) > 0 && (b[0] == 0 || b[0] == 0xFF && (len(b) == 1 || b[1] == 0xFF)) {
		b = b[1:]
	}
	return b
}

// HeaderLen is the number of bytes in front of a value of n bytes as Append writes it.
func HeaderLen(tag Tag, n int) int {
	switch {
	case n < 0x80:
		return tag.Len() + 1
	case n <= math.MaxUint8:
		return tag.Len() + 2
	case n <= math.MaxUint16:
		return tag.Len() + 3
	}
	return tag.Len() + 4
}

// Append writes one object with the shortest length; its value is the values one
// after another. It panics on a tag that is not Valid and on more than MaxLength
// bytes, which no input may lead to.
func Append(dst []byte, tag Tag, values ...[]byte) []byte {
	n := total(values)
	dst = appendTag(dst, tag)
	switch {
	case n < 0x80:
		dst = append(dst, byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, 0x81, byte(n))
	case n <= math.MaxUint16:
		dst = append(dst, 0x82, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return appendAll(dst, values)
}

// AppendLong is Append with the length as `82 hh ll` even where fewer bytes would
// do: some clients expect a five-byte header on FF20 (card fact sheet, 2.2,
// EF 0002). Above 65535 bytes it is Append.
func AppendLong(dst []byte, tag Tag, values ...[]byte) []byte {
	n := total(values)
	if n > math.MaxUint16 {
		return Append(dst, tag, values...)
	}
	dst = append(appendTag(dst, tag), 0x82, byte(n>>8), byte(n))
	return appendAll(dst, values)
}

func total(values [][]byte) int {
	n := 0
	for _, v := range values {
		n += len(v)
	}
	if n > MaxLength {
		panic(fmt.Sprintf("internal error: a TLV value of %d bytes", n))
	}
	return n
}

func appendAll(dst []byte, values [][]byte) []byte {
	for _, v := range values {
		dst = append(dst, v...)
	}
	return dst
}
