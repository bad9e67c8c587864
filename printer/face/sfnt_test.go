package face

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// testFont is a TrueType font made for a test, to see which of several fonts a
// character is taken from: glyph 1 is a wide bar, 2 a tall bar, 3 empty.
type testFont struct {
	cmap     map[rune]uint16
	pairs    map[cluster]uint16 // format 14, non-default
	defaults []cluster          // format 14, default: the base's own glyph
}

const (
	glyphWide  = 1
	glyphTall  = 2
	glyphEmpty = 3
	glyphCount = 4
)

func (f testFont) write(t *testing.T) string {
	t.Helper()
	glyf, loca := testOutlines()
	hmtx := slices.Repeat(be(uint16(1000), uint16(0)), glyphCount)
	path := filepath.Join(t.TempDir(), "test.ttf")
	file := sfnt(map[string][]byte{
		"cmap": f.cmapTable(), "glyf": glyf, "loca": loca, "hmtx": hmtx,
		"head": be(uint32(0x10000), uint32(0), uint32(0), uint32(0x5F0F3CF5), uint16(0), uint16(1000), uint64(0), uint64(0), uint64(0), uint16(0), uint16(8), uint16(2), uint16(1), uint16(0)),
		"hhea": be(uint32(0x10000), uint16(880), uint16(0xFF88), uint16(0), uint16(1000), make([]uint16, 11), uint16(glyphCount)),
		"maxp": be(uint32(0x10000), uint16(glyphCount), make([]uint16, 13)),
	})
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func be(values ...any) []byte {
	var b []byte
	for _, v := range values {
		b, _ = binary.Append(b, binary.BigEndian, v)
	}
	return b
}

// testOutlines gives glyf and loca (long offsets).
func testOutlines() (glyf, loca []byte) {
	bar := func(w, h int16) []byte { // one contour of four on-curve points, 16-bit deltas
		return be(int16(1), int16(0), int16(0), w, h, uint16(3), uint16(0), []byte{1, 1, 1, 1}, []int16{0, w, 0, -w}, []int16{0, 0, h, 0})
	}
	glyphs := [glyphCount][]byte{glyphWide: bar(800, 100), glyphTall: bar(100, 800)}
	for _, g := range glyphs {
		loca = append(loca, be(uint32(len(glyf)))...)
		glyf = append(glyf, g...)
		glyf = append(glyf, make([]byte, -len(glyf)&3)...)
	}
	return glyf, append(loca, be(uint32(len(glyf)))...)
}

func (f testFont) cmapTable() []byte {
	groups, n := []byte(nil), 0
	for _, r := range sortedKeys(f.cmap) {
		groups = append(groups, be(uint32(r), uint32(r), uint32(f.cmap[r]))...)
		n++
	}
	format12 := append(be(uint16(12), uint16(0), uint32(16+len(groups)), uint32(0), uint32(n)), groups...)
	format14 := f.format14()
	const head = 4 + 2*8
	table := be(uint16(0), uint16(2), uint16(0), uint16(5), uint32(head), uint16(3), uint16(10), uint32(head+len(format14)))
	return slices.Concat(table, format14, format12)
}

// format14 writes one record for each selector.
func (f testFont) format14() []byte {
	selectors := map[rune]bool{}
	for c := range f.pairs {
		selectors[c.selector] = true
	}
	for _, c := range f.defaults {
		selectors[c.selector] = true
	}
	var records, tables []byte
	offset := uint32(10 + 11*len(selectors))
	for _, selector := range sortedKeys(selectors) {
		plain, other := f.uvs(selector)
		at := offset + uint32(len(tables))
		records = append(records, uint24(selector)...)
		records = append(records, be(at, at+uint32(len(plain)))...)
		tables = slices.Concat(tables, plain, other)
	}
	return slices.Concat(be(uint16(14), uint32(10+len(records)+len(tables)), uint32(len(selectors))), records, tables)
}

func (f testFont) uvs(selector rune) (plain, other []byte) {
	n := uint32(0)
	for _, c := range f.defaults {
		if c.selector == selector {
			plain, n = append(append(plain, uint24(c.base)...), 0), n+1
		}
	}
	m := uint32(0)
	for c, g := range f.pairs {
		if c.selector == selector {
			other, m = append(append(other, uint24(c.base)...), be(g)...), m+1
		}
	}
	return append(be(n), plain...), append(be(m), other...)
}

func uint24(r rune) []byte { return be(uint32(r))[1:] }

func sortedKeys[V any](m map[rune]V) []rune {
	var keys []rune
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func sfnt(tables map[string][]byte) []byte {
	var names []string
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	head := be(uint32(0x10000), uint16(len(names)), uint16(0), uint16(0), uint16(0))
	var body []byte
	for _, name := range names {
		at := 12 + 16*len(names) + len(body)
		head = append(head, be([]byte(name), uint32(0), uint32(at), uint32(len(tables[name])))...)
		body = append(body, tables[name]...)
		body = append(body, make([]byte, -len(body)&3)...)
	}
	return append(head, body...)
}
