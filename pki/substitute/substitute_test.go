package substitute_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"jukicard/pki/substitute"
	"jukicard/pki/substitute/mj"
)

// TestTheDataAreThose pins the file: whoever extracts it anew sees that it changed, and
// reads what that means before he pins it again.
func TestTheDataAreThose(t *testing.T) {
	const want = "8002fe6a119040d06bc5c31c95eb523159720d27736c8f9633abaa653a252b61"
	b, err := os.ReadFile("mj.dat")
	if err != nil {
		t.Fatal(err)
	}
	if got := sha256.Sum256(b); hex.EncodeToString(got[:]) != want {
		t.Errorf("SHA-256 %x", got)
	}
	if len(b) > 300_000 {
		t.Errorf("%d bytes", len(b))
	}
	h := substitute.Data()
	if !strings.Contains(h.Licence, "CC BY-SA 2.1 JP") || !strings.Contains(h.Rights, "情報処理推進機構") || !strings.Contains(h.From, "1.8.1") {
		t.Errorf("the file says %+v", h)
	}
}

// TestEveryGlyphOfTheRegister pins what becomes of the 19,563 glyphs with a code. The
// issuance rules sheet (6) has 15,222 in the repertoire and 1,696 without candidate,
// counted against the 12,157 kanji; the one glyph between is 々, which JIS X 0208 has
// at row 1, cell 25.
func TestEveryGlyphOfTheRegister(t *testing.T) {
	s := substitute.Count()
	got := []int{s.Glyphs, s.InRepertoire()}
	for _, o := range substitute.Outcomes() {
		got = append(got, s.Outcome[o])
	}
	if want := []int{19_563, 15_223, 12_158, 3_065, 2_101, 544, 1_695}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	f, ok := substitute.OfJuki(0xAD1D)
	if !ok || f.Outcome != substitute.Same || f.Written != '々' {
		t.Errorf("々 is %+v", f)
	}
}

// TestACodeOfTheRegisterIsNotUnicode: of all codes, 14,000 have the number of their
// glyph's character (issuance rules sheet, 6); any other taken for UTF-16 would be
// somebody else's name.
func TestACodeOfTheRegisterIsNotUnicode(t *testing.T) {
	equal, glyphs := 0, 0
	for c := range mj.JukiCode(0xFFFF) {
		f, ok := substitute.OfJuki(c)
		if !ok {
			continue
		}
		glyphs++
		if f.Glyph.Juki != c {
			t.Fatalf("%v found %v", c, f.Glyph.Juki)
		}
		if f.Glyph.Base == rune(c) {
			equal++
		}
	}
	if glyphs != 19_563 || equal != 14_000 {
		t.Errorf("%d of %d codes equal their character", equal, glyphs)
	}
	for code, want := range map[string]string{
		"J+845B": "葛\U000E0102", "J+B9D5": "葛", "J+9AD9": "髙", "J+AEAC": "𠮷", "J+FA11": "﨑", "J+BD47": "邉\U000E0119",
	} {
		c, err := substitute.ParseJuki(code)
		if err != nil || c.String() != code {
			t.Fatalf("%s: %v %v", code, c, err)
		}
		f, ok := substitute.OfJuki(c)
		if !ok {
			t.Fatalf("%s is not known", code)
		}
		if s, ok := f.Glyph.Text(); !ok || s.String() != want {
			t.Errorf("%s is %s", code, s.CodePoints())
		}
	}
	for _, s := range []string{"", "845B", "U+845B", "J+845", "J+0845B", "J+845G", "J+-45B", "j+845B"} {
		if _, err := substitute.ParseJuki(s); err == nil {
			t.Errorf("%q is taken for a code", s)
		}
	}
}

