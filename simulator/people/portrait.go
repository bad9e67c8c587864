package people

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"sync"
)

// The portrait has the sides of a submitted photograph, 35 by 45 mm, and the
// smallest width that is taken, 480 pixels (rules fact sheet, 7).
const (
	portraitWidth  = 480
	portraitHeight = 617
	quality        = 92
	grain          = 5.0 // levels of noise either way: a real photograph has some, and 20 KB need it
)

type rgb struct{ r, g, b float64 }

// scaled is c lighter or darker.
func (c rgb) scaled(f float64) rgb { return rgb{c.r * f, c.g * f, c.b * f} }

// look is what distinguishes one cartoon from another.
type look struct {
	skin, hair, shirt, ground rgb
	long                      bool // hair to the shoulders
	glasses                   bool
	grey                      bool // a JPEG of one component
}

// layer is a shape in one colour.
type layer struct {
	shape  shape
	colour rgb
}

// drawn keeps the portraits of this process by place in the roster; drawing one
// takes a tenth of a second.
var drawn sync.Map

// portraitOf is a fresh copy of the portrait of a place.
func portraitOf(place int, l look) []byte {
	b, ok := drawn.Load(place)
	if !ok {
		b, _ = drawn.LoadOrStore(place, portrait(l, uint64(place)+1))
	}
	return bytes.Clone(b.([]byte))
}

// portrait draws a cartoon face on a plain ground and encodes it as JPEG. The same
// look and seed give the same bytes with the same Go release.
func portrait(l look, seed uint64) []byte {
	layers := l.layers()
	noise := rand.New(rand.NewPCG(seed, 0x6b616b7575))
	m := image.NewRGBA(image.Rect(0, 0, portraitWidth, portraitHeight))
	for y := range portraitHeight {
		for x := range portraitWidth {
			c := l.ground.scaled(1.02 - 0.08*float64(y)/portraitHeight)
			for _, layer := range layers {
				c = layer.over(c, float64(x), float64(y))
			}
			n := grain * (2*noise.Float64() - 1)
			m.SetRGBA(x, y, color.RGBA{level(c.r + n), level(c.g + n), level(c.b + n), 255})
		}
	}
	return encode(m, l.grey)
}

// over paints the layer onto c, by as much of the pixel as the shape covers.
func (l layer) over(c rgb, x, y float64) rgb {
	cover := min(max(0.5-l.shape(x, y), 0), 1)
	return rgb{c.r + (l.colour.r-c.r)*cover, c.g + (l.colour.g-c.g)*cover, c.b + (l.colour.b-c.b)*cover}
}

func level(v float64) uint8 { return uint8(math.Round(min(max(v, 0), 255))) }

func encode(m *image.RGBA, grey bool) []byte {
	var picture image.Image = m
	if grey {
		g := image.NewGray(m.Rect)
		for y := range portraitHeight {
			for x := range portraitWidth {
				g.Set(x, y, m.At(x, y))
			}
		}
		picture = g
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, &jpeg.Options{Quality: quality}); err != nil {
		panic("internal error: a drawn portrait has no JPEG form: " + err.Error())
	}
	return b.Bytes()
}

// layers are the drawing from back to front, frontal and centred.
func (l look) layers() []layer {
	const mid = portraitWidth / 2.0
	face := oval(mid, 290, 112, 146)
	head := oval(mid, 262, 130, 150)
	ink := rgb{40, 32, 32}
	all := []layer{}
	if l.long {
		all = append(all, layer{oval(mid, 330, 148, 206), l.hair.scaled(0.9)})
	}
	all = append(all,
		layer{oval(mid, 640, 220, 160), l.shirt},
		layer{and(box(mid, 470, 46, 70), oval(mid, 440, 60, 90)), l.skin.scaled(0.88)},
		layer{less(oval(mid, 560, 70, 60), oval(mid, 525, 60, 50)), l.shirt.scaled(1.25)},
		layer{mirror(mid, oval(mid-114, 300, 18, 32)), l.skin.scaled(0.92)},
		layer{face, l.skin},
		layer{less(head, oval(mid, 330, 104, 146)), l.hair},
		layer{mirror(mid, oval(mid-66, 336, 26, 16)), rgb{l.skin.r, l.skin.g * 0.9, l.skin.b * 0.88}},
	)
	all = append(all, eyes(mid, ink, l.hair)...)
	all = append(all,
		layer{and(ring(oval(mid, 326, 14, 18), 2), box(mid, 340, 14, 8)), l.skin.scaled(0.7)},
		layer{and(ring(oval(mid, 362, 40, 22), 3), box(mid, 380, 44, 14)), rgb{ink.r + 120, ink.g + 40, ink.b + 40}},
	)
	if l.glasses {
		all = append(all,
			layer{mirror(mid, ring(oval(mid-48, 284, 36, 28), 2.5)), ink},
			layer{box(mid, 280, 12, 2.5), ink})
	}
	if l.grey {
		for i, layer := range all {
			c := layer.colour
			all[i].colour = rgb{c.g, c.g, c.g}
		}
	}
	return all
}

// eyes are both eyes and brows.
func eyes(mid float64, ink, hair rgb) []layer {
	return []layer{
		{mirror(mid, oval(mid-48, 284, 22, 12)), rgb{250, 250, 250}},
		{mirror(mid, oval(mid-48, 284, 10, 11)), rgb{86, 62, 48}},
		{mirror(mid, oval(mid-48, 284, 5, 5.5)), ink},
		{mirror(mid, oval(mid-51, 280, 2.5, 2.5)), rgb{255, 255, 255}},
		{mirror(mid, and(ring(oval(mid-48, 262, 28, 14), 3.5), box(mid-48, 250, 30, 8))), hair.scaled(0.8)},
	}
}
