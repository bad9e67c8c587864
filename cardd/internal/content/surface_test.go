package content

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"jukicard/pki"
)

// faceTags are the objects of EF 0002 behind its table, in their order on cards.
var faceTags = []int{0xDF22, 0xDF23, 0xDF24, 0xDF25, 0xDF26, 0xDF27, 0xDF28, 0xDF29, 0xDF2A}

// TestTheFace holds all ten objects, in order, with true offsets.
func TestTheFace(t *testing.T) {
	for _, product := range []string{"standard", "infant"} {
		t.Run(product, func(t *testing.T) {
			s := source(t, product)
			file := bytesOf(t, book(t, s), "surface/face")
			in := inside(t, file, 0xFF20)
			offsetsAreTrue(t, file, in, 0xDF21, faceTags...)
			if !slices.IsSortedFunc(faceTags, func(a, b int) int { return in[a].at - in[b].at }) || len(in) != len(faceTags)+1 {
				t.Errorf("the objects do not stand in order: %d of them", len(in))
			}
			for tag, want := range map[int][]byte{
				0xDF22: []byte("19800217"), 0xDF23: []byte("1"), 0xDF25: s.Images.Name, 0xDF26: s.Images.Address,
				0xDF27: s.Images.Photo, 0xDF29: []byte("20350217"), 0xDF2A: s.Images.SecurityCode,
			} {
				if !bytes.Equal(in[tag].value, want) {
					t.Errorf("%X holds %d bytes, want %d", tag, len(in[tag].value), len(want))
				}
			}
			theFaceIsSigned(t, in)
		})
	}
}

// theFaceIsSigned: DF28 carries the OID of SHA-256 and 96 bytes, a digest for each
// group of objects; expiry and security code are not signed.
func theFaceIsSigned(t *testing.T, in map[int]object) {
	t.Helper()
	digests := []byte{}
	for _, group := range [][]int{{0xDF22, 0xDF23, 0xDF24}, {0xDF25, 0xDF26}, {0xDF27}} {
		h := sha256.New()
		for _, tag := range group {
			h.Write(in[tag].whole)
		}
		digests = h.Sum(digests)
	}
	head, err := hex.DecodeString("3071300d060960864801650304020105000460")
	if err != nil {
		t.Fatal(err)
	}
	key := sealer{}.key(pki.SurfaceAP).PublicKey
	if err := rsa.VerifyPKCS1v15(&key, crypto.Hash(0), append(head, digests...), in[0xDF28].value); err != nil {
		t.Errorf("DF28 is not over the three digests: %v", err)
	}
}

// TestACardWithoutAPhoto has an empty object in its place.
func TestACardWithoutAPhoto(t *testing.T) {
	in := inside(t, bytesOf(t, book(t, source(t, "infant")), "surface/face"), 0xFF20)
	if got := in[0xDF27].whole; !bytes.Equal(got, []byte{0xDF, 0x27, 0x00}) {
		t.Errorf("DF27 is %x", got)
	}
}

// TestTheBirthObject signs birth date and card key.
func TestTheBirthObject(t *testing.T) {
	in := inside(t, bytesOf(t, book(t, source(t, "standard")), "surface/birth"), 0xFF10)
	if string(in[0xDF11].value) != "19800217" {
		t.Errorf("DF11 is %q", in[0xDF11].value)
	}
	if pub, err := pki.ParsePublicKeyObject(in[0xDF12].value); err != nil || pub.N.Cmp(keys()[2].N) != 0 {
		t.Errorf("DF12 is not the card's key: %v", err)
	}
	signed(t, pki.SurfaceAP, append(bytes.Clone(in[0xDF11].whole), in[0xDF12].whole...), in[0xDF13].value)
}

// TestTheNumberObject signs the picture of the number and the card key.
func TestTheNumberObject(t *testing.T) {
	in := inside(t, bytesOf(t, book(t, source(t, "standard")), "surface/number"), 0xFF40)
	if !bytes.Equal(in[0xDF41].value, pictures.MyNumber) {
		t.Error("DF41 is not the picture")
	}
	signed(t, pki.SurfaceAP, append(bytes.Clone(in[0xDF41].whole), in[0xDF42].whole...), in[0xDF43].value)
}

// TestTheBasicObject names the key of the same application's certificate.
func TestTheBasicObject(t *testing.T) {
	b := book(t, source(t, "standard"))
	in := inside(t, bytesOf(t, b, "surface/basic"), 0xFF30)
	cv, err := pki.ParseCVCertificate(bytesOf(t, b, "surface/cv-cert"))
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[int][]byte{
		0xDF31: {6, 3, 14, 1}, 0xDF32: cv.Subject[:], 0xDF33: {1}, 0xDF34: []byte("13221"),
		0xDF35: append(cv.Subject[:], holder.SealedReference...),
	} {
		if !bytes.Equal(in[tag].value, want) {
			t.Errorf("%X is %x, want %x", tag, in[tag].value, want)
		}
	}
}

// TestWhatTheSurfaceCannotHold is refused with the remedy.
func TestWhatTheSurfaceCannotHold(t *testing.T) {
	for _, row := range []struct {
		name, path string
		change     func(*Source)
		want       string
	}{
		{"photo too big", "surface/face", func(s *Source) { s.Images.Photo = make([]byte, 24000) }, "hand in a smaller photo"},
		{"照合番号 not encrypted", "surface/basic", func(s *Source) { s.Person.SealedReference = nil }, "has 0 bytes, 256 are wanted"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := source(t, "standard")
			row.change(&s)
			if _, err := book(t, s).Bytes(t.Context(), row.path); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
