package press

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"
	"slices"
)

// Planes are one side's ink by panel, as Load took them: 'Y', 'M', 'C', 'K' and the like.
type Planes map[byte][]byte

// Side is what one side of a card took.
type Side struct {
	Ink Planes // by panel; of a panel that was stopped, its whole rows
	// Strokes counts how often ink was put on this side: a panel of a ribbon each, a
	// transfer of film once. Twice the same panel, or a second transfer, is a reprint.
	Strokes map[byte]int
	Half    bool // some stroke was stopped half way
}

// Film as a key of Side.Strokes is a transfer of film.
const Film byte = '='

// Card is a blank that went into the hopper, and what became of it.
type Card struct {
	Number int // from 1, as they are fed
	Chip   any // what Config.Chip made
	Sides  [2]Side
	size   image.Point
}

// Blank is whether no ink ever touched the card.
func (c *Card) Blank() bool { return len(c.Sides[0].Strokes)+len(c.Sides[1].Strokes) == 0 }

// Half is whether some stroke on the card was stopped half way.
func (c *Card) Half() bool { return c.Sides[0].Half || c.Sides[1].Half }

// Twice is whether any panel or film was put on the same side twice.
func (c *Card) Twice() bool {
	for _, s := range c.Sides {
		for _, n := range s.Strokes {
			if n > 1 {
				return true
			}
		}
	}
	return false
}

// Has is whether a side has exactly these planes, whole. A plane without any ink is the
// same as none.
func (c *Card) Has(side int, want Planes) bool {
	got := c.Sides[side]
	if got.Half {
		return false
	}
	for _, panel := range slices.Concat(keys(got.Ink), keys(want)) {
		if panel != 'O' && !same(got.Ink[panel], want[panel]) {
			return false
		}
	}
	return true
}

func keys(p Planes) []byte {
	var all []byte
	for k := range p {
		all = append(all, k)
	}
	return all
}

func same(a, b []byte) bool {
	if len(a) == len(b) {
		return bytes.Equal(a, b)
	}
	return !inked(a) && !inked(b) && len(a)*len(b) == 0
}

func inked(plane []byte) bool {
	return slices.ContainsFunc(plane, func(b byte) bool { return b != 0 })
}

// Image shows a side (0 front, 1 back) as one sees it: the inks take their light from
// white, resin covers all.
func (c *Card) Image(side int) image.Image {
	ink := c.Sides[side].Ink
	img := image.NewRGBA(image.Rect(0, 0, c.size.X, c.size.Y))
	at := func(panel byte, i int) byte {
		if plane := ink[panel]; i < len(plane) {
			return plane[i]
		}
		return 0
	}
	for i := range c.size.X * c.size.Y {
		k := 255 - int(at('K', i))
		shade := func(panel byte) byte { return byte((255 - int(at(panel, i))) * k / 255) }
		img.SetRGBA(i%c.size.X, i/c.size.X, color.RGBA{shade('C'), shade('M'), shade('Y'), 255})
	}
	return img
}

// WritePNG writes what Image shows.
func (c *Card) WritePNG(w io.Writer, side int) error { return png.Encode(w, c.Image(side)) }

// take puts ink on a side: all of it, or the upper part when share is below 1.
func (s *Side) take(panel byte, plane []byte, share float64, width int) {
	if s.Ink == nil {
		s.Ink = Planes{}
	}
	n := len(plane)
	if share < 1 {
		s.Half = true
		n = int(float64(n)*share) / width * width
	}
	laid := make([]byte, len(plane))
	copy(laid, s.Ink[panel])
	for i, b := range plane[:n] {
		laid[i] = max(laid[i], b)
	}
	s.Ink[panel] = laid
}

func (s *Side) stroke(panel byte) {
	if s.Strokes == nil {
		s.Strokes = map[byte]int{}
	}
	s.Strokes[panel]++
}
