package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"

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
func (in *inspection) cvKey(ctx context.Context, c *opened, path string) (*rsa.PublicKey, error) {
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

// text checks 券面事項入力補助AP: the seal over number and attributes, and the
// application's own key.
func (in *inspection) text(ctx context.Context, c *opened) error {
	key, err := in.cvKey(ctx, c, "text/cv-cert")
	if err != nil {
		return err
	}
	for _, path := range []string{"text/pin", "text/reference-a", "text/reference-b"} {
		if _, err := in.present(ctx, c, path); err != nil {
			return err
		}
	}
	if err := in.textSeal(ctx, c, key); err != nil {
		return err
	}
	b, err := in.object(ctx, c, "text/card-key-cert")
	if b == nil || err != nil {
		return err
	}
	return in.textKey(ctx, c, b, key)
}

// textSeal compares EF 0003 with what it seals: the number's file as it lies on the
// card, filler and all, and the attributes without their offsets.
func (in *inspection) textSeal(ctx context.Context, c *opened, key *rsa.PublicKey) error {
	seal, err := in.object(ctx, c, "text/signature")
	if seal == nil || err != nil {
		return err
	}
	number, errNumber := c.ReadAll(ctx, "text/number")
	attributes, errAttributes := c.ReadObject(ctx, "text/attributes")
	defer clear(number)
	defer clear(attributes)
	if err := errors.Join(fatal(errNumber), fatal(errAttributes)); err != nil {
		return err
	}
	if errNumber != nil || errAttributes != nil {
		in.add(resultNotRead, "text/signature", "the number and the attributes it seals cannot both be read")
		return nil
	}
	in.hold("text/signature", checkTextSeal(seal, number, attributes, key), "it seals 個人番号 and the four attributes as they are on the card")
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
func (in *inspection) textKey(ctx context.Context, c *opened, b []byte, key *rsa.PublicKey) error {
	value, _ := tlv.Find(b, tagKeyCertificate)
	objects := objectsOf(value)
	pub, err := pki.ParsePublicKeyObject(objects.value(tagCardKey))
	if err != nil {
		in.add(resultFailed, "text/card-key-cert", "it holds no public key")
		return nil
	}
	if err := sealed(objects.before(tagKeySignature), objects.value(tagKeySignature), key); err != nil {
		in.add(resultNotRead, "text/card-key-cert", "%v; what a real card signs here is not public", err)
	} else {
		in.add(resultOK, "text/card-key-cert", "sealed by the key of text/cv-cert")
	}
	return in.challenge(ctx, c, "text/card-key", pub, "it is the key of text/card-key-cert")
}

// surface checks 券面事項確認AP: the seal over the face, and the application's key.
func (in *inspection) surface(ctx context.Context, c *opened) error {
	key, err := in.cvKey(ctx, c, "surface/cv-cert")
	if err != nil {
		return err
	}
	for _, path := range []string{"surface/reference-a", "surface/reference-b"} {
		if _, err := in.present(ctx, c, path); err != nil {
			return err
		}
	}
	b, err := in.object(ctx, c, "surface/face")
	defer clear(b)
	if b == nil || err != nil {
		return err
	}
	value, _ := tlv.Find(b, tagAttributes)
	objects := objectsOf(value)
	in.hold("surface/face", checkFace(objects, key), "birth, sex, key, name, address and photo are as they were sealed")
	pub, err := pki.ParsePublicKeyObject(objects.value(tagFaceKey))
	if err != nil {
		in.add(resultFailed, "surface/card-key", "the face holds no public key")
		return nil
	}
	return in.challenge(ctx, c, "surface/card-key", pub, "it is the key that the face names")
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
