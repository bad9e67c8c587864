package pki

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	addressMax  = 200 // characters (issuance rules sheet, 5.4)
	nameMax     = 200 // ours; the real limit is not public
	localityMax = 128 // RFC 5280, appendix A.1, ub-locality-name
)

// Check says what keeps a holder out of a 署名用 certificate. The error names
// field, rule and remedy, and never the value.
func (h Holder) Check() error {
	for _, c := range []func() error{
		func() error { return checkWritten("name", h.Name, h.NameSubstituted, nameMax) },
		func() error { return checkWritten("address", h.Address, h.AddressSubstituted, addressMax) },
		h.checkBirth,
		h.checkSex,
		func() error { return checkRomaji("prefecture", h.Prefecture) },
		func() error { return checkRomaji("city", h.City) },
	} {
		if err := c(); err != nil {
			return err
		}
	}
	return nil
}

// checkWritten holds a text and its 代替文字 positions together: each character is
// in the repertoire, and each has its '0' or '1' (card fact sheet, 6.2, where the
// separator U+3000 counts as one).
func checkWritten(field, value, substituted string, limit int) error {
	n := utf8.RuneCountInString(value)
	if n == 0 || n > limit || !utf8.ValidString(value) {
		return fmt.Errorf("holder %s: must have 1 to %d characters of UTF-8", field, limit)
	}
	i := 0
	for _, r := range value {
		i++
		if !InRepertoire(r) {
			return fmt.Errorf("holder %s: character %d is outside JIS X 0208 and JIS X 0212; substitute it (代替文字) and mark its position", field, i)
		}
	}
	if len(substituted) != n || strings.Trim(substituted, "01") != "" {
		return fmt.Errorf("holder %s: its substitution string must have one 0 or 1 per character, %d in all", field, n)
	}
	return nil
}

// eras are the years of 元号 1 to 5 (card fact sheet, 6.2); the bounds are general
// knowledge. Years only, for dates outside the calendar do occur in registers.
var eras = [...]struct{ first, last int }{
	{0, 9999}, {1868, 1912}, {1912, 1926}, {1926, 1989}, {1989, 2019}, {2019, 9999},
}

// checkBirth wants EYYYYMMDD; unknown parts are zero (issuance rules sheet, 5.2).
func (h Holder) checkBirth() error {
	bad := errors.New("holder birth: must be EYYYYMMDD, era 0 to 5, Gregorian year of that era, unknown parts 0")
	if !made(h.Birth, 9, digits) || h.Birth[0] > '5' {
		return bad
	}
	year, _ := strconv.Atoi(h.Birth[1:5])
	month, _ := strconv.Atoi(h.Birth[5:7])
	day, _ := strconv.Atoi(h.Birth[7:9])
	era := eras[h.Birth[0]-'0']
	if month > 12 || day > 31 || year != 0 && (year < era.first || year > era.last) {
		return bad
	}
	return nil
}

// checkSex wants a code of JIS X 0303 (card fact sheet, 6.2).
func (h Holder) checkSex() error {
	if len(h.Sex) != 1 || !strings.Contains("0129", h.Sex) {
		return errors.New("holder sex: must be 1, 2, 9 or 0 (JIS X 0303)")
	}
	return nil
}

// checkRomaji wants a locality such as Tokyo-to or Kiyose-shi.
func checkRomaji(field, s string) error {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-' "
	if s == "" || len(s) > localityMax || strings.Trim(s, letters) != "" || s != strings.TrimSpace(s) {
		return fmt.Errorf("holder %s: must be romaji letters, hyphen, apostrophe and space, 1 to %d", field, localityMax)
	}
	return nil
}

// text says whether s is 1 to limit printable characters.
func text(s string, limit int) bool {
	n := utf8.RuneCountInString(s)
	return n > 0 && n <= limit && utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// ascii says whether s is printable ASCII without a space.
func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
