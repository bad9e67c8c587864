package scp03

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/secret"
)

// testCard is a card with one key set and nothing behind its secure channel but a
// function.
type testCard struct {
	CardSession
	params  CardParams
	handle  func(c apdu.Command) apdu.Response
	command func(b []byte) []byte // what happens to commands on the wire; may be nil
	answer  func(b []byte) []byte // what happens to answers
	err     error                 // a link that fails from now on
}

func (card *testCard) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if card.err != nil {
		return nil, card.err
	}
	if card.command != nil {
		command = card.command(bytes.Clone(command))
	}
	answer := card.process(ctx, command)
	if card.answer != nil {
		answer = card.answer(bytes.Clone(answer))
	}
	return answer, nil
}

func (card *testCard) process(ctx context.Context, command []byte) []byte {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return apdu.Response{SW: apdu.SWWrongLength}.Append(nil)
	}
	switch c.INS {
	case apdu.INSInitializeUpdate:
		r, err := card.InitializeUpdate(ctx, card.params, c)
		if err != nil {
			return apdu.Response{SW: apdu.SWUnknown}.Append(nil)
		}
		return r.Append(nil)
	case apdu.INSExternalAuthenticate:
		return apdu.Response{SW: card.ExternalAuthenticate(c)}.Append(nil)
	}
	plain, sw := card.Unwrap(c)
	if sw != apdu.SWOK {
		return apdu.Response{SW: sw}.Append(nil)
	}
	return card.Wrap(nil, card.handle(plain))
}

// aesKeys is a key set of n bytes a key, the three unlike.
func aesKeys(n int) StaticKeys {
	key := func(seed byte) secret.Bytes {
		b := make([]byte, n)
		for i := range b {
			b[i] = seed + byte(i)*3
		}
		return secret.New(b)
	}
	return StaticKeys{Enc: key(1), Mac: key(2), Dek: key(3)}
}

var testAID = []byte{0xA0, 0, 0, 1, 0x51, 0, 0, 0}

// newTestCard echoes command data unless handle says otherwise.
func newTestCard(keys StaticKeys, options Options) *testCard {
	return &testCard{
		params: CardParams{
			Info: Info{Diversification: [10]byte{9, 9, 9, 9}, KeyVersion: 0x30, Options: options, Sequence: 0x00082A},
			Keys: keys, AID: testAID,
		},
		handle: func(c apdu.Command) apdu.Response {
			return apdu.Response{Data: bytes.Clone(c.Data), SW: apdu.SWOK}
		},
	}
}

const (
	optionsS8  = OptionPseudoRandom | OptionRMAC | OptionRENC
	optionsS16 = optionsS8 | OptionS16
)

var levels = []Level{LevelCMAC, LevelCMACCENC, LevelCMACRMAC, LevelCMACCENCRMAC, LevelFull}

// variant is one of all the ways to open a session.
type variant struct {
	level   Level
	options Options
	size    int // of the keys
}

func (v variant) String() string {
	return fmt.Sprintf("level %v i=%02X AES-%d", v.level, byte(v.options), 8*v.size)
}

func variants() []variant {
	var all []variant
	for _, level := range levels {
		for _, options := range []Options{optionsS8, optionsS16, optionsS8 &^ OptionPseudoRandom, optionsS16 &^ OptionPseudoRandom} {
			for _, size := range []int{16, 24, 32} {
				all = append(all, variant{level, options, size})
			}
		}
	}
	return all
}

// open makes a card for v and a session on it.
func (v variant) open(t testing.TB) (*Session, *testCard) {
	t.Helper()
	keys := aesKeys(v.size)
	card := newTestCard(keys, v.options)
	s, err := Open(t.Context(), card, Config{Find: Fixed(keys), Mode: v.options.Mode(), Level: v.level, AID: testAID})
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	return s, card
}

var full = variant{LevelFull, optionsS8, 16}
