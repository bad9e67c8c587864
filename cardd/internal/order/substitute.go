package order

import (
	"slices"
	"strings"
	"unicode/utf8"

	"jukicard/apdu/secret"
	"jukicard/cardd/juki"
	"jukicard/pki/substitute"
)

// substitutes reads 代替文字 and settles what the 署名用 certificate says. It comes
// after the resident and the wishes.
func (r *reader) substitutes(f form) {
	var c Certified
	c.Name, c.NameFlags = r.certified(f, "name", r.order.Resident.Name, nameCharsMax, &c)
	c.Address, c.AddressFlags = r.certified(f, "address", r.order.Resident.Address, juki.SizeCertificateAddressMax, &c)
	if r.order.Certificates.Signature {
		r.order.Certified = c
		return
	}
	c.destroy()
}

// certified is one text of the certificate with its flags: the substitute where
// one is given, as the resident agreed to it on the application; else what package
// substitute makes of the original, with what was chosen where it cannot tell.
func (r *reader) certified(f form, name string, original secret.Bytes, most int, c *Certified) (value, flags secret.Bytes) {
	flagsName, choicesName := name+"_flags", name+"_choices"
	given, marks := f.textMax(name, optional, sizeOf(most)), f.text(flagsName, optional)
	switch {
	case !f.has(name) && !f.has(flagsName):
		value, flags = r.settled(f, name, original, most, c)
	case f.has(choicesName):
		f.problems.note(refuse("ORDER-CHOICE-TWICE", f.field(choicesName), f.field(name)))
	case !f.has(name):
		f.problems.note(refuse("ORDER-SUBSTITUTE-PAIR", f.field(name), f.field(name)))
	case !f.has(flagsName):
		f.problems.note(refuse("ORDER-SUBSTITUTE-PAIR", f.field(flagsName), f.field(flagsName)))
	case given != nil && marks != nil:
		r.substitute(f, name, given, marks, original, most)
		value, flags = secret.New(given), secret.New(marks)
	}
	return value, flags
}

// substitute judges a substitute text and its flags.
func (r *reader) substitute(f form, name string, given, flags []byte, original secret.Bytes, most int) {
	field, count := f.field(name), utf8.RuneCount(given)
	if err := juki.CheckText(field, view(given), most); err != nil {
		f.refuse(name, err)
		return
	}
	if place := firstOutside(view(given)); place > 0 {
		f.problems.note(refuse("ORDER-SUBSTITUTE-CHARACTER", field, place))
		return
	}
	switch {
	case strings.Trim(view(flags), "01") != "":
		f.problems.note(refuse("ORDER-FLAGS-CHARACTERS", field+"_flags"))
	case len(flags) != count:
		f.problems.note(refuse("ORDER-FLAGS-LENGTH", field+"_flags", count))
	case original.Len() > 0:
		_ = original.Lend(func(b []byte) error { // just made
			if !substitutes(characters(view(b)), characters(view(given)), flags) {
				f.problems.note(refuse("ORDER-SUBSTITUTE-MISMATCH", field))
			}
			return nil
		})
	}
}

// substitutes reports whether given stands for original: as many characters, where
// flag 0 keeps one and flag 1 changes it; or another number of them, where a run of
// flags 1 stands for one or more (a character without a substitute is written in
// kana; rules fact sheet, 6). So no certificate is ordered in another's name.
func substitutes(original, given []string, flags []byte) bool {
	if len(original) != len(given) {
		return aligned(original, given, flags)
	}
	for i := range original {
		if (original[i] == given[i]) != (flags[i] == '0') && !sameGlyph(original[i], given[i]) {
			return false
		}
	}
	return true
}

// sameGlyph reports whether original, with a selector, is the very glyph that given is
// without one. Such a selector says nothing, and it may be flagged or not: orders from
// before the list of glyphs was asked flag it.
func sameGlyph(original, given string) bool {
	if original == given {
		return false
	}
	for _, s := range substitute.Characters(original) {
		f := substitute.Of(s)
		return f.Outcome == substitute.Same && string(f.Written) == given
	}
	return false
}

// aligned walks given with all places of original where it can stand.
func aligned(original, given []string, flags []byte) bool {
	at := []int{0}
	for i := 0; i < len(given) && len(at) > 0; i++ {
		var next []int
		if flags[i] == '0' {
			for _, p := range at {
				if p < len(original) && original[p] == given[i] {
					next = append(next, p+1)
				}
			}
		} else if i == 0 || flags[i-1] == '0' { // a run begins: it takes one or more
			for p := at[0] + 1; p <= len(original); p++ {
				next = append(next, p)
			}
		} else {
			next = at
		}
		at = next
	}
	return slices.Contains(at, len(original))
}
