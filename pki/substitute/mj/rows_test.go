package mj

import (
	"reflect"
	"testing"
)

// FuzzRows goes behind the digest, where a fuzzer could never guess a good one.
func FuzzRows(f *testing.F) {
	body, err := columns([]Glyph{
		{Number: 7, Base: '葛', Plain: '葛', Juki: 0xB9D5, Sequences: []Sequence{{'葛', 0xE0103}},
			Candidates: []Candidate{{'葛', []Source{{Table: KosekiParent, Grade: 1}}}}},
		{Number: 9, Base: '髙'},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte{0xFF, 0xFF, 0x07})
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := rows(body)
		if err != nil {
			return
		}
		again, err := columns(all)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := rows(again); err != nil || !reflect.DeepEqual(got, all) {
			t.Errorf("it does not come back: %v", err)
		}
	})
}
