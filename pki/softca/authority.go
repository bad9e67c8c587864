// Package softca is the embedded certificate authority: a laboratory that needs
// nothing but a directory. It implements pki.Authority, pki.Revoker and pki.Sealer.
//
// The directory (0700) holds six keys, RSA-2048 or for the two CAs P-384, as unencrypted
// PKCS #8 (RFC 5958) PEM files (0600), unless Options.Keys keeps them elsewhere, and one SQLite database (WAL, synchronous=FULL) with the own
// certificates and every certificate issued, sealed under a key from one of
// those, for holders' data are in them. Who reads the directory can issue and open
// them; who loses it can neither revoke nor answer a repeated request. It is
// for laboratories: the keys are not in hardware, and the names are pki.Lab's.
//
// An issue is two commits: first the serial number is reserved for the request ID
// and the key, then the certificate is stored, and only a stored certificate is
// returned. After a crash between them the same request takes up the reserved
// serial, so that no ID ever has two and no serial is ever used twice.
//
// What became of certificates it tells by lists (RFC 5280, 5) and by OCSP (RFC 6960).
//
// A certificate that would outlive its CA is refused. It leaves out: rollover of the CAs, partitioned revocation lists, and enrolment over a
// network.
package softca

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"slices"
	"sync"
	"time"

	"jukicard/pki"
)

// Options are for tests and for hierarchies other than the laboratory's. The zero
// value is right for cardd.
type Options struct {
	// Hierarchy is what is written into certificates; pki.Lab when zero. A
	// directory keeps the one it was made with.
	Hierarchy pki.Hierarchy
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Keys, where set, holds the private keys in place of files in the directory: a key
	// store, perhaps a hardware module. A directory keeps the way it was made with.
	Keys Keys
	// Algorithm is that of the CAs' keys: pki.RSA2048, as those of today have, or pki.P384
	// for the next card. Where it is empty a new directory takes RSA-2048, and one that
	// was made keeps what it has; another than it has is refused. Sealing keys are RSA-2048.
	Algorithm pki.Algorithm
	// Rand is where serial numbers come from; crypto/rand when nil. Keys always
	// come from crypto/rand.
	Rand io.Reader
}

// Authority is one opened directory. Any method may be called by several
// goroutines, and several processes may have the same directory open.
type Authority struct {
	hierarchy pki.Hierarchy
	now       func() time.Time
	rand      io.Reader
	keys      Keys          // nil: files
	algorithm pki.Algorithm // asked for; may be empty
	store     *store
	cas       map[pki.Purpose]certifier
	sealers   map[pki.Sealing]sealer

	mu       sync.Mutex
	watchers []func() // called after a revocation; mu's
}

var (
	_ pki.Authority = (*Authority)(nil)
	_ pki.Revoker   = (*Authority)(nil)
	_ pki.Sealer    = (*Authority)(nil)
)

// certifier is one CA.
type certifier struct {
	key  *signingKey
	cert *x509.Certificate
}

