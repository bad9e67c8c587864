package order

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"jukicard/apdu/secret"
	"jukicard/cardd/juki"
)

const allPINs = `{"signature":"CANARY77","authentication":"7391","resident":"4826","text":"1957"}`

func TestPINsAreRead(t *testing.T) {
	pins, err := ParsePINs([]byte(allPINs))
	if err != nil {
		t.Fatal(err)
	}
	for class, want := range map[juki.PINClass]string{
		juki.PINSignature: "CANARY77", juki.PINAuthentication: "7391", juki.PINResident: "4826", juki.PINText: "1957",
	} {
		if got := open(t, pins[class]); got != want {
			t.Errorf("%s is %s", class, got)
		}
	}
	wire, err := pins.Wire()
	if err != nil || string(wire) != allPINs {
		t.Errorf("the wire form is %s (%v)", wire, err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %q", pins, pins, pins, struct{ p PINs }{pins}); strings.Contains(shown, "CANARY") || strings.Contains(shown, "4826") {
		t.Error("PINs are shown")
	}
	pins.Destroy()
	if _, err := pins.Wire(); !errors.Is(err, secret.ErrDestroyed) {
		t.Errorf("destroyed PINs go on the wire (%v)", err)
	}
	if wire, err := (PINs{}).Wire(); err != nil || string(wire) != "{}" {
		t.Errorf("no PINs are %s (%v)", wire, err)
	}
}

func TestPINsInCBOR(t *testing.T) {
	b, err := cbor.Marshal(map[string]string{"resident": "4826", "text": "1957"})
	if err != nil {
		t.Fatal(err)
	}
	pins, err := ParsePINsCBOR(b)
	if err != nil || len(pins) != 2 || open(t, pins[juki.PINText]) != "1957" {
		t.Errorf("got %v, %v", pins, err)
	}
	if _, err := ParsePINsCBOR(b[:5]); problems(t, err).Code() != "ORDER-CBOR" {
		t.Errorf("cut: %v", err)
	}
}

func TestBadPINs(t *testing.T) {
	rows := []struct{ name, doc, code, field string }{
		{"signature too short", `{"signature":"ABC12"}`, "JUKI-PIN-SIGNATURE-LENGTH", "pins.signature"},
		{"signature too long", `{"signature":"ABCDEFGH123456789"}`, "JUKI-PIN-SIGNATURE-LENGTH", "pins.signature"},
		{"signature in lower case", `{"signature":"abc123"}`, "JUKI-PIN-SIGNATURE-LOWERCASE", "pins.signature"},
		{"signature without a digit", `{"signature":"ABCDEF"}`, "JUKI-PIN-SIGNATURE-DIGIT", "pins.signature"},
		{"signature without a letter", `{"signature":"123456"}`, "JUKI-PIN-SIGNATURE-LETTER", "pins.signature"},
		{"signature with a sign", `{"signature":"ABC-123"}`, "JUKI-PIN-SIGNATURE-CHARACTERS", "pins.signature"},
		{"signature full-width", `{"signature":"ＡＢＣ１２３"}`, "JUKI-PIN-SIGNATURE-CHARACTERS", "pins.signature"},
		{"three digits", `{"authentication":"123"}`, "JUKI-PIN-NUMERIC-LENGTH", "pins.authentication"},
		{"five digits", `{"resident":"12345"}`, "JUKI-PIN-NUMERIC-LENGTH", "pins.resident"},
		{"empty", `{"text":""}`, "JUKI-PIN-NUMERIC-LENGTH", "pins.text"},
		{"a letter", `{"text":"12A4"}`, "JUKI-PIN-NUMERIC-CHARACTERS", "pins.text"},
		{"a number", `{"text":1957}`, "ORDER-FIELD-TYPE", "pins.text"},
		{"null", `{"text":null}`, "ORDER-FIELD-TYPE", "pins.text"},
		{"an unknown class", `{"puk":"1957"}`, "ORDER-FIELD-UNKNOWN", "pins.puk"},
		{"class and PIN the wrong way round", `{"CANARY77":"signature"}`, "ORDER-FIELD-UNKNOWN", "pins.(field 1)"},
		{"a class in upper case", `{"Text":"1957"}`, "ORDER-FIELD-CASE", "pins.text"},
		{"a class twice", `{"text":"1957","text":"1957"}`, "ORDER-FIELD-DUPLICATE", "pins.text"},
		{"oversized", `{"text":"` + strings.Repeat("1", 3000) + `"}`, "ORDER-FIELD-LONG", "pins.text"},
		{"a list", `["1957"]`, "ORDER-FIELD-TYPE", "pins"},
		{"broken", `{"text":"1957"`, "ORDER-JSON", "pins"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			pins, err := ParsePINs([]byte(row.doc))
			list := problems(t, err, "ABC12", "abc123", "ABC-123", "1957", "12A4", "12345", "CANARY77")
			if pins != nil || len(list) != 1 || list[0].Code != row.code || list[0].Field != row.field {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestPINClasses holds the classes offered against those that each card needs.
func TestPINClasses(t *testing.T) {
	rows := []struct {
		name, person, pins string
		want               string // "code field" of each problem
	}{
		{"all four", "adult", allPINs, ""},
		{"one missing", "adult", `{"signature":"CANARY77","authentication":"7391","resident":"4826"}`, "JUKI-PIN-MISSING pins.text"},
		{"all missing", "opted-out", `{}`, "JUKI-PIN-MISSING pins.resident JUKI-PIN-MISSING pins.text"},
		{"signature for a child", "under15", allPINs, "JUKI-PIN-FORBIDDEN pins.signature"},
		{"certificates not wanted", "opted-out", allPINs, "JUKI-PIN-FORBIDDEN pins.signature JUKI-PIN-FORBIDDEN pins.authentication"},
		{"one missing, one too many", "under15", `{"signature":"CANARY77","authentication":"7391","text":"1957"}`, "JUKI-PIN-FORBIDDEN pins.signature JUKI-PIN-MISSING pins.resident"},
		{"any for face-auth", "face-auth", `{"text":"1957"}`, "JUKI-PIN-FORBIDDEN pins.text"},
		{"none for face-auth", "face-auth", `{}`, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			pins, err := ParsePINs([]byte(row.pins))
			if err != nil {
				t.Fatal(err)
			}
			err = pins.Check(parsed(t, row.person).Eligibility())
			if err == nil {
				if row.want != "" {
					t.Error("accepted")
				}
				return
			}
			var got []string
			for _, e := range problems(t, err, "CANARY77", "7391", "4826", "1957") {
				got = append(got, e.Code, e.Field)
			}
			if s := strings.Join(got, " "); s != row.want {
				t.Errorf("got  %s\nwant %s", s, row.want)
			}
		})
	}
}

func TestPINsThatNobodyCheckedDoNotGoOnTheWire(t *testing.T) {
	_, err := PINs{juki.PINText: secret.FromString(`1","x":"`)}.Wire()
	if juki.CodeOf(err) != "JUKI-PIN-NUMERIC-CHARACTERS" {
		t.Errorf("got %v", err)
	}
}
