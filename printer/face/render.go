package face

import (
	"fmt"
	"image"
	"image/draw"
	"math"
	"slices"
	"sync"

	"rsc.io/qr"

	"jukicard/printer"
	"jukicard/printer/raster"
)

// canvas is one side being drawn.
type canvas struct {
	fonts  *Fonts
	layout *Layout
	data   Data
	out    *raster.Side
	pen    pen
}

// kinds draw the kinds of item.
var kinds = map[string]func(*canvas, item) error{
	"text":    (*canvas).words,
	"field":   (*canvas).field,
	"remarks": (*canvas).remarks,
	"photo":   (*canvas).photo,
	"qr":      (*canvas).qr,
	"box":     (*canvas).box,
	"mark":    (*canvas).mark,
	"waves":   (*canvas).waves,
}

// Render draws both sides of a card at the layout's resolution, each a
// *raster.Side: black text and the code are its resin, and every stroke of them
// has been read again from the very plane that will be printed. Errors are
// *GlyphError, *OverflowError, *StrokeError and *DataError; then nothing is to be
// printed. The same layout and data give the same pixels.
func (f *Fonts) Render(l *Layout, d Data) (printer.Face, error) {
	if err := l.Check(); err != nil {
		return printer.Face{}, err
	}
	if err := d.check(); err != nil {
		return printer.Face{}, err
	}
	if err := l.checkPlaces(d); err != nil {
		return printer.Face{}, err
	}
	var drawn [2]*raster.Side
	for i, side := range l.sides() {
		c := &canvas{fonts: f, layout: l, data: d}
		if err := c.side(side.items); err != nil {
			return printer.Face{}, err
		}
		drawn[i] = c.out
	}
	return printer.Face{Front: drawn[0], Back: drawn[1], DPI: l.DPI}, nil
}

// checkPlaces refuses data that the layout would silently leave out. Texts it
// may leave out: the next card shows no sex (rules sheet, 7).
func (l *Layout) checkPlaces(d Data) error {
	if len(d.Remarks) > 0 && !l.has("remarks") {
		return &DataError{"remarks", "the layout has no 追記欄", "use another layout"}
	}
	if d.Photo != nil && !l.has("photo") {
		return &DataError{"photograph", "the layout has no place for it", "use another layout"}
	}
	return nil
}

func (l *Layout) has(kind string) bool {
	is := func(i item) bool { return i.Kind == kind }
	return slices.ContainsFunc(l.front, is) || slices.ContainsFunc(l.back, is)
}

// side draws the items in their order, on the ground.
func (c *canvas) side(items []item) error {
	n := 0
	for n < len(items) && !items[n].personal() {
		n++
	}
	ground, err := c.ground(items[:n])
	if err != nil {
		return err
	}
	c.onto(ground.Clone())
	return c.draw(items[n:])
}

func (c *canvas) draw(items []item) error {
	for _, i := range items {
		if err := kinds[i.Kind](c, i); err != nil {
			return err
		}
	}
	return nil
}

func (c *canvas) onto(side *raster.Side) {
	c.out, c.pen.dst = side, side.RGBA
}

// grounds keeps what is the same on every card of a layout: its items before
// the first personal one. They are most of the outlines.
type grounds struct {
	sync.Mutex
	drawn map[groundKey]*raster.Side
}

type groundKey struct {
	first *item
	dpi   int
}

// groundsMost bounds the kept grounds, at some 3.2 MB each at 300 dpi.
const groundsMost = 8

func (c *canvas) ground(items []item) (*raster.Side, error) {
	if len(items) == 0 {
		return blank(c.layout.Size()), nil
	}
	g, key := &c.fonts.grounds, groundKey{&items[0], c.layout.DPI}
	g.Lock()
	defer g.Unlock()
	if m, ok := g.drawn[key]; ok {
		return m, nil
	}
	m := blank(c.layout.Size())
	c.onto(m)
	if err := c.draw(items); err != nil {
		return nil, err
	}
	if g.drawn == nil || len(g.drawn) == groundsMost {
		g.drawn = map[groundKey]*raster.Side{}
	}
	g.drawn[key] = m
	return m, nil
}

func blank(size image.Point) *raster.Side { return raster.NewSide(image.Rectangle{Max: size}) }

// room is an item's place for text.
func (c *canvas) room(i item) room {
	least := i.Least
	if least == 0 {
		least = i.Size
	}
	return room{
		box: c.layout.rect(i), size: c.layout.length(i.Size), least: c.layout.length(least),
		lines: max(1, i.Lines), align: i.Align, top: i.VAlign == "top", track: float32(i.Track),
	}
}

// write sets a text in an item's place.
func (c *canvas) write(i item, field string, text []glyph, remedy string) error {
	m := c.room(i)
	b, ok := m.fit(text)
	if !ok {
		return &OverflowError{Field: field, Remedy: remedy}
	}
	return c.set(i.Ink, field, b, m)
}

// set draws a text. In black it is resin, and proven.
func (c *canvas) set(ink rgb, field string, b block, m room) error {
	c.pen.ink = ink.uniform()
	if ink != (rgb{}) {
		b.draw(&c.pen, m, 1)
		return nil
	}
	c.pen.resin = c.out.Resin
	b.draw(&c.pen, m, 1)
	c.pen.resin = nil
	return c.prove(field, b, m)
}

func (c *canvas) words(i item) error {
	text, err := c.fonts.glyphs("layout's text", i.Text)
	if err != nil {
		return err
	}
	return c.write(i, "layout's text", text, "give it more room in the layout")
}

