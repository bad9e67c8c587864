// Package raster turns a side of a card into what a ribbon prints: planes of yellow,
// magenta, cyan and the black resin, at the size and in the levels of a printer.
//
// # Order of work
//
// [Separate] first, for only the side itself knows which ink is text; then
// [Planes.Fit] for a raster that is larger or smaller than the card, [Planes.Rotate180]
// or [Planes.RotateRight] for the way the card goes in, and [Dither] for each colour
// of a printer with fewer than 256 levels. Nothing here scales: a stroke keeps the
// pixels on which it was drawn and checked.
//
// # What is left out
//
// Packing of bits, order of lines and of planes are each printer's own. The package
// reads no file and knows no font.
package raster

import (
	"image"
	"slices"
)

// Planes are one side. Each plane is Width*Height bytes, row by row from the top left;
// a byte is how much of the colour, 0 none and 255 full. K holds 0 and 255 alone: resin
// has no half tones.
type Planes struct {
	Width, Height int
	Y, M, C, K    []byte
}

// InkThreshold is the luma below which neutral ink is text. A lower one breaks the thin
// strokes of six point Mincho at 300 dpi, and a name would be another (printers fact
// sheet, 3: 0x70 loses a stroke of 𠮷, 0xB0 keeps it). Who draws text for a [Side] sees
// to it that all its strokes are darker.
const InkThreshold = 0xB0

// neutral is how far apart the three colours of a grey may lie.
const neutral = 12

// Separate splits a side into planes. Of a [*Side] its resin alone is printed in
// resin, whatever the colours say: a dark photograph never is. Of any other picture
// what is neutral and as dark as text is, which is right for art without half tones.
// Everything else goes to yellow, magenta and cyan; transparent parts are white.
func Separate(side image.Image) Planes {
	b := side.Bounds()
	p := newPlanes(b.Dx(), b.Dy())
	if s, ok := side.(*Side); ok {
		p.separateSide(s)
		return p
	}
	read, row := rowsOf(side), make([]byte, 3*p.Width)
	for y := range p.Height {
		read(b.Min.Y+y, row)
		p.byColour(y*p.Width, row)
	}
	return p
}

// Inked is whether anything of the side is printed at all.
func (p Planes) Inked() bool { return Inked(p.K) || Inked(p.Y) || Inked(p.M) || Inked(p.C) }

// Inked is whether a plane has any ink.
func Inked(plane []byte) bool {
	return slices.ContainsFunc(plane, func(b byte) bool { return b != 0 })
}

func newPlanes(width, height int) Planes {
	n := width * height
	all := make([]byte, 4*n)
	return Planes{width, height, all[:n:n], all[n : 2*n : 2*n], all[2*n : 3*n : 3*n], all[3*n:]}
}

// byColour separates a row of r, g, b by the colours alone; i is its first pixel.
func (p Planes) byColour(i int, row []byte) {
	y, m, c, k := p.Y[i:i+p.Width], p.M[i:i+p.Width], p.C[i:i+p.Width], p.K[i:i+p.Width]
	for x := range y {
		r, g, b := row[3*x], row[3*x+1], row[3*x+2]
		if r&g&b == 255 { // white, most of a card
			continue
		}
		if max(r, g, b)-min(r, g, b) <= neutral && luma(r, g, b) < InkThreshold {
			k[x] = 255
			continue
		}
		c[x], m[x], y[x] = 255-r, 255-g, 255-b
	}
}

// separateSide takes resin from the side's own plane of it. Where ink is too thin for
// resin, the faint edge of a stroke, the colour of the ground is printed and not a
// grey: dye would blur the stroke.
func (p Planes) separateSide(s *Side) {
	for y := range p.Height {
		i := y * p.Width
		pix := s.Pix[s.PixOffset(s.Rect.Min.X, s.Rect.Min.Y+y):]
		ink := s.Resin.Pix[s.Resin.PixOffset(s.Rect.Min.X, s.Rect.Min.Y+y):]
		yy, mm, cc, kk := p.Y[i:i+p.Width], p.M[i:i+p.Width], p.C[i:i+p.Width], p.K[i:i+p.Width]
		pix, ink = pix[:4*p.Width], ink[:p.Width]
		for x, a := range ink {
			if a > 255-InkThreshold {
				kk[x] = 255
				continue
			}
			r, g, b := pix[4*x], pix[4*x+1], pix[4*x+2]
			if a > 0 {
				r, g, b = under(r, a), under(g, a), under(b, a)
			}
			cc[x], mm[x], yy[x] = 255-r, 255-g, 255-b
		}
	}
}

// under is the colour beneath black ink of a coverage a < 255.
func under(c, a byte) byte { return byte(min(255, (int(c)*255+int(255-a)/2)/int(255-a))) }

// luma is the brightness of a colour (ITU-R BT.601).
func luma(r, g, b byte) int { return (299*int(r) + 587*int(g) + 114*int(b)) / 1000 }

// each applies f to the four planes of p and of out.
func (p Planes) each(out Planes, f func(from, to []byte)) Planes {
	f(p.Y, out.Y)
	f(p.M, out.M)
	f(p.C, out.C)
	f(p.K, out.K)
	return out
}

// Rotate180 turns the planes upside down: some printers take the card by its other end.
func (p Planes) Rotate180() Planes {
	return p.each(newPlanes(p.Width, p.Height), func(from, to []byte) {
		copy(to, from)
		slices.Reverse(to)
	})
}

// tile is the side of the squares in which a quarter turn is done, so that both the
// rows read and the rows written stay in the cache.
const tile = 32

// RotateRight turns landscape art a quarter clockwise, into the portrait lines of a
// printer that takes the card by its short end: column x of line l is pixel l of row
// Height-1-x.
func (p Planes) RotateRight() Planes {
	return p.each(newPlanes(p.Height, p.Width), func(from, to []byte) {
		for y0 := 0; y0 < p.Height; y0 += tile {
			for x0 := 0; x0 < p.Width; x0 += tile {
				p.turnTile(from, to, x0, y0)
			}
		}
	})
}

func (p Planes) turnTile(from, to []byte, x0, y0 int) {
	x1, y1 := min(x0+tile, p.Width), min(y0+tile, p.Height)
	for y := y0; y < y1; y++ {
		for x, v := range from[y*p.Width+x0 : y*p.Width+x1] {
			to[(x0+x)*p.Height+p.Height-1-y] = v
		}
	}
}
