// Package pki is certificates for the card: what is asked of an authority, the
// templates of 公的個人認証 (JPKI), and how an answer is judged.
//
// It builds the four X.509 certificates of the JPKI application (RFC 5280), the
// PKCS #10 request that the card's own signature proves (RFC 2986), and the
// card-verifiable certificate of EF 0004 in the two 券面 applications. Public
// facts about the real profile come from the card fact sheet, section 6; the
// four published CA certificates in testdata are rebuilt byte for byte. What the
// public does not know is marked "ours" where it is chosen.
//
// It leaves out: holding keys (see softca and keystore), asking an authority over a
// network (see remote, est and cmp), talking to a card, finding 代替文字 (see
// substitute), and revocation checking of foreign certificates.
package pki

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

// Errors an Authority or Revoker returns that a caller may act on, wrapped or bare.
var (
	// ErrIDTaken: the request ID already stands for another key or purpose. Asking
	// again cannot help; the journal and the authority disagree.
	ErrIDTaken = errors.New("the request id already stands for another key or purpose")
	// ErrProof: the request is not proven by the key it names.
	ErrProof = errors.New("the request is not proven by its key")
	// ErrUnknownSerial: no certificate with this serial was issued here.
	ErrUnknownSerial = errors.New("no certificate with this serial number was issued")
	// ErrDoubt: a request went out and nobody here knows whether a certificate was issued
	// for it. It is not asked again, which might be a second one, until a person has
	// settled it.
	ErrDoubt = errors.New("nobody here knows whether the authority issued a certificate for this request")
	// ErrWaiting: the authority has the request and has not decided. Asking again goes on
	// waiting.
	ErrWaiting = errors.New("the authority has not decided about the request")
	// ErrRevoked: already revoked for another, final reason.
	ErrRevoked = errors.New("the certificate is already revoked for another reason")
)

// Authority issues certificates. It is idempotent in Request.ID: the same ID
// asked again, also after a crash on either side, yields the same certificate
// and never a second one; the same ID with another key is refused.
//
// An authority afar may not be able to keep that promise by itself, when an answer is
// lost. Then it says ErrDoubt, and goes on saying so, rather than ask a second time.
//
// It refuses with ErrProof a request whose PKCS #10 is not signed by its key, and
// with ErrIDTaken a known ID with another key or purpose. A certificate returned
// is durable at the authority. Any method may be called by several goroutines.
type Authority interface {
	Certify(ctx context.Context, r Request) (*x509.Certificate, error)
	// CA is the authority's own certificate for a purpose, which goes on the card too.
	CA(ctx context.Context, p Purpose) (*x509.Certificate, error)
}

// Revoker takes certificates back. Revoking twice for the same reason is once;
// a hold may become final, and nothing else may change. It returns
// ErrUnknownSerial or ErrRevoked when that is why.
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

// reasonNames are the words of RFC 5280, 5.3.1.
var reasonNames = [...]string{
	"unspecified", "keyCompromise", "cACompromise", "affiliationChanged",
	"superseded", "cessationOfOperation", "certificateHold",
}

// Valid says whether r is one of the reasons in use.
func (r Reason) Valid() bool { return r >= 0 && int(r) < len(reasonNames) }

// String is the name in RFC 5280, 5.3.1.
func (r Reason) String() string {
	if !r.Valid() {
		return fmt.Sprintf("reason %d", int(r))
	}
	return reasonNames[r]
}

// Request asks an authority for one certificate.
type Request struct {
	ID         string    // job and step: the same ID is the same certificate
	Purpose    Purpose   // which template
	Algorithm  Algorithm // of the card's key; RSA2048 when empty
	CSR        []byte    // PKCS #10 (RFC 2986) in DER, signed by the key on the card
	CommonName string    // subject CN, see SignatureCN and AuthenticationCN
	Holder     Holder    // whose certificate it is
	NotBefore  time.Time // start of validity
	NotAfter   time.Time // end of validity, 23:59:59 JST of the last day
}

// LogValue shows which request it is and nothing of whose.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", r.ID), slog.String("purpose", string(r.Purpose)))
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

// LogValue shows nothing of the holder.
func (h Holder) LogValue() slog.Value { return slog.StringValue("[holder]") }

// MarshalJSON refuses: a holder is written into a certificate and nowhere else.
func (h Holder) MarshalJSON() ([]byte, error) {
	return nil, errors.New("cannot marshal a holder: personal data")
}

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
