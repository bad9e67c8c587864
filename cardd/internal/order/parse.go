package order

import (
	"slices"
	"strings"
	"unicode/utf8"

	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/juki"
)

// Limits of texts in characters. That of the address is the certificate's; those
// of names are not public (rules fact sheet, 5.6), and ours. What chip and face
// have room for is judged with the plan.
const (
	nameCharsMax  = 100
	placeCharsMax = 40
)

const (
	rootOrder = "order"
	rootPINs  = "pins"
)

// Checks are judgements that this package leaves to others. A nil one passes
// everything. Each error is best a *juki.InputError made with Refusal, for field;
// another counts as a plain no.
type Checks struct {
	Photo func(image []byte) error       // field "photo"; it must keep nothing of image
	Text  func(field, text string) error // can the text be printed? It must keep nothing of text
}

// Parse reads an order in JSON. photo fetches a photograph that is named and not
// inside, and gives the bytes away: they are cleared after use. It is nil on the
// wire, where the photograph must be inside. The error is Problems, complete. b
// stays the caller's, who clears it; the order keeps copies.
func Parse(b []byte, photo func(name string) ([]byte, error), c Checks) (*Order, error) {
	d := document{root: rootOrder, b: b}
	n, err := d.readJSON()
	return parse(&d, n, err, photo, c)
}

// ParseCBOR is Parse for the same structure in CBOR, where photo_data is a byte
// string or, as in JSON, base64.
func ParseCBOR(b []byte, photo func(name string) ([]byte, error), c Checks) (*Order, error) {
	d := document{root: rootOrder, b: b}
	n, err := d.readCBOR()
	return parse(&d, n, err, photo, c)
}

func parse(d *document, n node, broken *juki.InputError, photo func(string) ([]byte, error), c Checks) (*Order, error) {
	defer d.clear()
	if broken != nil {
		return nil, Problems{broken}
	}
	r := reader{document: d, checks: c, fetch: photo, order: &Order{}}
	r.read(&n)
	if err := r.problems.err(); err != nil {
		r.order.Destroy()
		return nil, err
	}
	return r.order, nil
}

// reader fills an order from a document and collects what is wrong.
type reader struct {
	document *document
	checks   Checks
	fetch    func(name string) ([]byte, error)
	problems Problems
	order    *Order
	terms    juki.Terms // of the profile; derive sets them
	eligible bool       // the order derives: product, ages and dates agree
}

// Fields of an order: of every one, of one to issue, of one to endorse. A field of the
// other operation is refused by name, for an order does one thing.
var (
	fieldsOfAll   = []string{"version", "id", "operation", "profile", "product"}
	fieldsOfIssue = []string{
		"applied_on", "issued_on", "renews_card_expiring_on", "resident", "municipality", "certificates",
		"security_code", "photo", "photo_data", "substitutes",
	}
	fieldsOfEndorse = []string{"card", "entry", "by_hand", "panel"}
)

// read reads the whole order by the form of its operation. One whose operation cannot be
// told is held against the form of an issue.
func (r *reader) read(n *node) {
	if operationOf(n) == Endorse {
		r.endorsement(openFormOf(&r.problems, rootOrder, "", n, slices.Concat(fieldsOfAll, fieldsOfEndorse), fieldsOfIssue))
		return
	}
	r.issue(openFormOf(&r.problems, rootOrder, "", n, slices.Concat(fieldsOfAll, fieldsOfIssue), fieldsOfEndorse))
}

// operationOf is the operation before anything is judged; empty where none can be told.
func operationOf(n *node) string {
	for _, f := range n.fields {
		if view(f.name) == "operation" && f.value.kind == kindText {
			return view(f.value.data)
		}
	}
	return ""
}

// issue reads an order to issue, section by section, then derives what follows.
func (r *reader) issue(f form) {
	r.head(f)
	r.application(f)
	r.resident(f.object("resident", required,
		"name", "former_name", "common_name", "name_romaji", "name_kana", "address", "birth", "sex", "my_number", "resident_code",
		"nationality", "stay_until"))
	r.municipality(f.object("municipality", required,
		"code", "name", "mayor", "prefecture_romaji", "city_romaji", "window"))
	wishes := f.object("certificates", required, "signature", "authentication")
	r.order.Certificates = Certificates{wishes.boolean("signature"), wishes.boolean("authentication")}
	r.substitutes(f.object("substitutes", optional,
		"name", "name_flags", "name_choices", "address", "address_flags", "address_choices"))
	r.derive()
	r.photo(f)
}

