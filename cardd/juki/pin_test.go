package juki

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The table of the fact sheet, written down once more.
func TestPINRules(t *testing.T) {
	want := []PINRule{
		{Class: "signature", Japanese: "署名用電子証明書暗証番号", MinLen: 6, MaxLen: 16, Tries: 5, Letters: true},
		{Class: "authentication", Japanese: "利用者証明用電子証明書暗証番号", MinLen: 4, MaxLen: 4, Tries: 3},
		{Class: "resident", Japanese: "住民基本台帳用暗証番号", MinLen: 4, MaxLen: 4, Tries: 3, Always: true},
		{Class: "text", Japanese: "券面事項入力補助用暗証番号", MinLen: 4, MaxLen: 4, Tries: 3, Always: true},
	}
	if len(PINClasses) != len(want) {
		t.Fatalf("%d classes", len(PINClasses))
	}
	for i, class := range PINClasses {
		if got := RuleOf(class); got != want[i] {
			t.Errorf("RuleOf(%s) = %+v, want %+v", class, got, want[i])
		}
	}
	if got := RuleOf("puk"); got != (PINRule{}) {
		t.Errorf("RuleOf(puk) = %+v", got)
	}
}

func TestCheckSignaturePIN(t *testing.T) {
	tests := []struct{ name, pin, code string }{
		{"six", "ABC123", ""},
		{"sixteen", "ABCDEFGH12345678", ""},
		{"one letter", "12345A", ""},
		{"one digit", "ABCDE1", ""},
		{"five", "ABC12", "JUKI-PIN-SIGNATURE-LENGTH"},
		{"seventeen", "ABCDEFGH123456789", "JUKI-PIN-SIGNATURE-LENGTH"},
		{"empty", "", "JUKI-PIN-SIGNATURE-LENGTH"},
		{"letters only", "ABCDEF", "JUKI-PIN-SIGNATURE-DIGIT"},
		{"digits only", "123456", "JUKI-PIN-SIGNATURE-LETTER"},
		{"lower case", "abc123", "JUKI-PIN-SIGNATURE-LOWERCASE"},
		{"one lower-case letter", "ABc123", "JUKI-PIN-SIGNATURE-LOWERCASE"},
		{"space", "ABC 123", "JUKI-PIN-SIGNATURE-CHARACTERS"},
		{"hyphen", "ABC-123", "JUKI-PIN-SIGNATURE-CHARACTERS"},
		{"full-width", "ＡＢＣ１２３", "JUKI-PIN-SIGNATURE-CHARACTERS"},
		{"kana", "ｱｲｳ123", "JUKI-PIN-SIGNATURE-CHARACTERS"},
		{"newline", "ABC123\n", "JUKI-PIN-SIGNATURE-CHARACTERS"},
		{"NUL", "ABC123\x00", "JUKI-PIN-SIGNATURE-CHARACTERS"},
		{"after Z", "ABC123[", "JUKI-PIN-SIGNATURE-CHARACTERS"},
		{"before A", "ABC123@", "JUKI-PIN-SIGNATURE-CHARACTERS"},
		{"after 9", "ABC123:", "JUKI-PIN-SIGNATURE-CHARACTERS"},
		{"before 0", "ABC123/", "JUKI-PIN-SIGNATURE-CHARACTERS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantCode(t, CheckPIN(PINSignature, []byte(tt.pin)), tt.code, tt.pin) })
	}
}

func TestCheckNumericPIN(t *testing.T) {
	tests := []struct{ name, pin, code string }{
		{"four", "4711", ""},
		{"zeros are weak, not forbidden", "0000", ""},
		{"three", "471", "JUKI-PIN-NUMERIC-LENGTH"},
		{"five", "47110", "JUKI-PIN-NUMERIC-LENGTH"},
		{"empty", "", "JUKI-PIN-NUMERIC-LENGTH"},
		{"letter", "471A", "JUKI-PIN-NUMERIC-CHARACTERS"},
		{"full-width", "４７１１", "JUKI-PIN-NUMERIC-CHARACTERS"},
		{"sign", "-471", "JUKI-PIN-NUMERIC-CHARACTERS"},
		{"space", "471 ", "JUKI-PIN-NUMERIC-CHARACTERS"},
	}
	for _, class := range PINClasses[1:] {
		for _, tt := range tests {
			t.Run(string(class)+"/"+tt.name, func(t *testing.T) {
				err := CheckPIN(class, []byte(tt.pin))
				wantCode(t, err, tt.code, tt.pin)
				if err != nil && !strings.HasPrefix(err.Error(), "cannot accept pin."+string(class)+": ") {
					t.Errorf("error %q does not name the class", err)
				}
			})
		}
	}
	wantCode(t, CheckPIN("puk", []byte("4711")), "JUKI-PIN-CLASS", "4711")
}

func TestCheckPINAgainstPatterns(t *testing.T) {
	signature := func(pin []byte) bool {
		return regexp.MustCompile(`\A[A-Z0-9]{6,16}\z`).Match(pin) && regexp.MustCompile(`[A-Z]`).Match(pin) && regexp.MustCompile(`[0-9]`).Match(pin)
	}
	numeric := func(pin []byte) bool { return regexp.MustCompile(`\A[0-9]{4}\z`).Match(pin) }
	rapid.Check(t, func(t *rapid.T) {
		pin := rapid.OneOf(
			rapid.SliceOfN(rapid.SampledFrom([]byte("0123456789ABCXYZ")), 0, 18),
			rapid.SliceOfN(rapid.SampledFrom([]byte("0123456789")), 3, 5),
			rapid.SliceOfN(rapid.Byte(), 4, 17),
		).Draw(t, "pin")
		for _, class := range PINClasses {
			want := numeric(pin)
			if class == PINSignature {
				want = signature(pin)
			}
			if got := CheckPIN(class, pin) == nil; got != want {
				t.Fatalf("%s: accepted %t, want %t", class, got, want)
			}
		}
	})
}

func FuzzCheckPIN(f *testing.F) {
	for _, pin := range []string{"ABC123", "4711", "", "abc123", "ＡＢＣ", "\x00\x00\x00\x00"} {
		f.Add(pin)
	}
	f.Fuzz(func(t *testing.T, s string) {
		pin := []byte(s)
		for _, class := range PINClasses {
			err := CheckPIN(class, pin)
			rule := RuleOf(class)
			if err == nil && (len(pin) < rule.MinLen || len(pin) > rule.MaxLen || bytes.ContainsAny(pin, "abc \x00")) {
				t.Fatalf("%s accepted a PIN of %d bytes", class, len(pin))
			}
			if err != nil && err.Error() != refuse(CodeOf(err), "pin."+string(class)).Error() {
				t.Fatalf("%s: the error depends on the PIN", class)
			}
			_ = WeakPIN(class, pin, Date{1980, 2, 17})
		}
		if !bytes.Equal(pin, []byte(s)) {
			t.Fatal("the PIN was changed")
		}
	})
}

func TestCheckPINClasses(t *testing.T) {
	all := PINClasses
	tests := []struct {
		name            string
		needed, offered []PINClass
		code, field     string
	}{
		{"all", all, all, "", ""},
		{"other order", all, []PINClass{PINText, PINSignature, PINResident, PINAuthentication}, "", ""},
		{"none for face-auth", nil, nil, "", ""},
		{"text missing", all, all[:3], "JUKI-PIN-MISSING", "pin.text"},
		{"all missing", all, nil, "JUKI-PIN-MISSING", "pin.signature"},
		{"signature for a child", all[1:], all, "JUKI-PIN-FORBIDDEN", "pin.signature"},
		{"any for face-auth", nil, all[2:3], "JUKI-PIN-FORBIDDEN", "pin.resident"},
		{"twice", all, []PINClass{PINText, PINText}, "JUKI-PIN-DUPLICATE", "pin.text"},
		{"no such class", all, []PINClass{"puk"}, "JUKI-PIN-CLASS", "pin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckPINClasses(tt.needed, tt.offered)
			wantCode(t, err, tt.code)
			if err != nil && err.(*InputError).Field != tt.field {
				t.Errorf("field = %q, want %q", err.(*InputError).Field, tt.field)
			}
		})
	}
}

