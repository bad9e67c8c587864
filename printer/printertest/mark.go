package printertest

import (
	"image"
	"image/color"
	"image/draw"
	"testing"

	"jukicard/simulator/press"
)

// Marked is a side that shows whether a driver has turned, shifted or spoilt it: black in
// the upper left corner, c in the lower right one and in a field at 100,100, and a stroke
// one dot wide at 400,300.
func Marked(width, height int, c color.Color) image.Image {
	m := white(width, height)
	for _, r := range []struct {
		at image.Rectangle
		c  color.Color
	}{
		{image.Rect(0, 0, 40, 20), color.Black},
		{image.Rect(width-40, height-30, width, height), c},
		{image.Rect(100, 100, 300, 180), c},
		{image.Rect(400, 300, 401, 500), color.Black},
	} {
		draw.Draw(m, r.at, image.NewUniform(r.c), image.Point{}, draw.Src)
	}
	return m
}

// Dot is a dot of a card's side (0 front, 1 back), and the inks that it must be full of.
type Dot struct {
	Name string
	Side int
	X, Y int
	Inks string // of "YMCK"
}

// Look looks for the dots of a card that a printer has had.
func Look(t testing.TB, p *press.Press, card *press.Card, dots []Dot) {
	t.Helper()
	width, _ := p.Size()
	for _, d := range dots {
		got := ""
		for _, panel := range "YMCK" {
			if plane := card.Side(d.Side).Ink[byte(panel)]; plane != nil && plane[d.Y*width+d.X] == 255 {
				got += string(panel)
			}
		}
		if got != d.Inks {
			t.Errorf("%s: %q at %d,%d of side %d, want %q", d.Name, got, d.X, d.Y, d.Side, d.Inks)
		}
	}
}
