package scp03

import (
	"bytes"
	"crypto/aes"
	"os"
	"strconv"
	"strings"
	"testing"
)

// cmacOf is one-shot AES-CMAC.
func cmacOf(t testing.TB, key, data []byte) [16]byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	var m cmac
	m.init(block)
	m.write(data)
	return *m.sum()
}

// The examples of NIST SP 800-38B, appendix D (also RFC 4493, 4, for AES-128).
func TestCMACExamples(t *testing.T) {
	const message = "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411E5FBC1191A0A52EFF69F2445DF4F9B17AD2B417BE66C3710"
	const (
		k128 = "2B7E151628AED2A6ABF7158809CF4F3C"
		k192 = "8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B"
		k256 = "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4"
	)
	for _, row := range []struct {
		name, key string
		n         int
		want      string
	}{
		{"128 empty", k128, 0, "BB1D6929E95937287FA37D129B756746"},
		{"128 one block", k128, 16, "070A16B46B4D4144F79BDD9DD04A287C"},
		{"128 part of a block", k128, 40, "DFA66747DE9AE63030CA32611497C827"},
		{"128 four blocks", k128, 64, "51F0BEBF7E3B9D92FC49741779363CFE"},
		{"192 empty", k192, 0, "D17DDF46ADAACDE531CAC483DE7A9367"},
		{"192 one block", k192, 16, "9E99A7BF31E710900662F65E617C5184"},
		{"192 four blocks", k192, 64, "A1D5DF0EED790F794D77589659F39A11"},
		{"256 empty", k256, 0, "028962F61B7BF89EFC6B551F4667D983"},
		{"256 one block", k256, 16, "28A7023F452E8F82BD4BF28D8C37C35C"},
		{"256 four blocks", k256, 64, "E1992190549F6ED5696A2C056C315410"},
	} {
		data := unhex(t, message)[:row.n]
		got := cmacOf(t, unhex(t, row.key), data)
		if !bytes.Equal(got[:], unhex(t, row.want)) {
			t.Errorf("%s: %X, want %s", row.name, got, row.want)
		}
	}
}

// However the message is cut into pieces, the MAC is the same, and a used cmac starts
// afresh.
func TestCMACInPieces(t *testing.T) {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	var m cmac
	m.init(block)
	message := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, 20)
	for n := range len(message) {
		want := cmacOf(t, make([]byte, 16), message[:n])
		for step := 1; step <= 33; step++ {
			m.reset()
			for left := message[:n]; len(left) > 0; left = left[min(step, len(left)):] {
				m.write(left[:min(step, len(left))])
			}
			if got := *m.sum(); got != want {
				t.Fatalf("%d bytes in pieces of %d: %X, want %X", n, step, got, want)
			}
		}
	}
}

// testdata/kdf.txt holds data derivations computed by an independent program: key,
// constant, context and result.
func TestKDFVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/kdf.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] == "#" {
			continue
		}
		n++
		constant, err := strconv.ParseUint(f[1], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		key, out := unhex(t, f[0]), make([]byte, len(f[3])/2)
		err = derive(func(data []byte) ([16]byte, error) { return cmacOf(t, key, data), nil }, byte(constant), unhex(t, f[2]), out)
		if err != nil || !bytes.Equal(out, unhex(t, f[3])) {
			t.Errorf("line %d: %X %v, want %s", n, out, err, f[3])
		}
	}
	if n < 40 {
		t.Errorf("%d derivations in the file, at least 40 are known", n)
	}
}
