package scp03

import (
	"bytes"
	"testing"

	"jukicard/apdu"
)

var hostChallenge = []byte{1, 2, 3, 4, 5, 6, 7, 8}

func initializeCommand() apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSInitializeUpdate, Data: hostChallenge, Ne: 256}
}

func TestInitializeUpdateRefuses(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(c *apdu.Command, card *testCard)
		want   apdu.SW
	}{
		{"challenge of S16", func(c *apdu.Command, _ *testCard) { c.Data = make([]byte, 16) }, apdu.SWWrongLength},
		{"no challenge", func(c *apdu.Command, _ *testCard) { c.Data = nil }, apdu.SWWrongLength},
		{"P2", func(c *apdu.Command, _ *testCard) { c.P2 = 1 }, apdu.SWIncorrectP1P2},
	} {
		s, card := full.open(t)
		_ = s
		c := initializeCommand()
		row.change(&c, card)
		r, err := card.InitializeUpdate(t.Context(), card.params, c)
		if err != nil || r.SW != row.want || len(r.Data) != 0 {
			t.Errorf("%s: %v %v", row.name, r, err)
		}
		if card.Open() || card.Pending() {
			t.Errorf("%s: the session before it goes on", row.name)
		}
	}
	_, card := full.open(t)
	card.params.Keys = StaticKeys{}
	if r, err := card.InitializeUpdate(t.Context(), card.params, initializeCommand()); err == nil || r.SW != apdu.SWUnknown || card.Pending() {
		t.Errorf("without keys: %v %v", r, err)
	}
}

func TestChallengeKinds(t *testing.T) {
	challenge := func(change func(p *CardParams)) []byte {
		card := newTestCard(aesKeys(16), optionsS8)
		change(&card.params)
		r, err := card.InitializeUpdate(t.Context(), card.params, initializeCommand())
		if err != nil || r.SW != apdu.SWOK {
			t.Fatal(r, err)
		}
		return r.Data[13:21]
	}
	derived := challenge(func(*CardParams) {})
	if again := challenge(func(*CardParams) {}); !bytes.Equal(again, derived) {
		t.Error("one counter value gives two challenges")
	}
	for name, change := range map[string]func(p *CardParams){
		"next counter value":         func(p *CardParams) { p.Sequence++ },
		"another application":        func(p *CardParams) { p.AID = []byte{1} },
		"other keys":                 func(p *CardParams) { p.Keys = TestKeys() },
		"random":                     func(p *CardParams) { p.Random = true },
		"a card that states no such": func(p *CardParams) { p.Options &^= OptionPseudoRandom },
	} {
		if bytes.Equal(challenge(change), derived) {
			t.Errorf("%s: the same challenge", name)
		}
	}
	if got := challenge(func(p *CardParams) { p.Challenge = hostChallenge }); !bytes.Equal(got, hostChallenge) {
		t.Errorf("explicit challenge: %X", got)
	}
	if bytes.Equal(challenge(func(p *CardParams) { p.Random = true }), challenge(func(p *CardParams) { p.Random = true })) {
		t.Error("two random challenges are alike")
	}
}

// A card keeps its order: no channel without both commands, in that order and at once.
func TestCardOrder(t *testing.T) {
	var card CardSession
	secured := apdu.Command{CLA: 0x84, INS: 0xE2, Data: make([]byte, 16)}
	authenticate := apdu.Command{CLA: 0x84, INS: apdu.INSExternalAuthenticate, P1: 0x33, Data: make([]byte, 16)}
	if _, sw := card.Unwrap(secured); sw != apdu.SWConditionsNotSatisfied {
		t.Errorf("Unwrap on a new card: %v", sw)
	}
	if sw := card.ExternalAuthenticate(authenticate); sw != apdu.SWConditionsNotSatisfied {
		t.Errorf("EXTERNAL AUTHENTICATE on a new card: %v", sw)
	}
	params := newTestCard(aesKeys(16), optionsS8).params
	if r, err := card.InitializeUpdate(t.Context(), params, initializeCommand()); err != nil || r.SW != apdu.SWOK || !card.Pending() || card.Open() {
		t.Fatalf("INITIALIZE UPDATE: %v %v", r, err)
	}
	if _, sw := card.Unwrap(secured); sw != apdu.SWConditionsNotSatisfied {
		t.Errorf("Unwrap before EXTERNAL AUTHENTICATE: %v", sw)
	}
	unsecured := authenticate
	unsecured.CLA = 0x80
	if sw := card.ExternalAuthenticate(unsecured); sw != apdu.SWSecurityStatus || card.Pending() {
		t.Errorf("EXTERNAL AUTHENTICATE in clear: %v", sw)
	}
	if sw := card.ExternalAuthenticate(authenticate); sw != apdu.SWConditionsNotSatisfied {
		t.Errorf("second try: %v", sw)
	}
	if r, err := card.InitializeUpdate(t.Context(), params, initializeCommand()); err != nil || r.SW != apdu.SWOK {
		t.Fatalf("INITIALIZE UPDATE: %v %v", r, err)
	}
	authenticate.Data = make([]byte, 15)
	if sw := card.ExternalAuthenticate(authenticate); sw != apdu.SWWrongLength || card.Pending() {
		t.Errorf("EXTERNAL AUTHENTICATE cut off: %v", sw)
	}
}

