package pki_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

func keyID(t testing.TB, id, version string) pki.KeyID {
	t.Helper()
	k, err := pki.NewKeyID(id, version)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newCV(t testing.TB) []byte {
	t.Helper()
	der, err := pki.NewCVCertificate(keyID(t, "0000023", "001"), pkitest.NewCard(t, 0).PrivateKey, keyID(t, "0100023", "001"), &pkitest.NewCard(t, 1).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// The layout, written by hand from the fact sheet.
func TestCVCertificateBytes(t *testing.T) {
	root, key := pkitest.NewCard(t, 0), pkitest.NewCard(t, 1)
	cv := newCV(t)
	body := "30303030303233" + "0805" + "303031" + "00000000" +
		"30313030303233" + "0805" + "303031" + "00000000" +
		"9003010001" + "91820100" + hex.EncodeToString(key.N.Bytes())
	head := "7f21820233" + "5f4e820129" + body + "5f37820100"
	if got := hex.EncodeToString(cv); !strings.HasPrefix(got, head) || len(cv) != 568 {
		t.Fatalf("%d bytes:\n got %s\nwant %s…", len(cv), got, head)
	}
	signed, _ := hex.DecodeString(body)
	digest := sha256.Sum256(signed)
	if len(signed) != 297 || rsa.VerifyPKCS1v15(&root.PublicKey, crypto.SHA256, digest[:], cv[len(head)/2:]) != nil {
		t.Error("the signature is not over the 297 bytes of 5F4E")
	}
}

func TestParseAndVerifyCV(t *testing.T) {
	c, err := pki.ParseCVCertificate(newCV(t))
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer.String() != "0000023/001" || c.Subject.String() != "0100023/001" || !c.PublicKey.Equal(&pkitest.NewCard(t, 1).PublicKey) {
		t.Errorf("got %v, %v", c.Issuer, c.Subject)
	}
	if err := pki.VerifyCV(c, &pkitest.NewCard(t, 0).PublicKey); err != nil {
		t.Error(err)
	}
	if err := pki.VerifyCV(c, &pkitest.NewCard(t, 1).PublicKey); err == nil || !strings.Contains(err.Error(), "0000023/001") {
		t.Errorf("another issuer: got %v", err)
	}
	if err := pki.VerifyCV(c, nil); err == nil {
		t.Error("verified under no key")
	}
}

// Every byte is either fixed or signed.
func TestEveryByteOfACVCertificateCounts(t *testing.T) {
	cv, root := newCV(t), &pkitest.NewCard(t, 0).PublicKey
	for i := range cv {
		c, err := pki.ParseCVCertificate(flip(cv, i))
		if err == nil {
			err = pki.VerifyCV(c, root)
		}
		if err == nil {
			t.Errorf("byte %d may be changed", i)
		}
	}
}

func TestParseCVCertificateRefuses(t *testing.T) {
	cv := newCV(t)
	for name, b := range map[string][]byte{
		"nothing":           nil,
		"a byte short":      cv[:567],
		"a byte more":       append(bytes.Clone(cv), 0xFF),
		"without the outer": append(bytes.Clone(cv[5:]), make([]byte, 5)...),
		"filler":            bytes.Repeat([]byte{0xFF}, 568),
	} {
		if _, err := pki.ParseCVCertificate(b); err == nil {
			t.Errorf("%s: parsed", name)
		}
	}
}

func TestKeyID(t *testing.T) {
	// The printed form and bytes of the published root of the text application.
	if k := keyID(t, "5000033", "001"); hex.EncodeToString(k[:]) != "35303030303333"+"0805"+"303031"+"00000000" || k.String() != "5000033/001" {
		t.Errorf("got %x, %v", k[:], k)
	}
	for _, bad := range [][2]string{{"500003", "001"}, {"5000033", "1"}, {"50000A3", "001"}, {"5000033", "00A"}, {"", ""}} {
		if _, err := pki.NewKeyID(bad[0], bad[1]); err == nil {
			t.Errorf("%v: want an error", bad)
		}
	}
	if k := (pki.KeyID{0xAB}); k.String() != "AB"+strings.Repeat("00", 15) {
		t.Errorf("another form: got %v", k)
	}
}

func TestPublicKeyObject(t *testing.T) {
	key := &pkitest.NewCard(t, 0).PublicKey
	b, err := pki.PublicKeyObject(key)
	if err != nil || hex.EncodeToString(b) != "9003010001"+"91820100"+hex.EncodeToString(key.N.Bytes()) || len(b) != 265 {
		t.Errorf("got %x, %v", b, err)
	}
	if back, err := pki.ParsePublicKeyObject(b); err != nil || !back.Equal(key) {
		t.Errorf("does not read back: %v", err)
	}
	for name, pub := range map[string]*rsa.PublicKey{
		"none":       nil,
		"no modulus": {E: 65537},
		"RSA-2047":   {N: new(big.Int).Rsh(key.N, 1), E: 65537},
		"exponent 3": {N: key.N, E: 3},
	} {
		if _, err := pki.PublicKeyObject(pub); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
	for name, b := range map[string][]byte{"nothing": nil, "short": b[:264], "long": append(bytes.Clone(b), 0), "leading zero": flipTop(b)} {
		if _, err := pki.ParsePublicKeyObject(b); err == nil {
			t.Errorf("%s: parsed", name)
		}
	}
}

// flipTop makes the modulus one bit short.
func flipTop(b []byte) []byte {
	out := bytes.Clone(b)
	out[9] &= 0x7F
	return out
}

// badSigner is a key that fails, or answers too little.
type badSigner struct {
	crypto.Signer
	err error
}

func (s badSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return []byte{1}, s.err
}

func TestNewCVCertificateRefuses(t *testing.T) {
	id, key := keyID(t, "0000023", "001"), pkitest.NewCard(t, 1)
	gone := errors.New("the key store is gone")
	tests := []struct {
		name   string
		signer crypto.Signer
		pub    *rsa.PublicKey
		says   string
	}{
		{"no public key", pkitest.NewCard(t, 0).PrivateKey, nil, "public key"},
		{"key store gone", badSigner{err: gone}, &key.PublicKey, "gone"},
		{"short signature", badSigner{}, &key.PublicKey, "256 bytes, got 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := pki.NewCVCertificate(id, tt.signer, id, tt.pub); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("want %q, got %v", tt.says, err)
			}
		})
	}
}

func TestDigestInfoOfAnotherLengthPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a digest of 20 bytes was wrapped")
		}
	}()
	pki.DigestInfoSHA256(make([]byte, 20))
}

// What parses has the one layout, so that building it again gives the same bytes.
func FuzzParseCVCertificate(f *testing.F) {
	f.Add(newCV(f))
	f.Add(flip(newCV(f), 300))
	f.Add([]byte{0x7F, 0x21, 0x82})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := pki.ParseCVCertificate(b)
		if err != nil {
			return
		}
		object, err := pki.PublicKeyObject(c.PublicKey)
		if err != nil {
			t.Fatalf("the key of a parsed certificate cannot be written: %v", err)
		}
		body := bytes.Join([][]byte{c.Issuer[:], c.Subject[:], object}, nil)
		if len(b) != pki.CVCertificateLen || !bytes.Equal(b[10:307], body) {
			t.Errorf("parsed %x\nas %x", b, body)
		}
	})
}
