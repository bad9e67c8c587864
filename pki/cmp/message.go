package cmp

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// kind is the alternative of PKIBody (RFC 9810, 5.1.2).
type kind uint8

const (
	kindIR       kind = 0
	kindIP       kind = 1
	kindCP       kind = 3
	kindP10CR    kind = 4
	kindRR       kind = 11
	kindRP       kind = 12
	kindPKIConf  kind = 19
	kindError    kind = 23
	kindCertConf kind = 24
	kindPollReq  kind = 25
	kindPollRep  kind = 26
)

// Object identifiers of the header (RFC 9810, 5.1.1 and appendix F; RFC 9480).
var (
	oidImplicitConfirm = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 4, 13}
	oidCertReqTemplate = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 4, 19}
)

const (
	version    = 2       // cmp2000, which every server knows; nothing of cmp2021 is sent
	versionMax = 3       // cmp2021 (RFC 9480, 2.20); RFC 9483, 3.5 takes these two
	messageMax = 1 << 20 // bytes of a message that is read
	extraMax   = 16      // certificates beside a message
	nonceSize  = 16      // bytes (RFC 9810, 5.1.1: 128 bits)
)

// information is one InfoTypeAndValue of generalInfo.
type information struct {
	id    asn1.ObjectIdentifier
	value []byte // DER; nil for NULL
}

// header is PKIHeader as far as it is used (RFC 9810, 5.1.1).
type header struct {
	sender, recipient       []byte // GeneralName in DER
	algorithm               []byte // AlgorithmIdentifier of the protection in DER; nil for none
	keyID                   []byte // senderKID
	transaction             []byte
	senderNonce, recipNonce []byte
	general                 []information
	time                    time.Time // messageTime; the zero value is left out
}

// message is PKIMessage (RFC 9810, 5.1).
type message struct {
	header
	kind       kind
	body       []byte // what stands within the tag of its kind, in DER
	protected  []byte // ProtectedPart as it came, to be verified; set by parse
	protection []byte
	extra      []*x509.Certificate

	request int    // the certReqId that a pollReq asks for
	first   []byte // our nonce in the message that asked, where this one asks on
}

func tagged(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// encode runs a builder over what this package checked, so that a failure is its own fault.
func encode(f func(b *cryptobyte.Builder)) []byte {
	b := cryptobyte.NewBuilder(nil)
	f(b)
	out, err := b.Bytes()
	if err != nil {
		panic("internal error: cannot encode a CMP message: " + err.Error())
	}
	return out
}

// sequence is a SEQUENCE of what f writes.
func sequence(b *cryptobyte.Builder, f func(b *cryptobyte.Builder)) { b.AddASN1(cbasn1.SEQUENCE, f) }

// directoryName is GeneralName [4] of a Name in DER (RFC 5280, 4.2.1.6).
func directoryName(name []byte) []byte {
	return encode(func(b *cryptobyte.Builder) { b.AddASN1(tagged(4), func(b *cryptobyte.Builder) { b.AddBytes(name) }) })
}

// add writes the header. Every tag of the CMP module is explicit.
func (h header) add(b *cryptobyte.Builder) {
	sequence(b, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(version)
		b.AddBytes(h.sender)
		b.AddBytes(h.recipient)
		if !h.time.IsZero() {
			b.AddASN1(tagged(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(h.time.UTC()) })
		}
		if h.algorithm != nil {
			b.AddASN1(tagged(1), func(b *cryptobyte.Builder) { b.AddBytes(h.algorithm) })
		}
		addOctets(b, 2, h.keyID)
		addOctets(b, 4, h.transaction)
		addOctets(b, 5, h.senderNonce)
		addOctets(b, 6, h.recipNonce)
		if len(h.general) > 0 {
			b.AddASN1(tagged(8), func(b *cryptobyte.Builder) { sequence(b, h.addGeneral) })
		}
	})
}

func addOctets(b *cryptobyte.Builder, tag uint8, octets []byte) {
	if octets != nil {
		b.AddASN1(tagged(tag), func(b *cryptobyte.Builder) { b.AddASN1OctetString(octets) })
	}
}

func (h header) addGeneral(b *cryptobyte.Builder) {
	for _, one := range h.general {
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(one.id)
			if one.value == nil {
				b.AddASN1NULL()
				return
			}
			b.AddBytes(one.value)
		})
	}
}

// protectedPart is what the protection is made over (RFC 9810, 5.1.3).
func (m *message) protectedPart() []byte {
	return encode(func(b *cryptobyte.Builder) { sequence(b, m.addProtected) })
}

func (m *message) addProtected(b *cryptobyte.Builder) {
	m.add(b)
	b.AddASN1(tagged(uint8(m.kind)), func(b *cryptobyte.Builder) { b.AddBytes(m.body) })
}

// der is the whole message.
func (m *message) der() []byte {
	return encode(func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			m.addProtected(b)
			if m.protection != nil {
				b.AddASN1(tagged(0), func(b *cryptobyte.Builder) { b.AddASN1BitString(m.protection) })
			}
			if len(m.extra) > 0 {
				b.AddASN1(tagged(1), func(b *cryptobyte.Builder) {
					sequence(b, func(b *cryptobyte.Builder) {
						for _, c := range m.extra {
							b.AddBytes(c.Raw)
						}
					})
				})
			}
		})
	})
}

var errMessage = errors.New("want a CMP message (RFC 9810, 5.1), got something else")

