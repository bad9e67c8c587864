package labenv_test

import (
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/labenv"
	"jukicard/cardd/internal/order"
	"jukicard/simulator/people"
)

// invented is a person's order and PINs; edit changes the order's text first.
func invented(t *testing.T, name string, edit ...string) (*order.Order, order.PINs) {
	t.Helper()
	p, err := people.Get(name, time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(edit...).Replace(string(p.Order))
	o, err := order.Parse([]byte(text), func(string) ([]byte, error) { return p.Photo, nil }, order.Checks{})
	if err != nil {
		t.Fatal(err)
	}
	pins, err := order.ParsePINs(p.PINs)
	if err != nil {
		t.Fatal(err)
	}
	return o, pins
}

// sourced asks a shell for the value of each variable after reading the file.
func sourced(t *testing.T, file string, names ...string) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, n := range names {
		out, err := exec.Command("sh", "-euc", `. "$1"; eval "printf %s \"\$$2\""`, "sh", file, n).Output()
		if err != nil {
			t.Fatalf("%s: %v", n, err)
		}
		values[n] = string(out)
	}
	return values
}

var all = []string{
	"AUTH_PIN", "SIGN_PIN", "TEXT_PIN", "JUKI_PIN", "MYNUMBER", "NAME", "ADDR", "BIRTH", "SEX", "ATR", "AUTH_CERT", "AUTHCA_CERT",
	"SIGN_CERT", "SIGNCA_CERT", "PHOTO", "CARD_ID", "EXPIRY", "SECURITY_CODE", "REFERENCE_B", "RESIDENT_CODE",
}

func TestWrite(t *testing.T) {
	lab := &client.Lab{
		ATR:          "3BE0",
		Certificates: map[string]string{"jpki/auth-cert": "A", "jpki/auth-ca": "B", "jpki/sign-cert": "C", "jpki/sign-ca": "D"},
		Photo:        base64.StdEncoding.EncodeToString([]byte("jp2")),
	}
	t.Run("an adult has everything", func(t *testing.T) {
		o, pins := invented(t, "adult")
		file := filepath.Join(t.TempDir(), "card.env")
		if err := labenv.Write(file, o, pins, lab, "0999000000000001"); err != nil {
			t.Fatal(err)
		}
		got := sourced(t, file, all...)
		want := map[string]string{
			"AUTH_PIN": "7391", "SIGN_PIN": "K7Q2M9X4", "TEXT_PIN": "1957", "JUKI_PIN": "4826", "NAME": "山田　太郎",
			"ADDR": "架空県架空市見本町１－２－３", "BIRTH": "19800217", "SEX": "男性", "ATR": "3BE0", "CARD_ID": "0999000000000001",
			"EXPIRY": "20360217", "SECURITY_CODE": "2285", "REFERENCE_B": "55021720362285",
		}
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s is %q, want %q", name, got[name], value)
			}
		}
		for name, content := range map[string]string{"AUTH_CERT": "A", "AUTHCA_CERT": "B", "SIGN_CERT": "C", "SIGNCA_CERT": "D", "PHOTO": "jp2"} {
			b, err := os.ReadFile(got[name])
			if err != nil || string(b) != content {
				t.Errorf("%s names a file with %q (%v), want %q", name, b, err, content)
			}
		}
	})
	t.Run("only the owner reads any of it", func(t *testing.T) {
		o, pins := invented(t, "adult")
		dir := t.TempDir()
		file := filepath.Join(dir, "card.env")
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := labenv.Write(file, o, pins, lab, ""); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 6 {
			t.Fatalf("%d files (%v), want 6", len(entries), err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v (%v)", e.Name(), info.Mode(), err)
			}
		}
	})
	t.Run("what a card has not is empty, and an earlier card's is gone", func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "card.env")
		o, pins := invented(t, "adult")
		if err := labenv.Write(file, o, pins, lab, ""); err != nil {
			t.Fatal(err)
		}
		o, pins = invented(t, "infant")
		few := &client.Lab{Certificates: map[string]string{"jpki/auth-cert": "A", "jpki/auth-ca": "B", "jpki/sign-ca": "D"}}
		if err := labenv.Write(file, o, pins, few, ""); err != nil {
			t.Fatal(err)
		}
		got := sourced(t, file, all...)
		for _, name := range []string{"SIGN_PIN", "SIGN_CERT", "PHOTO", "ATR"} {
			if got[name] != "" {
				t.Errorf("%s is %q, want it empty", name, got[name])
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "card.photo.jp2")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the earlier photo: %v", err)
		}
	})
	t.Run("quotes do not end a value", func(t *testing.T) {
		o, pins := invented(t, "foreigner", "SAMPLE ALEX MARIA", "O'SAMPLE $(id) `id`")
		file := filepath.Join(t.TempDir(), "card.env")
		if err := labenv.Write(file, o, pins, lab, ""); err != nil {
			t.Fatal(err)
		}
		if got := sourced(t, file, "NAME")["NAME"]; got != "O'SAMPLE $(id) `id`" {
			t.Errorf("NAME is %q", got)
		}
	})
	t.Run("a municipality that could exist is refused", func(t *testing.T) {
		o, pins := invented(t, "adult", `"99201"`, `"13221"`)
		file := filepath.Join(t.TempDir(), "card.env")
		err := labenv.Write(file, o, pins, lab, "")
		if failure.CodeOf(err) != failure.APINotLab {
			t.Errorf("error %v, want API-NOT-LAB", err)
		}
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a file was written: %v", err)
		}
	})
}
