package face

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func wantGlyphError(t *testing.T, err error, index int, why Reason, codePoints string) {
	t.Helper()
	var e *GlyphError
	if !errors.As(err, &e) {
		t.Fatalf("error = %v, want a *GlyphError", err)
	}
	if e.Index != index || e.Reason != why || e.CodePoints != codePoints {
		t.Errorf("character %d, %q, %s; want %d, %q, %s", e.Index, e.Reason, e.CodePoints, index, why, codePoints)
	}
}

func TestCheckRefuses(t *testing.T) {
	f := fontsOf(t)
	for _, tt := range []struct {
		name, text string
		index      int
		why        Reason
		codePoints string
	}{
		{"an Adobe-Japan1 form of 祇, which IPAmj has not", "見本祇\U000E0100町", 3, NoVariation, "U+7947 U+E0100"},
		{"a selector beyond those of 葛", "葛\U000E01EF", 1, NoVariation, "U+845B U+E01EF"},
		{"a selector on a character that has none", "𠮷\U000E0100", 1, NoVariation, "U+20BB7 U+E0100"},
		{"a character of no kanji font", "山田😀", 3, NoGlyph, "U+1F600"},
		{"an unassigned code", "山\U0003FFFD", 2, NoGlyph, "U+3FFFD"},
		{"a selector with nothing before it", "\U000E0102葛", 1, StraySelector, "U+E0102"},
		{"two selectors in a row", "葛\U000E0102\U000E0103", 2, StraySelector, "U+E0103"},
		{"a line end", "山田\n太郎", 3, Control, "U+000A"},
		{"a tab", "山田\t太郎", 3, Control, "U+0009"},
		{"NUL", "\x00", 1, Control, "U+0000"},
		{"a C1 control", "\u0085", 1, Control, "U+0085"},
		{"an invisible joiner", "山\u200d田", 2, Control, "U+200D"},
		{"a right-to-left override", "\u202e12", 1, Control, "U+202E"},
		{"a line separator", "山\u2028", 2, Control, "U+2028"},
		{"外字 of the private use area", "山\ue000", 2, PrivateUse, "U+E000"},
		{"a combining mark", "か\u3099", 2, Combining, "U+3099"},
		{"broken UTF-8", "山\xff", 2, NotUTF8, "U+FFFD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantGlyphError(t, f.Check("name", tt.text), tt.index, tt.why, tt.codePoints)
		})
	}
}

func TestCheckAccepts(t *testing.T) {
	f := fontsOf(t)
	for _, tt := range []struct{ name, text string }{
		{"nothing", ""},
		{"the ideographic space", "山田　太郎"},
		{"a form of 葛 that IPAmj has", "葛\U000E0102飾"},
		{"a compatibility form by a standardised selector", "神\uFE00"},
		{"names of the second plane", "𠮷田　髙﨑　邉"},
		{"Latin with diacritics", "MARÍA JOSÉ NUÑEZ Ž"},
		{"house numbers", "１２－７－２０２ 12-7-202"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := f.Check("name", tt.text); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckRefusesWhatNoCardHasRoomFor(t *testing.T) {
	var e *OverflowError
	if err := fontsOf(t).Check("address", strings.Repeat("山", 2000)); !errors.As(err, &e) {
		t.Errorf("error = %v, want an *OverflowError", err)
	}
}

// The forms that the font has, discovered from it, must all be accepted, and
// all be drawn unlike one another or be the same glyph.
func TestVariantsOfNames(t *testing.T) {
	f := fontsOf(t)
	for _, tt := range []struct {
		base  rune
		least int // forms with a selector, at least
	}{{'葛', 7}, {'邉', 14}, {'邊', 11}, {'辻', 2}, {'﨑', 2}, {'神', 2}} {
		t.Run(string(tt.base), func(t *testing.T) {
			font := f.list[0].(*typeface).font
			shapes, pairs := map[string]uint32{}, 0
			for vs := rune(0xE0100); vs <= 0xE01EF; vs++ {
				id, ok := font.VariationGlyph(tt.base, vs)
				_, same := cluster{tt.base, vs}.equal()
				if err := f.Check("name", string([]rune{tt.base, vs})); (err == nil) != (ok || same) {
					t.Fatalf("U+%X: in the font is %v, accepted is %v", vs, ok, err == nil)
				}
				if !ok {
					continue
				}
				pairs++
				shape := shapeOf(t, f, cluster{tt.base, vs})
				if before, seen := shapes[shape]; seen && before != uint32(id) {
					t.Errorf("glyphs %d and %d are drawn alike", before, id)
				}
				shapes[shape] = uint32(id)
			}
			if pairs < tt.least {
				t.Errorf("%d forms; want at least %d", pairs, tt.least)
			}
		})
	}
}

// shapeOf draws one character large and gives its pixels.
func shapeOf(t *testing.T, f *Fonts, c cluster) string {
	t.Helper()
	g, why := f.glyph(c)
	if why != "" {
		t.Fatalf("%s: %s", c.codePoints(), why)
	}
	m := square(64)
	b, ok := m.fit([]glyph{g})
	if !ok {
		t.Fatal("one character does not fit its own square")
	}
	return string(m.cover(b, 1).Pix)
}

func TestSelectorChangesTheDrawing(t *testing.T) {
	f := fontsOf(t)
	bare, chosen := shapeOf(t, f, cluster{base: '葛'}), shapeOf(t, f, cluster{'葛', 0xE0102})
	if bare == chosen {
		t.Error("葛 with U+E0102 is drawn like 葛")
	}
	if bare != shapeOf(t, f, cluster{'葛', 0xE0103}) {
		t.Error("葛 with U+E0103, the font's default form, is not drawn like 葛")
	}
}

func TestGlyphErrorHidesTheCharacter(t *testing.T) {
	err := fontsOf(t).Check("name", "見本祇\U000E0100")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Error("refused", "err", err)
	for _, s := range []string{err.Error(), fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, err), log.String()} {
		if strings.Contains(s, "7947") || strings.Contains(s, "祇") || strings.Contains(s, "E0100") {
			t.Errorf("%q shows the character", s)
		}
		if !strings.Contains(s, "character 3") {
			t.Errorf("%q does not tell the position", s)
		}
	}
	var e *GlyphError
	if !errors.As(err, &e) {
		t.Fatal("want a *GlyphError")
	}
	for _, want := range []string{"U+7947 U+E0100", "name", "character 3"} {
		if d := e.Detail(); !strings.Contains(d, want) {
			t.Errorf("Detail() = %q; want %q in it", d, want)
		}
	}
}

func TestEveryReasonHasARemedy(t *testing.T) {
	for _, r := range []Reason{NoGlyph, NoVariation, EmptyGlyph, StraySelector, Combining, PrivateUse, Control, NotUTF8} {
		if remedies[r] == "" {
			t.Errorf("%q has no remedy", r)
		}
	}
}
