package softca

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"math/big"

	"jukicard/pki"
)

// lifetimeCA in years; ours. The published CA certificates have ten (card fact sheet, 6.1),
// which suits certificates of five years, with a new CA long before the old one ends. The
// next card's certificates live ten years (card fact sheet, 8), and a certificate that
// outlives its CA is worth nothing from then on (RFC 5280, 6.1.3). So these CAs issue them
// for ten years, and then pki refuses each that would outlive its CA: there is no rollover,
// and another directory is the remedy. CAs of ten years that were made before stay.
const lifetimeCA = 20

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
		if err := a.setUpSealers(o); err != nil {
			return err
		}
		a.store.register, err = newRegister(a.registerKey().Signer)
		return err
	})
}

// registerKey is the key that the register's comes from: the signature CA's where it is RSA,
// or else a sealing key, which always is. Signatures on P-384 are not the same twice.
func (a *Authority) registerKey() *signingKey {
	if ca := a.cas[pki.Signature].key; isRSA(ca) {
		return ca
	}
	return a.sealers[pki.SurfaceAP].key
}

func isRSA(key *signingKey) bool {
	_, ok := key.public.(*rsa.PublicKey)
	return ok
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
func (o owner) key(name string, certified bool, a pki.Algorithm) (*signingKey, error) {
	key, err := o.find(name, a)
	if !isAbsent(err) {
		return key, err
	}
	if certified {
		return nil, fmt.Errorf("cannot use key %s: it is missing though certificates of it exist; restore it from a backup", name)
	}
	if o.keys != nil {
		return checked(name, a)(o.keys.GenerateSigner(o.ctx, name, a))
	}
	return checked(name, a)(makeKey(o.dir, name, a))
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
	algorithm, err := a.algorithmOf(der)
	if err != nil {
		return certifier{}, fmt.Errorf("cannot use the %s CA certificate: %w", p, err)
	}
	key, err := o.key(name, der != nil, algorithm)
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

// algorithmOf is that of the key of a CA whose certificate there is, which keeps it, or of
// one to be made; nil is one to be made.
func (a *Authority) algorithmOf(der []byte) (pki.Algorithm, error) {
	if der == nil {
		return cmp.Or(a.algorithm, pki.RSA2048), nil
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return "", err
	}
	got, err := pki.AlgorithmOf(cert.PublicKey)
	if err == nil && a.algorithm != "" && got != a.algorithm {
		err = fmt.Errorf("its key is of %s and %s is asked for; a directory keeps its keys, so use another one", got, a.algorithm)
	}
	return got, err
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
