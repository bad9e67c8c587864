package order

import "testing"

func TestWhatACertificateCanHave(t *testing.T) {
	rows := []struct {
		name string
		r    rune
		want bool
	}{
		{"first level", '亜', true}, {"first level's last", '腕', true}, {"second level", '弌', true}, {"second level's last", '熙', true},
		{"both forms of 邉", '邉', true}, {"both forms of 邊", '邊', true},
		{"JIS X 0212's first", '丂', true}, {"JIS X 0212's last", '龥', true}, {"JIS X 0212, also of IBM", '傔', true}, {"德 of IBM", '德', false},
		{"ideographic space", '　', true}, {"full-width digit", '１', true}, {"full-width hyphen", '－', true}, {"minus sign", '−', true},
		{"wave dash", '〜', true}, {"full-width tilde", '～', true}, {"々", '々', true}, {"〇", '〇', true}, {"ー", 'ー', true}, {"Ж", 'Ж', true},
		{"ASCII of foreign names", 'S', true}, {"é of JIS X 0212", 'é', true},
		{"髙 of IBM", '髙', false}, {"﨑 of IBM", '﨑', false}, {"𠮷 of plane 2", '𠮷', false}, {"circled one of NEC", '①', false},
		{"(株) of NEC", '㈱', false}, {"a selector", '\U000E0102', false}, {"half-width katakana", 'ｱ', false},
		{"a line break", '\n', false}, {"delete", 0x7F, false}, {"simplified 东", '东', false}, {"hangul", '한', false},
	}
	for _, row := range rows {
		if got := inCertificates(row.r); got != row.want {
			t.Errorf("%s (%U): %v", row.name, row.r, got)
		}
	}
}

func TestThePlaceOfTheFirstOutside(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "山田　太郎": 0, "髙橋": 1, "山﨑": 2, "葛\U000E0102飾": 1, "大葛\U000E0102": 2, "𠮷": 1, "山田\U000E0102髙": 2,
	} {
		if got := firstOutside(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}
