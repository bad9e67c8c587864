package main

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestControlText(t *testing.T) {
	for _, row := range []struct{ name, answer, en, ja string }{
		{
			"an issuer domain", "6F108408A000000151000000A5049F6501FF",
			"6F, name A000000151000000, at most 255 bytes a command", "6F, 名称 A000000151000000, 命令は255バイトまで",
		},
		{"an EF", "620D8201018302000A8A0105880103", "62, identifier 000A, descriptor 01, life-cycle status 05", "62, 識別子 000A, 記述子 01, 状態 05"},
		{
			"what cannot be read", "3000",
			"3000 (cannot read the answer to SELECT: it begins with 30, want 6F, 62 or 64)", "3000 (cannot read the answer to SELECT: it begins with 30, want 6F, 62 or 64)",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			answer, err := hex.DecodeString(row.answer)
			if err != nil {
				t.Fatal(err)
			}
			got := controlOf(answer)
			if got.Bytes != row.answer || (got.Problem != "") != strings.HasPrefix(row.answer, "30") {
				t.Errorf("got %+v", got)
			}
			for lang, want := range map[string]string{"en": row.en, japanese: row.ja} {
				if text := (&app{lang: lang}).controlText(got); text != want {
					t.Errorf("got %q, want %q", text, want)
				}
			}
		})
	}
}
