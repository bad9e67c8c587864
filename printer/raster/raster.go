// Package raster turns a side of a card into the planes that a ribbon prints: yellow,
// magenta, cyan and the black resin.
package raster

import (
	"image"
)

// Planes are one side. Each plane is Width*Height bytes, row by row from the top left;
// a byte is how much of the colour, 0 none and 255 full. K holds 0 and 255 alone: resin
// has no half tones.
type Planes struct {
	Width, Height int
	Y, M, C, K    []byte
}

// Separate splits a side into planes. What is neutral and as dark as text is printed in
// resin alone, which is sharp; everything else in yellow, magenta and cyan.
func Separate(side image.Image) Planes {
	b := side.Bounds()
	p := newPlanes(b.Dx(), b.Dy())
	i := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := side.At(x, y).RGBA()
			p.set(i, byte(r>>8), byte(g>>8), byte(bl>>8))
			i++
		}
	}
	return p
}

func newPlanes(width, height int) Planes {
	n := width * height
	all := make([]byte, 4*n)
	return Planes{width, height, all[:n:n], all[n : 2*n : 2*n], all[2*n : 3*n : 3*n], all[3*n:]}
}

// threshold is the luma below which neutral ink is text. A lower one breaks the thin
// strokes of six point Mincho at 300 dpi, and a name would be another (measured: 0x70
// loses a stroke of 𠮷, 0xB0 keeps all).
const threshold = 0xB0

// neutral is how far apart the three colours of a grey may lie.
const neutral = 12

func (p Planes) set(i int, r, g, b byte) {
	if max(r, g, b)-min(r, g, b) <= neutral && luma(r, g, b) < threshold {
		p.K[i] = 255
		return
	}
	p.C[i], p.M[i], p.Y[i] = 255-r, 255-g, 255-b
}

// luma is the brightness of a colour (ITU-R BT.601).
func luma(r, g, b byte) int { return (299*int(r) + 587*int(g) + 114*int(b)) / 1000 }

// Rotate180 turns the planes upside down: some printers take the card by its other end.
func (p Planes) Rotate180() Planes {
	out := newPlanes(p.Width, p.Height)
	last := p.Width*p.Height - 1
	for i := range p.K {
		out.Y[last-i], out.M[last-i], out.C[last-i], out.K[last-i] = p.Y[i], p.M[i], p.C[i], p.K[i]
	}
	return out
}

// RotateRight turns landscape art a quarter clockwise, into the portrait lines of a
// printer that takes the card by its short end: column x of line l is pixel l of row
// Height-1-x.
func (p Planes) RotateRight() Planes {
	out := newPlanes(p.Height, p.Width)
	for y := range p.Height {
		for x := range p.Width {
			from, to := y*p.Width+x, x*out.Width+(p.Height-1-y)
			out.Y[to], out.M[to], out.C[to], out.K[to] = p.Y[from], p.M[from], p.C[from], p.K[from]
		}
	}
	return out
}
