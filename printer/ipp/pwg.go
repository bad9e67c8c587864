package ipp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"io"
)

// Color is how a PWG raster's pixels are made.
type Color int

// Gray is one byte a pixel (sGray), RGB three (sRGB), Black one bit, 1 for ink.
const (
	Gray Color = iota
	RGB
	Black
)

// Raster says how pages become a PWG raster (PWG 5102.4-2012).
type Raster struct {
	DPI   int
	Color Color
	Media string // name of PWG 5101.1, for the printer to choose paper by; may be empty
}

// Offsets in the page header (PWG 5102.4-2012, table 4). Fields that are not here are
// zero: the printer's choice, or one that this package does not make.
const (
	headerSize = 1796

	offsetSignature  = 0
	offsetResolution = 276 // two
	offsetPageSize   = 352 // two, in points
	offsetWidth      = 372
	offsetHeight     = 376
	offsetBitsColor  = 384
	offsetBitsPixel  = 388
	offsetLineBytes  = 392
	offsetColorSpace = 400
	offsetColors     = 420
	offsetPages      = 452
	offsetCrossFeed  = 456
	offsetFeed       = 460
	offsetMediaName  = 1732
	mediaNameMax     = 63 // and NUL

	sync      = "RaS2"
	signature = "PwgRaster"
)

// layouts are the numbers of each Color (PWG 5102.4-2012, tables 4 and 10).
var layouts = map[Color]struct {
	space, bitsColor, bitsPixel, colors uint32
	unit                                int // bytes that are run-length encoded together
}{
	Gray:  {18, 8, 8, 1, 1},
	RGB:   {19, 8, 24, 3, 3},
	Black: {3, 1, 1, 1, 1},
}

// PixelsMax bounds a page's side: the size of A0 at 1200 dpi (ours).
const PixelsMax = 60000

// Encode writes pages as one document. In Gray and RGB what is transparent is paper; in
// Black ink is where the luminance is below B0 (printers fact sheet, 3).
func (r Raster) Encode(w io.Writer, pages ...image.Image) error {
	layout, ok := layouts[r.Color]
	switch {
	case !ok:
		return fmt.Errorf("cannot write a raster: color is %d: give Gray, RGB or Black", int(r.Color))
	case r.DPI < 1 || r.DPI > 4800:
		return fmt.Errorf("cannot write a raster: dpi is %d: give what the printer prints, 1 to 4800", r.DPI)
	case len(r.Media) > mediaNameMax:
		return fmt.Errorf("cannot write a raster: the medium's name has %d bytes: give at most %d", len(r.Media), mediaNameMax)
	case len(pages) == 0:
		return fmt.Errorf("cannot write a raster: there is no page")
	}
	if _, err := io.WriteString(w, sync); err != nil {
		return err
	}
	for i, page := range pages {
		size := page.Bounds().Size()
		if size.X < 1 || size.Y < 1 || size.X > PixelsMax || size.Y > PixelsMax {
			return fmt.Errorf("cannot write a raster: page %d has %d by %d pixels: give 1 to %d each", i+1, size.X, size.Y, PixelsMax)
		}
		if _, err := w.Write(r.header(size, len(pages))); err != nil {
			return err
		}
		if err := r.lines(w, page, layout.unit); err != nil {
			return err
		}
	}
	return nil
}

// header is one page's.
func (r Raster) header(size image.Point, pages int) []byte {
	h := make([]byte, headerSize)
	layout := layouts[r.Color]
	copy(h[offsetSignature:], signature)
	copy(h[offsetMediaName:], r.Media)
	for at, v := range map[int]uint32{
		offsetResolution: uint32(r.DPI), offsetResolution + 4: uint32(r.DPI),
		offsetPageSize: points(size.X, r.DPI), offsetPageSize + 4: points(size.Y, r.DPI),
		offsetWidth: uint32(size.X), offsetHeight: uint32(size.Y),
		offsetBitsColor: layout.bitsColor, offsetBitsPixel: layout.bitsPixel,
		offsetLineBytes: uint32(lineBytes(size.X, r.Color)), offsetColorSpace: layout.space, offsetColors: layout.colors,
		offsetPages: uint32(pages), offsetCrossFeed: 1, offsetFeed: 1,
	} {
		binary.BigEndian.PutUint32(h[at:], v)
	}
	return h
}

// points is a length in 1/72 inch, rounded.
func points(pixels, dpi int) uint32 { return uint32((pixels*72 + dpi/2) / dpi) }

func lineBytes(width int, c Color) int { return (width*int(layouts[c].bitsPixel) + 7) / 8 }

// lines writes a page's picture: each line once, with how often it is repeated (PWG
// 5102.4-2012, 4.3).
func (r Raster) lines(w io.Writer, page image.Image, unit int) error {
	b := page.Bounds()
	line := make([]byte, lineBytes(b.Dx(), r.Color))
	last := make([]byte, len(line))
	var out []byte
	repeats := 0
	for y := b.Min.Y; y <= b.Max.Y; y++ {
		if y < b.Max.Y {
			r.line(line, page, y)
		}
		if y > b.Min.Y && y < b.Max.Y && repeats < 256 && bytes.Equal(line, last) {
			repeats++
			continue
		}
		if repeats > 0 {
			out = pack(append(out[:0], byte(repeats-1)), last, unit)
			if _, err := w.Write(out); err != nil {
				return err
			}
		}
		line, last, repeats = last, line, 1
	}
	return nil
}

// line makes one line of pixels.
func (r Raster) line(p []byte, page image.Image, y int) {
	b := page.Bounds()
	clear(p)
	for x := range b.Dx() {
		red, green, blue := onPaper(page.At(b.Min.X+x, y))
		switch r.Color {
		case RGB:
			p[3*x], p[3*x+1], p[3*x+2] = red, green, blue
		case Gray:
			p[x] = luminance(red, green, blue)
		default:
			if luminance(red, green, blue) < blackBelow {
				p[x/8] |= 0x80 >> (x % 8)
			}
		}
	}
}

const blackBelow = 0xB0

// onPaper is a color over white.
func onPaper(c color.Color) (r, g, b byte) {
	red, green, blue, alpha := c.RGBA()
	white := 0xFFFF - alpha
	return byte((red + white) >> 8), byte((green + white) >> 8), byte((blue + white) >> 8)
}

// luminance is that of color.GrayModel.
func luminance(r, g, b byte) byte {
	return color.GrayModel.Convert(color.RGBA{R: r, G: g, B: b, A: 0xFF}).(color.Gray).Y
}

// pack appends a line, run-length encoded by units: n-1 and one unit stand for n alike,
// 257-n and n units for n that differ (PWG 5102.4-2012, 4.3).
func pack(out, line []byte, unit int) []byte {
	const runMax = 128
	at := func(i int) []byte { return line[i*unit : (i+1)*unit] }
	count := len(line) / unit
	for i := 0; i < count; {
		n := 1
		for i+n < count && n < runMax && bytes.Equal(at(i), at(i+n)) {
			n++
		}
		if n == 1 {
			for i+n < count && n < runMax && (i+n+1 == count || !bytes.Equal(at(i+n), at(i+n+1))) {
				n++
			}
			if n > 1 {
				out = append(append(out, byte(257-n)), line[i*unit:(i+n)*unit]...)
				i += n
				continue
			}
		}
		out = append(append(out, byte(n-1)), at(i)...)
		i += n
	}
	return out
}
