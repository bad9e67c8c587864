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

// shaded turns a side's planes into what the ribbon's panels can show: levels of the
// colours, and bits of resin.
func shaded(p raster.Planes, panels string, shades Levels) (raster.Planes, error) {
	if !coloured(panels) {
		p.K = resin(p)
		return bits(p), nil
	}
	for _, plane := range []*[]byte{&p.Y, &p.M, &p.C} {
		if !raster.Inked(*plane) {
			continue
		}
		dots, err := raster.Dither(*plane, p.Width, int(shades))
		if err != nil {
			return p, err
		}
		*plane = dots
	}
	return bits(p), nil
}

// bits makes the resin one of none and full.
func bits(p raster.Planes) raster.Planes {
	k := make([]byte, len(p.K))
	for i, b := range p.K {
		k[i] = b >> 7
	}
	p.K = k
	return p
}

// panel is the bitmap that a side's panel gets.
func panel(p raster.Planes, which byte, shades Levels) bitmap {
	switch which {
	case 'y':
		return bitmap{shades, p.Y}
	case 'm':
		return bitmap{shades, p.M}
	case 'c':
		return bitmap{shades, p.C}
	}
	return bitmap{Levels2, p.K}
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
