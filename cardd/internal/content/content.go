// Package content makes what stands on the chip: from a resident's data, the
// images of the face, the card's own public keys and the authority's
// certificates, the bytes of every EF (card fact sheet, 2.1 to 2.5).
//
// Layouts and tags are what public readers found; where a signature's scope or an
// encrypted value is not public the comment says that it is ours.
package content

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"jukicard/apdu/profile"
	"jukicard/apdu/tlv"
	"jukicard/cardd/plan"
	"jukicard/pki"
)

// Person is one resident's data in the forms the chip holds. Format shows nothing
// of it.
type Person struct {
	MyNumber        string // 個人番号, 12 digits
	ResidentCode    string // 住民票コード, 11 digits
	Name            string // 氏名, UTF-8, U+3000 between family and given name
	Address         string // 住所
	Birth           string // YYYYMMDD, Gregorian
	Sex             string // '1' 男, '2' 女, '9' 適用不能, '0' 不明
	Expiry          string // card expiry, YYYYMMDD
	Municipality    string // five digits
	SealedReference []byte // 256 bytes for DF35: 照合番号 encrypted when the job was made
}

// Format shows nothing of the person whatever the verb.
func (p Person) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[person]") }

// check refuses what would make an object of another length than public readers know.
// Its errors name the field and show nothing of it.
func (p Person) check() error {
	for _, f := range []struct {
		name, value string
		length      int
	}{
		{"個人番号", p.MyNumber, 12}, {"住民票コード", p.ResidentCode, 11}, {"birth date", p.Birth, 8}, {"sex", p.Sex, 1},
		{"card expiry", p.Expiry, 8}, {"municipality", p.Municipality, 5},
	} {
		if len(f.value) != f.length || !digits(f.value) {
			return fmt.Errorf("cannot make contents: %s is not %d digits", f.name, f.length)
		}
	}
	for name, value := range map[string]string{"氏名": p.Name, "住所": p.Address} {
		if value == "" || !utf8.ValidString(value) {
			return fmt.Errorf("cannot make contents: %s is empty or not UTF-8", name)
		}
	}
	return nil
}

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// Images are the pictures the chip holds.
type Images struct {
	Name, Address, MyNumber, SecurityCode []byte // 1-bit PNG
	Photo                                 []byte // JP2; empty on a card without a photo
}

// Format shows nothing of the images whatever the verb.
func (i Images) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[images]") }

// Certificates says which of the two the card carries.
type Certificates struct{ Signature, Authentication bool }

// Book holds one card's contents and gives each by the profile's name. One
// goroutine owns it.
type Book struct {
	profile *profile.Card
	product *profile.Product
	person  Person
	images  Images
	with    Certificates
	sealer  pki.Sealer
	ca      map[pki.Purpose]*x509.Certificate
	serial  string // the card's own number, 15 digits
	keys    map[string]*rsa.PublicKey
	certs   map[string][]byte
	sizes   map[string]int    // expected lengths of certificates not there yet
	made    map[string][]byte // contents made so far: a seal costs more than all the rest
}

// Source is what a Book is made from.
type Source struct {
	Profile      *profile.Card
	Product      *profile.Product
	Person       Person
	Images       Images
	Certificates Certificates
	Sealer       pki.Sealer
	CA           map[pki.Purpose]*x509.Certificate
	CertSizes    map[string]int // expected DER lengths: "jpki/sign-cert"
	CardID       string         // card identification number; its last 15 characters are the serial
}

// ErrLater means that a content depends on a key or certificate that is not there yet.
var ErrLater = errors.New("cannot make the content: a key or certificate it depends on is not there yet")

const serialLen = 15

// New checks the source and makes the book.
func New(s Source) (*Book, error) {
	if len(s.CardID) < serialLen || !digits(s.CardID[len(s.CardID)-serialLen:]) {
		return nil, fmt.Errorf("cannot use the card identification number: it does not end in %d digits", serialLen)
	}
	if err := s.Person.check(); err != nil {
		return nil, err
	}
	return &Book{
		profile: s.Profile, product: s.Product, person: s.Person, images: s.Images, with: s.Certificates,
		sealer: s.Sealer, ca: s.CA, serial: s.CardID[len(s.CardID)-serialLen:], sizes: s.CertSizes,
		keys: map[string]*rsa.PublicKey{}, certs: map[string][]byte{}, made: map[string][]byte{},
	}, nil
}