func TestWeaknesses(t *testing.T) {
	birth := Date{1980, 2, 17} // 昭和55年
	tests := []struct {
		class PINClass
		pin   string
		want  []string
	}{
		{PINText, "4719", nil},
		{PINText, "8036", nil},
		{PINText, "0000", []string{"repeated"}},
		{PINText, "1212", []string{"repeated"}},
		{PINText, "1122", []string{"repeated"}},
		{PINText, "1221", nil},
		{PINText, "1234", []string{"sequence"}},
		{PINText, "4321", []string{"sequence"}},
		{PINText, "8901", []string{"sequence"}},
		{PINText, "2468", []string{"sequence"}},
		{PINText, "9753", []string{"sequence"}},
		{PINText, "1235", nil},
		{PINText, "0217", []string{"birthday"}},
		{PINText, "1702", []string{"birthday"}},
		{PINText, "1980", []string{"birthday"}},
		{PINText, "8002", []string{"birthday"}},
		{PINText, "5502", []string{"birthday"}},
		{PINText, "0218", nil},
		{PINText, "2580", []string{"keypad"}},
		{PINText, "0852", []string{"keypad"}},
		{PINText, "1397", []string{"keypad"}},
		{PINSignature, "K7Q2X9", nil},
		{PINSignature, "AAAAA1", []string{"repeated"}},
		{PINSignature, "A1A1A1", []string{"repeated"}},
		{PINSignature, "ABC123", []string{"sequence"}},
		{PINSignature, "987ZYX", []string{"sequence"}},
		{PINSignature, "AAA123", []string{"sequence"}},
		{PINSignature, "QX19800217", []string{"birthday"}},
		{PINSignature, "QX2580M", nil},
		{PINText, "", nil},
	}
	for _, tt := range tests {
		t.Run(string(tt.class)+" "+tt.pin, func(t *testing.T) {
			var codes, texts []string
			for _, w := range Weaknesses(tt.class, []byte(tt.pin), birth) {
				codes, texts = append(codes, w.Code), append(texts, w.Text)
				if w.Ja == "" {
					t.Error("no Japanese text")
				}
			}
			if !slices.Equal(codes, tt.want) {
				t.Errorf("weaknesses %v, want %v", codes, tt.want)
			}
			if !slices.Equal(texts, WeakPIN(tt.class, []byte(tt.pin), birth)) {
				t.Error("WeakPIN tells another story")
			}
		})
	}
}

func TestWeakPINWithoutBirth(t *testing.T) {
	for _, birth := range []Date{{}, {1980, 0, 0}, {1980, 2, 0}, {1860, 2, 17}} {
		if got := WeakPIN(PINText, []byte("5502"), birth); got != nil {
			t.Errorf("birth %v: %v", birth, got)
		}
	}
	if got := WeakPIN(PINText, []byte("0000"), Date{}); len(got) != 1 {
		t.Errorf("0000: %v", got)
	}
}

// A warning is guidance: of the 10,000 numbers only a small part may be named,
// and what is named still passes CheckPIN.
func TestWarningsAreFewAndNeverRefuse(t *testing.T) {
	weak := 0
	for n := range 10_000 {
		pin := []byte(fmt.Sprintf("%04d", n))
		if CheckPIN(PINText, pin) != nil {
			t.Fatalf("%d refused", n)
		}
		if WeakPIN(PINText, pin, Date{1980, 2, 17}) != nil {
			weak++
		}
	}
	if weak < 100 || weak > 300 {
		t.Errorf("%d of 10,000 numbers named weak", weak)
	}
}
