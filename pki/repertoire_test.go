package pki_test

import (
	"testing"

	"jukicard/pki"
)

func TestInRepertoire(t *testing.T) {
	for name, chars := range map[string]string{
		"JIS X 0208":   "亜腕弌熙あンΑЯ─　、々ー１Ａ－−～〜",
		"JIS X 0212":   "丂侊龥",
		"ASCII (ours)": "A z09-",
	} {
		for _, r := range chars {
			if !pki.InRepertoire(r) {
				t.Errorf("%s: want %c (%U)", name, r, r)
			}
		}
	}
	for name, chars := range map[string]string{
		"vendor characters":    "髙﨑①㈱ⅲ",
		"JIS X 0213 only":      "𠮟俱",
		"half-width katakana":  "ｱ",
		"control and selector": "\x00\n\x7f\u3099\uFE00\U000E0100",
		"no character":         "\uFFFD",
	} {
		for _, r := range chars {
			if pki.InRepertoire(r) {
				t.Errorf("%s: do not want %c (%U)", name, r, r)
			}
		}
	}
}

// Of 12,952 characters 12,157 are kanji, as counted in another implementation's
// tables (issuance rules sheet, 6).
func TestRepertoireIsWhole(t *testing.T) {
	all, kanji := 0, 0
	for r := rune(0x80); r <= 0x10FFFF; r++ {
		if !pki.InRepertoire(r) {
			continue
		}
		all++
		if r >= 0x4E00 && r <= 0x9FFF {
			kanji++
		}
	}
	if all != 12_952 || kanji != 12_157 {
		t.Errorf("want 12952 characters and 12157 kanji, got %d and %d", all, kanji)
	}
}
