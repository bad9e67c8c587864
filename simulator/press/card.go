package press

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"slices"
	"sync"
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
	mu     sync.Mutex // for Sides, while a model may still print
}

// Side is what a side (0 front, 1 back) has taken so far. The planes are not copied: they
// never change, new ones take their place.
func (c *Card) Side(i int) Side {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.Sides[i]
	s.Ink, s.Strokes = maps.Clone(s.Ink), maps.Clone(s.Strokes)
	return s
}

// Blank is whether no ink ever touched the card.
func (c *Card) Blank() bool { return len(c.Side(0).Strokes)+len(c.Side(1).Strokes) == 0 }

// Half is whether some stroke on the card was stopped half way.
func (c *Card) Half() bool { return c.Side(0).Half || c.Side(1).Half }

// Twice is whether any panel or film was put on the same side twice.
func (c *Card) Twice() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
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
	got := c.Side(side)
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
	ink := c.Side(side).Ink
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

// take puts planes on a side: all of them, or their upper part when share is below 1. It
// counts as one stroke of each of the panels named.
func (c *Card) take(side int, planes Planes, share float64, strokes ...byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.Sides[side]
	if s.Ink == nil {
		s.Ink, s.Strokes = Planes{}, map[byte]int{}
	}
	s.Half = s.Half || share < 1
	for panel, plane := range planes {
		n := len(plane)
		if share >= 1 && s.Ink[panel] == nil {
			s.Ink[panel] = plane // Load has made it ours
			continue
		}
		if share < 1 {
			n = int(float64(n)*share) / c.size.X * c.size.X
		}
		laid := make([]byte, len(plane))
		copy(laid, s.Ink[panel])
		for i, b := range plane[:n] {
			laid[i] = max(laid[i], b)
		}
		s.Ink[panel] = laid
	}
	for _, panel := range strokes {
		s.Strokes[panel]++
	}
}
