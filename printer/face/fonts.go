package face

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"unicode"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
)

// DefaultFontPaths is where Debian's fonts-ipamj-mincho puts IPAmj Mincho, the
// font of the Moji_Joho collection. At 46 MB it is loaded, not embedded.
var DefaultFontPaths = []string{"/usr/share/fonts/truetype/ipamj/ipamjm.ttf"}

// Fonts is a list of fonts in order of preference, parsed once. All methods
// may be called at once from several goroutines.
type Fonts struct {
	list    []shapes
	paths   []string // of each in list
	grounds grounds
}

// shapes is one font of whatever format.
type shapes interface {
	// lookup finds exactly that base and selector, or reports false.
	lookup(c cluster) (font.GID, bool)
	glyph(c cluster, id font.GID) glyph
	// gaiji tells a font whose private-use codes are those of the residents' data.
	// In any other they are the maker's own, and mean nothing in a name.
	gaiji() bool
}

// typeface is one parsed font. Its faces are pooled, since a font.Face is for
// one goroutine and costs a megabyte of cache.
type typeface struct {
	font  *font.Font
	em    float32 // font units in one em
	faces sync.Pool
}

// parsed keeps the fonts of this process by path: IPAmj Mincho takes some 0.2 s
// and 100 MB.
var parsed struct {
	sync.Mutex
	byPath map[string]shapes
}

// LoadFonts parses font files (TrueType, OpenType, the first font of a collection,
// or BDF for 外字), in order of preference; without paths, [DefaultFontPaths]. A
// file is parsed once in a process, however often it is loaded.
func LoadFonts(paths ...string) (*Fonts, error) {
	if len(paths) == 0 {
		paths = DefaultFontPaths
	}
	f := &Fonts{}
	for _, path := range paths {
		t, err := loadShapes(path)
		if err != nil {
			return nil, fmt.Errorf("cannot load the font %s: %w; install the package fonts-ipamj-mincho or name a font file in the configuration", path, err)
		}
		f.list, f.paths = append(f.list, t), append(f.paths, path)
	}
	return f, nil
}

func loadShapes(path string) (shapes, error) {
	parsed.Lock()
	defer parsed.Unlock()
	if t, ok := parsed.byPath[path]; ok {
		return t, nil
	}
	t, err := parseShapes(path)
	if err != nil {
		return nil, err
	}
	if parsed.byPath == nil {
		parsed.byPath = map[string]shapes{}
	}
	parsed.byPath[path] = t
	return t, nil
}

// parseShapes tells the format by the file's first bytes.
func parseShapes(path string) (shapes, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read only
	head := make([]byte, len(bdfMagic))
	if _, err := file.ReadAt(head, 0); err == nil && bytes.Equal(head, bdfMagic) {
		raw, err := io.ReadAll(io.LimitReader(file, bdfBytesMost+1))
		if err != nil {
			return nil, err
		}
		return parseBDF(raw)
	}
	return parseTypeface(file)
}

func parseTypeface(file *os.File) (*typeface, error) {
	loaders, err := opentype.NewLoaders(file)
	if err != nil {
		return nil, err
	}
	if len(loaders) == 0 {
		return nil, errors.New("the collection is empty")
	}
	ft, err := font.NewFont(loaders[0])
	if err != nil {
		return nil, err
	}
	t := &typeface{font: ft, em: float32(ft.Upem())}
	t.faces.New = func() any { return font.NewFace(ft) }
	return t, nil
}

// glyph is one character ready to draw: its outline in font units, y upwards.
type glyph struct {
	cluster
	outline []font.Segment
	advance float32 // in em
	em      float32 // font units in one em
}

// isSpace tells a character that is rightly empty.
func (g glyph) isSpace() bool { return unicode.Is(unicode.Zs, g.base) }

// Check tells whether every character of a text can be printed exactly: its
// base glyph exists, and its base and variation selector, or a sequence known to
// have the very same shape, exist as a pair in one font. The first that cannot is a [*GlyphError]. An empty text passes; one
// far longer than any card has room for is an [*OverflowError].
func (f *Fonts) Check(field, text string) error {
	_, err := f.glyphs(field, text)
	return err
}

// glyphs looks every character up; field is for the error.
func (f *Fonts) glyphs(field, text string) ([]glyph, error) {
	cs, err := clusters(field, text)
	if err != nil {
		return nil, err
	}
	out := make([]glyph, len(cs))
	for i, c := range cs {
		g, why := f.glyph(c)
		if why != "" {
			return nil, &GlyphError{Field: field, Index: i + 1, CodePoints: c.codePoints(), Reason: why}
		}
		out[i] = g
	}
	return out, nil
}

// glyph takes the first font that has the cluster exactly, else the first that has
// the same shape under another selector.
func (f *Fonts) glyph(c cluster) (glyph, Reason) {
	g, why := f.exact(c)
	if same, ok := c.equal(); ok && why != "" {
		if other, why := f.exact(same); why == "" {
			other.cluster = c
			return other, ""
		}
	}
	return g, why
}

func (f *Fonts) exact(c cluster) (glyph, Reason) {
	_, g, why := f.holder(c)
	return g, why
}

// holder is the first font that has the cluster exactly, by its place in the list.
func (f *Fonts) holder(c cluster) (int, glyph, Reason) {
	private := unicode.Is(unicode.Co, c.base)
	why := NoGlyph
	switch {
	case private:
		why = PrivateUse
	case c.selector != 0:
		why = NoVariation
	}
	for i, t := range f.list {
		id, ok := t.lookup(c)
		if !ok || private && !t.gaiji() {
			continue
		}
		g := t.glyph(c, id)
		if len(g.outline) > 0 || g.isSpace() {
			return i, g, ""
		}
		why = EmptyGlyph
	}
	return -1, glyph{}, why
}

func (t *typeface) gaiji() bool { return false }

// lookup asks the cmap, and for a selector the exact pair in its format 14
// subtable. Glyph 0 is .notdef and never an answer.
func (t *typeface) lookup(c cluster) (font.GID, bool) {
	id, ok := t.font.NominalGlyph(c.base)
	if c.selector != 0 {
		id, ok = t.font.VariationGlyph(c.base, c.selector)
	}
	return id, ok && id != 0
}

func (t *typeface) glyph(c cluster, id font.GID) glyph {
	f := t.faces.Get().(*font.Face)
	defer t.faces.Put(f)
	outline, _ := f.GlyphDataOutline(id)
	return glyph{cluster: c, outline: outline.Segments, advance: f.HorizontalAdvance(id) / t.em, em: t.em}
}
