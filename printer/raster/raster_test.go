package raster

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"slices"
	"testing"
)

// sideOf is a white side with a light ground, a dark grey photograph and text.
func sideOf(width, height int) *Side {
	s := NewSide(image.Rect(0, 0, width, height))
	draw.Draw(s.RGBA, image.Rect(0, height/2, width, height), image.NewUniform(color.RGBA{0xDF, 0xE9, 0xEE, 255}), image.Point{}, draw.Src)
	photo := image.Rect(width/8, height/8, width/3, height-height/8)
	for y := photo.Min.Y; y < photo.Max.Y; y++ {
		for x := photo.Min.X; x < photo.Max.X; x++ {
			s.Set(x, y, color.Gray{byte(x*7 + y*3)})
		}
	}
	return s
}

// ink covers one pixel with black text.
func ink(s *Side, x, y int, a byte) {
	c := s.RGBAAt(x, y)
	thin := func(v byte) byte { return byte(int(v) * (255 - int(a)) / 255) }
	s.SetRGBA(x, y, color.RGBA{thin(c.R), thin(c.G), thin(c.B), 255})
	s.Resin.SetAlpha(x, y, color.Alpha{A: a})
}

func TestPhotographNeverGoesIntoResin(t *testing.T) {
	s := sideOf(80, 60)
	p := Separate(s)
	if i := bytes.IndexByte(p.K, 255); i >= 0 {
		t.Fatalf("pixel %d,%d of a side without text is resin", i%80, i/80)
	}
	at := 30*80 + 15
	want := 255 - s.RGBAAt(15, 30).R
	if p.C[at] != want || p.M[at] != want || p.Y[at] != want {
		t.Errorf("a grey of the photograph is C %d M %d Y %d, want %d each", p.C[at], p.M[at], p.Y[at], want)
	}
}

func TestTextIsResinAlone(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cover byte
		k     byte
	}{
		{"full ink", 255, 255},
		{"an edge just dark enough", 255 - InkThreshold + 1, 255},
		{"an edge just too light", 255 - InkThreshold, 0},
		{"a breath of ink", 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := sideOf(80, 60)
			const x, y = 60, 50 // on the light ground
			before := Separate(s)
			ink(s, x, y, tt.cover)
			p := Separate(s)
			at := y*80 + x
			if p.K[at] != tt.k {
				t.Fatalf("K is %d, want %d", p.K[at], tt.k)
			}
			for name, pair := range map[string][2]byte{"C": {p.C[at], before.C[at]}, "M": {p.M[at], before.M[at]}, "Y": {p.Y[at], before.Y[at]}} {
				want := pair[1]
				if tt.k == 255 {
					want = 0
				}
				if d := int(pair[0]) - int(want); d < -1 || d > 1 {
					t.Errorf("%s is %d beside the ink, want %d: no grey of dye", name, pair[0], want)
				}
			}
		})
	}
}

func TestPlainPicturesSeparateByColour(t *testing.T) {
	for _, tt := range []struct {
		name        string
		c           color.Color
		y, m, c2, k byte
	}{
		{"white", color.White, 0, 0, 0, 0},
		{"black", color.Black, 0, 0, 0, 255},
		{"grey just dark enough", color.Gray{InkThreshold - 1}, 0, 0, 0, 255},
		{"grey just too light", color.Gray{InkThreshold}, 79, 79, 79, 0},
		{"red", color.RGBA{255, 0, 0, 255}, 255, 255, 0, 0},
		{"dark blue", color.RGBA{0, 0, 60, 255}, 195, 255, 255, 0},
		{"nearly neutral", color.RGBA{90, 100, 102, 255}, 0, 0, 0, 255},
		{"not neutral", color.RGBA{90, 100, 103, 255}, 152, 155, 165, 0},
		{"nothing at all", color.RGBA{}, 0, 0, 0, 0},
		{"a quarter of a black", color.NRGBA{0, 0, 0, 0x40}, 0x40, 0x40, 0x40, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := image.NewNRGBA(image.Rect(0, 0, 1, 1))
			m.Set(0, 0, tt.c)
			p := Separate(m)
			if p.Y[0] != tt.y || p.M[0] != tt.m || p.C[0] != tt.c2 || p.K[0] != tt.k {
				t.Errorf("Y %d M %d C %d K %d; want %d %d %d %d", p.Y[0], p.M[0], p.C[0], p.K[0], tt.y, tt.m, tt.c2, tt.k)
			}
		})
	}
}

