package order

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"jukicard/cardd/juki"
)

// named is the adult's order with another name: 㓛 has the candidates 功 and 切, 毗
// none, 髙 exactly one.
func named(t testing.TB, name string) tree { return documentOf(t, "adult").with("resident.name", name) }

func choice(to string) map[string]any {
	return map[string]any{"to": to, "by": "係員 07", "at": "2026-11-20T10:30:00+09:00"}
}

func read(t testing.TB, doc tree) (*Order, error) {
	t.Helper()
	_, photo := person(t, "adult")
	return Parse(doc.json(t), photo, Checks{})
}

func TestWhatNeedsNobody(t *testing.T) {
	for _, row := range []struct{ name, original, value, flags string }{
		{"plain", "山田　太郎", "山田　太郎", "00000"},
		{"one candidate", "髙橋　太郎", "高橋　太郎", "10000"},
		{"two of one candidate", "髙﨑　太郎", "高崎　太郎", "11000"},
		{"plane 2", "𠮷田　太郎", "吉田　太郎", "10000"},
		{"another form", "葛\U000E0102西　太郎", "葛西　太郎", "10000"},
		{"the character's own form with its selector", "葛\U000E0103西　太郎", "葛西　太郎", "00000"},
		{"a selector of another collection", "葛\U000E0100西　太郎", "葛西　太郎", "10000"},
		{"a compatibility ideograph", "\uFA10田　太郎", "塚田　太郎", "10000"},
	} {
		t.Run(row.name, func(t *testing.T) {
			o, err := read(t, named(t, row.original))
			if err != nil {
				t.Fatal(err)
			}
			defer o.Destroy()
			if v, f := open(t, o.Certified.Name), open(t, o.Certified.NameFlags); v != row.value || f != row.flags {
				t.Errorf("got %s %s", v, f)
			}
			if open(t, o.Resident.Name) != row.original || len(o.Certified.Choices) != 0 {
				t.Error("the face's name was changed, or a choice was invented")
			}
		})
	}
}

// TestNobodyHasChosen: each place is refused by itself, and says what there is to
// choose only to who sent the order.
func TestNobodyHasChosen(t *testing.T) {
	_, err := read(t, named(t, "㓛毗　㓛髙").with("resident.address", "架空県架空市毗町１"))
	list := problems(t, err, "㓛", "功", "切", "毗", "高")
	var got []string
	for _, p := range list {
		got = append(got, fmt.Sprint(p.Code, " ", p.Field, " ", []string(p.Offer)))
	}
	want := []string{
		"ORDER-SUBSTITUTE-CHOICE substitutes.name_choices.1 [功 切]",
		"ORDER-CERTIFICATE-CHARACTER substitutes.name_choices.2 []",
		"ORDER-SUBSTITUTE-CHOICE substitutes.name_choices.4 [功 切]",
		"ORDER-CERTIFICATE-CHARACTER substitutes.address_choices.7 []",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", list[0].Offer, *list[0], list[0], list[0].Offer); strings.ContainsAny(shown, "功切") {
		t.Errorf("the candidates can be printed by accident: %s", shown)
	}
}

// TestAChoiceNeedsACertificate: without a 署名用 certificate nobody is asked.
func TestAChoiceNeedsACertificate(t *testing.T) {
	o, err := read(t, named(t, "㓛田　太郎").with("certificates.signature", false))
	if err != nil {
		t.Fatal(err)
	}
	if c := o.Certified; c.Name.Len() != 0 || len(c.Choices) != 0 {
		t.Error("something is certified")
	}
	o.Destroy()
}

