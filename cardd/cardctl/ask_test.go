package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"jukicard/cardd/juki"
)

func TestReadHidden(t *testing.T) {
	for _, row := range []struct {
		name, keys, want string
		err              error
	}{
		{"a line", "1234\r", "1234", nil},
		{"a line that ends as in a file", "1234\n", "1234", nil},
		{"nothing", "\r", "", nil},
		{"a slip taken back", "12\x7f34\x08\r", "13", nil},
		{"more taken back than there is", "\x7f\x7f1\r", "1", nil},
		{"a line begun again", "12\x1534\r", "34", nil},
		{"an interrupt", "12\x03", "", context.Canceled},
		{"the end of input", "12\x04", "", errNoAnswer},
		{"no input", "12", "", errNoAnswer},
		{"too much", strings.Repeat("1", typedMax+1) + "\r", "", errLongAnswer},
		{"as much as there may be", strings.Repeat("1", typedMax) + "\r", strings.Repeat("1", typedMax), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := readHidden(strings.NewReader(row.keys))
			if string(got) != row.want || !errors.Is(err, row.err) {
				t.Errorf("%q, %v; want %q, %v", got, err, row.want, row.err)
			}
		})
	}
}

func FuzzReadHidden(f *testing.F) {
	for _, seed := range []string{"1234\r", "\x7f\x15\x03", "ABC\x041"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, keys []byte) {
		line, err := readHidden(strings.NewReader(string(keys)))
		if len(line) > typedMax || (err != nil && line != nil) {
			t.Errorf("%d bytes and %v", len(line), err)
		}
	})
}

func TestAskNewPIN(t *testing.T) {
	birth := juki.Date{Year: 1980, Month: 2, Day: 17}
	for _, row := range []struct {
		name, typed string
		class       juki.PINClass
		ok          bool
		says        string
	}{
		{"the same twice", "7391\n7391\n", juki.PINText, true, "4 digits; 3 wrong tries block it"},
		{"the second time other", "7391\n7392\n5083\n5083\n", juki.PINText, true, "not the same"},
		{"a rule broken first", "739\n7391\n7391\n", juki.PINText, true, "JUKI-PIN-NUMERIC-LENGTH"},
		{"easy to guess and wanted", "1111\n1111\n", juki.PINText, true, "Easy to guess"},
		{"easy to guess and changed", "0217\n\n7391\n7391\n", juki.PINText, true, "Easy to guess"},
		{"never right", "1\n2\n3\n", juki.PINText, false, "JUKI-PIN-NUMERIC-LENGTH"},
		{"input that ends", "7391\n", juki.PINText, false, "again"},
		{"letters and digits", "K7Q2M9X4\nK7Q2M9X4\n", juki.PINSignature, true, "6 to 16 characters"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newConsole(nil).types(row.typed)
			pin, err := c.askNewPIN(t.Context(), row.class, birth)
			if (err == nil) != row.ok {
				t.Fatalf("error %v", err)
			}
			if !strings.Contains(c.err.String(), row.says) {
				t.Errorf("it says %q, not %q", &c.err, row.says)
			}
			if err == nil {
				lent := pin.Lend(func(b []byte) error {
					if strings.Contains(c.err.String()+c.out.String(), string(b)) {
						t.Error("the PIN is shown")
					}
					return nil
				})
				if lent != nil {
					t.Error(lent)
				}
			}
		})
	}
}

func TestAskPINs(t *testing.T) {
	c := newConsole(nil).types("7391\n7391\n4826\n4826\n")
	pins, err := c.askPINs(t.Context(), []juki.PINClass{juki.PINAuthentication, juki.PINText}, juki.Date{})
	if err != nil {
		t.Fatal(err)
	}
	wire, err := pins.Wire()
	if err != nil || string(wire) != `{"authentication":"7391","text":"4826"}` {
		t.Errorf("%s, %v", wire, err)
	}
	if _, err := newConsole(nil).types("7391\n7391\n").askPINs(t.Context(), juki.PINClasses, juki.Date{}); err == nil {
		t.Error("PINs that were not typed are there")
	}
}
