package main

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/simulator"
)

// real is a card as the public sees real ones: it tells no personalisation state
// and no number of its own making.
type real struct{ *simulator.Card }

func (r real) Process(command []byte) []byte {
	if c, err := apdu.ParseCommand(command); err == nil && c.INS == apdu.INSGetData {
		return []byte{apdu.SWReferenceDataNotFound.SW1(), apdu.SWReferenceDataNotFound.SW2()}
	}
	return r.Card.Process(command)
}

// only answers what a function lets it; everything else is a file that is not there.
type only struct {
	*simulator.Card
	lets func(apdu.Command) bool
}

func (o only) Process(command []byte) []byte {
	if c, err := apdu.ParseCommand(command); err == nil && !o.lets(c) {
		return []byte{0x6A, 0x82}
	}
	return o.Card.Process(command)
}

// dead breaks the link at a certain command.
type dead struct {
	*simulator.Card
	left int
}

func (d *dead) Process(command []byte) []byte {
	if d.left--; d.left <= 0 {
		return nil
	}
	return d.Card.Process(command)
}

func viewOf(t *testing.T, status int, c simulator.ProcessingCard) view {
	t.Helper()
	console := newConsole(deskWith(c)).do(t, status, "--json", "card", "show")
	var v view
	if err := json.Unmarshal(console.out.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, &console.out)
	}
	return v
}

func TestShow(t *testing.T) {
	t.Run("an issued card", func(t *testing.T) {
		v := viewOf(t, 0, issued(t))
		if v.Condition != conditionIssued || v.Municipality != "99201" || len(v.Applications) != 5 || len(v.Certificates) != 4 {
			t.Errorf("%+v", v)
		}
		if c := v.Certificates[0]; c.State != "present" || c.Subject == "" || c.Until == nil {
			t.Errorf("the certificate is shown as %+v", c)
		}
		if c := v.Certificates[1]; c.State != "protected" || c.Opens != "jpki/sign-pin" {
			t.Errorf("the signature certificate is shown as %+v", c)
		}
	})
	t.Run("a real card tells less and all of that is shown", func(t *testing.T) {
		v := viewOf(t, 0, real{issued(t)})
		if v.Condition != conditionNotTold || v.CardID != "" || len(v.Manufacture) != 15 || v.Municipality != "99201" || len(v.Expiry) != 8 {
			t.Errorf("%+v", v)
		}
	})
	t.Run("a token with one application, as a telephone is", func(t *testing.T) {
		card := issued(t)
		jpki := generations()[0].Applications[0].AID
		v := viewOf(t, 0, only{card, func(c apdu.Command) bool {
			return c.INS != apdu.INSSelect || c.P1 != 0x04 || string(c.Data) == string(jpki)
		}})
		for _, a := range v.Applications {
			if a.Present != (a.Name == "jpki") {
				t.Errorf("%s is present: %v (%s)", a.Name, a.Present, a.Answer)
			}
		}
	})
	t.Run("a blank card", func(t *testing.T) {
		v := viewOf(t, 0, blank(t))
		if v.Condition != conditionBlank || v.Manufacture != "" {
			t.Errorf("%+v", v)
		}
	})
	t.Run("a link that breaks is no view", func(t *testing.T) {
		card := blank(t)
		for left := 1; left < 30; left += 4 {
			c := newConsole(deskWith(&dead{card, left})).do(t, exitFailed, "card", "show")
			if c.out.Len() > 0 || !strings.Contains(c.err.String(), "READER-") {
				t.Errorf("at command %d: %s%s", left, &c.out, &c.err)
			}
		}
	})
}

func TestReaders(t *testing.T) {
	c := newConsole(deskWith(blank(t), nil)).do(t, 0, "readers")
	if want := "Desk 0  3BE000FF8131FE4514  個人番号カード"; !strings.HasPrefix(c.out.String(), want) || !strings.Contains(c.out.String(), "no card") {
		t.Errorf("%s", &c.out)
	}
	c = newConsole(deskWith()).do(t, exitFailed, "readers")
	if !strings.Contains(c.err.String(), "READER-NONE: no card reader is attached; plug a reader in") {
		t.Errorf("%s", &c.err)
	}
}