func TestWhatBecomesOfACharacter(t *testing.T) {
	rows := []struct {
		name, text string
		outcome    substitute.Outcome
		written    string
		mj         string
		candidates string
	}{
		{"first level", "亜", substitute.Same, "亜", "", ""},
		{"補助漢字", "丂", substitute.Same, "丂", "", ""},
		{"space between names", "　", substitute.Same, "　", "", ""},
		{"はしごだか", "髙", substitute.One, "高", "MJ028902", "高"},
		{"たつさき", "﨑", substitute.One, "崎", "MJ030196", "崎"},
		{"つちよし", "𠮷", substitute.One, "吉", "MJ032129", "吉"},
		{"德, which only vendors have in JIS", "德", substitute.One, "徳", "MJ011356", "徳"},
		{"several, the nearest first", "㓛", substitute.Several, "", "MJ000180", "功切"},
		{"none", "毗", substitute.None, "", "MJ014949", ""},
		{"form of 葛 with ヒ", "葛\U000E0102", substitute.Form, "葛", "MJ022335", "葛"},
		{"葛's own form", "葛\U000E0103", substitute.Same, "葛", "MJ022336", "葛"},
		{"a form of 邉", "邉\U000E0119", substitute.Form, "邉", "MJ026191", "邉"},
		{"邉's own form", "邉\U000E010F", substitute.Same, "邉", "MJ026190", "邉辺邊"},
		{"a form of another collection", "葛\U000E0100", substitute.Form, "葛", "", ""},
		{"an unknown form of a character outside", "髙\U000E01EF", substitute.One, "高", "MJ028902", "高"},
		{"compatibility ideograph", "\uF91D", substitute.Form, "欄", "MJ030183", ""},
		{"the same by its standardized sequence", "欄\uFE00", substitute.Form, "欄", "MJ030183", ""},
		{"a sequence of a character that is not its base", "博\U000E010A", substitute.Several, "", "MJ059399", "博愽"},
		{"a sequence under its own base", "\U0002B9E4\U000E0100", substitute.Several, "", "MJ059399", "博愽"},
		{"no kanji", "①", substitute.None, "", "", ""},
		{"half-width katakana", "ｱ", substitute.None, "", "", ""},
		{"変体仮名", "\U0001B002", substitute.None, "", "", ""},
		{"a selector alone", "\U000E0102", substitute.None, "", "", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			for place, s := range substitute.Characters(row.text) {
				f := substitute.Of(s)
				var written, number, candidates string
				if f.Written != 0 {
					written = string(f.Written)
				}
				if f.Glyph != nil {
					number = f.Glyph.Number.String()
				}
				for _, c := range f.Candidates {
					candidates += string(c.Char)
				}
				if place != 1 || f.Outcome != row.outcome || written != row.written || number != row.mj || row.candidates != "" && candidates != row.candidates {
					t.Errorf("place %d: %v %q %s %q", place, f.Outcome, written, number, candidates)
				}
				if f.Settled() != (f.Written != 0) || f.Marked() != (f.Outcome != substitute.Same) {
					t.Error("it contradicts itself")
				}
			}
		})
	}
}

func TestCheckChoice(t *testing.T) {
	rows := []struct {
		name, text, choice string
		want               error
	}{
		{"a candidate", "㓛", "切", nil}, {"another", "㓛", "功", nil}, {"none of them", "㓛", "高", substitute.ErrCandidate},
		{"two", "㓛", "功切", substitute.ErrCandidate}, {"nothing", "㓛", "", substitute.ErrCandidate}, {"kana", "㓛", "こう", substitute.ErrCandidate},
		{"its reading", "毗", "ビ", nil}, {"in hiragana", "毗", "び", nil}, {"a long vowel", "毗", "ビー", nil},
		{"a kanji", "毗", "毘", substitute.ErrKana}, {"half-width", "毗", "ﾋﾞ", substitute.ErrKana}, {"no reading", "毗", "", substitute.ErrKana},
		{"too long", "毗", strings.Repeat("ビ", substitute.KanaMax+1), substitute.ErrKana}, {"as long as may be", "毗", strings.Repeat("ビ", substitute.KanaMax), nil},
		{"a sign in words", "①", "１", nil}, {"a sign by a sign outside", "①", "②", substitute.ErrText}, {"a sign by nothing", "①", "", substitute.ErrText},
		{"what is settled", "髙", "高", substitute.ErrSettled}, {"what stays", "高", "高", substitute.ErrSettled},
		{"broken text", "㓛", "\xe5", substitute.ErrCandidate}, {"broken kana", "毗", "\xe3", substitute.ErrKana},
	}
	for _, row := range rows {
		for _, s := range substitute.Characters(row.text) {
			if err := substitute.Of(s).CheckChoice(row.choice); !errors.Is(err, row.want) {
				t.Errorf("%s: %v", row.name, err)
			}
		}
	}
}

