package face

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

// bitmap is a 1-bit image: true is black.
type bitmap struct {
	w, h  int
	black []bool
}

func newBitmap(w, h int) bitmap { return bitmap{w, h, make([]bool, w*h)} }

func (b bitmap) at(x, y int) bool {
	return x >= 0 && y >= 0 && x < b.w && y < b.h && b.black[y*b.w+x]
}

// threshold makes black what is darker than luma. cover is ink: 255 is full.
func threshold(cover *image.Alpha, luma byte) bitmap {
	b := newBitmap(cover.Rect.Dx(), cover.Rect.Dy())
	for y := range b.h {
		row := cover.Pix[y*cover.Stride:]
		for x := range b.w {
			b.black[y*b.w+x] = 255-row[x] < luma
		}
	}
	return b
}

// png writes a PNG of bit depth 1 with the palette white, black (PNG third
// edition, 11.2.1: colour type 3). The colour type of real cards' images is
// not public; depth 1 is.
func (b bitmap) png() ([]byte, error) {
	m := image.NewPaletted(image.Rect(0, 0, b.w, b.h), color.Palette{color.Gray{255}, color.Gray{0}})
	for i, black := range b.black {
		if black {
			m.Pix[i] = 1
		}
	}
	var out bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(&out, m); err != nil {
		return nil, fmt.Errorf("cannot encode a 1-bit PNG: %w", err)
	}
	return out.Bytes(), nil
}
