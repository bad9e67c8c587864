package card

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/apdu/tlv"
)

// digestInfo is that of SHA-256 over nothing in particular (RFC 8017, 9.2, note 1).
var digestInfo = func() []byte {
	sum := sha256.Sum256([]byte("card"))
	return append([]byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), sum[:]...)
}()

func TestGenerateAndSign(t *testing.T) {
	for form, o := range forms {
		t.Run(form, func(t *testing.T) {
			s, w := blank(t, o)
			open(t, s, "jpki")
			if _, err := s.PublicKey(t.Context(), "jpki/auth-key"); !errors.Is(err, apdu.SWReferenceDataNotFound) {
				t.Errorf("a key nobody made: %v", err)
			}
			made, err := s.Generate(t.Context(), "jpki/auth-key")
			must(t, err)
			read, err := s.PublicKey(t.Context(), "jpki/auth-key")
			if err != nil || !made.(*rsa.PublicKey).Equal(read) {
				t.Errorf("another key was read (%v)", err)
			}
			proven(t, s, "jpki/auth-key", made)
			if n := w.count(apdu.INSGenerateKeyPair); n != 3 {
				t.Errorf("%d GENERATE ASYMMETRIC KEY PAIR", n)
			}
			responses := map[string]int{"short": 3, "extended": 0}[form] // two public keys and a signature
			if n := w.count(apdu.INSGetResponse); n > responses {
				t.Errorf("%d GET RESPONSE, want at most %d", n, responses)
			}
		})
	}
}

// proven checks a signature made on the card.
func proven(t *testing.T, s *Session, path string, pub crypto.PublicKey) {
	t.Helper()
	sig, err := s.Sign(t.Context(), path, digestInfo)
	must(t, err)
	if err := rsa.VerifyPKCS1v15(pub.(*rsa.PublicKey), crypto.SHA256, digestInfo[len(digestInfo)-32:], sig); err != nil {
		t.Errorf("the signature of %s does not fit: %v", path, err)
	}
}

// TestHoldersKeysNeedTheirPIN once the card is issued, and the makers' need none.
func TestHoldersKeysNeedTheirPIN(t *testing.T) {
	s, _ := issued(t, Options{})
	for key, pin := range map[string]string{"jpki/auth-key": "jpki/auth-pin", "jpki/sign-key": "jpki/sign-pin"} {
		must(t, s.Select(t.Context(), Domain))
		_, err := s.Sign(t.Context(), key, digestInfo)
		var refused *apdu.StatusError
		if !errors.As(err, &refused) || refused.SW != apdu.SWSecurityStatus || refused.File != key {
			t.Errorf("%s without its PIN: %v", key, err)
		}
		must(t, s.Verify(t.Context(), pin, secret.FromString(values[pin])))
		for range 3 { // one VERIFY is good for many
			if sig, err := s.Sign(t.Context(), key, digestInfo); err != nil || len(sig) != 256 {
				t.Errorf("%s: %d bytes (%v)", key, len(sig), err)
			}
		}
	}
	for _, key := range []string{"text/card-key", "surface/card-key"} {
		if sig, err := s.Sign(t.Context(), key, digestInfo); err != nil || len(sig) != 256 {
			t.Errorf("%s: %d bytes (%v)", key, len(sig), err)
		}
	}
}

func TestMakersKeysAreReadAndNotMade(t *testing.T) {
	s, _ := blank(t, Options{})
	open(t, s, "text")
	pub, err := s.PublicKey(t.Context(), "text/card-key")
	must(t, err)
	proven(t, s, "text/card-key", pub)
	if _, err := s.Generate(t.Context(), "text/card-key"); !errors.Is(err, apdu.SWConditionsNotSatisfied) {
		t.Errorf("got %v", err)
	}
}

