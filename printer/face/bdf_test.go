package face

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gaijiBDF is an invented 外字 at U+E000 in 16 pixels, a box with a cross in it, and a
// bar that belongs to no character.
const gaijiBDF = `STARTFONT 2.1
COMMENT invented for tests
FONT -test-gaiji-medium-r-normal--16-160-75-75-c-160-iso10646-1
SIZE 16 75 75
FONTBOUNDINGBOX 16 16 0 -2
STARTPROPERTIES 4
FONT_ASCENT 14
FONT_DESCENT 2
CHARSET_REGISTRY "ISO10646"
CHARSET_ENCODING "1"
ENDPROPERTIES
CHARS 2
STARTCHAR gaiji-1
ENCODING 57344
SWIDTH 1000 0
DWIDTH 16 0
BBX 14 14 1 -1
BITMAP
FFFC
8304
8304
8304
8304
8304
FFFC
FFFC
8304
8304
8304
8304
8304
FFFC
ENDCHAR
STARTCHAR spare
ENCODING -1 7
DWIDTH 16 0
BBX 8 1 0 0
BITMAP
FF
ENDCHAR
ENDFONT
`

func gaijiFonts(t *testing.T) *Fonts {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gaiji.bdf")
	if err := os.WriteFile(path, []byte(gaijiBDF), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := LoadFonts(DefaultFontPaths[0], path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Drawn at its own size a glyph is its bitmap, pixel for pixel; at twice the size
// every pixel is four.
func TestBitmapGlyphIsDrawnExactly(t *testing.T) {
	g, why := gaijiFonts(t).glyph(cluster{base: 0xE000})
	if why != "" {
		t.Fatal(why)
	}
	if g.advance != 1 {
		t.Errorf("it is %v em wide, want 1", g.advance)
	}
	for _, scale := range []int{1, 2, 5} {
		m := square(16 * scale)
		b, ok := m.fit([]glyph{g})
		if !ok {
			t.Fatal("it does not fit its own square")
		}
		cover := m.cover(b, 1)
		rows := strings.Split(gaijiBDF, "\n")[18:32]
		for y := range 16 * scale {
			for x := range 16 * scale {
				want := byte(0)
				py, px := y/scale-1, x/scale-1 // BBX: one pixel in from the left, rows from 1 below the ascent
				if py >= 0 && py < 14 && px >= 0 && px < 14 && bitOf(rows[py], px) {
					want = 255
				}
				if got := cover.AlphaAt(x, y).A; got != want {
					t.Fatalf("at scale %d pixel %d,%d has ink %d, want %d", scale, x, y, got, want)
				}
			}
		}
	}
}

func bitOf(hex string, x int) bool {
	return strings.IndexByte("0123456789ABCDEF", hex[x/4])&(8>>(x%4)) != 0
}

func TestGaijiNeedsItsBDFFont(t *testing.T) {
	f := gaijiFonts(t)
	if err := f.Check("name", "山\ue000"); err != nil {
		t.Errorf("a 外字 of the BDF font is refused: %v", err)
	}
	wantGlyphError(t, f.Check("name", "山\ue001"), 2, PrivateUse, "U+E001")
	wantGlyphError(t, f.Check("name", "\ue000\U000E0100"), 1, PrivateUse, "U+E000 U+E0100")
	wantGlyphError(t, fontsOf(t).Check("name", "\ue000"), 1, PrivateUse, "U+E000")
	d := sample()
	d.Name = "山\ue000　太郎"
	if _, err := f.ChipImages(withoutPhoto(d)); err != nil {
		t.Errorf("the chip's picture: %v", err)
	}
	mustRender(t, f, DefaultLayout, d)
}

func withoutPhoto(d Data) Data {
	d.Photo = nil
	return d
}

// A private-use glyph of an outline font is its maker's and no 外字 of anybody.
func TestPrivateUseOfOtherFontsIsNotTaken(t *testing.T) {
	f, err := LoadFonts(testFont{cmap: map[rune]uint16{0xE000: glyphWide}}.write(t))
	if err != nil {
		t.Fatal(err)
	}
	wantGlyphError(t, f.Check("name", "\ue000"), 1, PrivateUse, "U+E000")
}

func TestBDFIsRefused(t *testing.T) {
	change := func(old, fresh string) string {
		s := strings.Replace(gaijiBDF, old, fresh, 1)
		if s == gaijiBDF {
			panic("internal error: nothing to change: " + old)
		}
		return s
	}
	for _, tt := range []struct{ name, text, want string }{
		{"another version", change("STARTFONT 2.1", "STARTFONT 1.0"), "line 1: want STARTFONT 2.1 or 2.2"},
		{"numbers of JIS X 0208", change(`"ISO10646"`, `"JISX0208.1983"`), `line 12: CHARSET_REGISTRY must be "ISO10646"`},
		{"no character set", change("CHARSET_REGISTRY", "X_REGISTRY"), `CHARSET_REGISTRY must be "ISO10646"`},
		{"no bounding box", change("FONTBOUNDINGBOX", "X_BOX"), "FONTBOUNDINGBOX is missing"},
		{"a bounding box of nothing", change("FONTBOUNDINGBOX 16 16", "FONTBOUNDINGBOX 16 0"), "FONTBOUNDINGBOX must be four numbers"},
		{"an endless ascent", change("FONT_ASCENT 14", "FONT_ASCENT 99999"), "FONT_ASCENT must be 0 to 512 pixels"},
		{"no characters", change("CHARS 2", "CHARS 0"), "CHARS must be 1 to 65536"},
		{"a number beyond Unicode", change("ENCODING 57344", "ENCODING 1114112"), "ENCODING must be a Unicode number or -1"},
		{"a number that is none", change("ENCODING 57344", "ENCODING A"), "ENCODING must be a Unicode number or -1"},
		{"a width below nothing", change("DWIDTH 16 0", "DWIDTH -1 0"), "DWIDTH must be two numbers"},
		{"no width", change("DWIDTH 16 0", "XWIDTH 16 0"), "needs BBX and DWIDTH"},
		{"a box too large", change("BBX 14 14", "BBX 14 513"), "BBX must be four numbers, sides of 0 to 512"},
		{"a box far away", change("BBX 14 14 1", "BBX 14 14 9999"), "BBX must be four numbers"},
		{"no box", change("BBX 14 14 1 -1\n", ""), "needs BBX and DWIDTH"},
		{"a short row", change("FFFC", "FF"), "line 19: a row of BITMAP must be 4 hexadecimal digits"},
		{"a row of letters", change("8304", "83XY"), "line 20: a row of BITMAP must be 4 hexadecimal digits"},
		{"a row too few", change("8304\n", ""), "a row of BITMAP must be 4"},
		{"a row too many", change("8304\n", "8304\n8304\n"), "want ENDCHAR after the rows of BITMAP"},
		{"no rows", change("BITMAP\n", ""), "a character has no BITMAP"},
		{"a character twice", change("ENCODING -1 7", "ENCODING 57344"), "a character is there twice"},
		{"no character of Unicode", change("ENCODING 57344", "ENCODING -1"), "it holds no character with a Unicode number"},
		{"cut short in the head", gaijiBDF[:120], "the file ends before CHARS"},
		{"cut short in a glyph", gaijiBDF[:strings.Index(gaijiBDF, "SWIDTH")], "a character has no BITMAP"},
		{"cut short between glyphs", gaijiBDF[:strings.Index(gaijiBDF, "STARTCHAR spare")], "the file ends before ENDFONT"},
		{"something else between glyphs", change("STARTCHAR spare", "STARTFONT spare"), "want STARTCHAR or ENDFONT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parseBDF([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v; want %q in it", err, tt.want)
			}
		})
	}
	if _, err := parseBDF(make([]byte, bdfBytesMost+1)); err == nil {
		t.Error("a very large file was read")
	}
}