// slow hides the type of a picture, so that it is read pixel by pixel.
type slow struct{ image.Image }

// Each fast way to read a picture must give what the slow one gives, also of a part
// of a picture that begins elsewhere.
func TestFastReadersReadTheSame(t *testing.T) {
	r := image.Rect(-3, 5, 40, 33)
	pictures := map[string]draw.Image{
		"RGBA": image.NewRGBA(r), "NRGBA": image.NewNRGBA(r), "grey": image.NewGray(r),
		"paletted": image.NewPaletted(r, color.Palette{color.Transparent, color.White, color.Black, color.RGBA{200, 10, 30, 255}, color.NRGBA{90, 90, 90, 128}}),
	}
	for name, m := range pictures {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				m.Set(x, y, color.NRGBA{byte(x * 11), byte(y * 13), byte(x * y), byte(255 - max(0, x-20)*9)})
			}
		}
		part := m.(interface {
			SubImage(image.Rectangle) image.Image
		}).SubImage(image.Rect(2, 7, 35, 30))
		for kind, m := range map[string]image.Image{"whole": m, "part": part} {
			t.Run(name+" "+kind, func(t *testing.T) {
				if fast, right := Separate(m), Separate(slow{m}); !fast.equal(right) {
					t.Error("read fast it is another picture")
				}
			})
		}
	}
}

func (p Planes) equal(o Planes) bool {
	return p.Width == o.Width && p.Height == o.Height && bytes.Equal(p.Y, o.Y) && bytes.Equal(p.M, o.M) && bytes.Equal(p.C, o.C) && bytes.Equal(p.K, o.K)
}

func TestPartOfASideKeepsItsResin(t *testing.T) {
	s := sideOf(80, 60)
	ink(s, 60, 50, 255)
	part := Separate(s.SubImage(image.Rect(50, 40, 70, 58)))
	if part.Width != 20 || part.Height != 18 || part.K[10*20+10] != 255 || bytes.Count(part.K, []byte{255}) != 1 {
		t.Error("the part has not the one pixel of resin")
	}
	c := s.Clone()
	ink(c, 5, 5, 255)
	if s.Resin.AlphaAt(5, 5).A != 0 || s.RGBAAt(5, 5) != (color.RGBA{255, 255, 255, 255}) {
		t.Error("a clone shares its pixels")
	}
	if !Separate(c.SubImage(image.Rect(50, 40, 70, 58))).equal(part) {
		t.Error("a clone is another picture")
	}
	if Look(s) != image.Image(s.RGBA) || Look(s.RGBA) != image.Image(s.RGBA) {
		t.Error("Look is not the picture")
	}
}

// numbered planes hold a number of their own in every pixel.
func numbered(width, height int) Planes {
	p := newPlanes(width, height)
	for i := range p.Y {
		p.Y[i], p.M[i], p.C[i], p.K[i] = byte(i), byte(i+50), byte(i+100), byte(i+150)
	}
	return p
}

func TestRotations(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {3, 2}, {2, 5}, {70, 33}, {33, 70}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			p := numbered(size[0], size[1])
			if !p.Rotate180().Rotate180().equal(p) {
				t.Error("twice upside down is another picture")
			}
			right := p.RotateRight()
			if right.Width != p.Height || right.Height != p.Width {
				t.Fatalf("a quarter turn gives %d × %d", right.Width, right.Height)
			}
			for l := range right.Height {
				for x := range right.Width {
					if got, want := right.M[l*right.Width+x], p.M[(p.Height-1-x)*p.Width+l]; got != want {
						t.Fatalf("line %d column %d is %d, want %d", l, x, got, want)
					}
				}
			}
			if !right.RotateRight().equal(p.Rotate180()) {
				t.Error("two quarter turns are not a half turn")
			}
			if !right.RotateRight().RotateRight().RotateRight().equal(p) {
				t.Error("four quarter turns are another picture")
			}
		})
	}
}

