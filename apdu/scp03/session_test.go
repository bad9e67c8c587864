package scp03

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/secret"
)

// Whatever the level, mode and keys, the card gets the plain command and the host the
// plain answer, in every case and form and over many commands.
func TestCommandsAndAnswersComeThrough(t *testing.T) {
	for _, v := range variants() {
		s, card := v.open(t)
		for _, c := range commandsFor(s) {
			checkExchange(t, v, s, card, c)
		}
	}
}

func commandsFor(s *Session) []apdu.Command {
	var all []apdu.Command
	for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 200, s.Payload(255)} {
		data := bytes.Repeat([]byte{byte(n)}, n)
		all = append(all,
			apdu.Command{CLA: 0x80, INS: 0xE2, Data: data, Ne: 256},
			apdu.Command{CLA: 0x00, INS: 0xD6, P1: 1, P2: 2, Data: data},
			apdu.Command{CLA: 0x03, INS: 0xD6, Data: data, Ne: 16},
			apdu.Command{CLA: 0x10, INS: 0xDB, Data: data},
			apdu.Command{CLA: 0x00, INS: 0xD6, Data: data, Ne: 1000},
			apdu.Command{CLA: 0x00, INS: 0xD6, Data: append([]byte{0x80, 0}, data...), Ne: 65536, Extended: true})
	}
	return append(all, apdu.Command{INS: 0xD6, Data: make([]byte, s.Payload(65535)), Ne: 65536})
}

func checkExchange(t *testing.T, v variant, s *Session, card *testCard, c apdu.Command) {
	t.Helper()
	answer := apdu.Response{Data: bytes.Clone(c.Data[:min(len(c.Data), s.ResponsePayload(65536))]), SW: apdu.SWOK}
	card.handle = func(got apdu.Command) apdu.Response {
		if fmt.Sprint(got) != fmt.Sprint(c) || !bytes.Equal(got.Data, c.Data) {
			t.Errorf("%v: sent %v, the card got %v", v, c, got)
		}
		return answer
	}
	r, err := apdu.Send(t.Context(), s, c)
	if err != nil || r.SW != apdu.SWOK || !bytes.Equal(r.Data, answer.Data) {
		t.Fatalf("%v: %v answered %v, %v", v, c, r, err)
	}
}

func TestStatusWords(t *testing.T) {
	for _, v := range variants() {
		s, card := v.open(t)
		for _, row := range []struct {
			sw   apdu.SW
			data string // what the host sees of "CAFE"
		}{
			{0x9000, "CAFE"}, {0x6282, "CAFE"}, {0x6300, "CAFE"}, {0x63C2, "CAFE"},
			{0x6400, ""}, {0x6982, ""}, {0x6A82, ""}, {0x6C10, ""}, {0x6110, ""}, {0x9100, ""},
		} {
			card.handle = func(apdu.Command) apdu.Response { return apdu.Response{Data: unhex(t, "CAFE"), SW: row.sw} }
			r, err := apdu.Send(t.Context(), s, apdu.Command{INS: 0xB0, Ne: 256})
			if err != nil || r.SW != row.sw || !bytes.Equal(r.Data, unhex(t, row.data)) {
				t.Errorf("%v: %v: %v %v", v, row.sw, r, err)
			}
		}
		card.handle = func(apdu.Command) apdu.Response { return apdu.Response{SW: 0x63C2} }
		if r, err := apdu.Send(t.Context(), s, apdu.Command{INS: 0x20, P2: 0x80, Data: []byte("1234")}); err != nil || r.SW != 0x63C2 {
			t.Errorf("%v: after refusals: %v %v", v, r, err)
		}
	}
}

// wireLen is the length of a command once protected.
func wireLen(t *testing.T, v variant, command []byte) (n int) {
	s, card := v.open(t)
	card.command = func(b []byte) []byte { n = len(b); return b }
	if _, err := s.Transmit(t.Context(), command); err != nil {
		t.Fatal(err)
	}
	return n
}