// Open opens an authority and makes whatever is missing of it: the directory, the
// keys, the CA certificates, valid twenty years from the day before today, and the
// certificates of the sealing keys. A making that was interrupted is taken up.
// It refuses a directory of another hierarchy, keys that others may read, a key
// that its certificate does not fit, a certificate whose key is gone, and a database
// that is damaged, an older copy, or has lost what it had issued (package highwater).
func Open(dir string, opts Options) (*Authority, error) {
	if opts.Hierarchy == (pki.Hierarchy{}) {
		opts.Hierarchy = pki.Lab()
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Rand == nil {
		opts.Rand = rand.Reader
	}
	if a := opts.Algorithm; a != "" && a != pki.RSA2048 && a != pki.P384 {
		return nil, fmt.Errorf("cannot open authority %s: its algorithm must be %s or %s", dir, pki.RSA2048, pki.P384)
	}
	st, err := openStore(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open authority %s: %w", dir, err)
	}
	a := &Authority{hierarchy: opts.Hierarchy, now: opts.Now, rand: opts.Rand, keys: opts.Keys, algorithm: opts.Algorithm, store: st}
	err = a.setUp(dir)
	if err == nil {
		err = a.sound(context.Background())
	}
	if err != nil {
		_ = st.close() // the first error is the one to tell
		return nil, fmt.Errorf("cannot open authority %s: %w", dir, err)
	}
	return a, nil
}

// Close closes the database. Nothing is lost without it.
func (a *Authority) Close() error { return a.store.close() }

// CA is the authority's own certificate for a purpose.
func (a *Authority) CA(ctx context.Context, p pki.Purpose) (*x509.Certificate, error) {
	ca, err := a.ca(p)
	if err != nil {
		return nil, err
	}
	return ca.cert, ctx.Err()
}

func (a *Authority) ca(p pki.Purpose) (certifier, error) {
	ca, ok := a.cas[p]
	if !ok {
		return certifier{}, fmt.Errorf("cannot find a CA: want purpose %q or %q, got %q", pki.Signature, pki.Authentication, p)
	}
	return ca, nil
}

// Certify issues the certificate of r, or returns the one issued for r.ID before,
// whatever else r then says: the caller judges what it gets (pki.Hierarchy.Judge).
// It is durable when returned. It fails with pki.ErrProof, pki.ErrIDTaken, a rule
// of the template, or ctx's error.
func (a *Authority) Certify(ctx context.Context, r pki.Request) (*x509.Certificate, error) {
	ca, err := a.ca(r.Purpose)
	if err != nil {
		return nil, err
	}
	csr, err := pki.VerifyCSR(r.CSR)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256(csr.RawSubjectPublicKeyInfo)
	row, err := a.store.find(ctx, r.ID, r.Purpose, key[:])
	if err != nil {
		return nil, fmt.Errorf("cannot certify: %w", err)
	}
	if row.der == nil {
		if row.der, err = a.issue(ctx, r, ca, key[:]); err != nil {
			return nil, err
		}
	}
	return x509.ParseCertificate(row.der)
}

// issue makes the certificate of a request that has none: rules first, so that a
// refused request leaves no trace, then the two commits.
func (a *Authority) issue(ctx context.Context, r pki.Request, ca certifier, key []byte) ([]byte, error) {
	template, err := a.hierarchy.Template(r, ca.cert)
	if err != nil {
		return nil, err
	}
	row, err := a.store.reserve(ctx, r.ID, r.Purpose, key, a.serial)
	if err != nil {
		return nil, fmt.Errorf("cannot certify: %w", err)
	}
	if row.der != nil { // another caller was faster
		return row.der, nil
	}
	template.SerialNumber = row.serial
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, template.PublicKey, ca.key)
	if err != nil {
		return nil, fmt.Errorf("cannot certify: cannot sign: %w", err)
	}
	if der, err = a.store.complete(ctx, r.ID, der); err != nil {
		return nil, fmt.Errorf("cannot certify: %w", err)
	}
	return der, nil
}

// serial draws a serial number of 63 random bits, positive and at most 8 bytes
// (RFC 5280, 4.1.2.2). The length of the real ones is not public. The store
// refuses a repetition.
func (a *Authority) serial() (*big.Int, error) {
	b := make([]byte, 8)
	if _, err := io.ReadFull(a.rand, b); err != nil {
		return nil, fmt.Errorf("cannot draw a serial number: %w", err)
	}
	b[0] = b[0]&0x3F | 0x40 // always 8 bytes, so that a certificate's size tells nothing
	return new(big.Int).SetBytes(b), nil
}

// Revoke takes a certificate back: see pki.Revoker. It stands in the next CRL.
func (a *Authority) Revoke(ctx context.Context, serial *big.Int, why pki.Reason) error {
	if !why.Valid() {
		return fmt.Errorf("cannot revoke: reason must be 0 to %d, not %d", int(pki.CertificateHold), int(why))
	}
	if serial == nil || serial.Sign() <= 0 {
		return fmt.Errorf("cannot revoke: %w", pki.ErrUnknownSerial)
	}
	if err := a.store.revoke(ctx, serial, why, a.now()); err != nil {
		return fmt.Errorf("cannot revoke %X for %v: %w", serial, why, err)
	}
	a.told()
	return nil
}

// onRevoke has f called after each revocation.
func (a *Authority) onRevoke(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watchers = append(a.watchers, f)
}

func (a *Authority) told() {
	a.mu.Lock()
	watchers := slices.Clone(a.watchers)
	a.mu.Unlock()
	for _, f := range watchers {
		f()
	}
}
