package content

import (
	"context"
	"crypto/sha256"
	"fmt"

	"jukicard/apdu/tlv"
	"jukicard/pki"
)

// textNumber is EF 0001 of 券面事項入力補助AP: 17 bytes, filler included, because
// the digest in EF 0003 counts the filler too.
func textNumber(_ context.Context, b *Book, _ place) ([]byte, error) {
	return append(tlv.Append(nil, 0xFF10, []byte(b.person.MyNumber)), 0xFF, 0xFF), nil
}

// attributeObjects are 氏名, 住所, 生年月日, 性別 as TLVs.
func (b *Book) attributeObjects() [][]byte {
	p := b.person
	return [][]byte{
		long(0xDF22, []byte(p.Name)),
		long(0xDF23, []byte(p.Address)),
		tlv.Append(nil, 0xDF24, []byte(p.Birth)),
		tlv.Append(nil, 0xDF25, []byte(p.Sex)),
	}
}

// textAttributes is EF 0002: FF20 with the offsets in front.
func textAttributes(_ context.Context, b *Book, at place) ([]byte, error) {
	out := offsets(0xFF20, 0xDF21, b.attributeObjects())
	if len(out) > at.file.Size {
		return nil, fmt.Errorf("name and address take %d bytes and the file holds %d; shorten the address", len(out), at.file.Size)
	}
	return out, nil
}

// textSignature is EF 0003: digests of EF 0001 as it lies on the card and of the
// attributes without their offsets, and a signature over both objects.
func textSignature(ctx context.Context, b *Book, at place) ([]byte, error) {
	number, err := textNumber(ctx, b, at)
	if err != nil {
		return nil, err
	}
	var attributes []byte
	for _, o := range b.attributeObjects() {
		attributes = append(attributes, o...)
	}
	sumNumber, sumAttributes := sha256.Sum256(number), sha256.Sum256(attributes)
	signed := tlv.Append(nil, 0xDF31, sumNumber[:])
	signed = tlv.Append(signed, 0xDF32, sumAttributes[:])
	return b.sealed(ctx, pki.TextAP, 0xFF30, signed, 0xDF33)
}

// textKeyCertificate is EF 0007: the public half of the AP's own key and a
// signature over it; what exactly the real one signs is not public, ours is the
// key object.
func textKeyCertificate(ctx context.Context, b *Book, at place) ([]byte, error) {
	key, err := b.publicKey(at)
	if err != nil {
		return nil, err
	}
	return b.sealed(ctx, pki.TextAP, 0xFF50, long(0xDF51, key), 0xDF52)
}

// sealed puts a signature over objects behind them, inside one outer object.
func (b *Book) sealed(ctx context.Context, s pki.Sealing, outer tlv.Tag, objects []byte, signature tlv.Tag) ([]byte, error) {
	sig, err := b.seal(ctx, s, objects)
	if err != nil {
		return nil, err
	}
	return long(outer, append(objects, long(signature, sig)...)), nil
}