func TestCertify(t *testing.T) {
	choose := func(place int, f substitute.Finding) string {
		if f.Outcome == substitute.Several {
			return "切"
		}
		return "ビシ"
	}
	value, marks, open := substitute.Certify("㓛毗　髙山\U000E0105葛\U000E0103", choose)
	if string(value) != "切ビシ　高山葛" || string(marks) != "11101"+"10" || open != 0 {
		t.Errorf("%s %s %d", value, marks, open)
	}
	value, marks, open = substitute.Certify("高㓛毗", func(int, substitute.Finding) string { return "" })
	if string(value) != "高" || string(marks) != "0" || open != 2 {
		t.Errorf("%s %s %d", value, marks, open)
	}
	if value, marks, open = substitute.Certify("", choose); len(value)+len(marks)+open != 0 {
		t.Errorf("%s %s %d", value, marks, open)
	}
}

// TestTheRepertoireIsThatOfGlibc holds the repertoire against tables that others made:
// those of the C library, which has just the two standards in EUC-JP and none of the
// vendors' rows.
func TestTheRepertoireIsThatOfGlibc(t *testing.T) {
	iconv, err := exec.LookPath("iconv")
	if err != nil {
		t.Skip("no iconv: install the package libc-bin")
	}
	var points []byte
	for row := byte(0xA1); row <= 0xFE; row++ {
		for cell := byte(0xA1); cell <= 0xFE; cell++ {
			points = append(points, row, cell, '\n', 0x8F, row, cell, '\n')
		}
	}
	cmd := exec.Command(iconv, "-c", "-f", "EUC-JP", "-t", "UTF-8")
	cmd.Stdin = bytes.NewReader(points)
	out, _ := cmd.Output() // its status tells of points without a character
	theirs := map[rune]bool{}
	for _, line := range strings.Split(string(out), "\n") {
		if r, size := utf8.DecodeRuneInString(line); size > 0 && size == len(line) {
			theirs[r] = true
		}
	}
	for r := range theirs {
		if !substitute.InRepertoire(r) {
			t.Errorf("%U is in the standards", r)
		}
	}
	for r := rune(0x80); r <= utf8.MaxRune; r++ {
		// Signs that vendors and the standard give different code points pass in both.
		if substitute.InRepertoire(r) && !theirs[r] && !strings.ContainsRune("—―‖∥〜～−－¢￠£￡¬￢", r) {
			t.Errorf("%U is in neither standard", r)
		}
	}
	if len(theirs) != 12_946 {
		t.Errorf("%d characters", len(theirs))
	}
}

func FuzzCertify(f *testing.F) {
	for _, s := range []string{"", "髙橋　㓛", "葛\U000E0102\U000E0103", "\xff\xfe", "\U000E0100", "毗①ｱ\U0001B002", "\u180B山"} {
		f.Add(s, "切")
		f.Add(s, "ビ")
	}
	f.Fuzz(func(t *testing.T, text, choice string) {
		value, marks, open := substitute.Certify(text, func(_ int, f substitute.Finding) string {
			if f.CheckChoice(choice) != nil {
				return ""
			}
			return choice
		})
		if n := utf8.RuneCount(value); n != len(marks) || strings.Trim(string(marks), "01") != "" {
			t.Errorf("%d characters with marks %s", n, marks)
		}
		for _, r := range string(value) {
			if !substitute.InRepertoire(r) {
				t.Errorf("%U is written", r)
			}
		}
		last := 0
		for place, s := range substitute.Characters(text) {
			last = place
			if place == open && substitute.Of(s).Settled() {
				t.Error("a settled place is open")
			}
		}
		if open > last {
			t.Errorf("place %d of %d is open", open, last)
		}
	})
}
