// Package sheet sets plain lines of text as a picture, for slip and page printers: their
// own characters know neither 外字 nor variants, so what is printed is always a picture.
//
// It leaves out the card's face, whose text is set by printer/face under stricter rules:
// nothing on a sheet is a resident's data.
package sheet

import (
	"fmt"
	"image"
	"image/draw"
	"os"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Style is how a sheet is set.
type Style struct {
	Font   string // font file, TrueType or OpenType
	Width  int    // dots of the sheet
	Height int    // dots; 0 is as long as the text
	Size   int    // dots of the em
	Margin int    // dots on each side
}

// Bounds of a sheet, in dots: an A4 page at 1200 dpi, and a slip of a metre.
const (
	widthMax  = 12_000
	heightMax = 16_000
)

// Draw sets lines in black on white, each broken where it is wider than the sheet. The
// error names what cannot be: a font that does not read, or text longer than the sheet.
func Draw(lines []string, s Style) (image.Image, error) {
	if s.Width < 1 || s.Width > widthMax || s.Height < 0 || s.Height > heightMax || s.Size < 8 || s.Margin < 0 || 2*s.Margin+s.Size > s.Width {
		return nil, fmt.Errorf("cannot draw a sheet of %d by %d dots with text of %d and a margin of %d", s.Width, s.Height, s.Size, s.Margin)
	}
	set, err := open(s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = set.Close() }()
	var rows []string
	for _, l := range lines {
		rows = append(rows, broken(set, l, fixed.I(s.Width-2*s.Margin))...)
	}
	lead := s.Size * 3 / 2
	height := 2*s.Margin + lead*len(rows)
	switch {
	case s.Height == 0 && height > heightMax:
		return nil, fmt.Errorf("cannot draw a sheet: %d lines are more than %d dots", len(rows), heightMax)
	case s.Height > 0 && height > s.Height:
		return nil, fmt.Errorf("cannot draw a sheet: %d lines do not fit into %d dots; choose smaller text", len(rows), s.Height)
	}
	side := image.NewGray(image.Rect(0, 0, s.Width, max(height, s.Height)))
	draw.Draw(side, side.Rect, image.White, image.Point{}, draw.Src)
	d := font.Drawer{Dst: side, Src: image.Black, Face: set}
	for i, row := range rows {
		d.Dot = fixed.P(s.Margin, s.Margin+lead*i+s.Size)
		d.DrawString(row)
	}
	return side, nil
}

func open(s Style) (font.Face, error) {
	raw, err := os.ReadFile(s.Font)
	if err != nil {
		return nil, fmt.Errorf("cannot read the font: %w", err)
	}
	all, err := opentype.ParseCollection(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot use the font %s: %w", s.Font, err)
	}
	first, err := all.Font(0)
	if err != nil {
		return nil, fmt.Errorf("cannot use the font %s: %w", s.Font, err)
	}
	return opentype.NewFace(first, &opentype.FaceOptions{Size: float64(s.Size), DPI: 72, Hinting: font.HintingFull})
}

// broken is a line in pieces that are no wider than most.
func broken(set font.Face, line string, most fixed.Int26_6) (rows []string) {
	var width fixed.Int26_6
	from := 0
	for i, r := range line {
		advance, _ := set.GlyphAdvance(r)
		if width+advance > most && i > from {
			rows, from, width = append(rows, line[from:i]), i, 0
		}
		width += advance
	}
	return append(rows, line[from:])
}
