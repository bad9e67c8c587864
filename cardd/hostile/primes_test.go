package hostile

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"jukicard/pki"
)

var update = flag.Bool("update", false, "draw the primes of testdata/primes.txt anew")

// primesFile holds, a line each, what a prime is for and the prime in hexadecimal: two
// for each of the cards' keys and of the authority's, two of a weak key, and one modulus
// that is a prime itself. Keys of which everybody has the primes are no secrets.
//
//go:embed testdata/primes.txt
var primesFile []byte

// primes are those of the file, by what they are for.
var primes = sync.OnceValue(func() map[string][]*big.Int {
	all := map[string][]*big.Int{}
	lines := bufio.NewScanner(bytes.NewReader(primesFile))
	for lines.Scan() {
		use, hex, _ := strings.Cut(lines.Text(), " ")
		if p, ok := new(big.Int).SetString(hex, 16); ok {
			all[use] = append(all[use], p)
		}
	}
	return all
})

// premade are the keys for a use.
func premade(use string) (keys []*rsa.PrivateKey) {
	for p := primes()[use]; len(p) > 1; p = p[2:] {
		keys = append(keys, pair(p[0], p[1]))
	}
	return keys
}

// authorityKeys are the files of an authority's private keys (package softca).
var authorityKeys = []string{
	string(pki.Signature) + "-ca", string(pki.Authentication) + "-ca",
	string(pki.SurfaceAP) + "-root", string(pki.SurfaceAP) + "-seal", string(pki.TextAP) + "-root", string(pki.TextAP) + "-seal",
}

// layKeys gives an authority that is to be made its keys.
func layKeys(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for i, key := range premade("authority") {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, authorityKeys[i]+".key"), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// TestThePrimesAreWhatTheyAreFor also draws them anew, with -update.
func TestThePrimesAreWhatTheyAreFor(t *testing.T) {
	want := []struct {
		use  string
		n    int
		bits int
		draw func() *big.Int
	}{
		{"card", 2 * poolSize, 1024, goodPrime}, {"authority", 2 * len(authorityKeys), 1024, goodPrime},
		{"roca", 2, 1024, rocaPrime}, {"modulus", 1, 2048, func() *big.Int { return must(rand.Prime(rand.Reader, 2048)) }},
	}
	if *update {
		var text bytes.Buffer
		for _, w := range want {
			for range w.n {
				fmt.Fprintf(&text, "%s %x\n", w.use, w.draw())
			}
		}
		if err := os.WriteFile("testdata/primes.txt", text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, w := range want {
		have := primes()[w.use]
		if len(have) != w.n {
			t.Errorf("%s: there are %d primes, %d are wanted", w.use, len(have), w.n)
		}
		for i, p := range have {
			if p.BitLen() != w.bits || !p.ProbablyPrime(1) {
				t.Errorf("%s: number %d is no prime of %d bits", w.use, i, w.bits)
			}
		}
	}
	if m := primorial(126); !member(primes()["roca"][0], m) || member(primes()["card"][0], m) {
		t.Error("the weak key is not weak, or a good one is")
	}
}

// goodPrime has its two upper bits set, so that two of them make a modulus of 2048 bits.
func goodPrime() *big.Int { return must(rand.Prime(rand.Reader, 1024)) }

// rocaPrime is a prime of 1024 bits as the broken library made them: k·M + 65537^a mod
// M, with M the product of the first 126 primes (Nemec and others, "The Return of
// Coppersmith's Attack", 2017, 2.1).
func rocaPrime() *big.Int {
	m := primorial(126)
	for {
		a := must(rand.Int(rand.Reader, m))
		k := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(1024-m.BitLen()+1))))
		p := new(big.Int).Exp(exponent, a, m)
		p.Add(p, k.Mul(k, m))
		if p.BitLen() == 1024 && p.Bit(1022) == 1 && p.ProbablyPrime(20) {
			return p
		}
	}
}

// member is whether p is a power of 65537 modulo each of the small primes from 3 to 167.
func member(p, m *big.Int) bool {
	for c := int64(3); c <= 167; c += 2 {
		small := big.NewInt(c)
		if new(big.Int).Mod(m, small).Sign() != 0 || !small.ProbablyPrime(20) {
			continue
		}
		have, found := new(big.Int).Mod(p, small).Int64(), false
		for power, i := int64(1), int64(0); i < c && !found; i++ {
			found = power == have
			power = power * 65537 % c
		}
		if !found {
			return false
		}
	}
	return true
}

func primorial(n int) *big.Int {
	m := big.NewInt(1)
	for c := int64(2); n > 0; c++ {
		if p := big.NewInt(c); p.ProbablyPrime(20) {
			m.Mul(m, p)
			n--
		}
	}
	return m
}
