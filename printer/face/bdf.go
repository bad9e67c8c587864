package face

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
)

// The limits of a BDF file. Vendors deliver some hundred 外字 at 24 to 96 pixels.
const (
	bdfBytesMost  = 32 << 20
	bdfGlyphsMost = 1 << 16
	bdfSideMost   = 512 // pixels of a glyph's side
)

// bitmapFont is a face of 1-bit glyphs in Adobe's Glyph Bitmap Distribution Format
// (BDF, version 2.1 and 2.2), in which municipalities get their 外字 (rules sheet,
// 4.1). A glyph becomes an outline of its pixels' runs, so it is scaled by area like
// every other and is proven stroke by stroke when it is drawn. Its characters are in
// the private-use area of Unicode, or anywhere in it; it knows no selectors.
type bitmapFont struct {
	em     float32 // pixels in one em
	byRune map[rune]font.GID
	glyphs []bitmapGlyph
}

// bitmapGlyph is kept as bits: its outline can be some hundred times as large.
type bitmapGlyph struct {
	rows      [][]byte
	w         int
	left, top float32 // of the first row, in pixels from the origin
	advance   float32 // in pixels
}

func (f *bitmapFont) gaiji() bool { return true }

func (f *bitmapFont) lookup(c cluster) (font.GID, bool) {
	id, ok := f.byRune[c.base]
	return id, ok && c.selector == 0
}

func (f *bitmapFont) glyph(c cluster, id font.GID) glyph {
	g := f.glyphs[id]
	var outline []font.Segment
	for y, row := range g.rows {
		outline = appendRuns(outline, row, g.w, g.left, g.top-float32(y))
	}
	return glyph{cluster: c, outline: outline, advance: g.advance / f.em, em: f.em}
}

// bdfMagic begins every BDF file.
var bdfMagic = []byte("STARTFONT ")

// parseBDF reads a BDF file whose characters are numbered by Unicode. The error tells
// the line.
func parseBDF(raw []byte) (*bitmapFont, error) {
	if len(raw) > bdfBytesMost {
		return nil, fmt.Errorf("a BDF file must be at most %d bytes", bdfBytesMost)
	}
	p := &bdfParser{rest: raw, font: &bitmapFont{byRune: map[rune]font.GID{}}}
	if err := p.file(); err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return p.font, nil
}

// bdfParser reads line by line.
type bdfParser struct {
	rest            []byte
	line            int
	font            *bitmapFont
	ascent, descent int // of the em box in pixels; -1 when the head does not say
	registry        string
}

// next is the next line's keyword and what follows it; comments and empty lines are
// passed over. At the end of the file the keyword is "".
func (p *bdfParser) next() (keyword, value string) {
	for len(p.rest) > 0 {
		line, rest, _ := bytes.Cut(p.rest, []byte{'\n'})
		p.rest = rest
		p.line++
		keyword, value, _ = strings.Cut(strings.TrimSpace(string(line)), " ")
		if keyword != "" && keyword != "COMMENT" {
			return keyword, strings.TrimSpace(value)
		}
	}
	return "", ""
}

// file reads the head and then every glyph.
func (p *bdfParser) file() error {
	if keyword, version := p.next(); keyword != "STARTFONT" || version != "2.1" && version != "2.2" {
		return errors.New("want STARTFONT 2.1 or 2.2")
	}
	if err := p.head(); err != nil {
		return err
	}
	for {
		switch keyword, _ := p.next(); keyword {
		case "STARTCHAR":
			if err := p.char(); err != nil {
				return err
			}
		case "ENDFONT":
			if len(p.font.byRune) == 0 {
				return errors.New("it holds no character with a Unicode number")
			}
			return nil
		case "":
			return errors.New("the file ends before ENDFONT")
		default:
			return errors.New("want STARTCHAR or ENDFONT")
		}
	}
}

// head reads the global part, up to CHARS.
func (p *bdfParser) head() error {
	p.ascent, p.descent = -1, -1
	var box []int
	for {
		keyword, value := p.next()
		var err error
		switch keyword {
		case "FONTBOUNDINGBOX":
			box, err = boundingBox(value)
		case "FONT_ASCENT":
			p.ascent, err = height(keyword, value)
		case "FONT_DESCENT":
			p.descent, err = height(keyword, value)
		case "CHARSET_REGISTRY":
			p.registry = strings.ToUpper(strings.Trim(value, `"`))
		case "CHARS":
			return p.headEnd(value, box)
		case "":
			err = errors.New("the file ends before CHARS")
		}
		if err != nil {
			return err
		}
	}
}

func boundingBox(value string) ([]int, error) {
	n, ok := integers(value, 4)
	if !ok || n[0] < 1 || n[1] < 1 || n[0] > bdfSideMost || n[1] > bdfSideMost || max(n[3], -n[3]) > bdfSideMost {
		return nil, fmt.Errorf("FONTBOUNDINGBOX must be four numbers, sides of 1 to %d pixels", bdfSideMost)
	}
	return n, nil
}

func height(keyword, value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > bdfSideMost {
		return 0, fmt.Errorf("%s must be 0 to %d pixels", keyword, bdfSideMost)
	}
	return n, nil
}

