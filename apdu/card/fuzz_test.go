package card

import (
	"bytes"
	"context"
	"crypto/rsa"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
)

// fuzzCard answers with what a script says: a byte for the kind of answer, two for its
// length, then its bytes, which are repeated to that length. When the script is used
// up it begins anew, so that a card can go on for ever; the first byte 00 lets the
// link fail instead.
type fuzzCard struct {
	script, rest []byte
	sent         int
	presented    int
}

func (c *fuzzCard) Transmit(_ context.Context, b []byte) ([]byte, error) {
	c.sent++
	if cmd, err := apdu.ParseCommand(b); err == nil && cmd.INS == apdu.INSVerify && len(cmd.Data) > 0 {
		c.presented++
	}
	if len(c.rest) < 5 {
		if len(c.script) < 5 || c.script[0] == 0 {
			return nil, errGone
		}
		c.rest = c.script
	}
	kind, n := c.rest[0], int(c.rest[1])<<8|int(c.rest[2])
	word := c.rest[3:5]
	c.rest = c.rest[5:]
	switch kind % 8 {
	case 1:
		return nil, errGone
	case 2:
		return bytes.Clone(word[:1]), nil
	case 3:
		n = 256
	case 4:
		n &= 0xFF
	case 5:
		n = 0
	}
	body := bytes.Clone(c.rest[:min(n, len(c.rest))])
	for len(body) > 0 && len(body) < n {
		body = append(body, body...)
	}
	c.rest = c.rest[min(n, len(c.rest), 64):]
	answer := body[:min(n, len(body))]
	if kind&0x80 != 0 {
		word = []byte{0x90, 0x00}
	}
	return append(answer, word...), nil
}

// FuzzCard drives everything a session does without keys, and the opening of a channel,
// against a card made of fuzz: no panic, a bounded number of commands and bytes, and a
// value presented as often as a caller said.
func FuzzCard(f *testing.F) {
	f.Add([]byte{0x80, 0, 0, 0x90, 0})
	f.Add([]byte{0x83, 0, 0, 0x90, 0, 0x30, 0x83, 0xFF, 0xFF, 0xFF}) // an object without an end
	f.Add([]byte{0x03, 0, 0, 0x61, 0x00, 'x'})                       // GET RESPONSE without an end
	f.Add([]byte{0x80, 0xFF, 0xFF, 0x90, 0, 'x', 'y'})
	f.Add([]byte{0x80, 0, 0, 0x90, 0, 0x05, 0, 0, 0x63, 0xC3})
	f.Add([]byte{0x05, 0, 0, 0x6C, 0x10})
	p := generation1(f)
	f.Fuzz(func(t *testing.T, script []byte) {
		for _, o := range forms {
			c := &fuzzCard{script: script}
			s := New(c, p, o)
			drive(t, s, c)
		}
	})
}

// readsMax is the most commands that one read may take: 15 bits of offset in chunks of
// 256, each with as many GET RESPONSE as the budget allows, would be readsMax times
// the budget; a card that answers so is stopped by its first chunk being too long.
const readsMax = 2 + (readMax+1)/256 + getResponseSteps

func drive(t *testing.T, s *Session, c *fuzzCard) {
	t.Helper()
	ctx, pin := t.Context(), secret.FromString("1234")
	for name, f := range map[string]func() ([]byte, error){
		"Identify":   func() ([]byte, error) { l, err := s.Identify(ctx); return []byte(l), err },
		"CardID":     func() ([]byte, error) { l, err := s.CardID(ctx); return []byte(l), err },
		"State":      func() ([]byte, error) { return s.State(ctx) },
		"ReadObject": func() ([]byte, error) { return s.ReadObject(ctx, "jpki/auth-cert") },
		"ReadAll":    func() ([]byte, error) { return s.ReadAll(ctx, "surface/face") },
		"ReadRecord": func() ([]byte, error) { return s.ReadRecord(ctx, "common/manufacture", 1) },
		"Tries":      func() ([]byte, error) { _, err := s.Tries(ctx, "jpki/auth-pin"); return nil, err },
		"Sign":       func() ([]byte, error) { return s.Sign(ctx, "text/card-key", digestInfo) },
		"Open":       func() ([]byte, error) { return nil, s.Open(ctx, "jpki", scp03.Fixed(scp03.TestKeys())) },
	} {
		c.rest, c.sent = nil, 0
		got, _ := f()
		if len(got) > 1<<16 {
			t.Fatalf("%s gives %d bytes", name, len(got))
		}
		if c.sent > readsMax*(1+getResponseSteps/256) {
			t.Fatalf("%s took %d commands", name, c.sent)
		}
		if s.Secured() {
			t.Fatal("a card made of fuzz opened the channel")
		}
	}
	if c.presented != 0 {
		t.Fatal("a value was presented by nobody's wish")
	}
	_ = s.Verify(ctx, "jpki/auth-pin", pin)
	_ = s.VerifyGuarded(ctx, "jpki/auth-pin", pin)
	if c.presented > 2 {
		t.Fatalf("two calls presented a value %d times", c.presented)
	}
}

// FuzzPublicKey: what is taken for a key is one that can be certified.
func FuzzPublicKey(f *testing.F) {
	f.Add([]byte{0x7F, 0x49, 0x00})
	f.Add([]byte{0x7F, 0x49, 0x03, 0x86, 0x01, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		if point, err := parsePublicKey("jpki/auth-key", "P-384", b); err == nil && point == nil {
			t.Fatal("nothing was taken for a point")
		}
		key, err := parsePublicKey("jpki/auth-key", "RSA-2048", b)
		if pub, _ := key.(*rsa.PublicKey); err == nil && (pub.N.BitLen() != 2048 || pub.N.Bit(0) == 0 || pub.E < 65537 || pub.E&1 == 0) {
			t.Fatalf("taken for a key: %d bits, exponent %d", pub.N.BitLen(), pub.E)
		}
	})
}

// TestEndlessCards stop: each answers every command the same way, for ever.
func TestEndlessCards(t *testing.T) {
	for _, row := range []struct {
		name, answer string
		commands     int
		limit        int
	}{
		{"a file without an end", string(append([]byte{0x30, 0x83, 0xFF, 0xFF, 0xFF}, bytes.Repeat([]byte{'x'}, 251)...)) + "\x90\x00", 130, 1 << 16},
		{"GET RESPONSE without an end", "x\x61\x01", 304, 1 << 16},
		{"GET RESPONSE of large parts", string(bytes.Repeat([]byte{'x'}, 256)) + "\x61\x00", 304, 1 << 16},
		{"the right Le is another", "\x6C\x10", 2, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			for form, o := range forms {
				sent := 0
				s := New(apdu.TransportFunc(func(_ context.Context, b []byte) ([]byte, error) {
					if sent++; b[1] == apdu.INSSelect {
						return []byte{0x90, 0x00}, nil
					}
					return []byte(row.answer), nil
				}), generation1(t), o)
				got, err := s.ReadObject(t.Context(), "jpki/auth-cert")
				if err == nil || len(got) > row.limit || sent > row.commands {
					t.Errorf("%s: %d bytes after %d commands (%v)", form, len(got), sent, err)
				}
			}
		})
	}
}
