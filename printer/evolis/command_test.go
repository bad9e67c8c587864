package evolis

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"jukicard/printer"
)

func TestFrames(t *testing.T) {
	for name, row := range map[string]struct {
		o    order
		data []byte
		want string
	}{
		"a question":        {"Rco;p", nil, "\x1bRco;p\r"},
		"a sequence":        {"Se", nil, "\x1bSe\r"},
		"a download":        {"Db;k;2", []byte{1, '\r', ';', 0x1b}, "\x1bDb;k;2;\x01\r;\x1b\r"},
		"a coded one":       {"Dbc;k;2;1", []byte{0}, "\x1bDbc;k;2;1;\x00\r"},
		"one without bytes": {"Dbc;k;2;0", []byte{}, "\x1bDbc;k;2;0;\r"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(row.o.frame(row.data)); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestReplies(t *testing.T) {
	for name, row := range map[string]struct {
		in, reply, rest string
		whole           bool
	}{
		"done":                     {"OK\x00", "OK", "", true},
		"not ended":                {"5,00 Vo", "", "5,00 Vo", false},
		"nothing":                  {"", "", "", false},
		"two":                      {"OK\x00CARD\x00", "OK", "CARD\x00", true},
		"with line ends":           {"\r\nOK\r\n\x00", "OK", "", true},
		"an empty one":             {"\x00", "", "", true},
		"what cannot be shown":     {"A\x01\x1b[2J\xff\x00", "A??[2J?", "", true},
		"acknowledged":             {"\x06CARD\x00", "OK", "CARD\x00", true},
		"not acknowledged":         {"\x15C", "ERR NACK cover", "", true},
		"for a reason of no guide": {"\x15z", "ERR NACK code 'z'", "", true},
		"half a refusal":           {"\x15", "", "\x15", false},
	} {
		t.Run(name, func(t *testing.T) {
			r, rest, whole, err := cutReply([]byte(row.in))
			if err != nil || string(r) != row.reply || string(rest) != row.rest || whole != row.whole {
				t.Errorf("got %q %q %t %v", r, rest, whole, err)
			}
		})
	}
	if _, _, _, err := cutReply(bytes.Repeat([]byte("x"), 2000)); !errors.Is(err, errEndless) {
		t.Errorf("a reply without an end: %v", err)
	}
}

func TestAnswersAreRead(t *testing.T) {
	for in, want := range map[reply]struct {
		volts  float64
		isVolt bool
		number uint64
		isNum  bool
		at     printer.Position
	}{
		"5,00 Volts":       {5, true, 0, false, printer.Lost},
		"0,23 Volts":       {0.23, true, 0, false, printer.Lost},
		"4.98 Volts":       {4.98, true, 0, false, printer.Lost},
		"Volts":            {0, false, 0, false, printer.Lost},
		"5,0,0 Volts":      {0, false, 0, false, printer.Lost},
		"1e9 Volts":        {0, false, 0, false, printer.Lost},
		"120":              {0, false, 120, true, printer.Lost},
		"-1":               {0, false, 0, false, printer.Lost},
		"OK":               {0, false, 0, false, printer.Hopper},
		"NO CARD":          {0, false, 0, false, printer.Hopper},
		"CARD":             {0, false, 0, false, printer.Head},
		"SMART CARD":       {0, false, 0, false, printer.Contact},
		"CONTACTLESS CARD": {0, false, 0, false, printer.Contactless},
		"ERR CARD":         {0, false, 0, false, printer.Lost},
		"":                 {0, false, 0, false, printer.Lost},
	} {
		t.Run(string(in), func(t *testing.T) {
			if v, ok := in.volts(); v != want.volts || ok != want.isVolt {
				t.Errorf("volts: %v %t", v, ok)
			}
			if n, ok := in.number(); n != want.number || ok != want.isNum {
				t.Errorf("number: %v %t", n, ok)
			}
			if at := in.position(); at != want.at {
				t.Errorf("at %s, want %s", at, want.at)
			}
		})
	}
}

func TestARestartIsNoticed(t *testing.T) {
	for in, want := range map[reply]bool{"2": false, "2;0": false, "0": true, "0;1": true, "18": true, "ERROR CDE": false, "": false} {
		if got := forgot(in); got != want {
			t.Errorf("Rem answers %q: %t, want %t", in, got, want)
		}
	}
}

// Every oddity and setting says why it is there and who has seen it.
func TestOdditiesHaveReasons(t *testing.T) {
	for _, o := range oddities {
		if o.reason == "" || o.source == "" || o.again == 0 {
			t.Errorf("%s: it needs a reason, a source and an effect", o.order)
		}
	}
	for _, s := range settings {
		if s.reason == "" || s.source == "" {
			t.Errorf("%s: it needs a reason and a source", s.order)
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{"OK\x00", "5,00 Volts\x00", "\x15C", "\x06", "ERR RIB DETECTION\x00", "\r\n", strings.Repeat("9", 1100)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, rest, whole, err := cutReply(b)
		if err != nil {
			return
		}
		if len(r) > replyMax+100 || len(rest) > len(b) {
			t.Fatalf("%q from %q", r, b)
		}
		if whole && len(rest) == len(b) && len(b) > 0 {
			t.Fatal("a reply took nothing")
		}
		if strings.ContainsFunc(string(r), func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Fatalf("%q cannot be shown", r)
		}
		if v, ok := r.volts(); ok && (v < 0 || v > 1e8) {
			t.Fatalf("%v Volts", v)
		}
		_, _ = r.number()
		_, _, _ = r.position(), r.misuse(), forgot(r)
	})
}
