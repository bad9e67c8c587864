package raster

import (
	"image"
	"image/color"
)

// rowsOf gives a reader of one row as r, g, b over white. The pictures that drawing
// and decoding yield are read without an interface call a pixel.
func rowsOf(m image.Image) func(y int, row []byte) {
	x0 := m.Bounds().Min.X
	switch m := m.(type) {
	case *image.RGBA:
		return func(y int, row []byte) { premultiplied(m.Pix[m.PixOffset(x0, y):], row) }
	case *image.NRGBA:
		return func(y int, row []byte) { straight(m.Pix[m.PixOffset(x0, y):], row) }
	case *image.Gray:
		return func(y int, row []byte) { grey(m.Pix[m.PixOffset(x0, y):], row) }
	case *image.Paletted:
		colours := table(m.Palette)
		return func(y int, row []byte) { indexed(m.Pix[m.PixOffset(x0, y):], colours, row) }
	}
	return func(y int, row []byte) {
		for x := range len(row) / 3 {
			c := overWhite(m.At(x0+x, y))
			copy(row[3*x:], c[:])
		}
	}
}

func premultiplied(pix, row []byte) {
	for x := range len(row) / 3 {
		p := pix[4*x : 4*x+4 : 4*x+4]
		white := 255 - p[3]
		row[3*x], row[3*x+1], row[3*x+2] = p[0]+white, p[1]+white, p[2]+white
	}
}

func straight(pix, row []byte) {
	for x := range len(row) / 3 {
		p := pix[4*x : 4*x+4 : 4*x+4]
		if p[3] == 255 {
			row[3*x], row[3*x+1], row[3*x+2] = p[0], p[1], p[2]
			continue
		}
		c := overWhite(color.NRGBA{p[0], p[1], p[2], p[3]})
		copy(row[3*x:], c[:])
	}
}

func grey(pix, row []byte) {
	for x := range len(row) / 3 {
		row[3*x], row[3*x+1], row[3*x+2] = pix[x], pix[x], pix[x]
	}
}

func indexed(pix []byte, colours *[256][3]byte, row []byte) {
	for x := range len(row) / 3 {
		copy(row[3*x:], colours[pix[x]][:])
	}
}

func table(p color.Palette) *[256][3]byte {
	var t [256][3]byte
	for i := range min(len(p), len(t)) {
		t[i] = overWhite(p[i])
	}
	return &t
}

// overWhite is a colour as it shows on a white card.
func overWhite(c color.Color) [3]byte {
	r, g, b, a := c.RGBA()
	white := 0xFFFF - a
	return [3]byte{byte((r + white) >> 8), byte((g + white) >> 8), byte((b + white) >> 8)}
}