func TestFit(t *testing.T) {
	p := numbered(4, 3)
	clear(p.K)
	p.K[1*4+2] = 255
	for _, tt := range []struct {
		name          string
		width, height int
		edge          Edge
		y             []byte // the yellow plane's rows, one after the other
		k             int    // where the one pixel of resin is
	}{
		{"as it is", 4, 3, Bleed, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 6},
		{"wider, white", 7, 3, Blank, []byte{0, 0, 1, 2, 3, 0, 0, 0, 4, 5, 6, 7, 0, 0, 0, 8, 9, 10, 11, 0, 0}, 10},
		{"wider, bled", 7, 3, Bleed, []byte{0, 0, 1, 2, 3, 3, 3, 4, 4, 5, 6, 7, 7, 7, 8, 8, 9, 10, 11, 11, 11}, 10},
		{"higher, bled", 4, 5, Bleed, []byte{0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11}, 10},
		{"higher, white", 4, 5, Blank, []byte{0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 0, 0, 0}, 10},
		{"narrower", 2, 3, Bleed, []byte{1, 2, 5, 6, 9, 10}, 3},
		{"narrower by one: the left goes", 3, 3, Bleed, []byte{1, 2, 3, 5, 6, 7, 9, 10, 11}, 4},
		{"lower and wider", 6, 1, Bleed, []byte{4, 4, 5, 6, 7, 7}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := p.Fit(tt.width, tt.height, tt.edge)
			if err != nil {
				t.Fatal(err)
			}
			if out.Width != tt.width || out.Height != tt.height || !slices.Equal(out.Y, tt.y) {
				t.Errorf("%d × %d: %v\nwant %v", out.Width, out.Height, out.Y, tt.y)
			}
			if bytes.Count(out.K, []byte{255}) != 1 || out.K[tt.k] != 255 {
				t.Errorf("resin is in %v, want it at %d alone", out.K, tt.k)
			}
		})
	}
}

func TestFitCutsNoText(t *testing.T) {
	p := newPlanes(10, 10)
	p.K[5*10] = 255 // at the left edge
	_, err := p.Fit(8, 10, Bleed)
	const want = "cannot fit a side of 10 × 10 pixels on 8 × 10: text or a code would be cut off; use the printer's resolution, or a layout with a wider margin"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
	if _, err := p.Fit(0, 10, Blank); err == nil {
		t.Error("a raster of no width was taken")
	}
	if _, err := p.Fit(10, 4, Blank); err != nil {
		t.Errorf("white alone was not cut: %v", err)
	}
}

// The rasters of the printers that the fact sheet names, both sides of a card of
// 85.60 × 53.98 mm in them: proportions stay exact, and nothing is cut.
func TestFitTakesTheRastersOfPrinters(t *testing.T) {
	for _, tt := range []struct {
		name                    string
		card, raster, left, top int
		height, rasterHeight    int
	}{
		{"Evolis, 300 dpi", 1011, 1016, 2, 5, 638, 648},
		{"Magicard, 300 dpi", 1011, 1016, 2, 2, 638, 642},
		{"XID580, 300 dpi", 1011, 1036, 12, 13, 638, 664},
		{"XID8600, 600 dpi", 2022, 2072, 25, 26, 1275, 1328},
		{"XID8600's card, 600 dpi", 2022, 2026, 2, 1, 1275, 1278},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlanes(tt.card, tt.height)
			p.K[0], p.K[len(p.K)-1] = 255, 255 // the card's own corners
			out, err := p.Fit(tt.raster, tt.rasterHeight, Bleed)
			if err != nil {
				t.Fatal(err)
			}
			first, last := bytes.IndexByte(out.K, 255), bytes.LastIndexByte(out.K, 255)
			if x, y := first%out.Width, first/out.Width; x != tt.left || y != tt.top {
				t.Errorf("the card begins at %d, %d; want %d, %d", x, y, tt.left, tt.top)
			}
			if w, h := last%out.Width-first%out.Width+1, last/out.Width-first/out.Width+1; w != tt.card || h != tt.height {
				t.Errorf("the card is %d × %d in the raster, want %d × %d", w, h, tt.card, tt.height)
			}
		})
	}
}

func BenchmarkSeparate(b *testing.B) {
	for _, size := range []struct {
		name          string
		width, height int
	}{{"300dpi", 1011, 638}, {"600dpi", 2022, 1275}} {
		s := sideOf(size.width, size.height)
		for kind, m := range map[string]image.Image{"side": s, "rgba": s.RGBA} {
			b.Run(size.name+"/"+kind, func(b *testing.B) {
				b.SetBytes(int64(size.width * size.height))
				for b.Loop() {
					Separate(m)
				}
			})
		}
	}
}

func BenchmarkTurnAndFit(b *testing.B) {
	p := Separate(sideOf(1011, 638))
	b.Run("fit", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.Fit(1016, 648, Bleed); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("right", func(b *testing.B) {
		for b.Loop() {
			p.RotateRight()
		}
	})
	b.Run("half", func(b *testing.B) {
		for b.Loop() {
			p.Rotate180()
		}
	})
}
