package face

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// cluster is what a person counts as one character: a base and, perhaps, the
// variation selector that chooses among its forms.
type cluster struct {
	base     rune
	selector rune // 0 for none
}

func (c cluster) codePoints() string {
	if c.selector == 0 {
		return fmt.Sprintf("U+%04X", c.base)
	}
	return fmt.Sprintf("U+%04X U+%04X", c.base, c.selector)
}

// isSelector tells a variation selector: VS1 to VS16, and VS17 to VS256 of the
// Ideographic Variation Database (Unicode 16.0, 23.4; UTS #37).
func isSelector(r rune) bool {
	return r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF
}

// textBytesMost bounds a text before any work is spent on it; no card has room
// for a third of it.
const textBytesMost = 4096

// clusters splits a text, refusing what cannot be one printed character.
func clusters(field, text string) ([]cluster, error) {
	if len(text) > textBytesMost {
		return nil, &OverflowError{Field: field, Remedy: "shorten it as the resident register permits"}
	}
	out := make([]cluster, 0, len(text)/3+1)
	for i, size := 0, 0; i < len(text); i += size {
		var r rune
		r, size = utf8.DecodeRuneInString(text[i:])
		if isSelector(r) && len(out) > 0 && out[len(out)-1].selector == 0 {
			out[len(out)-1].selector = r
			continue
		}
		c := cluster{base: r}
		if why := refuse(r, size); why != "" {
			return nil, &GlyphError{Field: field, Index: len(out) + 1, CodePoints: c.codePoints(), Reason: why}
		}
		out = append(out, c)
	}
	return out, nil
}

// refuse tells why a code point can never be printed, or "".
func refuse(r rune, size int) Reason {
	switch {
	case r == utf8.RuneError && size == 1:
		return NotUTF8
	case isSelector(r):
		return StraySelector
	case unicode.In(r, unicode.M):
		return Combining
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
		return Control
	}
	return ""
}

// Reason is why a character is refused.
type Reason string

// The reasons. Each has a remedy in the error's text.
const (
	NoGlyph       Reason = "no loaded font has it"
	NoVariation   Reason = "no loaded font has it with this variation selector"
	EmptyGlyph    Reason = "the font has only an empty shape for it"
	StraySelector Reason = "it is a variation selector with nothing to select"
	Combining     Reason = "it is a combining mark"
	PrivateUse    Reason = "it is a private-use code (外字) that no loaded BDF font has"
	Control       Reason = "it is a control or format code"
	NotUTF8       Reason = "the bytes are not UTF-8"
)

var remedies = map[Reason]string{
	NoGlyph:       "load a font that has it, or have the resident register give a character that can be printed",
	NoVariation:   "load a font of the collection the selector belongs to, or choose the same shape in a loaded collection (for IPAmj Mincho, Moji_Joho)",
	EmptyGlyph:    "load a font that has its shape",
	StraySelector: "remove it from the order",
	Combining:     "give the composed character (Unicode form NFC)",
	PrivateUse:    "load the municipality's BDF font with that 外字, or give the Unicode character or sequence that it stands for",
	Control:       "remove it from the order",
	NotUTF8:       "correct the encoding of the order",
}

// GlyphError is a character that cannot be printed exactly. Its text gives the
// position, the reason and the remedy but not the character, for names are
// personal data and errors are logged; Detail gives that.
type GlyphError struct {
	Field      string // for example "name"
	Index      int    // which character, from 1; a base and its selector count as one
	CodePoints string `json:"-"` // "U+845B U+E0100": personal, for the operator alone
	Reason     Reason
}

// Error gives field, position, reason and remedy.
func (e *GlyphError) Error() string {
	return fmt.Sprintf("cannot print the %s: character %d is refused: %s; %s", e.Field, e.Index, e.Reason, remedies[e.Reason])
}

// GoString keeps the code points out of %#v.
func (e *GlyphError) GoString() string { return e.Error() }

// Detail adds the code points. It is for the operator's own screen and must not be
// logged.
func (e *GlyphError) Detail() string {
	return fmt.Sprintf("%s, character %d: %s (%s)", e.Field, e.Index, e.CodePoints, e.Reason)
}