// A changed byte in a command ends the card's session, and nothing is carried out. Le,
// the last byte, is not covered by any MAC in this protocol.
func TestTamperedCommandIsRefused(t *testing.T) {
	command := unhex(t, "00D6000003CAFE0100")
	for _, level := range levels {
		v := variant{level, optionsS8, 16}
		for i := range wireLen(t, v, command) - 1 {
			s, card := v.open(t)
			card.handle = func(c apdu.Command) apdu.Response {
				t.Errorf("%v: byte %d changed, yet carried out: %v", v, i, c)
				return apdu.Response{SW: apdu.SWOK}
			}
			card.command = func(b []byte) []byte { b[i] ^= 0x20; return b }
			answer, err := s.Transmit(t.Context(), command)
			if err == nil && bytes.Equal(answer, []byte{0x90, 0}) {
				t.Errorf("%v: byte %d changed and the host saw 9000", v, i)
			}
			if i != 4 && card.Open() { // a wrong Lc never gets as far as the channel
				t.Errorf("%v: byte %d changed and the card's session goes on", v, i)
			}
		}
	}
}

// A changed byte in an answer closes the session for good.
func TestTamperedAnswerClosesTheSession(t *testing.T) {
	for _, level := range []Level{LevelCMACRMAC, LevelCMACCENCRMAC, LevelFull} {
		for _, options := range []Options{optionsS8, optionsS16} {
			v := variant{level, options, 32}
			n := level.ResponseLen(options.Mode(), 5) + 2
			for i := range n {
				s, card := v.open(t)
				card.answer = func(b []byte) []byte { b[i] ^= 1; return b }
				checkIntegrity(t, fmt.Sprintf("%v, byte %d", v, i), s)
			}
		}
	}
}

// checkIntegrity expects that the next answer is not trusted and the session is over.
func checkIntegrity(t *testing.T, name string, s *Session) {
	t.Helper()
	echo := unhex(t, "00E2000005010203040500")
	if answer, err := s.Transmit(t.Context(), echo); !errors.Is(err, ErrIntegrity) || answer != nil {
		t.Errorf("%s: %X %v", name, answer, err)
	}
	if _, err := s.Transmit(t.Context(), echo); !errors.Is(err, ErrClosed) {
		t.Errorf("%s: afterwards %v", name, err)
	}
	if s.Level() != 0 || s.Payload(255) != 255 {
		t.Errorf("%s: still at level %v", name, s.Level())
	}
}

func TestForeignAnswersCloseTheSession(t *testing.T) {
	var old []byte
	for name, change := range map[string]func(b []byte) []byte{
		"bare 9000":               func([]byte) []byte { return []byte{0x90, 0} },
		"bare warning":            func([]byte) []byte { return []byte{0x63, 0xC2} },
		"MAC cut off":             func(b []byte) []byte { return append(b[:len(b)-9], 0x90, 0) },
		"data behind an error":    func(b []byte) []byte { return append(b[:len(b)-2], 0x6A, 0x82) },
		"one byte":                func([]byte) []byte { return []byte{0x90} },
		"the answer before it":    func([]byte) []byte { return old },
		"MAC of an empty answer":  func(b []byte) []byte { return b[len(b)-10:] },
		"a block of the answer":   func(b []byte) []byte { return b[16:] },
		"one byte more than that": func(b []byte) []byte { return append([]byte{0}, b...) },
	} {
		s, card := full.open(t)
		card.answer = func(b []byte) []byte { old = b; return b }
		if _, err := s.Transmit(t.Context(), unhex(t, "00E2000005010203040500")); err != nil {
			t.Fatal(err)
		}
		card.answer = change
		_, err := s.Transmit(t.Context(), unhex(t, "00E2000005010203040500"))
		if err == nil || name != "one byte" && !errors.Is(err, ErrIntegrity) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Transmit(t.Context(), unhex(t, "00E2000005010203040500")); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: afterwards %v", name, err)
		}
	}
}

