package scp03

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"jukicard/apdu"
)

// FuzzSCP03 gives a card foreign commands and a host foreign answers at every level: none
// may be taken for good without the session's own MAC, and none may crash either side.
func FuzzSCP03(f *testing.F) {
	for _, v := range recorded(f) {
		for i, x := range v.exchanges {
			f.Add(byte(i), x.command, x.response)
		}
	}
	f.Add(byte(4), []byte{0x84, 0xE2, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8}, []byte{0x90, 0})
	f.Fuzz(func(t *testing.T, pick byte, command, answer []byte) {
		v := variant{levels[int(pick)%len(levels)], optionsS8, 16}
		if pick&0x80 != 0 {
			v.options = optionsS16
		}
		fuzzCard(t, v, command)
		fuzzHost(t, v, answer)
		fuzzOpen(t, command, answer)
	})
}

func fuzzCard(t *testing.T, v variant, command []byte) {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return
	}
	_, card := v.open(t)
	before := bytes.Clone(command)
	if plain, sw := card.Unwrap(c); sw == apdu.SWOK {
		t.Fatalf("%v: %X is taken for %v", v, command, plain)
	} else if card.Open() == Secured(c.CLA) {
		t.Fatalf("%v: CLA %02X, open %v", v, c.CLA, card.Open())
	}
	if !bytes.Equal(before, command) {
		t.Fatal("the command was changed")
	}
	if sw := card.ExternalAuthenticate(c); sw == apdu.SWOK {
		t.Fatalf("%X authenticates a host", command)
	}
	if r, err := card.InitializeUpdate(t.Context(), card.params, c); err != nil || (r.SW == apdu.SWOK) != card.Pending() {
		t.Fatalf("%v %v", r, err)
	}
}

func fuzzHost(t *testing.T, v variant, answer []byte) {
	s, card := v.open(t)
	card.answer = func([]byte) []byte { return answer }
	plain, err := s.Transmit(t.Context(), []byte{0x80, 0xE2, 0, 0, 1, 0x55, 0})
	switch {
	case err != nil:
		if s.Level() != 0 {
			t.Fatalf("%v: open after %v", v, err)
		}
	case v.level.Has(RMAC):
		if sw, _ := apdu.ParseResponse(plain); len(plain) != 2 || !isError(sw.SW) {
			t.Fatalf("%v: %X is taken for %X", v, answer, plain)
		}
	case !bytes.Equal(plain, answer):
		t.Fatalf("%v: %X became %X", v, answer, plain)
	}
}

// fuzzOpen answers INITIALIZE UPDATE and EXTERNAL AUTHENTICATE with anything.
func fuzzOpen(t *testing.T, first, second []byte) {
	answers := [][]byte{first, second}
	card := apdu.TransportFunc(func(context.Context, []byte) ([]byte, error) {
		a := answers[0]
		answers = answers[1:]
		return a, nil
	})
	s, err := Open(t.Context(), card, Config{Find: Fixed(aesKeys(16)), Level: LevelFull, HostChallenge: hostChallenge})
	if err == nil || s != nil || len(answers) == 0 && !errors.Is(err, ErrCryptogram) {
		t.Fatalf("%X opened a session: %v", first, err)
	}
}

func FuzzPutKey(f *testing.F) {
	under := aesKeys(16)
	for _, size := range []int{16, 24, 32} {
		wrapped, err := WrapKeys(f.Context(), under, aesKeys(size))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(PutKeyData(0x31, wrapped))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		version, set, err := ParsePutKey(data, under)
		if err != nil {
			return
		}
		if set.Check() != nil {
			t.Fatal("keys that cannot be used are taken")
		}
		wrapped, err := WrapKeys(t.Context(), under, set)
		if err != nil {
			t.Fatal(err)
		}
		if again, got, err := ParsePutKey(PutKeyData(version, wrapped), under); err != nil || again != version || !got.Dek.Equal(set.Dek) {
			t.Fatalf("another set came back: %v", err)
		}
	})
}
