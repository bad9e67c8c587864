package face

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFirstFontThatHasTheExactPairWins(t *testing.T) {
	const vs = 0xE0100
	first := testFont{
		cmap:     map[rune]uint16{'葛': glyphWide, '辻': glyphWide, '空': glyphEmpty, ' ': glyphEmpty},
		defaults: []cluster{{'辻', vs}},
	}.write(t)
	second := testFont{
		cmap:  map[rune]uint16{'葛': glyphWide, '辻': glyphTall, '空': glyphTall, '乙': glyphTall},
		pairs: map[cluster]uint16{{'葛', vs}: glyphTall, {'辻', vs}: glyphTall},
	}.write(t)
	f, err := LoadFonts(first, second)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		c    cluster
		tall bool
		why  Reason
	}{
		{"the first font has the base", cluster{base: '葛'}, false, ""},
		{"only the second has the pair", cluster{'葛', vs}, true, ""},
		{"the first has the pair as its default", cluster{'辻', vs}, false, ""},
		{"only the second has the base", cluster{base: '乙'}, true, ""},
		{"an empty shape is passed over", cluster{base: '空'}, true, ""},
		{"a space is rightly empty", cluster{base: ' '}, false, ""},
		{"no font has the base", cluster{base: '丙'}, false, NoGlyph},
		{"both have the base, none the pair", cluster{'葛', vs + 1}, false, NoVariation},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, why := f.glyph(tt.c)
			if why != tt.why {
				t.Fatalf("reason = %q, want %q", why, tt.why)
			}
			if why != "" || g.isSpace() {
				return
			}
			if tall := g.outline[2].Args[0].Y > g.outline[2].Args[0].X; tall != tt.tall {
				t.Errorf("taken from the wrong font: tall = %v", tall)
			}
		})
	}
}

func TestEmptyShapeAloneIsRefused(t *testing.T) {
	f, err := LoadFonts(testFont{cmap: map[rune]uint16{'空': glyphEmpty}}.write(t))
	if err != nil {
		t.Fatal(err)
	}
	wantGlyphError(t, f.Check("name", "空"), 1, EmptyGlyph, "U+7A7A")
}

func TestLoadFontsParsesAFileOnce(t *testing.T) {
	a := fontsOf(t)
	b, err := LoadFonts(DefaultFontPaths...)
	if err != nil {
		t.Fatal(err)
	}
	if a.list[0] != b.list[0] {
		t.Error("the same file was parsed twice")
	}
}

func TestLoadFontsRefuses(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk.ttf")
	if err := os.WriteFile(junk, []byte("no font at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, path string }{
		{"a file that is not there", filepath.Join(t.TempDir(), "none.ttf")},
		{"a file that is no font", junk},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := LoadFonts(tt.path)
			if err == nil || !strings.Contains(err.Error(), "fonts-ipamj-mincho") || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("error = %v; want the path and the package that helps", err)
			}
		})
	}
	if _, err := LoadFonts("/nowhere/none.ttf"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error = %v; want fs.ErrNotExist inside", err)
	}
}

func TestFontsServeSeveralGoroutines(t *testing.T) {
	f, d := fontsOf(t), sample()
	want := hashOf(mustRender(t, f, DefaultLayout, d).Front)
	got := make(chan string)
	for range 4 {
		go func() {
			face, err := f.Render(DefaultLayout, d)
			if err != nil {
				got <- err.Error()
				return
			}
			got <- hashOf(face.Front)
		}()
	}
	for range 4 {
		if h := <-got; h != want {
			t.Errorf("one of four at once drew %s, alone %s", h, want)
		}
	}
}
