package sheet

import (
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
)

const ipamj = "/usr/share/fonts/truetype/ipamj/ipamjm.ttf"

// inkRows tells which bands of so many dots have ink.
func inkRows(img image.Image, band int) (rows []bool) {
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y += band {
		ink := false
		for dy := range min(band, b.Max.Y-y) {
			for x := b.Min.X; x < b.Max.X; x++ {
				ink = ink || color.GrayModel.Convert(img.At(x, y+dy)).(color.Gray).Y < 128
			}
		}
		rows = append(rows, ink)
	}
	return rows
}

// TestDraw: each line has its own row, an empty one stays white, and a long one is broken
// and not cut.
func TestDraw(t *testing.T) {
	s := Style{Font: ipamj, Width: 400, Size: 24, Margin: 12}
	img, err := Draw([]string{"受領証", "", strings.Repeat("証明書", 12)}, s)
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Dy(); got != 2*12+5*36 { // 1 + 1 + 36 characters of 24 dots in 376
		t.Errorf("the sheet is %d dots long", got)
	}
	crop := img.(*image.Gray).SubImage(image.Rect(0, 12, 400, 12+5*36))
	if got := inkRows(crop, 36); len(got) != 5 || !got[0] || got[1] || !got[2] || !got[3] || !got[4] {
		t.Errorf("rows with ink: %v", got)
	}
}

// TestBroken: nothing is lost where a line is broken.
func TestBroken(t *testing.T) {
	set, err := open(Style{Font: ipamj, Size: 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = set.Close() }()
	for _, line := range []string{"", "a", strings.Repeat("0123456789abcdef", 8), "混ぜ書き mixed 文字列 string"} {
		rows := broken(set, line, fixed.I(100))
		if strings.Join(rows, "") != line || len(rows) == 0 {
			t.Errorf("%q became %q", line, rows)
		}
		for _, row := range rows {
			if font.MeasureString(set, row) > fixed.I(100)+fixed.I(20) {
				t.Errorf("%q is wider than the sheet", row)
			}
		}
	}
}

// TestDrawRefuses what is no sheet, with what is wrong.
func TestDrawRefuses(t *testing.T) {
	notFont := filepath.Join(t.TempDir(), "font.ttf")
	if err := os.WriteFile(notFont, []byte("no font"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := Style{Font: ipamj, Width: 400, Size: 24, Margin: 12}
	for _, row := range []struct {
		name   string
		change func(*Style)
		lines  int
		want   string
	}{
		{"no width", func(s *Style) { s.Width = 0 }, 1, "0 by 0 dots"},
		{"a margin that leaves nothing", func(s *Style) { s.Margin = 200 }, 1, "margin of 200"},
		{"tiny text", func(s *Style) { s.Size = 7 }, 1, "text of 7"},
		{"too much for the page", func(s *Style) { s.Height = 100 }, 9, "do not fit"},
		{"too much for any slip", func(*Style) {}, 1000, "more than"},
		{"no font", func(s *Style) { s.Font = "/nowhere" }, 1, "cannot read the font"},
		{"a file that is no font", func(s *Style) { s.Font = notFont }, 1, "cannot use the font"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := good
			row.change(&s)
			if _, err := Draw(make([]string, row.lines), s); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}
