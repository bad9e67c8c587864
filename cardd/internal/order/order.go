// Package order is an order as data and its strict reading: what shall be done to
// one card for one person, with the resident's data, the photograph and, apart
// from it, the PINs.
//
// An order is a JSON object (RFC 8259) or the same structure in CBOR (RFC 8949);
// the README of the command line shows one. It arrives as a file that names its
// photograph (see [Inline]) or on the wire with the photograph inside. Reading is
// strict: a field that is unknown, given twice (also in other case), of a wrong
// type or too long is refused, and all problems are reported at once, each with
// its field, rule, remedy and code (see [Problems]).
//
// # Personal data
//
// The order is the one place where a resident's data enter the daemon. All of
// them are kept in types that no fmt verb, logger or encoder can show. Errors
// never quote a value, nor a field name that might be one.
//
// # What it leaves out
//
// It reads no clock and knows no card: what the chip can hold and what a face has
// room for is judged when the plan is built. Whether a picture is a photograph and
// whether a font has a character is asked of the caller (see [Checks]), so that
// this package needs neither fonts nor cgo. The rules of the resident register are
// those of package juki.
package order

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"jukicard/apdu/secret"
	"jukicard/cardd/juki"
)

// Version is the version of the order's form that this package reads.
const Version = 1

// The operations. Issue makes a new card. Endorse makes one entry (追記) in the 追記欄 of
// a card that is in use.
const (
	Issue   = "issue"
	Endorse = "endorse"
)

// ErrMarshal is what every encoder gets: an order is written only by who means to,
// from the bytes it was read from.
var ErrMarshal = errors.New("cannot marshal an order: it is personal data")

// Order is one order, read and found right. It is not changed after reading; use
// it from several goroutines as long as none calls Destroy.
type Order struct {
	ID           string       // the orderer's reference, shown in logs: never personal
	Operation    string       // Issue or Endorse; for Endorse only what stands down to Endorsement is set
	Profile      string       // generation of card, "mynumber-1"
	Product      juki.Product // variant of the card; may be empty for Endorse
	Endorsement  Endorsement  // for Endorse
	Applied      juki.Date    // the day the application was accepted (申請受付日)
	Issued       juki.Date    // the day the card is made (発行日)
	Renews       Private[*juki.Date]
	Resident     Resident
	Municipality Municipality
	Certificates Certificates
	Certified    Certified    // empty when no 署名用 certificate is ordered
	SecurityCode secret.Bytes // セキュリティコード, 4 digits
	Photo        secret.Bytes // JPEG or PNG as submitted; empty for a card without

	derived Private[derived]
}

// Resident is the person the card is for (本人確認情報).
type Resident struct {
	Name         secret.Bytes // 氏名, UTF-8, with variation selectors
	FormerName   secret.Bytes // 旧氏; empty for none
	CommonName   secret.Bytes // 通称; empty for none
	NameRomaji   secret.Bytes // 氏名 in Latin letters; empty where the generation prints none
	NameKana     secret.Bytes // フリガナ; likewise
	Address      secret.Bytes // 住所, digits full-width
	MyNumber     secret.Bytes // 個人番号, 12 digits
	ResidentCode secret.Bytes // 住民票コード, 11 digits
	Birth        Private[juki.Date]
	Sex          Private[juki.Sex]
	Foreign      Private[bool]
	StayUntil    Private[*juki.Date] // 在留期間満了日; nil without a period of stay
}

// Municipality is who issues the card.
type Municipality struct {
	Code       string // 5 digits: prefecture 2 (JIS X 0401), municipality 3 (JIS X 0402)
	Name       string // 市区町村名
	Mayor      string // as printed: "清瀬市長"
	Prefecture string // romaji, as in certificates: "Tokyo-to"
	City       string // romaji, as in certificates: "Kiyose-shi"
	Window     string // 受付窓口識別記号, 9 characters
}

// Invented reports a municipality that does not exist: codes from 99000 on, which
// no prefecture has (JIS X 0401 ends at 47), are ours for laboratory orders.
func (m Municipality) Invented() bool { return len(m.Code) == 5 && m.Code[:2] == inventedPrefecture }

// inventedPrefecture begins the municipality codes of invented people.
const inventedPrefecture = "99"

// Certificates are the wishes for certificates.
type Certificates struct {
	Signature      bool // 署名用電子証明書
	Authentication bool // 利用者証明用電子証明書
}

// Certified is name and address as the 署名用 certificate gives them, in the
// characters of JIS X 0208 and JIS X 0212, with the positions of substitutes
// (代替文字): one '0' or '1' per character, '1' for a substitute.
type Certified struct {
	Name, NameFlags, Address, AddressFlags secret.Bytes
	Choices                                []Choice // what persons chose, in the order of the texts
}

// Eligibility is what the card carries: photograph, certificates, PIN classes.
func (o *Order) Eligibility() juki.Eligibility { return o.derived.Get().eligibility }

// CardExpiry is the last day on which the card is valid.
func (o *Order) CardExpiry() juki.Date { return o.derived.Get().card }

// SignatureExpiry is the last day of the 署名用 certificate; ok is false when none is
// ordered.
func (o *Order) SignatureExpiry() (last juki.Date, ok bool) {
	return o.derived.Get().signature, o.Certificates.Signature
}

// AuthenticationExpiry is the last day of the 利用者証明用 certificate; ok is false
// when none is ordered.
func (o *Order) AuthenticationExpiry() (last juki.Date, ok bool) {
	return o.derived.Get().authentication, o.Certificates.Authentication
}

// ReferenceA is 照合番号A: the 個人番号. Destroy destroys it.
func (o *Order) ReferenceA() secret.Bytes { return o.Resident.MyNumber }

// ReferenceB is 照合番号B, 14 digits of birth, year of expiry and security code.
// Destroy destroys it.
func (o *Order) ReferenceB() secret.Bytes { return o.derived.Get().referenceB }

// Destroy clears all personal data that can be cleared; the order is of no use
// afterwards.
func (o *Order) Destroy() {
	r := o.Resident
	o.Certified.destroy()
	o.Endorsement.destroy()
	for _, s := range []secret.Bytes{
		r.Name, r.FormerName, r.CommonName, r.NameRomaji, r.NameKana, r.Address, r.MyNumber, r.ResidentCode,
		o.SecurityCode, o.Photo, o.ReferenceB(),
	} {
		s.Destroy()
	}
}

// String shows the order's reference, operation and product, and nothing of the
// person.
func (o *Order) String() string {
	if o.Product == "" {
		return fmt.Sprintf("order %s (%s)", o.ID, o.Operation)
	}
	return fmt.Sprintf("order %s (%s, %s)", o.ID, o.Operation, o.Product)
}

// Format is String whatever the verb, for an Order as for a pointer to one.
func (o Order) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, o.String()) }

// LogValue is String.
func (o Order) LogValue() slog.Value { return slog.StringValue(o.String()) }

// MarshalJSON refuses.
func (o Order) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalCBOR refuses.
func (o Order) MarshalCBOR() ([]byte, error) { return nil, ErrMarshal }

// Format shows nothing of the resident whatever the verb.
func (r Resident) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[resident]") }

// LogValue shows nothing of the resident.
func (r Resident) LogValue() slog.Value { return slog.StringValue("[resident]") }

// MarshalJSON refuses.
func (r Resident) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalCBOR refuses.
func (r Resident) MarshalCBOR() ([]byte, error) { return nil, ErrMarshal }
