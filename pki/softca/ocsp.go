package softca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	_ "crypto/sha512" // SHA-384 of crypto.Hash
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"jukicard/pki"
)

// Object identifiers of OCSP (RFC 6960, 4.2.1 and 4.4.1) and of what its answers need.
var (
	oidBasicResponse = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidNonce         = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidHashSHA1      = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidHashSHA256    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA256WithRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidECDSAWith384  = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3} // RFC 5758, 3.2
)

const (
	lifetimeOCSP = time.Hour // ours: how long an answer is good
	ocspMax      = 16 << 10  // bytes of a request
	ocspCerts    = 32        // certificates asked for in one request
	nonceMax     = 128       // bytes (RFC 9654, 2.1)
)

// ocspStatus is OCSPResponseStatus (RFC 6960, 4.2.1).
type ocspStatus int64

const (
	ocspSuccessful   ocspStatus = 0
	ocspMalformed    ocspStatus = 1
	ocspInternal     ocspStatus = 2
	ocspUnauthorized ocspStatus = 6 // about certificates of others nothing is said
)

// certID is CertID, with its encoding, which the answer repeats (RFC 6960, 4.1.1).
type certID struct {
	hash            asn1.ObjectIdentifier
	nameHash, keyID []byte
	serial          *big.Int
	der             []byte
}

// ocspRequest is what is asked.
type ocspRequest struct {
	ids   []certID
	nonce []byte // the extension's value; nil when there is none
}

// OCSP answers a request of RFC 6960 about certificates of one of the two CAs, in DER: good,
// revoked with time and reason, or unknown for a number that was never issued; a nonce is
// given back (RFC 9654). The answer is signed by the CA itself, so nobody else's certificate
// has to be trusted (RFC 6960, 4.2.2.2), and good for an hour. Whatever is asked there is an
// answer; the error says for the log why it is an unsuccessful one.
func (a *Authority) OCSP(ctx context.Context, request []byte) ([]byte, error) {
	q, err := parseOCSP(request)
	if err != nil {
		return ocspFailure(ocspMalformed), fmt.Errorf("cannot answer an OCSP request: %w", err)
	}
	purpose, ok := a.issuerOf(q.ids)
	if !ok {
		return ocspFailure(ocspUnauthorized), errors.New("cannot answer an OCSP request: it asks for certificates of another CA, or of both")
	}
	answer, err := a.answerOCSP(ctx, q, purpose)
	if err != nil {
		return ocspFailure(ocspInternal), fmt.Errorf("cannot answer an OCSP request: %w", err)
	}
	return answer, nil
}

// issuerOf is the one CA that all of a request is about.
func (a *Authority) issuerOf(ids []certID) (pki.Purpose, bool) {
	for p, ca := range a.cas {
		all := true
		for _, id := range ids {
			all = all && id.of(ca.cert)
		}
		if all {
			return p, true
		}
	}
	return "", false
}

// of says whether the CA is the one named, by the hashes of its name and key.
func (id certID) of(ca *x509.Certificate) bool {
	key := cryptobyte.String(ca.RawSubjectPublicKeyInfo)
	var spki cryptobyte.String
	var bits asn1.BitString
	if !key.ReadASN1(&spki, cbasn1.SEQUENCE) || !spki.SkipASN1(cbasn1.SEQUENCE) || !spki.ReadASN1BitString(&bits) {
		return false
	}
	var name, public []byte
	switch {
	case id.hash.Equal(oidHashSHA1):
		n, k := sha1.Sum(ca.RawSubject), sha1.Sum(bits.Bytes)
		name, public = n[:], k[:]
	case id.hash.Equal(oidHashSHA256):
		n, k := sha256.Sum256(ca.RawSubject), sha256.Sum256(bits.Bytes)
		name, public = n[:], k[:]
	}
	return name != nil && bytes.Equal(id.nameHash, name) && bytes.Equal(id.keyID, public)
}

var errOCSP = errors.New("want an OCSP request (RFC 6960, 4.1.1), got something else")

// parseOCSP reads a request; a signature on it is passed over, for everybody may ask.
func parseOCSP(der []byte) (q ocspRequest, err error) {
	if len(der) > ocspMax {
		return q, fmt.Errorf("want at most %d bytes", ocspMax)
	}
	tag := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }
	input := cryptobyte.String(der)
	var all, tbs, list, extensions cryptobyte.String
	var present bool
	ok := input.ReadASN1(&all, cbasn1.SEQUENCE) && input.Empty() &&
		all.ReadASN1(&tbs, cbasn1.SEQUENCE) && all.SkipOptionalASN1(tag(0)) && all.Empty() &&
		!tbs.PeekASN1Tag(tag(0)) && tbs.SkipOptionalASN1(tag(1)) && // DER leaves v1 out, and there is no other
		tbs.ReadASN1(&list, cbasn1.SEQUENCE) && tbs.ReadOptionalASN1(&extensions, &present, tag(2)) && tbs.Empty()
	if !ok {
		return q, errOCSP
	}
	if q.ids, err = parseIDs(list); err != nil {
		return q, err
	}
	if present {
		q.nonce, err = parseNonce(extensions)
	}
	return q, err
}

