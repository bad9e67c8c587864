package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/simulator"
)

// fakeClient is a client without a card behind it; turns notes whose turn it was.
type fakeClient struct {
	name  string
	turns *strings.Builder
	err   error
}

func (c *fakeClient) turn(_ context.Context, f func(apdu.Transport) error) error {
	c.turns.WriteString(c.name)
	if c.err != nil {
		return c.err
	}
	data := append(make([]byte, readLen), 0x90, 0x00)
	return f(apdu.TransportFunc(func(_ context.Context, command []byte) ([]byte, error) {
		if command[1] == apdu.INSReadBinary {
			return data, nil
		}
		return data[readLen:], nil
	}))
}

// TestTurnsAlternate: each client goes first as often as the other, within one.
func TestTurnsAlternate(t *testing.T) {
	p, err := profile.Load(simulator.DefaultProfile)
	if err != nil {
		t.Fatal(err)
	}
	var turns strings.Builder
	var out bytes.Buffer
	ours, bare := &fakeClient{"a", &turns, nil}, &fakeClient{"b", &turns, nil}
	if err := takeTurns(t.Context(), &report{to: &out}, p, ours, bare); err != nil {
		t.Fatal(err)
	}
	if got, want := turns.String(), strings.Repeat("abba", pcscRounds)[:2*pcscRounds]; got != want {
		t.Errorf("turns %s, want %s", got, want)
	}
	for _, want := range []string{"pcsc_read16_rate ", "pcsc_read16_rate_bare ", "pcsc_read16_ratio ", "pcsc_read16_allocs ", "pcsc_read16_allocs_more "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %sin %s", want, out.String())
		}
	}
	bare.err = io.ErrUnexpectedEOF
	if err := takeTurns(t.Context(), &report{to: &out}, p, ours, bare); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
}

func TestExpect(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer []byte
		err    error
		n      int
		ok     bool
	}{
		{"9000 alone", []byte{0x90, 0x00}, nil, 0, true},
		{"data and 9000", []byte{1, 2, 0x90, 0x00}, nil, 2, true},
		{"a refusal", []byte{0x6A, 0x82}, nil, 0, false},
		{"too little", []byte{1, 0x90, 0x00}, nil, 2, false},
		{"nothing", nil, nil, 0, false},
		{"a failed link", nil, io.ErrUnexpectedEOF, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := expect(row.answer, row.err, row.n); (err == nil) != row.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestCommandsReadAFreeFile: the commands of the rates work on a card.
func TestCommandsReadAFreeFile(t *testing.T) {
	p, err := profile.Load(simulator.DefaultProfile)
	if err != nil {
		t.Fatal(err)
	}
	c, err := blankCard(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	card := apdu.TransportFunc(func(_ context.Context, command []byte) ([]byte, error) { return c.Process(command), nil })
	read, err := current(t.Context(), p, card)
	if err != nil {
		t.Fatal(err)
	}
	if err := repeat(t.Context(), card, read, 3); err != nil {
		t.Error(err)
	}
	if _, _, err := commandsTo(p, "jpki/none"); err == nil {
		t.Error("commands to a file that does not exist")
	}
}
