package card

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/tlv"
)

// Tags of GENERATE ASYMMETRIC KEY PAIR (ISO/IEC 7816-8:2021, 9.2 and Table 3).
const (
	tagTemplate  tlv.Tag = 0xB6 // digital signature template
	tagKey       tlv.Tag = 0x84 // reference of a private key
	tagPublicKey tlv.Tag = 0x7F49
	tagModulus   tlv.Tag = 0x81
	tagExponent  tlv.Tag = 0x82
)

// publicKeyLen is the length of the answer for RSA-2048.
const publicKeyLen = 5 + 4 + 256 + 5

// Generate makes the key pair on the card through the channel and gives the public
// half (ISO/IEC 7816-8:2021, 9.2). It may take a minute. After doubt, ask PublicKey.
func (s *Session) Generate(ctx context.Context, path string) (*rsa.PublicKey, error) {
	return s.keyPair(ctx, path, 0x80)
}

// PublicKey reads the public half of a key through the channel; a *apdu.StatusError
// of 6A88 says that there is none, ErrAnswer that what came is no key.
func (s *Session) PublicKey(ctx context.Context, path string) (*rsa.PublicKey, error) {
	return s.keyPair(ctx, path, 0x81)
}

func (s *Session) keyPair(ctx context.Context, path string, p1 byte) (*rsa.PublicKey, error) {
	_, key, err := s.p.Key(path)
	if err != nil {
		return nil, err
	}
	if err := s.inChannel(path); err != nil {
		return nil, err
	}
	template := tlv.Append(nil, tagTemplate, tlv.Append(nil, tagKey, []byte{key.ID.SFI()}))
	ne := apdu.MaxShortNe
	if s.o.Extended {
		ne = publicKeyLen
	}
	b, err := s.send(ctx, apdu.Command{INS: apdu.INSGenerateKeyPair, P1: p1, Data: template, Ne: ne}, path)
	if err != nil {
		return nil, err
	}
	return parsePublicKey(path, b)
}

// ErrAnswer means that the card answered 9000 and not what the command gives. Inside the
// channel it was the card itself that did.
var ErrAnswer = errors.New("the card's answer is not what the command gives")

// parsePublicKey takes only RSA-2048 with an odd exponent of at least 65537.
func parsePublicKey(path string, b []byte) (*rsa.PublicKey, error) {
	n, okN := tlv.Find(b, tagPublicKey, tagModulus)
	e, okE := tlv.Find(b, tagPublicKey, tagExponent)
	if !okN || !okE || len(n) != 256 || n[0]&0x80 == 0 || n[255]&1 == 0 || len(e) == 0 || len(e) > 4 {
		return nil, fmt.Errorf("cannot use the public key of %s: %w: it is no RSA key of 2048 bits", path, ErrAnswer)
	}
	exponent := int(new(big.Int).SetBytes(e).Int64())
	if exponent < 65537 || exponent&1 == 0 {
		return nil, fmt.Errorf("cannot use the public key of %s: %w: its exponent is not an odd number of at least 65537", path, ErrAnswer)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: exponent}, nil
}

// Sign has a key pad the DigestInfo verbatim (PKCS #1 v1.5) and sign it: 80 2A 00
// and the key's short identifier, or 00 for an application's default key (card
// fact sheet, 4.1).
func (s *Session) Sign(ctx context.Context, path string, digestInfo []byte) ([]byte, error) {
	_, key, err := s.p.Key(path)
	if err != nil {
		return nil, err
	}
	if len(digestInfo) == 0 || len(digestInfo) > s.p.Limits.SignatureInput {
		return nil, fmt.Errorf("cannot sign with %s: 1 to %d bytes are padded, not %d", path, s.p.Limits.SignatureInput, len(digestInfo))
	}
	if err := s.enter(ctx, path); err != nil {
		return nil, err
	}
	c := apdu.Command{CLA: 0x80, INS: apdu.INSSecurityOperation, P2: signReference(key), Data: digestInfo, Ne: s.p.Limits.SignatureOutput}
	b, err := s.send(ctx, c, path)
	if err == nil && len(b) != s.p.Limits.SignatureOutput {
		return nil, fmt.Errorf("cannot use the signature of %s: %w: %d bytes, %d are wanted", path, ErrAnswer, len(b), s.p.Limits.SignatureOutput)
	}
	return bytes.Clone(b), err
}

func signReference(key *profile.Key) byte {
	if key.Default {
		return 0x00
	}
	return 0x80 | key.ID.SFI()
}
