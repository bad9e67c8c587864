package face

import (
	"image"
	"slices"
)

// fineness is how many times finer than the chip's 1-bit picture the strokes are
// looked at.
const fineness = 4

// strokeLength is how many pixels of a stroke in a row must be gone for it to
// count as lost. Below that lies the fine tip of a sweep (払い), which every
// raster loses.
const strokeLength = 4

// strokesLost counts the strokes of fine, the same picture drawn k times as
// large, that b does not show. A stroke is crossed by scan lines; the
// run of ink on one must find a black pixel in b among the pixels it passes
// through. Where it does not, the pixel at its middle is marked, and a chain
// of strokeLength marks is a lost stroke. Thin horizontals of Mincho lying
// across two pixel rows are what goes: 𠮷 without its upper stroke reads 吉.
func strokesLost(fine *image.Alpha, k int, b bitmap) int {
	return lostAlongRows(fine.Pix, k, b) + lostAlongRows(transposed(fine), k, b.transposed())
}

// lostAlongRows counts what scan lines along the rows find lost.
func lostAlongRows(fine []byte, k int, b bitmap) int {
	lost := newBitmap(b.w, b.h)
	for y := range b.h * k {
		cells := y / k * b.w
		markLost(fine[y*b.w*k:(y+1)*b.w*k], k, b.black[cells:cells+b.w], lost.black[cells:cells+b.w])
	}
	return chains(lost)
}

// markLost marks the middle of every run of ink that black does not show. A pixel of
// black is k of the fine row.
func markLost(fine []byte, k int, black, lost []bool) {
	for i := 0; i < len(fine); i++ {
		if fine[i] < 0x80 {
			continue
		}
		begin := i
		for i++; i < len(fine) && fine[i] >= 0x80; i++ {
			continue
		}
		if !slices.Contains(black[begin/k:(i-1)/k+1], true) {
			lost[(begin+i-1)/2/k] = true
		}
	}
}

// transposed exchanges rows and columns, so that scan lines down the picture lie in
// the memory one after the other.
func transposed(a *image.Alpha) []byte {
	w, h := a.Rect.Dx(), a.Rect.Dy()
	out := make([]byte, w*h)
	const tile = 32
	for y0 := 0; y0 < h; y0 += tile {
		for x0 := 0; x0 < w; x0 += tile {
			for y := y0; y < min(y0+tile, h); y++ {
				for x, v := range a.Pix[y*a.Stride+x0 : y*a.Stride+min(x0+tile, w)] {
					out[(x0+x)*h+y] = v
				}
			}
		}
	}
	return out
}

func (b bitmap) transposed() bitmap {
	out := newBitmap(b.h, b.w)
	for i, black := range b.black {
		out.black[i%b.w*b.h+i/b.w] = black
	}
	return out
}

// chains counts the connected groups of marks that reach strokeLength.
func chains(marks bitmap) int {
	n := 0
	for i, marked := range marks.black {
		if !marked {
			continue
		}
		if extent := erase(marks, image.Pt(i%marks.w, i/marks.w)); max(extent.Dx(), extent.Dy()) >= strokeLength {
			n++
		}
	}
	return n
}

// erase clears the group of marks at p and gives its extent.
func erase(marks bitmap, p image.Point) image.Rectangle {
	var extent image.Rectangle
	for stack := []image.Point{p}; len(stack) > 0; {
		p, stack = stack[len(stack)-1], stack[:len(stack)-1]
		if !marks.at(p.X, p.Y) {
			continue
		}
		marks.black[p.Y*marks.w+p.X] = false
		extent = extent.Union(image.Rect(p.X, p.Y, p.X+1, p.Y+1))
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				stack = append(stack, p.Add(image.Pt(dx, dy)))
			}
		}
	}
	return extent
}
