package card

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/secret"
)

// TestUpdateAndRead writes and reads back lengths around every boundary, whole and from
// the middle on, through the channel, in both forms.
func TestUpdateAndRead(t *testing.T) {
	for form, o := range forms {
		t.Run(form, func(t *testing.T) {
			s, w := blank(t, o)
			open(t, s, "surface")
			chunk := s.chunk(o.Extended)
			if want := map[string]int{"short": 239, "extended": 2031}[form]; chunk != want {
				t.Fatalf("chunks of %d bytes, want %d", chunk, want)
			}
			for _, n := range []int{1, 15, 16, 238, 239, 240, 255, 256, 257, 478, 2031, 2032, 4062, 9000, 24576} {
				content := bytes.Repeat([]byte{byte(n), byte(n >> 8), 7}, n/3+1)[:n]
				w.sent = nil
				var told []int
				must(t, s.Update(t.Context(), "surface/face", content, 0, func(written int) { told = append(told, written) }))
				if want := (n + chunk - 1) / chunk; len(w.sent) != want || len(told) != want || told[want-1] != n {
					t.Errorf("%d bytes took %d commands and told %v, want %d", n, len(w.sent), told, want)
				}
				got, err := s.Read(t.Context(), "surface/face", 0, n)
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes: %d came back (%v)", n, len(got), err)
				}
			}
		})
	}
}

// TestUpdateFromTheMiddle goes on at an offset: by the short identifier where that
// reaches, else with one SELECT.
func TestUpdateFromTheMiddle(t *testing.T) {
	content := object(1000)
	for _, row := range []struct{ off, selects, updates int }{{0, 0, 5}, {239, 0, 4}, {255, 0, 4}, {256, 1, 4}, {478, 1, 3}, {999, 1, 1}, {1000, 0, 0}} {
		t.Run(fmt.Sprint(row.off), func(t *testing.T) {
			s, w := blank(t, Options{})
			open(t, s, "jpki")
			must(t, s.Update(t.Context(), "jpki/sign-cert", content[:row.off], 0, nil))
			w.sent = nil
			must(t, s.Update(t.Context(), "jpki/sign-cert", content, row.off, nil))
			if selects, updates := w.count(apdu.INSSelect), w.count(apdu.INSUpdateBinary); selects != row.selects || updates != row.updates {
				t.Errorf("%d SELECT and %d UPDATE BINARY, want %d and %d", selects, updates, row.selects, row.updates)
			}
			if got, err := s.ReadObject(t.Context(), "jpki/sign-cert"); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes came back (%v)", len(got), err)
			}
		})
	}
}

// TestUpdateStopsAtARefusal and tells how far it came.
func TestUpdateStopsAtARefusal(t *testing.T) {
	s, _ := blank(t, Options{})
	open(t, s, "jpki")
	written := 0
	err := s.Update(t.Context(), "jpki/sign-cert", object(2100), 0, func(n int) { written = n })
	var refused *apdu.StatusError
	if !errors.As(err, &refused) || refused.File != "jpki/sign-cert" || refused.SW != apdu.SWNotEnoughMemory || written != 8*239 {
		t.Errorf("%v after %d bytes", err, written)
	}
	if err := s.Update(t.Context(), "jpki/sign-cert", make([]byte, 0x8001), 0, nil); err == nil || !strings.Contains(err.Error(), "15 bits of offset") {
		t.Errorf("content no offset reaches: %v", err)
	}
}

func TestReadRecord(t *testing.T) {
	for form, o := range forms {
		t.Run(form, func(t *testing.T) {
			s, _ := blank(t, o)
			open(t, s, "common")
			want := []byte("\x01\x1c9990000000000179999920350217")
			must(t, s.Update(t.Context(), "common/manufacture", want, 0, nil))
			for _, secured := range []bool{true, false} {
				if !secured {
					must(t, s.Select(t.Context(), "common"))
				}
				got, err := s.ReadRecord(t.Context(), "common/manufacture", 1)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("secured %t: %q (%v)", secured, got, err)
				}
				if all, err := s.ReadAll(t.Context(), "common/manufacture"); err != nil || !bytes.Equal(all, want) {
					t.Errorf("secured %t, all: %q (%v)", secured, all, err)
				}
			}
			if _, err := s.ReadRecord(t.Context(), "common/manufacture", 2); !errors.Is(err, apdu.SWRecordNotFound) {
				t.Errorf("second record: %v", err)
			}
		})
	}
}

// TestReadToTheEnd gives filler and all; ReadObject leaves the filler behind.
func TestReadToTheEnd(t *testing.T) {
	for form, o := range forms {
		t.Run(form, func(t *testing.T) {
			s, _ := issued(t, o)
			must(t, s.Verify(t.Context(), "surface/reference-a", secret.FromString("999999999999")))
			all, err := s.ReadAll(t.Context(), "surface/number")
			must(t, err)
			one, err := s.ReadObject(t.Context(), "surface/number")
			must(t, err)
			if len(all) != 1024 || !bytes.Equal(one, object(900)) || !bytes.Equal(all[:900], one) || !bytes.Equal(all[900:], bytes.Repeat([]byte{0xFF}, 124)) {
				t.Errorf("all is %d bytes, the object %d", len(all), len(one))
			}
		})
	}
}

