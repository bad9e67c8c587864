package softca

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"jukicard/pki"
)

// lifetimeCRL is ours: the profile of the real lists is not public.
const lifetimeCRL = 24 * time.Hour

// Issued is one request ID and what became of it. DER holds personal data.
type Issued struct {
	ID      string
	Purpose pki.Purpose
	Serial  *big.Int
	DER     []byte     // the certificate; nil while only the serial is reserved, which is when nothing was ever returned
	Revoked time.Time  // zero when not revoked
	Reason  pki.Reason // why revoked
}

// Certificates lists every request ID known, in their order, to be reconciled with
// what the cards and the register say.
func (a *Authority) Certificates(ctx context.Context) ([]Issued, error) {
	out, err := a.store.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list certificates: %w", err)
	}
	return out, nil
}

// CRL makes the full revocation list of a CA (RFC 5280, 5), in DER, valid for a
// day. A hold that became final is on it with the day of the hold. Its number is one more than the last one's; a number may be lost in a crash
// and is never used twice. Revoked certificates stay on it when they expire.
func (a *Authority) CRL(ctx context.Context, p pki.Purpose) ([]byte, error) {
	ca, err := a.ca(p)
	if err != nil {
		return nil, err
	}
	all, number, err := a.store.nextCRL(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("cannot make a revocation list: %w", err)
	}
	now := a.now().UTC().Truncate(time.Second)
	list := &x509.RevocationList{
		SignatureAlgorithm:        ca.cert.SignatureAlgorithm, // its own, and its key's
		RevokedCertificateEntries: revoked(all, p),
		Number:                    big.NewInt(number),
		ThisUpdate:                now,
		NextUpdate:                now.Add(lifetimeCRL),
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, ca.cert, ca.key)
	if err != nil {
		return nil, fmt.Errorf("cannot sign a revocation list: %w", err)
	}
	return der, nil
}

func revoked(all []Issued, p pki.Purpose) []x509.RevocationListEntry {
	var out []x509.RevocationListEntry
	for _, c := range all {
		if c.Purpose == p && !c.Revoked.IsZero() {
			// Reason 0 is written by leaving it out (RFC 5280, 5.3.1).
			out = append(out, x509.RevocationListEntry{SerialNumber: c.Serial, RevocationTime: c.Revoked, ReasonCode: int(c.Reason)})
		}
	}
	return out
}
