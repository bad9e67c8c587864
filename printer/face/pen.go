package face

import (
	"image"
	"image/draw"
	"math"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"golang.org/x/image/vector"
)

// pen fills outlines. One goroutine uses it; its rasterizer's buffer is kept
// from glyph to glyph.
type pen struct {
	dst   draw.Image
	resin *image.Alpha // of the same bounds as dst; nil for ink that is not resin
	ink   image.Image  // usually an image.Uniform
	r     vector.Rasterizer
	mask  []byte // kept from glyph to glyph
}

// affine maps x right, y up (font units or pixels) to pixels, y down.
type affine struct{ xx, xy, yx, yy, dx, dy float32 }

// at places a glyph of the given em size, in pixels, with its origin there.
func at(x, y, size float32, g glyph) affine {
	k := size / g.em
	return affine{xx: k, yy: -k, dx: x, dy: y}
}

// turned is at, turned counterclockwise about the origin of the whole text.
func turned(origin image.Point, along, size float32, angle float64, g glyph) affine {
	k := size / g.em
	s, c := math.Sincos(angle * math.Pi / 180)
	sin, cos := float32(s), float32(c)
	return affine{
		xx: k * cos, xy: -k * sin, yx: -k * sin, yy: -k * cos,
		dx: float32(origin.X) + along*cos, dy: float32(origin.Y) - along*sin,
	}
}

func (a affine) point(p opentype.SegmentPoint) (x, y float32) {
	return a.xx*p.X + a.xy*p.Y + a.dx, a.yx*p.X + a.yy*p.Y + a.dy
}

// fill draws one outline, leaving out what is outside dst. The rasterizer
// itself does not clip, so what reaches over an edge goes through a mask.
func (p *pen) fill(outline []font.Segment, a affine) {
	box := bounds(outline, a)
	if !box.Overlaps(p.dst.Bounds()) {
		return
	}
	p.r.Reset(box.Dx(), box.Dy())
	a.dx -= float32(box.Min.X)
	a.dy -= float32(box.Min.Y)
	trace(&p.r, outline, a)
	if p.resin == nil && box.In(p.dst.Bounds()) {
		p.r.Draw(p.dst, box, p.ink, image.Point{})
		return
	}
	mask := p.cover(box)
	draw.DrawMask(p.dst, box, p.ink, image.Point{}, mask, box.Min, draw.Over)
	if p.resin != nil {
		more(p.resin, mask)
	}
}

// cover is the ink of what the rasterizer holds, good until the next glyph.
func (p *pen) cover(box image.Rectangle) *image.Alpha {
	n := box.Dx() * box.Dy()
	if n > len(p.mask) {
		p.mask = make([]byte, n)
	}
	mask := &image.Alpha{Pix: p.mask[:n:n], Stride: box.Dx(), Rect: box}
	p.r.DrawOp = draw.Src // whatever the last glyph left there
	p.r.Draw(mask, box, image.Opaque, image.Point{})
	p.r.DrawOp = draw.Over
	return mask
}

// more adds ink where it is thicker than what is there.
func more(to, ink *image.Alpha) {
	r := ink.Rect.Intersect(to.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		from, row := ink.Pix[ink.PixOffset(r.Min.X, y):ink.PixOffset(r.Max.X-1, y)+1], to.Pix[to.PixOffset(r.Min.X, y):]
		for x, a := range from {
			row[x] = max(row[x], a)
		}
	}
}

// bounds is the pixel rectangle round all points, control points included.
func bounds(outline []font.Segment, a affine) image.Rectangle {
	x0, y0, x1, y1 := float32(math.MaxFloat32), float32(math.MaxFloat32), float32(-math.MaxFloat32), float32(-math.MaxFloat32)
	for i := range outline {
		for _, q := range outline[i].ArgsSlice() {
			x, y := a.point(q)
			x0, x1 = min(x0, x), max(x1, x)
			y0, y1 = min(y0, y), max(y1, y)
		}
	}
	if x0 > x1 {
		return image.Rectangle{}
	}
	return image.Rect(floor(x0), floor(y0), ceil(x1), ceil(y1))
}

func floor(v float32) int { return int(math.Floor(float64(v))) }
func ceil(v float32) int  { return int(math.Ceil(float64(v))) }
func round(v float64) int { return int(math.Floor(v + 0.5)) }

// trace gives the outline to the rasterizer, closing every contour.
func trace(r *vector.Rasterizer, outline []font.Segment, a affine) {
	for i := range outline {
		s := &outline[i]
		x, y := a.point(s.Args[0])
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			if i > 0 {
				r.ClosePath()
			}
			r.MoveTo(x, y)
		case opentype.SegmentOpLineTo:
			r.LineTo(x, y)
		case opentype.SegmentOpQuadTo:
			x1, y1 := a.point(s.Args[1])
			r.QuadTo(x, y, x1, y1)
		case opentype.SegmentOpCubeTo:
			x1, y1 := a.point(s.Args[1])
			x2, y2 := a.point(s.Args[2])
			r.CubeTo(x, y, x1, y1, x2, y2)
		}
	}
	r.ClosePath()
}

// polygon fills a closed shape given in pixels.
func (p *pen) polygon(points [][2]float32) {
	segments := make([]font.Segment, len(points))
	for i, q := range points {
		segments[i].Op = opentype.SegmentOpLineTo
		segments[i].Args[0] = opentype.SegmentPoint{X: q[0], Y: q[1]}
	}
	segments[0].Op = opentype.SegmentOpMoveTo
	p.fill(segments, affine{xx: 1, yy: 1})
}
