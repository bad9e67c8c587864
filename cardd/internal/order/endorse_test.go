package order

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"jukicard/cardd/juki"
)

// endorsing is an order to endorse as a test changes it.
func endorsing(t testing.TB) tree {
	t.Helper()
	const text = `{"version": 1, "id": "LAB-2026-0101", "operation": "endorse", "profile": "mynumber-1", "product": "standard",
		"card": "0999000000000017",
		"entry": {"date": "2026-11-23", "reason": "転居", "content": "架空県架空市港町７－８", "seal": "架空市印"},
		"panel": {"layout": "mynumber-1", "version": 2, "entries": {"1": {"lines": 1}, "2": {"lines": 2, "by_hand": true}}}}`
	var out tree
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// asCBOR is the order in CBOR, numbers as numbers.
func asCBOR(t testing.TB, d tree) []byte {
	t.Helper()
	b, err := cbor.Marshal(plainNumbers(map[string]any(d)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		n, _ := v.Int64()
		return n
	case map[string]any:
		out := map[string]any{}
		for name, value := range v {
			out[name] = plainNumbers(value)
		}
		return out
	}
	return v
}

func TestAnOrderToEndorse(t *testing.T) {
	d := endorsing(t)
	for form, read := range map[string]func() (*Order, error){
		"JSON": func() (*Order, error) { return Parse(d.json(t), nil, Checks{}) },
		"CBOR": func() (*Order, error) { return ParseCBOR(asCBOR(t, d), nil, Checks{}) },
	} {
		t.Run(form, func(t *testing.T) {
			o, err := read()
			if err != nil {
				t.Fatal(err)
			}
			e := o.Endorsement
			if o.Operation != Endorse || o.Profile != "mynumber-1" || o.Product != "standard" || e.Card != "0999000000000017" || e.ByHand != 0 {
				t.Errorf("%v: %+v", o, e)
			}
			if e.Entry.Date.Get() != (juki.Date{Year: 2026, Month: 11, Day: 23}) || open(t, e.Entry.Reason) != "転居" ||
				open(t, e.Entry.Content) != "架空県架空市港町７－８" || open(t, e.Entry.Seal) != "架空市印" {
				t.Error("the entry is another")
			}
			if p := e.Panel; p == nil || p.Layout != "mynumber-1" || p.Version != 2 || !slices.Equal(p.Entries, []Written{{Lines: 1}, {Lines: 2, ByHand: true}}) {
				t.Errorf("the panel is %+v", p)
			}
			if e := o.Eligibility(); len(e.PINs) != 0 {
				t.Errorf("it asks for %d PINs", len(e.PINs))
			}
			o.Destroy()
		})
	}
}

func TestTheLeastOrderToEndorse(t *testing.T) {
	d := endorsing(t).with("panel", absent{}).with("product", absent{}).with("entry", absent{}).with("by_hand", map[string]any{"lines": 2})
	o, err := Parse(d.json(t), nil, Checks{})
	if err != nil {
		t.Fatal(err)
	}
	if e := o.Endorsement; e.ByHand != 2 || e.Panel != nil || o.String() != "order LAB-2026-0101 (endorse)" {
		t.Errorf("%v %+v", o, e)
	}
	d = endorsing(t).with("panel.entries", absent{}).with("entry.content", absent{}).with("entry.seal", absent{})
	if o, err = Parse(d.json(t), nil, Checks{}); err != nil || len(o.Endorsement.Panel.Entries) != 0 || o.Endorsement.Entry.Content.Len() != 0 {
		t.Errorf("%v: %v", o, err)
	}
}

// TestBadOrdersToEndorse breaks one thing at a time.
func TestBadOrdersToEndorse(t *testing.T) {
	entries := func(places ...string) map[string]any {
		all := map[string]any{}
		for _, p := range places {
			all[p] = map[string]any{"lines": 1}
		}
		return all
	}
	for _, row := range []struct {
		name, path  string
		value       any
		code, field string
	}{
		{"a person in it", "resident", map[string]any{}, "ORDER-FIELD-OPERATION", "resident"},
		{"a photograph", "photo", "photo.jpg", "ORDER-FIELD-OPERATION", "photo"},
		{"certificates", "Certificates", map[string]any{}, "ORDER-FIELD-OPERATION", "certificates"},
		{"a field that is none", "remarks", "転居", "ORDER-FIELD-UNKNOWN", "remarks"},
		{"an unknown operation", "operation", "print", "ORDER-OPERATION", "operation"},
		{"an unknown product", "product", "gold", "JUKI-PRODUCT-UNKNOWN", "product"},
		{"no card", "card", absent{}, "ORDER-FIELD-MISSING", "card"},
		{"a card of fifteen", "card", "099900000000001", "ORDER-CARD", "card"},
		{"a card in small letters", "card", "099900000000001a", "ORDER-CARD", "card"},
		{"neither entry nor hand", "entry", absent{}, "ORDER-ENTRY-ONE", "entry"},
		{"entry and hand", "by_hand", map[string]any{"lines": 1}, "ORDER-ENTRY-ONE", "entry"},
		{"an entry that is a text", "entry", "転居", "ORDER-FIELD-TYPE", "entry"},
		{"a day that is none", "entry.date", "2026-02-30", "JUKI-DATE-IMPOSSIBLE", "entry.date"},
		{"a day before there were cards", "entry.date", "2015-12-31", "ORDER-ENTRY-DATE", "entry.date"},
		{"a day in an era", "entry.date", "令和8年11月23日", "JUKI-DATE-FORMAT", "entry.date"},
		{"no reason", "entry.reason", absent{}, "ORDER-FIELD-MISSING", "entry.reason"},
		{"an empty reason", "entry.reason", "", "JUKI-TEXT-EMPTY", "entry.reason"},
		{"content of many characters", "entry.content", strings.Repeat("記", contentCharsMax+1), "JUKI-TEXT-LONG", "entry.content"},
		{"a line end in it", "entry.content", "一\n二", "JUKI-TEXT-UNPRINTABLE", "entry.content"},
		{"a long seal", "entry.seal", strings.Repeat("印", sealCharsMax+1), "JUKI-TEXT-LONG", "entry.seal"},
		{"no lines", "by_hand", map[string]any{}, "ORDER-FIELD-MISSING", "by_hand.lines"},
		{"zero lines", "by_hand", map[string]any{"lines": 0}, "ORDER-LINES", "by_hand.lines"},
		{"lines as a text", "by_hand", map[string]any{"lines": "1"}, "ORDER-FIELD-TYPE", "by_hand.lines"},
		{"lines beyond any number", "by_hand", map[string]any{"lines": json.Number("99999999999999999999999")}, "ORDER-LINES", "by_hand.lines"},
		{"a layout that is a path", "panel.layout", "../x", "ORDER-LAYOUT", "panel.layout"},
		{"a version of nothing", "panel.version", 0, "ORDER-LAYOUT-VERSION", "panel.version"},
		{"no version", "panel.version", absent{}, "ORDER-FIELD-MISSING", "panel.version"},
		{"a gap in the panel", "panel.entries", entries("1", "3"), "ORDER-PANEL-PLACES", "panel.entries"},
		{"a place that is none", "panel.entries", entries("0"), "ORDER-FIELD-UNKNOWN", "panel.entries.(field 1)"},
		{"an entry of no lines", "panel.entries", map[string]any{"1": map[string]any{"lines": 0}}, "ORDER-LINES", "panel.entries.1.lines"},
		{"by hand as a word", "panel.entries", map[string]any{"1": map[string]any{"lines": 1, "by_hand": "yes"}}, "ORDER-FIELD-TYPE", "panel.entries.1.by_hand"},
		{"entries in an array", "panel.entries", []any{1}, "ORDER-FIELD-TYPE", "panel.entries"},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := endorsing(t).with(row.path, row.value)
			for form, err := range map[string]error{"JSON": parseError(Parse(d.json(t), nil, Checks{})), "CBOR": parseError(ParseCBOR(asCBOR(t, d), nil, Checks{}))} {
				list := problems(t, err, "架空県架空市港町", "転居")
				if !slices.ContainsFunc(list, func(e *juki.InputError) bool { return e.Code == row.code && e.Field == row.field }) {
					t.Errorf("%s: %v\nwant %s at %s", form, err, row.code, row.field)
				}
			}
		})
	}
}

