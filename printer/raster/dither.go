package raster

import "fmt"

// Dither reduces a plane of rows of width bytes to so many levels, 2 to 256: the
// result holds level numbers, 0 none and levels-1 full. Printers want 2, 32, 64 or 128
// (printers fact sheet, 1.2 and 1.3: 1, 5, 6 and 7 bits).
//
// The error is diffused (Floyd and Steinberg 1976, every other row backwards) and not
// ordered. At 32 levels and more either one removes the steps in a face's skin; but a
// dye printer's head smooths dot and neighbour into one another, so that an ordered
// pattern adds nothing but its own grid, which the eye finds where a cheek is flat,
// while diffusion keeps the mean of every small place exactly. At 2 levels diffusion
// alone leaves a portrait recognisable at 300 dpi. Its cost is some milliseconds a
// plane.
//
// None and full are kept exactly and pass no error on: white stays clean of specks
// next to a photograph, text keeps its edge, and runs of white stay runs for printers
// that compress them. The same plane gives the same levels.
func Dither(plane []byte, width, levels int) ([]byte, error) {
	if levels < 2 || levels > 256 {
		return nil, fmt.Errorf("cannot print a plane in %d levels: want 2 to 256", levels)
	}
	if width < 1 || len(plane)%width != 0 {
		return nil, fmt.Errorf("cannot print a plane of %d bytes in rows of %d: give whole rows", len(plane), width)
	}
	d := newDiffusion(width, levels)
	out := make([]byte, len(plane))
	for at := 0; at < len(plane); at += width {
		d.row(plane[at:at+width], out[at:at+width])
	}
	return out, nil
}

// diffusion is the state between rows.
type diffusion struct {
	here, below []int32 // error in sixteenths for this row and the next; one cell more at either end
	level       [256]byte
	value       [256]int32 // of a level, as a byte
	backwards   bool
}

func newDiffusion(width, levels int) *diffusion {
	d := &diffusion{here: make([]int32, width+2), below: make([]int32, width+2)}
	for v := range d.level {
		d.level[v] = byte((v*(levels-1) + 127) / 255)
	}
	for l := range levels {
		d.value[l] = int32((l*255 + (levels-1)/2) / (levels - 1))
	}
	return d
}

func (d *diffusion) row(from, to []byte) {
	x, step := 0, 1
	if d.backwards {
		x, step = len(from)-1, -1
	}
	clear(d.below)
	for range from {
		v := from[x]
		want := int32(v)
		if v != 0 && v != 255 {
			want = min(max(want+(d.here[x+1]+8)>>4, 0), 255)
		}
		l := d.level[want]
		to[x] = l
		if v != 0 && v != 255 {
			d.spread(x+1, step, want-d.value[l])
		}
		x += step
	}
	d.here, d.below, d.backwards = d.below, d.here, !d.backwards
}

// spread gives an error to the four neighbours that are still to come.
func (d *diffusion) spread(cell, step int, e int32) {
	d.here[cell+step] += 7 * e
	d.below[cell-step] += 3 * e
	d.below[cell] += 5 * e
	d.below[cell+step] += e
}
