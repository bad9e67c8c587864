package face

import (
	"errors"
	"testing"
)

func TestFindNamesTheFontThatPrints(t *testing.T) {
	first := testFont{cmap: map[rune]uint16{'葛': glyphWide, '空': glyphEmpty}}.write(t)
	second := testFont{
		cmap:  map[rune]uint16{'葛': glyphWide, '空': glyphTall},
		pairs: map[cluster]uint16{{'葛', 0xE0102}: glyphTall},
	}.write(t)
	f, err := LoadFonts(first, second)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, character string
		want            Held
		why             Reason
	}{
		{"the base alone", "葛", Held{first, "U+845B"}, ""},
		{"a pair that only the second has", "葛\U000E0102", Held{second, "U+845B U+E0102"}, ""},
		{"the same shape in another collection", "葛\U000E0100", Held{second, "U+845B U+E0102"}, ""},
		{"an empty shape is passed over", "空", Held{second, "U+7A7A"}, ""},
		{"a pair that none has", "葛\U000E0105", Held{}, NoVariation},
		{"a base that none has", "丙", Held{}, NoGlyph},
		{"nothing", "", Held{}, NoGlyph},
		{"two characters", "葛葛", Held{}, NoGlyph},
		{"a selector alone", "\U000E0102", Held{}, StraySelector},
	} {
		got, err := f.Find("name", row.character)
		var refused *GlyphError
		if errors.As(err, &refused) != (row.why != "") || got != row.want || refused != nil && refused.Reason != row.why {
			t.Errorf("%s: %+v, %v", row.name, got, err)
		}
	}
}
