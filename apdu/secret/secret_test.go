package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"github.com/fxamacker/cbor/v2"

	"jukicard/apdu/secret"
)

const canary = "CANARY-7391"

// leaks says whether out shows the canary in any of the forms a verb or an encoder
// could give it.
func leaks(out string) bool {
	low := strings.ToLower(out)
	for _, form := range []string{
		canary,
		fmt.Sprintf("%x", canary), fmt.Sprintf("% x", canary), fmt.Sprintf("%v", []byte(canary)),
		"Q0FOQVJZLTczOTE", // base64
		"67 65 78 65 82", "67,65,78,65,82", "0x43, 0x41", "103 101 116",
	} {
		if strings.Contains(low, strings.ToLower(form)) {
			return true
		}
	}
	return false
}

type holder struct {
	Name    string
	Open    secret.Bytes
	Pointer *secret.Bytes
	closed  secret.Bytes
	pointer *secret.Bytes
	any     any
	list    []secret.Bytes
	dict    map[string]secret.Bytes
}

func hold() holder {
	s := secret.FromString(canary)
	return holder{
		Name: "holder", Open: s, Pointer: &s, closed: s, pointer: &s, any: s,
		list: []secret.Bytes{s}, dict: map[string]secret.Bytes{"pin": s},
	}
}

// forms are the ways in which a secret meets a printer.
func forms() map[string]any {
	h := hold()
	return map[string]any{
		"value": h.Open, "pointer": h.Pointer, "struct": h, "struct pointer": &h,
		"slice": h.list, "map": h.dict, "any": h.any,
		"nested": struct{ inner *holder }{&h},
		"error":  fmt.Errorf("cannot use %v: %w", h.Open, secret.ErrDestroyed),
	}
}

func TestNoVerbShowsSecret(t *testing.T) {
	for name, v := range forms() {
		for _, verb := range "vsqxXdobcUeEfFgGtTpw" {
			for _, flag := range []string{"", "+", "#", " ", "-", "0", "20", ".3", "# "} {
				format := "%" + flag + string(verb)
				if out := fmt.Sprintf(format, v); leaks(out) {
					t.Errorf("%s under %s: %s", name, format, out)
				}
			}
		}
		if out := fmt.Sprint(v) + fmt.Sprintln(v); leaks(out) {
			t.Errorf("%s under Sprint: %s", name, out)
		}
	}
	if out := fmt.Sprintf("%x|%d|%#v|%s", hold().Open, hold().Open, hold().Open, hold().Open); out != strings.Repeat("|"+secret.Redacted, 4)[1:] {
		t.Errorf("a bare secret prints %q", out)
	}
}

func TestNoLoggerShowsSecret(t *testing.T) {
	for name, v := range forms() {
		var out bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			log := slog.New(h).With("with", v).WithGroup("group")
			log.Info("message", "value", v, slog.Any("any", v), slog.Group("inner", "value", v))
		}
		if leaks(out.String()) {
			t.Errorf("%s: %s", name, out.String())
		}
		if out.Len() == 0 {
			t.Errorf("%s: nothing was logged", name)
		}
	}
}

func TestNoEncoderShowsSecret(t *testing.T) {
	encoders := map[string]func(v any) ([]byte, error){
		"json": json.Marshal,
		"xml":  xml.Marshal,
		"cbor": cbor.Marshal,
		"gob": func(v any) ([]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return b.Bytes(), err
		},
		"template": func(v any) ([]byte, error) {
			var b bytes.Buffer
			err := template.Must(template.New("").Parse("{{.}}")).Execute(&b, v)
			return b.Bytes(), err
		},
	}
	for encoder, encode := range encoders {
		for name, v := range forms() {
			out, err := encode(v)
			if leaks(string(out)) {
				t.Errorf("%s of %s: %q", encoder, name, out)
			}
			if err != nil && leaks(err.Error()) {
				t.Errorf("%s of %s: error %v", encoder, name, err)
			}
		}
	}
}

