package hostile

import (
	"bytes"
	"crypto/rsa"
	"math/big"
	"sync"

	"jukicard/apdu/tlv"
)

// poolSize is how many good keys a process has; cards take them in turn, so that no
// card gets one twice.
const poolSize = 8

// goodKeys are those of testdata/primes.txt: drawing them would take longer than a
// hundred jobs.
var goodKeys = sync.OnceValue(func() []*rsa.PrivateKey { return premade("card") })

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// inTurn is a card's source of keys.
func inTurn() func() *rsa.PrivateKey {
	next := 0
	return func() *rsa.PrivateKey {
		next++
		return goodKeys()[next%poolSize]
	}
}

// strangeKeys is how many public keys there are that no card may tell.
const strangeKeys = 16

// strangeKey is the answer of a card that tells a public key: some are no RSA-2048
// keys, some are nobody's, and the last is another card's.
func strangeKey(i int) []byte {
	n := goodKeys()[0].N
	e := []byte{1, 0, 1}
	even := new(big.Int).Sub(n, big.NewInt(1))
	tooLong := append([]byte{0}, n.Bytes()...)
	return [strangeKeys][]byte{
		keyAnswer(even.Bytes(), e), keyAnswer(n.Bytes(), []byte{3}), keyAnswer(n.Bytes(), []byte{1}), keyAnswer(n.Bytes(), []byte{1, 0, 0}),
		keyAnswer(n.Bytes(), nil), keyAnswer(nil, e), keyAnswer(n.Bytes()[:128], e), keyAnswer(append(n.Bytes(), n.Bytes()...), e),
		keyAnswer(tooLong, e), keyAnswer(bytes.Repeat([]byte{0xFF}, 256), e), keyAnswer(append([]byte{0x80}, append(make([]byte, 254), 1)...), e),
		keyAnswer(n.Bytes(), []byte{0, 0, 0, 0, 1, 0, 1}), keyAnswer(n.Bytes(), []byte{0xFF, 0xFF, 0xFF, 0xFF}), keyAnswer(primeModulus().Bytes(), e),
		{}, keyAnswer(n.Bytes(), e),
	}[i]
}

func keyAnswer(n, e []byte) []byte {
	return tlv.Append(nil, 0x7F49, tlv.Append(nil, 0x81, n), tlv.Append(nil, 0x82, e))
}

// primeModulus is of 2048 bits and has no two factors: anybody can compute the
// private key.
var primeModulus = sync.OnceValue(func() *big.Int { return primes()["modulus"][0] })

// rocaKey signs as any other, and anybody can break it. Of the other weak keys Go itself
// makes no pair; package pki has them.
var rocaKey = sync.OnceValue(func() *rsa.PrivateKey { return premade("roca")[0] })

var exponent = big.NewInt(65537)

// pair is a key of two primes.
func pair(p, q *big.Int) *rsa.PrivateKey {
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	k := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537},
		D:         new(big.Int).ModInverse(exponent, phi), Primes: []*big.Int{p, q},
	}
	k.Precompute()
	return k
}
