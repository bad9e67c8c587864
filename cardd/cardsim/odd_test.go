package main

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/simulator"
)

func blank(t *testing.T) (*simulator.Card, *profile.Card) {
	t.Helper()
	p, err := profile.Load(simulator.DefaultProfile)
	if err != nil {
		t.Fatal(err)
	}
	c, err := simulator.NewBlank(simulator.Options{Profile: p, LabKey: simulator.LabTestKey, Master: simulator.LabTestKey})
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

func TestForeignKnowsNothing(t *testing.T) {
	_, p := blank(t)
	if _, err := card.New(direct(foreign{}), p, card.Options{}).Identify(t.Context()); err != card.ErrOtherCard {
		t.Errorf("error %v", err)
	}
	for _, command := range [][]byte{{0x00, 0x84, 0, 0, 8}, {0x00, 0x20, 0x00, 0x80}, nil} {
		if got := (foreign{}).Process(command); !bytes.Equal(got, []byte{0x6A, 0x82}) {
			t.Errorf("%X is answered %X", command, got)
		}
	}
}

func TestRelabel(t *testing.T) {
	c, p := blank(t)
	for _, row := range []struct {
		name, label string
		ok          bool
	}{
		{"as long as the own", "JPKIAPGPSETOKEN", true},
		{"shorter", "JPKIAPICCTOKEN", true},
		{"longer", "JPKIAPICCTOKEN22", false},
		{"none", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			odd, err := relabel(c, row.label)
			if (err == nil) != row.ok {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			label, err := card.New(direct(odd), p, card.Options{}).Identify(t.Context())
			if err != nil || label != row.label {
				t.Errorf("%q, %v", label, err)
			}
		})
	}
}

func TestPulled(t *testing.T) {
	c, _ := blank(t)
	out := 0
	p := &pulled{c, 3, func() { out++ }}
	challenge := []byte{0x00, 0x84, 0x00, 0x00, 0x08}
	for i := 1; i <= 5; i++ {
		if answer := p.Process(challenge); (len(answer) == 0) != (i == 3) {
			t.Errorf("command %d is answered %X", i, answer)
		}
	}
	if out != 1 {
		t.Errorf("it was pulled %d times", out)
	}
}

func TestSetLifeCycle(t *testing.T) {
	for name, state := range lifeCycles {
		t.Run(name, func(t *testing.T) {
			c, p := blank(t)
			if err := setLifeCycle(t.Context(), c, p, simulator.LabTestKey, name); err != nil {
				t.Fatal(err)
			}
			b, err := card.New(direct(c), p, card.Options{}).State(t.Context())
			if _, no := err.(*apdu.StatusError); state == 0xFF && no {
				return // a terminated card says nothing more
			}
			if err != nil || b[0] != state {
				t.Errorf("%X, %v", b, err)
			}
		})
	}
	c, p := blank(t)
	if err := setLifeCycle(t.Context(), c, p, simulator.LabTestKey, "asleep"); err == nil {
		t.Error("a state that does not exist was set")
	}
	other, err := key("--master-key", strings.Repeat("00", 16))
	if err != nil {
		t.Fatal(err)
	}
	if err := setLifeCycle(t.Context(), c, p, other, "secured"); err == nil || !strings.Contains(err.Error(), "--master-key") {
		t.Errorf("with another key: %v", err)
	}
}

func TestKey(t *testing.T) {
	for digits, ok := range map[string]bool{testKey: true, "40 41 42 43 44 45 46 47 48 49 4A 4B 4C 4D 4E 4F": true, "40": false, "xy": false, "": false} {
		if _, err := key("--gp-key", digits); (err == nil) != ok {
			t.Errorf("%q: %v", digits, err)
		}
	}
}

func TestWishes(t *testing.T) {
	for _, row := range []struct {
		name string
		w    wish
		ok   bool
	}{
		{"a card in memory", wish{labKey: testKey, masterKey: testKey}, true},
		{"a card of the field", wish{labKey: "none", masterKey: testKey}, true},
		{"issued for nobody", wish{issued: true}, false},
		{"a person and no issue", wish{person: "adult"}, false},
		{"values of a card that is not issued", wish{env: "x"}, false},
		{"a foreign card that is kept", wish{foreign: true, state: "x"}, false},
		{"pulled out of no reader", wish{pullAt: 1}, false},
		{"pulled before the first command", wish{pullAt: -1, vpcd: "x"}, false},
		{"an answer to reset that is none", wish{labKey: testKey, masterKey: testKey, atr: "3Z"}, false},
		{"a generation nobody knows", wish{labKey: testKey, masterKey: testKey, profile: "mynumber-9"}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := row.w.run(t.Context(), io.Discard, io.Discard); (err == nil) != row.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestAnIssuedCardIsKept issues a card once and takes it up again.
func TestAnIssuedCardIsKept(t *testing.T) {
	dir := t.TempDir()
	w := wish{state: filepath.Join(dir, "card"), env: filepath.Join(dir, "env"), labKey: testKey, masterKey: testKey, person: "infant", issued: true}
	var first, second strings.Builder
	if err := w.run(t.Context(), &first, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := w.run(t.Context(), &second, io.Discard); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Errorf("first %q, then %q", &first, &second)
	}
}
