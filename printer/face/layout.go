package face

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"strconv"
	"unicode/utf8"
)

// An ID-1 card in millimetres (ISO/IEC 7810:2019, 5.1).
const (
	CardWidth  = 85.60
	CardHeight = 53.98
)

// Layout is the places of everything on both sides of a card. It is read by
// [LoadLayout] and not changed afterwards; [Layout.At] gives it at another
// resolution.
type Layout struct {
	Name    string // for example "mynumber-1"
	Version int
	Source  string // where the coordinates are from
	DPI     int    // dots per inch of the raster

	front, back []item
}

// LayoutBytesMax bounds a layout file.
const LayoutBytesMax = 1 << 20

// The limits of a layout. Above 1200 dpi no card printer goes, and a side would take
// 40 MB.
const (
	itemsMost = 200
	linesMost = 8
	textMost  = 200 // characters
	dpiLeast  = 150
	dpiMost   = 1200
)

// layoutFile is the JSON form of a layout.
type layoutFile struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	Source  string `json:"source"`
	DPI     int    `json:"dpi"`
	Front   []item `json:"front"`
	Back    []item `json:"back"`
}

// item is one thing on a side. Lengths are in millimetres from the card's
// upper left corner.
type item struct {
	Kind  string  `json:"kind"`            // text, field, remarks, photo, qr, box, mark or waves
	Field string  `json:"field,omitempty"` // of a field: which one
	Text  string  `json:"text,omitempty"`  // of a text or mark: the words
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
	W     float64 `json:"w"`
	H     float64 `json:"h"`

	Size   float64 `json:"size,omitempty"`   // em size of text as preferred
	Least  float64 `json:"least,omitempty"`  // smallest permitted, the same as size when 0
	Lines  int     `json:"lines,omitempty"`  // most lines, 1 when 0
	Seal   float64 `json:"seal,omitempty"`   // of remarks: side of the box for 職印, none when 0
	Align  string  `json:"align,omitempty"`  // left, center, right; left when empty
	VAlign string  `json:"valign,omitempty"` // top, middle; middle when empty
	Track  float64 `json:"track,omitempty"`  // added between characters, in em
	Angle  float64 `json:"angle,omitempty"`  // of a mark: degrees counterclockwise

	Ink      rgb     `json:"ink,omitzero"`    // of text and outlines; black when absent
	Fill     *rgb    `json:"fill,omitempty"`  // of a box
	Stroke   float64 `json:"stroke,omitzero"` // width of a box's outline or of waves
	Step     float64 `json:"step,omitzero"`   // distance of waves
	Optional bool    `json:"optional,omitempty"`
}

// rgb is a colour written #rrggbb.
type rgb struct{ r, g, b uint8 }

// UnmarshalText reads #rrggbb.
func (c *rgb) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(bytes.TrimPrefix(text, []byte("#"))), 16, 32)
	if err != nil || len(text) != 7 || text[0] != '#' {
		return errors.New("cannot read a colour: want the form #rrggbb")
	}
	*c = rgb{uint8(v >> 16), uint8(v >> 8), uint8(v)}
	return nil
}

func (c rgb) uniform() *image.Uniform {
	return image.NewUniform(color.RGBA{c.r, c.g, c.b, 255})
}

// LoadLayout reads a layout and refuses one that could not be printed: an
// unknown member, kind or field, a thing outside the card, or two personal
// fields that overlap. The error names the side, the item and the rule.
func LoadLayout(raw []byte) (*Layout, error) {
	if len(raw) > LayoutBytesMax {
		return nil, fmt.Errorf("cannot load the layout: it must be at most %d bytes", LayoutBytesMax)
	}
	var f layoutFile
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("cannot load the layout: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("cannot load the layout: there is more after its end")
	}
	if f.Name == "" || f.Source == "" || f.Version < 1 {
		return nil, errors.New("cannot load the layout: it must have a name, a version from 1 and a source")
	}
	l := &Layout{f.Name, f.Version, f.Source, f.DPI, f.Front, f.Back}
	if err := l.Check(); err != nil {
		return nil, err
	}
	for _, side := range l.sides() {
		if err := checkSide(side.items); err != nil {
			return nil, fmt.Errorf("cannot load the layout: %s %v", side.name, err)
		}
	}
	return l, nil
}

type side struct {
	name  string
	items []item
}

func (l *Layout) sides() [2]side { return [2]side{{"front", l.front}, {"back", l.back}} }

// At is the same layout at another resolution, for example 600 dpi.
func (l *Layout) At(dpi int) *Layout {
	c := *l
	c.DPI = dpi
	return &c
}

// Size is the raster of one side: 1011 × 638 at 300 dpi, 2022 × 1275 at 600.
func (l *Layout) Size() image.Point {
	return image.Pt(l.pixels(CardWidth), l.pixels(CardHeight))
}

