package content

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"

	"jukicard/apdu/profile"
	"jukicard/pki"
)

// holder is the resident of the public test card, whose EF 0002 the card fact sheet
// shows byte for byte; what it does not show is plainly invented.
var holder = Person{
	MyNumber: "999999999999", ResidentCode: "99999999999",
	Name: "黒桐　幹也", Address: "東京都清瀬市観布子南１２－７－２０２", Birth: "19800217", Sex: "1",
	Expiry: "20350217", Municipality: "13221", SealedReference: bytes.Repeat([]byte{0xC5}, 256),
}

// pictures stand for images, which this package never looks into.
var pictures = Images{
	Name: bytes.Repeat([]byte{'n'}, 200), Address: bytes.Repeat([]byte{'a'}, 420), MyNumber: bytes.Repeat([]byte{'m'}, 100),
	SecurityCode: bytes.Repeat([]byte{'s'}, 90), Photo: bytes.Repeat([]byte{'p'}, 8000),
}

// keys are made once: two sealing keys, one of a card's maker, one of a holder.
var keys = sync.OnceValue(func() (made [4]*rsa.PrivateKey) {
	for i := range made {
		var err error
		if made[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	return made
})

// sealer is a face authority of two keys, certified by the holder's for want of a root.
type sealer struct{ broken error }

func (s sealer) key(a pki.Sealing) *rsa.PrivateKey {
	if a == pki.TextAP {
		return keys()[0]
	}
	return keys()[1]
}

func (s sealer) CVCertificate(_ context.Context, a pki.Sealing) ([]byte, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	issuer, err := pki.NewKeyID("6000020", "001")
	if err != nil {
		return nil, err
	}
	subject, err := pki.NewKeyID(map[pki.Sealing]string{pki.TextAP: "6000033", pki.SurfaceAP: "6000023"}[a], "001")
	if err != nil {
		return nil, err
	}
	return pki.NewCVCertificate(issuer, keys()[3], subject, &s.key(a).PublicKey)
}

func (s sealer) Seal(_ context.Context, a pki.Sealing, digestInfo []byte) ([]byte, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	return rsa.SignPKCS1v15(nil, s.key(a), crypto.Hash(0), digestInfo)
}

// ca is any certificate: only its bytes are looked at.
var ca = sync.OnceValue(func() *x509.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotAfter: time.Unix(1<<31, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &keys()[3].PublicKey, keys()[3])
	if err != nil {
		panic(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return c
})

func source(t testing.TB, product string) Source {
	t.Helper()
	p, err := profile.Load("mynumber-1")
	if err != nil {
		t.Fatal(err)
	}
	images := pictures
	if product == "infant" {
		images.Photo = nil
	}
	return Source{
		Profile: p, Product: p.Product(product), Person: holder, Images: images,
		Certificates: Certificates{Signature: true, Authentication: true}, Sealer: sealer{},
		CA:        map[pki.Purpose]*x509.Certificate{pki.Signature: ca(), pki.Authentication: ca()},
		CertSizes: map[string]int{"jpki/sign-cert": 1805, "jpki/auth-cert": 1604},
		CardID:    "0999000000000017",
	}
}

// book is one that knows the maker's keys and both certificates.
func book(t testing.TB, s Source) *Book {
	t.Helper()
	b := empty(t, s)
	b.SetKey("surface/card-key", &keys()[2].PublicKey)
	b.SetKey("text/card-key", &keys()[2].PublicKey)
	b.SetCertificate("jpki/sign-cert", bytes.Repeat([]byte{0x30}, 1805))
	b.SetCertificate("jpki/auth-cert", bytes.Repeat([]byte{0x31}, 1604))
	return b
}

func empty(t testing.TB, s Source) *Book {
	t.Helper()
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func bytesOf(t testing.TB, b *Book, path string) []byte {
	t.Helper()
	out, err := b.Bytes(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// object is one data object as an outsider reads it.
type object struct {
	tag, at int // at counts from the start of the file
	whole   []byte
	value   []byte
}

// take reads one BER object with a two-byte tag, or the one-byte 90 and 91 of keys,
// in the three length forms seen on cards. It shares nothing with package tlv.
func take(file []byte, at int) (object, int, error) {
	start := at
	if at+2 > len(file) {
		return object{}, 0, fmt.Errorf("no object at %d", at)
	}
	o := object{tag: int(file[at]), at: start}
	if at++; o.tag&0x1F == 0x1F {
		o.tag = o.tag<<8 | int(file[at])
		at++
	}
	n := int(file[at])
	at++
	if more := n - 0x80; more >= 0 {
		n = 0
		for range more {
			n = n<<8 | int(file[at])
			at++
		}
	}
	if at+n > len(file) {
		return object{}, 0, fmt.Errorf("object %X at %d says %d bytes, %d are left", o.tag, start, n, len(file)-at)
	}
	o.whole, o.value = file[start:at+n], file[at:at+n]
	return o, at + n, nil
}

// inside reads the objects of a file's one outer object, by tag.
func inside(t testing.TB, file []byte, outer int) map[int]object {
	t.Helper()
	o, end, err := take(file, 0)
	if err != nil {
		t.Fatal(err)
	}
	if o.tag != outer || end != len(file) {
		t.Fatalf("the file holds %X to byte %d of %d, want %X to its end", o.tag, end, len(file), outer)
	}
	objects := map[int]object{}
	for at := end - len(o.value); at < end; {
		var in object
		if in, at, err = take(file, at); err != nil {
			t.Fatal(err)
		}
		if _, twice := objects[in.tag]; twice {
			t.Fatalf("%X stands twice", in.tag)
		}
		objects[in.tag] = in
	}
	return objects
}

// signed checks a signature over SHA-256 of a message.
func signed(t testing.TB, a pki.Sealing, message, signature []byte) {
	t.Helper()
	sum := sha256.Sum256(message)
	if err := rsa.VerifyPKCS1v15(&sealer{}.key(a).PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		t.Errorf("the signature does not cover it: %v", err)
	}
}
