package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"jukicard/pki/substitute"
	"jukicard/pki/substitute/mj"
	"jukicard/printer/face"
)

const mojiCheckLong = `Shows each character of a text: which font prints it on the face, what a certificate has
in its place (代替文字), and which candidates there are and where they come from. A
variation selector belongs to the character before it.

TEXT is a text, or codes of 住基ネット統一文字 such as J+845B with spaces between. Such a
code is looked up in the list of MJ characters and never taken for Unicode. With - the
text is read from standard input, so that no name stands in the shell's history.

The substitutes are those of the MJ shrink map of IPA (MJ縮退マップ, CC BY-SA 2.1 JP); the
official table is not public. Only a single candidate is taken without a person.`

const mojiStatsLong = `Looks every glyph up that has a code of 住基ネット統一文字, and counts what a certificate
has in its place.`

func (a *app) mojiCommand() *cobra.Command {
	c := group("moji", "Look at characters: the face's font, the certificate's form")
	c.AddCommand(
		&cobra.Command{
			Use: "check TEXT", Short: "Show how each character is printed and certified", Long: mojiCheckLong,
			Example: "  cardctl moji check 髙橋\n  cardctl moji check 'J+845B J+B9D5'\n  cardctl moji check - < name.txt",
			Args:    cobra.ExactArgs(1),
			RunE:    func(_ *cobra.Command, args []string) error { return a.mojiCheck(args[0]) },
		},
		&cobra.Command{
			Use: "stats", Short: "Count what becomes of every glyph of the resident register", Long: mojiStatsLong,
			Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { a.mojiStats(); return nil },
		})
	return c
}

// written is one character as it is shown.
type written struct {
	Place      int         `json:"place"`
	Character  string      `json:"character"`
	CodePoints string      `json:"code_points"`
	MJ         string      `json:"mj,omitempty"`   // its row in the list of MJ characters
	Juki       string      `json:"juki,omitempty"` // its code in the resident register
	Font       string      `json:"font,omitempty"`
	PrintedAs  string      `json:"printed_as,omitempty"` // another sequence with the same shape
	FontError  string      `json:"font_error,omitempty"`
	Outcome    string      `json:"outcome"` // same, form, one, several, none
	Writes     string      `json:"certificate,omitempty"`
	Marked     bool        `json:"marked"`
	Candidates []candidate `json:"candidates,omitempty"`

	outcome substitute.Outcome
}

type candidate struct {
	Character  string   `json:"character"`
	CodePoints string   `json:"code_points"`
	Sources    []source `json:"sources"`
}

type source struct {
	Table string `json:"table"`
	Grade int    `json:"grade,omitempty"` // rank or hops, where the table has them
}

// checked is the whole answer. Certificate and Marks are empty where a person must
// choose.
type checked struct {
	Characters  []written `json:"characters"`
	Certificate string    `json:"certificate,omitempty"`
	Marks       string    `json:"marks,omitempty"`
	Open        []int     `json:"open,omitempty"` // places where a person must choose
	Data        string    `json:"data"`
	Licence     string    `json:"licence"`
}

// mojiTextMax bounds what is read from standard input, in bytes.
const mojiTextMax = 4096

func (a *app) mojiCheck(text string) error {
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(bufio.NewReader(a.in), mojiTextMax+1))
		if err != nil {
			return fmt.Errorf("cannot read the text: %w", err)
		}
		text = strings.TrimRight(string(b), "\r\n")
	}
	if text == "" || len(text) > mojiTextMax {
		return refused(fmt.Errorf("cannot check the text: it has 1 to %d bytes", mojiTextMax))
	}
	all, err := looked(text)
	if err != nil {
		return refused(err)
	}
	data := substitute.Data()
	c := checked{Characters: all, Data: data.Data, Licence: data.Rights + "; " + data.Licence}
	c.add(previewFonts())
	if a.json {
		a.printJSON(c)
		return nil
	}
	a.showMoji(c)
	return nil
}

// looked looks up each character of a text, or each code.
func looked(text string) (all []written, err error) {
	if !strings.HasPrefix(text, "J+") {
		for place, s := range substitute.Characters(text) {
			all = append(all, writtenOf(place, s, substitute.Of(s)))
		}
		return all, nil
	}
	for i, word := range strings.Fields(text) {
		code, err := substitute.ParseJuki(word)
		if err != nil {
			return nil, err
		}
		f, ok := substitute.OfJuki(code)
		if !ok {
			return nil, fmt.Errorf("cannot look up %v: the list of MJ characters has no glyph with this code, and what Unicode has at the number is something else", code)
		}
		s, ok := f.Glyph.Text()
		if !ok {
			return nil, fmt.Errorf("cannot show %v: its glyph %v has no form in Unicode", code, f.Glyph.Number)
		}
		all = append(all, writtenOf(i+1, s, f))
	}
	return all, nil
}

func writtenOf(place int, s mj.Sequence, f substitute.Finding) written {
	w := written{Place: place, Character: s.String(), CodePoints: s.CodePoints(), Outcome: f.Outcome.String(), Marked: f.Marked(), outcome: f.Outcome}
	if f.Settled() {
		w.Writes = string(f.Written)
	}
	if g := f.Glyph; g != nil {
		w.MJ = g.Number.String()
		if g.Juki != 0 {
			w.Juki = g.Juki.String()
		}
	}
	for _, c := range f.Candidates {
		one := candidate{Character: string(c.Char), CodePoints: mj.Sequence{Base: c.Char}.CodePoints()}
		for _, s := range c.Sources {
			one.Sources = append(one.Sources, source{s.Table.String(), int(s.Grade)})
		}
		w.Candidates = append(w.Candidates, one)
	}
	return w
}

