package cmp

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"jukicard/pki"
)

// status is PKIStatus (RFC 9810, 5.2.3).
type status int

const (
	statusAccepted  status = 0
	statusGranted   status = 1 // with modifications
	statusRejection status = 2
	statusWaiting   status = 3
)

// Bits of PKIFailureInfo that mean something of their own here.
const (
	failBadCertID     = 4
	failCertRevoked   = 10
	failCertConfirmed = 11
	failInUse         = 21 // transactionIdInUse
	failSystem        = 25 // systemFailure
	failDuplicate     = 26 // duplicateCertReq
)

// failures are the names of PKIFailureInfo's bits (RFC 9810, 5.2.3).
var failures = [...]string{
	"badAlg", "badMessageCheck", "badRequest", "badTime", "badCertId", "badDataFormat", "wrongAuthority", "incorrectData",
	"missingTimeStamp", "badPOP", "certRevoked", "certConfirmed", "wrongIntegrity", "badRecipientNonce", "timeNotAvailable",
	"unacceptedPolicy", "unacceptedExtension", "addInfoNotAvailable", "badSenderNonce", "badCertTemplate", "signerNotTrusted",
	"transactionIdInUse", "unsupportedVersion", "notAuthorized", "systemUnavail", "systemFailure", "duplicateCertReq",
}

const (
	certReqID    = 0   // RFC 9483, 4.1.1: there is one request in a message
	certReqNone  = -1  // RFC 9810, 5.3.4: that of the answer to p10cr
	freeTextMax  = 200 // bytes of an authority's words
	checkMax     = 24 * time.Hour
	listMax      = 16
	bitsInStatus = 64
)

// statusInfo is PKIStatusInfo.
type statusInfo struct {
	status   status
	text     string
	failInfo uint64 // bit n of PKIFailureInfo is 1<<n
}

func (s statusInfo) fails(bit int) bool { return s.failInfo>>bit&1 == 1 }

// String is for people.
func (s statusInfo) String() string {
	var names []string
	for bit, name := range failures {
		if s.fails(bit) {
			names = append(names, name)
		}
	}
	out := fmt.Sprintf("CMP status %d", int(s.status))
	if len(names) > 0 {
		out += ", " + strings.Join(names, " and ")
	}
	if s.text != "" {
		out += fmt.Sprintf(", %q", s.text)
	}
	return out
}

var errContent = errors.New("want the content that RFC 9810, 5.3 has for this message, got something else")

func readStatus(s *cryptobyte.String) (info statusInfo, ok bool) {
	var all, text cryptobyte.String
	var present bool
	var n int
	if !s.ReadASN1(&all, cbasn1.SEQUENCE) || !all.ReadASN1Integer(&n) || n < 0 || n > 6 ||
		!all.ReadOptionalASN1(&text, &present, cbasn1.SEQUENCE) {
		return info, false
	}
	info.status = status(n)
	if present {
		if info.text, ok = readFreeText(text); !ok {
			return info, false
		}
	}
	if all.Empty() {
		return info, true
	}
	var bits asn1.BitString
	if !all.ReadASN1BitString(&bits) || !all.Empty() || bits.BitLength > bitsInStatus {
		return info, false
	}
	for i := range bits.BitLength {
		info.failInfo |= uint64(bits.At(i)) << i
	}
	return info, true
}

// readFreeText makes PKIFreeText one line of printable ASCII.
func readFreeText(list cryptobyte.String) (string, bool) {
	var b strings.Builder
	for !list.Empty() {
		var one cryptobyte.String
		if !list.ReadASN1(&one, cbasn1.UTF8String) {
			return "", false
		}
		for _, c := range string(one[:min(len(one), freeTextMax)]) {
			if c < ' ' || c > '~' {
				c = ' '
			}
			b.WriteRune(c)
		}
		b.WriteByte(' ')
	}
	said := strings.Join(strings.Fields(b.String()), " ")
	return said[:min(len(said), freeTextMax)], true
}

func addStatus(b *cryptobyte.Builder, s statusInfo) {
	sequence(b, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(int64(s.status))
		if s.text != "" {
			sequence(b, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(s.text)) })
			})
		}
		if s.failInfo != 0 {
			addNamedBits(b, s.failInfo)
		}
	})
}

// addNamedBits is a BIT STRING without trailing zeros (X.690, 11.2.2).
func addNamedBits(b *cryptobyte.Builder, set uint64) {
	n := 0
	for set>>n != 0 {
		n++
	}
	octets := make([]byte, (n+7)/8)
	for i := range n {
		if set>>i&1 == 1 {
			octets[i/8] |= 0x80 >> (i % 8)
		}
	}
	b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
		b.AddUint8(uint8(len(octets)*8 - n))
		b.AddBytes(octets)
	})
}

// initialization is CertReqMessages with one request (RFC 4211, 3): a template, and proof
// of possession that the registration authority saw (raVerified, RFC 4211, 4).
func initialization(template []byte) []byte {
	return encode(func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) {
					b.AddASN1Int64(certReqID)
					b.AddBytes(template)
				})
				b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
			})
		})
	})
}

// certificateReply is CertRepMessage with one answer (RFC 9810, 5.3.4).
type certificateReply struct {
	id     int
	status statusInfo
	der    []byte // the certificate; nil for none
}

