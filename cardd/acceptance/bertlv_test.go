package acceptance

import (
	"crypto/rsa"
	"fmt"
	"math/big"
	"testing"
)

// object is one BER-TLV object with the bytes it was read from.
type object struct {
	tag   string // "DF22"
	raw   []byte // tag, length and value
	value []byte
}

// objects takes objects apart until the end or the filler FF FF; it is written after
// ISO/IEC 8825-1 and shares nothing with the programs under test.
func objects(b []byte) (out []object, err error) {
	for len(b) > 0 && !filler(b) {
		o, rest, err := first(b)
		if err != nil {
			return nil, err
		}
		out, b = append(out, o), rest
	}
	return out, nil
}

// filler says whether nothing but the bytes FF of an unwritten file begins here: no
// tag begins FF FF.
func filler(b []byte) bool { return b[0] == 0xFF && (len(b) == 1 || b[1] == 0xFF) }

// first takes the first object off.
func first(b []byte) (o object, rest []byte, err error) {
	n := 1
	if b[0]&0x1F == 0x1F {
		for n = 2; n < len(b) && b[n-1]&0x80 != 0; n++ {
			continue
		}
	}
	if n >= len(b) {
		return o, nil, fmt.Errorf("a tag of %d bytes is the last thing", len(b))
	}
	length, at := int(b[n]), n+1
	if b[n]&0x80 != 0 {
		length = 0
		for more := int(b[n] & 0x7F); more > 0; more-- {
			if at >= len(b) {
				return o, nil, fmt.Errorf("%X: the length breaks off", b[:n])
			}
			length = length<<8 | int(b[at])
			at++
		}
	}
	if at+length > len(b) {
		return o, nil, fmt.Errorf("%X says %d bytes, %d are there", b[:n], length, len(b)-at)
	}
	return object{fmt.Sprintf("%X", b[:n]), b[:at+length], b[at : at+length]}, b[at+length:], nil
}

// parts takes one outer object with that tag apart.
func parts(t testing.TB, file []byte, tag string) (outer object, inner []object) {
	t.Helper()
	outer, _, err := first(file)
	if err != nil || outer.tag != tag {
		t.Fatalf("%v: begins with %s, want %s", err, outer.tag, tag)
	}
	inner, err = objects(outer.value)
	if err != nil {
		t.Fatalf("%s: %v", tag, err)
	}
	return outer, inner
}

// tags lists the tags of objects.
func tags(all []object) (out []string) {
	for _, o := range all {
		out = append(out, o.tag)
	}
	return out
}

// of gives the value under a tag.
func of(t testing.TB, all []object, tag string) []byte {
	t.Helper()
	for _, o := range all {
		if o.tag == tag {
			return o.value
		}
	}
	t.Fatalf("no %s in %v", tag, tags(all))
	return nil
}

// publicKey reads 90 e 91 n.
func publicKey(t testing.TB, value []byte) *rsa.PublicKey {
	t.Helper()
	all, err := objects(value)
	if err != nil {
		t.Fatal(err)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(of(t, all, "91")), E: int(new(big.Int).SetBytes(of(t, all, "90")).Int64())}
}

// recovered is what stands inside an RSA signature, leading zero included (RFC 8017,
// 5.2.2).
func recovered(k *rsa.PublicKey, signature []byte) []byte {
	m := new(big.Int).Exp(new(big.Int).SetBytes(signature), big.NewInt(int64(k.E)), k.N)
	return m.FillBytes(make([]byte, k.Size()))
}

// TestWalkerReadsThePublishedExample takes apart the attributes of a real test card
// that a public source shows (card fact sheet, 2.2), and refuses what breaks off.
func TestWalkerReadsThePublishedExample(t *testing.T) {
	example := unhex(t, "ff2065df2108000e002000590064df220fe9bb92e6a190e38080e5b9b9e4b99fdf2336e69db1e4baace983bde6b885e780ace5b882e8a6b3e5b883e5ad90e58d97"+
		"efbc91efbc92efbc8defbc97efbc8defbc92efbc90efbc92df24083139383030323137df250131")
	_, inner := parts(t, example, "FF20")
	if got := string(of(t, inner, "DF22")); got != "黒桐　幹也" || len(inner) != 5 {
		t.Errorf("%q in %v", got, tags(inner))
	}
	for n := range len(example) - 1 {
		if n > 1 { // one byte FF alone is filler
			if _, err := objects(example[:n]); err == nil {
				t.Errorf("%d bytes were taken for whole", n)
			}
		}
	}
}
