package order

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"jukicard/cardd/juki"
)

// tree is an order as a test changes it: "resident.my_number" to a value.
type tree map[string]any

// document is the named person's order as a tree.
func documentOf(t testing.TB, name string) tree {
	t.Helper()
	p, _ := person(t, name)
	var out tree
	d := json.NewDecoder(bytes.NewReader(p.Order))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// absent is the value that takes a field away.
type absent struct{}

// with is the order with one field changed.
func (d tree) with(path string, value any) tree {
	object := map[string]any(d)
	for {
		head, rest, deeper := strings.Cut(path, ".")
		if !deeper {
			break
		}
		object, path = object[head].(map[string]any), rest
	}
	object[path] = value
	if value == (absent{}) {
		delete(object, path)
	}
	return d
}

func (d tree) json(t testing.TB) []byte {
	t.Helper()
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// problems asserts that err lists problems that name field, rule, remedy and code,
// in English and Japanese, and quote nothing of the person.
func problems(t testing.TB, err error, personal ...string) Problems {
	t.Helper()
	var list Problems
	if !errors.As(err, &list) || len(list) == 0 {
		t.Fatalf("no list of problems: %v", err)
	}
	for _, e := range list {
		if e.Code == "" || e.Field == "" || e.Rule == "" || e.Remedy == "" || !strings.Contains(e.Ja, "を受け付けられません。") {
			t.Errorf("incomplete problem: %+v", e)
		}
		if strings.ContainsAny(e.Rule+e.Remedy+e.Ja, "{}") {
			t.Errorf("%s has an unfilled text: %s; %s; %s", e.Code, e.Rule, e.Remedy, e.Ja)
		}
	}
	shown := fmt.Sprintf("%v %+v %#v", err, list, err)
	for _, e := range list {
		shown += e.Ja
	}
	for _, value := range personal {
		if value != "" && strings.Contains(shown, value) {
			t.Errorf("the error quotes personal data")
		}
	}
	return list
}

// personal are the adult's values that no error may quote.
func personal(t testing.TB) []string {
	t.Helper()
	r := documentOf(t, "adult")["resident"].(map[string]any)
	return []string{r["name"].(string), r["address"].(string), r["birth"].(string), r["my_number"].(string), r["resident_code"].(string)}
}

// TestBadOrders breaks one thing at a time in a good order.
func TestBadOrders(t *testing.T) {
	long := strings.Repeat("山", 2049/3+1)
	rows := []struct {
		name, person, path string
		value              any
		code, field        string
	}{
		{"wrong check digit of the My Number", "adult", "resident.my_number", "123456789012", "JUKI-MYNUMBER-CHECKDIGIT", "resident.my_number"},
		{"eleven digits of a My Number", "adult", "resident.my_number", "12345678901", "JUKI-MYNUMBER-LENGTH", "resident.my_number"},
		{"full-width My Number", "adult", "resident.my_number", "１２３４５６７８９０１８", "JUKI-MYNUMBER-DIGITS", "resident.my_number"},
		{"My Number as a number", "adult", "resident.my_number", json.Number("123456789018"), "ORDER-FIELD-TYPE", "resident.my_number"},
		{"wrong check digit of the resident code", "adult", "resident.resident_code", "12345678901", "JUKI-RESIDENTCODE-CHECKDIGIT", "resident.resident_code"},

		{"30 February applied", "adult", "applied_on", "2026-02-30", "JUKI-DATE-IMPOSSIBLE", "applied_on"},
		{"month 13 issued", "adult", "issued_on", "2026-13-01", "JUKI-DATE-IMPOSSIBLE", "issued_on"},
		{"a date with slashes", "adult", "issued_on", "2026/11/23", "JUKI-DATE-FORMAT", "issued_on"},
		{"31 April birth", "adult", "resident.birth", "1980-04-31", "JUKI-BIRTH-IMPOSSIBLE", "resident.birth"},
		{"birth with an unknown day", "adult", "resident.birth", "1980-04-00", "JUKI-BIRTH-UNKNOWN", "resident.birth"},
		{"birth wholly unknown", "adult", "resident.birth", "0000-00-00", "JUKI-BIRTH-UNKNOWN", "resident.birth"},
		{"birth after the application", "adult", "resident.birth", "2026-11-22", "JUKI-BIRTH-FUTURE", "resident.birth"},
		{"issued before applied", "adult", "issued_on", "2026-11-19", "JUKI-ISSUED-BEFORE-APPLIED", "issued_on"},
		{"renewal too early", "adult", "renews_card_expiring_on", "2027-05-01", "JUKI-RENEWAL-EARLY", "renews_card_expiring_on"},
		{"renewal of what has expired", "adult", "renews_card_expiring_on", "2026-11-01", "JUKI-RENEWAL-LATE", "renews_card_expiring_on"},
		{"a stay that has ended", "foreigner", "resident.stay_until", "2026-11-22", "JUKI-STAY-ENDED", "resident.stay_until"},
		{"a stay of a Japanese", "adult", "resident.stay_until", "2030-01-01", "JUKI-STAY-JAPANESE", "resident.stay_until"},

		{"standard for a child", "under15", "product", "standard", "JUKI-PRODUCT-AGE-UNDER15", "product"},
		{"under15 for an adult", "opted-out", "product", "under15", "JUKI-PRODUCT-AGE-STANDARD", "product"},
		{"infant for an adult", "opted-out", "product", "infant", "JUKI-PRODUCT-AGE-STANDARD", "product"},
		{"under15 for an infant", "infant", "product", "under15", "JUKI-PRODUCT-AGE-INFANT", "product"},
		{"face-auth for an infant", "infant", "product", "face-auth", "JUKI-PRODUCT-FACE-INFANT", "product"},
		{"an unknown product", "adult", "product", "gold", "JUKI-PRODUCT-UNKNOWN", "product"},
		{"signature certificate for a child", "under15", "certificates.signature", true, "JUKI-SIGNATURE-UNDER15", "certificates.signature"},
		{"signature certificate for an infant", "infant", "certificates.signature", true, "JUKI-SIGNATURE-INFANT", "certificates.signature"},
		{"signature certificate on face-auth", "face-auth", "certificates.signature", true, "JUKI-SIGNATURE-FACE", "certificates.signature"},

		{"no photograph", "adult", "photo", absent{}, "JUKI-PHOTO-MISSING", "photo"},
		{"a photograph of an infant", "infant", "photo", "photo.jpg", "JUKI-PHOTO-FORBIDDEN", "photo"},
		{"a photograph that is not there", "adult", "photo", "other.jpg", "ORDER-PHOTO-FILE", "photo"},
		{"a photograph outside", "adult", "photo", "../photo.jpg", "ORDER-PHOTO-NAME", "photo"},
		{"an absolute photograph", "adult", "photo", "/etc/passwd", "ORDER-PHOTO-NAME", "photo"},
		{"a photograph of no name", "adult", "photo", "", "ORDER-PHOTO-NAME", "photo"},
		{"photo_data that is no base64", "adult", "photo_data", "abc", "ORDER-PHOTO-BASE64", "photo_data"},
		{"photo_data with line breaks", "adult", "photo_data", "AAAA\nAAAA", "ORDER-PHOTO-BASE64", "photo_data"},
		{"empty photo_data", "adult", "photo_data", "", "ORDER-PHOTO-UNUSABLE", "photo_data"},
		{"photo_data as a number", "adult", "photo_data", 1, "ORDER-FIELD-TYPE", "photo_data"},

		{"a tab in the name", "adult", "resident.name", "山田\t太郎", "JUKI-TEXT-UNPRINTABLE", "resident.name"},
		{"a zero-width space", "adult", "resident.address", "架空県\u200b架空市", "JUKI-TEXT-UNPRINTABLE", "resident.address"},
		{"外字", "adult", "resident.former_name", "\ue000", "JUKI-TEXT-UNPRINTABLE", "resident.former_name"},
		{"a lost character", "adult", "resident.name", "山\ufffd", "JUKI-TEXT-ENCODING", "resident.name"},
		{"an empty name", "adult", "resident.name", "", "JUKI-TEXT-EMPTY", "resident.name"},
		{"a name of spaces", "adult", "resident.name", "　", "JUKI-TEXT-EMPTY", "resident.name"},
		{"a selector first", "adult", "resident.name", "\U000E0102葛", "JUKI-TEXT-NOBASE", "resident.name"},
		{"a name of 101 characters", "adult", "resident.name", strings.Repeat("寿", 101), "JUKI-TEXT-LONG", "resident.name"},
		{"an address of 201 characters", "adult", "resident.address", strings.Repeat("架", 201), "JUKI-TEXT-LONG", "resident.address"},
		{"an oversized name", "adult", "resident.name", long, "ORDER-FIELD-LONG", "resident.name"},
		{"an oversized id", "adult", "id", strings.Repeat("A", 2049), "ORDER-FIELD-LONG", "id"},
		{"a half-width space in a Japanese name", "adult", "resident.name", "山田 太郎", "ORDER-NAME-SPACE", "resident.name"},
		{"half-width digits in an address", "adult", "resident.address", "架空県架空市1-2", "ORDER-ADDRESS-HALFWIDTH", "resident.address"},

		{"an unknown field", "adult", "nickname", "taro", "ORDER-FIELD-UNKNOWN", "nickname"},
		{"an unknown field of the resident", "adult", "resident.blood_type", "A", "ORDER-FIELD-UNKNOWN", "resident.blood_type"},
		{"a field in upper case", "adult", "resident.Former_Name", "旧", "ORDER-FIELD-CASE", "resident.former_name"},
		{"a number for a name of a field", "adult", "123456789018", "x", "ORDER-FIELD-UNKNOWN", "(field 1)"},
		{"no resident", "adult", "resident", absent{}, "ORDER-FIELD-MISSING", "resident"},
		{"a resident that is a text", "adult", "resident", "山田　太郎", "ORDER-FIELD-TYPE", "resident"},
		{"no name", "adult", "resident.name", absent{}, "ORDER-FIELD-MISSING", "resident.name"},
		{"null for an optional field", "adult", "resident.former_name", nil, "ORDER-FIELD-TYPE", "resident.former_name"},
		{"a list for a text", "adult", "resident.sex", []string{"male"}, "ORDER-FIELD-TYPE", "resident.sex"},
		{"a text for a boolean", "adult", "certificates.authentication", "true", "ORDER-FIELD-TYPE", "certificates.authentication"},
		{"no wish for a certificate", "adult", "certificates.signature", absent{}, "ORDER-FIELD-MISSING", "certificates.signature"},

		{"another version", "adult", "version", json.Number("2"), "ORDER-VERSION", "version"},
		{"version as a text", "adult", "version", "1", "ORDER-VERSION", "version"},
		{"version 1.0", "adult", "version", json.Number("1.0"), "ORDER-VERSION", "version"},
		{"no version", "adult", "version", absent{}, "ORDER-FIELD-MISSING", "version"},
		{"an id with a space", "adult", "id", "LAB 1", "ORDER-ID", "id"},
		{"an id that may be a My Number", "adult", "id", "A123456789018", "ORDER-ID", "id"},
		{"an unknown operation", "adult", "operation", "destroy", "ORDER-OPERATION", "operation"},
		{"an unknown profile", "adult", "profile", "mynumber-9", "ORDER-PROFILE", "profile"},
		{"an unknown sex", "adult", "resident.sex", "m", "JUKI-SEX-UNKNOWN", "resident.sex"},
		{"an unknown nationality", "adult", "resident.nationality", "JP", "ORDER-NATIONALITY", "resident.nationality"},
		{"a security code of 3 digits", "adult", "security_code", "228", "JUKI-SECURITYCODE-FORMAT", "security_code"},
		{"a municipality code of 6 digits", "adult", "municipality.code", "992011", "JUKI-MUNICIPALITY-FORMAT", "municipality.code"},
		{"prefecture 48", "adult", "municipality.code", "48201", "JUKI-MUNICIPALITY-FORMAT", "municipality.code"},
		{"a romaji name with a macron", "adult", "municipality.city_romaji", "Kakū-shi", "ORDER-ROMAJI", "municipality.city_romaji"},
		{"a romaji name in lower case", "adult", "municipality.prefecture_romaji", "kakuu-ken", "ORDER-ROMAJI", "municipality.prefecture_romaji"},
		{"a window of 8 characters", "adult", "municipality.window", "99201003", "ORDER-WINDOW", "municipality.window"},
		{"a mayor with a line break", "adult", "municipality.mayor", "架空\n市長", "JUKI-TEXT-UNPRINTABLE", "municipality.mayor"},

		{"no romaji for the next card", "next-adult", "resident.name_romaji", absent{}, "ORDER-FIELD-MISSING", "resident.name_romaji"},
		{"no kana for the next card", "next-adult", "resident.name_kana", absent{}, "ORDER-FIELD-MISSING", "resident.name_kana"},
		{"romaji in small letters", "next-adult", "resident.name_romaji", "Jiki Taro", "ORDER-NAME-ROMAJI", "resident.name_romaji"},
		{"kana in half width", "next-adult", "resident.name_kana", "ｼﾞｷ", "ORDER-NAME-KANA", "resident.name_kana"},
		{"hiragana for kana", "next-adult", "resident.name_kana", "じき　たろう", "ORDER-NAME-KANA", "resident.name_kana"},
		{"romaji that today's card does not need", "adult", "resident.name_romaji", "Taro", "ORDER-NAME-ROMAJI", "resident.name_romaji"},

		{"a substitute without flags", "ivs", "substitutes.name_flags", absent{}, "ORDER-SUBSTITUTE-PAIR", "substitutes.name_flags"},
		{"flags without a substitute", "ivs", "substitutes.name", absent{}, "ORDER-SUBSTITUTE-PAIR", "substitutes.name"},
		{"flags one short", "ivs", "substitutes.name_flags", "1101", "ORDER-FLAGS-LENGTH", "substitutes.name_flags"},
		{"flags one long", "ivs", "substitutes.address_flags", "00000010000000", "ORDER-FLAGS-LENGTH", "substitutes.address_flags"},
		{"a flag 2", "ivs", "substitutes.name_flags", "11020", "ORDER-FLAGS-CHARACTERS", "substitutes.name_flags"},
		{"a substitute that needs one itself", "ivs", "substitutes.name", "𠮷邉　葛子", "ORDER-SUBSTITUTE-CHARACTER", "substitutes.name"},
		{"a substitute with a selector", "ivs", "substitutes.name", "吉邉　葛\U000E0102子", "ORDER-SUBSTITUTE-CHARACTER", "substitutes.name"},
		{"another person's name", "ivs", "substitutes.name", "吉邉　葛男", "ORDER-SUBSTITUTE-MISMATCH", "substitutes.name"},
		{"a flag on a character that stays", "ivs", "substitutes.name_flags", "11111", "ORDER-SUBSTITUTE-MISMATCH", "substitutes.name"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, photo := person(t, row.person)
			o, err := Parse(documentOf(t, row.person).with(row.path, row.value).json(t), photo, Checks{})
			if err == nil || o != nil {
				t.Fatal("accepted")
			}
			var secretValue string
			if s, ok := row.value.(string); ok && len(s) > 5 && strings.HasPrefix(row.path, "resident.") && !strings.Contains(row.path, "birth") {
				secretValue = s
			}
			list := problems(t, err, append(personal(t), secretValue)...)
			if len(list) != 1 || list[0].Code != row.code || list[0].Field != row.field {
				t.Errorf("got %d: %s about %s\n%v", len(list), list[0].Code, list[0].Field, err)
			}
		})
	}
}

// TestBadDocuments breaks what cannot be broken through a tree.
func TestBadDocuments(t *testing.T) {
	p, photo := person(t, "adult")
	good := string(p.Order)
	twice := func(extra string) string { return strings.Replace(good, "{", "{"+extra+",", 1) }
	rows := []struct{ name, doc, code, field string }{
		{"nothing", "", "ORDER-JSON", "order"},
		{"a bracket missing", good[:len(good)-3], "ORDER-JSON", "order"},
		{"something after the end", good + "{}", "ORDER-JSON", "order"},
		{"a comment", "// order\n" + good, "ORDER-JSON", "order"},
		{"a byte order mark", "\ufeff" + good, "ORDER-JSON", "order"},
		{"a list", "[" + good + "]", "ORDER-FIELD-TYPE", "order"},
		{"a text", `"order"`, "ORDER-FIELD-TYPE", "order"},
		{"null", `null`, "ORDER-FIELD-TYPE", "order"},
		{"too large", good + strings.Repeat(" ", sizeDocumentMax), "ORDER-SIZE", "order"},
		{"too deep", twice(`"x":` + strings.Repeat(`{"a":`, 10) + "1" + strings.Repeat("}", 10)), "ORDER-DEPTH", "order"},
		{"a deep list", twice(`"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)), "ORDER-FIELD-UNKNOWN", "x"},
		{"a list too deep for the syntax", twice(`"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000)), "ORDER-JSON", "order"},
		{"too many fields", twice(`"x":{` + strings.Repeat(`"a":1,`, 200) + `"a":1}`), "ORDER-FIELDS-MANY", "order"},
		{"a field twice", twice(`"product":"standard"`), "ORDER-FIELD-DUPLICATE", "product"},
		{"a field twice, escaped", twice(`"produc\u0074":"standard"`), "ORDER-FIELD-DUPLICATE", "product"},
		{"invalid UTF-8", strings.Replace(good, "太郎", "\xff\xfe", 1), "JUKI-TEXT-ENCODING", "resident.name"},
		{"half a surrogate pair", strings.Replace(good, "太郎", `\ud842`, 1), "JUKI-TEXT-ENCODING", "resident.name"},
		{"a surrogate pair the wrong way", strings.Replace(good, "太郎", `\udfb7\ud842`, 1), "JUKI-TEXT-ENCODING", "resident.name"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse([]byte(row.doc), photo, Checks{})
			list := problems(t, err, personal(t)...)
			if len(list) != 1 || list[0].Code != row.code || list[0].Field != row.field {
				t.Errorf("got %d: %v", len(list), err)
			}
		})
	}
}

func TestAFieldTwiceInOtherCase(t *testing.T) {
	p, photo := person(t, "adult")
	doc := strings.Replace(string(p.Order), "{", `{"PRODUCT":"gold",`, 1)
	_, err := Parse([]byte(doc), photo, Checks{})
	list := problems(t, err)
	if len(list) < 2 || list[0].Code != "ORDER-FIELD-CASE" || list[1].Code != "ORDER-FIELD-DUPLICATE" || list[1].Field != "product" {
		t.Errorf("got %v", err)
	}
}

func TestTheSyntaxErrorHasItsPlace(t *testing.T) {
	for doc, place := range map[string]string{
		"{\n  \"id\": x\n}": "line 2, column 9",
		"{":                 "line 1, column 1",
		"{}\n\n!":           "line 3, column 1",
	} {
		_, err := Parse([]byte(doc), nil, Checks{})
		if err == nil || !strings.Contains(err.Error(), place) {
			t.Errorf("%q: %v", doc, err)
		}
	}
}

// TestAllProblemsAtOnce breaks many things and wants each of them told.
func TestAllProblemsAtOnce(t *testing.T) {
	d := documentOf(t, "adult").with("resident.my_number", "123456789012").with("resident.name", "").
		with("product", "gold").with("applied_on", "2026-02-30").with("security_code", absent{}).
		with("nickname", 1).with("municipality.window", "x").with("photo", "a/b")
	_, photo := person(t, "adult")
	_, err := Parse(d.json(t), photo, Checks{})
	list := problems(t, err, personal(t)...)
	var fields []string
	for _, e := range list {
		fields = append(fields, e.Field)
	}
	want := "nickname product applied_on security_code resident.name resident.my_number municipality.window photo"
	if got := strings.Join(fields, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := strings.Count(err.Error(), "\n"); n != len(list)-1 {
		t.Errorf("%d lines for %d problems", n+1, len(list))
	}
	var first *juki.InputError
	if !errors.As(err, &first) || first.Field != "nickname" || list.Code() != first.Code {
		t.Error("the first problem is not reachable with errors.As")
	}
}

func TestALongReportIsClosed(t *testing.T) {
	d := tree{}
	for i := range 60 {
		d["x"+strings.Repeat("y", i%30)+string(rune('a'+i/30))] = 1
	}
	_, err := Parse(d.json(t), nil, Checks{})
	list := problems(t, err)
	if len(list) != problemsMax+1 || list[problemsMax].Code != "ORDER-PROBLEMS-MANY" {
		t.Errorf("%d problems, the last %s", len(list), list[len(list)-1].Code)
	}
}

// TestTheSameInCBOR reads the same order in both forms.
func TestTheSameInCBOR(t *testing.T) {
	for _, name := range []string{"adult", "ivs", "infant", "foreigner"} {
		t.Run(name, func(t *testing.T) {
			p, _ := person(t, name)
			d := documentOf(t, name).with("version", 1)
			if p.Photo != nil {
				d = d.with("photo_data", p.Photo)
			}
			b, err := cbor.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			o, err := ParseCBOR(b, nil, Checks{})
			if err != nil {
				t.Fatal(err)
			}
			same(t, o, parsed(t, name))
		})
	}
}

// same compares what two orders say.
func same(t *testing.T, a, b *Order) {
	t.Helper()
	if a.String() != b.String() || a.CardExpiry() != b.CardExpiry() || a.Municipality != b.Municipality {
		t.Error("the orders differ")
	}
	if !a.Resident.Name.Equal(b.Resident.Name) || !a.Photo.Equal(b.Photo) || !a.Certified.NameFlags.Equal(b.Certified.NameFlags) ||
		!a.ReferenceB().Equal(b.ReferenceB()) || !a.Resident.MyNumber.Equal(b.Resident.MyNumber) {
		t.Error("the persons differ")
	}
}

func TestBadCBOR(t *testing.T) {
	encode := func(v any) []byte {
		b, err := cbor.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	twice := append([]byte{0xA2}, bytes.Repeat(append(encode("product"), encode("gold")...), 2)...)
	deep := encode(1)
	for range 6 {
		deep = append(append([]byte{0xA1}, encode("x")...), deep...)
	}
	rows := []struct {
		name        string
		doc         []byte
		code, field string
	}{
		{"nothing", nil, "ORDER-CBOR", "order"},
		{"cut", encode(documentOf(t, "adult"))[:100], "ORDER-CBOR", "order"},
		{"something after the end", append(encode(documentOf(t, "adult").with("version", 1)), 0), "ORDER-CBOR", "order"},
		{"indefinite length", []byte{0xBF, 0xFF}, "ORDER-CBOR", "order"},
		{"a tag", append([]byte{0xC0}, encode("2026-11-23")...), "ORDER-CBOR", "order"},
		{"a number for a key", encode(map[int]int{1: 1}), "ORDER-CBOR", "order"},
		{"a list", encode([]int{1}), "ORDER-FIELD-TYPE", "order"},
		{"a key twice", twice, "ORDER-FIELD-DUPLICATE", "product"},
		{"too deep", deep, "ORDER-DEPTH", "order"},
		{"too many values", encode(map[string]any{"x": make([]int, 128)}), "ORDER-FIELDS-MANY", "order"},
		{"a length beyond the end", []byte{0x7B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, "ORDER-CBOR", "order"},
		{"a float for the version", encode(documentOf(t, "adult").with("version", 1.5)), "ORDER-VERSION", "version"},
		{"a negative version", encode(documentOf(t, "adult").with("version", -1)), "ORDER-VERSION", "version"},
		{"bytes for a name", encode(documentOf(t, "adult").with("version", 1).with("resident.name", []byte("山田"))), "ORDER-FIELD-TYPE", "resident.name"},
	}
	_, photo := person(t, "adult")
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := ParseCBOR(row.doc, photo, Checks{})
			list := problems(t, err, personal(t)...)
			found := false
			for _, e := range list {
				found = found || e.Code == row.code && e.Field == row.field
			}
			if !found {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestEscapes reads names written with escapes and as they are alike.
func TestEscapes(t *testing.T) {
	p, photo := person(t, "ivs")
	doc := strings.ReplaceAll(string(p.Order), "𠮷", `\ud842\uDFB7`)
	doc = strings.ReplaceAll(doc, "葛", `\u845b`)
	doc = strings.ReplaceAll(doc, `"standard"`, `"\u0073tandard"`)
	o, err := Parse([]byte(doc), photo, Checks{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, o, parsed(t, "ivs"))
}

func TestEscapeLetters(t *testing.T) {
	d := document{b: []byte(`"\"\\\/\b\f\n\r\t\u00e9\u3042\uD83d\ude00x"`)}
	if got, want := string(d.jsonString()), "\"\\/\b\f\n\r\téあ😀x"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d.clear()
	if len(d.copies) != 1 || strings.Trim(string(d.copies[0]), "\x00") != "" {
		t.Error("the copy is not cleared")
	}
}

func TestTheChecksAreAskedAndHeard(t *testing.T) {
	p, photo := person(t, "ivs")
	asked := map[string]bool{}
	c := Checks{
		Photo: func(b []byte) error {
			asked["photo"] = bytes.Equal(b, p.Photo)
			return nil
		},
		Text: func(field, text string) error {
			asked[field] = text != ""
			return nil
		},
	}
	if _, err := Parse(p.Order, photo, c); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"photo", "resident.name", "resident.former_name", "resident.address", "municipality.name", "municipality.mayor"} {
		if !asked[field] {
			t.Errorf("not asked about %s", field)
		}
	}
	c.Photo = func([]byte) error { return errors.New("no, for 山田") }
	c.Text = func(field, _ string) error {
		if field == "resident.address" {
			return fmt.Errorf("wrapped: %w", Refusal("FONT-1", field, "rule", "remedy", "規則。対処。"))
		}
		return nil
	}
	_, err := Parse(p.Order, photo, c)
	list := problems(t, err, "山田", "wrapped")
	if len(list) != 2 || list[0].Code != "FONT-1" || list[0].Field != "resident.address" || list[1].Code != "ORDER-PHOTO-UNUSABLE" {
		t.Errorf("got %v", err)
	}
}

func TestThePhotographInside(t *testing.T) {
	p, _ := person(t, "adult")
	wire := documentOf(t, "adult").with("photo_data", base64.StdEncoding.EncodeToString(p.Photo)).json(t)
	o, err := Parse(wire, nil, Checks{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, o, parsed(t, "adult"))

	_, err = Parse(p.Order, nil, Checks{})
	if list := problems(t, err); list.Code() != "ORDER-PHOTO-INLINE" {
		t.Errorf("only named on the wire: %v", err)
	}
	large := documentOf(t, "adult").with("photo_data", base64.StdEncoding.EncodeToString(make([]byte, SizePhotoMax+1))).json(t)
	_, err = Parse(large, nil, Checks{})
	if list := problems(t, err); list.Code() != "ORDER-PHOTO-LARGE" && list.Code() != "ORDER-FIELD-LONG" {
		t.Errorf("too large: %v", err)
	}
	_, err = Parse(p.Order, func(string) ([]byte, error) { return make([]byte, SizePhotoMax+1), nil }, Checks{})
	if list := problems(t, err); list.Code() != "ORDER-PHOTO-LARGE" {
		t.Errorf("too large beside it: %v", err)
	}
}
