package raster

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"testing"
)

func mustDither(t testing.TB, plane []byte, width, levels int) []byte {
	t.Helper()
	out, err := Dither(plane, width, levels)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// levelsOfPrinters are those that the fact sheet names, and all.
var levelsOfPrinters = []int{2, 32, 64, 128, 256}

func TestDitherKeepsTheMean(t *testing.T) {
	const side = 96
	for _, levels := range levelsOfPrinters {
		for _, v := range []byte{1, 9, 64, 127, 128, 200, 254} {
			t.Run(fmt.Sprintf("%d levels of %d", levels, v), func(t *testing.T) {
				out := mustDither(t, bytes.Repeat([]byte{v}, side*side), side, levels)
				sum := 0
				for _, l := range out {
					if int(l) >= levels {
						t.Fatalf("level %d of %d", l, levels)
					}
					sum += int(l)
				}
				mean := float64(sum) * 255 / float64(levels-1) / side / side
				if math.Abs(mean-float64(v)) > 1.5 {
					t.Errorf("the mean is %.2f", mean)
				}
			})
		}
	}
}

// No pixel is more than a step away from what it should be, once there are enough
// steps for the eye to see a tone and not dots.
func TestDitherStaysNear(t *testing.T) {
	ramp := make([]byte, 256*40)
	for i := range ramp {
		ramp[i] = byte(i % 256)
	}
	for _, levels := range levelsOfPrinters[1:] {
		step := 255 / float64(levels-1)
		for i, l := range mustDither(t, ramp, 256, levels) {
			if d := math.Abs(float64(l)*step - float64(ramp[i])); d > 1.6*step {
				t.Fatalf("%d levels: %d became level %d, %.1f away", levels, ramp[i], l, d)
			}
		}
	}
}

func TestDitherOfAllLevelsChangesNothing(t *testing.T) {
	plane := numbered(40, 30).Y
	if !bytes.Equal(mustDither(t, plane, 40, 256), plane) {
		t.Error("256 levels are another plane")
	}
}

// Text and white beside a photograph: neither may get or lose a dot.
func TestDitherKeepsNoneAndFullClean(t *testing.T) {
	const w, h = 60, 40
	plane := make([]byte, w*h)
	for i := range plane {
		switch x := i % w; {
		case x < 20:
			plane[i] = 0
		case x < 40:
			plane[i] = byte(40 + (i*37)%170)
		default:
			plane[i] = 255
		}
	}
	for _, levels := range levelsOfPrinters {
		for i, l := range mustDither(t, plane, w, levels) {
			if x := i % w; x < 20 && l != 0 || x >= 40 && int(l) != levels-1 {
				t.Fatalf("%d levels: pixel %d, %d is level %d", levels, x, i/w, l)
			}
		}
	}
}

// Two levels leave a portrait's tones in place: averaged over squares it is the plane.
func TestTwoLevelsKeepThePicture(t *testing.T) {
	const w, h, square = 96, 96, 8
	plane := make([]byte, w*h)
	for i := range plane {
		x, y := float64(i%w)/w, float64(i/w)/h
		plane[i] = byte(30 + 190*math.Abs(math.Sin(3*x)*math.Cos(2*y)))
	}
	out := mustDither(t, plane, w, 2)
	for y := 0; y < h; y += square {
		for x := 0; x < w; x += square {
			was, is := 0, 0
			for k := range square * square {
				at := (y+k/square)*w + x + k%square
				was += int(plane[at])
				is += 255 * int(out[at])
			}
			if d := (was - is) / square / square; d < -20 || d > 20 {
				t.Fatalf("the square at %d, %d is %d levels of 255 off", x, y, d)
			}
		}
	}
}

func TestDitherRefuses(t *testing.T) {
	for _, tt := range []struct {
		name                string
		bytes, width, level int
	}{
		{"one level", 4, 2, 1}, {"no levels", 4, 2, 0}, {"more levels than a byte has", 4, 2, 257},
		{"no width", 4, 0, 2}, {"half a row", 5, 2, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if out, err := Dither(make([]byte, tt.bytes), tt.width, tt.level); err == nil || out != nil {
				t.Errorf("%v, %v", out, err)
			}
		})
	}
}

func TestDitherIsTheSameTwice(t *testing.T) {
	p := Separate(sideOf(200, 100))
	if !bytes.Equal(mustDither(t, p.C, 200, 64), mustDither(t, p.C, 200, 64)) {
		t.Error("the same plane gave other levels")
	}
}

func BenchmarkDither(b *testing.B) {
	s := NewSide(image.Rect(0, 0, 1011, 638))
	for i := range s.Pix {
		s.Pix[i] = byte(i * 31)
	}
	s.Set(0, 0, color.White)
	p := Separate(s)
	for _, levels := range []int{2, 64} {
		b.Run(fmt.Sprint(levels), func(b *testing.B) {
			b.SetBytes(int64(len(p.C)))
			for b.Loop() {
				mustDither(b, p.C, p.Width, levels)
			}
		})
	}
}
