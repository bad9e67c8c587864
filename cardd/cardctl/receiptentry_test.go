package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"jukicard/cardd/internal/receipt"
)

// TestAReceiptSaysWhereAnEntryStands: on paper, in both languages, and that it is one of
// no issue.
func TestAReceiptSaysWhereAnEntryStands(t *testing.T) {
	st := &receipt.Statement{Job: "J", Endorsed: &receipt.Endorsed{How: "printed", First: 2, Lines: 2, Left: 1}}
	for lang, want := range map[string][2]string{
		english:  {"Receipt of an entry on a card", "Entry printed, lines 2 to 3; 1 left"},
		japanese: {"カード追記の受領証", "追記 印字、2行目から3行目、残り1行"},
	} {
		lines := (&app{lang: lang}).receiptLines(st)
		if lines[0] != want[0] || !slices.Contains(lines, want[1]) {
			t.Errorf("%s: %s", lang, strings.Join(lines, " / "))
		}
	}
	st.Endorsed.How = "by-hand"
	if lines := (&app{lang: english}).receiptLines(st); !slices.Contains(lines, "Entry by hand, lines 2 to 3; 1 left") {
		t.Errorf("by hand: %s", strings.Join(lines, " / "))
	}
	st.Endorsed = nil
	if lines := (&app{lang: english}).receiptLines(st); strings.Contains(strings.Join(lines, " "), "ntry") {
		t.Errorf("an issue: %s", strings.Join(lines, " / "))
	}
}

// TestAReceiptSaysWhoChose, with the field's name in the reader's language.
func TestAReceiptSaysWhoChose(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 30, 0, 0, time.Local)
	for field, want := range map[string]map[string]string{
		"name":    {english: "name, character 2, chosen by 係員 07, 2026-11-20 10:30:00", japanese: "氏名の2文字目、選択者 係員 07、2026-11-20 10:30:00"},
		"address": {english: "address, character 2, chosen by 係員 07, 2026-11-20 10:30:00", japanese: "住所の2文字目、選択者 係員 07、2026-11-20 10:30:00"},
	} {
		for lang, want := range want {
			if got := (&app{lang: lang}).choiceText(receipt.Choice{Field: field, Place: 2, By: "係員 07", At: at}); got != want {
				t.Errorf("%s: %q, want %q", lang, got, want)
			}
		}
	}
}
