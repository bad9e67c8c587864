package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"jukicard/apdu"
	"jukicard/apdu/tlv"
	"jukicard/reader"
	"jukicard/simulator"
)

// forged is a card on which one byte of one file, or of what one key signs, is
// another.
type forged struct {
	*simulator.Card
	file string // "jpki/auth-cert"; empty for none
	at   int    // which byte; counted from the end of the object when negative
	size int    // of the object, learnt from its header
	key  string // "jpki/auth-key"; empty for none

	app string // selected
	ef  string // current, as "app/file"
}

func (f *forged) Process(command []byte) []byte {
	answer := f.Card.Process(command)
	c, err := apdu.ParseCommand(command)
	if err != nil || len(answer) <= 2 && c.INS != apdu.INSSelect {
		return answer
	}
	switch c.INS {
	case apdu.INSSelect:
		f.selected(c)
	case apdu.INSReadBinary:
		f.falsify(c, answer[:len(answer)-2])
	case apdu.INSSecurityOperation:
		if _, k, err := generations()[0].Key(f.key); err == nil && strings.HasPrefix(f.key, f.app) && (k.Default || c.P2 == 0x80|k.ID.SFI()) {
			answer[40] ^= 1
		}
	}
	return answer
}

func (f *forged) selected(c apdu.Command) {
	f.app = ""
	for _, app := range generations()[0].Applications {
		if string(app.AID) == string(c.Data) {
			f.app = app.Name
		}
	}
}

// falsify changes the byte where an answer holds it.
func (f *forged) falsify(c apdu.Command, data []byte) {
	off := int(c.P1)<<8 | int(c.P2)
	if c.P1&0x80 != 0 {
		off, f.ef = int(c.P2), f.fileOf(c.P1&0x1F)
	}
	if f.ef != f.file {
		return
	}
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

func (f *forged) fileOf(sfi byte) string {
	app := generations()[0].App(f.app)
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

// check runs all checks of a card and gives their results by name.
func check(t *testing.T, status int, c simulator.ProcessingCard) map[string]finding {
	t.Helper()
	dir := person(t, "adult")
	console := newConsole(deskWith(c)).types("999900000011\n"+referenceB(t)+"\n").
		do(t, status, "--json", "card", "verify", "--pins", dir+"/pins.json", "--reference-a", "--reference-b")
	var all []finding
	if err := json.Unmarshal(console.out.Bytes(), &all); err != nil {
		t.Fatalf("%v in %s", err, &console.out)
	}
	byName := map[string]finding{}
	for _, f := range all {
		byName[f.Check] = f
	}
	return byName
}

// referenceB is the adult's: born 昭和55年2月17日, security code 2285, and the expiry
// that the order of today gives.
func referenceB(t *testing.T) string {
	t.Helper()
	c := newConsole(nil)
	p, err := c.readApplication(person(t, "adult") + "/order.json")
	if err != nil {
		t.Fatal(err)
	}
	var out string
	if err := p.order.ReferenceB().Lend(func(b []byte) error { out = string(b); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestVerifyOfASoundCard(t *testing.T) {
	for name, f := range check(t, 0, issued(t)) {
		if f.Result != resultOK {
			t.Errorf("%s: %s, %s", name, f.Result, f.Text)
		}
	}
}

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
		t.Run(row.name, func(t *testing.T) {
			row.card.Card = issued(t)
			found := check(t, exitFailed, &row.card)
			if f := found[row.fails]; f.Result != resultFailed {
				t.Errorf("%s: %s, %s", row.fails, f.Result, f.Text)
			}
		})
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