func TestSignatureInputHasBounds(t *testing.T) {
	s, w := blank(t, Options{})
	for _, n := range []int{0, 246, 300} {
		if _, err := s.Sign(t.Context(), "text/card-key", make([]byte, n)); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("1 to 245 bytes are signed, not %d", n)) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if len(w.sent) != 0 {
		t.Error("it went to the card")
	}
	for _, n := range []int{1, 245} {
		if _, err := s.Sign(t.Context(), "text/card-key", bytes.Repeat([]byte{1}, n)); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestLyingSignatures(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":    "\x90\x00",
		"a byte off": strings.Repeat("x", 255) + "\x90\x00",
		"too long":   strings.Repeat("x", 257) + "\x90\x00",
	} {
		s := New(answers("\x90\x00", answer), generation1(t), Options{})
		if sig, err := s.Sign(t.Context(), "text/card-key", digestInfo); err == nil || sig != nil {
			t.Errorf("%s: %d bytes (%v)", name, len(sig), err)
		}
	}
}

// TestPublicKeysThatAreNone: what a card may answer to GENERATE ASYMMETRIC KEY PAIR.
func TestPublicKeysThatAreNone(t *testing.T) {
	modulus := bytes.Repeat([]byte{0xC1}, 256)
	even, short := bytes.Clone(modulus), modulus[1:]
	even[255] = 0xC0
	low := append([]byte{0x41}, short...)
	answer := func(n, e []byte) []byte {
		return tlv.Append(nil, 0x7F49, tlv.Append(tlv.Append(nil, 0x81, n), 0x82, e))
	}
	good := []byte{1, 0, 1}
	pub, err := parsePublicKey("jpki/auth-key", "RSA-2048", answer(modulus, good))
	if one, ok := pub.(*rsa.PublicKey); err != nil || !ok || one.E != 65537 || one.N.BitLen() != 2048 {
		t.Fatalf("a key that is one: %v", err)
	}
	for _, row := range []struct {
		name   string
		answer []byte
	}{
		{"nothing", nil},
		{"another template", tlv.Append(nil, 0x7F4E, modulus)},
		{"no modulus", tlv.Append(nil, 0x7F49, tlv.Append(nil, 0x82, good))},
		{"no exponent", tlv.Append(nil, 0x7F49, tlv.Append(nil, 0x81, modulus))},
		{"cut off", answer(modulus, good)[:200]},
		{"2040 bits", answer(short, good)},
		{"2056 bits", answer(append([]byte{0x80}, modulus...), good)},
		{"2047 bits", answer(low, good)},
		{"even modulus", answer(even, good)},
		{"exponent 1", answer(modulus, []byte{1})},
		{"exponent 3", answer(modulus, []byte{3})},
		{"even exponent", answer(modulus, []byte{1, 0, 2})},
		{"no bytes of exponent", answer(modulus, nil)},
		{"exponent of five bytes", answer(modulus, []byte{1, 0, 0, 0, 1})},
	} {
		t.Run(row.name, func(t *testing.T) {
			pub, err := parsePublicKey("jpki/auth-key", "RSA-2048", row.answer)
			if err == nil || pub != nil || !strings.Contains(err.Error(), "cannot use the public key of jpki/auth-key") {
				t.Errorf("got %v (%v)", pub, err)
			}
		})
	}
}

// TestPointsThatAreNone is the same for keys on P-384.
func TestPointsThatAreNone(t *testing.T) {
	k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	point, err := k.PublicKey.Bytes()
	must(t, err)
	answer := func(tag tlv.Tag, point []byte) []byte {
		return tlv.Append(nil, 0x7F49, tlv.Append(nil, tag, point))
	}
	pub, err := parsePublicKey("jpki/auth-key", "P-384", answer(0x86, point))
	if err != nil || !k.PublicKey.Equal(pub) || len(answer(0x86, point)) != (&profile.Key{Type: "P-384"}).Algorithm().Public {
		t.Fatalf("a key that is one: %v", err)
	}
	off := bytes.Clone(point)
	off[96] ^= 1
	for name, b := range map[string][]byte{
		"nothing":        nil,
		"a modulus":      answer(0x81, point),
		"off the curve":  answer(0x86, off),
		"infinity":       answer(0x86, []byte{0}),
		"compressed":     answer(0x86, append([]byte{2}, point[1:49]...)),
		"a byte short":   answer(0x86, point[:96]),
		"another curve":  answer(0x86, append([]byte{4}, make([]byte, 64)...)),
		"no coordinates": answer(0x86, append([]byte{4}, make([]byte, 96)...)),
	} {
		if pub, err := parsePublicKey("jpki/auth-key", "P-384", b); !errors.Is(err, ErrAnswer) || pub != nil {
			t.Errorf("%s: got %v (%v)", name, pub, err)
		}
	}
}
