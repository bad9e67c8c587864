package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"testing"
)

// rocaModulus is one of 2048 bits whose primes are k·M + (65537^a mod M), M being the
// product of the first 126 primes, made with the paper's formula and not with the code
// under test.
func rocaModulus(t *testing.T) *big.Int {
	t.Helper()
	m, e := big.NewInt(1), big.NewInt(65537)
	for c, n := int64(2), 0; n < 126; c++ {
		if big.NewInt(c).ProbablyPrime(20) {
			m.Mul(m, big.NewInt(c))
			n++
		}
	}
	n := big.NewInt(1)
	for n.BitLen() != 2048 {
		n.SetInt64(1)
		for range 2 {
			for p := new(big.Int); ; {
				a, errA := rand.Int(rand.Reader, m)
				k, errK := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(1024-m.BitLen()+1)))
				if errA != nil || errK != nil {
					t.Fatal(errA, errK)
				}
				if p.Add(p.Exp(e, a, m), k.Mul(k, m)); p.BitLen() == 1024 && p.ProbablyPrime(20) {
					n.Mul(n, p)
					break
				}
			}
		}
	}
	return n
}

func prime(t *testing.T, bits int) *big.Int {
	t.Helper()
	p, err := rand.Prime(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// times is a modulus of 2048 bits with this factor.
func times(t *testing.T, factor int64) *big.Int {
	t.Helper()
	for {
		f := big.NewInt(factor)
		if n := f.Mul(f, prime(t, 2048-f.BitLen())); n.BitLen() == 2048 {
			return n
		}
	}
}

func TestCheckKeyRefusesWhatAnybodyCanBreak(t *testing.T) {
	p := prime(t, 1024)
	q := new(big.Int).Add(p, big.NewInt(2))
	for !q.ProbablyPrime(20) {
		q.Add(q, big.NewInt(2))
	}
	for name, n := range map[string]*big.Int{
		"an even modulus":     new(big.Int).Lsh(prime(t, 1024), 1024),
		"a factor of 3":       times(t, 3),
		"a factor of 751":     times(t, 751),
		"a square":            new(big.Int).Mul(p, p),
		"primes side by side": new(big.Int).Mul(p, q),
		"ROCA":                rocaModulus(t),
	} {
		t.Run(name, func(t *testing.T) {
			if n.BitLen() != 2048 {
				t.Fatalf("the row has %d bits", n.BitLen())
			}
			if err := CheckKey(&rsa.PublicKey{N: n, E: 65537}); !errors.Is(err, ErrWeakKey) {
				t.Errorf("got %v, want %v", err, ErrWeakKey)
			}
		})
	}
}

func TestCheckKeyTakesGoodKeysOnly(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckKey(&key.PublicKey); err != nil {
		t.Error(err)
	}
	for name, pub := range map[string]*rsa.PublicKey{
		"none": nil, "no modulus": {E: 65537}, "exponent 3": {N: key.N, E: 3}, "1024 bits": {N: key.Primes[0], E: 65537},
		"a modulus below zero": {N: new(big.Int).Neg(key.N), E: 65537},
	} {
		if err := CheckKey(pub); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestARequestIsNeitherBuiltNorTakenForAWeakKey(t *testing.T) {
	p := prime(t, 1024)
	q := new(big.Int).Add(p, big.NewInt(2))
	for !q.ProbablyPrime(20) {
		q.Add(q, big.NewInt(2))
	}
	weak := &rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}
	asked := false
	_, err := NewCSR(weak, "A", func([]byte) ([]byte, error) { asked = true; return nil, nil })
	if !errors.Is(err, ErrWeakKey) || asked {
		t.Errorf("got %v, want %v; the card was asked: %t", err, ErrWeakKey, asked)
	}
}

func BenchmarkCheckKey(b *testing.B) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := CheckKey(&key.PublicKey); err != nil {
			b.Fatal(err)
		}
	}
}

// TestVerdictsAreRemembered, and not of more keys than they are bounded to.
func TestVerdictsAreRemembered(t *testing.T) {
	var v verdictsOf
	weak := new(big.Int).Lsh(big.NewInt(3), 2046)
	first := v.of(weak)
	if first == "" || v.of(weak) != first || len(v.known) != 1 {
		t.Errorf("a weak key is %q, then %q; %d are remembered", first, v.of(weak), len(v.known))
	}
	for i := range int64(2 * verdictsMost) {
		v.of(new(big.Int).Mul(weak, big.NewInt(i+1)))
	}
	if len(v.known) > verdictsMost {
		t.Errorf("%d keys are remembered", len(v.known))
	}
}
