package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/apdu/profile"
	"jukicard/printer/face"
	"jukicard/simulator"
)

func withFont(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(face.DefaultFontPaths[0]); err != nil {
		t.Skip("IPAmj Mincho is not installed: apt-get install fonts-ipamj-mincho")
	}
}

// TestIssueKeepsToTheMinimum issues people of different products both ways: what the
// counting figures say must hold on every machine.
func TestIssueKeepsToTheMinimum(t *testing.T) {
	withFont(t)
	p, err := profile.Load(simulator.DefaultProfile)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := newKeyPool()
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	for _, l := range []link{shortLink(), extendedLink(p.Limits.CommandData)} {
		o, err := openOffice(t.Context(), state, l.name == shortLink().name)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"adult", "infant", "foreigner", "face-auth"} {
			t.Run(l.name+"/"+name, func(t *testing.T) { issueOne(t, o, l, p, pool, name) })
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}

func issueOne(t *testing.T, o *office, l link, p *profile.Card, pool *keyPool, name string) {
	a, err := apply(t.TempDir(), name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := blankCard(p, pool.take)
	if err != nil {
		t.Fatal(err)
	}
	done, err := o.issue(t.Context(), a, c)
	if err != nil {
		t.Fatal(err)
	}
	j, err := o.onCard(t.Context(), p, a)
	if err != nil {
		t.Fatal(err)
	}
	if done.total.APDUs < int64(l.minimum(j).apdus) {
		t.Errorf("%d round trips, fewer than the minimum %d: it is none", done.total.APDUs, l.minimum(j).apdus)
	}
	var out bytes.Buffer
	r := &report{to: &out}
	compareIssue(r, l, j, done)
	exactness(r, l, done)
	if name == "adult" { // who has all four certificates
		if err := readCertificates(t.Context(), r, o, l, p, a); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.verdict(nil); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestApplicantIsReadAsAClerkWould: photograph inside the order, PINs beside it.
func TestApplicantIsReadAsAClerkWould(t *testing.T) {
	a, err := apply(filepath.Join(t.TempDir(), "new"), "adult")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(a.wire, []byte("photo_data")) || len(a.pin) != 4 {
		t.Errorf("an order of %d bytes and %d PINs, want a photograph inside and four", len(a.wire), len(a.pin))
	}
	if _, err := apply(t.TempDir(), "nobody"); err == nil {
		t.Error("a person who does not exist applied")
	}
}

func TestStateIsReadIntoLengths(t *testing.T) {
	p, err := profile.Load(simulator.DefaultProfile)
	if err != nil {
		t.Fatal(err)
	}
	a := &applicant{pin: map[string]string{"signature": "ABC1234"}}
	entry := func(app, object string, value int) []byte {
		id := objectID(t, p, app, object)
		return []byte{byte(p.AppIndex(app)), byte(id >> 8), byte(id), 1, byte(value >> 8), byte(value)}
	}
	good := bytes.Join([][]byte{
		{p.Domain.Locked}, entry("jpki", "sign-cert", 1570), entry("jpki", "sign-key", 2048),
		entry("jpki", "sign-pin", 5), entry("surface", "reference-b", 10), entry("common", "manufacture", 1),
		entry("domain", "expiry", 8),
	}, nil)
	for _, row := range []struct {
		name  string
		state []byte
		want  string // of the error, empty for none
	}{
		{"as a card tells it", good, ""},
		{"nothing", nil, "no whole number"},
		{"cut off", good[:len(good)-1], "no whole number"},
		{"an application too many", []byte{0x0F, byte(len(p.Applications) + 1), 0, 1, 1, 0, 0}, "application"},
		{"an object nobody knows", []byte{0x0F, 1, 0x7F, 0x7F, 1, 0, 0}, "7F7F"},
	} {
		t.Run(row.name, func(t *testing.T) {
			j := job{applications: make([]application, len(p.Applications))}
			err := j.fill(p, a, row.state)
			if row.want != "" {
				if err == nil || !strings.Contains(err.Error(), row.want) {
					t.Errorf("error %v, want one with %q", err, row.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			jpki, surface, common := j.applications[0], j.applications[1], j.applications[4]
			if jpki.files[0] != 1570 || jpki.made != 1 || jpki.references[0] != 7 || surface.references[0] != 14 || common.records[0] != 30 || j.objects[0] != 8 {
				t.Errorf("got %+v", j)
			}
		})
	}
}

// objectID finds an object's identifier or tag by name.
func objectID(t *testing.T, p *profile.Card, app, name string) profile.FileID {
	t.Helper()
	if tag, ok := p.Object(name); app == "domain" && ok {
		return tag
	}
	path := app + "/" + name
	if _, f, err := p.File(path); err == nil {
		return f.ID
	}
	if _, r, err := p.Reference(path); err == nil {
		return r.ID
	}
	_, k, err := p.Key(path)
	if err != nil {
		t.Fatal(err)
	}
	return k.ID
}
