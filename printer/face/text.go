package face

import (
	"fmt"
	"image"
	"strings"
	"unicode"
)

// OverflowError is text that does not fit its place even at the smallest
// permitted size and with every permitted line. Nothing was cut.
type OverflowError struct {
	Field  string // for example "address"
	Remedy string
	Rule   string // what room there is, where more can be said than that it is too little

	Reissue bool // the remedy is the card's reissue: its 追記欄 is full
}

// Error names the field, the rule and the remedy.
func (e *OverflowError) Error() string {
	if e.Rule != "" {
		return fmt.Sprintf("cannot fit the %s: %s; %s", e.Field, e.Rule, e.Remedy)
	}
	return fmt.Sprintf("cannot fit the %s in its place at the smallest permitted size; %s", e.Field, e.Remedy)
}

// The em box of a Japanese font: the baseline stands 0.88 em below its top.
// Lines of one text are 1.2 em apart.
const (
	ascent = 0.88
	pitch  = 1.2
)

// room is the place for a text, in pixels: its box, the preferred and the
// smallest em size, and how many lines it may take.
type room struct {
	box         image.Rectangle
	size, least float32
	lines       int
	align       string  // "left", "center" or "right"
	top         bool    // set from the top of the box, else in its middle
	track       float32 // added between characters, in em
}

// block is a text that fits: its lines and their em size in pixels.
type block struct {
	lines [][]glyph
	size  float32
}

// fit shrinks the text down to the smallest size on one line, then does the
// same with one line more, and so on; at last it breaks lines anywhere. It
// reports false when that is not enough.
func (m room) fit(text []glyph) (block, bool) {
	for n := 1; n <= m.lines; n++ {
		for size := m.largest(n); size >= m.least; size = m.smaller(size) {
			if b := m.wrapped(text, size, breakBefore); len(b.lines) <= n {
				return b, true
			}
		}
	}
	for n := 1; n <= m.lines; n++ {
		if m.largest(n) < m.least {
			break
		}
		if b := m.wrapped(text, m.least, breakAnywhere); len(b.lines) <= n {
			return b, true
		}
	}
	return block{}, false
}

// largest is the em size at which so many lines fill the box.
func (m room) largest(lines int) float32 {
	return min(m.size, float32(m.box.Dy())/(1+float32(lines-1)*pitch))
}

// smaller is the next size to try; the smallest is tried too, then comes 0.
func (m room) smaller(size float32) float32 {
	if size == m.least {
		return 0
	}
	return max(size-0.5, m.least)
}

func (m room) wrapped(text []glyph, size float32, before breaker) block {
	return block{wrap(text, float32(m.box.Dx())/size, m.track, before), size}
}

// width is a line's length in em.
func width(line []glyph, track float32) float32 {
	var w float32
	for _, g := range line {
		w += g.advance + track
	}
	if len(line) > 0 {
		w -= track
	}
	return w
}

// breaker chooses where to break a text of which n characters fit on the line.
type breaker func(text []glyph, n int) int

func breakAnywhere(_ []glyph, n int) int { return n }

// wrap breaks a text into lines no longer than most em. Spaces at a break are
// not drawn; nothing else is left out.
func wrap(text []glyph, most, track float32, before breaker) [][]glyph {
	var lines [][]glyph
	text = trimSpaces(text)
	for len(text) > 0 {
		n := reach(text, most, track)
		if n < len(text) {
			n = before(text, n)
		}
		lines = append(lines, trimSpaces(text[:n]))
		text = trimSpaces(text[n:])
	}
	return lines
}

// reach is how many characters fit, at least one.
func reach(text []glyph, most, track float32) int {
	var w float32
	for i, g := range text {
		if w += g.advance; w > most+1e-4 && i > 0 && !g.isSpace() {
			return i
		}
		w += track
	}
	return len(text)
}

// breakBefore breaks at a space in the last third of the line if there is one,
// else in its latter half where Japanese and Latin custom allow, else anywhere.
func breakBefore(text []glyph, n int) int {
	for i := n; i > n*2/3 && i > 0; i-- {
		if text[i-1].isSpace() || text[i].isSpace() {
			return i
		}
	}
	for i := n; i > n/2; i-- {
		if mayBreak(text[i-1].base, text[i].base) {
			return i
		}
	}
	return n
}

// Characters that do not begin or end a line (JIS X 4051:2004, 行頭禁則 and
// 行末禁則; those that occur in names and addresses).
const (
	notFirst = "、。，．・）」』】〕］)]々ーゝゞヽヾぁぃぅぇぉっゃゅょァィゥェォッャュョ"
	notLast  = "（「『【〔［(["
)

func mayBreak(before, after rune) bool {
	if strings.ContainsRune(notFirst, after) || strings.ContainsRune(notLast, before) {
		return false
	}
	return !inWord(before) || !inWord(after)
}

// inWord tells characters that stay together: Latin words, house numbers such
// as 12-7 and １２－７.
func inWord(r rune) bool {
	return unicode.IsDigit(r) || unicode.In(r, unicode.Latin) || strings.ContainsRune("-－‐−'’.", r)
}

func trimSpaces(line []glyph) []glyph {
	for len(line) > 0 && line[0].isSpace() {
		line = line[1:]
	}
	for len(line) > 0 && line[len(line)-1].isSpace() {
		line = line[:len(line)-1]
	}
	return line
}

// draw sets the block in the room. Origins are whole pixels, so that the same character always looks the same. Drawing at
// scale k gives the same picture k times as large.
func (b block) draw(p *pen, m room, k int) {
	for i, line := range b.lines {
		y, x := b.baseline(m, i), m.start(width(line, m.track)*b.size)
		for _, g := range line {
			p.fill(g.outline, at(float32(k*floor(x+0.5)), float32(k*y), float32(k)*b.size, g))
			x += (g.advance + m.track) * b.size
		}
	}
}

// baseline is the y on which a line stands.
func (b block) baseline(m room, line int) int {
	top := float32(m.box.Min.Y)
	if !m.top {
		height := b.size * (1 + float32(len(b.lines)-1)*pitch)
		top += (float32(m.box.Dy()) - height) / 2
	}
	return floor(top + (float32(line)*pitch+ascent)*b.size + 0.5)
}

// extent is the part of the room in which the block's ink lies, with half an em
// around for glyphs that reach out of their box.
func (b block) extent(m room) image.Rectangle {
	var r image.Rectangle
	for i, line := range b.lines {
		w := width(line, m.track) * b.size
		x, y := m.start(w), b.baseline(m, i)
		r = r.Union(image.Rect(floor(x-b.size/2), floor(float32(y)-1.5*b.size), ceil(x+w+b.size/2), ceil(float32(y)+b.size)))
	}
	return r.Intersect(m.box)
}

// start is the x at which a line of that many pixels begins.
func (m room) start(length float32) float32 {
	slack := float32(m.box.Dx()) - length
	switch m.align {
	case "right":
		return float32(m.box.Max.X) - length
	case "center":
		return float32(m.box.Min.X) + slack/2
	}
	return float32(m.box.Min.X)
}
