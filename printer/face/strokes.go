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
		markLost(b, down, b.h, func(y int) (bool, image.Point) {
			return fine.Pix[y*fine.Stride+x] >= 0x80, image.Pt(x/fineness, y/fineness)
		})
	}
	for y := range b.h * fineness {
		markLost(b, across, b.w, func(x int) (bool, image.Point) {
			return fine.Pix[y*fine.Stride+x] >= 0x80, image.Pt(x/fineness, y/fineness)
		})
	}
	return chains(down) + chains(across)
}

// markLost walks one scan line of n pixels of b. at tells for a fine position
// whether there is ink, and the pixel of b it lies in.
func markLost(b, lost bitmap, n int, at func(int) (bool, image.Point)) {
	begin, shown := -1, false
	for i := range n*fineness + 1 {
		var ink bool
		var cell image.Point
		if i < n*fineness {
			ink, cell = at(i)
		}
		switch {
		case ink && begin < 0:
			begin, shown = i, b.at(cell.X, cell.Y)
		case ink:
			shown = shown || b.at(cell.X, cell.Y)
		case begin >= 0:
			if !shown {
				_, middle := at((begin + i - 1) / 2)
				lost.black[middle.Y*lost.w+middle.X] = true
			}
			begin = -1
		}
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