// TestEmptyFiles give no bytes and no error: elastic ones are empty on a blank card,
// fixed ones all filler.
func TestEmptyFiles(t *testing.T) {
	for form, o := range forms {
		t.Run(form, func(t *testing.T) {
			s, _ := blank(t, o)
			for _, row := range []struct {
				path string
				all  int
			}{{"jpki/auth-cert", 0}, {"jpki/presence", 3}, {"surface/cv-cert", 568}} {
				if got, err := s.ReadObject(t.Context(), row.path); err != nil || len(got) != 0 {
					t.Errorf("object of %s: %x (%v)", row.path, got, err)
				}
				if got, err := s.ReadAll(t.Context(), row.path); err != nil || len(got) != row.all {
					t.Errorf("all of %s: %d bytes (%v)", row.path, len(got), err)
				}
			}
		})
	}
}

// TestProtectedFiles are refused by name and status, and open with their reference.
func TestProtectedFiles(t *testing.T) {
	s, _ := issued(t, Options{})
	for _, row := range []struct{ path, reference string }{
		{"jpki/sign-cert", "jpki/sign-pin"}, {"text/number", "text/pin"}, {"text/number", "text/reference-a"},
		{"text/attributes", "text/reference-b"}, {"surface/birth", "surface/reference-birth"}, {"resident/code", "resident/pin"},
	} {
		t.Run(row.path+" by "+row.reference, func(t *testing.T) {
			s.Lost() // SELECT anew; another application's selection clears what was verified
			must(t, s.Select(t.Context(), Domain))
			_, err := s.ReadAll(t.Context(), row.path)
			var refused *apdu.StatusError
			if !errors.As(err, &refused) || refused.SW != apdu.SWSecurityStatus || refused.File != row.path || refused.Command.INS != apdu.INSReadBinary {
				t.Fatalf("got %v", err)
			}
			must(t, s.Verify(t.Context(), row.reference, secret.FromString(values[row.reference])))
			got, err := s.ReadAll(t.Context(), row.path)
			if err != nil || len(got) == 0 {
				t.Errorf("%d bytes (%v)", len(got), err)
			}
		})
	}
}

