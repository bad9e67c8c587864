package evolis

import (
	"maps"
	"slices"
	"strings"

	"jukicard/printer/raster"
)

// ribbon is the order of panels on one, and what of a set each side of a card takes.
type ribbon struct {
	front, back string // panels in their order: y m c k o
	sets        int    // that a card with two sides uses up
}

// ribbons by the maker's letters (A5013, Pr). With ymcko and k both sides take a set
// each, with ymckok the back has its own resin.
var ribbons = map[string]ribbon{
	"ymcko":  {"ymcko", "ymcko", 2},
	"ymckok": {"ymcko", "k", 1},
	"ko":     {"ko", "ko", 2},
	"k":      {"k", "k", 2},
}

func ribbonNames() string { return strings.Join(slices.Sorted(maps.Keys(ribbons)), ", ") }

// overlay is the panel without a picture: it covers the whole card.
const overlay = 'o'

// coloured is whether a side is printed with yellow, magenta and cyan.
func coloured(panels string) bool { return strings.Contains(panels, "ymc") }

// panel is the bitmap that a side's panel gets.
func panel(p raster.Planes, which byte, panels string, shades Levels) (bitmap, error) {
	plane := p.K
	switch which {
	case 'y':
		plane = p.Y
	case 'm':
		plane = p.M
	case 'c':
		plane = p.C
	case 'k':
		if !coloured(panels) {
			plane = resin(p)
		}
		return bitmap{Levels2, ones(plane)}, nil
	}
	dots, err := raster.Dither(plane, p.Width, int(shades))
	return bitmap{shades, dots}, err
}

// ones is a plane of none and full as bits.
func ones(plane []byte) []byte {
	out := make([]byte, len(plane))
	for i, b := range plane {
		out[i] = b >> 7
	}
	return out
}

// resin is a side in black alone: what raster.Separate left to the colours too, where it
// is as dark as text, so that nothing vanishes silently.
func resin(p raster.Planes) []byte {
	out := make([]byte, len(p.K))
	for i := range out {
		light := (299*int(255-p.C[i]) + 587*int(255-p.M[i]) + 114*int(255-p.Y[i])) / 1000
		if p.K[i] != 0 || light < raster.InkThreshold {
			out[i] = 255
		}
	}
	return out
}
