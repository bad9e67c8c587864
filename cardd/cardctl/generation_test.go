package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/cardd/internal/failure"
	"jukicard/reader"
	"jukicard/simulator"
)

// draft is the next card's generation.
func draft(t *testing.T) tried {
	t.Helper()
	return triedGenerations[slices.IndexFunc(triedGenerations, func(g tried) bool { return g.profile == "mynumber-2-draft" })]
}

// listened keeps what a card is sent.
type listened struct {
	simulator.ProcessingCard
	sent []apdu.Command
}

func (l *listened) Process(command []byte) []byte {
	c, _ := apdu.ParseCommand(command)
	l.sent = append(l.sent, c)
	return l.ProcessingCard.Process(command)
}

// relabelled gives another token label.
type relabelled struct{ *simulator.Card }

func (r relabelled) Process(command []byte) []byte {
	return []byte(strings.Replace(string(r.Card.Process(command)), card.Label, "JPKIAPGPSETOKEN", 1))
}

// stopped refuses every application.
type stopped struct{ *simulator.Card }

func (stopped) Process([]byte) []byte { return []byte{0x6A, 0x81} }

func TestRecognise(t *testing.T) {
	nothing := func(c *simulator.Card) simulator.ProcessingCard {
		return only{c, func(apdu.Command) bool { return false }}
	}
	for _, row := range []struct {
		name, person string
		wrap         func(*simulator.Card) simulator.ProcessingCard
		atr          reader.ATR // nil: the card's
		want         string
		label        string
		selects      int
		refusal      error
	}{
		{name: "the first", person: "adult", want: "mynumber-1", label: card.Label, selects: 1},
		{name: "the first by no known answer to reset", person: "adult", atr: reader.ATR{0x3B, 0x80, 0x01, 0x81}, want: "mynumber-1", label: card.Label, selects: 1},
		{name: "the draft", person: "next-adult", want: "mynumber-2-draft", label: "DRAFT OF THE NEXT CARD", selects: 1},
		{name: "the draft by no known answer to reset", person: "next-adult", atr: reader.ATR{0x3B, 0x80, 0x01, 0x81}, want: "mynumber-2-draft", label: "DRAFT OF THE NEXT CARD", selects: 2},
		{name: "the first with the draft's answer to reset", person: "adult", atr: reader.ATR("\x3B\x86\x80\x01DRAFT2p"), want: "mynumber-1", label: card.Label, selects: 2},
		{name: "another label", person: "adult", wrap: func(c *simulator.Card) simulator.ProcessingCard { return relabelled{c} }, want: "mynumber-1", label: "JPKIAPGPSETOKEN", selects: 2},
		{name: "a foreign card", person: "adult", wrap: nothing, atr: reader.ATR{0x3B, 0x80, 0x01, 0x81}, want: "mynumber-1", selects: 2, refusal: card.ErrOtherCard},
		{name: "a stopped card", person: "adult", wrap: func(c *simulator.Card) simulator.ProcessingCard { return stopped{c} }, want: "mynumber-1", selects: 2, refusal: apdu.SWFunctionNotSupported},
		{name: "a stopped card of the draft", person: "next-adult", wrap: func(c *simulator.Card) simulator.ProcessingCard { return stopped{c} }, want: "mynumber-2-draft", selects: 2, refusal: apdu.SWFunctionNotSupported},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := issuedFor(t, row.person)
			heard := &listened{ProcessingCard: c}
			if row.wrap != nil {
				heard.ProcessingCard = row.wrap(c)
			}
			if row.atr == nil {
				row.atr = reader.ATR(c.ATR())
			}
			line := apdu.TransportFunc(func(_ context.Context, b []byte) ([]byte, error) { return heard.Process(b), nil })
			seen, err := recognise(t.Context(), line, row.atr)
			if err != nil {
				t.Fatal(err)
			}
			if seen.Profile().ID != row.want || seen.label != row.label || !errors.Is(seen.refusal, row.refusal) {
				t.Errorf("it is %s, %q, %v", seen.Profile().ID, seen.label, seen.refusal)
			}
			selects := 0
			for _, c := range heard.sent {
				if c.INS == apdu.INSSelect {
					selects++
				}
			}
			if selects != row.selects {
				t.Errorf("%d applications were tried, want %d", selects, row.selects)
			}
		})
	}
}

