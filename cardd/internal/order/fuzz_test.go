package order

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// FuzzOrder reads anything as an order in both forms. Whatever it is, there is an
// order or a complete list of problems, and never a panic.
func FuzzOrder(f *testing.F) {
	for _, d := range seeds(f) {
		f.Add(d.json(f))
		b, err := cbor.Marshal(d.with("version", 1))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(endorsing(f).json(f))
	f.Add(asCBOR(f, endorsing(f).with("entry", absent{}).with("by_hand", map[string]any{"lines": 2})))
	f.Add([]byte(`{"version":1,"VERSION":1,"resident":{"name":"\ud842\udfb7","x":[[{"a":"]"}]]}}`))
	f.Add([]byte{0xA1, 0x61, 'x', 0x82, 0x18, 0x20, 0xF6})
	photo := func(string) ([]byte, error) { return []byte("photograph"), nil }
	empty := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		for _, parse := range []func([]byte, func(string) ([]byte, error), Checks) (*Order, error){Parse, ParseCBOR} {
			o, err := parse(b, photo, Checks{})
			if (o == nil) == (err == nil) {
				t.Fatalf("neither or both: %v, %v", o, err)
			}
			if err != nil {
				_ = problems(t, err)
				continue
			}
			sound(t, o)
		}
		if !bytes.Equal(b, before) {
			t.Error("the document was changed")
		}
		if wire, err := Inline(empty, b); err == nil && !json.Valid(wire) {
			t.Error("the wire form is no JSON")
		}
	})
}

// seeds are orders of several kinds, all made from the infant's: drawing portraits
// under the fuzzer's instrumentation takes longer than the fuzzing.
func seeds(f *testing.F) []tree {
	infant := func() tree { return documentOf(f, "infant") }
	adult := func() tree {
		return infant().with("product", "standard").with("resident.birth", "1968-12-01").with("photo", "photo.jpg").
			with("certificates.signature", true).with("renews_card_expiring_on", "2027-01-10")
	}
	return []tree{
		infant(),
		adult(),
		adult().with("photo_data", "AAAA").with("resident.former_name", "旧").with("resident.common_name", "通"),
		adult().with("resident.nationality", "foreign").with("resident.stay_until", "2028-11-23"),
		adult().with("resident.name", "𠮷邉\U000E010F").with("substitutes", map[string]any{"name": "よし邉", "name_flags": "111"}),
	}
}

// sound holds an accepted order against itself.
func sound(t *testing.T, o *Order) {
	t.Helper()
	if o.Operation == Endorse {
		soundEndorsement(t, o)
		return
	}
	if o.CardExpiry().Before(o.Issued) || o.ReferenceB().Len() != 14 || o.ReferenceA().Len() != 12 || o.ID == "" {
		t.Error("an accepted order contradicts itself")
	}
	if last, ok := o.SignatureExpiry(); ok && last.After(o.CardExpiry()) {
		t.Error("a certificate outlives its card")
	}
	if name := open(t, o.Certified.Name); strings.ContainsFunc(name, func(r rune) bool { return !inCertificates(r) }) {
		t.Error("a certificate has a character it cannot have")
	}
	o.Destroy()
}

// soundEndorsement holds an accepted order to endorse against itself.
func soundEndorsement(t *testing.T, o *Order) {
	t.Helper()
	e := o.Endorsement
	if len(e.Card) != CardNumberLen || o.Resident.Name.Len() > 0 || (e.ByHand > 0) == (e.Entry.Reason.Len() > 0) {
		t.Error("an accepted order contradicts itself")
	}
	if p := e.Panel; p != nil && (p.Layout == "" || p.Version < 1 || len(p.Entries) > linesMax) {
		t.Error("an accepted panel is none")
	}
	o.Destroy()
}

// FuzzPINs reads anything as PINs.
func FuzzPINs(f *testing.F) {
	f.Add([]byte(allPINs))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"text":"\u0031957"}`))
	f.Add([]byte{0xA1, 0x64, 't', 'e', 'x', 't', 0x64, '1', '9', '5', '7'})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (PINs, error){ParsePINs, ParsePINsCBOR} {
			pins, err := parse(b)
			if (pins == nil) == (err == nil) {
				t.Fatalf("neither or both: %v", err)
			}
			if err != nil {
				_ = problems(t, err)
				continue
			}
			wire, err := pins.Wire()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := ParsePINs(wire); err != nil || len(again) != len(pins) {
				t.Errorf("the wire form is refused: %v", err)
			}
		}
	})
}

// FuzzSplit holds the splitting of JSON against encoding/json: whatever is valid
// splits without a panic, and objects of texts split alike.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"a":"\u0041\n\ud83d\ude00","b":"","c":"\\"}`))
	f.Add([]byte(` { "a" : [ "]" , {} ] , "b" : -1.5e3 , "c" : null } `))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := document{root: rootOrder, b: b}
		n, broken := d.readJSON()
		var want map[string]json.RawMessage
		if broken != nil || json.Unmarshal(b, &want) != nil {
			return
		}
		got := map[string]node{}
		for _, f := range n.fields {
			got[strings.ToValidUTF8(string(f.name), "\ufffd")] = f.value
		}
		for name, raw := range want {
			var text string
			if json.Unmarshal(raw, &text) != nil || raw[0] != '"' || strings.Contains(string(raw), "\xff") {
				continue
			}
			v, ok := got[name]
			if ok && v.kind == kindText && !equalText(v.data, text) {
				t.Errorf("%q split as %q", raw, v.data)
			}
		}
	})
}

// equalText compares up to what encoding/json makes of broken UTF-8.
func equalText(data []byte, text string) bool {
	return string(data) == text || strings.ContainsRune(text, '\ufffd')
}

func TestNoProblemsAreNoError(t *testing.T) {
	if err := (Problems{}).err(); err != nil || (Problems{}).Code() != "" {
		t.Errorf("got %v", err)
	}
}
