package face

import (
	"image"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// square is room for one character of that many pixels.
func square(side int) room {
	return room{box: image.Rect(0, 0, side, side), size: float32(side), least: 1, lines: 1}
}

func stringOf(line []glyph) string {
	var s strings.Builder
	for _, g := range line {
		s.WriteRune(g.base)
		if g.selector != 0 {
			s.WriteRune(g.selector)
		}
	}
	return s.String()
}

func glyphsOf(t testing.TB, text string) []glyph {
	t.Helper()
	g, err := fontsOf(t).glyphs("text", text)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestFit(t *testing.T) {
	r := room{box: image.Rect(0, 0, 400, 100), size: 40, least: 20, lines: 2}
	for _, tt := range []struct {
		name, text string
		size       float32
		lines      []string
	}{
		{"short text keeps its size", "山田太郎", 40, []string{"山田太郎"}},
		{"longer text shrinks", strings.Repeat("山", 16), 25, []string{strings.Repeat("山", 16)}},
		{"at the smallest size it still is one line", strings.Repeat("山", 20), 20, []string{strings.Repeat("山", 20)}},
		{"then it wraps, and is larger again", strings.Repeat("山", 21), 36, []string{strings.Repeat("山", 11), strings.Repeat("山", 10)}},
		{"the last that fits", strings.Repeat("山", 40), 20, []string{strings.Repeat("山", 20), strings.Repeat("山", 20)}},
		{"more than that does not", strings.Repeat("山", 41), 0, nil},
		{"a custom that costs room is given up", strings.Repeat("山", 18) + "１２３４" + strings.Repeat("川", 18), 20, []string{strings.Repeat("山", 18) + "１２", "３４" + strings.Repeat("川", 18)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, ok := r.fit(glyphsOf(t, tt.text))
			if ok != (tt.lines != nil) {
				t.Fatalf("fits = %v", ok)
			}
			var lines []string
			for _, l := range b.lines {
				lines = append(lines, stringOf(l))
			}
			if !slices.Equal(lines, tt.lines) || b.size != tt.size {
				t.Errorf("%q at %v; want %q at %v", lines, b.size, tt.lines, tt.size)
			}
		})
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		lines      []string
	}{
		{"anywhere between kanji", "一二三四五六七八九十一二", []string{"一二三四五六七八九十", "一二"}},
		{"at a space near the end", "一二三四五六七八　見本荘", []string{"一二三四五六七八", "見本荘"}},
		{"not at a space near the beginning", "一二　四五六七八九十一二", []string{"一二　四五六七八九十", "一二"}},
		{"a house number stays whole", "一二三四五六７８－９１０号", []string{"一二三四五六", "７８－９１０号"}},
		{"no comma begins a line", "一二三四五六七八九十、二", []string{"一二三四五六七八九", "十、二"}},
		{"no bracket ends one", "一二三四五六七八九（一）", []string{"一二三四五六七八九", "（一）"}},
		{"Latin words stay whole", "SPECIMEN INVENTADA MARIA", []string{"SPECIMEN", "INVENTADA", "MARIA"}},
		{"an endless word breaks", strings.Repeat("８", 12), []string{strings.Repeat("８", 10), "８８"}},
		{"a space at the break is not drawn", "一二三四五六七八九十　一", []string{"一二三四五六七八九十", "一"}},
		{"spaces alone are no line", "　 ", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			for _, l := range wrap(glyphsOf(t, tt.text), 10, 0, breakBefore) {
				lines = append(lines, stringOf(l))
			}
			if !slices.Equal(lines, tt.lines) {
				t.Errorf("%q; want %q", lines, tt.lines)
			}
		})
	}
}

func TestFitNeedsHeight(t *testing.T) {
	r := room{box: image.Rect(0, 0, 400, 30), size: 40, least: 20, lines: 2}
	if b, ok := r.fit(glyphsOf(t, "山田")); !ok || b.size != 30 {
		t.Errorf("size %v, %v; want the height of the box, 30", b.size, ok)
	}
	if _, ok := r.fit(glyphsOf(t, strings.Repeat("山", 25))); ok {
		t.Error("two lines of 20 pixels were put into a height of 30")
	}
}

// Whatever the text and the room, a text that fits is there whole, in order,
// and inside; one that does not is refused.
func TestFitLosesNothing(t *testing.T) {
	letters := []rune("山田邉𠮷一二１２－3-4AaÑ 　、（）")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom(letters), 1, 80, -1).Draw(t, "text")
		r := room{
			box:   image.Rect(0, 0, rapid.IntRange(10, 600).Draw(t, "w"), rapid.IntRange(10, 200).Draw(t, "h")),
			size:  float32(rapid.IntRange(20, 60).Draw(t, "size")),
			least: float32(rapid.IntRange(8, 20).Draw(t, "least")),
			lines: rapid.IntRange(1, 4).Draw(t, "lines"), track: rapid.Float32Range(0, 0.3).Draw(t, "track"),
		}
		f, err := testFonts()
		if err != nil {
			t.Fatal(err)
		}
		glyphs, err := f.glyphs("text", text)
		if err != nil {
			t.Fatal(err)
		}
		b, ok := r.fit(glyphs)
		if !ok {
			return
		}
		checkBlock(t, r, b, text)
	})
}

func checkBlock(t *rapid.T, r room, b block, text string) {
	var all strings.Builder
	for _, line := range b.lines {
		all.WriteString(stringOf(line))
		if w := width(line, r.track) * b.size; w > float32(r.box.Dx())+0.1 && len(line) > 1 {
			t.Fatalf("a line is %v pixels wide, the box %d", w, r.box.Dx())
		}
	}
	bare := func(s string) string { return strings.Join(strings.Fields(s), "") }
	if bare(all.String()) != bare(text) {
		t.Fatalf("drawn %q of %q", all.String(), text)
	}
	if len(b.lines) > r.lines || b.size < r.least || b.size > r.size {
		t.Fatalf("%d lines of %v; at most %d of %v to %v", len(b.lines), b.size, r.lines, r.least, r.size)
	}
	if h := b.size * (1 + float32(len(b.lines)-1)*pitch); h > float32(r.box.Dy())+0.1 {
		t.Fatalf("%v pixels high, the box %d", h, r.box.Dy())
	}
}
