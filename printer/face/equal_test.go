package face

import (
	"os"
	"strings"
	"testing"
)

// ipaex is the Adobe-Japan1 font by which the table of equal shapes is judged.
const ipaex = "/usr/share/fonts/opentype/ipaexfont-mincho/ipaexm.ttf"

func fontsOfBothCollections(t *testing.T) (adobe, moji *Fonts) {
	t.Helper()
	if _, err := os.Stat(ipaex); err != nil {
		t.Skip("install the Debian package fonts-ipaexfont-mincho")
	}
	adobe, err := LoadFonts(ipaex)
	if err != nil {
		t.Fatal(err)
	}
	return adobe, fontsOf(t)
}

// alike is the share of two characters' ink that they have in common, both drawn
// into the same square from their own fonts: 1 for the same glyph.
func alike(t *testing.T, a *Fonts, ca cluster, b *Fonts, cb cluster) float64 {
	t.Helper()
	x, y := shapeOf(t, a, ca), shapeOf(t, b, cb)
	both, either := 0, 0
	for i := range len(x) {
		both += int(min(x[i], y[i]))
		either += int(max(x[i], y[i]))
	}
	return float64(both) / float64(either)
}

// Each row is drawn from a font of either collection. Two designs of one shape share
// most of their ink; the other form of the same character, in the same two designs,
// shares less.
func TestEqualShapesAreEqual(t *testing.T) {
	adobe, moji := fontsOfBothCollections(t)
	for _, e := range equalShapes {
		t.Run(string(e.base)+strings.TrimPrefix(cluster{e.base, e.selectors[0]}.codePoints(), "U+845B "), func(t *testing.T) {
			a, b := cluster{e.base, e.selectors[0]}, cluster{e.base, e.selectors[1]}
			if _, why := moji.exact(a); why == "" {
				t.Errorf("the second collection has %s itself", a.codePoints())
			}
			same := alike(t, adobe, a, moji, b)
			for _, other := range equalShapes {
				if other == e || other.base != e.base {
					continue
				}
				if d := alike(t, adobe, a, moji, cluster{e.base, other.selectors[1]}); d >= same {
					t.Errorf("%s looks more like %s (%.2f) than like %s (%.2f)", a.codePoints(), cluster{e.base, other.selectors[1]}.codePoints(), d, b.codePoints(), same)
				}
			}
			if e.source == "" {
				t.Error("the row has no source")
			}
		})
	}
}

func TestEqualShapeIsPrinted(t *testing.T) {
	f := fontsOf(t)
	for _, tt := range []struct {
		name             string
		asked, same, not rune
	}{
		{"the form of 葛城市", 0xE0100, 0xE0102, 0xE0103},
		{"the form of 葛飾区", 0xE0101, 0xE0103, 0xE0102},
	} {
		t.Run(tt.name, func(t *testing.T) {
			drawn := shapeOf(t, f, cluster{'葛', tt.asked})
			if drawn != shapeOf(t, f, cluster{'葛', tt.same}) {
				t.Error("it is drawn otherwise than its equal")
			}
			if drawn == shapeOf(t, f, cluster{'葛', tt.not}) {
				t.Error("it is drawn like the other form")
			}
			g, _ := f.glyph(cluster{'葛', tt.asked})
			if g.cluster != (cluster{'葛', tt.asked}) {
				t.Error("the text itself was changed")
			}
		})
	}
}

// A font with the exact pair goes before an equal shape of an earlier font.
func TestExactPairGoesBeforeAnEqualShape(t *testing.T) {
	equal := testFont{cmap: map[rune]uint16{'葛': glyphWide}, pairs: map[cluster]uint16{{'葛', 0xE0102}: glyphWide}}.write(t)
	exact := testFont{cmap: map[rune]uint16{'葛': glyphTall}, pairs: map[cluster]uint16{{'葛', 0xE0100}: glyphTall}}.write(t)
	for _, tt := range []struct {
		name  string
		fonts []string
		tall  bool
	}{
		{"both", []string{equal, exact}, true},
		{"the equal shape alone", []string{equal}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := LoadFonts(tt.fonts...)
			if err != nil {
				t.Fatal(err)
			}
			g, why := f.glyph(cluster{'葛', 0xE0100})
			if why != "" {
				t.Fatal(why)
			}
			if tall := g.outline[2].Args[0].Y > g.outline[2].Args[0].X; tall != tt.tall {
				t.Errorf("taken from the wrong font: tall = %v", tall)
			}
		})
	}
}
