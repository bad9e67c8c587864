// Package face draws a My Number card (個人番号カード): the printed front and
// back as rasters for a printer, and the face objects that the chip holds
// (name, address, number and security code as 1-bit PNG, the photograph as
// grey JPEG 2000).
//
// # Characters
//
// A name is right only when every character has the very glyph that the
// resident register means. So text is not shaped: each base character, alone
// or with its variation selector (Unicode Ideographic Variation Database), is
// looked up in the fonts' cmap, format 14 for selectors (OpenType 1.9, cmap),
// and what was looked up is what is drawn. A shaper would silently drop a
// selector that the font does not know and print another name. A character
// that no font has exactly is refused with a [GlyphError], and text that does
// not fit is refused with an [OverflowError]; nothing is replaced or cut.
//
// # Positions
//
// The real positions on the card face are not public. They come from a
// [Layout], a JSON file in millimetres; the one inside, [DefaultLayout], is
// ours, and says 見本 (specimen) on both sides.
//
// # What is left out
//
// The package knows no printer, no chip and no rule of the resident register:
// it gets finished texts and gives images. Encoding the photograph needs cgo
// and OpenJPEG (ISO/IEC 15444-1); built without cgo, [EncodeJP2] and
// [DecodeJP2] return an error that says so, and everything else works.
package face

import (
	"fmt"
	"image"
	"io"
	"log/slog"
	"strings"
)

// Data is what stands on one person's card, as finished text. It prints as
// "[face data]" under every fmt verb.
type Data struct {
	Name    string // 氏名, with variation selectors
	Address string // 住所

	NameRomaji string // 氏名 in Latin letters, for layouts that have it (card fact sheet, 8)
	NameKana   string // フリガナ, likewise

	BirthText string // 生年月日 as printed: Japanese era for Japanese, Gregorian for foreign residents (rules sheet, 7)
	SexText   string // 性別 as printed
	// BirthWestern is 生年月日 in the Gregorian calendar for everybody, as the next card is
	// to have it (rules sheet, 7).
	BirthWestern string

	MyNumber     string // 個人番号, 12 ASCII digits
	SecurityCode string // セキュリティコード, 4 ASCII digits
	CardID       string // the 16 hexadecimal characters of the face

	ExpiryText     string // 有効期限 as printed
	CertExpiryText string // 電子証明書の有効期限; empty leaves the box for handwriting, as cities do (rules sheet, 7)
	Mayor          string // the issuing mayor

	NameBack  string // 氏名 of the back; empty means Name
	BirthBack string // 生年月日 of the back; empty means BirthText

	Remarks []string // 追記欄, at most as many lines as the layout has

	Photo image.Image // nil for a child under one, whose card shows none (rules sheet, 3.5)
}

const dataText = "[face data]"

// Format prints "[face data]" whatever the verb, for all of it is personal.
func (d Data) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, dataText) }

// LogValue keeps the data out of structured logs, whose JSON form does not ask
// Format.
func (d Data) LogValue() slog.Value { return slog.StringValue(dataText) }

// MarshalJSON refuses: face data is not to be stored by accident.
func (d Data) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("cannot write face data as JSON: it is personal and has no stored form")
}

// DataError is a field of [Data] that cannot be on a card. The value is not in
// it.
type DataError struct {
	Field  string // for example "my number"
	Rule   string // what is wanted
	Remedy string // what to do
}

// Error names the field, the rule and the remedy.
func (e *DataError) Error() string {
	return fmt.Sprintf("cannot use the %s: %s; %s", e.Field, e.Rule, e.Remedy)
}

// names of the fields in errors, by their names in a layout.
var fieldNames = map[string]string{
	"name": "name", "address": "address", "birth": "birth date", "sex": "sex",
	"my_number": "my number", "security_code": "security code", "card_id": "card id",
	"expiry": "expiry date", "cert_expiry": "certificate expiry date", "mayor": "mayor",
	"name_romaji": "name in romaji", "name_kana": "name in kana", "birth_western": "birth date in the Gregorian calendar",
	"name_back": "name on the back", "birth_back": "birth date on the back", "remarks": "remarks",
}

// text returns a field's text as it is printed.
func (d Data) text(field string) string {
	switch field {
	case "name":
		return d.Name
	case "address":
		return d.Address
	case "birth":
		return d.BirthText
	case "name_romaji":
		return d.NameRomaji
	case "name_kana":
		return d.NameKana
	case "birth_western":
		return d.BirthWestern
	case "sex":
		return d.SexText
	case "my_number":
		return grouped(d.MyNumber)
	case "security_code":
		return d.SecurityCode
	case "card_id":
		return d.CardID
	case "expiry":
		return d.ExpiryText
	case "cert_expiry":
		return d.CertExpiryText
	case "mayor":
		return d.Mayor
	case "name_back":
		return or(d.NameBack, d.Name)
	case "birth_back":
		return or(d.BirthBack, d.BirthText)
	}
	panic("internal error: a layout passed with the unknown field " + field)
}

func or(first, second string) string {
	if first != "" {
		return first
	}
	return second
}

// grouped sets the number in fours, as on the card.
func grouped(number string) string {
	if len(number) != 12 {
		return number
	}
	return number[:4] + " " + number[4:8] + " " + number[8:]
}

// check refuses what has the wrong form before anything is drawn. The check
// digit is the caller's business.
func (d Data) check() error {
	if !allOf(d.MyNumber, 12, decimal) {
		return &DataError{"my number", "it must be 12 digits 0 to 9", "correct the order"}
	}
	if !allOf(d.SecurityCode, 4, decimal) {
		return &DataError{"security code", "it must be 4 digits 0 to 9", "correct the order"}
	}
	if d.CardID != "" && !allOf(d.CardID, 16, decimal+"ABCDEF") {
		return &DataError{"card id", "it must be 16 hexadecimal characters 0-9 A-F", "correct the order"}
	}
	if d.Photo != nil && d.Photo.Bounds().Empty() {
		return &DataError{"photograph", "it must have pixels", "give another one, or none for a child under one"}
	}
	return nil
}

const decimal = "0123456789"

func allOf(s string, n int, set string) bool {
	return len(s) == n && strings.Trim(s, set) == ""
}
