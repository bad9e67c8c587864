package card

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
)

func TestSelect(t *testing.T) {
	s, w := blank(t, Options{})
	for _, app := range []string{"jpki", "surface", "text", "resident", "common", Domain} {
		must(t, s.Select(t.Context(), app))
		if s.Selected() != app || s.Secured() {
			t.Errorf("selected is %q", s.Selected())
		}
	}
	sent := len(w.sent)
	if err := s.Select(t.Context(), "passport"); err == nil || !strings.Contains(err.Error(), `cannot select "passport"`) {
		t.Errorf("got %v", err)
	}
	if s.Selected() != Domain || len(w.sent) != sent {
		t.Error("a name that no profile has went to the card")
	}
}

// TestSelectIsSentOnce: a name selects its application, the next in the same
// application does not.
func TestSelectIsSentOnce(t *testing.T) {
	s, w := issued(t, Options{})
	for range 3 {
		_, err := s.ReadObject(t.Context(), "jpki/auth-cert")
		must(t, err)
	}
	if n := w.count(apdu.INSSelect); n != 1 {
		t.Errorf("%d SELECT", n)
	}
	s.Lost()
	_, err := s.ReadObject(t.Context(), "jpki/auth-cert")
	must(t, err)
	if n := w.count(apdu.INSSelect); n != 2 {
		t.Errorf("%d SELECT after the application was lost", n)
	}
}

func TestOpen(t *testing.T) {
	s, w := blank(t, Options{})
	open(t, s, "jpki")
	if !s.Secured() || s.Selected() != "jpki" || len(w.sent) != 3 {
		t.Errorf("secured %t on %q after %d commands", s.Secured(), s.Selected(), len(w.sent))
	}
	must(t, s.Select(t.Context(), "jpki"))
	if s.Secured() {
		t.Error("the channel outlives SELECT of the same application")
	}
	open(t, s, Domain)
	s.Close()
	if s.Secured() {
		t.Error("the channel outlives Close")
	}
}

// TestOpenWithOtherKeys: a card with other keys is told from one that refuses.
func TestOpenWithOtherKeys(t *testing.T) {
	s, _ := blank(t, Options{})
	err := s.Open(t.Context(), "jpki", scp03.Fixed(scp03.TestKeys()))
	if !errors.Is(err, scp03.ErrCryptogram) || !strings.Contains(err.Error(), "cannot open the channel on jpki") {
		t.Errorf("got %v", err)
	}
	if s.Secured() {
		t.Error("a channel is open")
	}
}

// swallowing is a line on which SELECT is answered and never arrives, or whose card says
// that its challenge is drawn at random.
type swallowing struct {
	*wire
	selects, random bool
}

func (l *swallowing) Transmit(ctx context.Context, b []byte) ([]byte, error) {
	if l.selects && b[1] == apdu.INSSelect {
		return []byte{0x90, 0x00}, nil
	}
	answer, err := l.wire.Transmit(ctx, b)
	if l.random && b[1] == apdu.INSInitializeUpdate { // "i" without its bit, no sequence counter
		answer = append(append(bytes.Clone(answer[:12]), answer[12]&^byte(scp03.OptionPseudoRandom)), append(bytes.Clone(answer[13:29]), 0x90, 0x00)...)
	}
	return answer, err
}

// TestTheChannelProvesItsApplication: nothing is written where SELECT did not arrive, for
// it would go into the application selected before.
func TestTheChannelProvesItsApplication(t *testing.T) {
	for name, row := range map[string]struct{ selects, random bool }{"SELECT is swallowed": {true, false}, "the challenge is random": {false, true}} {
		t.Run(name, func(t *testing.T) {
			s, w := blank(t, Options{})
			open(t, s, "text")
			l := &swallowing{wire: w, selects: row.selects, random: row.random}
			s = New(l, s.p, Options{})
			err := s.Open(t.Context(), "resident", scp03.Diversified(master))
			if !errors.Is(err, scp03.ErrChallenge) {
				t.Errorf("got %v", err)
			}
			if s.Secured() || s.Selected() != "" {
				t.Errorf("a channel is open: %t, selected is %q", s.Secured(), s.Selected())
			}
		})
	}
}

// TestWritingNeedsItsChannel: without a channel, or with one on another application,
// nothing at all goes to the card.
func TestWritingNeedsItsChannel(t *testing.T) {
	ctx := t.Context()
	for name, f := range map[string]func(*Session) error{
		"Update":           func(s *Session) error { return s.Update(ctx, "text/number", []byte("x"), 0, nil) },
		"Update of record": func(s *Session) error { return s.Update(ctx, "common/manufacture", []byte("x"), 0, nil) },
		"Set":              func(s *Session) error { return s.Set(ctx, "text/pin", secret.FromString("5678")) },
		"Generate":         func(s *Session) error { _, err := s.Generate(ctx, "jpki/auth-key"); return err },
		"PublicKey":        func(s *Session) error { _, err := s.PublicKey(ctx, "jpki/auth-key"); return err },
		"PutData":          func(s *Session) error { return s.PutData(ctx, "expiry", []byte("20350217")) },
		"Lock":             func(s *Session) error { return s.Lock(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			s, w := blank(t, Options{})
			for _, prepare := range []func(){
				func() {}, func() { must(t, s.Select(ctx, "text")) }, func() { open(t, s, "resident") },
			} {
				prepare()
				sent := len(w.sent)
				if err := f(s); !errors.Is(err, ErrNoChannel) || len(w.sent) != sent {
					t.Errorf("on %q: %v, and %d commands were sent", s.Selected(), err, len(w.sent)-sent)
				}
			}
			if !s.Secured() {
				t.Error("the refusal closed the channel of another application")
			}
		})
	}
}