func (c *canvas) field(i item) error {
	value, name := c.data.text(i.Field), fieldNames[i.Field]
	if value == "" && i.Optional {
		return nil
	}
	text, err := c.fonts.required(name, value)
	if err != nil {
		return err
	}
	return c.write(i, name, text, "nothing is cut off: shorten it as the resident register permits, or use a layout with more room")
}

// photo sets the photograph; where there is none, nothing.
func (c *canvas) photo(i item) error {
	if c.data.Photo == nil {
		return nil
	}
	r := c.layout.rect(i)
	c.paint(r, portrait(c.data.Photo, r.Dx(), r.Dy()))
	c.outline(r, i)
	return nil
}

// quiet is the white margin of a QR code in modules (ISO/IEC 18004:2015, 9.1).
const quiet = 4

// qr sets the 12 digits as a QR code (rules sheet, 7), version 1, with the
// strongest error correction. Modules are whole pixels, so that the edges stay
// sharp; what is left over is white.
func (c *canvas) qr(i item) error {
	code, err := qr.Encode(c.data.MyNumber, qr.H)
	if err != nil {
		return fmt.Errorf("cannot encode my number as a QR code: %v", err)
	}
	r := c.layout.rect(i)
	module := min(r.Dx(), r.Dy()) / (code.Size + 2*quiet)
	if module < 2 {
		return &OverflowError{Field: "QR code", Remedy: "give it more room in the layout"}
	}
	c.paint(r, image.White)
	origin := r.Min.Add(image.Pt((r.Dx()-module*code.Size)/2, (r.Dy()-module*code.Size)/2))
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				at := origin.Add(image.Pt(x*module, y*module))
				dot := image.Rectangle{at, at.Add(image.Pt(module, module))}
				draw.Draw(c.out.RGBA, dot, image.Black, image.Point{}, draw.Src)
				inkAll(c.out.Resin, dot, 255)
			}
		}
	}
	return nil
}

// paint covers a rectangle, and what resin was there, with colour.
func (c *canvas) paint(r image.Rectangle, with image.Image) {
	draw.Draw(c.out.RGBA, r, with, image.Point{}, draw.Src)
	inkAll(c.out.Resin, r, 0)
}

// inkAll gives a rectangle one coverage; image/draw has no fast way for it.
func inkAll(to *image.Alpha, r image.Rectangle, a byte) {
	r = r.Intersect(to.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := to.Pix[to.PixOffset(r.Min.X, y):][:r.Dx()]
		for x := range row {
			row[x] = a
		}
	}
}

// box fills and outlines a rectangle.
func (c *canvas) box(i item) error {
	r := c.layout.rect(i)
	if i.Fill != nil {
		c.paint(r, i.Fill.uniform())
	}
	c.outline(r, i)
	return nil
}

// outline draws the inner edge of a rectangle, at least a pixel wide.
func (c *canvas) outline(r image.Rectangle, i item) {
	for _, edge := range c.edges(r, i) {
		draw.Draw(c.out.RGBA, edge, i.Ink.uniform(), image.Point{}, draw.Src)
	}
}

// edges are the four sides of an outline; an item without a stroke has none.
func (c *canvas) edges(r image.Rectangle, i item) []image.Rectangle {
	if i.Stroke == 0 {
		return nil
	}
	inner := r.Inset(max(1, c.layout.pixels(i.Stroke)))
	return []image.Rectangle{
		{r.Min, image.Pt(r.Max.X, inner.Min.Y)}, {image.Pt(r.Min.X, inner.Max.Y), r.Max},
		{image.Pt(r.Min.X, inner.Min.Y), image.Pt(inner.Min.X, inner.Max.Y)}, {image.Pt(inner.Max.X, inner.Min.Y), image.Pt(r.Max.X, inner.Max.Y)},
	}
}

// mark sets words at an angle, from the lower left corner of its place.
func (c *canvas) mark(i item) error {
	text, err := c.fonts.glyphs("layout's text", i.Text)
	if err != nil {
		return err
	}
	r, size, along := c.layout.rect(i), c.layout.length(i.Size), float32(0)
	c.pen.ink = i.Ink.uniform()
	for _, g := range text {
		c.pen.fill(g.outline, turned(image.Pt(r.Min.X, r.Max.Y), along, size, i.Angle, g))
		along += (g.advance + float32(i.Track)) * size
	}
	return nil
}

// waves covers a place with fine wavy lines, the ground of the card.
func (c *canvas) waves(i item) error {
	const (
		length = 14.0 // mm of one wave
		height = 1.1  // mm from its middle to its crest
		points = 48   // of one wave
	)
	r := c.layout.rect(i)
	c.pen.dst = c.out.RGBA.SubImage(r).(*image.RGBA)
	defer func() { c.pen.dst = c.out.RGBA }()
	c.pen.ink = i.Ink.uniform()
	n := int(math.Ceil(i.W / length * points))
	for y := i.Y - height; y < i.Y+i.H+height; y += i.Step {
		band := make([][2]float32, 2*(n+1))
		for k := range n + 1 {
			x := i.X + float64(k)*length/points
			middle := y + height*math.Sin(2*math.Pi*(x+y/2)/length)
			band[k] = [2]float32{c.layout.length(x), c.layout.length(middle - i.Stroke/2)}
			band[2*n+1-k] = [2]float32{c.layout.length(x), c.layout.length(middle + i.Stroke/2)}
		}
		c.pen.polygon(band)
	}
	return nil
}
