package face

// Held says where the shape of a character comes from when it is printed.
type Held struct {
	Font string // path of the font file
	As   string // code points of the sequence whose shape is taken; the character's own, but where a font has the same shape under another selector
}

// Find tells which font prints a character: the first that has exactly that base and
// selector. The error is a [*GlyphError] about the character as the whole of field, as
// Check gives it; a text of no or several characters is refused with the reason that
// a font has no glyph for it.
func (f *Fonts) Find(field, character string) (Held, error) {
	cs, err := clusters(field, character)
	if err != nil {
		return Held{}, err
	}
	if len(cs) != 1 {
		return Held{}, &GlyphError{Field: field, Index: 1, Reason: NoGlyph}
	}
	c := cs[0]
	i, _, why := f.holder(c)
	if same, ok := c.equal(); ok && why != "" {
		if k, _, other := f.holder(same); other == "" {
			return Held{f.paths[k], same.codePoints()}, nil
		}
	}
	if why != "" {
		return Held{}, &GlyphError{Field: field, Index: 1, CodePoints: c.codePoints(), Reason: why}
	}
	return Held{f.paths[i], c.codePoints()}, nil
}
