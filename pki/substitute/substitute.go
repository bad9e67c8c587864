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
	Glyph      *mj.Glyph      // the row of the list; nil where it has none, and for what stays without being looked up
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
	ideograph := unicode.Is(unicode.Han, s.Base)
	switch g := loaded().bySequence[s]; {
	case g != nil:
		return judge(g)
	case s.Selector == 0:
		return Finding{Outcome: None, ideograph: ideograph}
	case InRepertoire(s.Base):
		// A sequence of another collection: whatever it shows, it is a form of its
		// base (UTS #37, 2).
		return Finding{Outcome: Form, Written: s.Base}
	default:
		return Of(mj.Sequence{Base: s.Base})
	}
}

// OfJuki looks a code of the resident register up; ok is false for a code that the
// list does not have, which is then not known, whatever Unicode has at that number.
func OfJuki(c mj.JukiCode) (f Finding, ok bool) {
	g, ok := loaded().byJuki[c]
	if !ok {
		return Finding{}, false
	}
	return judge(g), true
}

// judge decides over a glyph. What it is a form of is what the list says, which need
// not be the base of its sequence: 博 with U+E010A is a form of U+2B9E4.
func judge(g *mj.Glyph) Finding {
	f := Finding{Outcome: None, Glyph: g, ideograph: true}
	for _, c := range g.Candidates {
		if InRepertoire(c.Char) {
			f.Candidates = append(f.Candidates, c)
		}
	}
	switch {
	case g.Plain != 0 && InRepertoire(g.Plain):
		f.Outcome, f.Written = Same, g.Plain
	case g.Base != 0 && InRepertoire(g.Base):
		f.Outcome, f.Written = Form, g.Base
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