func (l *Layout) pixels(mm float64) int { return round(mm * float64(l.DPI) / 25.4) }

func (l *Layout) length(mm float64) float32 { return float32(mm * float64(l.DPI) / 25.4) }

func (l *Layout) rect(i item) image.Rectangle {
	return image.Rect(l.pixels(i.X), l.pixels(i.Y), l.pixels(i.X+i.W), l.pixels(i.Y+i.H))
}

// Check tells whether the layout can be drawn at its resolution, 150 to 1200 dpi.
func (l *Layout) Check() error {
	if l.DPI < dpiLeast || l.DPI > dpiMost {
		return fmt.Errorf("cannot use the layout at %d dpi: want %d to %d", l.DPI, dpiLeast, dpiMost)
	}
	return nil
}

func checkSide(items []item) error {
	if len(items) > itemsMost {
		return fmt.Errorf("has %d items; at most %d are allowed", len(items), itemsMost)
	}
	for i := range items {
		if err := items[i].check(); err != nil {
			return fmt.Errorf("item %d (%s %s): %v", i+1, items[i].Kind, items[i].Field, err)
		}
		for k := range i {
			if items[i].personal() && items[k].personal() && items[i].overlaps(items[k]) {
				return fmt.Errorf("items %d and %d overlap: personal fields must lie apart", k+1, i+1)
			}
		}
	}
	return nil
}

// check holds the rules of one item, in the order in which they are reported.
func (i *item) check() error {
	_, known := kinds[i.Kind]
	_, field := fieldNames[i.Field]
	switch {
	case !known:
		return errors.New("kind must be text, field, remarks, photo, qr, box, mark or waves")
	case (i.Kind == "field") != (i.Field != ""), i.Kind == "field" && (!field || i.Field == "remarks"):
		return errors.New("a field, and only a field, names one of the known fields")
	case i.words() && i.Text == "", utf8.RuneCountInString(i.Text) > textMost:
		return fmt.Errorf("text must have 1 to %d characters", textMost)
	case i.W < 0.1 || i.H < 0.1 || i.X < 0 || i.Y < 0 || i.X+i.W > CardWidth+hair || i.Y+i.H > CardHeight+hair:
		return fmt.Errorf("it must lie on the card, %.2f × %.2f mm, and be at least 0.1 mm", CardWidth, CardHeight)
	}
	return i.checkMeasures()
}

func (i *item) checkMeasures() error {
	switch {
	case i.written() && (i.Size < 0.5 || i.Size > CardHeight):
		return errors.New("size must be at least 0.5 mm and fit the card")
	case i.Least < 0 || i.Least > i.Size:
		return errors.New("least must be between 0 and size")
	case i.Lines < 0 || i.Lines > linesMost:
		return fmt.Errorf("lines must be 1 to %d", linesMost)
	case i.written() && i.Kind != "mark" && !i.linesFit():
		return errors.New("its lines must fit its height at the least size")
	case i.Seal < 0 || i.Seal > 0 && (i.Kind != "remarks" || i.Seal < sealSideLeast || i.Seal > i.H || i.Seal > i.W/2):
		return fmt.Errorf("seal belongs to remarks and must be at least %v mm, at most their height and half their width", sealSideLeast)
	case i.Align != "" && i.Align != "left" && i.Align != "center" && i.Align != "right":
		return errors.New("align must be left, center or right")
	case i.VAlign != "" && i.VAlign != "top" && i.VAlign != "middle":
		return errors.New("valign must be top or middle")
	case i.Track < 0 || i.Track > 2 || i.Angle < -90 || i.Angle > 90:
		return errors.New("track must be 0 to 2 em and angle -90 to 90 degrees")
	case i.Stroke < 0 || i.Stroke > 5:
		return errors.New("stroke must be 0 to 5 mm")
	case i.Kind == "waves" && (i.Stroke <= 0 || i.Step < 0.2):
		return errors.New("waves need a stroke and a step of at least 0.2 mm")
	}
	return nil
}

func (i *item) words() bool    { return i.Kind == "text" || i.Kind == "mark" }
func (i *item) written() bool  { return i.words() || i.Kind == "field" || i.Kind == "remarks" }
func (i *item) personal() bool { return !i.words() && i.Kind != "box" && i.Kind != "waves" }

// hair is what sums of millimetres may be off by.
const hair = 1e-6

func (i *item) overlaps(o item) bool {
	return i.X+hair < o.X+o.W && o.X+hair < i.X+i.W && i.Y+hair < o.Y+o.H && o.Y+hair < i.Y+i.H
}

// linesFit tells whether the permitted lines can be used at the smallest size.
func (i *item) linesFit() bool {
	least, lines := i.Least, float64(max(1, i.Lines))
	if least == 0 {
		least = i.Size
	}
	if i.Kind == "remarks" {
		return least*lines <= i.H+hair
	}
	return least*(1+(lines-1)*pitch) <= i.H+hair
}