// SetKey tells a public key of the card.
func (b *Book) SetKey(path string, pub *rsa.PublicKey) {
	if old := b.keys[path]; old == nil || !old.Equal(pub) {
		clear(b.made)
	}
	b.keys[path] = pub
}

// Key is a public key that was told; nil when none was.
func (b *Book) Key(path string) *rsa.PublicKey { return b.keys[path] }

// SetCertificate tells a certificate that was issued.
func (b *Book) SetCertificate(path string, der []byte) {
	b.certs[path] = der
	delete(b.made, path)
}

// item is one content: how it is made, and the made key or certificate step it
// waits for.
type item struct {
	path  string
	after string
	make  func(context.Context, *Book) ([]byte, error)
}

// The paths of the profile that contents hang on.
const (
	signKey, signCert = "jpki/sign-key", "jpki/sign-cert"
	authKey, authCert = "jpki/auth-key", "jpki/auth-cert"
	surfaceKey        = "surface/card-key"
	textKey           = "text/card-key"
)

// items are all contents of generation 1, in the order of the profile's files.
var items = []item{
	{signCert, plan.StepID(plan.Certify, signCert), certificate(signCert)},
	{"jpki/sign-ca", "", caCertificate(pki.Signature)},
	{"jpki/presence", "", presence},
	{authCert, plan.StepID(plan.Certify, authCert), certificate(authCert)},
	{"jpki/auth-ca", "", caCertificate(pki.Authentication)},
	{"surface/birth", plan.StepID(plan.ReadKey, surfaceKey), surfaceBirth},
	{"surface/face", plan.StepID(plan.ReadKey, surfaceKey), surfaceFace},
	{"surface/basic", "", surfaceBasic},
	{"surface/cv-cert", "", cvCertificate(pki.SurfaceAP)},
	{"surface/number", plan.StepID(plan.ReadKey, surfaceKey), surfaceNumber},
	{"text/number", "", textNumber},
	{"text/attributes", "", textAttributes},
	{"text/signature", "", textSignature},
	{"text/cv-cert", "", cvCertificate(pki.TextAP)},
	{"text/card-key-cert", plan.StepID(plan.ReadKey, textKey), textKeyCertificate},
	{"resident/code", "", residentCode},
	{"common/manufacture", "", manufacture},
	{"domain/municipality", "", func(_ context.Context, b *Book) ([]byte, error) { return []byte(b.person.Municipality), nil }},
	{"domain/expiry", "", func(_ context.Context, b *Book) ([]byte, error) { return []byte(b.person.Expiry), nil }},
}

// Bytes is the content of that name, made once; it must not be changed. ErrLater says
// that it waits for a key or a certificate.
func (b *Book) Bytes(ctx context.Context, path string) ([]byte, error) {
	for _, it := range items {
		if it.path == path {
			return b.bytes(ctx, it)
		}
	}
	return nil, fmt.Errorf("cannot make content for %q: nothing is known of it", path)
}

func (b *Book) bytes(ctx context.Context, it item) ([]byte, error) {
	if made, ok := b.made[it.path]; ok {
		return made, nil
	}
	made, err := it.make(ctx, b)
	if err == nil {
		b.made[it.path] = made
	}
	return made, err
}

// Wanted lists what the card shall hold, with lengths and, where nothing is
// awaited, keyed digests.
func (b *Book) Wanted(ctx context.Context, digestKey []byte) (files, objects []plan.Content, err error) {
	for _, it := range items {
		if !b.wants(it.path) {
			continue
		}
		c, err := b.measure(ctx, it, digestKey)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot make content for %s: %w", it.path, err)
		}
		if _, _, err := b.profile.File(it.path); err == nil {
			files = append(files, c)
		} else {
			objects = append(objects, c)
		}
	}
	return files, objects, nil
}

// wants says whether this card carries the content at all.
func (b *Book) wants(path string) bool {
	switch path {
	case signCert:
		return b.with.Signature && !b.product.Omits(path)
	case authCert:
		return b.with.Authentication && !b.product.Omits(path)
	}
	return !b.product.Omits(path)
}

