package remote

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"time"

	"jukicard/pki"
)

// Doubt is a request of which nobody here knows what became. It holds no holder's data
// beyond what a card signs in its request.
type Doubt struct {
	ID       string
	Purpose  pki.Purpose
	Asked    time.Time // when it went out first
	State    string    // asked, waiting or received
	Subject  string    // CN, by which the authority can look for the certificate
	Key      []byte    // the key's identifier (RFC 5280, 4.2.1.2, method 1), for the same
	Note     string    // what was said last
	Received []byte    // the certificate that came and could not be confirmed; nil when none did
}

// Doubts lists them, the oldest first.
func (a *Authority) Doubts(ctx context.Context) (out []Doubt, err error) {
	times, err := a.ledger.times(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list doubts: %w", err)
	}
	err = a.ledger.each(ctx, "", func(id string, e entry) error {
		if e.state == answered || e.state == refused {
			return nil
		}
		csr, err := pki.VerifyCSR(e.question.CSR)
		if err != nil {
			return err
		}
		key, err := pki.SubjectKeyID(csr.PublicKey)
		if err != nil {
			return err
		}
		out = append(out, Doubt{
			ID: id, Purpose: e.question.Purpose, Asked: times[id], State: string(e.state),
			Subject: csr.Subject.CommonName, Key: key, Note: e.note, Received: e.reply.DER,
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list doubts: %w", err)
	}
	return out, nil
}

func (l *ledger) times(ctx context.Context) (out map[string]time.Time, err error) {
	rows, err := l.db.QueryContext(ctx, "SELECT id, asked FROM request")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = map[string]time.Time{}
	for rows.Next() {
		var (
			id string
			at int64
		)
		if err := rows.Scan(&id, &at); err != nil {
			return nil, err
		}
		out[id] = time.Unix(at, 0).UTC()
	}
	return out, rows.Err()
}

// ErrNoDoubt: there is nothing to settle about the request.
var ErrNoDoubt = errors.New("there is no doubt about this request")

// Settle ends a doubt with what a person found at the authority: the certificate that was
// issued, or nil where none was, or where what was issued is revoked. The certificate must
// be one of the request's key by the CA. After that the request is answered with it, or may
// be asked again.
func (a *Authority) Settle(ctx context.Context, id string, found []byte) error {
	free, err := a.hold(ctx, id)
	if err != nil {
		return err
	}
	defer free()
	var e entry
	if err := a.ledger.each(ctx, id, func(_ string, one entry) error { e = one; return nil }); err != nil {
		return fmt.Errorf("cannot settle %s: %w", id, err)
	}
	if id == "" || e.state == unknown || e.state == answered || e.state == refused {
		return fmt.Errorf("cannot settle %s: %w", id, ErrNoDoubt)
	}
	if found == nil {
		err = a.ledger.refuse(ctx, id, true, "a person found that nothing was issued")
	} else {
		err = a.adopt(ctx, e, found)
	}
	if err != nil {
		return fmt.Errorf("cannot settle %s: %w", id, err)
	}
	return nil
}

func (a *Authority) adopt(ctx context.Context, e entry, found []byte) error {
	ca, err := a.CA(ctx, e.question.Purpose)
	if err != nil {
		return err
	}
	if err := fits(found, e.question, ca); err != nil {
		return err
	}
	if err := a.ledger.receive(ctx, e.question.ID, Reply{DER: found}); err != nil {
		return err
	}
	return a.ledger.answer(ctx, e.question.ID)
}

// TakeBack revokes a certificate that was issued through this record, as pki.Revoker has
// it; send tells the authority, by the issuing CA and the serial number. What the authority
// is asked is recorded first, so that an authority that says the certificate is revoked
// already (pki.ErrRevoked) is understood where our own lost message did it.
func (a *Authority) TakeBack(ctx context.Context, serial *big.Int, why pki.Reason, send func(issuer *x509.Certificate) error) error {
	if !why.Valid() {
		return fmt.Errorf("cannot revoke: reason must be 0 to %d, not %d", int(pki.CertificateHold), int(why))
	}
	if serial == nil || serial.Sign() <= 0 {
		return fmt.Errorf("cannot revoke: %w", pki.ErrUnknownSerial)
	}
	if err := a.takeBack(ctx, serial, why, send); err != nil {
		return fmt.Errorf("cannot revoke %X for %v: %w", serial, why, err)
	}
	return nil
}

func (a *Authority) takeBack(ctx context.Context, serial *big.Int, why pki.Reason, send func(*x509.Certificate) error) error {
	k, err := a.ledger.revocation(ctx, serial)
	if err != nil {
		return err
	}
	switch {
	case k.revoked == why:
		return nil
	case k.revoked >= 0 && k.revoked != pki.CertificateHold:
		return pki.ErrRevoked
	}
	ca, err := a.CA(ctx, k.purpose)
	if err != nil {
		return err
	}
	if err := a.ledger.revoking(ctx, k.id, why); err != nil {
		return err
	}
	if err := send(ca); err != nil && (!errors.Is(err, pki.ErrRevoked) || k.revoking != why) {
		return err
	}
	return a.ledger.revoked(context.WithoutCancel(ctx), k.id, why)
}

// knownRevocation is what is recorded of a certificate; a reason below zero is none.
type knownRevocation struct {
	id                string
	purpose           pki.Purpose
	revoking, revoked pki.Reason
}

// revocation finds a certificate by its serial number, which the two CAs may both have given.
func (l *ledger) revocation(ctx context.Context, serial *big.Int) (k knownRevocation, err error) {
	rows, err := l.db.QueryContext(ctx,
		"SELECT id, purpose, coalesce(revoking, -1), coalesce(revoked, -1) FROM request WHERE serial = ?", serial.Text(16))
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(&k.id, &k.purpose, &k.revoking, &k.revoked); err != nil {
			return k, err
		}
	}
	switch {
	case rows.Err() != nil:
		return k, rows.Err()
	case n == 0:
		return k, pki.ErrUnknownSerial
	case n > 1:
		return k, errors.New("both CAs gave this serial number; revoke at the authority itself")
	}
	return k, nil
}

// revoking records what the authority is being asked.
func (l *ledger) revoking(ctx context.Context, id string, why pki.Reason) error {
	return l.write(ctx, func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, "UPDATE request SET revoking = ? WHERE id = ?", int(why), id))
	})
}

