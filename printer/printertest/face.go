package printertest

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"sync"

	"jukicard/printer"
	"jukicard/simulator/press"
)

// cardWidth and cardHeight are those of a card in millimetres (ISO/IEC 7810, ID-1).
const cardWidth, cardHeight = 85.60, 53.98

// whole is a face as large as the card: colours, greys, a photograph's worth of half
// tones, and marks that are unlike from every side, so that a turned or shifted plane
// cannot pass. seed makes each card's another.
func whole(dpi, seed int) printer.Face {
	dots := func(mm float64) int { return int(math.Round(mm / 25.4 * float64(dpi))) }
	w, h := dots(cardWidth), dots(cardHeight)
	return printer.Face{Front: colourful(w, h, seed), Back: lettered(w, h, seed+1), DPI: dpi}
}

// small is a face of resin alone, and little of it: enough to know a card by, and quick.
// The same seed gives the same pictures again.
func small(dpi, seed int) printer.Face {
	smalls.Lock()
	defer smalls.Unlock()
	if _, ok := smalls.made[seed]; !ok {
		smalls.made[seed] = [2]*image.RGBA{lettered(200, 100, seed), lettered(160, 120, seed+7)}
	}
	return printer.Face{Front: smalls.made[seed][0], Back: smalls.made[seed][1], DPI: dpi}
}

var smalls = struct {
	sync.Mutex
	made map[int][2]*image.RGBA
}{made: map[int][2]*image.RGBA{}}

// kept is whether a picture is one of small's.
func kept(side image.Image) bool {
	smalls.Lock()
	defer smalls.Unlock()
	for _, sides := range smalls.made {
		if side == sides[0] || side == sides[1] {
			return true
		}
	}
	return false
}

func white(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	return img
}

// lettered has black bars whose lengths tell the seed, from the top left corner.
func lettered(w, h, seed int) *image.RGBA {
	img := white(w, h)
	for i := range 8 {
		length := w/8 + (seed*37+i*53)%(w/2)
		draw.Draw(img, image.Rect(w/10, h*(i+1)/10, w/10+length, h*(i+1)/10+h/20), image.Black, image.Point{}, draw.Src)
	}
	return img
}

// colourful has half tones to its edges under the bars.
func colourful(w, h, seed int) *image.RGBA {
	img := white(w, h)
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{byte(200 + x*50/w), byte(120 + y*100/h), byte(seed*11 + (x+y)/8), 255})
		}
	}
	bars := lettered(w, h, seed)
	for y := range h {
		for x := range w {
			if c := bars.RGBAAt(x, y); c.R == 0 {
				img.SetRGBA(x, y, c)
			}
		}
	}
	return img
}

// Separated is the ink of a picture without resin planes of its own, in the middle of a
// raster: by the rule that neutral dots as dark as text, less than 12 apart in their
// colours and below the luma B0, are black resin, and all else is the complement of its
// colours. Beyond the picture there is nothing, or with bleed the colour of its edge.
func Separated(side image.Image, width, height int, bleed bool) press.Planes {
	n := width * height
	k, c, m, y := make([]byte, n), make([]byte, n), make([]byte, n), make([]byte, n)
	b := side.Bounds()
	left, top := (width-b.Dx())/2, (height-b.Dy())/2
	for i := range n {
		at := image.Pt(i%width-left+b.Min.X, i/width-top+b.Min.Y)
		edge := image.Pt(min(max(at.X, b.Min.X), b.Max.X-1), min(max(at.Y, b.Min.Y), b.Max.Y-1))
		if at != edge && !bleed {
			continue
		}
		red, green, blue := levels(side, edge)
		grey := max(red, green, blue)-min(red, green, blue) <= 12 && (299*red+587*green+114*blue)/1000 < 0xB0
		switch {
		case grey && at == edge: // only on the card itself there is resin
			k[i] = 255
		case !grey:
			c[i], m[i], y[i] = byte(255-red), byte(255-green), byte(255-blue)
		}
	}
	return press.Planes{'Y': y, 'M': m, 'C': c, 'K': k}
}

// levels are the colours of a dot, 0 to 255.
func levels(img image.Image, at image.Point) (red, green, blue int) {
	if rgba, ok := img.(*image.RGBA); ok { // most of what is asked here
		c := rgba.RGBAAt(at.X, at.Y)
		return int(c.R), int(c.G), int(c.B)
	}
	r, g, b, _ := img.At(at.X, at.Y).RGBA()
	return int(r >> 8), int(g >> 8), int(b >> 8)
}
