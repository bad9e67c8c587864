package simulator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"fmt"
	"strconv"
	"strings"

	"jukicard/apdu"
	"jukicard/apdu/tlv"
)

// keyKind is what a type of key in the profile means to the card.
type keyKind struct {
	bits   int
	pair   func(c *Card) (crypto.Signer, error)
	answer func(pub crypto.PublicKey) []byte // inside 7F49
	adopt  func(parts []byte) crypto.Signer  // of a pair made elsewhere; nil where it is none
	sign   func(c *Card, p1 byte, k crypto.Signer, data []byte) apdu.SW
}

// kindOf reads a profile's word: RSA- with the bits of the modulus, or P-384.
func kindOf(word string) (keyKind, error) {
	if word == "P-384" {
		return pointKind, nil
	}
	size, ok := strings.CutPrefix(word, "RSA-")
	if !ok {
		return keyKind{}, fmt.Errorf("this simulator makes RSA keys and keys on P-384, the profile wants %s", word)
	}
	bits, err := strconv.Atoi(size)
	if err != nil {
		return keyKind{}, fmt.Errorf("type %q has no size", word)
	}
	return rsaKind(bits), nil
}

func rsaKind(bits int) keyKind {
	return keyKind{
		bits: bits,
		pair: func(c *Card) (crypto.Signer, error) {
			k, err := c.newKey(bits)
			if err != nil {
				return nil, err
			}
			return k, nil
		},
		answer: func(pub crypto.PublicKey) []byte { return rsaParts(pub.(*rsa.PublicKey)) },
		adopt: func(parts []byte) crypto.Signer {
			if k := parseCRT(parts); k != nil && k.N.BitLen() == bits {
				return k
			}
			return nil
		},
		sign: func(c *Card, p1 byte, k crypto.Signer, data []byte) apdu.SW {
			return c.sign(schemes[p1], k.(*rsa.PrivateKey), data)
		},
	}
}

// pointKind is a key on P-384, as the draft of the next card has it. How a real one answers
// and signs is not public: the point is given as ISO/IEC 7816-8:2021, Table 3, has it, and
// the signature of a digest of 48 bytes as r and s, each of 48.
var pointKind = keyKind{
	bits: 384,
	pair: func(c *Card) (crypto.Signer, error) {
		if c.points != nil {
			if k := c.points(); k != nil {
				return k, nil
			}
		}
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	},
	answer: func(pub crypto.PublicKey) []byte {
		point, err := pub.(*ecdsa.PublicKey).Bytes()
		if err != nil {
			panic("internal error: a key of the card is not on its curve: " + err.Error())
		}
		return tlv.Append(nil, tagPublicPoint, point)
	},
	sign: (*Card).signPoint,
}

const tagPublicPoint tlv.Tag = 0x86

// signPoint signs a digest as it is; the card takes none itself.
func (c *Card) signPoint(p1 byte, k crypto.Signer, digest []byte) apdu.SW {
	if p1 != 0 {
		return apdu.SWIncorrectP1P2
	}
	if len(digest) != sha512.Size384 {
		return apdu.SWConditionsNotSatisfied
	}
	r, s, err := ecdsa.Sign(rand.Reader, k.(*ecdsa.PrivateKey), digest)
	if err != nil {
		return apdu.SWUnknown
	}
	n := len(c.out)
	c.out = append(c.out, make([]byte, 2*sha512.Size384)...)
	r.FillBytes(c.out[n : n+sha512.Size384])
	s.FillBytes(c.out[n+sha512.Size384:])
	return apdu.SWOK
}