func parseError(_ *Order, err error) error { return err }

// An order to issue has nothing of an entry.
func TestAnOrderToIssueHasNoEntry(t *testing.T) {
	for _, name := range fieldsOfEndorse {
		d := documentOf(t, "adult").with(name, map[string]any{})
		_, photo := person(t, "adult")
		_, err := Parse(d.json(t), photo, Checks{})
		list := problems(t, err, personal(t)...)
		if len(list) != 1 || list[0].Code != "ORDER-FIELD-OPERATION" || list[0].Field != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEntryTextsAreJudged(t *testing.T) {
	seen := map[string]bool{}
	_, err := Parse(endorsing(t).json(t), nil, Checks{Text: func(field, _ string) error {
		seen[field] = true
		if field == "entry.content" {
			return errors.New("no font has it")
		}
		return nil
	}})
	if list := problems(t, err); len(list) != 1 || list[0].Code != "ORDER-TEXT-GLYPH" || list[0].Field != "entry.content" {
		t.Errorf("%v", err)
	}
	if !seen["entry.reason"] || !seen["entry.seal"] {
		t.Errorf("judged were %v", seen)
	}
}

// TestNothingShowsTheEntry tries every way by which data get out unmeant.
func TestNothingShowsTheEntry(t *testing.T) {
	o, err := Parse(endorsing(t).json(t), nil, Checks{})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	e := o.Endorsement
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{o, *o, e, &e, e.Entry, &e.Entry, []any{e.Entry}, struct{ inner any }{e}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("order", "entry", e.Entry, "endorsement", e, "order", o)
	for _, canary := range []string{"転居", "港町", "架空市印", "e8bba2"} {
		if strings.Contains(out.String(), canary) {
			t.Errorf("%q is shown", canary)
		}
	}
	for name, v := range map[string]any{"order": o, "entry": e.Entry, "endorsement": e} {
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("JSON of %s: %d bytes", name, len(b))
		}
		if b, err := cbor.Marshal(v); err == nil {
			t.Errorf("CBOR of %s: %d bytes", name, len(b))
		}
	}
}
