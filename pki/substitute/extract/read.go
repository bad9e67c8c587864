package main

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"jukicard/pki/substitute/mj"
)

const (
	listQuery = `SELECT "MJ文字図形名", coalesce("対応するUCS",''), coalesce("実装したUCS",''),
		coalesce("実装したMoji_JohoコレクションIVS",''), coalesce("実装したSVS",''), coalesce("住基ネット統一文字コード",'')
		FROM mji ORDER BY "MJ文字図形名"`
	againQuery = `SELECT "MJ文字図形名", "重複実装したMoji_JohoコレクションIVS" FROM mji_duplicated_ivs ORDER BY 1, 2`
	mapQuery   = `SELECT "MJ文字図形名", "縮退UCS", "表", coalesce("順位", "ホップ数", 0) FROM mjsm ORDER BY 1, 2, 3, 4`
)

// read takes list and map out of the database.
func read(db *sql.DB) ([]mj.Glyph, error) {
	glyphs, err := list(db)
	if err != nil {
		return nil, fmt.Errorf("cannot read the list of MJ characters: %w", err)
	}
	at := make(map[string]*mj.Glyph, len(glyphs))
	for i := range glyphs {
		at[glyphs[i].Number.String()] = &glyphs[i]
	}
	if err := again(db, at); err != nil {
		return nil, fmt.Errorf("cannot read the sequences of a second kind: %w", err)
	}
	if err := shrink(db, at); err != nil {
		return nil, fmt.Errorf("cannot read the shrink map: %w", err)
	}
	return glyphs, nil
}

func list(db *sql.DB) (glyphs []mj.Glyph, err error) {
	err = each(db, listQuery, func(scan func(...any) error) error {
		var name, base, own, ivs, svs, juki string
		if err := scan(&name, &base, &own, &ivs, &svs, &juki); err != nil {
			return err
		}
		g, err := glyph(name, base, own, ivs, svs, juki)
		glyphs = append(glyphs, g)
		return err
	})
	return glyphs, err
}

func glyph(name, base, own, ivs, svs, juki string) (g mj.Glyph, err error) {
	digits, named := strings.CutPrefix(name, "MJ")
	number, bad := strconv.ParseUint(digits, 10, 31)
	if !named || bad != nil {
		return g, fmt.Errorf("%q is no name of a glyph", name)
	}
	g.Number = mj.Number(number)
	for _, part := range []struct {
		text string
		char *rune
	}{{base, &g.Base}, {own, &g.Plain}} {
		if part.text == "" {
			continue
		}
		s, err := sequence(part.text, 1)
		if err != nil {
			return g, fmt.Errorf("%s: %w", name, err)
		}
		*part.char = s.Base
	}
	for _, text := range []string{ivs, svs} {
		if text == "" {
			continue
		}
		s, err := sequence(text, 2)
		if err != nil {
			return g, fmt.Errorf("%s: %w", name, err)
		}
		g.Sequences = append(g.Sequences, s)
	}
	if juki != "" {
		code, signed := strings.CutPrefix(juki, "J+")
		v, err := strconv.ParseUint(code, 16, 16)
		if err != nil || !signed || v == 0 {
			return g, fmt.Errorf("%s: %q is no code of the resident register", name, juki)
		}
		g.Juki = mj.JukiCode(v)
	}
	return g, nil
}

// sequence reads a text of exactly so many code points.
func sequence(text string, size int) (mj.Sequence, error) {
	r := []rune(text)
	if len(r) != size || !utf8.ValidString(text) {
		return mj.Sequence{}, fmt.Errorf("a text has %d code points, not %d", len(r), size)
	}
	s := mj.Sequence{Base: r[0]}
	if size == 2 {
		s.Selector = r[1]
	}
	return s, nil
}

// again adds sequences that are a glyph as well as the one in the list.
func again(db *sql.DB, at map[string]*mj.Glyph) error {
	return each(db, againQuery, func(scan func(...any) error) error {
		var name, text string
		if err := scan(&name, &text); err != nil {
			return err
		}
		s, err := sequence(text, 2)
		g := at[name]
		if err != nil || g == nil {
			return fmt.Errorf("%s: no such glyph, or no sequence", name)
		}
		g.Sequences = append(g.Sequences, s)
		return nil
	})
}

// shrink adds the candidates, in the order of the tables that give them: the nearest
// first.
func shrink(db *sql.DB, at map[string]*mj.Glyph) error {
	err := each(db, mapQuery, func(scan func(...any) error) error {
		var name, char, table string
		var grade uint8
		if err := scan(&name, &char, &table, &grade); err != nil {
			return err
		}
		s, err := sequence(char, 1)
		t := tableOf(table)
		g := at[name]
		if err != nil || g == nil || int(t) >= mj.Tables || t.Graded() != (grade > 0) {
			return fmt.Errorf("%s in %s: not as this program knows the map", name, table)
		}
		add(g, s.Base, mj.Source{Table: t, Grade: grade})
		return nil
	})
	for _, g := range at {
		for i := range g.Candidates {
			slices.SortFunc(g.Candidates[i].Sources, nearer)
		}
		slices.SortStableFunc(g.Candidates, func(a, b mj.Candidate) int { return slices.CompareFunc(a.Sources, b.Sources, nearer) })
	}
	return err
}

// tableOf is the table of a name; one that does not exist for an unknown name.
func tableOf(name string) mj.Table {
	for t := range mj.Table(mj.Tables) {
		if t.String() == name {
			return t
		}
	}
	return mj.Table(mj.Tables)
}

// add notes a source of a candidate; of two grades in one table the nearer counts.
func add(g *mj.Glyph, char rune, s mj.Source) {
	i := slices.IndexFunc(g.Candidates, func(c mj.Candidate) bool { return c.Char == char })
	if i < 0 {
		g.Candidates = append(g.Candidates, mj.Candidate{Char: char, Sources: []mj.Source{s}})
		return
	}
	c := &g.Candidates[i]
	for k := range c.Sources {
		if c.Sources[k].Table == s.Table {
			c.Sources[k].Grade = min(c.Sources[k].Grade, s.Grade)
			return
		}
	}
	c.Sources = append(c.Sources, s)
}

func nearer(a, b mj.Source) int {
	return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Grade, b.Grade))
}

// each calls row for every row of a query.
func each(db *sql.DB, query string, row func(scan func(...any) error) error) (err error) {
	rows, err := db.Query(query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return nil
}
