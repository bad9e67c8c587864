package profile

import (
	"slices"
	"strings"
	"testing"
)

func loadDraft(t testing.TB) *Card {
	t.Helper()
	c, err := Load("mynumber-2-draft")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTheDraftHoldsWhatIsPublished of the next card, typed from section 8 of the card fact
// sheet and section 7 of the rules fact sheet.
func TestTheDraftHoldsWhatIsPublished(t *testing.T) {
	c := loadDraft(t)
	var apps, classes []string
	for _, a := range c.Applications {
		apps = append(apps, a.Japanese)
		for _, r := range a.PINs {
			if r.Class == "" {
				t.Errorf("%s/%s is never set, and nobody said that it is there", a.Name, r.Name)
			}
			classes = append(classes, r.Class)
		}
		for _, k := range a.Keys {
			if k.Type != "P-384" {
				t.Errorf("%s/%s is of type %s", a.Name, k.Name, k.Type)
			}
		}
	}
	if want := []string{"認証AP", "券面等AP"}; !slices.Equal(apps, want) {
		t.Errorf("APs %q, want %q", apps, want)
	}
	if want := []string{"authentication", "signature", "reference-6"}; !slices.Equal(classes, want) {
		t.Errorf("reference data %q, want %q", classes, want)
	}
	for path, lengths := range map[string][2]int{"jpki/auth-pin": {4, 4}, "jpki/sign-pin": {6, 16}, "surface/reference": {6, 6}} {
		_, r, err := c.Reference(path)
		if err != nil || [2]int{r.MinLen, r.MaxLen} != lengths {
			t.Errorf("%s: %+v, want lengths %v (%v)", path, r, lengths, err)
		}
	}
	for _, path := range []string{"jpki/number", "jpki/attributes"} { // 補助 data: either PIN
		_, f, err := c.File(path)
		if err != nil || !slices.Contains(f.Read, "auth-pin") || !slices.Contains(f.Read, "sign-pin") {
			t.Errorf("%s is read behind %v (%v)", path, f.Read, err)
		}
	}
	if terms := c.Terms; terms.CertificateBirthdays != 10 || terms.RenewalMonths != 12 || terms.GraceMonths != 1 {
		t.Errorf("terms %+v", terms)
	}
	if want := []string{"name_romaji", "name_kana"}; c.Face.Layout != c.ID || !slices.Equal(c.Face.Needs, want) {
		t.Errorf("face %+v", c.Face)
	}
}

// TestTheDraftSaysWhatIsOurs: no identifier, file or command of the next card is public, so
// each says that it is ours and provisional, or that only what surrounds it is known; and
// none can be taken for a registered one.
func TestTheDraftSaysWhatIsOurs(t *testing.T) {
	c := loadDraft(t)
	for name := range c.Sources {
		if name == "TF" || name == "GP" || name == "cardd" {
			continue
		}
		t.Errorf("%s is a source about another card", name)
	}
	for _, f := range c.facts() {
		for source := range strings.SplitSeq(f.fact.Source, ", ") {
			if _, ok := c.Sources[source]; !ok {
				t.Errorf("%s: source %q is not in sources", f.at, source)
			}
		}
	}
	if !strings.Contains(c.Title, "draft") || !strings.Contains(c.Title, "provisional") || !strings.Contains(c.Label, "DRAFT") {
		t.Errorf("title %q and label %q do not say what it is", c.Title, c.Label)
	}
	for _, a := range c.Applications {
		if a.AID[0] != 0xF0 || !strings.Contains(a.Note, "provisional") {
			t.Errorf("AID %v of %s is not plainly provisional", a.AID, a.Name)
		}
		for _, f := range a.Files {
			if f.Confidence != Ours || !strings.Contains(f.Note, "provisional") {
				t.Errorf("%s/%s has confidence %s and note %q", a.Name, f.Name, f.Confidence, f.Note)
			}
		}
		for _, r := range a.PINs {
			if !strings.Contains(r.Note, "ours") {
				t.Errorf("%s/%s does not say what is ours", a.Name, r.Name)
			}
		}
	}
	for _, a := range c.ATRs {
		if a.Confidence != Ours || slices.ContainsFunc(loadFirst(t).ATRs, func(o ATR) bool { return o.Bytes.String() == a.Bytes.String() }) {
			t.Errorf("ATR %v is taken for a real card's", a.Bytes)
		}
		var check byte
		for _, b := range a.Bytes[1:] {
			check ^= b
		}
		if check != 0 { // ISO/IEC 7816-3:2006, 8.2.5
			t.Errorf("ATR %v: TCK is wrong", a.Bytes)
		}
	}
}

func TestPINClassesOfAGeneration(t *testing.T) {
	all := []string{"signature", "authentication", "resident", "text"}
	for _, row := range []struct {
		name         string
		wanted       []string
		first, draft []string
	}{
		{"all", all, all, all[:2]},
		{"no signature", all[1:], all[1:], all[1:2]},
		{"no certificates", all[2:], all[2:], all[1:2]}, // 補助 data and 住民票コード are behind the same PIN
		{"none", nil, []string{}, []string{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := loadFirst(t).PINClasses(all, row.wanted); !slices.Equal(got, row.first) {
				t.Errorf("first generation: %q, want %q", got, row.first)
			}
			if got := loadDraft(t).PINClasses(all, row.wanted); !slices.Equal(got, row.draft) {
				t.Errorf("draft: %q, want %q", got, row.draft)
			}
		})
	}
}
