package juki

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// SizeCertificateAddressMax is the most characters an address in a certificate
// has (JPKI certificate profile). The limits of names, and of addresses on face
// and chip, are not public: they belong to a profile or layout.
const SizeCertificateAddressMax = 200

// CheckText accepts text for a card: valid UTF-8, not empty, at most maxChars
// characters as CountChars counts (no limit when maxChars is 0 or less), without
// control, format, private-use or unassigned characters. The ideographic space
// U+3000 separates the parts of a name and is allowed, as are variation selectors
// after a base. Which glyphs a face or a certificate can show is not judged here,
// nor is half-width against full-width.
func CheckText(field, s string, maxChars int) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
		return refuse("JUKI-TEXT-ENCODING", field)
	}
	if strings.Trim(s, " \u3000") == "" {
		return refuse("JUKI-TEXT-EMPTY", field)
	}
	if strings.ContainsFunc(s, unprintable) {
		return refuse("JUKI-TEXT-UNPRINTABLE", field)
	}
	if first, _ := utf8.DecodeRuneInString(s); unicode.Is(unicode.M, first) {
		return refuse("JUKI-TEXT-NOBASE", field)
	}
	if maxChars > 0 && CountChars(s) > maxChars {
		return refuseCount("JUKI-TEXT-LONG", field, maxChars)
	}
	return nil
}

// CountChars counts characters as a clerk does: a variation selector belongs to
// the character before it.
func CountChars(s string) int {
	n := 0
	for _, r := range s {
		if !unicode.Is(unicode.Variation_Selector, r) {
			n++
		}
	}
	return n
}

// unprintable reports what no face can show. Planes 2 and 3 hold nothing but Han
// characters and grow with every edition of Unicode, ahead of Go's tables, so an
// unassigned place there is left to the font to refuse.
func unprintable(r rune) bool {
	if r == '\u3000' || unicode.IsPrint(r) {
		return false
	}
	hanPlanes := r >= 0x20000 && r <= 0x3FFFD && r&0xFFFF < 0xFFFE
	return !hanPlanes
}
