package mj

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The file begins with lines of text, "name: value", after this first one; an empty
// line ends them. What follows is DEFLATE (RFC 1951) of columns of numbers, each a
// varint as in package encoding/binary. A column of like numbers shrinks better than
// a row of unlike ones, and signed differences better than code points.
const magic = "cardd-mj 1"

const (
	sizeBodyMax = 4 << 20 // bytes uncompressed; ours has some 0.6 MB
	glyphsMax   = 1 << 17
	runeMax     = 0x10FFFF
)

// Header is what the file says of itself.
type Header struct {
	Data    string // which works, in which versions
	Rights  string // whose they are
	Licence string // under which they may be passed on, and so this file
	Changes string // what was done to them
	From    string // where the extraction took them from, with the digest of that
}

func (h Header) lines() [][2]string {
	return [][2]string{{"data", h.Data}, {"rights", h.Rights}, {"licence", h.Licence}, {"changes", h.Changes}, {"from", h.From}}
}

// Encode writes a file. Glyphs stand in ascending order of Number. The same input
// gives the same bytes.
func Encode(h Header, glyphs []Glyph) ([]byte, error) {
	var head bytes.Buffer
	head.WriteString(magic + "\n")
	for _, l := range h.lines() {
		if l[1] == "" || strings.ContainsAny(l[1], "\r\n") {
			return nil, fmt.Errorf("cannot write the line %q of the header: it is one line of text", l[0])
		}
		fmt.Fprintf(&head, "%s: %s\n", l[0], l[1])
	}
	body, err := columns(glyphs)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	fmt.Fprintf(&head, "sha256: %x\n\n", sum)
	w, err := flate.NewWriter(&head, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return head.Bytes(), nil
}

// Decode reads a file. Any file that is not exactly as Encode writes it is an error;
// Decode never panics and takes a bounded amount of memory.
func Decode(file []byte) (Header, []Glyph, error) {
	h, sum, packed, err := header(file)
	if err != nil {
		return Header{}, nil, err
	}
	body, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), sizeBodyMax+1))
	if err != nil || len(body) > sizeBodyMax {
		return Header{}, nil, errors.New("cannot read the moji data: the packed part is damaged or too large")
	}
	if got := sha256.Sum256(body); hex.EncodeToString(got[:]) != sum {
		return Header{}, nil, errors.New("cannot read the moji data: its digest is another")
	}
	glyphs, err := rows(body)
	return h, glyphs, err
}

func header(file []byte) (h Header, sum string, rest []byte, err error) {
	values := []*string{&h.Data, &h.Rights, &h.Licence, &h.Changes, &h.From, &sum}
	names := []string{"data", "rights", "licence", "changes", "from", "sha256"}
	first, rest, ok := bytes.Cut(file, []byte("\n"))
	if !ok || string(first) != magic {
		return h, "", nil, errors.New("cannot read the moji data: it does not begin with " + magic)
	}
	for i, name := range names {
		var line []byte
		line, rest, ok = bytes.Cut(rest, []byte("\n"))
		value, named := strings.CutPrefix(string(line), name+": ")
		if !ok || !named || value == "" {
			return h, "", nil, fmt.Errorf("cannot read the moji data: its header has no line %q", name)
		}
		*values[i] = value
	}
	rest, ok = bytes.CutPrefix(rest, []byte("\n"))
	if !ok {
		return h, "", nil, errors.New("cannot read the moji data: its header does not end")
	}
	return h, sum, rest, nil
}

// The columns, in the order of the file.
const (
	colNumber = iota // difference from the row before
	colBase          // difference from the row before
	colMarks
	colPlain    // difference from Base
	colSequence // for each sequence: difference of its base from Base, then its selector
	colJuki     // difference from the last code
	colCandidate
	colSources
	colGrade
	columnCount
)

// Bits of colMarks; the number of sequences stands above them.
const (
	markPlain = 1 << iota
	markJuki
	marksBits = iota
)

func columns(glyphs []Glyph) ([]byte, error) {
	var c [columnCount][]byte
	add := func(column int, v int64) { c[column] = binary.AppendVarint(c[column], v) }
	var before Glyph
	var juki JukiCode
	for i := range glyphs {
		g := &glyphs[i]
		if i > 0 && g.Number <= before.Number {
			return nil, fmt.Errorf("cannot write %v after %v: glyphs stand in ascending order", g.Number, before.Number)
		}
		add(colNumber, int64(g.Number)-int64(before.Number))
		add(colBase, int64(g.Base)-int64(before.Base))
		marks := int64(len(g.Sequences)) << marksBits
		if g.Plain != 0 {
			marks |= markPlain
			add(colPlain, int64(g.Plain)-int64(g.Base))
		}
		if g.Juki != 0 {
			marks |= markJuki
			add(colJuki, int64(g.Juki)-int64(juki))
			juki = g.Juki
		}
		add(colMarks, marks)
		for _, s := range g.Sequences {
			add(colSequence, int64(s.Base)-int64(g.Base))
			add(colSequence, int64(s.Selector))
		}
		addCandidates(g, add)
		before = *g
	}
	out := binary.AppendUvarint(nil, uint64(len(glyphs)))
	for _, column := range c {
		out = append(binary.AppendUvarint(out, uint64(len(column))), column...)
	}
	return out, nil
}

func addCandidates(g *Glyph, add func(column int, v int64)) {
	add(colCandidate, int64(len(g.Candidates)))
	for _, c := range g.Candidates {
		add(colCandidate, int64(c.Char)-int64(g.Base))
		set := int64(0)
		for _, s := range c.Sources {
			set |= 1 << s.Table
			if s.Table.Graded() {
				add(colGrade, int64(s.Grade))
			}
		}
		add(colSources, set)
	}
}
