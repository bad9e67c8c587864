package simulator

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"math/big"
	"testing"
)

// keyOf is the public half of the key at a path.
func keyOf(t *testing.T, c *Card, path string) *rsa.PublicKey {
	t.Helper()
	for _, a := range c.apps {
		for _, k := range a.keys {
			if k.path == path && k.private != nil {
				return k.private.Public().(*rsa.PublicKey)
			}
		}
	}
	t.Fatalf("no key %s", path)
	return nil
}

// padded recovers the block that was signed.
func padded(k *rsa.PublicKey, signature []byte) []byte {
	m := new(big.Int).Exp(new(big.Int).SetBytes(signature), big.NewInt(int64(k.E)), k.N)
	return m.FillBytes(make([]byte, k.Size()))
}

// type1 is 00 01 FF … 00 data (RFC 8017, 9.2).
func type1(data []byte) []byte {
	b := append([]byte{0, 1}, bytes.Repeat([]byte{0xFF}, 256-3-len(data))...)
	return append(append(b, 0), data...)
}

// digestInfo is the DER around a SHA-256, typed from RFC 8017, 9.2, note 1.
func digestInfo(digest []byte) []byte {
	return append(mustHex("3031300d060960864801650304020105000420"), digest...)
}

// signed sends data to 80 2A and gives the signature.
func signed(t *testing.T, c *Card, p1, p2 byte, data []byte) []byte {
	t.Helper()
	command := append([]byte{0x80, 0x2A, p1, p2, byte(len(data))}, data...)
	answer := c.Process(append(command, 0))
	if len(answer) != 258 || answer[256] != 0x90 {
		t.Fatalf("80 2A P1 %02X with %d bytes: %d bytes of answer, %X", p1, len(data), len(answer), answer[len(answer)-2:])
	}
	return bytes.Clone(answer[:256])
}

func withAuthPIN(t *testing.T) (*Card, *rsa.PublicKey) {
	c := newIssued(t, "standard")
	want(t, c, selectAP(aidJPKI), "9000")
	want(t, c, verifyAPDU(0x18, authPIN), "9000")
	return c, keyOf(t, c, "jpki/auth-key")
}

func TestSignaturesArePaddedAsEachP1Says(t *testing.T) {
	c, k := withAuthPIN(t)
	message := []byte("plainly invented message")
	digest := sha256.Sum256(message)
	tests := []struct {
		name string
		p1   byte
		data []byte
		want []byte
	}{
		{"verbatim", 0x00, message, type1(message)},
		{"verbatim digest info", 0x00, digestInfo(digest[:]), type1(digestInfo(digest[:]))},
		{"card hashes, bare", 0x01, message, type1(digest[:])},
		{"digest given", 0x02, digest[:], type1(digestInfo(digest[:]))},
		{"card hashes", 0x03, message, type1(digestInfo(digest[:]))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := padded(k, signed(t, c, tt.p1, 0x97, tt.data)); !bytes.Equal(got, tt.want) {
				t.Errorf("padded block %X\nwant %X", got, tt.want)
			}
		})
	}
}

func TestPSSSignaturesVerifyAndDiffer(t *testing.T) {
	c, k := withAuthPIN(t)
	message := []byte("plainly invented message")
	digest := sha256.Sum256(message)
	first := signed(t, c, 0x04, 0x97, digest[:])
	second := signed(t, c, 0x05, 0x97, message)
	for i, s := range [][]byte{first, second} {
		if err := rsa.VerifyPSS(k, crypto.SHA256, digest[:], s, nil); err != nil {
			t.Errorf("signature %d: %v", i, err)
		}
	}
	if bytes.Equal(first, second) {
		t.Error("two PSS signatures are alike, the salt is random")
	}
}

// Trap 7: verbatim padding takes 1 to 245 bytes.
func TestVerbatimPaddingTakes1To245Bytes(t *testing.T) {
	c, k := withAuthPIN(t)
	for _, n := range []int{1, 35, 51, 83, 244, 245} {
		data := bytes.Repeat([]byte{0xA7}, n)
		if got := padded(k, signed(t, c, 0, 0x97, data)); !bytes.Equal(got, type1(data)) {
			t.Errorf("%d bytes: padded block %X", n, got)
		}
	}
	for _, n := range []int{246, 255} {
		want(t, c, fmt.Sprintf("802A0097%02X%X00", n, bytes.Repeat([]byte{1}, n)), "6985")
	}
	want(t, c, fmt.Sprintf("802A0097000100%X0000", bytes.Repeat([]byte{1}, 256)), "6985")
}

func TestTheCardHashesWhatAnExtendedCommandCarries(t *testing.T) {
	c, k := withAuthPIN(t)
	message := bytes.Repeat([]byte{7}, 2000)
	answer := c.Process(append(append(mustHex("802A03970007D0"), message...), 0, 0))
	digest := sha256.Sum256(message)
	if len(answer) != 258 {
		t.Fatalf("answer %X", answer)
	}
	if err := rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], answer[:256]); err != nil {
		t.Error(err)
	}
	want(t, c, fmt.Sprintf("802A0397000801%X0000", make([]byte, 2049)), "6700") // more than the card takes
}

func TestInternalAuthenticateSignsTheChallenge(t *testing.T) {
	c := newIssued(t, "standard")
	want(t, c, selectAP(aidCommon), "9000")
	for _, n := range []int{1, 16, 255} {
		challenge := bytes.Repeat([]byte{0x33}, n)
		answer := c.Process(append(append([]byte{0, 0x88, 0, 0x99, byte(n)}, challenge...), 0))
		digest := sha256.Sum256(challenge)
		if err := rsa.VerifyPKCS1v15(keyOf(t, c, "common/card-key"), crypto.SHA256, digest[:], answer[:256]); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	want(t, c, fmt.Sprintf("00880099000100%X0000", make([]byte, 256)), "6700")
}

func TestTheTextKeySignsByItsFileAndAsDefault(t *testing.T) {
	c := newIssued(t, "standard")
	want(t, c, selectAP(aidText), "9000")
	a, b := signed(t, c, 0, 0x00, []byte("x")), signed(t, c, 0, 0x93, []byte("x"))
	if !bytes.Equal(a, b) {
		t.Error("80 2A 00 00 and 80 2A 00 93 sign differently")
	}
	if !bytes.Equal(padded(keyOf(t, c, "text/card-key"), a), type1([]byte("x"))) {
		t.Error("signature is not by text/card-key")
	}
}

func TestChallengesComeFromTheGivenSource(t *testing.T) {
	c := blank(t)
	c.rand = chance(7)
	first := say(c, "0084000010")
	if second := say(c, "0084000010"); second == first {
		t.Error("two challenges are alike")
	}
	c.rand = chance(7)
	want(t, c, "0084000010", first)
	c.rand = bytes.NewReader(nil)
	want(t, c, "0084000010", "6F00")
}
