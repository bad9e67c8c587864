package content

import (
	"context"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"slices"

	"jukicard/apdu/tlv"
	"jukicard/pki"
)

// surfaceBirth is EF 0001 of 券面事項確認AP: birth date, card key, signature; that
// the signature covers the two objects before it is ours.
func surfaceBirth(ctx context.Context, b *Book, at place) ([]byte, error) {
	key, err := b.publicKey(at)
	if err != nil {
		return nil, err
	}
	objects := tlv.Append(nil, 0xDF11, []byte(b.person.Birth))
	objects = append(objects, long(0xDF12, key)...)
	return b.sealed(ctx, pki.SurfaceAP, 0xFF10, objects, 0xDF13)
}

// surfaceFace is EF 0002, the face itself (card fact sheet, 2.3).
func surfaceFace(ctx context.Context, b *Book, at place) ([]byte, error) {
	key, err := b.publicKey(at)
	if err != nil {
		return nil, err
	}
	p := b.person
	holder := [][]byte{tlv.Append(nil, 0xDF22, []byte(p.Birth)), tlv.Append(nil, 0xDF23, []byte(p.Sex)), long(0xDF24, key)}
	pictures := [][]byte{long(0xDF25, b.images.Name), long(0xDF26, b.images.Address)}
	photo := [][]byte{long(0xDF27, b.images.Photo)}
	sig, err := b.sealer.Seal(ctx, pki.SurfaceAP, faceDigestInfo(holder, pictures, photo))
	if err != nil {
		return nil, err
	}
	objects := slices.Concat(holder, pictures, photo, [][]byte{
		long(0xDF28, sig), tlv.Append(nil, 0xDF29, []byte(p.Expiry)), long(0xDF2A, b.images.SecurityCode),
	})
	out := offsets(0xFF20, 0xDF21, objects)
	if len(out) > at.file.Size {
		return nil, fmt.Errorf("the face takes %d bytes and the file holds %d; hand in a smaller photo", len(out), at.file.Size)
	}
	return out, nil
}

// faceDigestInfo is the odd DigestInfo that DF28 signs: the OID of SHA-256 with
// 96 bytes, one digest for each group of objects (card fact sheet, 2.3).
func faceDigestInfo(groups ...[][]byte) []byte {
	var digest []byte
	for _, g := range groups {
		sum := sha256.Sum256(slices.Concat(g...))
		digest = append(digest, sum[:]...)
	}
	type algorithm struct {
		OID        asn1.ObjectIdentifier
		Parameters asn1.RawValue
	}
	info, err := asn1.Marshal(struct {
		Algorithm algorithm
		Digest    []byte
	}{algorithm{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, asn1.NullRawValue}, digest})
	if err != nil {
		panic("internal error: cannot encode DigestInfo: " + err.Error())
	}
	return info
}

// surfaceBasic is EF 0003: versions, key id, municipality and DF35, the encrypted
// 照合番号. Under which key the real one is encrypted is not public; ours is made
// with the job and opens for nobody but the sealer's key.
func surfaceBasic(ctx context.Context, b *Book, _ place) ([]byte, error) {
	cv, err := b.sealer.CVCertificate(ctx, pki.SurfaceAP)
	if err != nil {
		return nil, err
	}
	parsed, err := pki.ParseCVCertificate(cv)
	if err != nil {
		return nil, err
	}
	if len(b.person.SealedReference) != 256 {
		return nil, fmt.Errorf("the encrypted 照合番号 has %d bytes, 256 are wanted", len(b.person.SealedReference))
	}
	value := tlv.Append(nil, 0xDF31, []byte{0x06, 0x03, 0x0E, 0x01})
	value = tlv.Append(value, 0xDF32, parsed.Subject[:])
	value = tlv.Append(value, 0xDF33, []byte{0x01})
	value = tlv.Append(value, 0xDF34, []byte(b.person.Municipality))
	value = append(value, long(0xDF35, append(parsed.Subject[:], b.person.SealedReference...))...)
	return long(0xFF30, value), nil
}

// surfaceNumber is EF 0005: the picture of 個人番号, card key, signature over both
// (its scope is ours).
func surfaceNumber(ctx context.Context, b *Book, at place) ([]byte, error) {
	key, err := b.publicKey(at)
	if err != nil {
		return nil, err
	}
	objects := append(long(0xDF41, b.images.MyNumber), long(0xDF42, key)...)
	return b.sealed(ctx, pki.SurfaceAP, 0xFF40, objects, 0xDF43)
}
