package face

// equalShape says that two sequences, of two collections of the Ideographic Variation
// Database, show one and the same shape of a character. A font of the one collection
// can then print a name that is written with the other: what is on the card is what
// the register means. Nothing is in the table that was not seen and cited.
type equalShape struct {
	base      rune
	selectors [2]rune
	source    string
}

// equalShapes is the whole table. Each row was drawn from a font of either collection
// and looked at; a test draws them again and compares.
var equalShapes = []equalShape{
	{
		'葛', [2]rune{0xE0100, 0xE0102},
		"the form with ヒ, of 葛城市: Adobe-Japan1 E0100 in IPAex Mincho 004.01, Moji_Joho E0102 in IPAmj Mincho 005.01 (printers fact sheet, 3)",
	},
	{
		'葛', [2]rune{0xE0101, 0xE0103},
		"the form with 人, of 葛飾区, which is also that without a selector: Adobe-Japan1 E0101 in IPAex Mincho 004.01, Moji_Joho E0103 in IPAmj Mincho 005.01",
	},
}

// equal is the other sequence of the same shape.
func (c cluster) equal() (cluster, bool) {
	for _, e := range equalShapes {
		switch {
		case e.base != c.base:
		case e.selectors[0] == c.selector:
			return cluster{c.base, e.selectors[1]}, true
		case e.selectors[1] == c.selector:
			return cluster{c.base, e.selectors[0]}, true
		}
	}
	return cluster{}, false
}