// TestForeignCardIsLeftAlone: it is asked for applications and nothing else, whatever the
// command, and nothing is asked of whoever sits there.
func TestForeignCardIsLeftAlone(t *testing.T) {
	for _, args := range [][]string{
		{"card", "show"}, {"card", "pin", "status"}, {"card", "pin", "verify", "text"}, {"card", "pin", "change", "authentication"},
		{"card", "verify"}, {"card", "verify", "--reference-a"}, {"card", "read", "text/number", "--pin", "text"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			heard := &listened{ProcessingCard: only{blank(t), func(apdu.Command) bool { return false }}}
			c := newConsole(deskWith(heard)).do(t, exitFailed, args...)
			if !strings.Contains(c.err.String(), "CARD-NOT-MYNUMBER") || strings.Contains(c.err.String(), "PIN (") {
				t.Errorf("%s", &c.err)
			}
			for _, c := range heard.sent {
				if c.INS != apdu.INSSelect {
					t.Errorf("it was sent %s", c)
				}
			}
			if len(heard.sent) != len(generations()) {
				t.Errorf("%d commands for %d generations", len(heard.sent), len(generations()))
			}
		})
	}
}

// TestAnUnknownGenerationIsToldNothing: a card with a label that no generation has is
// presented nothing, whatever else it has, and nobody is asked for anything.
func TestAnUnknownGenerationIsToldNothing(t *testing.T) {
	pins := person(t, "adult") + "/pins.json"
	for _, args := range [][]string{
		{"card", "pin", "verify", "text"}, {"card", "pin", "verify", "text", "--pins", pins}, {"card", "pin", "change", "authentication"},
		{"card", "verify", "--reference-a"}, {"card", "verify", "--pins", pins}, {"card", "read", "text/number", "--pin", "text"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			heard := &listened{ProcessingCard: relabelled{issued(t)}}
			c := newConsole(deskWith(heard)).do(t, exitFailed, args...)
			if said := c.out.String() + c.err.String(); !strings.Contains(said, "no try was spent") || strings.Contains(said, "PIN (") {
				t.Errorf("%s", said)
			}
			for _, c := range heard.sent {
				if c.INS == apdu.INSVerify && len(c.Data) > 0 {
					t.Error("a value was presented")
				}
			}
		})
	}
}

// TestVerifyPresentsNoWrongValueTwice, also when it comes back to its application.
func TestVerifyPresentsNoWrongValueTwice(t *testing.T) {
	in := newInspection(nil, time.Now())
	in.enter("text/pin")
	in.open["text/pin"], in.open["text/reference-a"] = false, true
	in.enter("surface/face")
	in.enter("text/number")
	if _, presented := in.open["text/pin"]; !presented {
		t.Error("the wrong one would be presented again")
	}
	if _, presented := in.open["text/reference-a"]; presented {
		t.Error("the right one is thought of as verified still")
	}
}

func TestShowTheDraft(t *testing.T) {
	g := draft(t)
	v := viewOf(t, 0, issuedFor(t, g.person))
	if v.Generation != g.generation(t).Title || v.Condition != conditionIssued || len(v.Manufacture) != 15 || v.Municipality == "" || len(v.Expiry) != 8 {
		t.Errorf("%+v", v)
	}
	if v.Interface != "contact" || !strings.HasSuffix(v.Known, ", contact") {
		t.Errorf("it is on the interface %s, known for %s", v.Interface, v.Known)
	}
	var certificates, references []string
	for _, c := range v.Certificates {
		certificates = append(certificates, c.Path+" "+c.State+" "+c.Opens)
	}
	for _, r := range v.References {
		references = append(references, r.Path+" "+r.State)
	}
	if want := []string{"jpki/auth-cert present ", "jpki/sign-cert protected jpki/sign-pin", "jpki/auth-ca present ", "jpki/sign-ca present "}; !slices.Equal(certificates, want) {
		t.Errorf("certificates: %q", certificates)
	}
	if want := []string{"jpki/auth-pin ready", "jpki/sign-pin ready", "surface/reference ready"}; !slices.Equal(references, want) {
		t.Errorf("references: %q", references)
	}
	v = viewOf(t, 0, blankOf(t, g.generation(t), ""))
	if v.Condition != conditionBlank || v.Manufacture != "" || v.Certificates[0].State != "empty" {
		t.Errorf("a blank one: %+v", v)
	}
}

