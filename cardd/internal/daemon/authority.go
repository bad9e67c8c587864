package daemon

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"jukicard/apdu/secret"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/station"
	"jukicard/pki"
	"jukicard/pki/cmp"
	"jukicard/pki/est"
	"jukicard/pki/remote"
	"jukicard/pki/softca"
)

// issuer is who certifies. The embedded authority seals the face data on the chip whoever
// that is: no protocol carries such a seal.
type issuer struct {
	pki.Authority
	pki.Revoker
	afar *remote.Authority // its record; nil for the embedded authority
}

// openIssuer opens who certifies. The embedded authority is open.
func (d *Daemon) openIssuer(ctx context.Context) (err error) {
	switch d.Config.Authority.Kind {
	case config.AuthorityEST:
		d.issuer, err = d.openEST(ctx)
	case config.AuthorityCMP:
		d.issuer, err = d.openCMP(ctx)
	default:
		d.issuer = issuer{Authority: d.Authority, Revoker: d.Authority}
	}
	var wrong *config.Error
	if err != nil && !errors.As(err, &wrong) {
		err = failure.New(failure.PKIStore, err.Error(), err)
	}
	return err
}

func (d *Daemon) closeIssuer() error {
	if d.issuer.afar == nil {
		return nil
	}
	return d.issuer.afar.Close()
}

// record is how requests to an authority afar are remembered.
func (d *Daemon) record() (remote.Config, error) {
	a := d.Config.Authority
	c := remote.Config{
		Dir: filepath.Join(a.Dir, "requests"), Hierarchy: d.Hierarchy, Repeats: a.Repeats, Patience: seconds(a.PatienceSeconds),
	}
	if a.IssuersFile == "" {
		return c, nil
	}
	var err error
	c.Issuers, err = config.Certificates("authority.issuers_file", a.IssuersFile)
	return c, err
}

// secured is TLS to the authority; nil where nothing is named for it.
func secured(a config.Authority) (*tls.Config, error) {
	vouch, own, err := a.Secured()
	if err != nil || vouch == nil && own.Certificate == nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if vouch != nil {
		c.RootCAs = pool(vouch)
	}
	if own.Certificate != nil {
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}

func pool(certs []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

// afar is what every authority over a network is opened with: the record of what it was
// asked, and who is believed there.
func (d *Daemon) afar() (remote.Config, *tls.Config, error) {
	record, err := d.record()
	if err != nil {
		return record, nil, err
	}
	lines, err := secured(d.Config.Authority)
	return record, lines, err
}

func (d *Daemon) openEST(ctx context.Context) (issuer, error) {
	a := d.Config.Authority
	record, lines, err := d.afar()
	if err != nil {
		return issuer{}, err
	}
	opened, err := est.Open(ctx, est.Options{
		Address: a.URL, TLS: lines, Template: a.Template, Timeout: seconds(a.TimeoutSeconds), Record: record,
		Labels: map[pki.Purpose]string{pki.Signature: a.EST.SignatureLabel, pki.Authentication: a.EST.AuthenticationLabel},
	})
	if err != nil {
		return issuer{}, err
	}
	return issuer{opened, byHand{opened.Authority}, opened.Authority}, nil
}

func (d *Daemon) openCMP(ctx context.Context) (issuer, error) {
	a := d.Config.Authority
	record, lines, err := d.afar()
	if err != nil {
		return issuer{}, err
	}
	protection, err := protection(a)
	if err != nil {
		return issuer{}, err
	}
	opened, err := cmp.Open(ctx, cmp.Options{
		Address: a.URL, TLS: lines, Protection: protection, Form: cmp.Form(a.CMP.Request), Template: a.Template,
		Timeout: seconds(a.TimeoutSeconds), Record: record,
	})
	if err != nil {
		return issuer{}, err
	}
	return issuer{opened, opened, opened.Authority}, nil
}

// protection of CMP messages is by a secret or by signatures.
func protection(a config.Authority) (cmp.Protection, error) {
	if a.CMP.MAC != "" {
		text, err := os.ReadFile(a.CMP.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the secret shared with the authority: %w", err)
		}
		defer clear(text)
		return cmp.Shared{Reference: a.CMP.Reference, Secret: secret.New(bytes.TrimRight(text, "\r\n")), MAC: cmp.MAC(a.CMP.MAC)}, nil
	}
	vouch, own, err := a.Secured()
	if err != nil {
		return nil, err
	}
	key, err := signer(own)
	if err != nil {
		return nil, err
	}
	return cmp.Signed{Key: key, Chain: chain(own), Trusted: pool(vouch), Server: a.CMP.Server}, nil
}

// byHand is revocation at an authority whose protocol has none: a person does it there and
// says so (see [Daemon.RevokedByHand]); until then it is owed.
type byHand struct{ record *remote.Authority }

// Revoke implements pki.Revoker.
func (b byHand) Revoke(ctx context.Context, serial *big.Int, why pki.Reason) error {
	return b.record.TakeBack(ctx, serial, why, func(*x509.Certificate) error {
		return fmt.Errorf("EST has no message for it; revoke it at the authority, then say so with: cardctl authority revoked %X", serial)
	})
}

// errEmbedded: what is only asked of an authority afar.
var errEmbedded = errors.New("the embedded authority leaves no doubts: it is asked without a network")

// Doubts are the requests to the authority of which nobody here knows what became.
func (d *Daemon) Doubts(ctx context.Context) ([]remote.Doubt, error) {
	if d.issuer.afar == nil {
		return nil, nil
	}
	return d.issuer.afar.Doubts(ctx)
}

// Settle ends a doubt with what a person found at the authority: the certificate in DER, or
// nil where none was issued.
func (d *Daemon) Settle(ctx context.Context, id string, found []byte) error {
	if d.issuer.afar == nil {
		return failure.New(failure.PKINoDoubt, errEmbedded.Error(), nil)
	}
	err := d.issuer.afar.Settle(ctx, id, found)
	var objection *pki.Objection
	switch {
	case errors.Is(err, remote.ErrNoDoubt):
		return failure.New(failure.PKINoDoubt, err.Error(), err)
	case errors.As(err, &objection):
		return failure.New(failure.PKICertificate, err.Error(), err)
	case err != nil:
		return failure.New(failure.PKIAuthority, err.Error(), err)
	}
	return nil
}

// RevokedByHand takes a person's word that a certificate was revoked at the authority.
func (d *Daemon) RevokedByHand(ctx context.Context, serial *big.Int, why pki.Reason) error {
	if _, ok := d.issuer.Revoker.(byHand); !ok {
		return failure.New(failure.APIRequest, "this authority revokes by itself; nobody has to say so", nil)
	}
	err := d.issuer.afar.TakeBack(ctx, serial, why, func(*x509.Certificate) error { return nil })
	if errors.Is(err, pki.ErrUnknownSerial) {
		return failure.New(failure.PKINoCertificate, err.Error(), err)
	}
	if err != nil {
		return failure.New(failure.PKIAuthority, err.Error(), err)
	}
	return nil
}

// issued is what the authority is known to have issued.
func (d *Daemon) issued(ctx context.Context) ([]softca.Issued, error) {
	if d.issuer.afar == nil {
		return d.Authority.Certificates(ctx)
	}
	all, err := d.issuer.afar.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]softca.Issued, 0, len(all))
	for _, c := range all {
		out = append(out, softca.Issued(c))
	}
	return out, nil
}