// TestFilesOfNoName never reach the card.
func TestFilesOfNoName(t *testing.T) {
	s, w := blank(t, Options{})
	for name, f := range map[string]func() error{
		"Read":       func() error { _, err := s.Read(t.Context(), "text/nothing", 0, 1); return err },
		"ReadAll":    func() error { _, err := s.ReadAll(t.Context(), "text/nothing"); return err },
		"ReadObject": func() error { _, err := s.ReadObject(t.Context(), "passport/number"); return err },
		"ReadRecord": func() error { _, err := s.ReadRecord(t.Context(), "text", 1); return err },
		"Update":     func() error { return s.Update(t.Context(), "text/nothing", nil, 0, nil) },
		"PutData":    func() error { return s.PutData(t.Context(), "colour", nil) },
		"Tries":      func() error { _, err := s.Tries(t.Context(), "text/number"); return err },
		"Verify":     func() error { return s.Verify(t.Context(), "text/number", secret.FromString("1234")) },
		"Change":     func() error { return s.Change(t.Context(), "text/number", secret.FromString("1234")) },
		"Generate":   func() error { _, err := s.Generate(t.Context(), "jpki/auth-pin"); return err },
		"Sign":       func() error { _, err := s.Sign(t.Context(), "jpki/auth-pin", digestInfo); return err },
		"far offset": func() error { _, err := s.Read(t.Context(), "text/number", 0x8000, 1); return err },
	} {
		if err := f(); err == nil || !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(w.sent) - w.count(apdu.INSSelect); n != 0 {
		t.Errorf("%d commands were sent", n)
	}
}

func TestDataObjects(t *testing.T) {
	for form, o := range forms {
		t.Run(form, func(t *testing.T) {
			s, w := blank(t, o)
			id, err := s.CardID(t.Context())
			if id != cardNumber || err != nil {
				t.Errorf("number %q (%v)", id, err)
			}
			state, err := s.State(t.Context())
			if !bytes.Equal(state, []byte{0x07}) || err != nil {
				t.Errorf("state %x (%v)", state, err)
			}
			tag, _ := s.p.Object("expiry")
			if _, err := s.Data(t.Context(), tag, "expiry"); !errors.Is(err, apdu.SWReferenceDataNotFound) {
				t.Errorf("an expiry nobody wrote: %v", err)
			}
			open(t, s, Domain)
			must(t, s.PutData(t.Context(), "expiry", []byte("20350217")))
			got, err := s.Data(t.Context(), tag, "expiry")
			if string(got) != "20350217" || err != nil {
				t.Errorf("through the channel %q (%v)", got, err)
			}
			must(t, s.Lock(t.Context()))
			must(t, s.Select(t.Context(), Domain))
			got, err = s.Data(t.Context(), tag, "expiry")
			if string(got) != "20350217" || err != nil {
				t.Errorf("in the clear %q (%v)", got, err)
			}
			state, err = s.State(t.Context())
			if want := []byte{0x0F, 0, 0, 0xF2, 1, 0, 8}; !bytes.Equal(state, want) || err != nil {
				t.Errorf("state %x, want %x (%v)", state, want, err)
			}
			if n := w.count(apdu.INSSetStatus); n != 1 {
				t.Errorf("%d SET STATUS", n)
			}
		})
	}
}

// TestALargeDataObjectIsAskedForAgain in extended form, once: a short Le is 6700.
func TestALargeDataObjectIsAskedForAgain(t *testing.T) {
	s, w := issued(t, Options{})
	tag, _ := s.p.Object("expiry")
	w.sent = nil
	state, err := s.State(t.Context()) // of an issued card: 6 bytes an object
	if err != nil || len(state) < 100 {
		t.Fatalf("%d bytes (%v)", len(state), err)
	}
	long := strings.Repeat("x", 600)
	says := []string{"\x90\x00", "\x67\x00", long + "\x90\x00"}
	got, err := New(answers(says...), s.p, Options{}).Data(t.Context(), tag, "long")
	if string(got) != long || err != nil {
		t.Errorf("%d bytes (%v)", len(got), err)
	}
	says[2] = "\x67\x00"
	if _, err := New(answers(says...), s.p, Options{}).Data(t.Context(), tag, "long"); !errors.Is(err, apdu.SWWrongLength) {
		t.Errorf("refused twice: %v", err)
	}
}

// TestCardNumbersThatAreNone come from a card that lies or is of another kind.
func TestCardNumbersThatAreNone(t *testing.T) {
	const ok = "\x90\x00"
	for name, says := range map[string][]string{
		"empty":           {ok, ok},
		"too long":        {ok, strings.Repeat("9", 65) + ok},
		"not ASCII":       {ok, "0999\x00" + ok},
		"punctuation":     {ok, "0999:1" + ok},
		"escape":          {ok, "\x1B[2J" + ok},
		"other script":    {ok, "０９９９" + ok},
		"absent":          {ok, "\x6A\x88"},
		"of another card": {"\x6A\x82"},
	} {
		t.Run(name, func(t *testing.T) {
			if id, err := New(answers(says...), generation1(t), Options{}).CardID(t.Context()); err == nil || id != "" {
				t.Errorf("got %q (%v)", id, err)
			}
		})
	}
}

// TestLyingFiles: more than was asked for, less than was promised, no object at all.
func TestLyingFiles(t *testing.T) {
	const ok = "\x90\x00"
	for _, row := range []struct {
		name string
		says []string
		want string
	}{
		{"more bytes than asked for", []string{ok, strings.Repeat("x", 257) + ok}, "257 bytes where 256 were asked for"},
		{"an object that ends early", []string{ok, "\x30\x82\x10\x00" + ok}, "its object says 4100 bytes and the file ends at 4"},
		{"an object that ends at a chunk", []string{ok, "\x30\x82\x10\x00" + strings.Repeat("x", 252) + ok, "\x6B\x00"}, "says 4100 bytes and the file ends at 256"},
		{"an object longer than any file", []string{ok, "\x30\x83\xFF\xFF\xFF" + strings.Repeat("x", 251) + ok, "y" + ok}, "says 16777220 bytes and the file ends at 257"},
		{"a length of five bytes", []string{ok, "\x30\x85\x01\x01\x01\x01\x01" + ok}, "does not hold a TLV object"},
		{"an indefinite length", []string{ok, "\x30\x80xx\x00\x00" + ok}, "does not hold a TLV object"},
		{"an endless tag", []string{ok, "\x1F" + strings.Repeat("\x81", 20) + ok}, "does not hold a TLV object"},
		{"a header cut off", []string{ok, "\x30\x82" + ok}, "does not hold a TLV object"},
		{"data with an error", []string{ok, "\x30\x02xx\x69\x82"}, "6982"},
		{"endless 61xx", slices.Concat([]string{ok}, slices.Repeat([]string{"x\x61\x01"}, 400)), "more than 300 commands"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := New(answers(row.says...), generation1(t), Options{}).ReadObject(t.Context(), "jpki/auth-cert")
			if err == nil || !strings.Contains(err.Error(), row.want) || len(got) > 0 {
				t.Errorf("%d bytes, %v; want an error with %q", len(got), err, row.want)
			}
		})
	}
}
