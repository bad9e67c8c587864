package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"

	"jukicard/apdu/profile"
	"jukicard/apdu/tlv"
	"jukicard/pki"
)

// Tags of the data in the two 券面 applications (card fact sheet, 2.2 and 2.3).
const (
	tagAttributes      tlv.Tag = 0xFF20
	tagOffsets         tlv.Tag = 0xDF21
	tagTextSeal        tlv.Tag = 0xFF30
	tagNumberDigest    tlv.Tag = 0xDF31
	tagAttributeDigest tlv.Tag = 0xDF32
	tagTextSignature   tlv.Tag = 0xDF33
	tagKeyCertificate  tlv.Tag = 0xFF50
	tagCardKey         tlv.Tag = 0xDF51
	tagKeySignature    tlv.Tag = 0xDF52
	tagFaceKey         tlv.Tag = 0xDF24
	tagFaceName        tlv.Tag = 0xDF25
	tagFacePhoto       tlv.Tag = 0xDF27
	tagFaceSignature   tlv.Tag = 0xDF28
)

// cvKey reads the certificate of the key that seals an application's data.
func (in *inspection) cvKey(ctx context.Context, c *opened, recipe string) (*rsa.PublicKey, error) {
	path, ok := c.Profile().Made(recipe)
	if !ok {
		return nil, nil
	}
	b, err := in.object(ctx, c, path)
	if b == nil || err != nil {
		return nil, err
	}
	cert, err := pki.ParseCVCertificate(b)
	if err != nil {
		in.add(resultFailed, path, "%v", err)
		return nil, nil
	}
	in.add(resultOK, path, "key %s under %s; the key above is not on the card, so this signature is not checked", cert.Subject, cert.Issuer)
	return cert.PublicKey, nil
}

// text checks the data of 券面事項入力補助: the seal over number and attributes, and the
// application's own key where it has one.
func (in *inspection) text(ctx context.Context, c *opened) error {
	key, err := in.cvKey(ctx, c, "text/cv-cert")
	if err != nil {
		return err
	}
	if err := in.presentAll(ctx, c, "text/signature", "text/number", "text/attributes", "text/card-key-cert"); err != nil {
		return err
	}
	if err := in.textSeal(ctx, c, key); err != nil {
		return err
	}
	path, ok := c.Profile().Made("text/card-key-cert")
	if !ok {
		return nil
	}
	b, err := in.object(ctx, c, path)
	if b == nil || err != nil {
		return err
	}
	return in.textKey(ctx, c, path, b, key)
}

// textSeal compares the seal with what it is over: the number's file as it lies on the
// card, filler and all, and the attributes without their offsets.
func (in *inspection) textSeal(ctx context.Context, c *opened, key *rsa.PublicKey) error {
	path, hasSeal := c.Profile().Made("text/signature")
	numberPath, hasNumber := c.Profile().Made("text/number")
	attributesPath, hasAttributes := c.Profile().Made("text/attributes")
	if !hasSeal || !hasNumber || !hasAttributes {
		return nil
	}
	seal, err := in.object(ctx, c, path)
	if seal == nil || err != nil {
		return err
	}
	number, errNumber := c.ReadAll(ctx, numberPath)
	attributes, errAttributes := c.ReadObject(ctx, attributesPath)
	defer clear(number)
	defer clear(attributes)
	if err := errors.Join(fatal(errNumber), fatal(errAttributes)); err != nil {
		return err
	}
	if errNumber != nil || errAttributes != nil {
		in.add(resultNotRead, path, "the number and the attributes it seals cannot both be read")
		return nil
	}
	in.hold(path, checkTextSeal(seal, number, attributes, key), "it seals 個人番号 and the four attributes as they are on the card")
	return nil
}

func checkTextSeal(seal, number, attributes []byte, key *rsa.PublicKey) error {
	value, _ := tlv.Find(seal, tagTextSeal)
	objects := objectsOf(value)
	sumNumber := sha256.Sum256(number)
	var rest []byte
	all, _ := tlv.Find(attributes, tagAttributes)
	for _, o := range objectsOf(all) {
		if o.tag != tagOffsets {
			rest = append(rest, o.whole...)
		}
	}
	sumAttributes := sha256.Sum256(rest)
	switch {
	case !bytes.Equal(objects.value(tagNumberDigest), sumNumber[:]):
		return errors.New("the digest of 個人番号 is another")
	case !bytes.Equal(objects.value(tagAttributeDigest), sumAttributes[:]):
		return errors.New("the digest of the attributes is another")
	}
	return sealed(objects.before(tagTextSignature), objects.value(tagTextSignature), key)
}

// sealed verifies a signature over SHA-256 of a message under the key of the
// application's CV certificate.
func sealed(message, signature []byte, key *rsa.PublicKey) error {
	sum := sha256.Sum256(message)
	switch {
	case key == nil:
		return errors.New("there is no CV certificate to check its signature with")
	case rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) != nil:
		return errors.New("its signature is not by the key of the CV certificate")
	}
	return nil
}

