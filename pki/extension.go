package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Certificate extensions (RFC 5280, 4.2.1).
var (
	oidSubjectKeyID     = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidSubjectAltName   = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidIssuerAltName    = asn1.ObjectIdentifier{2, 5, 29, 18}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidCRLPoints        = asn1.ObjectIdentifier{2, 5, 29, 31}
	oidPolicies         = asn1.ObjectIdentifier{2, 5, 29, 32}
	oidAuthorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}

	oidQualifierCPS = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 2, 1} // RFC 5280, 4.2.1.4
)

// otherName is one of the six holder values in subjectAltName
// 1.2.392.200149.8.5.5.x (card fact sheet, 6.2).
type otherName struct {
	arc   int
	field string
	value func(*Holder) *string
}

// otherNames are in the order of the real certificates: .1 .4 .3 .5 .2 .6.
var otherNames = [...]otherName{
	{1, "name", func(h *Holder) *string { return &h.Name }},
	{4, "birth", func(h *Holder) *string { return &h.Birth }},
	{3, "sex", func(h *Holder) *string { return &h.Sex }},
	{5, "address", func(h *Holder) *string { return &h.Address }},
	{2, "substitution in the name", func(h *Holder) *string { return &h.NameSubstituted }},
	{6, "substitution in the address", func(h *Holder) *string { return &h.AddressSubstituted }},
}

func (o otherName) oid() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 392, 200149, 8, 5, 5, o.arc}
}

// extKeyUsage is critical; the bits are 0x80 digitalSignature, 0x40
// nonRepudiation, 0x04 keyCertSign, 0x02 cRLSign (RFC 5280, 4.2.1.3).
func extKeyUsage(bits byte) pkix.Extension {
	unused := 0
	for bits>>unused&1 == 0 { // DER drops trailing zero bits: X.690, 11.2.2
		unused++
	}
	return pkix.Extension{Id: oidKeyUsage, Critical: true, Value: encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) { b.AddBytes([]byte{byte(unused), bits}) })
	})}
}

// keyUsageBits of an end entity: 署名用 C0, 利用者証明用 80 (issuance rules sheet, 5.4).
func keyUsageBits(p Purpose) byte {
	if p == Signature {
		return 0xC0
	}
	return 0x80
}

// extCA is basicConstraints 30 03 01 01 FF: a CA without a path length.
func extCA() pkix.Extension {
	return pkix.Extension{Id: oidBasicConstraints, Critical: true, Value: encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Boolean(true) })
	})}
}

// extAltName is subjectAltName or issuerAltName with one directory name.
func extAltName(id asn1.ObjectIdentifier, n name) pkix.Extension {
	return pkix.Extension{Id: id, Value: encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, n.addDirectoryName)
	})}
}

// extHolder is subjectAltName of a 署名用 certificate: six otherName, each
// A0{OID, A0{UTF8String}} (RFC 5280, 4.2.1.6).
func extHolder(h Holder) pkix.Extension {
	tag0 := cbasn1.Tag(0).ContextSpecific().Constructed()
	return pkix.Extension{Id: oidSubjectAltName, Value: encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, o := range otherNames {
				b.AddASN1(tag0, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(o.oid())
					b.AddASN1(tag0, func(b *cryptobyte.Builder) {
						b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(*o.value(&h))) })
					})
				})
			}
		})
	})}
}

// extCRLPoint is one distribution point with a directory name:
// 30{30{A0{A0{A4{Name}}}}} (RFC 5280, 4.2.1.13).
func extCRLPoint(n name) pkix.Extension {
	tag0 := cbasn1.Tag(0).ContextSpecific().Constructed()
	return pkix.Extension{Id: oidCRLPoints, Value: encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddASN1(tag0, n.addDirectoryName) })
			})
		})
	})}
}

// extPolicy is certificatePolicies, critical, with a CPS address (RFC 5280, 4.2.1.4).
func extPolicy(policy x509.OID, cps string) pkix.Extension {
	content, err := policy.MarshalBinary()
	if err != nil {
		panic("internal error: cannot encode a parsed object identifier: " + err.Error())
	}
	return pkix.Extension{Id: oidPolicies, Critical: true, Value: encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(content) })
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(oidQualifierCPS)
						b.AddASN1(cbasn1.IA5String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(cps)) })
					})
				})
			})
		})
	})}
}

// extAuthorityKeyID names the CA's key and nothing else; whether the real one
// adds issuer and serial is not public (RFC 5280, 4.2.1.1).
func extAuthorityKeyID(id []byte) pkix.Extension {
	return pkix.Extension{Id: oidAuthorityKeyID, Value: encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(id) })
		})
	})}
}

// extSubjectKeyID names the key that is certified (RFC 5280, 4.2.1.2).
func extSubjectKeyID(pub crypto.PublicKey) pkix.Extension {
	return pkix.Extension{Id: oidSubjectKeyID, Value: encode(func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(keyID(pub))
	})}
}