// add says of each character which font prints it, and what the certificate has in all.
// Without fonts the rest is still true.
func (c *checked) add(fonts *face.Fonts, missing error) {
	for i := range c.Characters {
		w := &c.Characters[i]
		if missing != nil {
			w.FontError = missing.Error()
		} else if held, err := fonts.Find("text", w.Character); err != nil {
			w.FontError = glyphReason(err)
		} else {
			w.Font = held.Font
			if held.As != w.CodePoints {
				w.PrintedAs = held.As
			}
		}
		mark := "0"
		if w.Marked {
			mark = "1"
		}
		c.Certificate += w.Writes
		c.Marks += mark
		if w.Writes == "" {
			c.Open = append(c.Open, w.Place)
		}
	}
	if len(c.Open) > 0 {
		c.Certificate, c.Marks = "", ""
	}
}

func glyphReason(err error) string {
	var g *face.GlyphError
	if errors.As(err, &g) {
		return string(g.Reason)
	}
	return err.Error()
}

// showMoji shows the answer as text.
func (a *app) showMoji(c checked) {
	for _, w := range c.Characters {
		a.printf("%s\n", strings.TrimRight(fmt.Sprintf("%d  %s  %s  %s %s", w.Place, w.Character, w.CodePoints, w.MJ, w.Juki), " "))
		a.printf("   %s  %s\n", a.in2("face:       ", "券面:  "), a.fontOf(w))
		a.printf("   %s  %s\n", a.in2("certificate:", "証明書:"), a.formOf(w))
		if w.outcome == substitute.Same {
			continue
		}
		for _, one := range w.Candidates {
			a.printf("   %s  %s %s  %s\n", a.in2("candidate:  ", "候補:  "), one.Character, one.CodePoints, sourcesOf(one))
		}
	}
	if len(c.Open) > 0 {
		a.printf("%s\n", a.in2(fmt.Sprintf("A person must choose at %v; the order records what, who and when.", c.Open),
			fmt.Sprintf("%v文字目は人が選びます。何を、誰が、いつ選んだかを申請に記録してください。", c.Open)))
	} else {
		a.printf("%s %s  %s\n", a.in2("In the certificate:", "電子証明書:"), c.Certificate, c.Marks)
	}
	a.printf("%s %s; %s\n", a.in2("Candidates:", "候補の出典:"), c.Data, c.Licence)
}

func (a *app) fontOf(w written) string {
	switch {
	case w.FontError != "":
		return a.in2("cannot be printed: ", "印字できません: ") + w.FontError
	case w.PrintedAs != "":
		return w.Font + a.in2(", the same shape as ", " (同形: ") + w.PrintedAs + a.in2("", ")")
	}
	return w.Font
}

func (a *app) formOf(w written) string {
	switch w.outcome {
	case substitute.Same:
		return w.Writes + a.in2("  as it is", "  そのまま")
	case substitute.Form:
		return w.Writes + a.in2("  marked 1: another form of this character", "  代替文字(1): この文字の異なる字形")
	case substitute.One:
		return w.Writes + a.in2("  marked 1: the only candidate", "  代替文字(1): 候補は一つ")
	case substitute.Several:
		return a.in2("a person chooses among the candidates", "候補から人が選びます")
	}
	return a.in2("no candidate: a person gives the reading in kana", "候補なし: 読みを仮名で記載します")
}

func sourcesOf(c candidate) string {
	var out []string
	for _, s := range c.Sources {
		text := s.Table
		if s.Grade > 0 {
			text += fmt.Sprintf(" (%d)", s.Grade)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// counted is the answer of stats.
type counted struct {
	Glyphs       int    `json:"glyphs"`
	InRepertoire int    `json:"in_repertoire"` // same and form
	Same         int    `json:"same"`
	Form         int    `json:"form"`
	One          int    `json:"one"`
	Several      int    `json:"several"`
	None         int    `json:"none"`
	Data         string `json:"data"`
	Licence      string `json:"licence"`
}

func (a *app) mojiStats() {
	s, data := substitute.Count(), substitute.Data()
	c := counted{
		s.Glyphs, s.InRepertoire(), s.Outcome[substitute.Same], s.Outcome[substitute.Form], s.Outcome[substitute.One],
		s.Outcome[substitute.Several], s.Outcome[substitute.None], data.Data, data.Rights + "; " + data.Licence,
	}
	if a.json {
		a.printJSON(c)
		return
	}
	for _, row := range []struct {
		n      int
		en, ja string
	}{
		{c.Glyphs, "glyphs with a code of the resident register", "住基ネット統一文字コードのある文字図形"},
		{c.InRepertoire, "in the repertoire of certificates, of which", "証明書で使える文字。うち"},
		{c.Same, "  are the character itself", "  その文字そのもの"},
		{c.Form, "  are another form of it, and are marked", "  異なる字形(代替文字として記録)"},
		{c.One, "have exactly one candidate, which is taken and marked", "候補が一つ(自動で代替)"},
		{c.Several, "have several candidates: a person chooses", "候補が複数(人が選ぶ)"},
		{c.None, "have none: a person gives the reading in kana", "候補なし(読みの仮名)"},
	} {
		a.printf("%6d  %s\n", row.n, a.in2(row.en, row.ja))
	}
	a.printf("%s\n%s\n", c.Data, c.Licence)
}
