package main

import (
	"image"
	"testing"

	"jukicard/printer"
)

// TestPrintersAtWork: two cards of each driver leave by the output whole, and what the
// mechanism did is what the clock shows but for what a driver watches.
func TestPrintersAtWork(t *testing.T) {
	for _, p := range printings {
		t.Run(p.name, func(t *testing.T) {
			side := image.NewGray(image.Rect(0, 0, 1013*p.dpi/300, 638*p.dpi/300)) // black
			s, took, err := p.run(t.Context(), printer.Face{Front: side, Back: side, DPI: p.dpi}, 2, chipTime)
			if err != nil {
				t.Fatal(err)
			}
			out := 0
			for _, c := range s.press.Cards() {
				if s.press.Where(c) == printer.Output && !c.Blank() && !c.Half() && !c.Twice() {
					out++
				}
			}
			if out != 2 || s.moved == 0 || took < s.moved+2*chipTime || s.received() == 0 {
				t.Errorf("%d cards came out after %v, of which the mechanism moved %v", out, took, s.moved)
			}
		})
	}
}