func TestWhatWasChosen(t *testing.T) {
	doc := named(t, "㓛毗　髙\U000E0101次").with("substitutes", map[string]any{
		"name_choices":    map[string]any{"1": choice("切"), "2": choice("ひさ")},
		"address_choices": map[string]any{"7": choice("ビ")},
	}).with("resident.address", "架空県架空市毗町１")
	for form, read := range map[string]func() (*Order, error){
		"JSON": func() (*Order, error) { return read(t, doc) },
		"CBOR": func() (*Order, error) {
			_, photo := person(t, "adult")
			b, err := cbor.Marshal(doc.with("version", 1))
			if err != nil {
				t.Fatal(err)
			}
			return ParseCBOR(b, photo, Checks{})
		},
	} {
		t.Run(form, func(t *testing.T) {
			o, err := read()
			if err != nil {
				t.Fatal(err)
			}
			defer o.Destroy()
			got := open(t, o.Certified.Name) + open(t, o.Certified.NameFlags) + open(t, o.Certified.Address) + open(t, o.Certified.AddressFlags)
			if want := "切ひさ　高次" + "111010" + "架空県架空市ビ町１" + "000000100"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			at := time.Date(2026, 11, 20, 1, 30, 0, 0, time.UTC)
			want := []string{"name 1 切", "name 2 ひさ", "address 7 ビ"}
			for i, c := range o.Certified.Choices {
				if s := fmt.Sprint(c.Field, " ", c.Place, " ", open(t, c.Written)); s != want[i] || c.By != "係員 07" || !c.At.Equal(at) {
					t.Errorf("choice %d: %s by %s at %v", i, s, c.By, c.At)
				}
			}
			if len(o.Certified.Choices) != len(want) {
				t.Error("a choice is not recorded")
			}
			if shown := fmt.Sprintf("%v %+v", o.Certified, o.Certified.Choices); strings.ContainsAny(shown, "切ひビ") {
				t.Error("a choice can be printed by accident")
			}
		})
	}
}

// TestBadChoices breaks one thing at a time in a good choice.
func TestBadChoices(t *testing.T) {
	with := func(field string, v any) map[string]any {
		c := choice("功")
		c[field] = v
		if v == (absent{}) {
			delete(c, field)
		}
		return map[string]any{"name_choices": map[string]any{"1": c}}
	}
	kana := func(to string) map[string]any {
		return map[string]any{"name_choices": map[string]any{"1": choice(to)}}
	}
	const at = "substitutes.name_choices"
	rows := []struct {
		name, original string
		substitutes    map[string]any
		code, field    string
	}{
		{"no candidate", "㓛田", with("to", "高"), "ORDER-CHOICE-CANDIDATE", at + ".1.to"},
		{"two candidates", "㓛田", with("to", "功切"), "ORDER-CHOICE-CANDIDATE", at + ".1.to"},
		{"nothing", "㓛田", with("to", ""), "ORDER-CHOICE-CANDIDATE", at + ".1.to"},
		{"itself", "㓛田", with("to", "㓛"), "ORDER-CHOICE-CANDIDATE", at + ".1.to"},
		{"kana for what has candidates", "㓛田", with("to", "こう"), "ORDER-CHOICE-CANDIDATE", at + ".1.to"},
		{"broken UTF-8", "㓛田", with("to", "\xe5\x8a"), "ORDER-CHOICE-CANDIDATE", at + ".1.to"},
		{"a kanji for what has none", "毗田", kana("毘"), "ORDER-CHOICE-KANA", at + ".1.to"},
		{"half-width kana", "毗田", kana("ﾋﾞ"), "ORDER-CHOICE-KANA", at + ".1.to"},
		{"no kana", "毗田", kana(""), "ORDER-CHOICE-KANA", at + ".1.to"},
		{"kana without end", "毗田", kana(strings.Repeat("ひ", 11)), "ORDER-CHOICE-KANA", at + ".1.to"},
		{"a sign written with another", "①田", kana("②"), "ORDER-CHOICE-TEXT", at + ".1.to"},
		{"what was not said", "㓛田", with("to", absent{}), "ORDER-FIELD-MISSING", at + ".1.to"},
		{"nobody", "㓛田", with("by", absent{}), "ORDER-FIELD-MISSING", at + ".1.by"},
		{"somebody without a name", "㓛田", with("by", " "), "ORDER-CHOICE-BY", at + ".1.by"},
		{"a My Number for a name", "㓛田", with("by", "123456789018"), "ORDER-CHOICE-BY", at + ".1.by"},
		{"a long name", "㓛田", with("by", strings.Repeat("A", 65)), "ORDER-CHOICE-BY", at + ".1.by"},
		{"a name of two lines", "㓛田", with("by", "A\nB"), "ORDER-CHOICE-BY", at + ".1.by"},
		{"never", "㓛田", with("at", absent{}), "ORDER-FIELD-MISSING", at + ".1.at"},
		{"a day alone", "㓛田", with("at", "2026-11-20"), "ORDER-CHOICE-AT", at + ".1.at"},
		{"a time without offset", "㓛田", with("at", "2026-11-20T10:30:00"), "ORDER-CHOICE-AT", at + ".1.at"},
		{"a fraction of a second", "㓛田", with("at", "2026-11-20T10:30:00.5+09:00"), "ORDER-CHOICE-AT", at + ".1.at"},
		{"before the application", "㓛田", with("at", "2026-11-19T23:59:59+09:00"), "ORDER-CHOICE-AT", at + ".1.at"},
		{"a field more", "㓛田", with("reason", "x"), "ORDER-FIELD-UNKNOWN", at + ".1.reason"},
		{"where nothing is to be chosen", "髙田", with("to", "高"), "ORDER-CHOICE-NEEDLESS", at},
		{"a place that needs none", "㓛髙", map[string]any{"name_choices": map[string]any{"1": choice("功"), "2": choice("高")}}, "ORDER-FIELD-UNKNOWN", at + ".(field 2)"},
		{"a text instead of places", "㓛田", map[string]any{"name_choices": "功"}, "ORDER-FIELD-TYPE", at},
		{"a list of places", "㓛田", map[string]any{"name_choices": []any{choice("功")}}, "ORDER-FIELD-TYPE", at},
		{"both text and choices", "㓛田", map[string]any{"name": "功田", "name_flags": "10", "name_choices": map[string]any{"1": choice("功")}}, "ORDER-CHOICE-TWICE", at},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o, err := read(t, named(t, row.original).with("substitutes", row.substitutes))
			if err == nil {
				o.Destroy()
				t.Fatal("accepted")
			}
			list := problems(t, err, "㓛", "功", "切", "毗", "毘", "123456789018")
			if !slices.ContainsFunc(list, func(p *juki.InputError) bool { return p.Code == row.code && p.Field == row.field }) {
				t.Errorf("no %s about %s: %v", row.code, row.field, err)
			}
		})
	}
}

