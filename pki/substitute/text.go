package substitute

import (
	"iter"
	"unicode"
	"unicode/utf8"

	"jukicard/pki/substitute/mj"
)

// Characters splits a text as a clerk does, a selector with the character before it,
// and counts from 1. A second selector, and one with nothing before it, count alone:
// no certificate can have them.
func Characters(text string) iter.Seq2[int, mj.Sequence] {
	return func(yield func(int, mj.Sequence) bool) {
		for place := 1; text != ""; place++ {
			base, size := utf8.DecodeRuneInString(text)
			text = text[size:]
			s := mj.Sequence{Base: base}
			next, size := utf8.DecodeRuneInString(text)
			if unicode.Is(unicode.Variation_Selector, next) && !unicode.Is(unicode.Variation_Selector, base) {
				s.Selector, text = next, text[size:]
			}
			if !yield(place, s) {
				return
			}
		}
	}
}

// Certify writes text as a certificate has it, and for each character written a mark:
// '0' for one that the text has, '1' for a substitute (card fact sheet, 6.2, where the
// space between names counts as a character). Where a person must choose, choose is
// asked for what was chosen at that place; "" leaves the place out, and Certify
// reports the first such place in open, which is 0 when the text is whole. The result
// is newly made, so that its owner can clear it; nothing else keeps any of text.
func Certify(text string, choose func(place int, f Finding) string) (value, marks []byte, open int) {
	// With room for all, so that growing leaves no copies behind.
	value = make([]byte, 0, len(text)*KanaMax)
	marks = make([]byte, 0, len(text)*KanaMax)
	for place, s := range Characters(text) {
		f := Of(s)
		mark := byte('0')
		if f.Marked() {
			mark = '1'
		}
		if f.Settled() {
			value, marks = utf8.AppendRune(value, f.Written), append(marks, mark)
			continue
		}
		chosen := choose(place, f)
		if chosen == "" && open == 0 {
			open = place
		}
		for _, r := range chosen {
			value, marks = utf8.AppendRune(value, r), append(marks, mark)
		}
	}
	return value, marks, open
}
