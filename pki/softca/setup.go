package softca

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"math/big"

	"jukicard/pki"
)

// lifetimeCA in years, as the published CA certificates have (card fact sheet, 6.1).
const lifetimeCA = 10

// setUp loads or makes everything the authority owns, in one write transaction:
// while it is open no other process makes the same. A crash leaves at most key
// files whose certificates are made the next time.
func (a *Authority) setUp(dir string) error {
	ctx := context.Background()
	return a.store.write(ctx, func(tx *sql.Tx) error {
		o := owner{ctx: ctx, tx: tx, dir: dir, keys: a.keys}
		err := a.setUpCAs(o)
		if err != nil {
			return err
		}
		if a.store.register, err = newRegister(a.cas[pki.Signature].key.Signer); err != nil {
			return err
		}
		return a.setUpSealers(o)
	})
}

// owner reads and writes what the authority owns.
type owner struct {
	ctx  context.Context
	tx   *sql.Tx
	dir  string
	keys Keys
}

// load returns an own certificate, nil when there is none.
func (o owner) load(name string) ([]byte, error) {
	var der []byte
	err := o.tx.QueryRowContext(o.ctx, "SELECT der FROM own WHERE name = ?", name).Scan(&der)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return der, err
}

// save stores an own certificate with its serial number, nil when it has none.
func (o owner) save(name string, der []byte, serial *big.Int) error {
	var text sql.NullString
	if serial != nil {
		text = sql.NullString{String: serial.Text(16), Valid: true}
	}
	_, err := o.tx.ExecContext(o.ctx, "INSERT INTO own (name, serial, der) VALUES (?, ?, ?)", name, text, der)
	return err
}

// key loads a key and makes it when there is none. Where certified says that a
// certificate of it exists, a missing key is an error: a new one would not fit.
func (o owner) key(name string, certified bool) (*signingKey, error) {
	key, err := o.find(name)
	if !isAbsent(err) {
		return key, err
	}
	if certified {
		return nil, fmt.Errorf("cannot use key %s: it is missing though certificates of it exist; restore it from a backup", name)
	}
	if o.keys != nil {
		return checked(name)(o.keys.GenerateSigner(o.ctx, name))
	}
	return ownKey(makeKey(o.dir, name))
}

func (a *Authority) setUpCAs(o owner) error {
	a.cas = map[pki.Purpose]certifier{}
	for _, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		ca, err := a.setUpCA(o, p)
		if err != nil {
			return err
		}
		a.cas[p] = ca
	}
	return nil
}

func (a *Authority) setUpCA(o owner, p pki.Purpose) (certifier, error) {
	name := string(p) + "-ca"
	der, err := o.load(name)
	if err != nil {
		return certifier{}, err
	}
	key, err := o.key(name, der != nil)
	if err != nil {
		return certifier{}, err
	}
	if der == nil {
		if der, err = a.makeCA(o, p, name, key); err != nil {
			return certifier{}, err
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return certifier{}, fmt.Errorf("cannot use the %s CA certificate: %v", p, err)
	}
	return certifier{key, cert}, a.fits(p, key, cert)
}

// makeCA signs and stores the CA certificate.
func (a *Authority) makeCA(o owner, p pki.Purpose, name string, key *signingKey) ([]byte, error) {
	// From the start of yesterday, so that a request formed before the authority
	// was first opened is still within it.
	notBefore := pki.StartOfDay(a.now()).AddDate(0, 0, -1)
	notAfter := pki.EndOfDay(notBefore.AddDate(lifetimeCA, 0, -1))
	template, err := a.hierarchy.CATemplate(p, key.public, notBefore, notAfter)
	if err != nil {
		return nil, err
	}
	if template.SerialNumber, err = a.serial(); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.public, key)
	if err != nil {
		return nil, fmt.Errorf("cannot sign the %s CA certificate: %w", p, err)
	}
	return der, o.save(name, der, template.SerialNumber)
}

// fits says whether a stored CA certificate belongs to its key and this hierarchy.
func (a *Authority) fits(p pki.Purpose, key *signingKey, cert *x509.Certificate) error {
	if !key.public.Equal(cert.PublicKey) {
		return fmt.Errorf("cannot use key %s-ca: it does not fit the CA certificate; restore it from a backup", p)
	}
	if err := a.hierarchy.JudgeCA(cert, p, cert.NotBefore); err != nil {
		return fmt.Errorf("cannot use the %s CA certificate, made for another hierarchy or by another program: %w", p, err)
	}
	return nil
}