// measure gives the length, with stand-ins of the same length for what is awaited.
func (b *Book) measure(ctx context.Context, it item, digestKey []byte) (plan.Content, error) {
	c := plan.Content{On: it.path, After: it.after}
	made, err := b.bytes(ctx, it)
	switch {
	case err == nil:
		c.Length, c.Digest = len(made), plan.Digest(digestKey, made)
		return c, nil
	case !errors.Is(err, ErrLater):
		return c, err
	}
	if n, ok := b.sizes[it.path]; ok {
		c.Length = n
		return c, nil
	}
	stand := *b
	stand.keys, stand.sealer = map[string]*rsa.PublicKey{surfaceKey: standIn, textKey: standIn}, standSealer{b.sealer}
	made, err = it.make(ctx, &stand)
	c.Length = len(made)
	return c, err
}

// standSealer gives seals that only have the length of one.
type standSealer struct{ pki.Sealer }

// Seal seals nothing.
func (standSealer) Seal(context.Context, pki.Sealing, []byte) ([]byte, error) {
	return make([]byte, sealLen), nil
}

// sealLen is the length of every seal (pki.Sealer).
const sealLen = 256

func (b *Book) publicKey(path string) ([]byte, error) {
	pub := b.keys[path]
	if pub == nil {
		return nil, ErrLater
	}
	return pki.PublicKeyObject(pub)
}

func certificate(path string) func(context.Context, *Book) ([]byte, error) {
	return func(_ context.Context, b *Book) ([]byte, error) {
		if der := b.certs[path]; der != nil {
			return der, nil
		}
		return nil, ErrLater
	}
}

func caCertificate(p pki.Purpose) func(context.Context, *Book) ([]byte, error) {
	return func(_ context.Context, b *Book) ([]byte, error) {
		if ca := b.ca[p]; ca != nil {
			return ca.Raw, nil
		}
		return nil, fmt.Errorf("cannot make the CA certificate for %s: the authority gave none", p)
	}
}

func cvCertificate(s pki.Sealing) func(context.Context, *Book) ([]byte, error) {
	return func(ctx context.Context, b *Book) ([]byte, error) { return b.sealer.CVCertificate(ctx, s) }
}

// presence is EF 0008: 8F where a certificate is there, 00 where not; the third
// byte is 00 on the cards seen (card fact sheet, 2.1).
func presence(_ context.Context, b *Book) ([]byte, error) {
	mark := func(there bool) byte {
		if there {
			return 0x8F
		}
		return 0x00
	}
	return []byte{mark(b.wants(signCert)), mark(b.wants(authCert)), 0x00}, nil
}

// residentCode is ours: the EF and its form are not public.
func residentCode(_ context.Context, b *Book) ([]byte, error) {
	return append(tlv.Append(nil, 0xFF10, []byte(b.person.ResidentCode)), 0xFF, 0xFF), nil
}

// manufacture is record 1 of the common AP: serial, municipality, expiry as one
// simple TLV (card fact sheet, 2.5).
func manufacture(_ context.Context, b *Book) ([]byte, error) {
	return tlv.AppendSimple(nil, 0x01, []byte(b.serial), []byte(b.person.Municipality), []byte(b.person.Expiry)), nil
}

// seal signs SHA-256 of message for an application.
func (b *Book) seal(ctx context.Context, s pki.Sealing, message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	return b.sealer.Seal(ctx, s, pki.DigestInfoSHA256(sum[:]))
}

// long encodes with the length form 82 hh ll, which cards show also below 256 bytes, for
// every object of 128 bytes and more, and with the short form below: one form each
// throughout a card (card fact sheet, 2.2).
func long(tag tlv.Tag, value []byte) []byte {
	if len(value) < 128 {
		return tlv.Append(nil, tag, value)
	}
	return tlv.AppendLong(nil, tag, value)
}

// offsets fills an object of n offsets in front of the others: each tells where
// the next object begins, counted from the start of the file.
func offsets(outer, tag tlv.Tag, objects [][]byte) []byte {
	table := make([]byte, 2*len(objects))
	head := tlv.Append(nil, tag, table)
	total := len(head)
	for _, o := range objects {
		total += len(o)
	}
	at := len(long(outer, make([]byte, total))) - total + len(head)
	for i, o := range objects {
		binary.BigEndian.PutUint16(table[2*i:], uint16(at))
		at += len(o)
	}
	value := tlv.Append(nil, tag, table)
	for _, o := range objects {
		value = append(value, o...)
	}
	return long(outer, value)
}
