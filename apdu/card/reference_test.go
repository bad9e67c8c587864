package card

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/secret"
)

// tries asks for the tries left.
func tries(t *testing.T, s *Session, path string) int {
	t.Helper()
	n, err := s.Tries(t.Context(), path)
	must(t, err)
	return n
}

func TestReferences(t *testing.T) {
	s, w := issued(t, Options{})
	full := map[string]int{"jpki/sign-pin": 5, "jpki/auth-pin": 3, "text/pin": 3, "resident/pin": 3, "common/pin": 3}
	for path, value := range values {
		want, ok := full[path]
		if !ok {
			want = 10 // 照合番号 and birth date
		}
		if n := tries(t, s, path); n != want {
			t.Errorf("%s has %d tries, want %d", path, n, want)
		}
		must(t, s.Verify(t.Context(), path, secret.FromString(value)))
		if n := tries(t, s, path); n != want {
			t.Errorf("%s has %d tries once verified, want %d", path, n, want)
		}
	}
	if n := w.presented(); n != len(values) {
		t.Errorf("%d values were presented for %d calls of Verify", n, len(values))
	}
}

// TestAWrongValueIsPresentedOnce: no call of Verify ever spends two tries, whatever
// the card answers, down to the block and beyond.
func TestAWrongValueIsPresentedOnce(t *testing.T) {
	s, w := issued(t, Options{})
	for left := 2; left >= 0; left-- {
		before := w.presented()
		err := s.Verify(t.Context(), "jpki/auth-pin", secret.FromString("9999"))
		var refused *apdu.StatusError
		if !errors.As(err, &refused) || refused.File != "jpki/auth-pin" {
			t.Fatalf("got %v", err)
		}
		if n, ok := refused.SW.Retries(); !ok || n != left {
			t.Errorf("%v, want %d tries left", refused.SW, left)
		}
		if n := w.presented() - before; n != 1 {
			t.Errorf("it was presented %d times", n)
		}
	}
	for _, value := range []string{"9999", "1234"} { // blocked, also for the right one
		if err := s.Verify(t.Context(), "jpki/auth-pin", secret.FromString(value)); !errors.Is(err, apdu.SWReferenceDataUnusable) {
			t.Errorf("blocked: %v", err)
		}
	}
	if n := tries(t, s, "jpki/auth-pin"); n != 0 {
		t.Errorf("%d tries left", n)
	}
}

// TestTheLastTryIsNotSpent by VerifyGuarded, right value or wrong.
func TestTheLastTryIsNotSpent(t *testing.T) {
	s, w := issued(t, Options{})
	wrong, right := secret.FromString("9999"), secret.FromString("1234")
	for range 2 {
		if err := s.VerifyGuarded(t.Context(), "jpki/auth-pin", wrong); err == nil || errors.Is(err, ErrLastTry) {
			t.Fatalf("got %v", err)
		}
	}
	before := w.presented()
	for _, value := range []secret.Bytes{wrong, right} {
		if err := s.VerifyGuarded(t.Context(), "jpki/auth-pin", value); !errors.Is(err, ErrLastTry) {
			t.Errorf("got %v", err)
		}
	}
	if w.presented() != before || tries(t, s, "jpki/auth-pin") != 1 {
		t.Error("the last try was spent")
	}
	must(t, s.Verify(t.Context(), "jpki/auth-pin", right)) // whoever asks for it in so many words
	must(t, s.VerifyGuarded(t.Context(), "jpki/auth-pin", right))
}