// TestNoTryIsSpent looks and checks without PINs, and counts.
func TestNoTryIsSpent(t *testing.T) {
	card := issued(t)
	desk := deskWith(card)
	for _, args := range [][]string{{"card", "show"}, {"card", "pin", "status"}, {"card", "verify"}, {"card", "read", "jpki/auth-cert"}} {
		newConsole(desk).do(t, 0, args...)
	}
	newConsole(desk).do(t, exitFailed, "card", "read", "text/number")
	for _, r := range viewOf(t, 0, card).References {
		if r.Class != "" && r.Left != r.Most {
			t.Errorf("%s: %d of %d tries are left", r.Path, r.Left, r.Most)
		}
	}
}

// TestTheLastTryIsNotSpent presents wrong values until the software refuses.
func TestTheLastTryIsNotSpent(t *testing.T) {
	desk := deskWith(issued(t))
	for range 5 {
		newConsole(desk).types("0000\n").do(t, exitFailed, "card", "pin", "verify", "text")
	}
	c := newConsole(desk).do(t, 0, "card", "pin", "status")
	if !strings.Contains(c.out.String(), "text/pin                 1/3") {
		t.Errorf("%s", &c.out)
	}
}

// TestWhatWasVerifiedIsForgotten: the next program must not find an open card.
func TestWhatWasVerifiedIsForgotten(t *testing.T) {
	desk := deskWith(issued(t))
	dir := person(t, "adult")
	newConsole(desk).do(t, 0, "card", "read", "text/number", "--pin", "text", "--pins", dir+"/pins.json")
	newConsole(desk).do(t, exitFailed, "card", "read", "text/number")
}

func TestRead(t *testing.T) {
	desk := deskWith(issued(t))
	file := filepath.Join(t.TempDir(), "out")
	newConsole(desk).do(t, 0, "card", "read", "jpki/presence", "--out", file)
	if b, err := os.ReadFile(file); err != nil || string(b) != "\x8F\x8F\x00" {
		t.Errorf("%X, %v", b, err)
	}
	c := newConsole(desk).do(t, 0, "card", "read", "jpki/presence", "--raw")
	if c.out.String() != "\x8F\x8F\x00" {
		t.Errorf("%q", &c.out)
	}
	c = newConsole(desk).do(t, exitRefused, "card", "read", "jpki/presence", "--pin", "text")
	if !strings.Contains(c.err.String(), "application jpki has no such reference; nothing that a holder knows opens it") {
		t.Errorf("%s", &c.err)
	}
	c = newConsole(desk).do(t, exitRefused, "card", "read", "presence")
	if !strings.Contains(c.err.String(), "card read --help") {
		t.Errorf("%s", &c.err)
	}
}

func TestChange(t *testing.T) {
	desk := deskWith(issued(t))
	newConsole(desk).types("7391\n5206\n5206\n").do(t, 0, "card", "pin", "change", "authentication")
	newConsole(desk).types("5206\n").do(t, 0, "card", "pin", "verify", "authentication")
	newConsole(desk).types("7391\n").do(t, exitFailed, "card", "pin", "verify", "authentication")
	newConsole(desk).types("5206\n12\n13\n14\n").do(t, exitRefused, "card", "pin", "change", "authentication")
	c := newConsole(desk).types("5206\n5206\n5206\n").do(t, exitRefused, "card", "pin", "change", "jpki/auth-pin")
	if !strings.Contains(c.err.String(), "the new one is the old one") {
		t.Errorf("%s", &c.err)
	}
}

// TestACardCommandsNoTerminal by the names in its certificates; kanji and their selectors
// stay.
func TestACardCommandsNoTerminal(t *testing.T) {
	raw, err := asn1.Marshal(pkix.Name{Organization: []string{"架空の局\u3000葛\U000E0100"}, CommonName: "\x1b]0;owned\a\u202eCA"}.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := nameText(raw), "CN=?]0\\;owned??CA,O=架空の局\u3000葛\U000E0100"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
