package reader

import "encoding/hex"

// ATR is a card's answer to reset, TS first (ISO/IEC 7816-3:2006, 8.2).
type ATR []byte

// String is upper-case hex without spaces.
func (a ATR) String() string {
	return string(hexUpper(a))
}

func hexUpper(b []byte) []byte {
	out := make([]byte, hex.EncodedLen(len(b)))
	hex.Encode(out, b)
	for i, c := range out {
		if c >= 'a' {
			out[i] = c - 'a' + 'A'
		}
	}
	return out
}
