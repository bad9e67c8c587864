package face

import "image"

// fineness is how many times finer than the 1-bit picture the strokes are
// looked at.
const fineness = 4

// strokeLength is how many pixels of a stroke in a row must be gone for it to
// count as lost. Below that lies the fine tip of a sweep (払い), which every
// raster loses.
const strokeLength = 4

// strokesLost counts the strokes of fine, the same picture drawn fineness
// times as large, that b does not show. A stroke is crossed by scan lines; the
// run of ink on one must find a black pixel in b among the pixels it passes
// through. Where it does not, the pixel at its middle is marked, and a chain
// of strokeLength marks is a lost stroke. Thin horizontals of Mincho lying
// across two pixel rows are what goes: 𠮷 without its upper stroke reads 吉.
func strokesLost(fine *image.Alpha, b bitmap) int {
	down, across := newBitmap(b.w, b.h), newBitmap(b.w, b.h)
	for x := range b.w * fineness {
		scan{x, fine.Stride, x / fineness, b.w, b.h}.mark(fine.Pix, b, down)
	}
	for y := range b.h * fineness {
		scan{y * fine.Stride, 1, y / fineness * b.w, 1, b.w}.mark(fine.Pix, b, across)
	}
	return chains(down) + chains(across)
}

// scan is a line across the fine picture, given as indexes: where it begins
// and how it goes on, there and in the 1-bit picture, of which it passes cells
// pixels.
type scan struct{ start, step, cell, cellStep, cells int }

// mark sets in lost the middle of every run of ink that b does not show.
func (s scan) mark(fine []byte, b, lost bitmap) {
	begin, shown := -1, false
	for i := range s.cells*fineness + 1 {
		if i < s.cells*fineness && fine[s.start+i*s.step] >= 0x80 {
			if begin < 0 {
				begin, shown = i, false
			}
			shown = shown || b.black[s.cell+i/fineness*s.cellStep]
			continue
		}
		if begin >= 0 && !shown {
			lost.black[s.cell+(begin+i-1)/2/fineness*s.cellStep] = true
		}
		begin = -1
	}
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
