package juki

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckText(t *testing.T) {
	tests := []struct {
		name, s string
		max     int
		code    string
	}{
		{"name with ideographic space", "山田　太郎", 20, ""},
		{"Latin name", "YAMADA TARO", 20, ""},
		{"address", "東京都架空市見本町９－９－９９", SizeCertificateAddressMax, ""},
		{"variation selector", "葛\U000E0100城　花子", 5, ""},
		{"standardised variant", "神\uFE00田", 2, ""},
		{"plane 2", "𠮷野", 2, ""},
		{"plane 3", "\U00030000", 1, ""},
		{"newer than Go's tables, plane 2", "\U0002EBF0", 1, ""},
		{"compatibility ideograph", "﨑", 1, ""},
		{"furigana", "ヤマダ　タロウ", 10, ""},
		{"combining voicing mark", "か\u3099", 2, ""},
		{"exactly the limit", strings.Repeat("町", 200), 200, ""},
		{"no limit", strings.Repeat("町", 5000), 0, ""},
		{"one over the limit", strings.Repeat("町", 201), 200, "JUKI-TEXT-LONG"},
		{"empty", "", 20, "JUKI-TEXT-EMPTY"},
		{"spaces", "  　 ", 20, "JUKI-TEXT-EMPTY"},
		{"newline", "山田\n太郎", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"tab", "山田\t太郎", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"NUL", "山田\x00", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"escape", "山田\x1b[31m", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"C1 control", "山\u0085田", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"right-to-left override", "山\u202e田", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"zero width space", "山\u200b田", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"byte order mark", "\ufeff山田", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"line separator", "山\u2028田", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"no-break space", "山\u00a0田", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"private use (外字)", "山\ue000田", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"private use plane", "山\U000F0000", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"noncharacter", "山\uffff", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"noncharacter of plane 2", "山\U0002ffff", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"tag character", "山\U000e0041", 20, "JUKI-TEXT-UNPRINTABLE"},
		{"not UTF-8", "山\xe7\x94", 20, "JUKI-TEXT-ENCODING"},
		{"Shift JIS", "\x8eR\x93c", 20, "JUKI-TEXT-ENCODING"},
		{"surrogate half", "山\xed\xa0\x80", 20, "JUKI-TEXT-ENCODING"},
		{"replacement character", "山\ufffd", 20, "JUKI-TEXT-ENCODING"},
		{"selector without base", "\U000E0100田", 20, "JUKI-TEXT-NOBASE"},
		{"mark without base", "\u3099か", 20, "JUKI-TEXT-NOBASE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantCode(t, CheckText("name", tt.s, tt.max), tt.code, tt.s) })
	}
}

func TestCheckTextSaysTheLimit(t *testing.T) {
	err := CheckText("person.address", strings.Repeat("町", 41), 40)
	wantCode(t, err, "JUKI-TEXT-LONG")
	want := "cannot accept person.address: the text has more than 40 characters; " +
		"shorten it to 40 characters as the register's overflow rule allows; nothing is cut off silently"
	if err.Error() != want {
		t.Errorf("error = %q, want %q", err, want)
	}
}

func FuzzCheckText(f *testing.F) {
	for _, s := range []string{"山田　太郎", "", "\xff", "葛\U000E0100", "a\u202eb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		err := CheckText("name", s, 40)
		if err == nil && (!utf8.ValidString(s) || strings.TrimSpace(s) == "" || strings.ContainsAny(s, "\x00\n\r\t\x1b\x7f")) {
			t.Errorf("accepted %q", s)
		}
		if err != nil && CodeOf(err) == "" {
			t.Errorf("error without code: %v", err)
		}
	})
}
