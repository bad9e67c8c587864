// Package content makes what stands on the chip: from a resident's data, the
// images of the face, the card's own public keys and the authority's
// certificates, the bytes of every EF (card fact sheet, 2.1 to 2.5).
//
// Layouts and tags are what public readers found; where a signature's scope or an
// encrypted value is not public the comment says that it is ours.
package content

import (
	"cmp"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
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
	keys    map[string]crypto.PublicKey
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
		keys: map[string]crypto.PublicKey{}, certs: map[string][]byte{}, made: map[string][]byte{},
	}, nil
}

// SetKey tells a public key of the card.
func (b *Book) SetKey(path string, pub crypto.PublicKey) {
	if old, ok := b.keys[path].(interface{ Equal(crypto.PublicKey) bool }); !ok || !old.Equal(pub) {
		clear(b.made)
	}
	b.keys[path] = pub
}

// Key is a public key that was told; nil when none was.
func (b *Book) Key(path string) crypto.PublicKey { return b.keys[path] }

// SetCertificate tells a certificate that was issued.
func (b *Book) SetCertificate(path string, der []byte) {
	b.certs[path] = der
	delete(b.made, path)
}

// place is where a content stands: in a file of an application, or in a data object of
// the issuer domain, which has neither.
type place struct {
	path string
	app  *profile.Application
	file *profile.File
}

// maker makes the content of a place.
type maker func(ctx context.Context, b *Book, at place) ([]byte, error)

// recipe is how a kind of content is made, and whether the application's own key stands
// in it, which then has to be read before.
type recipe struct {
	make maker
	key  bool
}

// recipes by the name a profile's file asks for; a file that names none asks by its own
// path, and a data object always does. Certificates of the card's keys are none: the
// profile says which files hold them.
var recipes = map[string]recipe{
	"jpki/sign-ca":        {make: caCertificate(pki.Signature)},
	"jpki/presence":       {make: presence},
	"jpki/auth-ca":        {make: caCertificate(pki.Authentication)},
	"surface/birth":       {make: surfaceBirth, key: true},
	"surface/face":        {make: surfaceFace, key: true},
	"surface/basic":       {make: surfaceBasic},
	"surface/cv-cert":     {make: cvCertificate(pki.SurfaceAP)},
	"surface/number":      {make: surfaceNumber, key: true},
	"text/number":         {make: textNumber},
	"text/attributes":     {make: textAttributes},
	"text/signature":      {make: textSignature},
	"text/cv-cert":        {make: cvCertificate(pki.TextAP)},
	"text/card-key-cert":  {make: textKeyCertificate, key: true},
	"resident/code":       {make: residentCode},
	"common/manufacture":  {make: manufacture},
	"domain/municipality": {make: func(_ context.Context, b *Book, _ place) ([]byte, error) { return []byte(b.person.Municipality), nil }},
	"domain/expiry":       {make: func(_ context.Context, b *Book, _ place) ([]byte, error) { return []byte(b.person.Expiry), nil }},
}

// places are all that the profile has written at issue, in its order, the domain last.
func (b *Book) places() []place {
	var all []place
	for i := range b.profile.Applications {
		a := &b.profile.Applications[i]
		for j := range a.Files {
			if slices.Contains(a.Files[j].Write, "channel") {
				all = append(all, place{a.Name + "/" + a.Files[j].Name, a, &a.Files[j]})
			}
		}
	}
	for _, o := range b.profile.Domain.Objects {
		if slices.Contains(o.Write, "channel") {
			all = append(all, place{path: plan.Domain + "/" + o.Name})
		}
	}
	return all
}

// purpose says for what the file holds a certificate; ok is false for one that holds none.
func (at place) purpose() (p pki.Purpose, ok bool) {
	if at.app == nil {
		return "", false
	}
	i := slices.IndexFunc(at.app.Keys, func(k profile.Key) bool { return k.Certificate == at.file.Name })
	if i < 0 {
		return "", false
	}
	return pki.Purpose(at.app.Keys[i].Purpose), true
}

// ownKey is the path of the key the application itself signs with.
func (at place) ownKey() string {
	for _, k := range at.app.Keys {
		if k.Default {
			return at.app.Name + "/" + k.Name
		}
	}
	return ""
}

// recipe is how the place's content is made.
func (at place) recipe() (recipe, error) {
	if _, ok := at.purpose(); ok {
		return recipe{make: certificate}, nil
	}
	name := at.path
	if at.file != nil {
		name = cmp.Or(at.file.Recipe, name)
	}
	r, ok := recipes[name]
	if !ok || r.key && at.ownKey() == "" {
		return recipe{}, fmt.Errorf("cannot make content for %q: nothing is known of it", at.path)
	}
	return r, nil
}