// signer is the key of a certificate.
func signer(own tls.Certificate) (crypto.Signer, error) {
	key, ok := own.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, errors.New("cannot use the key of authority.cert_file: it does not sign")
	}
	return key, nil
}

// chain is a certificate with those that vouch for it.
func chain(own tls.Certificate) (out []*x509.Certificate) {
	for _, der := range own.Certificate {
		if cert, err := x509.ParseCertificate(der); err == nil { // it was parsed when it was read
			out = append(out, cert)
		}
	}
	return out
}

// Happened takes back what an event of a card's holder, the card or its keys makes invalid:
// of the card's certificates that are not revoked for good, those that [pki.Event.Revokes]
// names. One that fails keeps no other valid: all are tried, and the error says which failed.
// It gives the serial numbers of those that were taken back. Doing it again is safe.
func (d *Daemon) Happened(ctx context.Context, card string, event pki.Event) (serials []*big.Int, err error) {
	list, err := event.Revokes()
	if err != nil {
		return nil, failure.New(failure.APIRequest, err.Error(), err)
	}
	all, err := d.issued(ctx)
	if err != nil {
		return nil, failure.New(failure.PKIAuthority, err.Error(), err)
	}
	known := false
	var failed []error
	for _, c := range all {
		_, of, _, ok := station.RequestedFor(c.ID)
		if !ok || of != card || len(c.DER) == 0 {
			continue
		}
		known = true
		if !slices.ContainsFunc(list, func(r pki.Revocation) bool { return r.Purpose == c.Purpose }) || !c.Revoked.IsZero() && c.Reason != pki.CertificateHold {
			continue
		}
		if err := event.Take(ctx, d.issuer.Revoker, map[pki.Purpose]*big.Int{c.Purpose: c.Serial}); err != nil {
			failed = append(failed, err)
			continue
		}
		serials = append(serials, c.Serial)
	}
	if !known {
		return nil, failure.New(failure.PKINoCertificate, card, nil)
	}
	if err := errors.Join(failed...); err != nil {
		return serials, failure.New(failure.PKIAuthority, err.Error(), err)
	}
	return serials, nil
}

// Status serves the CAs' certificates, lists and OCSP. It is nil for an authority afar, which
// serves its own.
func (d *Daemon) Status() http.Handler {
	if d.issuer.afar != nil {
		return nil
	}
	return d.Authority.StatusHandler()
}