// parseCertificateReply takes the one answer that one request has.
func parseCertificateReply(body []byte) (r certificateReply, err error) {
	s := cryptobyte.String(body)
	var all, list, one cryptobyte.String
	if !s.ReadASN1(&all, cbasn1.SEQUENCE) || !s.Empty() || !all.SkipOptionalASN1(tagged(1)) ||
		!all.ReadASN1(&list, cbasn1.SEQUENCE) || !all.Empty() || !list.ReadASN1(&one, cbasn1.SEQUENCE) || !list.Empty() ||
		!one.ReadASN1Integer(&r.id) {
		return r, errContent
	}
	var ok bool
	if r.status, ok = readStatus(&one); !ok {
		return r, errContent
	}
	var pair, wrapped, cert cryptobyte.String
	var present bool
	if !one.ReadOptionalASN1(&pair, &present, cbasn1.SEQUENCE) || !one.SkipOptionalASN1(cbasn1.OCTET_STRING) || !one.Empty() {
		return r, errContent
	}
	if !present {
		return r, nil
	}
	// Nothing but a plain certificate is taken: no key was asked for (RFC 9810, 5.3.4).
	if !pair.ReadASN1(&wrapped, tagged(0)) || !pair.Empty() || !wrapped.ReadASN1Element(&cert, cbasn1.SEQUENCE) || !wrapped.Empty() {
		return r, errContent
	}
	r.der = cert
	return r, nil
}

// confirmation is CertConfirmContent (RFC 9810, 5.3.18): the certificate's hash, by the
// hash of its own signature, and why it is turned down where it is.
func confirmation(cert *x509.Certificate, id int, objection error) ([]byte, error) {
	for _, s := range signing {
		if s.algorithm != cert.SignatureAlgorithm {
			continue
		}
		h := s.hash.New()
		_, _ = h.Write(cert.Raw)
		return encode(func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) {
					b.AddASN1OctetString(h.Sum(nil))
					b.AddASN1Int64(int64(id))
					if objection != nil {
						addStatus(b, statusInfo{status: statusRejection, text: objection.Error(), failInfo: 1 << 7}) // incorrectData
					}
				})
			})
		}), nil
	}
	return nil, errors.New("cannot confirm a certificate with this signature algorithm")
}

// poll is PollReqContent (RFC 9810, 5.3.22).
func poll(id int) []byte {
	return encode(func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(id)) })
		})
	})
}

// parsePollReply is how long to wait (RFC 9810, 5.3.22), within bounds.
func parsePollReply(body []byte) (id int, after time.Duration, err error) {
	s := cryptobyte.String(body)
	var list, one cryptobyte.String
	seconds := new(big.Int)
	if !s.ReadASN1(&list, cbasn1.SEQUENCE) || !s.Empty() || !list.ReadASN1(&one, cbasn1.SEQUENCE) || !list.Empty() ||
		!one.ReadASN1Integer(&id) || !one.ReadASN1Integer(seconds) || !one.SkipOptionalASN1(cbasn1.SEQUENCE) || !one.Empty() {
		return 0, 0, errContent
	}
	after = checkMax
	if seconds.IsInt64() && seconds.Int64() < int64(checkMax/time.Second) {
		after = time.Duration(max(seconds.Int64(), 0)) * time.Second
	}
	return id, after, nil
}

// revocation is RevReqContent with one certificate (RFC 9810, 5.3.9; RFC 9483, 4.2): its
// issuer and serial number, and the reason as a CRL entry extension.
func revocation(issuer []byte, serial *big.Int, why pki.Reason) []byte {
	return encode(func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) { // CertTemplate, whose tags are implicit
					b.AddASN1(cbasn1.Tag(1).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(integer(serial)) })
					b.AddASN1(tagged(3), func(b *cryptobyte.Builder) { b.AddBytes(issuer) })
				})
				sequence(b, func(b *cryptobyte.Builder) {
					sequence(b, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{2, 5, 29, 21}) // reasonCode: RFC 5280, 5.3.1
						b.AddASN1OctetString(encode(func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(why)) }))
					})
				})
			})
		})
	})
}

// integer is the content of an INTEGER.
func integer(n *big.Int) []byte {
	s := cryptobyte.String(encode(func(b *cryptobyte.Builder) { b.AddASN1BigInt(n) }))
	var inner cryptobyte.String
	if !s.ReadASN1(&inner, cbasn1.INTEGER) {
		panic("internal error: an INTEGER does not read")
	}
	return inner
}

// parseRevocationReply takes the one status of RevRepContent (RFC 9810, 5.3.10).
func parseRevocationReply(body []byte) (statusInfo, error) {
	s := cryptobyte.String(body)
	var all, list cryptobyte.String
	if !s.ReadASN1(&all, cbasn1.SEQUENCE) || !s.Empty() || !all.ReadASN1(&list, cbasn1.SEQUENCE) ||
		!all.SkipOptionalASN1(tagged(0)) || !all.SkipOptionalASN1(tagged(1)) || !all.Empty() {
		return statusInfo{}, errContent
	}
	info, ok := readStatus(&list)
	if !ok || !list.Empty() {
		return statusInfo{}, errContent
	}
	return info, nil
}

// parseError takes ErrorMsgContent (RFC 9810, 5.3.21).
func parseError(body []byte) (statusInfo, error) {
	s := cryptobyte.String(body)
	var all cryptobyte.String
	if !s.ReadASN1(&all, cbasn1.SEQUENCE) || !s.Empty() {
		return statusInfo{}, errContent
	}
	info, ok := readStatus(&all)
	if !ok || !all.SkipOptionalASN1(cbasn1.INTEGER) || !all.SkipOptionalASN1(cbasn1.SEQUENCE) || !all.Empty() {
		return statusInfo{}, errContent
	}
	return info, nil
}
