package plan_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"jukicard/apdu/profile"
	"jukicard/cardd/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// Wires of the two length forms; 2048 bytes of command data are the profile's.
var (
	short    = plan.Wire{}
	extended = plan.Wire{Extended: true, CommandData: 2048}
)

const cardID = "0999000000000017"

func generation1(t testing.TB) *profile.Card {
	t.Helper()
	p, err := profile.Load("mynumber-1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// blankCard is what a fresh card with a number shows.
func blankCard(p *profile.Card) plan.Observation {
	seen := plan.Blank(p)
	seen.Card = cardID
	return seen
}

// wanted is everything a card can carry, for an invented grown-up. The lengths are
// those of the card fact sheet where it tells them.
func wanted(product string) plan.Order {
	content := func(on string, length int, after string) plan.Content {
		digest := ""
		if after == "" {
			digest = plan.Digest([]byte("key"), []byte(on))
		}
		return plan.Content{On: on, Length: length, Digest: digest, After: after}
	}
	const readSurface, readText = "read-key surface/card-key", "read-key text/card-key"
	return plan.Order{
		ID: "LAB-2026-0001", Product: product, Print: true,
		Files: []plan.Content{
			content("jpki/sign-cert", 1805, "certify jpki/sign-cert"),
			content("jpki/sign-ca", 1304, ""),
			content("jpki/presence", 3, ""),
			content("jpki/auth-cert", 1604, "certify jpki/auth-cert"),
			content("jpki/auth-ca", 1319, ""),
			content("surface/birth", 547, readSurface),
			content("surface/face", 9500, readSurface),
			content("surface/basic", 320, ""),
			content("surface/cv-cert", 568, ""),
			content("surface/number", 700, readSurface),
			content("text/number", 17, ""),
			content("text/attributes", 104, ""),
			content("text/signature", 336, ""),
			content("text/cv-cert", 568, ""),
			content("text/card-key-cert", 536, readText),
			content("resident/code", 16, ""),
			content("common/manufacture", 30, ""),
		},
		Objects: []plan.Content{content("domain/municipality", 5, ""), content("domain/expiry", 8, "")},
		Keys: []plan.KeyPair{
			{On: "jpki/sign-key", Cert: "jpki/sign-cert", Purpose: "signature"},
			{On: "jpki/auth-key", Cert: "jpki/auth-cert", Purpose: "authentication"},
		},
		References: []plan.ReferenceTo{
			{On: "jpki/sign-pin", Secret: "pin:signature"},
			{On: "jpki/auth-pin", Secret: "pin:authentication"},
			{On: "resident/pin", Secret: "pin:resident"},
			{On: "common/pin", Secret: "pin:resident"},
			{On: "text/pin", Secret: "pin:text"},
			{On: "surface/reference-birth", Secret: "birth"},
			{On: "surface/reference-b", Secret: "reference-b"},
			{On: "surface/reference-a", Secret: "reference-a"},
			{On: "text/reference-a", Secret: "reference-a"},
			{On: "text/reference-b", Secret: "reference-b"},
		},
	}
}

// forProduct is the order of a product: without the keys it never gets.
func forProduct(product string) plan.Order {
	o := wanted(product)
	if product != "standard" {
		o.Keys = o.Keys[1:]
		o.Files = o.Files[1:]
	}
	return o
}

// next is the draft of the next card.
func next(t testing.TB) *profile.Card {
	t.Helper()
	p, err := profile.Load("mynumber-2-draft")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// forNext is everything that such a card can carry, but what its product never gets.
func forNext(product string) plan.Order {
	content := func(on string, length int, after string) plan.Content {
		return plan.Content{On: on, Length: length, After: after}
	}
	const readSurface = "read-key surface/card-key"
	o := plan.Order{
		ID: "LAB-2026-0501", Product: product, Print: true,
		Files: []plan.Content{
			content("jpki/sign-cert", 1605, "certify jpki/sign-cert"),
			content("jpki/sign-ca", 1304, ""),
			content("jpki/number", 17, ""),
			content("jpki/attributes", 104, ""),
			content("jpki/signature", 336, ""),
			content("jpki/cv-cert", 568, ""),
			content("jpki/code", 16, ""),
			content("jpki/presence", 3, ""),
			content("jpki/auth-cert", 1404, "certify jpki/auth-cert"),
			content("jpki/auth-ca", 1319, ""),
			content("surface/face", 9500, readSurface),
			content("surface/basic", 320, ""),
			content("surface/cv-cert", 568, ""),
			content("surface/number", 600, readSurface),
			content("surface/manufacture", 30, ""),
		},
		Objects: []plan.Content{content("domain/municipality", 5, ""), content("domain/expiry", 8, "")},
		Keys: []plan.KeyPair{
			{On: "jpki/sign-key", Cert: "jpki/sign-cert", Purpose: "signature"},
			{On: "jpki/auth-key", Cert: "jpki/auth-cert", Purpose: "authentication"},
		},
		References: []plan.ReferenceTo{
			{On: "jpki/sign-pin", Secret: "pin:signature"},
			{On: "jpki/auth-pin", Secret: "pin:authentication"},
			{On: "surface/reference", Secret: "reference-6"},
		},
	}
	if product != "standard" {
		o.Keys, o.Files = o.Keys[1:], o.Files[1:]
	}
	return o
}

// generations are the cards on which the flow is the same, with an order for a product.
func generations(t testing.TB) map[*profile.Card]func(product string) plan.Order {
	t.Helper()
	return map[*profile.Card]func(string) plan.Order{generation1(t): forProduct, next(t): forNext}
}

// build makes a plan that must be possible.
func build(t testing.TB, o plan.Order, seen plan.Observation, past plan.Progress, w plan.Wire) *plan.Plan {
	t.Helper()
	return buildOn(t, generation1(t), o, seen, past, w)
}

// buildOn is build for a card of that generation.
func buildOn(t testing.TB, p *profile.Card, o plan.Order, seen plan.Observation, past plan.Progress, w plan.Wire) *plan.Plan {
	t.Helper()
	made, err := plan.Build(p, o, seen, past, w)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// golden compares with a file of testdata, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; rewrite it with -update and read the difference\n got:\n%s\nwant:\n%s", path, got, want)
	}
}

// ids are the steps' names in order.
func ids(steps []plan.Step) []string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = s.ID
	}
	return out
}
