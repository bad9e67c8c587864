package mj_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"jukicard/pki/substitute/mj"
)

var header = mj.Header{Data: "list", Rights: "theirs", Licence: "CC", Changes: "none", From: "here"}

// glyphs have every shape that a row can have.
func glyphs() []mj.Glyph {
	return []mj.Glyph{
		{Number: 1, Base: '々', Plain: '々', Juki: 0xAD1D},
		{Number: 22335, Base: '葛', Juki: 0x845B, Sequences: []mj.Sequence{{Base: '葛', Selector: 0xE0102}}},
		{Number: 30183, Base: '欄', Plain: '\uF91D', Sequences: []mj.Sequence{{Base: '欄', Selector: 0xE0103}, {Base: '欄', Selector: 0xFE00}},
			Candidates: []mj.Candidate{
				{Char: '欄', Sources: []mj.Source{{Table: mj.JISUnification}, {Table: mj.KosekiParent, Grade: 5}}},
				{Char: '𠮷', Sources: []mj.Source{{Table: mj.Notice582One, Grade: 1}, {Table: mj.Notice582Two, Grade: 2}, {Table: mj.Dictionaries}}},
			}},
		{Number: 37229},
	}
}

func TestRoundTrip(t *testing.T) {
	file, err := mj.Encode(header, glyphs())
	if err != nil {
		t.Fatal(err)
	}
	h, got, err := mj.Decode(file)
	if err != nil || h != header || !reflect.DeepEqual(got, glyphs()) {
		t.Errorf("%+v %+v %v", h, got, err)
	}
	if _, got, err = mj.Decode(must(t, nil)); err != nil || len(got) != 0 {
		t.Errorf("nothing at all: %v %v", got, err)
	}
}

func must(t testing.TB, all []mj.Glyph) []byte {
	t.Helper()
	file, err := mj.Encode(header, all)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestEncodeRefuses(t *testing.T) {
	all := glyphs()
	all[1], all[2] = all[2], all[1]
	if _, err := mj.Encode(header, all); err == nil {
		t.Error("a list out of order is written")
	}
	for _, value := range []string{"", "two\nlines"} {
		h := header
		h.Licence = value
		if _, err := mj.Encode(h, nil); err == nil {
			t.Errorf("a header with %q is written", value)
		}
	}
}

// TestDecodeRefuses: a file with one byte changed anywhere is refused, or its header,
// which the digest does not cover, says something else.
func TestDecodeRefuses(t *testing.T) {
	good := must(t, glyphs())
	body := bytes.Index(good, []byte("sha256: "))
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if h, got, err := mj.Decode(bad); err == nil && (i >= body && !reflect.DeepEqual(got, glyphs()) || i < body && h == header) {
			t.Errorf("byte %d may change", i)
		}
		if _, _, err := mj.Decode(good[:i]); err == nil {
			t.Errorf("%d of %d bytes are enough", i, len(good))
		}
	}
	for name, file := range map[string]string{
		"another version": strings.Replace(string(good), "cardd-mj 1", "cardd-mj 2", 1),
		"a line missing":  strings.Replace(string(good), "licence: CC\n", "", 1),
		"a line more":     strings.Replace(string(good), "\n\n", "\nmore: x\n\n", 1),
	} {
		if _, _, err := mj.Decode([]byte(file)); err == nil || !strings.HasPrefix(err.Error(), "cannot read the moji data") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWords(t *testing.T) {
	g := glyphs()
	for got, want := range map[string]string{
		g[1].Number.String(): "MJ022335", g[1].Juki.String(): "J+845B", g[1].Sequences[0].CodePoints(): "U+845B U+E0102",
		mj.Sequence{Base: '𠮷'}.CodePoints(): "U+20BB7", mj.KosekiParent.String(): "戸籍統一文字情報_親字正字", mj.Table(200).String(): "?",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for i, want := range []string{"々", "葛\U000E0102", "\uF91D", ""} {
		s, ok := g[i].Text()
		if ok != (want != "") || ok && s.String() != want {
			t.Errorf("glyph %d is %s", i, s.CodePoints())
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(must(f, glyphs()))
	f.Add([]byte("cardd-mj 1\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, all, err := mj.Decode(file)
		if err != nil {
			return
		}
		again, err := mj.Encode(h, all)
		if err != nil {
			t.Fatal(err)
		}
		if _, got, err := mj.Decode(again); err != nil || !reflect.DeepEqual(got, all) {
			t.Errorf("it does not come back: %v", err)
		}
	})
}
