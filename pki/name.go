package pki

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Attribute types of distinguished names (X.520), as far as JPKI uses them.
var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidCountry      = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidLocality     = asn1.ObjectIdentifier{2, 5, 4, 7}
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidUnit         = asn1.ObjectIdentifier{2, 5, 4, 11}
)

// attribute is one relative distinguished name; JPKI never puts two into one set.
type attribute struct {
	oid   asn1.ObjectIdentifier
	value string
}

// name is a distinguished name in the order it is encoded. The standard
// library's pkix.Name cannot be used: it sorts attributes by type, which tears
// the two L apart from their order, and chooses PrintableString where JPKI
// writes UTF8String.
type name []attribute

// japan begins every JPKI name.
func japan(rest ...attribute) name {
	return append(name{{oidCountry, "JP"}}, rest...)
}

// add encodes the name: the country as PrintableString (RFC 5280, appendix A.1,
// X520countryName), all else as UTF8String (card fact sheet, 6.1 and 6.2).
func (n name) add(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, a := range n {
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, a.add)
			})
		}
	})
}

func (a attribute) add(b *cryptobyte.Builder) {
	tag := cbasn1.UTF8String
	if a.oid.Equal(oidCountry) {
		tag = cbasn1.PrintableString
	}
	b.AddASN1ObjectIdentifier(a.oid)
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.value)) })
}

// der is the encoding of the whole name.
func (n name) der() []byte { return encode(n.add) }

// addDirectoryName encodes the name as GeneralName [4], explicit because Name is
// a CHOICE (RFC 5280, 4.2.1.6; ITU-T X.680, 31.2.7).
func (n name) addDirectoryName(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.Tag(4).ContextSpecific().Constructed(), n.add)
}

// encode runs a builder. Everything encoded here was checked for length before,
// so a failure is a fault of this program.
func encode(f func(*cryptobyte.Builder)) []byte {
	b := cryptobyte.NewBuilder(nil)
	f(b)
	out, err := b.Bytes()
	if err != nil {
		panic("internal error: cannot encode DER: " + err.Error())
	}
	return out
}
