package est

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// RFC 5652, 4 and 5.1: signed data, and data.
var (
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
)

// certificatesMax bounds one answer: chains are short, and a CA has few generations.
const certificatesMax = 16

var errCertsOnly = errors.New("want a certs-only message (RFC 5272, 4.1), got something else")

// parseCertsOnly reads the certificates of a certs-only Simple PKI Response (RFC 5272, 4.1;
// RFC 5652, 5.1): SignedData without content and without signers, in DER. Lists of revoked
// certificates in it are passed over. It wants 1 to 16 certificates.
//
// An empty SET of digest algorithms and of signers is wanted; version 1, or 3 as the
// certificates' kind may demand.
func parseCertsOnly(der []byte) ([]*x509.Certificate, error) {
	var info, explicit, signed, digests, content, certs, signers cryptobyte.String
	var kind, inner asn1.ObjectIdentifier
	var version int
	input := cryptobyte.String(der)
	tag0 := cbasn1.Tag(0).ContextSpecific().Constructed()
	tag1 := cbasn1.Tag(1).ContextSpecific().Constructed()
	ok := input.ReadASN1(&info, cbasn1.SEQUENCE) && input.Empty() &&
		info.ReadASN1ObjectIdentifier(&kind) && kind.Equal(oidSignedData) &&
		info.ReadASN1(&explicit, tag0) && info.Empty() &&
		explicit.ReadASN1(&signed, cbasn1.SEQUENCE) && explicit.Empty() &&
		signed.ReadASN1Integer(&version) && (version == 1 || version == 3) &&
		signed.ReadASN1(&digests, cbasn1.SET) && digests.Empty() &&
		signed.ReadASN1(&content, cbasn1.SEQUENCE) &&
		content.ReadASN1ObjectIdentifier(&inner) && inner.Equal(oidData) && content.Empty() &&
		signed.ReadASN1(&certs, tag0) &&
		signed.SkipOptionalASN1(tag1) &&
		signed.ReadASN1(&signers, cbasn1.SET) && signers.Empty() && signed.Empty()
	if !ok {
		return nil, errCertsOnly
	}
	return parseCertificates(certs)
}

func parseCertificates(set cryptobyte.String) (out []*x509.Certificate, err error) {
	for !set.Empty() {
		var one cryptobyte.String
		if !set.ReadASN1Element(&one, cbasn1.SEQUENCE) {
			return nil, errCertsOnly
		}
		cert, err := x509.ParseCertificate(one)
		if err != nil {
			return nil, errors.New("want X.509 certificates in the certs-only message, got something else") // the cause may quote names
		}
		if out = append(out, cert); len(out) > certificatesMax {
			return nil, fmt.Errorf("want at most %d certificates in one answer", certificatesMax)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("want a certificate in the certs-only message, got none")
	}
	return out, nil
}

// decodeBody is the base64 of RFC 7030, 4, which has no other encoding (RFC 8951, 3.1), with
// line breaks wherever they are.
func decodeBody(body []byte) ([]byte, error) {
	kept := make([]byte, 0, len(body))
	for _, b := range body {
		switch b {
		case '\r', '\n', ' ', '\t':
		default:
			kept = append(kept, b)
		}
	}
	der := make([]byte, base64.StdEncoding.DecodedLen(len(kept)))
	n, err := base64.StdEncoding.Strict().Decode(der, kept)
	if err != nil {
		return nil, errors.New("want base64, got something else")
	}
	return der[:n], nil
}