// TestPINsOfTheDraft: two, one of which stands for three classes.
func TestPINsOfTheDraft(t *testing.T) {
	g := draft(t)
	desk := deskWith(issuedFor(t, g.person))
	pins := person(t, g.person) + "/pins.json"
	for _, class := range []string{"authentication", "resident", "text", "jpki/auth-pin"} {
		c := newConsole(desk).do(t, 0, "card", "pin", "verify", class, "--pins", pins)
		if !strings.Contains(c.out.String(), "jpki/auth-pin (暗証番号 (数字4桁)) is right; tries left: 3") {
			t.Errorf("%s: %s", class, &c.out)
		}
	}
	c := newConsole(desk).types("0000\n").do(t, exitFailed, "card", "pin", "verify", "text")
	if !strings.Contains(c.err.String(), "the value is wrong, tries left: 2") {
		t.Errorf("%s", &c.err)
	}
	newConsole(desk).types("000000\n").do(t, exitFailed, "card", "pin", "verify", "reference-6")
	c = newConsole(desk).do(t, 0, "card", "pin", "status")
	for _, want := range []string{"jpki/auth-pin      2/3", "jpki/sign-pin      5/5", "surface/reference  9/10"} {
		if !strings.Contains(c.out.String(), want) {
			t.Errorf("no %q in %s", want, &c.out)
		}
	}
	newConsole(desk).types("8264\n5206\n5206\n").do(t, 0, "card", "pin", "change", "text")
	newConsole(desk).types("5206\n").do(t, 0, "card", "pin", "verify", "authentication")
	newConsole(desk).types("N3XTC4RD\nAB12CD\nAB12CD\n").do(t, 0, "card", "pin", "change", "signature")
	newConsole(desk).types("AB12CD\n").do(t, 0, "card", "pin", "verify", "signature")
	for class, want := range map[string]string{
		"reference-6": "it follows from what is printed on the card", "reference-a": "it follows from what is printed on the card",
		"text/pin": `cannot find "text/pin" in profile mynumber-2-draft`, "colour": `cannot find a reference of class "colour"`,
	} {
		c := newConsole(desk).do(t, exitRefused, "card", "pin", "change", class)
		if !strings.Contains(c.err.String(), want) {
			t.Errorf("%s: %s", class, &c.err)
		}
	}
}

// TestReadTheDraft: by its own paths and by those of the first generation.
func TestReadTheDraft(t *testing.T) {
	g := draft(t)
	desk := deskWith(issuedFor(t, g.person))
	pins := person(t, g.person) + "/pins.json"
	for _, row := range []struct {
		name string
		args []string
		exit int
		want string
	}{
		{"by its path", []string{"jpki/number", "--raw", "--pin", "authentication"}, 0, "\xFF\x10\x0C99990000"},
		{"by its name in the first generation", []string{"text/number", "--raw", "--pin", "text"}, 0, "\xFF\x10\x0C99990000"},
		{"with the other PIN that opens it", []string{"text/number", "--raw", "--pin", "signature"}, 0, "\xFF\x10\x0C99990000"},
		{"told by where it is", []string{"text/number", "--json", "--pin", "text"}, 0, `"path": "jpki/number"`},
		{"an elastic file", []string{"jpki/auth-cert", "--raw"}, 0, "\x30\x82"},
		{"what opens it", []string{"text/attributes"}, exitFailed, "it is opened by --pin authentication (暗証番号 (数字4桁)) or --pin signature (暗証番号 (英数字6~16桁))"},
		{"what opens the face", []string{"surface/face"}, exitFailed, "it is opened by --reference-6 (照合番号 (6桁))"},
		{"a reference it has not", []string{"surface/face", "--reference-a"}, exitRefused, "application surface has no such reference; it is opened by --reference-6"},
		{"a file it has not", []string{"surface/birth"}, exitRefused, `cannot find "surface/birth" in profile mynumber-2-draft`},
		{"a file nobody has", []string{"jpki/nothing"}, exitRefused, "in profile mynumber-1: no such file in jpki; see the list with"},
		{"two ways", []string{"surface/face", "--reference-6", "--pin", "text"}, exitRefused, "give one of --pin, --reference-6, --reference-a, --reference-b"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newConsole(desk).do(t, row.exit, append([]string{"card", "read", "--pins", pins}, row.args...)...)
			if got := c.out.String() + c.err.String(); !strings.Contains(got, row.want) {
				t.Errorf("%q", got)
			}
		})
	}
	newConsole(desk).types(shortReference(t)+"\n").do(t, 0, "card", "read", "surface/face", "--reference-6")
}

