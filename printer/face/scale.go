package face

import (
	"image"
	"math"
)

// scaled is the part r of a grey picture at w × h pixels, by the Catmull-Rom cubic in
// either direction (Keys 1981, a = -1/2), widened where the picture shrinks. One
// channel of our own takes a quarter of the time of x/image/draw's four, which was
// most of a card's drawing.
func scaled(g *image.Gray, r image.Rectangle, w, h int) *image.Gray {
	columns, rows := tapsOf(r.Dx(), w), tapsOf(r.Dy(), h)
	narrow := make([]float32, w*r.Dy())
	for y := range r.Dy() {
		from := g.Pix[g.PixOffset(r.Min.X, r.Min.Y+y):][:r.Dx()]
		to := narrow[y*w : (y+1)*w]
		for x, t := range columns {
			var sum float32
			for i, weight := range t.weights {
				sum += weight * float32(from[t.first+i])
			}
			to[x] = sum
		}
	}
	out := image.NewGray(image.Rect(0, 0, w, h))
	sums := make([]float32, w)
	for y, t := range rows {
		clear(sums)
		for i, weight := range t.weights {
			for x, v := range narrow[(t.first+i)*w : (t.first+i+1)*w] {
				sums[x] += weight * v
			}
		}
		row := out.Pix[y*out.Stride:]
		for x, v := range sums {
			row[x] = byte(min(max(v+0.5, 0), 255))
		}
	}
	return out
}

// taps are the pixels that make one of the scaled picture, and their weights, whose
// sum is 1.
type taps struct {
	first   int
	weights []float32
}

// tapsOf are those of n pixels scaled to m.
func tapsOf(n, m int) []taps {
	ratio := float64(n) / float64(m)
	wide := max(ratio, 1)
	out := make([]taps, m)
	for i := range out {
		centre := (float64(i)+0.5)*ratio - 0.5
		first, last := max(ceil64(centre-2*wide), 0), min(floor64(centre+2*wide), n-1)
		t := taps{first, make([]float32, last-first+1)}
		var sum float64
		for k := range t.weights {
			sum += catmullRom((float64(first+k) - centre) / wide)
		}
		for k := range t.weights {
			t.weights[k] = float32(catmullRom((float64(first+k)-centre)/wide) / sum)
		}
		out[i] = t
	}
	return out
}

func floor64(v float64) int { return int(math.Floor(v)) }
func ceil64(v float64) int  { return int(math.Ceil(v)) }

func catmullRom(x float64) float64 {
	switch x = math.Abs(x); {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((-0.5*x+2.5)*x-4)*x + 2
	}
	return 0
}
