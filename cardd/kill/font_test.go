package kill

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/go-text/typesetting/font"

	"jukicard/printer/face"
)

// lighten keeps of a TrueType font the outlines of the characters that this order's
// card can need. Every life of a daemon that draws reads its font whole: the
// sixty thousand outlines nobody needs here would take a third of all the time. A character that is missing would be refused when the order is handed in.
func lighten(path string, texts ...string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	tables, err := tablesOf(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	keep, err := glyphs(b, texts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	tables["loca"], tables["glyf"] = outlines(tables, keep)
	return assemble(b[:tableHeader], tables), nil
}

// Of the table directory (ISO/IEC 14496-22:2019, 4.5).
const (
	tableHeader = 12
	tableEntry  = 16
)

func tablesOf(b []byte) (map[string][]byte, error) {
	tables := map[string][]byte{}
	for i := range int(binary.BigEndian.Uint16(b[4:])) {
		e := b[tableHeader+tableEntry*i:]
		at, n := binary.BigEndian.Uint32(e[8:]), binary.BigEndian.Uint32(e[12:])
		tables[string(e[:4])] = b[at : at+n]
	}
	if head := tables["head"]; len(head) < 54 || binary.BigEndian.Uint16(head[50:]) != 1 || tables["glyf"] == nil {
		return nil, errors.New("it has no outlines with long offsets")
	}
	return tables, nil
}

// glyphs are those of the texts, and of everything short and common.
func glyphs(b []byte, texts []string) (map[font.GID]bool, error) {
	f, err := font.ParseTTF(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	keep := map[font.GID]bool{}
	for _, t := range texts {
		for _, r := range t {
			if id, ok := f.NominalGlyph(r); ok {
				keep[id] = true
			}
		}
	}
	for r := rune(' '); r < 0x3100; r++ { // Latin, Greek, marks, kana
		if id, ok := f.NominalGlyph(r); ok {
			keep[id] = true
		}
	}
	return keep, nil
}

// outlines are loca and glyf with every other glyph empty (ISO/IEC 14496-22:2019,
// 5.3.3, 5.3.4: two equal offsets are a glyph without an outline).
func outlines(tables map[string][]byte, keep map[font.GID]bool) (loca, glyf []byte) {
	offset := func(i int) uint32 { return binary.BigEndian.Uint32(tables["loca"][4*i:]) }
	for i := range len(tables["loca"])/4 - 1 {
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		if keep[font.GID(i)] {
			glyf = padded(append(glyf, tables["glyf"][offset(i):offset(i+1)]...))
		}
	}
	return binary.BigEndian.AppendUint32(loca, uint32(len(glyf))), glyf
}

func padded(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }

// assemble writes a font of the same tables; checksums stay zero, which no reader of
// outlines looks at.
func assemble(header []byte, tables map[string][]byte) []byte {
	out := bytes.Clone(header)
	var body []byte
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		t := tables[name]
		out = append(out, name...)
		out = binary.BigEndian.AppendUint32(out, 0)
		out = binary.BigEndian.AppendUint32(out, uint32(tableHeader+tableEntry*len(tables)+len(body)))
		out = binary.BigEndian.AppendUint32(out, uint32(len(t)))
		body = padded(append(body, t...))
	}
	return append(out, body...)
}

// words are what a card's face says beside the order and the layout.
const words = "年月日まで有効明治大正昭和平成令和元男女顔認証"

// makeFont writes the font that cardd is told to use.
func makeFont(order []byte) error {
	b, err := lighten(face.DefaultFontPaths[0], string(order), fmt.Sprintf("%+v", *face.DefaultLayout), words)
	if err != nil {
		return err
	}
	return os.WriteFile(fontFile(), b, 0o600)
}
