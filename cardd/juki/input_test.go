package juki

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// wantCode holds an error against the code it shall carry ("" for none), its
// form, and that it does not repeat any of the secret values.
func wantCode(t *testing.T, err error, code string, secrets ...string) {
	t.Helper()
	if got := CodeOf(err); got != code {
		t.Fatalf("error = %v with code %q, want code %q", err, got, code)
	}
	if err == nil {
		return
	}
	var input *InputError
	if !errors.As(err, &input) {
		t.Fatalf("error %T is not an *InputError", err)
	}
	wantForm(t, input)
	for _, secret := range secrets {
		if len(secret) > 2 && strings.Contains(fmt.Sprintf("%s %s %+v", input, input.Ja, *input), secret) {
			t.Errorf("error repeats the value it refuses")
		}
	}
}

func wantForm(t *testing.T, e *InputError) {
	t.Helper()
	if e.Field == "" || e.Rule == "" || e.Remedy == "" || e.Code == "" {
		t.Errorf("error lacks a part: %+v", e)
	}
	if want := "cannot accept " + e.Field + ": " + e.Rule + "; " + e.Remedy; e.Error() != want {
		t.Errorf("Error() = %q, want %q", e.Error(), want)
	}
	if !strings.Contains(e.Ja, "を受け付けられません。") || !strings.HasSuffix(e.Ja, "。") {
		t.Errorf("Japanese text %q is not a sentence of the house", e.Ja)
	}
	if strings.ContainsAny(e.Error()+e.Ja, "{}") {
		t.Errorf("a number was not filled in: %q %q", e.Error(), e.Ja)
	}
}

func TestInputErrorNamed(t *testing.T) {
	err := CheckMyNumber("1")
	tests := []struct {
		name            string
		field, japanese string
		wantEn, wantJa  string
	}{
		{"known field behind a prefix", "person.my_number", "", "cannot accept person.my_number: ", "個人番号を受け付けられません。"},
		{"Japanese given", "row 3", "3行目", "cannot accept row 3: ", "3行目を受け付けられません。"},
		{"nothing known", "whatever", "", "cannot accept whatever: ", "whateverを受け付けられません。"},
		{"longest known ending", "order.pin.signature", "", "cannot accept order.pin.signature: ", "署名用電子証明書暗証番号を受け付けられません。"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var input *InputError
			if !errors.As(err, &input) {
				t.Fatal("no *InputError")
			}
			got := input.Named(tt.field, tt.japanese)
			wantForm(t, got)
			if !strings.HasPrefix(got.Error(), tt.wantEn) || !strings.HasPrefix(got.Ja, tt.wantJa) {
				t.Errorf("got %q and %q", got.Error(), got.Ja)
			}
			if input.Field != "my_number" || !strings.HasPrefix(input.Ja, "個人番号を") {
				t.Error("Named changed the error it copies")
			}
		})
	}
}

func TestRename(t *testing.T) {
	if err := Rename(nil, "birth"); err != nil {
		t.Errorf("Rename(nil) = %v", err)
	}
	other := errors.New("cannot reach anything")
	if err := Rename(other, "birth"); err != other {
		t.Errorf("Rename(other) = %v", err)
	}
	wrapped := fmt.Errorf("order 7: %w", refuse("JUKI-DATE-FORMAT", "date"))
	err := Rename(wrapped, "issued")
	wantCode(t, err, "JUKI-DATE-FORMAT")
	if !strings.HasPrefix(err.Error(), "cannot accept issued: ") {
		t.Errorf("Rename(wrapped) = %v", err)
	}
}

func TestUnknownCodePanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.HasPrefix(fmt.Sprint(r), "internal error: ") {
			t.Errorf("recovered %v", r)
		}
	}()
	_ = refuse("JUKI-NONE", "x")
}

// Each code is used by the sources, and each code in the sources has a text.
// Codes made of a stem and an ending ("JUKI-MYNUMBER" + "-LENGTH") count by stem.
func TestCatalogueAndSourcesAgree(t *testing.T) {
	used := codesInSources(t)
	for _, code := range Codes() {
		stem := regexp.MustCompile(`-(LENGTH|DIGITS|CHECKDIGIT)$`).ReplaceAllString(code, "")
		if !slices.Contains(used, code) && !slices.Contains(used, stem) {
			t.Errorf("%s has a text and no use", code)
		}
	}
	for _, code := range used {
		_, _, _, whole := Explain(code)
		_, _, _, stem := Explain(code + "-DIGITS")
		if !whole && !stem {
			t.Errorf("%s is used and has no text", code)
		}
	}
}

func codesInSources(t *testing.T) []string {
	t.Helper()
	files := []string{"digits.go", "date.go", "era.go", "wareki.go", "sex.go", "text.go", "pin.go", "product.go", "validity.go", "reference.go"}
	var codes []string
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(JUKI-[A-Z0-9-]+)"`).FindAllStringSubmatch(string(source), -1) {
			codes = append(codes, m[1])
		}
	}
	return codes
}

func TestCatalogueTexts(t *testing.T) {
	codes := Codes()
	if !slices.IsSorted(codes) || len(codes) < 50 {
		t.Errorf("%d codes, sorted %t", len(codes), slices.IsSorted(codes))
	}
	for _, code := range codes {
		t.Run(code, func(t *testing.T) {
			rule, remedy, ja, ok := Explain(code)
			if !ok || rule == "" || remedy == "" {
				t.Fatal("a part is missing")
			}
			for _, s := range []string{rule, remedy} {
				if strings.HasSuffix(s, ".") || strings.Contains(s, "  ") {
					t.Errorf("%q: trailing period or double space", s)
				}
			}
			if first := []rune(remedy)[0]; !unicode.IsLower(first) {
				t.Errorf("remedy %q begins with a capital", remedy)
			}
			if strings.Count(ja, "。") < 2 || !strings.HasSuffix(ja, "。") {
				t.Errorf("%q: want rule and remedy as sentences", ja)
			}
		})
	}
	if _, _, _, ok := Explain("PLAN-OTHER"); ok {
		t.Error("Explain knows a foreign code")
	}
}
