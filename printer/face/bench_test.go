package face

import (
	"image"
	"testing"
)

// The photograph, 900 × 1157 pixels, is reduced in each run, as for each card.
func BenchmarkRender(b *testing.B) {
	f, d := fontsOf(b), sample()
	d.Remarks = []string{"令和８年１１月２３日　住所変更　見本県試験市架空町２－２－２", "令和８年１２月１日　氏名変更　髙橋　太郎"}
	for _, l := range []struct {
		name   string
		layout *Layout
	}{{"300dpi", DefaultLayout}, {"600dpi", DefaultLayout.At(600)}} {
		b.Run(l.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Render(l.layout, d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkChipImages(b *testing.B) {
	f, d := fontsOf(b), sample()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.ChipImages(d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	f, d := fontsOf(b), sample()
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Check("address", d.Address); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseFont(b *testing.B) {
	for b.Loop() {
		if _, err := parseShapes(DefaultFontPaths[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePhoto(b *testing.B) {
	file := jpegOf(b, portraitOf(900, 1157), 90)
	for b.Loop() {
		if _, err := DecodePhoto(file); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPortrait(b *testing.B) {
	var m image.Image = portraitOf(900, 1157)
	for b.Loop() {
		portrait(m, PhotoWidth, PhotoHeight)
	}
}

func BenchmarkCardPNG(b *testing.B) {
	d := sample()
	face, err := fontsOf(b).Render(DefaultLayout, d)
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for b.Loop() {
		if _, err := CardPNG(face.Front); err != nil {
			b.Fatal(err)
		}
	}
}
