package profile

import (
	"slices"
	"testing"
)

func TestAll(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range all {
		ids = append(ids, c.ID)
	}
	if !slices.Equal(ids, IDs()) || len(ids) < 2 {
		t.Errorf("all are %v, want %v", ids, IDs())
	}
}

// TestFind asks each generation for the same things.
func TestFind(t *testing.T) {
	find := map[string]func(*Card, string) (string, bool){
		"made": (*Card).Made, "reference": (*Card).ReferenceFor,
		"own key": func(c *Card, app string) (string, bool) {
			k := c.App(app).DefaultKey()
			if k == nil {
				return "", false
			}
			return app + "/" + k.Name, true
		},
	}
	for _, row := range []struct{ kind, wanted, first, draft string }{
		{"made", "jpki/presence", "jpki/presence", "jpki/presence"},
		{"made", "jpki/sign-ca", "jpki/sign-ca", "jpki/sign-ca"},
		{"made", "text/number", "text/number", "jpki/number"},
		{"made", "surface/number", "surface/number", "surface/number"},
		{"made", "common/manufacture", "common/manufacture", "surface/manufacture"},
		{"made", "jpki/number", "", ""}, // the draft's file is made by another recipe
		{"made", "text/card-key-cert", "text/card-key-cert", ""},
		{"made", "", "", ""},
		{"reference", "authentication", "jpki/auth-pin", "jpki/auth-pin"},
		{"reference", "text", "text/pin", "jpki/auth-pin"},
		{"reference", "resident", "resident/pin", "jpki/auth-pin"},
		{"reference", "reference-a", "surface/reference-a", ""},
		{"reference", "reference-6", "", "surface/reference"},
		{"reference", "", "", ""}, // though there are references without a class
		{"own key", "surface", "surface/card-key", "surface/card-key"},
		{"own key", "jpki", "", ""},
	} {
		for id, want := range map[string]string{"mynumber-1": row.first, "mynumber-2-draft": row.draft} {
			c, err := Shared(id)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := find[row.kind](c, row.wanted); got != want || ok != (want != "") {
				t.Errorf("%s: %s %q is %q, %v; want %q", id, row.kind, row.wanted, got, ok, want)
			}
		}
	}
}

func TestReferenceOfAnApplication(t *testing.T) {
	draft, err := Shared("mynumber-2-draft")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ app, class, want string }{
		{"jpki", "text", "auth-pin"},
		{"jpki", "signature", "sign-pin"},
		{"surface", "text", ""},
		{"surface", "", ""},
	} {
		got := ""
		if r := draft.App(row.app).ReferenceFor(row.class); r != nil {
			got = r.Name
		}
		if got != row.want {
			t.Errorf("%s in %s is %q, want %q", row.class, row.app, got, row.want)
		}
	}
}

func TestInterface(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		for _, a := range c.ATRs {
			if got := c.Interface(a.Bytes); got != a.Interface {
				t.Errorf("%s: %s is of %q", c.ID, a.Bytes, got)
			}
		}
		for _, other := range [][]byte{nil, {0x3B}, {0x3B, 0x80, 0x01, 0x81}} {
			if got := c.Interface(other); got != "" {
				t.Errorf("%s: %X is of %q", c.ID, other, got)
			}
		}
	}
}
