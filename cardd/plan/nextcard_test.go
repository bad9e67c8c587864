package plan_test

import (
	"testing"

	"jukicard/cardd/plan"
)

// TestKeysOfTheNextCardCostLess: lengths typed from the forms of P-384, 48 bytes a number.
func TestKeysOfTheNextCardCostLess(t *testing.T) {
	made := buildOn(t, next(t), forNext("standard"), blankCard(next(t)), plan.Progress{}, short)
	for id, want := range map[string]plan.Cost{
		// 04 47 80 00 18: 5 bytes padded to 16, MAC 8, Le; 7F49 63 86 61 and 97: 102 padded to 112, MAC, SW.
		"generate jpki/auth-key": {APDUs: 1, Sent: 4 + 1 + 24 + 1, Received: 112 + 8 + 2},
		// 84 2A 00 97 48: a digest of 48 padded to 64, MAC, Le; r and s, 96 padded to 112, MAC, SW.
		"request jpki/auth-key": {APDUs: 1, Sent: 4 + 1 + 72 + 1, Received: 112 + 8 + 2},
	} {
		if s, ok := made.Step(id); !ok || s.Cost != want {
			t.Errorf("%s costs %+v, want %+v", id, s.Cost, want)
		}
	}
	first := build(t, wanted("standard"), blankCard(generation1(t)), plan.Progress{}, short)
	if now, then := plan.Contact.Seconds(made), plan.Contact.Seconds(first); then-now < 20 {
		t.Errorf("it takes %.1f s and today's card %.1f: two RSA keys of 12 s are made no more", now, then)
	}
}
