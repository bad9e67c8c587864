package face

import (
	"image"
	"image/color"
)

// portrait crops a photograph to the shape w × h and scales it to that many
// pixels of grey. Of the sides equal parts are cut; of the height, a third of
// the cut is taken above, where the head is.
func portrait(m image.Image, w, h int) *image.Gray {
	orientation := 1
	if o, ok := m.(oriented); ok {
		m, orientation = o.stored, o.orientation
	}
	g := turn(reduce(m, reduction(m.Bounds(), w, h)), orientation)
	return scaled(g, crop(g.Rect, w, h), w, h)
}

// crop is the largest part of r of the shape w × h.
func crop(r image.Rectangle, w, h int) image.Rectangle {
	if width := r.Dy() * w / h; width < r.Dx() {
		r.Min.X += (r.Dx() - width) / 2
		r.Max.X = r.Min.X + max(1, width)
		return r
	}
	height := max(1, r.Dx()*h/w)
	r.Min.Y += (r.Dy() - height) / 3
	r.Max.Y = r.Min.Y + height
	return r
}

// reduction is by how much a picture can be reduced and still have w × h
// pixels, whichever way it is turned.
func reduction(r image.Rectangle, w, h int) int {
	return max(1, min(min(r.Dx(), r.Dy())/min(w, h), max(r.Dx(), r.Dy())/max(w, h)))
}

// reduce averages squares of n × n pixels into one grey pixel; what is left
// over at the right and lower edges is dropped.
func reduce(m image.Image, n int) *image.Gray {
	b := m.Bounds()
	out := image.NewGray(image.Rect(0, 0, max(1, b.Dx()/n), max(1, b.Dy()/n)))
	read, row, sums := lumaOf(m), make([]byte, b.Dx()), make([]int, out.Rect.Dx())
	for y := range out.Rect.Dy() {
		clear(sums)
		for k := range n {
			read(b.Min.Y+y*n+k, row)
			for x := range sums {
				for _, v := range row[x*n : x*n+n] {
					sums[x] += int(v)
				}
			}
		}
		for x, sum := range sums {
			out.Pix[y*out.Stride+x] = byte((sum + n*n/2) / (n * n))
		}
	}
	return out
}

// lumaOf gives a reader of one row's luma, fast for what JPEG decodes to.
// Transparent parts show white.
func lumaOf(m image.Image) func(y int, row []byte) {
	x0 := m.Bounds().Min.X
	switch m := m.(type) {
	case *image.YCbCr:
		return func(y int, row []byte) { copy(row, m.Y[m.YOffset(x0, y):]) }
	case *image.Gray:
		return func(y int, row []byte) { copy(row, m.Pix[m.PixOffset(x0, y):]) }
	case *image.RGBA:
		return func(y int, row []byte) {
			for x := range row {
				row[x] = luma(m.RGBAAt(x0+x, y))
			}
		}
	}
	return func(y int, row []byte) {
		for x := range row {
			row[x] = luma(color.RGBAModel.Convert(m.At(x0+x, y)).(color.RGBA))
		}
	}
}

// luma weighs as JFIF does, over white.
func luma(c color.RGBA) byte {
	white := 255 - uint32(c.A)
	return byte((19595*(uint32(c.R)+white) + 38470*(uint32(c.G)+white) + 7471*(uint32(c.B)+white) + 1<<15) >> 16)
}

// turn shows a small grey picture upright.
func turn(g *image.Gray, orientation int) *image.Gray {
	if orientation == 1 {
		return g
	}
	o := oriented{g, orientation}
	out := image.NewGray(o.Bounds())
	for i := range out.Pix {
		x, y := source(i%out.Stride, i/out.Stride, g.Rect.Dx(), g.Rect.Dy(), orientation)
		out.Pix[i] = g.Pix[y*g.Stride+x]
	}
	return out
}
