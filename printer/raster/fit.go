package raster

import "fmt"

// Edge is what a printer's raster shows beyond the edge of the card as drawn.
type Edge int

// Blank leaves it white, for a raster whose margin never reaches the card. Bleed goes
// on with the outermost pixels' colour, so that a card that lies a little askew has no
// white rim; resin does not go on.
const (
	Blank Edge = iota
	Bleed
)

// Fit puts the side in the middle of a raster of another size at the same resolution:
// a card of 85.60 × 53.98 mm is 1011 × 638 pixels at 300 dpi, and printers want
// 1016 × 648, 1016 × 642 or 1036 × 664 (printers fact sheet, 1). Nothing is scaled.
// Of an odd number of pixels too many or too few the larger part is at the right and
// below. Where the raster is smaller the rest is cut off, which is refused when resin,
// text or a code, would go with it.
func (p Planes) Fit(width, height int, edge Edge) (Planes, error) {
	if width < 1 || height < 1 {
		return Planes{}, fmt.Errorf("cannot fit a side on %d × %d pixels: give the size of the printer's raster", width, height)
	}
	left, top := floorHalf(width-p.Width), floorHalf(height-p.Height)
	if p.inked(left, top, width, height) {
		return Planes{}, fmt.Errorf("cannot fit a side of %d × %d pixels on %d × %d: text or a code would be cut off; use the printer's resolution, or a layout with a wider margin",
			p.Width, p.Height, width, height)
	}
	out := newPlanes(width, height)
	for _, plane := range [][2][]byte{{p.Y, out.Y}, {p.M, out.M}, {p.C, out.C}} {
		p.place(plane[0], plane[1], left, top, out, edge)
	}
	p.place(p.K, out.K, left, top, out, Blank)
	return out, nil
}

// floorHalf is half of n, rounded down also below zero.
func floorHalf(n int) int { return n >> 1 }

// inked tells whether resin lies where the raster does not reach.
func (p Planes) inked(left, top, width, height int) bool {
	if left >= 0 && top >= 0 && left+p.Width <= width && top+p.Height <= height {
		return false
	}
	for i, k := range p.K {
		x, y := left+i%p.Width, top+i/p.Width
		if k != 0 && (x < 0 || y < 0 || x >= width || y >= height) {
			return true
		}
	}
	return false
}

// place copies one plane, row by row.
func (p Planes) place(from, to []byte, left, top int, out Planes, edge Edge) {
	if p.Width == 0 || p.Height == 0 {
		return
	}
	for y := range out.Height {
		row := y - top
		if edge == Blank && (row < 0 || row >= p.Height) {
			continue
		}
		row = min(max(row, 0), p.Height-1)
		line, source := to[y*out.Width:(y+1)*out.Width], from[row*p.Width:(row+1)*p.Width]
		first, last := max(left, 0), min(left+p.Width, out.Width)
		copy(line[first:last], source[max(-left, 0):])
		if edge == Bleed {
			fill(line[:first], source[0])
			fill(line[last:], source[p.Width-1])
		}
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
