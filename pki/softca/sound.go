package softca

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"

	"jukicard/pki"
)

// errUnsound: a row is not the one that was written.
var errUnsound = errors.New("it is not what was issued under it; restore the database from a backup")

// sound judges every row by the certificate in it, which its seal keeps as it was: a row
// whose ID, key or serial number has changed would make the same request look new. It
// costs some 50 µs a certificate.
func (a *Authority) sound(ctx context.Context) (err error) {
	rows, err := a.store.db.QueryContext(ctx, "SELECT id, purpose, key, serial, der FROM certificate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var (
			id, purpose, serial string
			key, sealed         []byte
		)
		if err := rows.Scan(&id, &purpose, &key, &serial, &sealed); err != nil {
			return err
		}
		if err := a.soundRow(id, pki.Purpose(purpose), key, serial, sealed); err != nil {
			return fmt.Errorf("cannot trust request %q: %w", id, err)
		}
	}
	return rows.Err()
}

func (a *Authority) soundRow(id string, purpose pki.Purpose, key []byte, serial string, sealed []byte) error {
	ca, known := a.cas[purpose]
	n, number := new(big.Int).SetString(serial, 16)
	if !known || !number || n.Text(16) != serial || len(key) != sha256.Size {
		return errUnsound
	}
	der, err := a.store.register.open(id, sealed)
	if err != nil || der == nil { // nil: a serial number that is only reserved
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return errUnsound
	}
	held := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	if cert.SerialNumber.Cmp(n) != 0 || !bytes.Equal(held[:], key) || !bytes.Equal(cert.RawIssuer, ca.cert.RawSubject) {
		return errUnsound
	}
	return nil
}
