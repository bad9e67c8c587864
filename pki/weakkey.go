package pki

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"sync"
)

// CheckKey says whether a public key is one that a card may have made and a
// certificate may name: a point on P-384, or RSA-2048 with exponent 65537, odd, a product of primes that
// are neither small (CA/Browser Forum Baseline Requirements 2.0, 6.1.6, and NIST SP
// 800-89, 5.3.3) nor next to each other, nor of the form that a chip library once made
// (CVE-2017-15361, ROCA). It takes some milliseconds.
//
// It finds the faults that have happened. That a key is good it cannot say.
func CheckKey(pub crypto.PublicKey) error {
	if err := strongKey(pub); err != nil {
		return fmt.Errorf("cannot use the key: %w", err)
	}
	return nil
}

// strongKey is CheckKey for those who say themselves what cannot be done.
func strongKey(pub crypto.PublicKey) error {
	if err := checkKey(pub); err != nil {
		return err
	}
	key, isRSA := pub.(*rsa.PublicKey)
	if !isRSA {
		return nil // on P-384 every point but that at infinity, which has no encoding, is as good
	}
	if wrong := verdicts.of(key.N); wrong != "" {
		return fmt.Errorf("%w: %s", ErrWeakKey, wrong)
	}
	return nil
}

// ErrWeakKey: a key of the right form that can be broken.
var ErrWeakKey = errors.New("anybody can find the private half of this key")

// smallPrimes are those below this; the Baseline Requirements name 752.
const smallPrimes = 752

// fermatRounds are the steps of Fermat's method that are tried: primes made apart
// differ in their first hundred bits and would take 2^900.
const fermatRounds = 100

// verdicts remembers what was said of the latest keys: one issue asks a dozen times about
// each of its keys, and an answer takes some milliseconds.
var verdicts verdictsOf

type verdictsOf struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]string
}

// verdictsMost bounds what is remembered.
const verdictsMost = 64

func (v *verdictsOf) of(n *big.Int) string {
	key := sha256.Sum256(n.Bytes())
	v.mu.Lock()
	wrong, known := v.known[key]
	v.mu.Unlock()
	if known {
		return wrong
	}
	wrong = weakness(n)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known == nil || len(v.known) >= verdictsMost {
		v.known = map[[sha256.Size]byte]string{}
	}
	v.known[key] = wrong
	return wrong
}

// weakness says what makes a modulus easy to factor; empty when nothing is found.
func weakness(n *big.Int) string {
	switch {
	case new(big.Int).GCD(nil, nil, n, tables().product).Cmp(one) != 0:
		return "its modulus has a small factor"
	case closePrimes(n):
		return "its primes are next to each other"
	case roca(n):
		return "its modulus has the form of keys that ROCA breaks"
	}
	return ""
}

var one = big.NewInt(1)

// closePrimes is Fermat's method: n = a² - b², with a from the root of n on.
func closePrimes(n *big.Int) bool {
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) < 0 {
		a.Add(a, one)
	}
	square, b := new(big.Int), new(big.Int)
	for range fermatRounds {
		square.Sub(square.Mul(a, a), n)
		if b.Sqrt(square); b.Mul(b, b).Cmp(square) == 0 {
			return true
		}
		a.Add(a, one)
	}
	return false
}

// rocaPrimes bounds the primes whose residues are looked at. A good modulus passes all
// of them once in 2^27.
const rocaPrimes = 167

// roca says whether n is, modulo each small prime, a power of 65537, as a product of
// two primes k·M + (65537^a mod M) is when M is the product of the first primes
// (Nemec and others, "The Return of Coppersmith's Attack", CCS 2017, 2.3).
func roca(n *big.Int) bool {
	residue := new(big.Int)
	for p, powers := range tables().powers {
		if !powers[residue.Mod(n, big.NewInt(p)).Int64()] {
			return false
		}
	}
	return true
}

// keyTables are what the checks share.
type keyTables struct {
	product *big.Int                 // of the small primes
	powers  map[int64]map[int64]bool // by prime: the powers of 65537
}

var tables = sync.OnceValue(func() keyTables {
	t := keyTables{product: big.NewInt(1), powers: map[int64]map[int64]bool{}}
	for p := int64(2); p < smallPrimes; p++ {
		if !big.NewInt(p).ProbablyPrime(0) { // exact below 2^64
			continue
		}
		t.product.Mul(t.product, big.NewInt(p))
		if p <= rocaPrimes {
			t.powers[p] = powersModulo(p)
		}
	}
	return t
})

func powersModulo(p int64) map[int64]bool {
	powers := map[int64]bool{}
	for x := int64(1); !powers[x]; x = x * (keyExponent % p) % p {
		powers[x] = true
	}
	return powers
}
