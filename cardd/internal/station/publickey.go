package station

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
)

// Facts that tell a public key, in hex: a modulus, whose exponent is 65537, or an
// uncompressed point of P-384.
const (
	factModulus = "modulus"
	factPoint   = "point"
)

// told is a public key as a fact; both empty for none.
func told(pub crypto.PublicKey) (name, text string) {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return factModulus, pub.N.Text(16)
	case *ecdsa.PublicKey:
		if point, err := pub.Bytes(); err == nil {
			return factPoint, hex.EncodeToString(point)
		}
	}
	return "", ""
}

// remembered is the public key that a step's facts tell; nil where they tell none.
func remembered(fact func(name string) string) crypto.PublicKey {
	if n, ok := new(big.Int).SetString(fact(factModulus), 16); ok {
		return &rsa.PublicKey{N: n, E: 65537}
	}
	point, err := hex.DecodeString(fact(factPoint))
	if err != nil || len(point) == 0 {
		return nil
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), point)
	if err != nil {
		return nil
	}
	return pub
}