// The MAC is right and the cryptogram is not: 6300, not 6982.
func TestWrongHostCryptogram(t *testing.T) {
	card := newTestCard(aesKeys(16), optionsS8)
	if _, err := card.InitializeUpdate(t.Context(), card.params, initializeCommand()); err != nil {
		t.Fatal(err)
	}
	host := channel{}
	if err := host.start(t.Context(), card.params.Keys, S8, card.challenges); err != nil {
		t.Fatal(err)
	}
	host.level = LevelCMAC
	b := host.secureCommand(nil, apdu.Command{CLA: 0x80, INS: apdu.INSExternalAuthenticate, P1: 0x33, Data: make([]byte, 8)}, false)
	if sw := card.ExternalAuthenticate(parseCommand(t, b)); sw != apdu.SWVerificationFailed || card.Open() || card.Pending() {
		t.Errorf("%v", sw)
	}
}

func TestUnwrapWithoutSecureMessagingLeavesTheSessionAlone(t *testing.T) {
	s, card := full.open(t)
	for _, cla := range []byte{0x00, 0x80, 0x0C, 0x08, 0x44} {
		if _, sw := card.Unwrap(apdu.Command{CLA: cla, INS: 0xB0, Ne: 256}); sw != apdu.SWSecureMessagingMissing {
			t.Errorf("CLA %02X: %v", cla, sw)
		}
	}
	if _, err := s.Transmit(t.Context(), unhex(t, "00B0000000")); err != nil || !card.Open() {
		t.Errorf("afterwards: %v", err)
	}
}

func TestUnwrapOfTooLittleEndsTheSession(t *testing.T) {
	_, card := full.open(t)
	if _, sw := card.Unwrap(apdu.Command{CLA: 0x84, INS: 0xE2, Data: make([]byte, 7)}); sw != apdu.SWSecurityStatus || card.Open() {
		t.Errorf("%v, open %v", sw, card.Open())
	}
}

func TestResponseRoom(t *testing.T) {
	for _, row := range []struct {
		level   Level
		options Options
		c       apdu.Command
		want    int
	}{
		{LevelFull, optionsS8, apdu.Command{Ne: 256}, 239},
		{LevelFull, optionsS8, apdu.Command{Ne: 16}, 16},
		{LevelFull, optionsS8, apdu.Command{Ne: 0}, 0},
		{LevelFull, optionsS8, apdu.Command{Ne: 2048}, 2048},
		{LevelFull, optionsS8, apdu.Command{Ne: 65536}, 65519},
		{LevelFull, optionsS8, apdu.Command{Ne: 256, Extended: true}, 256},
		{LevelCMACRMAC, optionsS16, apdu.Command{Ne: 256}, 240},
		{LevelCMACCENC, optionsS8, apdu.Command{Ne: 256}, 256},
	} {
		_, card := variant{row.level, row.options, 16}.open(t)
		if got := card.ResponseRoom(row.c); got != row.want {
			t.Errorf("%v, Ne %d: %d, want %d", row.level, row.c.Ne, got, row.want)
		}
	}
	var closed CardSession
	if got := closed.ResponseRoom(apdu.Command{Ne: 256}); got != 256 {
		t.Errorf("without a session: %d", got)
	}
	if got := closed.Wrap(nil, apdu.Response{Data: []byte{1}, SW: apdu.SWOK}); !bytes.Equal(got, []byte{1, 0x90, 0}) {
		t.Errorf("without a session: %X", got)
	}
}

func TestSecured(t *testing.T) {
	for cla, want := range map[byte]bool{0x04: true, 0x84: true, 0x87: true, 0x94: true, 0x00: false, 0x80: false, 0x08: false, 0x0C: false, 0x44: false, 0xE4: false} {
		if Secured(cla) != want {
			t.Errorf("CLA %02X: %v", cla, !want)
		}
	}
}

func TestResetClears(t *testing.T) {
	s, card := variant{LevelCMAC, optionsS8, 16}.open(t)
	if _, err := apdu.Send(t.Context(), s, apdu.Command{INS: 0xE2, Data: []byte("CANARY")}); err != nil {
		t.Fatal(err)
	}
	plain := card.ch().plain
	if !bytes.Equal(plain, []byte("CANARY")) {
		t.Fatalf("%q", plain)
	}
	card.Reset()
	if !bytes.Equal(plain, make([]byte, 6)) || card.ch().enc != nil || card.Open() {
		t.Errorf("left over: %q", plain)
	}
}
