package softca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"jukicard/pki"
)

func TestSealersAreCertified(t *testing.T) {
	a := open(t, newDir(t))
	for s, want := range map[pki.Sealing]string{
		pki.SurfaceAP: "0000023/001 0100023/001", pki.TextAP: "0000033/001 0100033/001",
	} {
		t.Run(string(s), func(t *testing.T) {
			b, err := a.CVCertificate(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			c, err := pki.ParseCVCertificate(b)
			if err != nil {
				t.Fatal(err)
			}
			root, err := a.CVRoot(s)
			if err != nil {
				t.Fatal(err)
			}
			if err := pki.VerifyCV(c, root); err != nil {
				t.Error(err)
			}
			if got := c.Issuer.String() + " " + c.Subject.String(); got != want {
				t.Errorf("want %s, got %s", want, got)
			}
			digest := sha256.Sum256([]byte("face data"))
			seal, err := a.Seal(t.Context(), s, pki.DigestInfoSHA256(digest[:]))
			if err != nil || rsa.VerifyPKCS1v15(c.PublicKey, crypto.SHA256, digest[:], seal) != nil {
				t.Errorf("the seal does not verify under EF 0004: %v", err)
			}
			b[0] = 0 // the caller's copy
			if again, _ := a.CVCertificate(t.Context(), s); again[0] == 0 {
				t.Error("the certificate is shared with the caller")
			}
		})
	}
}

// DF28 signs 30 71 … 04 60 and 96 bytes under the identifier of SHA-256; no
// library verifies that, so the padding is undone by hand (RFC 8017, 9.2).
func TestSealPadsVerbatim(t *testing.T) {
	a := open(t, newDir(t))
	head, _ := hex.DecodeString("3071300d060960864801650304020105000460")
	for name, info := range map[string][]byte{
		"96 bytes under SHA-256": append(head, bytes.Repeat([]byte{0xAB}, 96)...),
		"one byte":               {0x00},
		"245 bytes":              bytes.Repeat([]byte{0xFF}, 245),
	} {
		seal, err := a.Seal(t.Context(), pki.SurfaceAP, info)
		if err != nil || len(seal) != 256 {
			t.Fatalf("%s: %d bytes, %v", name, len(seal), err)
		}
		pub := a.sealers[pki.SurfaceAP].key.rsa()
		block := new(big.Int).Exp(new(big.Int).SetBytes(seal), big.NewInt(int64(pub.E)), pub.N).FillBytes(make([]byte, 256))
		want := append([]byte{0, 1}, bytes.Repeat([]byte{0xFF}, 256-3-len(info))...)
		want = append(append(want, 0), info...)
		if !bytes.Equal(block, want) {
			t.Errorf("%s: padded as %x", name, block)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	a := open(t, newDir(t))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		s    pki.Sealing
		info []byte
		want error
	}{
		{"nothing", t.Context(), pki.TextAP, nil, nil},
		{"246 bytes", t.Context(), pki.TextAP, make([]byte, 246), nil},
		{"unknown application", t.Context(), "jpki", []byte{1}, nil},
		{"cancelled", cancelled, pki.TextAP, []byte{1}, context.Canceled},
	}
	for _, tt := range tests {
		if _, err := a.Seal(tt.ctx, tt.s, tt.info); err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
	if _, err := a.CVCertificate(t.Context(), "jpki"); err == nil {
		t.Error("a certificate for jpki")
	}
	if _, err := a.CVRoot("jpki"); err == nil {
		t.Error("a root for jpki")
	}
}