// textKey checks the application's own key, which signs for anybody. What exactly
// the real signature covers is not public: one that does not fit ours is only told.
func (in *inspection) textKey(ctx context.Context, c *opened, path string, b []byte, key *rsa.PublicKey) error {
	value, _ := tlv.Find(b, tagKeyCertificate)
	objects := objectsOf(value)
	own, kind := ownKey(c.Profile(), path)
	pub, err := parseCardKey(objects.value(tagCardKey), kind)
	if err != nil {
		in.add(resultFailed, path, "it holds no public key")
		return nil
	}
	if err := sealed(objects.before(tagKeySignature), objects.value(tagKeySignature), key); err != nil {
		in.add(resultNotRead, path, "%v; what a real card signs here is not public", err)
	} else {
		cv, _ := c.Profile().Made("text/cv-cert")
		in.add(resultOK, path, "sealed by the key of %s", cv)
	}
	return in.challenge(ctx, c, own, pub, "it is the key of "+path)
}

// surface checks the data of 券面事項確認: the seal over the face, and the application's
// key.
func (in *inspection) surface(ctx context.Context, c *opened) error {
	key, err := in.cvKey(ctx, c, "surface/cv-cert")
	if err != nil {
		return err
	}
	path, ok := c.Profile().Made("surface/face")
	if !ok {
		return nil
	}
	if err := in.presentAll(ctx, c, "surface/face"); err != nil {
		return err
	}
	b, err := in.object(ctx, c, path)
	defer clear(b)
	if b == nil || err != nil {
		return err
	}
	value, _ := tlv.Find(b, tagAttributes)
	objects := objectsOf(value)
	in.hold(path, checkFace(objects, key), "birth, sex, key, name, address and photo are as they were sealed")
	own, kind := ownKey(c.Profile(), path)
	if own == "" {
		return nil
	}
	pub, err := parseCardKey(objects.value(tagFaceKey), kind)
	if err != nil {
		in.add(resultFailed, own, "the face holds no public key")
		return nil
	}
	return in.challenge(ctx, c, own, pub, "it is the key that the face names")
}

// ownKey is the key that the application of a file signs with itself; empty for none.
func ownKey(p *profile.Card, path string) (key string, kind pki.Algorithm) {
	app, _, err := p.File(path)
	if err != nil || app.DefaultKey() == nil {
		return "", ""
	}
	return app.Name + "/" + app.DefaultKey().Name, pki.Algorithm(app.DefaultKey().Type)
}

// tagPoint is that of a public key on a curve (ISO/IEC 7816-8:2021, Table 3).
const tagPoint tlv.Tag = 0x86

// parseCardKey reads a public key of the card's as it stands among the data: that of RSA
// as public readers found it (card fact sheet, 2.3), one on P-384 as ours.
func parseCardKey(b []byte, kind pki.Algorithm) (crypto.PublicKey, error) {
	switch kind {
	case pki.RSA2048:
		return pki.ParsePublicKeyObject(b)
	case pki.P384:
		point, _ := tlv.Find(b, tagPoint)
		return ecdsa.ParseUncompressedPublicKey(elliptic.P384(), point)
	}
	return nil, fmt.Errorf("cannot read a key of the kind %q", kind)
}

// checkFace verifies the odd signature of the face: three SHA-256 digests under one
// DigestInfo (card fact sheet, 2.3).
func checkFace(objects objects, key *rsa.PublicKey) error {
	if key == nil {
		return errors.New("there is no CV certificate to check its signature with")
	}
	photo, signature := objects.from(tagFacePhoto, tagFaceSignature), objects.value(tagFaceSignature)
	holder := objects.from(0, tagFaceName)
	images := objects.from(tagFaceName, tagFacePhoto)
	var digest []byte
	for _, part := range [][]byte{holder, images, photo} {
		sum := sha256.Sum256(part)
		digest = append(digest, sum[:]...)
	}
	// Verifying with no hash compares the padded bytes themselves.
	if rsa.VerifyPKCS1v15(key, 0, append(faceDigestInfo, digest...), signature) != nil {
		return errors.New("its signature is not by the key of the CV certificate over these data")
	}
	return nil
}

// faceDigestInfo is a DigestInfo for SHA-256 up to a digest of 96 bytes (RFC 8017,
// 9.2, note 1, with the lengths of card fact sheet, 2.3).
var faceDigestInfo = []byte{0x30, 0x71, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x60}

// object is one TLV with the bytes it was read from.
type object struct {
	tag          tlv.Tag
	value, whole []byte
}

// objects are the TLVs of a constructed object, in order.
type objects []object

// objectsOf takes the value of a constructed object apart, up to what is no TLV.
func objectsOf(b []byte) objects {
	var all objects
	for rest := tlv.SkipFiller(b); len(rest) > 0; {
		o, after, err := tlv.Next(rest)
		if err != nil {
			return all
		}
		all = append(all, object{o.Tag, o.Value, rest[:len(rest)-len(after)]})
		rest = tlv.SkipFiller(after)
	}
	return all
}

func (all objects) value(tag tlv.Tag) []byte {
	for _, o := range all {
		if o.tag == tag {
			return o.value
		}
	}
	return nil
}

// before is the bytes of the objects in front of a tag.
func (all objects) before(tag tlv.Tag) []byte { return all.from(0, tag) }

// from is the bytes of the objects from one tag (0: behind the offsets, or the
// first) to before another.
func (all objects) from(first, end tlv.Tag) []byte {
	var out []byte
	on := first == 0
	for _, o := range all {
		on = (on || o.tag == first) && o.tag != end
		if on && o.tag != tagOffsets {
			out = append(out, o.whole...)
		}
	}
	return out
}

// String counts the objects; their values are personal.
func (all objects) String() string { return fmt.Sprintf("%d objects", len(all)) }
