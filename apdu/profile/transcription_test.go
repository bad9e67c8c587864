package profile

import (
	"slices"
	"strings"
	"testing"
)

// This is a second transcription of the card fact sheet, typed from its tables and not
// from the JSON: whoever changes one of the two must find the other wrong. Sizes that
// the sheet does not state are not compared. Our own choices that are: who reads
// surface 0006 and text 0008, and the whole of resident 0001.

// transcribed is one EF as the sheet's sections 2.1 to 2.5 have it.
type transcribed struct {
	ef   string
	kind string // transparent, record, internal, unknown, pin, key
	size int    // physical bytes where the sheet states or implies them; 0 not stated
	read string // conditions, in the sheet's words: free, or the EFs of references
}

// sheet is by application name, AID first.
var sheet = []struct {
	name, aid string
	files     []transcribed
}{
	{"jpki", "D3 92 F0 00 26 01 00 00 00 01", []transcribed{
		{"0001", "transparent", 0, "001B"},
		{"0002", "transparent", 0, "free"},
		{"0005", "unknown", 0, ""},
		{"0006", "transparent", 160, "free"},
		{"0008", "transparent", 3, "free"},
		{"0009", "unknown", 0, ""},
		{"000A", "transparent", 0, "free"},
		{"000B", "transparent", 0, "free"},
		{"0010", "pin", 0, ""},
		{"0016", "internal", 0, ""},
		{"0017", "key", 0, "0018"},
		{"0018", "pin", 0, ""},
		{"0019", "unknown", 0, ""},
		{"001A", "key", 0, "001B"},
		{"001B", "pin", 0, ""},
		{"001C", "unknown", 0, ""},
		{"001E", "unknown", 0, ""},
	}},
	{"surface", "D3 92 10 00 31 00 01 01 04 02", []transcribed{
		{"0001", "transparent", 547, "0011"}, // FF10 82 021E: 5 and 542
		{"0002", "transparent", 0, "0012 0013"},
		{"0003", "transparent", 0, "free"},
		{"0004", "transparent", 568, "free"},
		{"0005", "transparent", 0, "0013"},
		{"0006", "transparent", 16, "0012 0013"},
		{"0011", "pin", 0, ""},
		{"0012", "pin", 0, ""},
		{"0013", "pin", 0, ""},
		{"001A", "unknown", 0, ""},
		{"001C", "unknown", 0, ""},
		{"001E", "unknown", 0, ""},
		{"0000", "key", 0, "free"}, // 80 2A 00 00, no credential
	}},
	{"text", "D3 92 10 00 31 00 01 01 04 08", []transcribed{
		{"0001", "transparent", 17, "0011 0014"},
		{"0002", "transparent", 0, "0011 0015"},
		{"0003", "transparent", 336, "0011 0014 0015"},
		{"0004", "transparent", 568, "free"},
		{"0005", "transparent", 256, "free"},
		{"0006", "transparent", 269, "0011 0014 0015"}, // A1 82 0109: 4 and 265
		{"0007", "transparent", 536, "0011 0014 0015"}, // FF50 82 0213: 5 and 531
		{"0008", "transparent", 16, "0011 0014 0015"},
		{"0010", "unknown", 0, ""},
		{"0011", "pin", 0, ""},
		{"0012", "pin", 0, ""},
		{"0013", "key", 0, "free"},
		{"0014", "pin", 0, ""},
		{"0015", "pin", 0, ""},
		{"001C", "unknown", 0, ""},
		{"001E", "unknown", 0, ""},
	}},
	{"resident", "D3 92 10 00 31 00 01 01 04 01", []transcribed{
		{"0001", "transparent", 0, "001C"}, // ours: no public code reads the 住民票コード
		{"0002", "record", 16, "free"},
		{"001C", "pin", 0, ""},
	}},
	{"common", "D3 92 10 00 31 00 01 01 01 00", []transcribed{
		{"0001", "record", 30, "free"}, // 01 1C and 28 digits
		{"0002", "record", 16, "free"},
		{"0019", "key", 0, "free"},
		{"001C", "pin", 0, ""},
		{"001E", "unknown", 0, ""},
	}},
}

