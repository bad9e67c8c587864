package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"jukicard/cardd/internal/failure"
)

func TestParseIssueTakesEachNameOnce(t *testing.T) {
	for _, row := range []struct {
		name, body  string
		order, pins string
		lab, refuse bool
	}{
		{"order, PINs and a wish", `{"order":{"id":1},"pins":{"text":"x"},"lab":true}`, `{"id":1}`, `{"text":"x"}`, true, false},
		{"an order alone", ` { "order" : {} } `, `{}`, "", false, false},
		{"nothing", `{}`, "", "", false, false},
		{"two orders", `{"order":{"id":1},"order":{"id":2}}`, "", "", false, true},
		{"two orders, one written otherwise", `{"order":{"id":1},"\u006frder":{"id":2}}`, "", "", false, true},
		{"a name in capitals", `{"ORDER":{"id":1}}`, "", "", false, true},
		{"a name nobody knows", `{"order":{},"x":1}`, "", "", false, true},
		{"something behind it", `{"order":{}} {}`, "", "", false, true},
		{"no object", `["order"]`, "", "", false, true},
		{"no end", `{"order":{}`, "", "", false, true},
		{"a wish that is none", `{"lab":"yes"}`, "", "", false, true},
		{"no body", ``, "", "", false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := parseIssue([]byte(row.body), "application/json")
			if row.refuse {
				if failure.CodeOf(err) != failure.APIRequest || strings.Contains(err.Error(), "id") && strings.Contains(err.Error(), "2") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || string(r.order) != row.order || string(r.pins) != row.pins || r.lab != row.lab {
				t.Errorf("got %q %q %v, %v", r.order, r.pins, r.lab, err)
			}
		})
	}
}

// FuzzIssue takes anything for the body of an issue, in both forms: there is a request
// or an error that quotes nothing, and what was taken is part of the body.
func FuzzIssue(f *testing.F) {
	f.Add([]byte(`{"order":{"id":"LAB-1"},"pins":{"text":"1957"},"lab":true}`))
	f.Add([]byte(`{"order":{},"order":{}}`))
	f.Add([]byte(`{"order":null,"pins":[[[[]]]]}`))
	for _, v := range []any{
		map[string]any{"order": map[string]any{"id": "LAB-1"}, "pins": map[string]any{"text": "1957"}, "lab": true}, map[string]any{"order": []any{}}, []any{1},
	} {
		b, err := cbor.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0xA2, 0x65, 'o', 'r', 'd', 'e', 'r', 0xA0, 0x65, 'o', 'r', 'd', 'e', 'r', 0xA0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, form := range []string{"application/json", typeCBOR} {
			r, err := parseIssue(bytes.Clone(b), form)
			if (r == nil) == (err == nil) {
				t.Fatalf("neither or both: %v", err)
			}
			if err != nil {
				if failure.CodeOf(err) != failure.APIRequest {
					t.Errorf("got %v", err)
				}
				continue
			}
			if !bytes.Contains(b, r.order) || !bytes.Contains(b, r.pins) {
				t.Error("what was taken does not stand in the body")
			}
			if form != typeCBOR && !json.Valid(b) {
				t.Error("a body was taken that is no JSON")
			}
			if pins, err := r.parsePINs(); (pins == nil) == (err == nil) {
				t.Errorf("PINs: neither or both: %v", err)
			}
			r.clear()
		}
	})
}