// parse reads one message in DER. That its protection is right is for verify to say.
func parse(der []byte) (*message, error) {
	if len(der) > messageMax {
		return nil, fmt.Errorf("want a CMP message of at most %d bytes", messageMax)
	}
	input := cryptobyte.String(der)
	var all, head, body cryptobyte.String
	if !input.ReadASN1(&all, cbasn1.SEQUENCE) || !input.Empty() || !all.ReadASN1Element(&head, cbasn1.SEQUENCE) {
		return nil, errMessage
	}
	m := new(message)
	if err := m.parseHeader(head); err != nil {
		return nil, err
	}
	var tag cbasn1.Tag
	rest := all
	if !rest.ReadAnyASN1Element(&body, &tag) || tag&0xE0 != 0xA0 {
		return nil, errMessage
	}
	m.protected = encode(func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) { b.AddBytes(head); b.AddBytes(body) })
	})
	m.kind = kind(tag & 0x1F)
	var inner cryptobyte.String
	if !body.ReadASN1(&inner, tag) {
		return nil, errMessage
	}
	m.body = inner
	return m, m.parseEnd(rest)
}

// parseHeader takes what is used of the header and passes over the rest.
func (m *message) parseHeader(der cryptobyte.String) error {
	var h, sender, recipient cryptobyte.String
	var tag cbasn1.Tag
	var pvno int
	if !der.ReadASN1(&h, cbasn1.SEQUENCE) || !h.ReadASN1Integer(&pvno) || pvno < version || pvno > versionMax ||
		!h.ReadAnyASN1Element(&sender, &tag) || !h.ReadAnyASN1Element(&recipient, &tag) || !readTime(&h, &m.time) {
		return errMessage
	}
	m.sender, m.recipient = sender, recipient
	var algorithm, element cryptobyte.String
	var present bool
	if !h.ReadOptionalASN1(&algorithm, &present, tagged(1)) {
		return errMessage
	}
	if present {
		if !algorithm.ReadASN1Element(&element, cbasn1.SEQUENCE) || !algorithm.Empty() {
			return errMessage
		}
		m.algorithm = element
	}
	var recipientKey []byte
	for _, f := range []struct {
		tag uint8
		to  *[]byte
	}{{2, &m.keyID}, {3, &recipientKey}, {4, &m.transaction}, {5, &m.senderNonce}, {6, &m.recipNonce}} {
		if !readOctets(&h, f.tag, f.to) {
			return errMessage
		}
	}
	return m.parseGeneral(h)
}

// readTime takes messageTime, where there is one.
func readTime(s *cryptobyte.String, at *time.Time) bool {
	var explicit cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&explicit, &present, tagged(0)) {
		return false
	}
	return !present || explicit.ReadASN1GeneralizedTime(at) && explicit.Empty()
}

func readOctets(s *cryptobyte.String, tag uint8, out *[]byte) bool {
	var explicit, octets cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&explicit, &present, tagged(tag)) {
		return false
	}
	if !present {
		return true
	}
	if !explicit.ReadASN1(&octets, cbasn1.OCTET_STRING) || !explicit.Empty() || len(octets) > 1024 {
		return false
	}
	*out = octets
	return true
}

// readList takes an explicitly tagged SEQUENCE OF that may be left out; nil when it is.
func readList(from *cryptobyte.String, tag cbasn1.Tag) (list cryptobyte.String, ok bool) {
	var explicit cryptobyte.String
	var present bool
	if !from.ReadOptionalASN1(&explicit, &present, tag) {
		return nil, false
	}
	return list, !present || explicit.ReadASN1(&list, cbasn1.SEQUENCE) && explicit.Empty()
}

// parseGeneral takes freeText and generalInfo, with which a header ends.
func (m *message) parseGeneral(h cryptobyte.String) error {
	if !h.SkipOptionalASN1(tagged(7)) {
		return errMessage
	}
	list, ok := readList(&h, tagged(8))
	if !ok || !h.Empty() {
		return errMessage
	}
	for !list.Empty() {
		var one cryptobyte.String
		var info information
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&info.id) || len(m.general) >= 32 {
			return errMessage
		}
		info.value = one
		m.general = append(m.general, info)
	}
	return nil
}

// parseEnd takes protection and extraCerts.
func (m *message) parseEnd(rest cryptobyte.String) error {
	var explicit cryptobyte.String
	var present bool
	if !rest.ReadOptionalASN1(&explicit, &present, tagged(0)) {
		return errMessage
	}
	if present {
		var bits asn1.BitString
		if !explicit.ReadASN1BitString(&bits) || !explicit.Empty() || bits.BitLength%8 != 0 {
			return errMessage
		}
		m.protection = bits.Bytes
	}
	list, ok := readList(&rest, tagged(1))
	if !ok || !rest.Empty() {
		return errMessage
	}
	for !list.Empty() {
		var one cryptobyte.String
		if !list.ReadASN1Element(&one, cbasn1.SEQUENCE) || len(m.extra) >= extraMax {
			return errMessage
		}
		cert, err := x509.ParseCertificate(one)
		if err != nil {
			return errors.New("want X.509 certificates beside a CMP message, got something else")
		}
		m.extra = append(m.extra, cert)
	}
	return nil
}

// has says whether generalInfo holds a type.
func (h header) has(id asn1.ObjectIdentifier) bool {
	for _, one := range h.general {
		if one.id.Equal(id) {
			return true
		}
	}
	return false
}
