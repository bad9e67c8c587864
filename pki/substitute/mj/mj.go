// Package mj is the file in which this module carries two works of IPA: the columns
// of the MJ文字情報一覧表 (list of MJ characters) that say how a glyph is written in
// Unicode and which code the resident register gives it, and the MJ縮退マップ (shrink
// map), which says what stands in its place.
//
// It is the form of the file and nothing else. What a certificate makes of a glyph is
// package substitute; where the file comes from is its program extract. Left out of
// the file are readings, radicals, dictionaries and the 変体仮名, which have no code of
// the register here.
package mj

import "fmt"

// Number is the number of an MJ文字図形名: 22335 is MJ022335.
type Number uint32

// String is the name as the list writes it.
func (n Number) String() string { return fmt.Sprintf("MJ%06d", uint32(n)) }

// JukiCode is a code of 住基ネット統一文字, written J+845B. It is no UTF-16 code unit
// and no code point, whatever it looks like: J+845B is the form of 葛 with ヒ, and the
// character that Unicode has at U+845B is J+B9D5. 5,791 of 21,170 differ from Unicode
// (issuance rules sheet, 5.5). So it is a type of its own, and becomes text only
// through a glyph of the list.
type JukiCode uint16

// String is the code with its sign, J+845B.
func (c JukiCode) String() string { return fmt.Sprintf("J+%04X", uint16(c)) }

// Sequence is a character and, perhaps, the variation selector that chooses among
// its forms.
type Sequence struct {
	Base     rune
	Selector rune // 0 for none
}

// String is the sequence as text.
func (s Sequence) String() string {
	if s.Selector == 0 {
		return string(s.Base)
	}
	return string([]rune{s.Base, s.Selector})
}

// CodePoints is the sequence as Unicode writes it, "U+845B U+E0102".
func (s Sequence) CodePoints() string {
	if s.Selector == 0 {
		return fmt.Sprintf("U+%04X", s.Base)
	}
	return fmt.Sprintf("U+%04X U+%04X", s.Base, s.Selector)
}

// Table is one of the shrink map's tables, by the authority that a substitute has.
type Table uint8

// The tables of MJ縮退マップ Ver.1.2.0, as its documentation lists them.
const (
	JISUnification     Table = iota // JIS包摂規準・UCS統合規則
	Notice582One                    // 法務省告示582号 別表第四 一, with a rank
	Notice582Two                    // 法務省告示582号 別表第四 二, with a rank
	KosekiParent                    // 戸籍統一文字情報 親字・正字, with a number of hops
	Circular2842Vulgar              // 民一2842号通達別表 誤字俗字・正字一覧表 俗字
	Circular2842Other               // 同 別字
	Circular2842Plain               // 同 無印
	Circular5202                    // 民二5202号通知別表 正字・俗字等対照表
	Resemblance                     // 読み・字形による類推
	Dictionaries                    // 辞書類等による関連字
	tables
)

// Tables is how many there are.
const Tables = int(tables)

var tableNames = [Tables]string{
	"JIS包摂規準UCS統合規則", "法務省告示582号別表第四_一", "法務省告示582号別表第四_二", "戸籍統一文字情報_親字正字",
	"民一2842号通達別表_誤字俗字正字一覧表_俗字", "民一2842号通達別表_誤字俗字正字一覧表_別字",
	"民一2842号通達別表_誤字俗字正字一覧表_無印", "民二5202号通知別表_正字俗字等対照表",
	"読み字形による類推", "辞書類等による関連字",
}

// String is the table's name in the data, which is its citation.
func (t Table) String() string {
	if int(t) >= Tables {
		return "?"
	}
	return tableNames[t]
}

// Graded says whether the table gives a rank or a number of hops.
func (t Table) Graded() bool { return t == Notice582One || t == Notice582Two || t == KosekiParent }

// Source is a table that gives a substitute, and how far away it stands there.
type Source struct {
	Table Table
	Grade uint8 // 順位 or ホップ数, from 1; 0 in a table without
}

// Candidate is a character that the shrink map gives for a glyph.
type Candidate struct {
	Char    rune
	Sources []Source // at least one, in the order of the tables
}

// Glyph is one row of the list.
type Glyph struct {
	Number     Number
	Base       rune       // 対応するUCS: the character it is a form of; 0 for a glyph without
	Plain      rune       // 実装したUCS: the character that without a selector is this very glyph: Base, a compatibility ideograph, or 0
	Sequences  []Sequence // every sequence with a selector that is this glyph: Moji_Joho IVS first, then SVS
	Juki       JukiCode   // 0 for a glyph that the register does not have
	Candidates []Candidate
}

// Text is the glyph in Unicode: its character alone where that is enough, else its
// first sequence; ok is false for the few that Unicode cannot write.
func (g *Glyph) Text() (s Sequence, ok bool) {
	switch {
	case g.Plain != 0:
		return Sequence{Base: g.Plain}, true
	case len(g.Sequences) > 0:
		return g.Sequences[0], true
	}
	return Sequence{}, false
}