// head reads what every order has.
func (r *reader) head(f form) {
	o := r.order
	if v := f.value("version", required); v != nil && (v.kind != kindInteger || view(v.data) != "1") {
		f.problems.note(refuse("ORDER-VERSION", f.field("version"), Version))
	}
	o.ID = f.plain("id", "ORDER-ID", fitID)
	o.Operation = f.plain("operation", "ORDER-OPERATION", func(s string) bool { return s == Issue || s == Endorse })
	o.Profile = f.plain("profile", "ORDER-PROFILE", func(s string) bool { return slices.Contains(profile.IDs(), s) },
		strings.Join(profile.IDs(), ", "))
}

// application reads what is to be made, and when it was asked for.
func (r *reader) application(f form) {
	o := r.order
	o.Product = r.product(f, required)
	if d := f.day("applied_on", required); d != nil {
		o.Applied = *d
	}
	if d := f.day("issued_on", required); d != nil {
		o.Issued = *d
	}
	o.Renews = keep(f.day("renews_card_expiring_on", optional))
	o.SecurityCode = r.number(f, "security_code", juki.CheckSecurityCode)
}

// product reads the variant of the card.
func (r *reader) product(f form, n need) juki.Product {
	b := f.text("product", n)
	if b == nil {
		return ""
	}
	if i := slices.Index(juki.Products, juki.Product(view(b))); i >= 0 {
		return juki.Products[i]
	}
	_, err := juki.CheckEligibility("", juki.Date{}, juki.Date{}, juki.Date{}, false, false) // refuses the product first
	f.refuse("product", err)
	return ""
}

// fitID accepts a reference that can stand in logs. Ten digits in a row might be a
// 個人番号 or 住民票コード.
func fitID(s string) bool {
	if len(s) == 0 || len(s) > 64 || strings.Trim(s[:1], latin+digits) != "" {
		return false
	}
	return strings.Trim(s, latin+digits+"._-") == "" && !digitsInRow(s, 10)
}

const (
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	latin    = capitals + "abcdefghijklmnopqrstuvwxyz"
	digits   = "0123456789"
)

// digitsInRow reports whether s has n digits next to each other.
func digitsInRow(s string, n int) bool {
	row := 0
	for i := range len(s) {
		if row++; s[i] < '0' || s[i] > '9' {
			row = 0
		}
		if row == n {
			return true
		}
	}
	return false
}

// resident reads the person.
func (r *reader) resident(f form) {
	p := &r.order.Resident
	p.Name = r.printed(f, "name", required, nameCharsMax)
	p.FormerName = r.printed(f, "former_name", optional, nameCharsMax)
	p.CommonName = r.printed(f, "common_name", optional, nameCharsMax)
	p.NameRomaji = r.spelt(f, "name_romaji", "ORDER-NAME-ROMAJI", romaji)
	p.NameKana = r.spelt(f, "name_kana", "ORDER-NAME-KANA", kana)
	p.Address = r.printed(f, "address", required, juki.SizeCertificateAddressMax)
	p.MyNumber = r.number(f, "my_number", juki.CheckMyNumber)
	p.ResidentCode = r.number(f, "resident_code", juki.CheckResidentCode)
	if b := f.text("birth", required); b != nil {
		birth, err := juki.ParseBirth(view(b))
		f.refuse("birth", err)
		p.Birth = keep(birth)
	}
	if b := f.text("sex", required); b != nil {
		sex, err := juki.ParseSex(view(b))
		f.refuse("sex", err)
		p.Sex = keep(sex)
	}
	nationality := f.plain("nationality", "ORDER-NATIONALITY", func(s string) bool { return s == "japanese" || s == "foreign" })
	p.Foreign = keep(nationality == "foreign")
	p.StayUntil = keep(f.day("stay_until", optional))
	r.spelling(f, nationality)
}

