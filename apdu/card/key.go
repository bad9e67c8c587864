package card

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
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
	tagPoint     tlv.Tag = 0x86
)

// Generate makes the key pair on the card through the channel and gives the public
// half (ISO/IEC 7816-8:2021, 9.2): a *rsa.PublicKey or a *ecdsa.PublicKey, as the profile
// says of the key. It may take a minute. After doubt, ask PublicKey.
func (s *Session) Generate(ctx context.Context, path string) (crypto.PublicKey, error) {
	return s.keyPair(ctx, path, 0x80)
}

// PublicKey reads the public half of a key through the channel; a *apdu.StatusError
// of 6A88 says that there is none, ErrAnswer that what came is no key.
func (s *Session) PublicKey(ctx context.Context, path string) (crypto.PublicKey, error) {
	return s.keyPair(ctx, path, 0x81)
}

func (s *Session) keyPair(ctx context.Context, path string, p1 byte) (crypto.PublicKey, error) {
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
		ne = key.Algorithm().Public
	}
	b, err := s.send(ctx, apdu.Command{INS: apdu.INSGenerateKeyPair, P1: p1, Data: template, Ne: ne}, path)
	if err != nil {
		return nil, err
	}
	return parsePublicKey(path, key.Type, b)
}

// ErrAnswer means that the card answered 9000 and not what the command gives. Inside the
// channel it was the card itself that did.
var ErrAnswer = errors.New("the card's answer is not what the command gives")

// parsers read the answer to GENERATE ASYMMETRIC KEY PAIR, by the type of the key; what
// is wrong with one says the error.
var parsers = map[string]func(b []byte) (crypto.PublicKey, error){
	"RSA-2048": parseRSA,
	"P-384":    parsePoint,
}

func parsePublicKey(path, kind string, b []byte) (crypto.PublicKey, error) {
	pub, err := parsers[kind](b)
	if err != nil {
		return nil, fmt.Errorf("cannot use the public key of %s: %w: %v", path, ErrAnswer, err)
	}
	return pub, nil
}

// parseRSA takes only RSA-2048 with an odd exponent of at least 65537.
func parseRSA(b []byte) (crypto.PublicKey, error) {
	n, okN := tlv.Find(b, tagPublicKey, tagModulus)
	e, okE := tlv.Find(b, tagPublicKey, tagExponent)
	if !okN || !okE || len(n) != 256 || n[0]&0x80 == 0 || n[255]&1 == 0 || len(e) == 0 || len(e) > 4 {
		return nil, errors.New("it is no RSA key of 2048 bits")
	}
	exponent := int(new(big.Int).SetBytes(e).Int64())
	if exponent < 65537 || exponent&1 == 0 {
		return nil, errors.New("its exponent is not an odd number of at least 65537")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: exponent}, nil
}

// parsePoint takes only an uncompressed point of P-384 (SEC 1, 2.3.4).
func parsePoint(b []byte) (crypto.PublicKey, error) {
	point, _ := tlv.Find(b, tagPublicKey, tagPoint)
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), point)
	if err != nil {
		return nil, errors.New("it is no point of P-384")
	}
	return pub, nil
}

// Sign has a key sign: 80 2A 00 and the key's short identifier, or 00 for an
// application's default key (card fact sheet, 4.1). An RSA key pads the DigestInfo verbatim
// (PKCS #1 v1.5); one on P-384 takes a digest of 48 bytes and gives r and s, which is ours.
func (s *Session) Sign(ctx context.Context, path string, data []byte) ([]byte, error) {
	_, key, err := s.p.Key(path)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 || len(data) > s.p.Limits.SignatureInput {
		return nil, fmt.Errorf("cannot sign with %s: 1 to %d bytes are signed, not %d", path, s.p.Limits.SignatureInput, len(data))
	}
	if err := s.enter(ctx, path); err != nil {
		return nil, err
	}
	want := key.Algorithm().Output
	c := apdu.Command{CLA: 0x80, INS: apdu.INSSecurityOperation, P2: signReference(key), Data: data, Ne: want}
	b, err := s.send(ctx, c, path)
	if err == nil && len(b) != want {
		return nil, fmt.Errorf("cannot use the signature of %s: %w: %d bytes, %d are wanted", path, ErrAnswer, len(b), want)
	}
	return bytes.Clone(b), err
}

func signReference(key *profile.Key) byte {
	if key.Default {
		return 0x00
	}
	return 0x80 | key.ID.SFI()
}