func parseIDs(list cryptobyte.String) (ids []certID, err error) {
	for !list.Empty() {
		var one, element, id, algorithm cryptobyte.String
		c := certID{serial: new(big.Int)}
		ok := list.ReadASN1(&one, cbasn1.SEQUENCE) && one.ReadASN1Element(&element, cbasn1.SEQUENCE)
		c.der = element
		ok = ok && element.ReadASN1(&id, cbasn1.SEQUENCE) &&
			id.ReadASN1(&algorithm, cbasn1.SEQUENCE) && algorithm.ReadASN1ObjectIdentifier(&c.hash) &&
			id.ReadASN1Bytes(&c.nameHash, cbasn1.OCTET_STRING) && id.ReadASN1Bytes(&c.keyID, cbasn1.OCTET_STRING) &&
			id.ReadASN1Integer(c.serial) && id.Empty() && one.SkipOptionalASN1(cbasn1.Tag(0).ContextSpecific().Constructed()) && one.Empty()
		if !ok {
			return nil, errOCSP
		}
		if ids = append(ids, c); len(ids) > ocspCerts {
			return nil, fmt.Errorf("want at most %d certificates in one request", ocspCerts)
		}
	}
	if len(ids) == 0 {
		return nil, errOCSP
	}
	return ids, nil
}

// parseNonce looks for the nonce among the extensions; those that are not known are passed
// over unless critical.
func parseNonce(s cryptobyte.String) (nonce []byte, err error) {
	var list cryptobyte.String
	if !s.ReadASN1(&list, cbasn1.SEQUENCE) || !s.Empty() {
		return nil, errOCSP
	}
	for !list.Empty() {
		var one, value cryptobyte.String
		var id asn1.ObjectIdentifier
		var critical bool
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&id) ||
			!one.ReadOptionalASN1Boolean(&critical, cbasn1.BOOLEAN, false) || !one.ReadASN1(&value, cbasn1.OCTET_STRING) || !one.Empty() {
			return nil, errOCSP
		}
		switch {
		case id.Equal(oidNonce):
			inner := value
			var octets cryptobyte.String
			if !inner.ReadASN1(&octets, cbasn1.OCTET_STRING) || !inner.Empty() || len(octets) == 0 || len(octets) > nonceMax {
				return nil, fmt.Errorf("want a nonce of 1 to %d bytes", nonceMax)
			}
			nonce = value
		case critical:
			return nil, errors.New("want no critical extension but the nonce")
		}
	}
	return nonce, nil
}

func ocspFailure(s ocspStatus) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(s)) })
	return b.BytesOrPanic()
}

// answerOCSP looks all certificates up at one moment, and signs.
func (a *Authority) answerOCSP(ctx context.Context, q ocspRequest, p pki.Purpose) ([]byte, error) {
	now := a.now().UTC().Truncate(time.Second)
	singles := make([]certStatus, len(q.ids))
	for i, id := range q.ids {
		var err error
		if singles[i], err = a.store.status(ctx, p, id.serial); err != nil {
			return nil, err
		}
		singles[i].id = id.der
	}
	ca := a.cas[p]
	data := responseData(ca.cert, now, singles, q.nonce)
	hash := crypto.SHA256
	if !isRSA(ca.key) {
		hash = crypto.SHA384
	}
	h := hash.New()
	_, _ = h.Write(data)
	signature, err := ca.key.Sign(rand.Reader, h.Sum(nil), hash)
	if err != nil {
		return nil, fmt.Errorf("cannot sign: %w", err)
	}
	return basicResponse(data, addSignatureAlgorithm(isRSA(ca.key)), signature), nil
}

// addSignatureAlgorithm writes the identifier, which has NULL beside it for RSA (RFC 4055, 5)
// and nothing for ECDSA (RFC 5758, 3.2).
func addSignatureAlgorithm(rsa bool) func(b *cryptobyte.Builder) {
	return func(b *cryptobyte.Builder) {
		if rsa {
			b.AddASN1ObjectIdentifier(oidSHA256WithRSA)
			b.AddASN1NULL()
			return
		}
		b.AddASN1ObjectIdentifier(oidECDSAWith384)
	}
}

// certStatus is what is said of one certificate.
type certStatus struct {
	id      []byte // CertID as it was asked
	issued  bool
	revoked time.Time // zero when it is not
	reason  pki.Reason
}

// responseData is ResponseData (RFC 6960, 4.2.1), by the key of the CA.
func responseData(ca *x509.Certificate, now time.Time, singles []certStatus, nonce []byte) []byte {
	tag := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(tag(1), func(b *cryptobyte.Builder) { b.AddBytes(ca.RawSubject) })
		b.AddASN1GeneralizedTime(now)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, s := range singles {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddBytes(s.id)
					s.add(b)
					b.AddASN1GeneralizedTime(now)
					b.AddASN1(tag(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(now.Add(lifetimeOCSP)) })
				})
			}
		})
		if nonce == nil {
			return
		}
		b.AddASN1(tag(1), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidNonce)
					b.AddASN1OctetString(nonce)
				})
			})
		})
	})
	return b.BytesOrPanic()
}

// add writes CertStatus, whose tags are implicit.
func (s certStatus) add(b *cryptobyte.Builder) {
	switch {
	case !s.issued:
		b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {})
	case s.revoked.IsZero():
		b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
	default:
		b.AddASN1(cbasn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1GeneralizedTime(s.revoked)
			b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(s.reason)) })
		})
	}
}

// basicResponse wraps signed data (RFC 6960, 4.2.1).
func basicResponse(data []byte, algorithm func(b *cryptobyte.Builder), signature []byte) []byte {
	tag0 := cbasn1.Tag(0).ContextSpecific().Constructed()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(int64(ocspSuccessful))
		b.AddASN1(tag0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidBasicResponse)
				b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddBytes(data)
						b.AddASN1(cbasn1.SEQUENCE, algorithm)
						b.AddASN1BitString(signature)
					})
				})
			})
		})
	})
	return b.BytesOrPanic()
}
