package content

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"math/big"

	"jukicard/apdu/profile"
	"jukicard/apdu/tlv"
	"jukicard/pki"
)

// keyObject is a public key as it stands inside the chip's objects: 90 and 91 for RSA
// (card fact sheet, 2.2), 86 and the uncompressed point for a curve, which is ours after
// ISO/IEC 7816-8:2021, Table 3.
func keyObject(pub crypto.PublicKey) ([]byte, error) {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return pki.PublicKeyObject(pub)
	case *ecdsa.PublicKey:
		point, err := pub.Bytes()
		return tlv.Append(nil, 0x86, point), err
	}
	return nil, errors.New("cannot write the card's key: it is neither RSA nor on a curve")
}

// standInOf by type has the size of a card's key and stands where only lengths count.
var standInOf = map[string]crypto.PublicKey{
	"RSA-2048": &rsa.PublicKey{N: new(big.Int).SetBytes(bytes.Repeat([]byte{0xFF}, 256)), E: 65537},
	"P-384":    generator(),
}

// generator is the public half of the scalar one of P-384.
func generator() crypto.PublicKey {
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), append(make([]byte, 47), 1))
	if err != nil {
		panic("internal error: one is a scalar of P-384: " + err.Error())
	}
	return &k.PublicKey
}

// standIns are such keys in place of all that the card's maker made.
func standIns(p *profile.Card) map[string]crypto.PublicKey {
	keys := map[string]crypto.PublicKey{}
	for _, a := range p.Applications {
		for _, k := range a.Keys {
			if k.Made {
				keys[a.Name+"/"+k.Name] = standInOf[k.Type]
			}
		}
	}
	return keys
}