// revoked records that it did it. A hold that becomes final keeps its day (ITU-T X.509, 9.5.3.1).
func (l *ledger) revoked(ctx context.Context, id string, why pki.Reason) error {
	return l.write(ctx, func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, "UPDATE request SET revoked = ?, since = coalesce(since, ?) WHERE id = ?", int(why), l.now().Unix(), id))
	})
}

// Issued is one request that was answered. DER holds personal data.
type Issued struct {
	ID      string
	Purpose pki.Purpose
	Serial  *big.Int
	DER     []byte
	Revoked time.Time  // when the authority did it; zero when it is not known to be revoked
	Reason  pki.Reason // why revoked
}

// Certificates lists what was issued through this record.
func (a *Authority) Certificates(ctx context.Context) (out []Issued, err error) {
	revoked, err := a.ledger.revocations(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list certificates: %w", err)
	}
	err = a.ledger.each(ctx, "", func(id string, e entry) error {
		if e.reply.DER == nil {
			return nil
		}
		cert, err := x509.ParseCertificate(e.reply.DER)
		if err != nil {
			return err
		}
		one := Issued{ID: id, Purpose: e.question.Purpose, Serial: cert.SerialNumber, DER: e.reply.DER}
		if r, ok := revoked[id]; ok {
			one.Revoked, one.Reason = r.since, r.why
		}
		out = append(out, one)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list certificates: %w", err)
	}
	return out, nil
}

// pastRevocation is why and since when.
type pastRevocation struct {
	why   pki.Reason
	since time.Time
}

// revocations are those of the certificates that are revoked.
func (l *ledger) revocations(ctx context.Context) (out map[string]pastRevocation, err error) {
	rows, err := l.db.QueryContext(ctx, "SELECT id, revoked, since FROM request WHERE revoked IS NOT NULL")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = map[string]pastRevocation{}
	for rows.Next() {
		var (
			id string
			r  pastRevocation
			at int64
		)
		if err := rows.Scan(&id, &r.why, &at); err != nil {
			return nil, err
		}
		r.since = time.Unix(at, 0).UTC()
		out[id] = r
	}
	return out, rows.Err()
}
