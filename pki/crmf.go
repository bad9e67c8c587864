package pki

import (
	"crypto/x509"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// CertTemplate is what r asks for as the CertTemplate of RFC 4211, section 5, in DER: what
// [Hierarchy.Template] is, in the form in which one program tells another. It holds issuer,
// validity, subject, public key and all extensions, and no serial number, which is the
// authority's. It holds the holder's data.
//
// A PKCS #10 request cannot say all that: validity has no place in it, and the card signs
// it, which must not learn to parse addresses.
func (h Hierarchy) CertTemplate(r Request, ca *x509.Certificate) ([]byte, error) {
	t, err := h.Template(r, ca)
	if err != nil {
		return nil, err
	}
	key, err := x509.MarshalPKIXPublicKey(t.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("cannot build a certificate template: %w", err)
	}
	return encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			// Name is a CHOICE, so its tag is explicit: X.680, 31.2.7.
			b.AddASN1(tagged(3), func(b *cryptobyte.Builder) { b.AddBytes(ca.RawSubject) })
			b.AddASN1(tagged(4), func(b *cryptobyte.Builder) {
				b.AddASN1(tagged(0), func(b *cryptobyte.Builder) { addTime(b, t.NotBefore) })
				b.AddASN1(tagged(1), func(b *cryptobyte.Builder) { addTime(b, t.NotAfter) })
			})
			b.AddASN1(tagged(5), func(b *cryptobyte.Builder) { b.AddBytes(t.RawSubject) })
			b.AddASN1(tagged(6), func(b *cryptobyte.Builder) { b.AddBytes(contents(key)) })
			b.AddASN1(tagged(9), func(b *cryptobyte.Builder) { addExtensions(b, t) })
		})
	}), nil
}

// addTime writes Time, as crypto/x509 does in a certificate (RFC 5280, 4.1.2.5).
func addTime(b *cryptobyte.Builder, at time.Time) {
	if at.Year() >= yearGeneralized {
		b.AddASN1GeneralizedTime(at)
		return
	}
	b.AddASN1UTCTime(at)
}

// tagged is a constructed context-specific tag.
func tagged(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// contents is a SEQUENCE without its own tag and length, for an implicit one.
func contents(der []byte) []byte {
	s := cryptobyte.String(der)
	var inner cryptobyte.String
	if !s.ReadASN1(&inner, cbasn1.SEQUENCE) {
		panic("internal error: the standard library wrote no SEQUENCE")
	}
	return inner
}

// addExtensions writes what stands in Extensions (RFC 5280, 4.1).
func addExtensions(b *cryptobyte.Builder, t *x509.Certificate) {
	for _, e := range t.ExtraExtensions {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(e.Id)
			if e.Critical { // DEFAULT FALSE is left out: X.690, 11.5
				b.AddASN1Boolean(true)
			}
			b.AddASN1OctetString(e.Value)
		})
	}
}