// TestValuesThatCannotBeRight are refused before a try is spent, and the error shows
// nothing of them.
func TestValuesThatCannotBeRight(t *testing.T) {
	s, w := issued(t, Options{})
	w.sent = nil
	for _, row := range []struct {
		name, path, value string
		want              error
	}{
		{"empty", "jpki/auth-pin", "", ErrEmptyPIN},
		{"too short", "jpki/auth-pin", "735", ErrForm},
		{"too long", "jpki/auth-pin", "73519", ErrForm},
		{"letters for digits", "jpki/auth-pin", "73AB", ErrForm},
		{"lower case", "jpki/sign-pin", "abc735", ErrForm},
		{"punctuation", "jpki/sign-pin", "ABC73-", ErrForm},
		{"full width", "jpki/auth-pin", "７３５１", ErrForm},
		{"17 characters", "jpki/sign-pin", "ABCDEFGHIJ7351357", ErrForm},
		{"13 digits of 照合番号A", "text/reference-a", "7351735173517", ErrForm},
	} {
		t.Run(row.name, func(t *testing.T) {
			value := secret.FromString(row.value)
			for name, f := range map[string]func(context.Context, string, secret.Bytes) error{
				"Verify": s.Verify, "Change": s.Change,
			} {
				err := f(t.Context(), row.path, value)
				if name == "Change" && strings.HasPrefix(row.path, "text/reference") {
					continue // which cannot be changed at all
				}
				if !errors.Is(err, row.want) || row.value != "" && strings.Contains(err.Error(), row.value) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	if len(w.sent) != 0 {
		t.Errorf("%d commands went to the card", len(w.sent))
	}
}

func TestADestroyedValueIsNotPresented(t *testing.T) {
	s, w := issued(t, Options{})
	value := secret.FromString("1234")
	value.Destroy()
	if err := s.Verify(t.Context(), "jpki/auth-pin", value); err == nil {
		t.Error("it was taken")
	}
	if w.presented() != 0 {
		t.Error("something was presented")
	}
}

// TestChange replaces a value in the way of each reference, after it was verified.
func TestChange(t *testing.T) {
	s, w := issued(t, Options{})
	for path, next := range map[string]string{
		"jpki/auth-pin": "4321", "jpki/sign-pin": "XYZ789", "text/pin": "8765", "resident/pin": "2109", "common/pin": "6543",
	} {
		t.Run(path, func(t *testing.T) {
			must(t, s.Select(t.Context(), Domain))
			if err := s.Change(t.Context(), path, secret.FromString(next)); !errors.Is(err, apdu.SWSecurityStatus) {
				t.Errorf("before it was verified: %v", err)
			}
			must(t, s.Verify(t.Context(), path, secret.FromString(values[path])))
			must(t, s.Change(t.Context(), path, secret.FromString(next)))
			must(t, s.Verify(t.Context(), path, secret.FromString(next)))
			ins := byte(apdu.INSChangeReferenceData)
			if slices.Contains([]string{"resident/pin", "common/pin"}, path) {
				ins = apdu.INSChangeKey
			}
			if w.count(ins) == 0 {
				t.Errorf("%v was not used", apdu.Instruction(ins))
			}
		})
	}
	if err := s.Change(t.Context(), "text/reference-a", secret.FromString("111111111111")); err == nil || !strings.Contains(err.Error(), "knows no way to") {
		t.Errorf("照合番号A: %v", err)
	}
}

// TestSetFillsTheCounter, also of a reference that was blocked, and twice is once.
func TestSetFillsTheCounter(t *testing.T) {
	s, _ := issued(t, Options{})
	for range 3 {
		_ = s.Verify(t.Context(), "text/pin", secret.FromString("0000"))
	}
	if n := tries(t, s, "text/pin"); n != 0 {
		t.Fatalf("%d tries left", n)
	}
	open(t, s, "text")
	for range 2 {
		must(t, s.Set(t.Context(), "text/pin", secret.FromString("1111")))
	}
	if n := tries(t, s, "text/pin"); n != 3 {
		t.Errorf("%d tries left through the channel", n)
	}
	must(t, s.Verify(t.Context(), "text/pin", secret.FromString("1111")))
	must(t, s.Select(t.Context(), "text"))
	must(t, s.Verify(t.Context(), "text/pin", secret.FromString("1111")))
}

// TestUnsetReferences tell no tries; an answer is data, not text.
func TestUnsetReferences(t *testing.T) {
	s, _ := blank(t, Options{})
	if n := tries(t, s, "jpki/auth-pin"); n != 0 {
		t.Errorf("%d tries of an unset PIN", n)
	}
	if err := s.Verify(t.Context(), "jpki/auth-pin", secret.FromString("1234")); !errors.Is(err, apdu.SWReferenceDataUnusable) {
		t.Errorf("got %v", err)
	}
}

// TestTriesOfStrangeCards: every answer to a VERIFY without data is either a number or
// an error.
func TestTriesOfStrangeCards(t *testing.T) {
	const ok = "\x90\x00"
	for _, row := range []struct {
		name, answer string
		want         int
		err          string
	}{
		{"three left", "\x63\xC3", 3, ""},
		{"fifteen left", "\x63\xCF", 15, ""},
		{"none left", "\x63\xC0", 0, ""},
		{"blocked, in JICSAP's words", "\x69\x84", 0, ""},
		{"blocked, in ISO's words", "\x69\x83", 0, ""},
		{"verified, which no card says", ok, 0, "answered 9000 to a VERIFY without data"},
		{"no number", "\x63\x00", 0, "6300"},
		{"no such PIN", "\x6A\x82", 0, "6A82"},
		{"a warning of another kind", "\x63\xD3", 0, "63D3"},
		{"data and a number", "xx\x63\xC2", 2, ""},
		{"half an answer", "\x63", 0, "cannot parse response"},
	} {
		t.Run(row.name, func(t *testing.T) {
			n, err := New(answers(ok, row.answer), generation1(t), Options{}).Tries(t.Context(), "jpki/auth-pin")
			if n != row.want || (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Errorf("%d (%v)", n, err)
			}
		})
	}
}

// TestALostAnswerIsNotAskedForAgain: after a failed link nobody knows whether a try is
// spent, and only the caller can decide.
func TestALostAnswerIsNotAskedForAgain(t *testing.T) {
	for _, row := range []struct {
		name string
		f    func(*Session) error
	}{
		{"Verify", func(s *Session) error {
			return s.Verify(t.Context(), "jpki/auth-pin", secret.FromString("1234"))
		}},
		{"VerifyGuarded", func(s *Session) error {
			return s.VerifyGuarded(t.Context(), "jpki/auth-pin", secret.FromString("1234"))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			presented := 0
			card := apdu.TransportFunc(func(_ context.Context, b []byte) ([]byte, error) {
				c, err := apdu.ParseCommand(b)
				switch {
				case err != nil:
					return nil, err
				case c.INS != apdu.INSVerify:
					return []byte{0x90, 0x00}, nil
				case len(c.Data) == 0:
					return []byte{0x63, 0xC3}, nil
				}
				presented++
				return nil, errGone
			})
			if err := row.f(New(card, generation1(t), Options{})); !errors.Is(err, errGone) || presented != 1 {
				t.Errorf("%v after %d presentations", err, presented)
			}
		})
	}
}
