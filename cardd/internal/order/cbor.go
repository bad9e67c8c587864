package order

import (
	"math"
	"strconv"

	"github.com/fxamacker/cbor/v2"

	"jukicard/cardd/juki"
)

// cborMode judges what is well-formed: definite lengths, no tags, bounded. What it
// does not judge (equal keys, UTF-8) the form does, with the field's name.
var cborMode = func() cbor.DecMode {
	m, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  depthMax + 4, // arrays count here; the deep object is refused by name
		MaxMapPairs:      nodesMax,
		MaxArrayElements: nodesMax,
	}.DecMode()
	if err != nil {
		panic("internal error: the CBOR options contradict each other: " + err.Error())
	}
	return m
}()

// The major types of CBOR (RFC 8949, 3.1) that an order has.
const (
	cborUnsigned = 0
	cborBytes    = 2
	cborText     = 3
	cborArray    = 4
	cborMap      = 5
	cborSimple   = 7
)

// readCBOR splits a CBOR item (RFC 8949) into nodes. The library judges whether it
// is well-formed; splitting in place makes no copies that nothing could clear.
func (d *document) readCBOR() (node, *juki.InputError) {
	if len(d.b) > sizeDocumentMax {
		return node{}, refuse("ORDER-SIZE", d.root, sizeDocumentMax)
	}
	if cborMode.Wellformed(d.b) != nil { // its text may quote the document
		return node{}, refuse("ORDER-CBOR", d.root)
	}
	return d.cborValue()
}

// cborHead reads the head of an item: major type and argument (RFC 8949, 3).
func (d *document) cborHead() (major byte, argument uint64) {
	initial := d.b[d.at]
	d.at++
	major, argument = initial>>5, uint64(initial&0x1F)
	if argument < 24 {
		return major, argument
	}
	size := 1 << (argument - 24) // 24, 25, 26, 27: 1, 2, 4, 8 bytes follow
	argument = 0
	for range size {
		argument = argument<<8 | uint64(d.b[d.at])
		d.at++
	}
	return major, argument
}

// cborValue reads the item at the place.
func (d *document) cborValue() (node, *juki.InputError) {
	if err := d.enter(); err != nil {
		return node{}, err
	}
	major, argument := d.cborHead()
	switch major {
	case cborUnsigned:
		return node{kind: kindInteger, data: strconv.AppendUint(nil, argument, 10)}, nil
	case cborBytes:
		return node{kind: kindBytes, data: d.take(argument)}, nil
	case cborText:
		return node{kind: kindText, data: d.take(argument)}, nil
	case cborArray:
		return d.cborArray(argument)
	case cborMap:
		return d.cborMap(argument)
	case cborSimple:
		return simple(argument), nil
	default: // a negative number
		return node{}, nil
	}
}

// simple is the node of false (20) or true (21); of null, floats and the rest
// nothing that an order has (RFC 8949, 3.3).
func simple(argument uint64) node {
	if argument == 20 || argument == 21 {
		return node{kind: kindBoolean, truth: argument == 21}
	}
	return node{}
}

// take is the next n bytes.
func (d *document) take(n uint64) []byte {
	if n > math.MaxInt32 || int(n) > len(d.b)-d.at {
		panic("internal error: a well-formed CBOR item ends early")
	}
	taken := d.b[d.at : d.at+int(n)]
	d.at += int(n)
	return taken
}

// cborArray moves past an array; no field of an order is one.
func (d *document) cborArray(n uint64) (node, *juki.InputError) {
	for range n {
		if _, err := d.cborValue(); err != nil {
			return node{}, err
		}
	}
	return node{}, nil
}

// cborMap reads n pairs, the keys texts.
func (d *document) cborMap(n uint64) (node, *juki.InputError) {
	if err := d.descend(); err != nil {
		return node{}, err
	}
	out := node{kind: kindObject}
	for range n {
		major, argument := d.cborHead()
		if major != cborText {
			return node{}, refuse("ORDER-CBOR", d.root)
		}
		name := d.take(argument)
		value, err := d.cborValue()
		if err != nil {
			return node{}, err
		}
		out.fields = append(out.fields, field{name, value})
	}
	d.depth--
	return out, nil
}
