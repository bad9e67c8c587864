package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"jukicard/cardd/internal/order"
)

// TestMojiStats pins the counts. The issuance rules sheet (6) counted 15,222 in the
// repertoire and 1,696 without candidate, against kanji alone; 々 (J+AD1D, U+3005)
// stands among the signs of JIS X 0208, row 1, so a certificate can have it.
func TestMojiStats(t *testing.T) {
	c := newConsole(nil).do(t, 0, "moji", "stats", "--json")
	var got counted
	if err := json.Unmarshal(c.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	got.Data, got.Licence = "", ""
	want := counted{Glyphs: 19_563, InRepertoire: 15_223, Same: 12_158, Form: 3_065, One: 2_101, Several: 544, None: 1_695}
	if got != want {
		t.Errorf("got %+v", got)
	}
	for lang, words := range map[string][]string{
		"en": {" 19563  glyphs", " 15223  in the", "  2101  have exactly", "   544  have several", "  1695  have none", "CC BY-SA 2.1 JP", "IPA"},
		"ja": {" 19563  住基ネット", "  1695  候補なし"},
	} {
		out := newConsole(nil).do(t, 0, "--lang", lang, "moji", "stats").out.String()
		for _, w := range words {
			if !strings.Contains(out, w) {
				t.Errorf("%s: no %q in\n%s", lang, w, out)
			}
		}
	}
}

func TestMojiCheck(t *testing.T) {
	c := newConsole(nil).do(t, 0, "--json", "moji", "check", "髙㓛毗葛\U000E0102　山\U000E0105")
	var got checked
	if err := json.Unmarshal(c.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []struct {
		codePoints, mj, juki, outcome, writes string
		marked, printed                       bool
		candidates                            string
	}{
		{"U+9AD9", "MJ028902", "J+9AD9", "one", "高", true, true, "高"},
		{"U+34DB", "MJ000180", "J+34DB", "several", "", true, true, "功切"},
		{"U+6BD7", "MJ014949", "J+6BD7", "none", "", true, true, ""},
		{"U+845B U+E0102", "MJ022335", "J+845B", "form", "葛", true, true, "葛"},
		{"U+3000", "", "", "same", "　", false, true, ""},
		{"U+5C71 U+E0105", "", "", "form", "山", true, false, ""},
	}
	if len(got.Characters) != len(want) {
		t.Fatalf("%d characters", len(got.Characters))
	}
	for i, w := range got.Characters {
		x := want[i]
		var candidates string
		for _, one := range w.Candidates {
			candidates += one.Character
			if len(one.Sources) == 0 {
				t.Errorf("%s has no source", one.Character)
			}
		}
		if w.CodePoints != x.codePoints || w.MJ != x.mj || w.Juki != x.juki || w.Outcome != x.outcome || w.Writes != x.writes ||
			w.Marked != x.marked || candidates != x.candidates || (w.Font != "") != x.printed || (w.FontError == "") != x.printed {
			t.Errorf("%d: %+v", i+1, w)
		}
	}
	if got.Certificate != "" || !slices.Equal(got.Open, []int{2, 3}) {
		t.Errorf("the whole is %q, open %v", got.Certificate, got.Open)
	}
}

func TestMojiCheckInWords(t *testing.T) {
	rows := []struct {
		name  string
		args  []string
		words []string
	}{
		{"settled", []string{"moji", "check", "髙橋"}, []string{"ipamjm.ttf", "the only candidate", "In the certificate: 高橋  10", "JIS包摂規準UCS統合規則"}},
		{"open", []string{"moji", "check", "㓛毗"}, []string{"chooses among", "in kana", "must choose at [1 2]"}},
		{"Japanese", []string{"--lang", "ja", "moji", "check", "㓛毗"}, []string{"券面:", "候補から人が選びます", "仮名で記載します"}},
		{"codes of the register", []string{"moji", "check", "J+845B J+B9D5"}, []string{"U+845B U+E0102", "MJ022336 J+B9D5", "葛葛  10"}},
		{"the same shape in another collection", []string{"moji", "check", "葛\U000E0100"}, []string{"the same shape as U+845B U+E0102"}},
		{"not printable", []string{"moji", "check", "山\U000E0105"}, []string{"cannot be printed: no loaded font has it with this variation selector"}},
	}
	for _, row := range rows {
		out := newConsole(nil).do(t, 0, row.args...).out.String()
		for _, w := range row.words {
			if !strings.Contains(out, w) {
				t.Errorf("%s: no %q in\n%s", row.name, w, out)
			}
		}
	}
	out := newConsole(nil).types("髙\n").do(t, 0, "moji", "check", "-").out.String()
	if !strings.Contains(out, "In the certificate: 高  1") {
		t.Errorf("standard input: %s", out)
	}
}

// TestMojiCheckWithoutFonts: what the certificate has is known all the same.
func TestMojiCheckWithoutFonts(t *testing.T) {
	t.Setenv("CARDD_FONTS_PATHS", "/nowhere.ttf")
	out := newConsole(nil).do(t, 0, "moji", "check", "髙").out.String()
	if !strings.Contains(out, "cannot load the font /nowhere.ttf") || !strings.Contains(out, "In the certificate: 高  1") {
		t.Errorf("got %s", out)
	}
}

func TestMojiCheckRefuses(t *testing.T) {
	for text, word := range map[string]string{
		"": "1 to 4096 bytes", strings.Repeat("山", 2000): "1 to 4096 bytes",
		"J+0041": "no glyph with this code", "J+84": "four hexadecimal digits", "J+845B 葛": "four hexadecimal digits",
	} {
		c := newConsole(nil).do(t, exitRefused, "moji", "check", text)
		if !strings.Contains(c.err.String(), word) {
			t.Errorf("%.10q: %s", text, &c.err)
		}
	}
}

// TestTheCandidatesReachTheOperator: what an open choice offers is on the screen, in
// either language, and in JSON; the error's own text has none of it.
func TestTheCandidatesReachTheOperator(t *testing.T) {
	e := order.Refusal("ORDER-SUBSTITUTE-CHOICE", "substitutes.name_choices.1", "rule", "remedy", "規則。")
	e.Offer = []string{"功", "切"}
	m := messageOf(order.Problems{e})
	for lang, want := range map[string]string{
		"en": "ORDER-SUBSTITUTE-CHOICE: substitutes.name_choices.1: rule; remedy [功 切]",
		"ja": "規則。 [功 切]",
	} {
		if got := m.lines(lang); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %s", lang, got)
		}
	}
	b, err := json.Marshal(m)
	if err != nil || !strings.Contains(string(b), `"offer":["功","切"]`) {
		t.Errorf("%s %v", b, err)
	}
	if strings.ContainsAny(m.Text+order.Problems{e}.Error(), "功切") {
		t.Error("the error's text names the candidates")
	}
}
