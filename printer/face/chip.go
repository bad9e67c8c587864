package face

import (
	"fmt"
	"image"
	"io"
	"log/slog"

	"jukicard/printer/raster"
)

// ChipImages are the face objects of the visual application (券面事項確認AP):
// DF25, DF26, DF27 and DF2A of EF 0002, and DF41 of EF 0005 (card fact sheet,
// 2.3). Like [Data] they print as "[face data]".
type ChipImages struct {
	Name         []byte // PNG, bit depth 1, NameWidth × NameHeight
	Address      []byte // PNG, bit depth 1, AddressWidth × AddressHeight
	MyNumber     []byte // PNG, bit depth 1, 72 × 12
	SecurityCode []byte // PNG, bit depth 1, 24 × 12
	Photo        []byte // JP2, grey, PhotoWidth × PhotoHeight; nil for a child under one
}

// Pixel sizes of the chip's name and address images. Those of real cards are
// not public; these are ours: room for 13 characters of 48 pixels, or two
// lines of 22, and for four lines of 28 characters.
const (
	NameWidth     = 640
	NameHeight    = 64
	AddressWidth  = 800
	AddressHeight = 136
)

// The em sizes of chip texts in pixels. Below sizeLeast dense characters such
// as 邊 fill up.
const (
	nameSize    = 48
	addressSize = 40
	sizeLeast   = 28
)

// thresholds of luma are tried in turn until no stroke is lost: the lowest gives the
// clearest counters, the last the surest strokes. Of 580 characters at 20 to 48
// pixels an em none lost a stroke at 0xD0, up to 98 did at 0xB0, and four in five
// at 0x70.
var thresholds = [...]byte{raster.InkThreshold, 0xC0, 0xD0, 0xE0}

// StrokeError is a text of which a stroke would be lost in 1 bit, on the chip or in
// a printer's resin.
type StrokeError struct{ Field string }

// Error names the field and the remedy.
func (e *StrokeError) Error() string {
	return fmt.Sprintf("cannot draw the %s in 1 bit: a stroke would be lost, and the text might read otherwise; shorten the text so that it is set larger", e.Field)
}

// Format prints "[face data]" whatever the verb.
func (c ChipImages) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, dataText) }

// LogValue keeps the images out of structured logs.
func (c ChipImages) LogValue() slog.Value { return slog.StringValue(dataText) }

// ChipImages draws the chip's objects. Errors are *GlyphError, *OverflowError,
// *StrokeError, *DataError and, for the photograph, those of [EncodeJP2].
// The same data gives the same bytes.
func (f *Fonts) ChipImages(d Data) (ChipImages, error) {
	var c ChipImages
	if err := d.check(); err != nil {
		return c, err
	}
	var err error
	name := room{box: image.Rect(0, 0, NameWidth, NameHeight), size: nameSize, least: sizeLeast, lines: 2}
	if c.Name, err = f.bilevel("name", d.Name, name); err != nil {
		return ChipImages{}, err
	}
	address := room{box: image.Rect(0, 0, AddressWidth, AddressHeight), size: addressSize, least: sizeLeast, lines: 4}
	if c.Address, err = f.bilevel("address", d.Address, address); err != nil {
		return ChipImages{}, err
	}
	if c.MyNumber, err = digits(d.MyNumber).png(); err != nil {
		return ChipImages{}, err
	}
	if c.SecurityCode, err = digits(d.SecurityCode).png(); err != nil {
		return ChipImages{}, err
	}
	if d.Photo != nil {
		if c.Photo, err = chipPhoto(d.Photo); err != nil {
			return ChipImages{}, err
		}
	}
	return c, nil
}

// bilevel draws a text as a 1-bit PNG with every stroke in it.
func (f *Fonts) bilevel(field, text string, m room) ([]byte, error) {
	glyphs, err := f.required(field, text)
	if err != nil {
		return nil, err
	}
	b, ok := m.fit(glyphs)
	if !ok {
		return nil, &OverflowError{Field: field, Remedy: "the chip's image has no more room; shorten it as the resident register permits"}
	}
	cover, fine := m.cover(b, 1), m.cover(b, fineness)
	for _, luma := range thresholds {
		if bits := threshold(cover, luma); strokesLost(fine, fineness, bits) == 0 {
			return bits.png()
		}
	}
	return nil, &StrokeError{field}
}

// cover is the ink of a text in its room, drawn k times as large.
func (m room) cover(b block, k int) *image.Alpha { return m.coverIn(m.box, b, k) }

// coverIn is the part of it in a rectangle.
func (m room) coverIn(r image.Rectangle, b block, k int) *image.Alpha {
	a := image.NewAlpha(image.Rectangle{r.Min.Mul(k), r.Max.Mul(k)})
	b.draw(&pen{dst: a, ink: image.Opaque}, m, k)
	return a
}

// required looks up a text that may not be empty.
func (f *Fonts) required(field, text string) ([]glyph, error) {
	glyphs, err := f.glyphs(field, text)
	if err == nil && len(trimSpaces(glyphs)) == 0 {
		err = &DataError{field, "it must not be empty", "complete the order"}
	}
	return glyphs, err
}