// A good MAC over bad padding is a fault of the card, and ends the session as well.
func TestBadPaddingClosesTheSession(t *testing.T) {
	for name, plain := range map[string][]byte{"no padding": bytes.Repeat([]byte{0x55}, 16), "zeros": make([]byte, 16), "half a block": make([]byte, 8)} {
		s, card := full.open(t)
		card.answer = func([]byte) []byte {
			data := bytes.Clone(plain)
			if len(data)%blockSize == 0 {
				encryptCBC(card.ch().enc, card.ch().icv(true), data)
			}
			return append(append(data, card.ch().responseMAC(data, apdu.SWOK)...), 0x90, 0)
		}
		checkIntegrity(t, name, s)
	}
}

func TestReplayedAndReorderedCommandsAreRefused(t *testing.T) {
	for _, level := range levels {
		v := variant{level, optionsS8, 16}
		s, card := v.open(t)
		var wire [][]byte
		card.command = func(b []byte) []byte { wire = append(wire, b); return b }
		if _, err := s.Transmit(t.Context(), unhex(t, "80E2000001AA")); err != nil {
			t.Fatal(err)
		}
		if _, sw := card.Unwrap(parseCommand(t, wire[0])); sw != apdu.SWSecurityStatus || card.Open() {
			t.Errorf("%v: the same command again: %v, open %v", v, sw, card.Open())
		}
		s, card = v.open(t)
		card.command = func(b []byte) []byte { wire = append(wire, b); return []byte{0x80, 0xCA, 0, 0} } // the first is held back
		for range 2 {
			_, _ = s.Transmit(t.Context(), unhex(t, "80E2000001AA"))
		}
		if _, sw := card.Unwrap(parseCommand(t, wire[2])); s.Level() != 0 && sw != apdu.SWSecurityStatus {
			t.Errorf("%v: the second command first: %v", v, sw)
		}
	}
}

