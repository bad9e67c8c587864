package face

import (
	"image"

	"jukicard/printer/raster"
)

// fineDPI is the resolution at which the strokes of printed text are looked at: at
// 300 dpi four times as fine as the plane, at 600 twice.
const fineDPI = 1200

// prove reads a text again from the side's resin, as [raster.Separate] will see it:
// every stroke of its outlines must be there in black. Where one is not, paler edges
// of this text are made black, up to the last of thresholds; then it is refused.
func (c *canvas) prove(field string, b block, m room) error {
	r := b.extent(m)
	if r.Empty() {
		return nil
	}
	k := max(2, fineDPI/c.layout.DPI)
	fine := m.coverIn(r, b, k)
	for _, luma := range thresholds {
		if bits := resin(c.out, r, luma); strokesLost(fine, k, bits) == 0 {
			thicken(c.out.Resin, r, luma)
			return nil
		}
	}
	return &StrokeError{field}
}

// resin is the black of a side in a rectangle at a threshold of luma.
func resin(s *raster.Side, r image.Rectangle, luma byte) bitmap {
	return threshold(s.Resin.SubImage(r).(*image.Alpha), luma)
}

// thicken makes black what a threshold above that of the planes would.
func thicken(ink *image.Alpha, r image.Rectangle, luma byte) {
	if luma <= raster.InkThreshold {
		return
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := ink.Pix[ink.PixOffset(r.Min.X, y):][:r.Dx()]
		for x, a := range row {
			if a > 255-luma {
				row[x] = max(a, 255-raster.InkThreshold+1)
			}
		}
	}
}