func TestEncodersRefuseWithErrMarshal(t *testing.T) {
	s := secret.FromString(canary)
	for name, encode := range map[string]func() ([]byte, error){
		"MarshalJSON": s.MarshalJSON, "MarshalText": s.MarshalText, "MarshalBinary": s.MarshalBinary,
		"MarshalCBOR": s.MarshalCBOR, "GobEncode": s.GobEncode,
		"json": func() ([]byte, error) { return json.Marshal(struct{ S *secret.Bytes }{&s}) },
		"cbor": func() ([]byte, error) { return cbor.Marshal(struct{ S secret.Bytes }{s}) },
	} {
		if out, err := encode(); !errors.Is(err, secret.ErrMarshal) || len(out) != 0 {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

func TestNewTakesCopy(t *testing.T) {
	b := []byte(canary)
	s := secret.New(b)
	clear(b)
	if !s.Equal(secret.FromString(canary)) || s.Len() != len(canary) {
		t.Error("the secret changed with the caller's buffer")
	}
}

func TestEqual(t *testing.T) {
	destroyed := secret.FromString("1234")
	destroyed.Destroy()
	for _, row := range []struct {
		name string
		a, b secret.Bytes
		want bool
	}{
		{"same bytes", secret.FromString("1234"), secret.FromString("1234"), true},
		{"other bytes", secret.FromString("1234"), secret.FromString("1235"), false},
		{"other length", secret.FromString("1234"), secret.FromString("12345"), false},
		{"both empty", secret.Bytes{}, secret.FromString(""), true},
		{"zero value and bytes", secret.Bytes{}, secret.FromString("1"), false},
		{"destroyed and its bytes", destroyed, secret.FromString("1234"), false},
		{"destroyed and itself", destroyed, destroyed, false},
	} {
		if got := row.a.Equal(row.b); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func TestDestroyClearsEveryCopy(t *testing.T) {
	s := secret.FromString(canary)
	other := s
	var kept []byte
	if err := s.Lend(func(b []byte) error { kept = b; return nil }); err != nil { // against the contract, to look behind it
		t.Fatal(err)
	}
	other.Destroy()
	other.Destroy()
	if !bytes.Equal(kept, make([]byte, len(canary))) {
		t.Errorf("the bytes are still there: %q", kept)
	}
	if err := s.Lend(func([]byte) error { t.Error("lent after Destroy"); return nil }); !errors.Is(err, secret.ErrDestroyed) {
		t.Errorf("Lend: %v", err)
	}
	if s.Len() != 0 {
		t.Errorf("Len %d", s.Len())
	}
	secret.Bytes{}.Destroy()
}

func TestEmptySecretIsNotDestroyed(t *testing.T) {
	for name, s := range map[string]secret.Bytes{"zero": {}, "nil": secret.New(nil), "text": secret.FromString("")} {
		called := false
		if err := s.Lend(func(b []byte) error { called = len(b) == 0; return nil }); err != nil || !called {
			t.Errorf("%s: %v %v", name, err, called)
		}
	}
}

func TestLendGivesBackTheError(t *testing.T) {
	want := errors.New("cannot do it")
	if err := secret.FromString("x").Lend(func([]byte) error { return want }); err != want {
		t.Errorf("Lend: %v", err)
	}
	if err := secret.FromString("x").LendString(func(string) error { return want }); err != want {
		t.Errorf("LendString: %v", err)
	}
}

func TestLendString(t *testing.T) {
	for _, text := range []string{"", "1234", "山田　太郎"} {
		err := secret.FromString(text).LendString(func(s string) error {
			if s != text {
				return fmt.Errorf("cannot find %q", text)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	s := secret.FromString(canary)
	if n := testing.AllocsPerRun(100, func() { _ = s.LendString(func(string) error { return nil }) }); n != 0 {
		t.Errorf("LendString copies: %v allocations", n)
	}
}

func TestUnmarshalJSON(t *testing.T) {
	for _, row := range []struct{ name, json, want string }{
		{"plain", `"1234"`, "1234"},
		{"empty", `""`, ""},
		{"Japanese", `"山田　太郎"`, "山田　太郎"},
		{"escapes", `"a\"b\u5c71\n"`, "a\"b山\n"},
		{"null is no change", `null`, "before"},
	} {
		v := struct{ Pin secret.Bytes }{secret.FromString("before")}
		if err := json.Unmarshal([]byte(`{"Pin":`+row.json+`}`), &v); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if !v.Pin.Equal(secret.FromString(row.want)) {
			t.Errorf("%s: another secret was read", row.name)
		}
	}
}

func TestUnmarshalJSONRefusesWithoutShowing(t *testing.T) {
	for _, text := range []string{`7391`, `["CANARY-7391"]`, `{"a":"CANARY-7391"}`, `true`} {
		var s secret.Bytes
		err := json.Unmarshal([]byte(text), &s)
		if err == nil || leaks(err.Error()) || strings.Contains(err.Error(), "7391") {
			t.Errorf("%s: %v", text, err)
		}
		if s.Len() != 0 {
			t.Errorf("%s was taken", text)
		}
	}
	var s secret.Bytes
	if err := s.UnmarshalJSON([]byte(`"\`)); err == nil {
		t.Error("a torn escape was taken")
	}
}
