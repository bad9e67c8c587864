// Package pki is certificates for the card: what is asked of an authority, the
// templates of 公的個人認証 (JPKI), and how an answer is judged.
package pki

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"time"
)

// Purpose is what a certificate is for.
type Purpose string

// Signature is 署名用, Authentication 利用者証明用.
const (
	Signature      Purpose = "signature"
	Authentication Purpose = "authentication"
)

// Authority issues certificates. It is idempotent in Request.ID: the same ID
// asked again, also after a crash on either side, yields the same certificate
// and never a second one; the same ID with another key is refused.
type Authority interface {
	Certify(ctx context.Context, r Request) (*x509.Certificate, error)
	// CA is the authority's own certificate for a purpose, which goes on the card too.
	CA(ctx context.Context, p Purpose) (*x509.Certificate, error)
}

// Revoker takes certificates back.
type Revoker interface {
	Revoke(ctx context.Context, serial *big.Int, why Reason) error
}

// Reason is why a certificate is revoked, with the CRLReason numbers of RFC 5280, 5.3.1.
type Reason int

// Reasons in use by 公的個人認証 (issuance rules sheet, 3.3).
const (
	Unspecified          Reason = 0 // destroyed before handover
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3 // 記載内容変更
	Superseded           Reason = 4 // 更新
	CessationOfOperation Reason = 5 // 不要
	CertificateHold      Reason = 6 // 一時保留
)

// Request asks an authority for one certificate.
type Request struct {
	ID         string    // job and step: the same ID is the same certificate
	Purpose    Purpose   // which template
	CSR        []byte    // PKCS #10 (RFC 2986) in DER, signed by the key on the card
	CommonName string    // subject CN, see SignatureCN and AuthenticationCN
	Holder     Holder    // whose certificate it is
	NotBefore  time.Time // start of validity
	NotAfter   time.Time // end of validity, 23:59:59 JST of the last day
}

// Holder is what a certificate says of a person. 利用者証明用 certificates carry
// none of it.
type Holder struct {
	Name               string // 氏名 in the certificate's repertoire, U+3000 between family and given name
	NameSubstituted    string // one '0' or '1' per character of Name: 代替文字 (fact sheet, 6.2)
	Address            string // 住所, full-width digits, at most 200 characters
	AddressSubstituted string // one '0' or '1' per character of Address
	Birth              string // EYYYYMMDD: era 1..5 or 0, Gregorian date
	Sex                string // JIS X 0303: "1", "2", "9", "0"
	Prefecture         string // romaji, subject L: "Tokyo-to"
	City               string // romaji, subject L: "Kiyose-shi"
}

// Format shows nothing of the holder whatever the verb.
func (h Holder) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[holder]") }

// Sealing names one of the two applications whose chip objects the issuer signs.
type Sealing string

// TextAP is 券面事項入力補助AP, SurfaceAP 券面事項確認AP.
const (
	TextAP    Sealing = "text"
	SurfaceAP Sealing = "surface"
)

// Sealer signs the face data on the chip with the key that the card-verifiable
// certificate in EF 0004 of the same application certifies.
type Sealer interface {
	// CVCertificate is the 568-byte object 7F21 for EF 0004.
	CVCertificate(ctx context.Context, s Sealing) ([]byte, error)
	// Seal pads digestInfo verbatim (PKCS #1 v1.5, block type 1) and signs: 256 bytes.
	Seal(ctx context.Context, s Sealing, digestInfo []byte) ([]byte, error)
}
