package facecheck

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"jukicard/cardd/internal/order"
	"jukicard/printer/face"
)

func TestTheEntryInTheWordsOfTheCard(t *testing.T) {
	const text = `{"version": 1, "id": "LAB-2026-0101", "operation": "endorse", "profile": "mynumber-1", "card": "0999000000000017",
		"entry": {"date": "2019-05-01", "reason": "転居", "content": "架空県架空市港町７－８", "seal": "架空市印"},
		"panel": {"layout": "mynumber-1", "version": 2, "entries": {"1": {"lines": 1}, "2": {"lines": 2, "by_hand": true}}}}`
	o, err := order.Parse([]byte(text), nil, checks(t))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Destroy()
	e, err := Entry(o.Endorsement.Entry)
	if err != nil || e.Date != "令和元年5月1日" || e.Reason != "転居" || e.Content != "架空県架空市港町７－８" || e.Seal != "架空市印" {
		t.Errorf("the entry is another: %v", err)
	}
	if shown := fmt.Sprintf("%v %+v", e, &e); strings.Contains(shown, "転居") {
		t.Errorf("it shows %s", shown)
	}
	p := Panel(*o.Endorsement.Panel)
	if p.Layout != "mynumber-1" || p.Version != 2 || !slices.Equal(p.Entries, []face.Written{{Lines: 1}, {Lines: 2, ByHand: true}}) {
		t.Errorf("the panel is %+v", p)
	}
	if _, err := Entry(order.Entry{}); err == nil {
		t.Error("an entry of no day is printed")
	}
}
