package pki

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
)

// InRepertoire says whether a character may stand in a certificate: JIS 第1・第2
// 水準 and the non-kanji of JIS X 0208, and the 補助漢字 JIS X 0212 (issuance rules
// sheet, 6). Printable ASCII passes too, which is ours: whether the real service
// writes it full-width is not public.
func InRepertoire(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r <= '~'
	}
	return repertoire()[r]
}

// repertoire decodes every point of the two sets once. Encoding a character
// instead would not do: where a vendor row holds it as well, the encoder prefers
// that, and 侊 of JIS X 0212 would look like a vendor character.
var repertoire = sync.OnceValue(func() map[rune]bool {
	set := make(map[rune]bool, 13_500)
	for row := 1; row <= 94; row++ {
		for cell := 1; cell <= 94; cell++ {
			point := []byte{0x8F, byte(0xA0 + row), byte(0xA0 + cell)} // EUC-JP code set 3
			if rowJISX0208(row) {
				add(set, point[1:]) // code set 1
			}
			if rowJISX0212(row) {
				add(set, point)
			}
		}
	}
	for _, r := range twiceMapped {
		set[r] = true
	}
	return set
})

// twiceMapped are signs of JIS X 0208 that vendors and the standard give different
// code points, such as － and −: both are in use, and both pass.
const twiceMapped = "—―‖∥〜～−－¢￠£￡¬￢"

func add(set map[rune]bool, point []byte) {
	b, err := japanese.EUCJP.NewDecoder().Bytes(point)
	if r, _ := utf8.DecodeRune(b); err == nil && r != utf8.RuneError {
		set[r] = true
	}
}

// rowJISX0208 leaves out rows 13 and 89 to 94, where the decoder's table, being
// that of the WHATWG, holds vendor characters such as ① and 髙.
func rowJISX0208(row int) bool { return row >= 1 && row <= 8 || row >= 16 && row <= 84 }

// rowJISX0212 lists the rows that JIS X 0212-1990 assigns.
func rowJISX0212(row int) bool {
	return row == 2 || row == 6 || row == 7 || row >= 9 && row <= 11 || row >= 16 && row <= 77
}