// pinClass is one row of section 3 of the sheet.
type pinClass struct {
	at       string // application and EF
	class    string
	min, max int
	alphabet string
	tries    int
	change   string // instruction by which its holder changes it
}

var classes = []pinClass{
	{"jpki 001B", "signature", 6, 16, "upper-alnum", 5, "24"},
	{"jpki 0018", "authentication", 4, 4, "digits", 3, "24"},
	{"text 0011", "text", 4, 4, "digits", 3, "24"},
	{"resident 001C", "resident", 4, 4, "digits", 3, "32"},
	{"common 001C", "resident", 4, 4, "digits", 3, "32"},
	{"text 0014", "reference-a", 12, 12, "digits", 10, ""},
	{"surface 0013", "reference-a", 12, 12, "digits", 10, ""},
	{"text 0015", "reference-b", 14, 14, "digits", 10, ""},
	{"surface 0012", "reference-b", 14, 14, "digits", 10, ""},
	{"surface 0011", "birth", 6, 6, "digits", 10, ""}, // tries not public; 10 likely
}

func loadFirst(t testing.TB) *Card {
	t.Helper()
	c, err := Load("mynumber-1")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryFileStandsAsInTheFactSheet(t *testing.T) {
	c := loadFirst(t)
	if len(c.Applications) != len(sheet) {
		t.Errorf("%d applications, the sheet has %d", len(c.Applications), len(sheet))
	}
	for _, s := range sheet {
		a := c.App(s.name)
		if a == nil {
			t.Errorf("no application %s", s.name)
			continue
		}
		if a.AID.String() != strings.ReplaceAll(s.aid, " ", "") {
			t.Errorf("%s: AID %v, want %s", s.name, a.AID, s.aid)
		}
		got := describe(a)
		slices.SortFunc(got, func(x, y transcribed) int { return strings.Compare(x.ef, y.ef) })
		want := slices.Clone(s.files)
		slices.SortFunc(want, func(x, y transcribed) int { return strings.Compare(x.ef, y.ef) })
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) {
				t.Fatalf("%s: %d objects, the sheet has %d", s.name, len(got), len(want))
			}
			g := got[i]
			if want[i].size == 0 {
				g.size = 0
			}
			if g != want[i] {
				t.Errorf("%s: %+v, the sheet has %+v", s.name, g, want[i])
			}
		}
	}
}