func TestLoadFontsSaysWhatIsWrongWithABDFFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broken.bdf")
	if err := os.WriteFile(path, []byte(strings.Replace(gaijiBDF, "FFFC", "FF", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := LoadFonts(path)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot load the font ") || !strings.Contains(err.Error(), "line 19") {
		t.Errorf("error = %v", err)
	}
}

// Whatever a file holds, what is read from it can be drawn.
func FuzzParseBDF(f *testing.F) {
	f.Add([]byte(gaijiBDF))
	f.Add([]byte(strings.ReplaceAll(gaijiBDF, "\n", "\r\n")))
	f.Add([]byte("STARTFONT 2.2\nFONTBOUNDINGBOX 1 1 0 0\nCHARSET_REGISTRY ISO10646\nCHARS 1\nSTARTCHAR a\nENCODING 0\nDWIDTH 0 0\nBBX 0 0 0 0\nBITMAP\nENDCHAR\nENDFONT"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		font, err := parseBDF(raw)
		if err != nil {
			return
		}
		for r := range font.byRune {
			id, ok := font.lookup(cluster{base: r})
			if !ok {
				t.Fatalf("U+%04X is there and is not found", r)
			}
			m := square(8)
			m.cover(block{lines: [][]glyph{{font.glyph(cluster{base: r}, id)}}, size: 8}, 1)
			break
		}
	})
}
