package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/tlv"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
	"jukicard/reader"
	"jukicard/simulator"
)

// forged is a card on which one byte of one file, or all of it, or of what one key signs,
// is another.
type forged struct {
	*simulator.Card
	p       *profile.Card // its generation
	file    string        // "jpki/auth-cert"; empty for none
	at      int           // which byte; counted from the end of the object when negative
	content []byte        // all that the file holds, where it is not nil
	size    int           // of the object, learnt from its header
	key     string        // "jpki/auth-key"; empty for none

	app string // selected
	ef  string // current, as "app/file"
}

func (f *forged) Process(command []byte) []byte {
	answer := f.Card.Process(command)
	c, err := apdu.ParseCommand(command)
	if err != nil || len(answer) <= 2 && c.INS != apdu.INSSelect && c.INS != apdu.INSReadBinary {
		return answer
	}
	switch c.INS {
	case apdu.INSSelect:
		f.selected(c)
	case apdu.INSReadBinary:
		return f.falsify(c, answer)
	case apdu.INSSecurityOperation:
		if _, k, err := f.p.Key(f.key); err == nil && appOf(f.key) == f.app && (k.Default || c.P2 == 0x80|k.ID.SFI()) {
			answer[40] ^= 1
		}
	}
	return answer
}

func (f *forged) selected(c apdu.Command) {
	f.app = ""
	for _, app := range f.p.Applications {
		if string(app.AID) == string(c.Data) {
			f.app = app.Name
		}
	}
}

// falsify changes the byte where an answer holds it.
func (f *forged) falsify(c apdu.Command, answer []byte) []byte {
	off := int(c.P1)<<8 | int(c.P2)
	if c.P1&0x80 != 0 {
		off, f.ef = int(c.P2), f.fileOf(c.P1&0x1F)
	}
	switch data := answer[:len(answer)-2]; {
	case f.ef != f.file || f.file == "":
	case f.content != nil && off < len(f.content):
		return append(slices.Clone(f.content[off:min(off+c.Ne, len(f.content))]), 0x90, 0x00)
	case f.content != nil:
		return []byte{0x6B, 0x00}
	default:
		if off == 0 {
			f.size, _ = tlv.Size(data)
		}
		at := f.at
		if at < 0 {
			at += f.size
		}
		if at >= off && at < off+len(data) {
			data[at-off] ^= 1
		}
	}
	return answer
}

func (f *forged) fileOf(sfi byte) string {
	app := f.p.App(f.app)
	if app == nil {
		return ""
	}
	for _, file := range app.Files {
		if file.ID.SFI() == sfi {
			return f.app + "/" + file.Name
		}
	}
	return ""
}

// tried is a generation and all that opens its card.
type tried struct {
	profile, person string
	references      []string // flags
	answers         func(t *testing.T) string
}

var triedGenerations = []tried{
	{"mynumber-1", "adult", []string{"--reference-a", "--reference-b"}, func(t *testing.T) string {
		return "999900000011\n" + referenceB(t) + "\n"
	}},
	{"mynumber-2-draft", "next-adult", []string{"--reference-6"}, func(t *testing.T) string { return shortReference(t) + "\n" }},
}

