package order

import (
	"unicode"

	"jukicard/pki/substitute"
)

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

// inCertificates reports whether a certificate can have r.
func inCertificates(r rune) bool { return substitute.InRepertoire(r) }