// describe lists an application's objects in the sheet's words.
func describe(a *Application) []transcribed {
	byName := map[string]string{"free": "free"}
	for _, r := range a.PINs {
		byName[r.Name] = r.ID.String()
	}
	words := func(rules []string) string {
		var out []string
		for _, rule := range rules {
			if rule != "channel" { // ours
				out = append(out, byName[rule])
			}
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	var all []transcribed
	for _, f := range a.Files {
		all = append(all, transcribed{f.ID.String(), string(f.Kind), f.Size, words(f.Read)})
	}
	for _, r := range a.PINs {
		all = append(all, transcribed{r.ID.String(), "pin", 0, ""})
	}
	for _, k := range a.Keys {
		all = append(all, transcribed{k.ID.String(), "key", 0, words(k.Use)})
	}
	return all
}

func TestEveryPINClassStandsAsInTheFactSheet(t *testing.T) {
	c := loadFirst(t)
	command := map[string]string{"reference-data": "24", "key": "32", "": ""}
	seen := 0
	for _, a := range c.Applications {
		for _, r := range a.PINs {
			if r.Class == "" {
				continue // 0010 and 0012 are never set
			}
			seen++
			at := a.Name + " " + r.ID.String()
			i := slices.IndexFunc(classes, func(want pinClass) bool { return want.at == at })
			if i < 0 {
				t.Errorf("%s is no class of the sheet", at)
				continue
			}
			got := pinClass{at, r.Class, r.MinLen, r.MaxLen, r.Alphabet, r.Tries, command[r.Change]}
			if got != classes[i] {
				t.Errorf("%+v, the sheet has %+v", got, classes[i])
			}
		}
	}
	if seen != len(classes) {
		t.Errorf("%d references, the sheet has %d", seen, len(classes))
	}
}

func TestTheRestStandsAsInTheFactSheet(t *testing.T) {
	c := loadFirst(t)
	if got := c.Domain.AID.String(); got != "A000000151000000" {
		t.Errorf("issuer domain %s", got)
	}
	tags := map[string]string{ // section 1.1, and GlobalPlatform's
		"issuer-id": "0042", "card-id": "0045", "recognition": "0066", "municipality": "00F0", "expiry": "00F2",
		"intermediate-key-id": "00F7", "intermediate-cv-certificate": "00F8", "cv-certificate": "7F21", "contact-atr": "5F51",
		"capabilities": "0067", "key-information": "00E0", "cplc": "9F7F",
	}
	if len(c.Domain.Objects) != len(tags) {
		t.Errorf("%d data objects, want %d", len(c.Domain.Objects), len(tags))
	}
	for name, want := range tags {
		if tag, ok := c.Object(name); !ok || tag.String() != want {
			t.Errorf("object %s has tag %v, want %s", name, tag, want)
		}
	}
	atrs := []string{ // section 5, in the sheet's order
		"3B E0 00 FF 81 31 FE 45 14",
		"3B DA 13 FF 81 31 FB 46 80 12 39 2F 31 C1 73 C6 01 C0 3B",
		"3B C5 FF 81 31 FB 45 80 73 C6 01 00 00",
		"3B F5 91 00 FF 91 81 71 FE 40 00 42 00 01 00 D1 D6",
		"3B F5 91 00 FF 91 81 71 FE 40 00 42 00 01 B3 A1 15",
		"3B 88 80 01 00 00 05 E0 B3 81 A1 00 7F",
		"3B 88 80 01 00 00 41 E0 B3 81 A1 00 3B",
		"3B 88 80 01 00 4B 51 FF 00 81 D1 00 BC",
		"3B 88 80 01 00 4B 51 FF B3 81 D1 00 0F",
	}
	for i, want := range atrs {
		contact := "contact"
		if i >= 5 {
			contact = "contactless"
		}
		if i >= len(c.ATRs) || c.ATRs[i].Bytes.String() != strings.ReplaceAll(want, " ", "") || c.ATRs[i].Interface != contact {
			t.Errorf("ATR %d is not %s", i, want)
		}
	}
	if c.Limits.SignatureInput != 245 || c.Limits.SignatureOutput != 256 {
		t.Errorf("signature limits %+v", c.Limits)
	}
}

// Section 8 of the sheet, and the rules of the municipalities.
func TestProductsOmitWhatTheyDoNotHave(t *testing.T) {
	c := loadFirst(t)
	want := map[string]struct {
		photo bool
		omit  string
	}{
		"standard":  {true, ""},
		"under15":   {true, "jpki/sign-cert jpki/sign-key jpki/sign-pin"},
		"infant":    {false, "jpki/sign-cert jpki/sign-key jpki/sign-pin"},
		"face-auth": {true, "common/pin jpki/auth-pin jpki/sign-cert jpki/sign-key jpki/sign-pin resident/pin text/pin"},
	}
	if len(c.Products) != len(want) {
		t.Errorf("%d products, want %d", len(c.Products), len(want))
	}
	for name, w := range want {
		p := c.Product(name)
		if p == nil {
			t.Errorf("no product %s", name)
			continue
		}
		omit := slices.Sorted(slices.Values(p.Omit))
		if p.Photo != w.photo || strings.Join(omit, " ") != w.omit {
			t.Errorf("%s: photo %v, omits %v", name, p.Photo, omit)
		}
		if p.Omits("jpki/auth-cert") || name == "under15" && !p.Omits("jpki/sign-key") {
			t.Errorf("%s: Omits is wrong", name)
		}
	}
}