// after is the step that the content waits for; empty for none.
func (at place) after(r recipe) string {
	if _, ok := at.purpose(); ok {
		return plan.StepID(plan.Certify, at.path)
	}
	if r.key {
		return plan.StepID(plan.ReadKey, at.ownKey())
	}
	return ""
}

// Bytes is the content of that name, made once; it must not be changed. ErrLater says
// that it waits for a key or a certificate.
func (b *Book) Bytes(ctx context.Context, path string) ([]byte, error) {
	for _, at := range b.places() {
		if at.path == path {
			return b.bytes(ctx, at)
		}
	}
	return nil, fmt.Errorf("cannot make content for %q: nothing is known of it", path)
}

func (b *Book) bytes(ctx context.Context, at place) ([]byte, error) {
	if made, ok := b.made[at.path]; ok {
		return made, nil
	}
	r, err := at.recipe()
	if err != nil {
		return nil, err
	}
	made, err := r.make(ctx, b, at)
	if err == nil {
		b.made[at.path] = made
	}
	return made, err
}

// Wanted lists what the card shall hold, with lengths and, where nothing is
// awaited, keyed digests.
func (b *Book) Wanted(ctx context.Context, digestKey []byte) (files, objects []plan.Content, err error) {
	for _, at := range b.places() {
		if !b.wants(at) {
			continue
		}
		c, err := b.measure(ctx, at, digestKey)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot make content for %s: %w", at.path, err)
		}
		if at.file != nil {
			files = append(files, c)
		} else {
			objects = append(objects, c)
		}
	}
	return files, objects, nil
}

// wants says whether this card carries the content at all.
func (b *Book) wants(at place) bool {
	p, certificate := at.purpose()
	wished := !certificate || p == pki.Signature && b.with.Signature || p == pki.Authentication && b.with.Authentication
	return wished && !b.product.Omits(at.path)
}

// measure gives the length, with stand-ins of the same length for what is awaited.
func (b *Book) measure(ctx context.Context, at place, digestKey []byte) (plan.Content, error) {
	r, err := at.recipe()
	if err != nil {
		return plan.Content{}, err
	}
	c := plan.Content{On: at.path, After: at.after(r)}
	made, err := b.bytes(ctx, at)
	switch {
	case err == nil:
		c.Length, c.Digest = len(made), plan.Digest(digestKey, made)
		return c, nil
	case !errors.Is(err, ErrLater):
		return c, err
	}
	if n, ok := b.sizes[at.path]; ok {
		c.Length = n
		return c, nil
	}
	stand := *b
	stand.keys, stand.sealer = standIns(b.profile), standSealer{b.sealer}
	made, err = r.make(ctx, &stand, at)
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

// publicKey is the object of the application's own key.
func (b *Book) publicKey(at place) ([]byte, error) {
	pub := b.keys[at.ownKey()]
	if pub == nil {
		return nil, ErrLater
	}
	return keyObject(pub)
}

func certificate(_ context.Context, b *Book, at place) ([]byte, error) {
	if der := b.certs[at.path]; der != nil {
		return der, nil
	}
	return nil, ErrLater
}

func caCertificate(p pki.Purpose) maker {
	return func(_ context.Context, b *Book, _ place) ([]byte, error) {
		if ca := b.ca[p]; ca != nil {
			return ca.Raw, nil
		}
		return nil, fmt.Errorf("cannot make the CA certificate for %s: the authority gave none", p)
	}
}

func cvCertificate(s pki.Sealing) maker {
	return func(ctx context.Context, b *Book, _ place) ([]byte, error) { return b.sealer.CVCertificate(ctx, s) }
}

// presence is EF 0008: 8F where a certificate is there, 00 where not; the third
// byte is 00 on the cards seen (card fact sheet, 2.1).
func presence(_ context.Context, b *Book, _ place) ([]byte, error) {
	marks := []byte{0x00, 0x00, 0x00}
	for _, at := range b.places() {
		if p, ok := at.purpose(); ok && b.wants(at) {
			marks[slices.Index([]pki.Purpose{pki.Signature, pki.Authentication}, p)] = 0x8F
		}
	}
	return marks, nil
}

// residentCode is ours: the EF and its form are not public.
func residentCode(_ context.Context, b *Book, _ place) ([]byte, error) {
	return append(tlv.Append(nil, 0xFF10, []byte(b.person.ResidentCode)), 0xFF, 0xFF), nil
}

// manufacture is record 1 of the common AP: serial, municipality, expiry as one
// simple TLV (card fact sheet, 2.5).
func manufacture(_ context.Context, b *Book, _ place) ([]byte, error) {
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
