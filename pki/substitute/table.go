package substitute

import (
	_ "embed" // the data
	"fmt"
	"strconv"
	"strings"
	"sync"

	"jukicard/pki/substitute/mj"
)

//go:embed mj.dat
var file []byte

// table is the data, ready to be asked. Only a text with a character outside the
// repertoire has it made; that takes a tenth of a second and some 15 MB.
type table struct {
	header     mj.Header
	bySequence map[mj.Sequence]*mj.Glyph
	byJuki     map[mj.JukiCode]*mj.Glyph
}

var loaded = sync.OnceValue(func() *table {
	h, glyphs, err := mj.Decode(file)
	if err != nil {
		panic("internal error: the data built in are not those that were tested: " + err.Error())
	}
	t := &table{h, make(map[mj.Sequence]*mj.Glyph, len(glyphs)+len(glyphs)/4), map[mj.JukiCode]*mj.Glyph{}}
	for i := range glyphs {
		g := &glyphs[i]
		if g.Plain != 0 {
			t.bySequence[mj.Sequence{Base: g.Plain}] = g
		}
		for _, s := range g.Sequences {
			t.bySequence[s] = g
		}
		if g.Juki != 0 {
			t.byJuki[g.Juki] = g
		}
	}
	return t
})

// Data says which works the substitutes come from, whose they are and under which
// licence they are passed on.
func Data() mj.Header { return loaded().header }

// ParseJuki reads a code of 住基ネット統一文字 as it is written, J+ and four hexadecimal
// digits. Without its sign it is refused: it would be taken for Unicode.
func ParseJuki(s string) (mj.JukiCode, error) {
	digits, signed := strings.CutPrefix(s, "J+")
	v, err := strconv.ParseUint(digits, 16, 16)
	if !signed || err != nil || len(digits) != 4 {
		return 0, fmt.Errorf("cannot read a code of the resident register: it is J+ and four hexadecimal digits, such as J+845B")
	}
	return mj.JukiCode(v), nil
}

// Statistics counts what becomes of every glyph to which the register gives a code.
type Statistics struct {
	Glyphs  int // with a code
	Outcome map[Outcome]int
}

// InRepertoire is how many need no substitute, or are forms of a character in it.
func (s Statistics) InRepertoire() int { return s.Outcome[Same] + s.Outcome[Form] }

// Count looks every code of the register up.
func Count() Statistics {
	s := Statistics{Outcome: map[Outcome]int{}}
	for c := range loaded().byJuki {
		f, _ := OfJuki(c) // it is in the list: it came from there
		s.Outcome[f.Outcome]++
		s.Glyphs++
	}
	return s
}