func TestLinkFailureClosesTheSession(t *testing.T) {
	s, card := full.open(t)
	card.err = errors.New("cannot transmit")
	if _, err := s.Transmit(t.Context(), unhex(t, "00B0000000")); err != card.err {
		t.Errorf("%v", err)
	}
	card.err = nil
	if _, err := s.Transmit(t.Context(), unhex(t, "00B0000000")); !errors.Is(err, ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
}

// What cannot be secured is refused before anything is sent, and the session goes on.
func TestUnfitCommandsAreNotSent(t *testing.T) {
	s, card := full.open(t)
	card.command = func(b []byte) []byte { t.Errorf("sent %X", b); return b }
	for name, c := range map[string]apdu.Command{
		"too long for the short form": {INS: 0xD6, Data: make([]byte, 240)},
		"too long at all":             {INS: 0xD6, Data: make([]byte, s.Payload(65535)+1)},
		"already secured":             {CLA: 0x0C, INS: 0xD6},
		"already secured, GP":         {CLA: 0x84, INS: 0xD6},
		"channel 4":                   {CLA: 0x40, INS: 0xD6},
	} {
		if _, err := apdu.Send(t.Context(), s, c); err == nil || !strings.HasPrefix(err.Error(), "cannot secure ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Transmit(t.Context(), []byte{0}); err == nil {
		t.Error("one byte is taken for a command")
	}
	card.command = nil
	if _, err := apdu.Send(t.Context(), s, apdu.Command{INS: 0xD6, Data: make([]byte, 239)}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestOpenFails(t *testing.T) {
	keys, other := aesKeys(16), TestKeys()
	lost := errors.New("cannot reach the key store")
	for _, row := range []struct {
		name   string
		change func(cfg *Config, card *testCard)
		want   string
		is     error
	}{
		{name: "other keys", change: func(cfg *Config, _ *testCard) { cfg.Find = Fixed(other) }, is: ErrCryptogram},
		{name: "no finder", change: func(cfg *Config, _ *testCard) { cfg.Find = nil }, want: "Config.Find is nil"},
		{name: "finder fails", change: func(cfg *Config, _ *testCard) {
			cfg.Find = func(context.Context, byte, [10]byte) (Keys, error) { return nil, lost }
		}, is: lost, want: "cannot find SCP03 keys of version 30"},
		{name: "finder gives nothing", change: func(cfg *Config, _ *testCard) {
			cfg.Find = func(context.Context, byte, [10]byte) (Keys, error) { return nil, nil }
		}, want: "the finder gave none"},
		{name: "destroyed keys", change: func(cfg *Config, _ *testCard) {
			k := aesKeys(16)
			k.Destroy()
			cfg.Find = Fixed(k)
		}, want: "keys of 0 bytes"},
		{name: "no level", change: func(cfg *Config, _ *testCard) { cfg.Level = 0 }, want: "level 00"},
		{name: "impossible level", change: func(cfg *Config, _ *testCard) { cfg.Level = 0x23 }, want: "level 23"},
		{name: "unknown mode", change: func(cfg *Config, _ *testCard) { cfg.Mode = 12 }, want: "mode S12"},
		{name: "host challenge of another length", change: func(cfg *Config, _ *testCard) { cfg.HostChallenge = make([]byte, 16) }, want: "16 bytes, S8 wants 8"},
		{name: "S16 wanted of an S8 card", change: func(cfg *Config, _ *testCard) { cfg.Mode = S16 }, is: apdu.SWWrongLength},
		{name: "card that claims S16", change: func(_ *Config, card *testCard) { card.answer = setByte(12, 0x71) }, want: "wanted S8, the card does S16"},
		{name: "key version not there", change: func(cfg *Config, _ *testCard) { cfg.KeyVersion = 0x31 }, want: "wanted key version 31, the card used 30"},
		{name: "card without R-ENC", change: func(_ *Config, card *testCard) { card.params.Options = OptionRMAC }, want: "wanted level 33, the card states i=20"},
		{name: "SCP02", change: func(_ *Config, card *testCard) { card.answer = setByte(11, 2) }, want: "the card offers SCP02"},
		{name: "another card challenge", change: func(cfg *Config, _ *testCard) { cfg.AID = []byte{1} }, want: "does not follow from the AID (sequence counter 00082A)"},
		{name: "tampered challenge", change: func(cfg *Config, card *testCard) { cfg.AID = nil; card.answer = flipByte(13) }, is: ErrCryptogram},
		{name: "tampered cryptogram", change: func(_ *Config, card *testCard) { card.answer = flipByte(28) }, is: ErrCryptogram},
		{name: "answer cut off", change: func(_ *Config, card *testCard) {
			card.answer = func(b []byte) []byte { return append(b[:20], 0x90, 0) }
		}, want: "20 bytes, wanted 32"},
		{name: "answer almost empty", change: func(_ *Config, card *testCard) {
			card.answer = func([]byte) []byte { return []byte{1, 0x90, 0} }
		}, want: "INITIALIZE UPDATE: 1 bytes"},
		{name: "refused", change: func(_ *Config, card *testCard) {
			card.answer = func([]byte) []byte { return []byte{0x6A, 0x88} }
		}, is: apdu.SWReferenceDataNotFound},
		{name: "no link", change: func(_ *Config, card *testCard) { card.err = lost }, is: lost},
	} {
		card := newTestCard(keys, optionsS8)
		cfg := Config{Find: Fixed(keys), Level: LevelFull, AID: testAID}
		row.change(&cfg, card)
		s, err := Open(t.Context(), card, cfg)
		if err == nil || s != nil || row.is != nil && !errors.Is(err, row.is) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
		if card.Open() {
			t.Errorf("%s: the card has a session", row.name)
		}
	}
}

func setByte(i int, v byte) func([]byte) []byte {
	return func(b []byte) []byte { b[i] = v; return b }
}

func flipByte(i int) func([]byte) []byte {
	return func(b []byte) []byte { b[i] ^= 0x80; return b }
}

// The second command of Open fails in its own ways.
func TestExternalAuthenticateFails(t *testing.T) {
	keys := aesKeys(16)
	for _, row := range []struct {
		name string
		flip int // byte of EXTERNAL AUTHENTICATE
		want apdu.SW
	}{
		{"level", 2, apdu.SWIncorrectP1P2},
		{"P2", 3, apdu.SWIncorrectP1P2},
		{"cryptogram", 5, apdu.SWSecurityStatus},
		{"MAC", 20, apdu.SWSecurityStatus},
	} {
		card := newTestCard(keys, optionsS8)
		card.command = func(b []byte) []byte {
			if b[1] == apdu.INSExternalAuthenticate {
				b[row.flip] ^= 0x40
			}
			return b
		}
		_, err := Open(t.Context(), card, Config{Find: Fixed(keys), Level: LevelFull})
		var status *apdu.StatusError
		if !errors.As(err, &status) || !errors.Is(err, row.want) || status.Command.INS != apdu.INSExternalAuthenticate {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
		if card.Open() || card.Pending() {
			t.Errorf("%s: the card goes on", row.name)
		}
	}
}

func TestInfo(t *testing.T) {
	s, card := full.open(t)
	if s.Info() != card.params.Info {
		t.Errorf("%+v, want %+v", s.Info(), card.params.Info)
	}
	if s.Level() != LevelFull || s.Payload(255) != 239 || s.ResponsePayload(256) != 239 {
		t.Errorf("%v %d %d", s.Level(), s.Payload(255), s.ResponsePayload(256))
	}
}

// Close leaves nothing behind that was secret.
func TestCloseClears(t *testing.T) {
	s, _ := full.open(t)
	answer, err := s.Transmit(t.Context(), unhex(t, "00E200000443414E4100"))
	if err != nil || !bytes.Contains(answer, []byte("CANA")) {
		t.Fatalf("%q %v", answer, err)
	}
	ch := s.ch()
	s.Close()
	s.Close()
	if bytes.Contains(answer, []byte("CANA")) {
		t.Error("the last answer is still there")
	}
	if ch.enc != nil || ch.mac != (cmac{}) || ch.rmac != (cmac{}) || ch.chain != [16]byte{} || ch.level != 0 || s.keys != nil {
		t.Error("keys are still there")
	}
	if _, err := s.Transmit(t.Context(), unhex(t, "00B0000000")); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if err := s.PutKeys(t.Context(), 0, 1, aesKeys(16)); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
}

// No verb shows a static key, a session key or a buffer.
func TestNothingSecretIsPrinted(t *testing.T) {
	canary := []byte("CANARY-KEY-16-BY")
	key := secret.New(canary)
	keys := StaticKeys{key, key, key}
	card := newTestCard(keys, optionsS8)
	s, err := Open(t.Context(), card, Config{Find: Fixed(keys), Level: LevelCMAC})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := apdu.Send(t.Context(), s, apdu.Command{INS: 0xE2, Data: canary}); err != nil {
		t.Fatal(err)
	}
	subkey := s.ch().mac.k1[:]
	for name, v := range map[string]any{
		"keys": keys, "keys pointer": &keys, "session": s, "card": &card.CardSession, "params": card.params,
		"config": Config{Find: Fixed(keys)}, "inside": struct {
			s *Session
			c *CardSession
			k Keys
		}{s, &card.CardSession, keys}, "by value": *s,
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "% X", "%q", "%d"} {
			out := fmt.Sprintf(verb, v)
			for _, leak := range [][]byte{canary, subkey} {
				for _, form := range []string{string(leak[:8]), fmt.Sprintf("%x", leak[:8]), fmt.Sprintf("% X", leak[:8]), fmt.Sprintf("%d", leak[:8])[1:20]} {
					if strings.Contains(strings.ToLower(out), strings.ToLower(form)) {
						t.Errorf("%s under %s: %s", name, verb, out)
					}
				}
			}
		}
	}
}

func TestTransmitDoesNotAllocate(t *testing.T) {
	for _, level := range levels {
		s, card := variant{level, optionsS8, 16}.open(t)
		wire := make([]byte, 0, 512)
		s.t = apdu.TransportFunc(func(_ context.Context, command []byte) ([]byte, error) {
			c, err := apdu.ParseCommand(command)
			if err != nil {
				return nil, err
			}
			plain, sw := card.Unwrap(c)
			wire = card.Wrap(wire[:0], apdu.Response{Data: plain.Data, SW: sw})
			return wire, nil
		})
		command, _ := apdu.Command{INS: 0xE2, Data: make([]byte, 200), Ne: 256}.Bytes()
		ctx := t.Context()
		n := testing.AllocsPerRun(100, func() {
			if _, err := s.Transmit(ctx, command); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("level %v: %v allocations for each APDU on both sides", level, n)
		}
	}
}