func TestIdentify(t *testing.T) {
	for _, f := range []func(testing.TB, Options) (*Session, *wire){blank, issued} {
		s, w := f(t, Options{})
		label, err := s.Identify(t.Context())
		if label != Label || err != nil || len(w.sent) != 2 {
			t.Errorf("label %q (%v) after %d commands", label, err, len(w.sent))
		}
	}
}

// answers is a card that says what it is told, in turn, and then nothing more.
func answers(in ...string) apdu.Transport {
	return apdu.TransportFunc(func(context.Context, []byte) ([]byte, error) {
		if len(in) == 0 {
			return nil, errGone
		}
		out := []byte(in[0])
		in = in[1:]
		return out, nil
	})
}

var errGone = errors.New("the card is gone")

func TestIdentifyStrangeCards(t *testing.T) {
	const ok = "\x90\x00"
	for _, row := range []struct {
		name    string
		answers []string
		label   string
		want    error
	}{
		{"application unknown", []string{"\x6A\x82"}, "", ErrOtherCard},
		{"instruction unknown", []string{"\x6D\x00"}, "", ErrOtherCard},
		{"class unknown", []string{"\x6E\x00"}, "", ErrOtherCard},
		{"length unknown", []string{"\x67\x00"}, "", ErrOtherCard},
		{"selection by name unknown", []string{"\x6A\x86"}, "", ErrOtherCard},
		{"card locked", []string{"\x6A\x81"}, "", apdu.SWFunctionNotSupported},
		{"card broken", []string{"\x6F\x00"}, "", apdu.SWUnknown},
		{"link broken", nil, "", errGone},
		{"link broken behind the selection", []string{ok}, "", errGone},
		{"no token information", []string{ok, "\x6A\x82"}, "", nil},
		{"token information protected", []string{ok, "\x69\x82"}, "", nil},
		{"empty token information", []string{ok, "\x6B\x00"}, "", nil},
		{"of the card before this one", []string{ok, "JPKIAPICCTOKEN                  " + ok}, "JPKIAPICCTOKEN", nil},
		{"unwritten", []string{ok, strings.Repeat("\xFF", 32) + ok}, "", nil},
		{"control characters", []string{ok, "JPKI\x1B[2J" + ok}, "", nil},
		{"other script", []string{ok, "個人番号カード" + ok}, "", nil},
		{"one byte", []string{ok, "J" + ok}, "J", nil},
		{"one byte for an answer", []string{"\x90"}, "", errAny},
		{"no answer", []string{""}, "", errAny},
	} {
		t.Run(row.name, func(t *testing.T) {
			label, err := New(answers(row.answers...), generation1(t), Options{}).Identify(t.Context())
			if label != row.label || !errors.Is(err, row.want) && (row.want != errAny || err == nil) {
				t.Errorf("label %q, error %v; want %q, %v", label, err, row.label, row.want)
			}
		})
	}
}

var errAny = errors.New("any error")

// TestALockedCardIsSelected: GlobalPlatform warns, and has selected its domain.
func TestALockedCardIsSelected(t *testing.T) {
	s, _ := blank(t, Options{})
	open(t, s, Domain)
	_, err := s.send(t.Context(), apdu.Command{CLA: 0x80, INS: apdu.INSSetStatus, P1: 0x80, P2: 0x7F}, Domain)
	must(t, err)
	must(t, s.Select(t.Context(), Domain))
	state, err := s.State(t.Context())
	if err != nil || len(state) == 0 || state[0] != 0x7F {
		t.Errorf("state %x (%v)", state, err)
	}
	if err := s.Select(t.Context(), "jpki"); !errors.Is(err, apdu.SWFunctionNotSupported) || s.Selected() != "" {
		t.Errorf("got %v, selected %q", err, s.Selected())
	}
}

// TestAnswersAreKept: what was given is not changed by the next command.
func TestAnswersAreKept(t *testing.T) {
	s, _ := issued(t, Options{})
	record, err := s.ReadRecord(t.Context(), "common/manufacture", 1)
	must(t, err)
	sig, err := s.Sign(t.Context(), "text/card-key", digestInfo)
	must(t, err)
	tag, _ := s.p.Object("expiry")
	expiry, err := s.Data(t.Context(), tag, "expiry")
	must(t, err)
	kept := [][]byte{bytes.Clone(record), bytes.Clone(sig), bytes.Clone(expiry)}
	_, err = s.ReadObject(t.Context(), "jpki/auth-ca")
	must(t, err)
	for i, b := range [][]byte{record, sig, expiry} {
		if !bytes.Equal(b, kept[i]) {
			t.Errorf("answer %d has changed", i)
		}
	}
}
