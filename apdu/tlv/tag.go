package tlv

import (
	"fmt"
	"strconv"
)

// Tag is a BER-TLV tag of one to three bytes, as it stands on the wire:
// 0x30, 0x7F49, 0xFF20, 0x5FFF01 (ISO/IEC 7816-4:2020, 6.3).
type Tag uint32

// Valid says whether t can stand on the wire: not 0, low five bits of the first
// byte all set exactly when more bytes follow, and bit 8 set in each further byte
// but the last. A tag number below 31 in two bytes is
// accepted, for My Number cards use FF10 (card fact sheet, 2.2); FFFFxx is not,
// for it could not be told from filler.
func (t Tag) Valid() bool {
	switch {
	case t == 0 || t > 0xFFFFFF:
		return false
	case t <= 0xFF:
		return t&0x1F != 0x1F
	case t <= 0xFFFF:
		return t>>8&0x1F == 0x1F && t&0x80 == 0
	}
	return t>>16&0x1F == 0x1F && t>>8&0x80 != 0 && t&0x80 == 0 && t>>8 != 0xFFFF
}

// Len is the number of bytes t takes on the wire, 1 to 3.
func (t Tag) Len() int {
	switch {
	case t <= 0xFF:
		return 1
	case t <= 0xFFFF:
		return 2
	}
	return 3
}

// Constructed says whether the value is itself BER-TLV: bit 6 of the first byte
// (ISO/IEC 7816-4:2020, 6.3).
func (t Tag) Constructed() bool { return t>>(8*(t.Len()-1))&0x20 != 0 }

// String is the tag in hexadecimal, "FF20".
func (t Tag) String() string { return fmt.Sprintf("%0*X", 2*t.Len(), uint32(t)) }

// MarshalText is String.
func (t Tag) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads hexadecimal and refuses what is not a [Tag.Valid] tag.
func (t *Tag) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 16, 32)
	if err != nil || len(text)%2 != 0 || !Tag(v).Valid() {
		return fmt.Errorf("cannot read tag %.8q: a tag is 2, 4 or 6 hexadecimal digits such as FF20", text)
	}
	*t = Tag(v)
	return nil
}

// appendTag writes the bytes of t. A tag that is not valid comes from a mistake
// in the program, never from input.
func appendTag(dst []byte, t Tag) []byte {
	if !t.Valid() {
		panic(fmt.Sprintf("internal error: %v is not a BER tag", t))
	}
	switch t.Len() {
	case 3:
		dst = append(dst, byte(t>>16), byte(t>>8))
	case 2:
		dst = append(dst, byte(t>>8))
	}
	return append(dst, byte(t))
}

// nextTag reads one tag and gives the number of its bytes.
func nextTag(b []byte) (Tag, int, error) {
	if len(b) == 0 {
		return 0, 0, ErrTruncated
	}
	if b[0] == 0 {
		return 0, 0, fmt.Errorf("cannot parse TLV: tag 00")
	}
	t := Tag(b[0])
	if b[0]&0x1F != 0x1F {
		return t, 1, nil
	}
	for n := 1; n < maxTag; n++ {
		if n == len(b) {
			return 0, 0, ErrTruncated
		}
		t = t<<8 | Tag(b[n])
		if b[n]&0x80 == 0 {
			return t, n + 1, nil
		}
	}
	return 0, 0, fmt.Errorf("cannot parse TLV: tag begins %v and is longer than %d bytes", t, maxTag)
}
