// Package substitute finds 代替文字: what a certificate of the JPKI writes where name
// or address has a character that it cannot have.
//
// A certificate has the characters of JIS X 0208 and JIS X 0212. Any other is written
// as a predetermined substitute, else in kana, and its position is marked (issuance
// rules sheet, 6; the marks are otherNames .2 and .6 of the card fact sheet, 6.2). The
// official table of substitutes is not public. In its place stands the MJ縮退マップ of
// IPA, which is public and cites its authorities, and a rule that is ours: nobody's
// name is decided by a program.
//
//   - A character of the repertoire stays what it is. A character with a variation
//     selector is looked up as the glyph that the MJ文字情報一覧表 has for the pair;
//     where that is another form of a character of the repertoire, the character
//     stands for it and is marked.
//   - Where the map gives exactly one character of the repertoire, that is written
//     and marked.
//   - Where it gives several, a person chooses among them.
//   - Where it gives none, a person gives the reading in kana.
//
// The data are mj.dat, which the program extract makes; the file names its sources,
// rights and licence (CC BY-SA 2.1 JP), and so does [Data].
//
// What this package leaves out: who chose, and when (that is the order's), the 変体仮名
// and signs of the register, for which the list has no row, and what the official
// table says.
package substitute

import (
	"errors"
	"slices"
	"unicode"
	"unicode/utf8"

	"jukicard/pki"
	"jukicard/pki/substitute/mj"
)

// Outcome is what becomes of one character.
type Outcome uint8

// The outcomes.
const (
	Same    Outcome = iota // it is in the repertoire and stays
	Form                   // it is another form of a character of the repertoire
	One                    // the map gives exactly one substitute
	Several                // the map gives several: a person chooses
	None                   // the map gives none: a person gives the kana
	outcomes
)

// Outcomes are all outcomes, the best first.
func Outcomes() []Outcome { return []Outcome{Same, Form, One, Several, None} }

// String is a word for machines: same, form, one, several, none.
func (o Outcome) String() string {
	if o >= outcomes {
		return "?"
	}
	return [...]string{"same", "form", "one", "several", "none"}[o]
}

// Finding is what is known of one character. It shares the table's memory: do not
// change what it points to.
type Finding struct {
	Outcome    Outcome
	Written    rune           // what the certificate has; 0 for Several and None
	Glyphs     []*mj.Glyph    // the rows of the list; several where the list has no row for the bare character
	Candidates []mj.Candidate // those in the repertoire, the nearest authority first
	ideograph  bool
}

// Settled says whether no person is needed.
func (f Finding) Settled() bool { return f.Outcome <= One }

// Marked says whether the certificate marks the position as substituted.
func (f Finding) Marked() bool { return f.Outcome != Same }

// InRepertoire says whether a certificate can have r (see pki.InRepertoire, which
// takes the two standards from the tables of EUC-JP).
func InRepertoire(r rune) bool { return pki.InRepertoire(r) }

// Of looks a character of a text up.
func Of(s mj.Sequence) Finding {
	if s.Selector == 0 && InRepertoire(s.Base) {
		return Finding{Outcome: Same, Written: s.Base}
	}
	glyphs := loaded().of(s)
	switch {
	case len(glyphs) > 0 || s.Selector == 0:
	case InRepertoire(s.Base):
		// A sequence of another collection: whatever it shows, it is a form of its
		// base (UTS #37, 2).
		return Finding{Outcome: Form, Written: s.Base}
	default:
		return Of(mj.Sequence{Base: s.Base})
	}
	f := judge(glyphs)
	f.ideograph = unicode.Is(unicode.Han, s.Base)
	return f
}

// OfJuki looks a code of the resident register up; ok is false for a code that the
// list does not have, which is then not known, whatever Unicode has at that number.
func OfJuki(c mj.JukiCode) (f Finding, ok bool) {
	g, ok := loaded().byJuki[c]
	if !ok {
		return Finding{}, false
	}
	f = judge([]*mj.Glyph{g})
	f.ideograph = true
	return f, true
}

// judge decides over one glyph, or over the forms of a character together.
func judge(glyphs []*mj.Glyph) Finding {
	f := Finding{Outcome: None, Glyphs: glyphs}
	for _, g := range glyphs {
		for _, c := range g.Candidates {
			known := slices.ContainsFunc(f.Candidates, func(k mj.Candidate) bool { return k.Char == c.Char })
			if InRepertoire(c.Char) && !known {
				f.Candidates = append(f.Candidates, c)
			}
		}
	}
	one := len(glyphs) == 1
	switch {
	case one && glyphs[0].Plain != 0 && InRepertoire(glyphs[0].Plain):
		f.Outcome, f.Written = Same, glyphs[0].Plain
	case one && glyphs[0].Base != 0 && InRepertoire(glyphs[0].Base):
		f.Outcome, f.Written = Form, glyphs[0].Base
	case len(f.Candidates) == 1:
		f.Outcome, f.Written = One, f.Candidates[0].Char
	case len(f.Candidates) > 1:
		f.Outcome = Several
	}
	return f
}

// What is wrong with a choice.
var (
	ErrSettled   = errors.New("nothing is to be chosen here")
	ErrCandidate = errors.New("it is none of the candidates")
	ErrKana      = errors.New("it is not kana of JIS X 0208")
	ErrText      = errors.New("it is not text of JIS X 0208 and JIS X 0212")
)

// KanaMax is the most characters that stand for one; the longest reading of a kanji
// has some eight. Ours.
const KanaMax = 10

// CheckChoice judges what a person chose for a character: one of the candidates; where
// there is none, its reading in 1 to [KanaMax] kana, or, for what is no kanji and so
// has no reading, as many characters of the repertoire. The error is one of the four
// above.
func (f Finding) CheckChoice(choice string) error {
	n := utf8.RuneCountInString(choice)
	switch {
	case f.Settled():
		return ErrSettled
	case f.Outcome == Several:
		r, size := utf8.DecodeRuneInString(choice)
		if size != len(choice) || !slices.ContainsFunc(f.Candidates, func(c mj.Candidate) bool { return c.Char == r }) {
			return ErrCandidate
		}
	case f.ideograph && (n == 0 || n > KanaMax || !only(choice, isKana)):
		return ErrKana
	case n == 0 || n > KanaMax || !only(choice, InRepertoire):
		return ErrText
	}
	return nil
}

func only(s string, ok func(rune) bool) bool {
	for _, r := range s {
		if !ok(r) {
			return false
		}
	}
	return true
}

// isKana tells the full-width kana of JIS X 0208, rows 4 and 5, and the mark of a long
// vowel.
func isKana(r rune) bool {
	return r >= 'ぁ' && r <= 'ん' || r >= 'ァ' && r <= 'ヶ' || r == 'ー'
}