// headEnd settles the em box: from ascent to descent, or else the box that holds
// every glyph.
func (p *bdfParser) headEnd(chars string, box []int) error {
	n, err := strconv.Atoi(chars)
	switch {
	case err != nil || n < 1 || n > bdfGlyphsMost:
		return fmt.Errorf("CHARS must be 1 to %d", bdfGlyphsMost)
	case box == nil:
		return errors.New("FONTBOUNDINGBOX is missing")
	case p.registry != "ISO10646":
		return errors.New("CHARSET_REGISTRY must be \"ISO10646\": numbers of another character set name no character here; have the file converted to Unicode, 外字 in the private-use area")
	}
	if p.ascent < 0 || p.descent < 0 || p.ascent+p.descent == 0 {
		p.ascent, p.descent = box[1]+box[3], -box[3]
	}
	p.font.em = float32(p.ascent + p.descent)
	return nil
}

// bdfChar is a glyph being read.
type bdfChar struct {
	encoding   int
	width      int
	w, h, x, y int
	boxed      bool
}

// char reads one glyph, from after STARTCHAR to ENDCHAR.
func (p *bdfParser) char() error {
	c := bdfChar{encoding: -1, width: -1}
	for {
		keyword, value := p.next()
		switch keyword {
		case "ENCODING":
			first, _, _ := strings.Cut(value, " ") // after -1 a number of the font's own may follow
			n, err := strconv.Atoi(first)
			if err != nil || n < -1 || n > 0x10FFFF {
				return errors.New("ENCODING must be a Unicode number or -1")
			}
			c.encoding = n
		case "DWIDTH":
			n, ok := integers(value, 2)
			if !ok || n[0] < 0 || n[0] > 2*bdfSideMost {
				return errors.New("DWIDTH must be two numbers, the first a width in pixels")
			}
			c.width = n[0]
		case "BBX":
			if err := c.box(value); err != nil {
				return err
			}
		case "BITMAP":
			return p.bitmap(c)
		case "", "ENDCHAR", "STARTCHAR", "ENDFONT":
			return errors.New("a character has no BITMAP")
		}
	}
}

func (c *bdfChar) box(value string) error {
	n, ok := integers(value, 4)
	far := func(v int) bool { return v < -bdfSideMost || v > bdfSideMost }
	if !ok || n[0] < 0 || n[1] < 0 || n[0] > bdfSideMost || n[1] > bdfSideMost || far(n[2]) || far(n[3]) {
		return fmt.Errorf("BBX must be four numbers, sides of 0 to %d pixels", bdfSideMost)
	}
	c.w, c.h, c.x, c.y, c.boxed = n[0], n[1], n[2], n[3], true
	return nil
}

// bitmap reads the rows and keeps the glyph, where it has a Unicode number.
func (p *bdfParser) bitmap(c bdfChar) error {
	if !c.boxed || c.width < 0 {
		return errors.New("a character needs BBX and DWIDTH before BITMAP")
	}
	g := bitmapGlyph{w: c.w, left: float32(c.x), top: float32(c.y + c.h), advance: float32(c.width)}
	for range c.h {
		keyword, value := p.next()
		row, ok := hexRow(keyword, c.w)
		if !ok || value != "" {
			return fmt.Errorf("a row of BITMAP must be %d hexadecimal digits", 2*((c.w+7)/8))
		}
		g.rows = append(g.rows, row)
	}
	if keyword, _ := p.next(); keyword != "ENDCHAR" {
		return errors.New("want ENDCHAR after the rows of BITMAP")
	}
	return p.keep(c.encoding, g)
}

func (p *bdfParser) keep(encoding int, g bitmapGlyph) error {
	if encoding < 0 {
		return nil
	}
	if _, twice := p.font.byRune[rune(encoding)]; twice {
		return errors.New("a character is there twice")
	}
	if len(p.font.glyphs) == bdfGlyphsMost {
		return fmt.Errorf("there are more than %d characters", bdfGlyphsMost)
	}
	p.font.byRune[rune(encoding)] = font.GID(len(p.font.glyphs))
	p.font.glyphs = append(p.font.glyphs, g)
	return nil
}

// hexRow decodes a row of w pixels, padded to whole bytes.
func hexRow(s string, w int) ([]byte, bool) {
	row := make([]byte, (w+7)/8)
	if len(s) != 2*len(row) {
		return nil, false
	}
	for i := range row {
		v, err := strconv.ParseUint(s[2*i:2*i+2], 16, 8)
		if err != nil {
			return nil, false
		}
		row[i] = byte(v)
	}
	return row, true
}

// appendRuns adds a rectangle for every run of black pixels, all turning the same way
// round so that neighbours add up.
func appendRuns(out []font.Segment, row []byte, w int, left, top float32) []font.Segment {
	black := func(x int) bool { return x < w && row[x/8]&(0x80>>(x%8)) != 0 }
	for x := 0; x < w; x++ {
		if !black(x) {
			continue
		}
		from := x
		for black(x) {
			x++
		}
		x0, x1 := left+float32(from), left+float32(x)
		for i, corner := range [4][2]float32{{x0, top}, {x1, top}, {x1, top - 1}, {x0, top - 1}} {
			s := font.Segment{Op: opentype.SegmentOpLineTo}
			if i == 0 {
				s.Op = opentype.SegmentOpMoveTo
			}
			s.Args[0] = opentype.SegmentPoint{X: corner[0], Y: corner[1]}
			out = append(out, s)
		}
	}
	return out
}

// integers reads exactly n whole numbers.
func integers(s string, n int) ([]int, bool) {
	words := strings.Fields(s)
	if len(words) != n {
		return nil, false
	}
	out := make([]int, n)
	for i, word := range words {
		v, err := strconv.Atoi(word)
		if err != nil {
			return nil, false
		}
		out[i] = v
	}
	return out, true
}