// TestKanaMakeTheTextTooLong: the certificate's limit holds for what it says.
func TestKanaMakeTheTextTooLong(t *testing.T) {
	long := strings.Repeat("架", 199) + "毗"
	doc := documentOf(t, "adult").with("resident.address", long).with("substitutes", map[string]any{
		"address_choices": map[string]any{"200": choice("ビシ")},
	})
	_, err := read(t, doc)
	if list := problems(t, err, long, "ビシ"); list.Code() != "JUKI-TEXT-LONG" || list[0].Field != "resident.address" {
		t.Errorf("got %v", err)
	}
}

// TestATextOfTheResidentsOwn: whoever agreed to another text on the application has it,
// whatever the map says.
func TestATextOfTheResidentsOwn(t *testing.T) {
	o, err := read(t, named(t, "㓛田").with("substitutes", map[string]any{"name": "効田", "name_flags": "10"}))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Destroy()
	if got := open(t, o.Certified.Name); got != "効田" || len(o.Certified.Choices) != 0 {
		t.Errorf("got %s", got)
	}
}

func FuzzChoices(f *testing.F) {
	f.Add("㓛田", `{"1":{"to":"功","by":"A","at":"2026-11-20T10:30:00+09:00"}}`)
	f.Add("毗\U000E0101①", `{"1":{"to":"ひ","by":"A","at":"2026-11-20T10:30:00+09:00"},"2":{"to":"1","by":"B","at":"2026-11-21T00:00:00Z"}}`)
	f.Add("髙", `{}`)
	f.Add("\uFE00\uFE00", `{"1":[]}`)
	_, photo := person(f, "adult")
	f.Fuzz(func(t *testing.T, name, choices string) {
		if !json.Valid([]byte(choices)) {
			return
		}
		o, err := Parse(named(t, name).with("substitutes", map[string]any{"name_choices": json.RawMessage(choices)}).json(t), photo, Checks{})
		if err != nil {
			_ = problems(t, err)
			return
		}
		text, marks := open(t, o.Certified.Name), open(t, o.Certified.NameFlags)
		if n := len([]rune(text)); n != len(marks) || strings.Trim(marks, "01") != "" {
			t.Errorf("%d characters with marks %s", n, marks)
		}
		sound(t, o)
	})
}
