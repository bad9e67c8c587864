package face

import (
	"fmt"
	"image"
	"testing"
)

// twoSizes draws one character as the 1-bit pictures and their check see it.
func twoSizes(t *testing.T, c cluster, size int) (cover, fine *image.Alpha) {
	t.Helper()
	g, why := fontsOf(t).glyph(c)
	if why != "" {
		t.Fatalf("%s: %s", c.codePoints(), why)
	}
	m := square(size)
	b, ok := m.fit([]glyph{g})
	if !ok {
		t.Fatal("one character does not fit its own square")
	}
	return m.cover(b, 1), m.cover(b, fineness)
}

// 𠮷 has 土 above 口, 吉 has 士. At 24 pixels, 5.8 points at 300 dpi, a threshold
// of 0x70 drops both strokes of 土; from 0xB0 on they are whole.
func TestUpperStrokeOfTsuchiyoshiSurvives(t *testing.T) {
	cover, fine := twoSizes(t, cluster{base: '𠮷'}, 24)
	for _, tt := range []struct {
		luma byte
		lost bool
	}{{0x70, true}, {0xB0, false}, {0xC0, false}, {0xD0, false}} {
		t.Run(fmt.Sprintf("threshold %X", tt.luma), func(t *testing.T) {
			bits := threshold(cover, tt.luma)
			if n := strokesLost(fine, fineness, bits); (n > 0) != tt.lost {
				t.Errorf("%d strokes lost; want some = %v\n%s", n, tt.lost, bits.text())
			}
			if rows := fullRows(bits, 3, 13); (rows < 2) != tt.lost {
				t.Errorf("%d horizontal strokes in the upper half; 土 has 2\n%s", rows, bits.text())
			}
		})
	}
}

// fullRows counts horizontal strokes between two rows without the check: runs
// of rows with at least 8 black pixels side by side.
func fullRows(b bitmap, from, to int) int {
	n, inside := 0, false
	for y := from; y < to; y++ {
		longest, run := 0, 0
		for x := range b.w {
			if run++; !b.at(x, y) {
				run = 0
			}
			longest = max(longest, run)
		}
		if longest >= 8 && !inside {
			n++
		}
		inside = longest >= 8
	}
	return n
}

func (b bitmap) text() string {
	var s []byte
	for y := range b.h {
		for x := range b.w {
			s = append(s, ".#"[map[bool]int{true: 1}[b.at(x, y)]])
		}
		s = append(s, '\n')
	}
	return string(s)
}

// What 0xD0 promises to drivers, over one kanji in 37 and the names
// that are hard.
func TestNoStrokeIsLostAt0xD0(t *testing.T) {
	hard := []rune("𠮷吉髙﨑邉邊葛鬱龘驫籠三川一二")
	for r := rune(0x4E00); r < 0x9FA0; r += 37 {
		if fontsOf(t).Check("kanji", string(r)) == nil {
			hard = append(hard, r)
		}
	}
	for _, size := range []int{22, 28, 40} {
		for _, r := range hard {
			cover, fine := twoSizes(t, cluster{base: r}, size)
			if n := strokesLost(fine, fineness, threshold(cover, 0xD0)); n > 0 {
				t.Errorf("%c at %d pixels loses %d strokes", r, size, n)
			}
		}
	}
}

// A stroke taken away by hand must be noticed, wherever it lies.
func TestStrokesLostSeesEachStroke(t *testing.T) {
	fine := image.NewAlpha(image.Rect(0, 0, 20*fineness, 20*fineness))
	whole := newBitmap(20, 20)
	line := func(r image.Rectangle) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				whole.black[y*20+x] = true
				for i := range fineness * fineness {
					fine.Pix[(y*fineness+i/fineness)*fine.Stride+x*fineness+i%fineness] = 255
				}
			}
		}
	}
	strokes := map[string]image.Rectangle{
		"upper horizontal": image.Rect(2, 4, 18, 5), "lower horizontal": image.Rect(5, 8, 15, 9),
		"left vertical": image.Rect(2, 11, 3, 19), "dot": image.Rect(10, 14, 14, 15),
	}
	for _, r := range strokes {
		line(r)
	}
	if n := strokesLost(fine, fineness, whole); n != 0 {
		t.Fatalf("%d strokes lost of a whole picture", n)
	}
	for name, r := range strokes {
		t.Run(name, func(t *testing.T) {
			b := newBitmap(20, 20)
			copy(b.black, whole.black)
			for y := r.Min.Y; y < r.Max.Y; y++ {
				clear(b.black[y*20+r.Min.X : y*20+r.Max.X])
			}
			if n := strokesLost(fine, fineness, b); n != 1 {
				t.Errorf("%d strokes lost, want 1", n)
			}
		})
	}
}
