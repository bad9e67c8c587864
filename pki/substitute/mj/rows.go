package mj

import (
	"encoding/binary"
	"errors"
	"math"
)

var errRows = errors.New("cannot read the moji data: its columns contradict each other")

// Most that one glyph has; the data have 3 sequences and 8 candidates at the most.
const (
	sequencesMost  = 8
	candidatesMost = 32
)

// cursor takes numbers from columns. The first that is not there, or not in its
// bounds, fails it for good: what follows reads as zero and is thrown away.
type cursor struct {
	columns [columnCount][]byte
	failed  bool
}

// take is the next number of a column plus base, which must be least to most.
func (c *cursor) take(column int, base, least, most int64) int64 {
	v, n := binary.Varint(c.columns[column])
	if c.failed || n <= 0 || v < math.MinInt32 || v > math.MaxInt32 || base+v < least || base+v > most {
		c.failed = true
		return least
	}
	c.columns[column] = c.columns[column][n:]
	return base + v
}

func (c *cursor) char(column int, base rune, least int64) rune {
	return rune(c.take(column, int64(base), least, runeMax))
}

// rows rebuilds the glyphs from the body.
func rows(body []byte) ([]Glyph, error) {
	count, n := binary.Uvarint(body)
	if n <= 0 || count > glyphsMax {
		return nil, errRows
	}
	body = body[n:]
	var c cursor
	for i := range c.columns {
		size, n := binary.Uvarint(body)
		if n <= 0 || size > uint64(len(body)-n) {
			return nil, errRows
		}
		c.columns[i], body = body[n:n+int(size)], body[n+int(size):]
	}
	glyphs := make([]Glyph, count)
	var before Glyph
	var juki JukiCode
	for i := range glyphs {
		before, juki = c.glyph(before, juki)
		glyphs[i] = before
	}
	return glyphs, c.end(body)
}

// end wants everything used up.
func (c *cursor) end(rest []byte) error {
	for _, column := range c.columns {
		if len(column) > 0 {
			return errRows
		}
	}
	if c.failed || len(rest) > 0 {
		return errRows
	}
	return nil
}

func (c *cursor) glyph(before Glyph, juki JukiCode) (Glyph, JukiCode) {
	g := Glyph{
		Number: Number(c.take(colNumber, int64(before.Number), int64(before.Number)+1, math.MaxUint32>>1)),
		Base:   c.char(colBase, before.Base, 0),
	}
	marks := c.take(colMarks, 0, 0, sequencesMost<<marksBits|(1<<marksBits-1))
	if marks&markPlain != 0 {
		g.Plain = c.char(colPlain, g.Base, 1)
	}
	if marks&markJuki != 0 {
		g.Juki = JukiCode(c.take(colJuki, int64(juki), 1, math.MaxUint16))
		juki = g.Juki
	}
	for range marks >> marksBits {
		g.Sequences = append(g.Sequences, Sequence{c.char(colSequence, g.Base, 1), c.char(colSequence, 0, 1)})
	}
	for range c.take(colCandidate, 0, 0, candidatesMost) {
		g.Candidates = append(g.Candidates, c.candidate(g.Base))
	}
	return g, juki
}

func (c *cursor) candidate(base rune) Candidate {
	out := Candidate{Char: c.char(colCandidate, base, 1)}
	set := c.take(colSources, 0, 1, 1<<tables-1)
	for t := range tables {
		if set>>t&1 == 0 {
			continue
		}
		s := Source{Table: t}
		if t.Graded() {
			s.Grade = uint8(c.take(colGrade, 0, 1, math.MaxUint8))
		}
		out.Sources = append(out.Sources, s)
	}
	return out
}