// TestVerifyAsksOnce for a PIN that serves for more than one class given, and presents it
// once.
func TestVerifyAsksOnce(t *testing.T) {
	g := draft(t)
	heard := &listened{ProcessingCard: issuedFor(t, g.person)}
	c := newConsole(deskWith(heard)).types("8264\n").do(t, 0, "--json", "card", "verify", "--pin", "authentication,text", "--pin", "resident")
	var all []finding
	if err := json.Unmarshal(c.out.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	results := map[string]string{}
	for _, f := range all {
		results[f.Check] = f.Result
	}
	for check, want := range map[string]string{
		"jpki/auth-pin": resultOK, "jpki/auth-key": resultOK, "jpki/signature": resultOK, "jpki/sign-cert": resultNotRead, "surface/face": resultNotRead, "text/signature": "",
	} {
		if results[check] != want {
			t.Errorf("%s: %q, want %q", check, results[check], want)
		}
	}
	presented := 0
	for _, c := range heard.sent {
		if c.INS == apdu.INSVerify && len(c.Data) > 0 {
			presented++
		}
	}
	if presented != 1 {
		t.Errorf("%d values were presented", presented)
	}
	newConsole(deskWith(issuedFor(t, g.person))).do(t, exitRefused, "card", "verify", "--reference-a")
}

// TestAnotherGenerationMeanwhile: a value asked for one card is not presented to one of
// another generation.
func TestAnotherGenerationMeanwhile(t *testing.T) {
	heard := &listened{ProcessingCard: issued(t)}
	c := newConsole(deskWith(heard))
	err := c.identifiedAs(t.Context(), draft(t).generation(t), func(*opened) error {
		t.Error("the card is used")
		return nil
	})
	if failure.CodeOf(err) != failure.CardGeneration {
		t.Errorf("%v", err)
	}
	for _, c := range heard.sent {
		if c.INS == apdu.INSVerify {
			t.Error("a value was presented")
		}
	}
}

// TestHelpListsEachGeneration, the first without its name.
func TestHelpListsEachGeneration(t *testing.T) {
	for _, row := range []struct{ command, want string }{
		{"read", "Files (opened by):\n"}, {"read", "Files of mynumber-2-draft (opened by):\n"},
		{"read", "  text/number            FF10 0C 個人番号 and filler FF FF (pin, reference-a)\n"},
		{"read", "  jpki/number            FF10 0C 個人番号 and filler FF FF (auth-pin, sign-pin)\n"},
		{"pin verify", "Those of mynumber-2-draft:\n"},
		{"pin verify", "  authentication  jpki/auth-pin            暗証番号 (数字4桁), also for resident, text\n"},
		{"pin verify", "  reference-6     surface/reference        照合番号 (6桁)\n"},
	} {
		args := append([]string{"card"}, append(strings.Fields(row.command), "--help")...)
		if c := newConsole(nil).do(t, 0, args...); !strings.Contains(c.out.String(), row.want) {
			t.Errorf("no %q in the help of %s:\n%s", row.want, row.command, &c.out)
		}
	}
	if os.Getenv("LC_ALL") != "C" {
		t.Error("the help was not English")
	}
}