// spelling holds name and address against how the register writes them.
func (r *reader) spelling(f form, nationality string) {
	if nationality == "japanese" && strings.Contains(view(f.quiet("name")), " ") {
		f.problems.note(refuse("ORDER-NAME-SPACE", f.field("name")))
	}
	if strings.ContainsAny(view(f.quiet("address")), digits) {
		f.problems.note(refuse("ORDER-ADDRESS-HALFWIDTH", f.field("address")))
	}
}

// printed reads a text that stands on the card face.
func (r *reader) printed(f form, name string, n need, most int) secret.Bytes {
	b := f.textMax(name, n, sizeOf(most))
	if b == nil {
		return secret.Bytes{}
	}
	if err := juki.CheckText(f.field(name), view(b), most); err != nil {
		f.refuse(name, err)
		return secret.Bytes{}
	}
	if r.checks.Text != nil {
		f.problems.noteErr(r.checks.Text(f.field(name), view(b)), f.field(name), "ORDER-TEXT-GLYPH")
	}
	return secret.New(b)
}

// The characters of names in Latin letters and in kana: ours, for what the next card
// prints is not published to that detail.
const romaji = capitals + " -'"

// kana are the full-width katakana from ァ to ヴ, the long mark, the middle dot and the
// ideographic space.
var kana = func() string {
	var b strings.Builder
	for r := 'ァ'; r <= 'ヴ'; r++ {
		b.WriteRune(r)
	}
	return b.String() + "ー・　"
}()

// spelt reads a name in another script, which a generation that prints it needs.
func (r *reader) spelt(f form, name, code, set string) secret.Bytes {
	n := optional
	if p, err := profile.Shared(r.order.Profile); err == nil && slices.Contains(p.Face.Needs, name) {
		n = required
	}
	s := r.printed(f, name, n, nameCharsMax)
	_ = s.Lend(func(b []byte) error { // just made
		if strings.Trim(view(b), set) != "" {
			f.problems.note(refuse(code, f.field(name)))
		}
		return nil
	})
	return s
}

// sizeOf is the most bytes of a text of so many characters: four for each, and
// four more for a selector, within what any text has.
func sizeOf(chars int) int { return min(chars*2*utf8.UTFMax, sizeTextMax) }

// number reads digits that a rule accepts.
func (r *reader) number(f form, name string, check func(string) error) secret.Bytes {
	b := f.text(name, required)
	if b == nil {
		return secret.Bytes{}
	}
	if err := check(view(b)); err != nil {
		f.refuse(name, err)
		return secret.Bytes{}
	}
	return secret.New(b)
}

// municipality reads who issues.
func (r *reader) municipality(f form) {
	r.order.Municipality = Municipality{
		Code:       r.municipalityCode(f),
		Name:       r.place(f, "name"),
		Mayor:      r.place(f, "mayor"),
		Prefecture: f.plain("prefecture_romaji", "ORDER-ROMAJI", fitRomaji),
		City:       f.plain("city_romaji", "ORDER-ROMAJI", fitRomaji),
		Window:     f.plain("window", "ORDER-WINDOW", func(s string) bool { return len(s) == 9 && strings.Trim(s, capitals+digits) == "" }),
	}
}

// municipalityCode reads the code of a municipality or of an invented one.
func (r *reader) municipalityCode(f form) string {
	b := f.text("code", required)
	if b == nil {
		return ""
	}
	code := string(b)
	judged := code
	if rest, invented := strings.CutPrefix(code, inventedPrefecture); invented {
		judged = "01" + rest // the form of the rest is the same
	}
	f.refuse("code", juki.CheckMunicipality(judged))
	return code
}

// place reads a name of the municipality, which is printed and not personal.
func (r *reader) place(f form, name string) string {
	s := r.printed(f, name, required, placeCharsMax)
	var text string
	_ = s.Lend(func(b []byte) error { text = string(b); return nil }) // just made
	return text
}

// fitRomaji accepts a name such as "Tokyo-to", which a PrintableString can hold.
func fitRomaji(s string) bool {
	return len(s) >= 2 && len(s) <= 64 && strings.Trim(s[:1], capitals) == "" && strings.Trim(s, latin+"-") == ""
}
