package face

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"sync"
	"testing"
)

// testFonts parses IPAmj Mincho once for all tests.
var testFonts = sync.OnceValues(func() (*Fonts, error) { return LoadFonts() })

func fontsOf(t testing.TB) *Fonts {
	t.Helper()
	f, err := testFonts()
	if err != nil {
		t.Fatalf("%v (package fonts-ipamj-mincho)", err)
	}
	return f
}

// testPhoto is the photograph of every sample; no test draws on it.
var testPhoto = sync.OnceValue(func() image.Image { return portraitOf(900, 1157) })

// sample is a plainly invented person.
func sample() Data {
	return Data{
		Name: "山田　太郎", Address: "見本県試験市架空町一丁目２番３－４０５号　見本ハイツ",
		BirthText: "平成元年３月３１日", SexText: "男",
		MyNumber: "123456789018", SecurityCode: "1234", CardID: "0123456789ABCDEF",
		ExpiryText: "２０３６年３月３１日まで有効", CertExpiryText: "２０３１年３月３１日",
		Mayor: "見本県試験市長", Photo: testPhoto(),
	}
}

// portraitOf draws a head and shoulders with a little noise, so that it
// compresses as photographs do.
func portraitOf(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	seed := uint32(1)
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w)-0.5, float64(y)/float64(h)
			seed = seed*1664525 + 1013904223
			noise := float64(seed>>24)/255*10 - 5
			m.SetRGBA(x, y, shade(u, v, noise))
		}
	}
	return m
}

func shade(u, v, noise float64) color.RGBA {
	in := func(cx, cy, rx, ry float64) bool { return math.Hypot((u-cx)/rx, (v-cy)/ry) < 1 }
	light := 1 - u*0.35
	c := [3]float64{205, 216, 228}
	switch {
	case in(-0.09, 0.44, 0.025, 0.014), in(0.09, 0.44, 0.025, 0.014):
		c = [3]float64{40, 30, 28}
	case in(0, 0.60, 0.06, 0.012):
		c = [3]float64{150, 70, 66}
	case in(0, 0.47, 0.19, 0.23) && v > 0.33:
		c = [3]float64{232, 190, 160}
	case in(0, 0.41, 0.22, 0.24):
		c = [3]float64{48, 40, 38}
	case in(0, 0.72, 0.08, 0.13):
		c = [3]float64{214, 170, 142}
	case in(0, 1.02, 0.42, 0.25):
		c = [3]float64{52, 66, 98}
	}
	at := func(i int) uint8 { return uint8(max(0, min(255, c[i]*light+noise))) }
	return color.RGBA{at(0), at(1), at(2), 255}
}

func jpegOf(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
