package order

import (
	"sync"
	"unicode"

	"golang.org/x/text/encoding/japanese"
)

// A certificate has the characters of JIS X 0208 and JIS X 0212 (rules fact sheet,
// 6). Both are read from EUC-JP, whose code sets 1 and 3 they are. Encoding would
// not do: the web's table of code set 1 also has rows of NEC and IBM (row 13, and
// from row 89), among them 髙, which no certificate has.
const (
	rowFirst, rowLast      = 1, 94
	nonKanjiRowLast        = 8  // JIS X 0208: rows 1 to 8
	kanjiRowFirst          = 16 // first level from row 16
	kanjiRowLast           = 84 // second level up to row 84
	planeEUC               = 0xA0
	singleShift3      byte = 0x8F // EUC-JP: JIS X 0212 follows
)

// twins are the standard's own Unicode characters where the web's table has chosen
// the full-width look-alike. Both are the same character of JIS X 0208.
var twins = []rune{'〜', '‖', '−', '¢', '£', '¬', '—'}

// certifiable is the set of both standards, some 13,000 characters.
var certifiable = sync.OnceValue(func() map[rune]bool {
	set := map[rune]bool{}
	for row := rowFirst; row <= rowLast; row++ {
		if row <= nonKanjiRowLast || row >= kanjiRowFirst && row <= kanjiRowLast {
			addRow(set, row)
		}
		addRow(set, row, singleShift3)
	}
	for _, r := range twins {
		set[r] = true
	}
	return set
})

// addRow adds the characters of one row of 94.
func addRow(set map[rune]bool, row int, prefix ...byte) {
	decoder := japanese.EUCJP.NewDecoder()
	for cell := rowFirst; cell <= rowLast; cell++ {
		code := append(append([]byte{}, prefix...), byte(planeEUC+row), byte(planeEUC+cell))
		text, err := decoder.Bytes(code)
		r := []rune(string(text))
		if err == nil && len(r) == 1 && r[0] != unicode.ReplacementChar {
			set[r[0]] = true
		}
	}
}

// inCertificates reports whether a certificate can have r. Printable ASCII, which
// names of foreign residents are written in, counts as the Latin letters, digits
// and signs of JIS X 0208 (ours: whether certificates have them full-width is not
// public).
func inCertificates(r rune) bool {
	return r >= ' ' && r <= '~' || certifiable()[r]
}

// firstOutside is the place, from 1, of the first character that no certificate
// has, or 0. A variation selector belongs to the character before it and takes it
// out of the repertoire.
func firstOutside(s string) int {
	place := 0
	for _, r := range s {
		if !unicode.Is(unicode.Variation_Selector, r) {
			place++
		}
		if !inCertificates(r) {
			return place
		}
	}
	return 0
}