func (g tried) generation(t *testing.T) *profile.Card {
	t.Helper()
	p, err := profile.Shared(g.profile)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// check runs all checks of a card and gives their results by name.
func (g tried) check(t *testing.T, status int, c simulator.ProcessingCard) map[string]finding {
	t.Helper()
	args := append([]string{"--json", "card", "verify", "--pins", person(t, g.person) + "/pins.json"}, g.references...)
	console := newConsole(deskWith(c)).types(g.answers(t)).do(t, status, args...)
	var all []finding
	if err := json.Unmarshal(console.out.Bytes(), &all); err != nil {
		t.Fatalf("%v in %s", err, &console.out)
	}
	byName := map[string]finding{}
	for _, f := range all {
		if _, twice := byName[f.Check]; twice {
			t.Errorf("%s is told twice", f.Check)
		}
		byName[f.Check] = f
	}
	return byName
}

// applicationOf is the order of an invented person.
func applicationOf(t *testing.T, who string) *order.Order {
	t.Helper()
	p, err := newConsole(nil).readApplication(person(t, who) + "/order.json")
	if err != nil {
		t.Fatal(err)
	}
	return p.order
}

// referenceB is the adult's: born 昭和55年2月17日, security code 2285, and the expiry
// that the order of today gives.
func referenceB(t *testing.T) (out string) {
	t.Helper()
	if err := applicationOf(t, "adult").ReferenceB().Lend(func(b []byte) error { out = string(b); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// shortReference is what the next card's adult has printed on the card.
func shortReference(t *testing.T) (out string) {
	t.Helper()
	o := applicationOf(t, "next-adult")
	err := o.SecurityCode.Lend(func(b []byte) (err error) {
		out, err = juki.ShortReference(o.CardExpiry().Year, string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestVerifyOfASoundCard(t *testing.T) {
	for _, g := range triedGenerations {
		t.Run(g.profile, func(t *testing.T) {
			found := g.check(t, 0, issuedFor(t, g.person))
			for name, f := range found {
				if f.Result != resultOK {
					t.Errorf("%s: %s, %s", name, f.Result, f.Text)
				}
			}
			if want := findingsOf(g.generation(t)); !slices.Equal(slices.Sorted(maps.Keys(found)), want) {
				t.Errorf("found %v\nwant  %v", slices.Sorted(maps.Keys(found)), want)
			}
		})
	}
}

// findingsOf are the names of all that can be found on a card of a generation.
func findingsOf(p *profile.Card) []string {
	names := []string{"domain/expiry"}
	for _, recipe := range []string{
		"jpki/auth-ca", "jpki/sign-ca", "jpki/presence", "text/cv-cert", "text/signature", "text/card-key-cert", "surface/cv-cert", "surface/face",
	} {
		if path, ok := p.Made(recipe); ok {
			names = append(names, path)
		}
	}
	for _, app := range p.Applications {
		for _, k := range app.Keys {
			if k.Certificate != "" {
				names = append(names, app.Name+"/"+k.Certificate)
			}
			if k.Certificate != "" || k.Default {
				names = append(names, app.Name+"/"+k.Name)
			}
		}
		for _, r := range app.PINs {
			path := app.Name + "/" + r.Name
			if r.Class != "" && r.Class != "birth" && path != "common/pin" { // which open nothing that is checked
				names = append(names, path)
			}
		}
	}
	slices.Sort(names)
	return names
}

// TestVerifyFindsWhatIsForged on each generation that has it. Files are named by their
// recipes.
func TestVerifyFindsWhatIsForged(t *testing.T) {
	for _, row := range []struct {
		name  string
		card  forged
		fails string
	}{
		{"a byte of a certificate's signature", forged{file: "jpki/auth-cert", at: -1}, "jpki/auth-cert"},
		{"a byte of a certificate's key", forged{file: "jpki/sign-cert", at: 400}, "jpki/sign-cert"},
		{"a byte of the CA's signature", forged{file: "jpki/auth-ca", at: -1}, "jpki/auth-ca"},
		{"a certificate that is none", forged{file: "jpki/sign-ca", at: 4}, "jpki/sign-ca"},
		{"a certificate marked as absent", forged{file: "jpki/presence", at: 0}, "jpki/presence"},
		{"another key for authentication", forged{key: "jpki/auth-key"}, "jpki/auth-key"},
		{"another key for signatures", forged{key: "jpki/sign-key"}, "jpki/sign-key"},
		{"another 個人番号", forged{file: "text/number", at: 7}, "text/signature"},
		{"the filler behind the 個人番号", forged{file: "text/number", at: 16}, "text/signature"},
		{"another name", forged{file: "text/attributes", at: 20}, "text/signature"},
		{"another seal", forged{file: "text/signature", at: -1}, "text/signature"},
		{"no CV certificate", forged{file: "text/cv-cert", at: 0}, "text/cv-cert"},
		{"another key of 入力補助AP", forged{key: "text/card-key"}, "text/card-key"},
		{"another byte of the photo", forged{file: "surface/face", at: 5000}, "surface/face"},
		{"another sex on the face", forged{file: "surface/face", at: 40}, "surface/face"},
		{"another key of 確認AP", forged{key: "surface/card-key"}, "surface/card-key"},
	} {
		for _, g := range triedGenerations {
			p := g.generation(t)
			card, fails := row.card, placeOf(p, row.fails)
			card.p, card.file = p, placeOf(p, row.card.file)
			if _, _, err := p.Key(card.key); card.key != "" && err != nil || card.file == "" && card.key == "" {
				continue // a generation without it has nothing to forge
			}
			t.Run(g.profile+"/"+row.name, func(t *testing.T) {
				card.Card = issuedFor(t, g.person)
				if f := g.check(t, exitFailed, &card)[fails]; f.Result != resultFailed {
					t.Errorf("%s: %s, %s", fails, f.Result, f.Text)
				}
			})
		}
	}
}

// placeOf is where a generation has a content or a key; empty for nowhere.
func placeOf(p *profile.Card, name string) string {
	if _, _, err := p.Key(name); err == nil {
		return name
	}
	path, _ := p.Made(name)
	return path
}

// TestVerifyFindsAnotherCertificate: one that is sound in itself and belongs to another key.
func TestVerifyFindsAnotherCertificate(t *testing.T) {
	certificate := func(g tried, path string) []byte {
		desk := deskWith(issuedFor(t, g.person))
		c := newConsole(desk).do(t, 0, "card", "read", path, "--object", "--raw", "--pin", "signature", "--pins", person(t, g.person)+"/pins.json")
		return bytes.Clone(c.out.Bytes())
	}
	kinds := map[string]string{"mynumber-1": "RSA", "mynumber-2-draft": "on P-384"}
	for i, g := range triedGenerations {
		other := triedGenerations[1-i]
		for _, row := range []struct {
			name    string
			content []byte
			says    string
		}{
			{"of the key for signatures", certificate(g, "jpki/sign-cert"), "another key is on the card"},
			{"of another generation's key", certificate(other, "jpki/auth-cert"), "the certificate's key is not " + kinds[g.profile]},
		} {
			t.Run(g.profile+"/"+row.name, func(t *testing.T) {
				card := &forged{Card: issuedFor(t, g.person), p: g.generation(t), file: "jpki/auth-cert", content: row.content}
				found := g.check(t, exitFailed, card)
				if f := found["jpki/auth-key"]; f.Result != resultFailed || !strings.Contains(f.Text, row.says) {
					t.Errorf("the key: %s, %s", f.Result, f.Text)
				}
				if f := found["jpki/auth-cert"]; f.Result != resultFailed {
					t.Errorf("the certificate: %s, %s", f.Result, f.Text)
				}
				if f := found["jpki/sign-key"]; f.Result != resultOK {
					t.Errorf("the other key: %s, %s", f.Result, f.Text)
				}
			})
		}
	}
}

func TestVerifyLooksAtDates(t *testing.T) {
	for _, row := range []struct {
		name  string
		now   time.Time
		fails []string
	}{
		{"before anything was made", time.Now().AddDate(-1, 0, 0), []string{"jpki/auth-ca", "jpki/auth-cert"}},
		{"after the certificate ended", time.Now().AddDate(7, 0, 0), []string{"jpki/auth-cert"}},
		{"after the card ended", time.Now().AddDate(30, 0, 0), []string{"jpki/auth-ca", "jpki/auth-cert", "domain/expiry"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newConsole(deskWith(issued(t)))
			in := newInspection(nil, row.now)
			if err := c.identified(t.Context(), reader.Shared, func(o *opened) error { return in.run(t.Context(), o) }); err != nil {
				t.Fatal(err)
			}
			failed := map[string]bool{}
			for _, f := range in.findings {
				failed[f.Check] = f.Result == resultFailed
			}
			for _, name := range row.fails {
				if !failed[name] {
					t.Errorf("%s does not fail", name)
				}
			}
		})
	}
}

// FuzzSeals: whatever a card holds, the checks of its data come to an end.
func FuzzSeals(f *testing.F) {
	f.Add([]byte("\xff\x30\x03\xdf\x31\x00"), []byte("\xff\x10\x0c999900000011\xff\xff"), []byte("\xff\x20\x04\xdf\x21\x01\x00"))
	f.Fuzz(func(t *testing.T, seal, number, attributes []byte) {
		if checkTextSeal(seal, number, attributes, nil) == nil {
			t.Error("data without a key were found right")
		}
		if checkFace(objectsOf(attributes), nil) == nil {
			t.Error("a face without a key was found right")
		}
	})
}
