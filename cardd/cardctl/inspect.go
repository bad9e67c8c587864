package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"jukicard/pki"
)

// holderKey is a key of the holder with everything that belongs to it.
type holderKey struct {
	purpose             pki.Purpose
	key, pin, cert, ca  string
	usage               x509.KeyUsage
	usageName, presence string
}

var holderKeys = []holderKey{
	{pki.Authentication, "jpki/auth-key", "jpki/auth-pin", "jpki/auth-cert", "jpki/auth-ca", x509.KeyUsageDigitalSignature, "digitalSignature", "second"},
	{pki.Signature, "jpki/sign-key", "jpki/sign-pin", "jpki/sign-cert", "jpki/sign-ca",
		x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment, "digitalSignature and nonRepudiation", "first"},
}

// jpki checks both holder's certificates with their chains and keys.
func (in *inspection) jpki(ctx context.Context, c *opened) error {
	for _, h := range holderKeys {
		open, err := in.present(ctx, c, h.pin)
		if err != nil {
			return err
		}
		ca, err := in.caCertificate(ctx, c, h)
		if err != nil {
			return err
		}
		cert, err := in.holderCertificate(ctx, c, h, ca)
		if err != nil {
			return err
		}
		if err := in.holderKey(ctx, c, h, cert, open); err != nil {
			return err
		}
	}
	return nil
}

// certificate reads one certificate and notes why there is none to see.
func (in *inspection) certificate(ctx context.Context, c *opened, path string) (*x509.Certificate, error) {
	row, cert, err := readCertificate(ctx, c, path)
	if err != nil || cert != nil {
		return cert, err
	}
	switch row.State {
	case "damaged":
		in.add(resultFailed, path, "it is no certificate")
	case "protected":
		in.add(resultNotRead, path, "protected%s", opensWith(c.Profile(), path))
	default:
		in.add(resultNotRead, path, "the card carries none")
	}
	return nil, nil
}

func (in *inspection) caCertificate(ctx context.Context, c *opened, h holderKey) (*x509.Certificate, error) {
	ca, err := in.certificate(ctx, c, h.ca)
	if ca == nil || err != nil {
		return nil, err
	}
	name, err := judgeCA(ca, h.purpose, in.now)
	in.hold(h.ca, err, fmt.Sprintf("%s, self-signed, valid until %s", name, ca.NotAfter.Local().Format(time.DateOnly)))
	return ca, nil
}

// judgeCA finds the hierarchy a CA belongs to by its name and judges it as one of
// that. A CA of another must at least be one.
func judgeCA(ca *x509.Certificate, p pki.Purpose, now time.Time) (name string, err error) {
	for _, known := range []struct {
		name string
		h    pki.Hierarchy
	}{{"of the real 公的個人認証サービス", pki.Production()}, {"of the J-LIS test hierarchy", pki.Test()}, {"of a laboratory", pki.Lab()}} {
		if len(ca.Subject.Organization) == 1 && ca.Subject.Organization[0] == known.h.Organization {
			return known.name, known.h.JudgeCA(ca, p, now)
		}
	}
	return "of a hierarchy not known here", errors.Join(ca.CheckSignatureFrom(ca), inTime(ca, now))
}

// inTime refuses a certificate outside its dates.
func inTime(c *x509.Certificate, now time.Time) error {
	if now.Before(c.NotBefore) {
		return fmt.Errorf("it is valid from %s, which is still to come", c.NotBefore.Local().Format(time.DateTime))
	}
	if now.After(c.NotAfter) {
		return fmt.Errorf("it was valid until %s", c.NotAfter.Local().Format(time.DateTime))
	}
	return nil
}

func (in *inspection) holderCertificate(ctx context.Context, c *opened, h holderKey, ca *x509.Certificate) (*x509.Certificate, error) {
	cert, err := in.certificate(ctx, c, h.cert)
	if cert == nil || err != nil {
		return nil, err
	}
	if ca == nil {
		in.add(resultNotRead, h.cert, "its CA certificate is not to be seen, so its chain is not checked")
		return cert, nil
	}
	in.hold(h.cert, errors.Join(chained(cert, ca), inTime(cert, in.now), used(cert, h)),
		fmt.Sprintf("signed by %s, for %s, valid until %s", h.ca, h.usageName, cert.NotAfter.Local().Format(time.DateTime)))
	return cert, nil
}

func chained(cert, ca *x509.Certificate) error {
	if err := cert.CheckSignatureFrom(ca); err != nil {
		return fmt.Errorf("it is not signed by the CA on the card: %w", err)
	}
	return nil
}

func used(cert *x509.Certificate, h holderKey) error {
	if cert.KeyUsage != h.usage || cert.IsCA {
		return fmt.Errorf("its key usage is not %s alone", h.usageName)
	}
	return nil
}

// holderKey has the card sign a challenge and compares with the certificate.
func (in *inspection) holderKey(ctx context.Context, c *opened, h holderKey, cert *x509.Certificate, open bool) error {
	if cert == nil {
		return nil // why was noted
	}
	pub, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		in.add(resultFailed, h.key, "the certificate's key is not RSA")
		return nil
	}
	if !open {
		_, r, err := c.Profile().Reference(h.pin)
		if err != nil {
			return err
		}
		in.add(resultNotRead, h.key, "it signs behind %s; give it with --pin %s", r.Japanese, r.Class)
		return nil
	}
	return in.challenge(ctx, c, h.key, pub, "it is the key of "+h.cert)
}

// challenge lets a key sign 32 random bytes.
func (in *inspection) challenge(ctx context.Context, c *opened, key string, pub *rsa.PublicKey, text string) error {
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return fmt.Errorf("cannot draw a challenge: %w", err)
	}
	sum := sha256.Sum256(random[:])
	sig, err := c.Sign(ctx, key, pki.DigestInfoSHA256(sum[:]))
	if err := fatal(err); err != nil {
		return err
	}
	if err == nil && rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum[:], sig) != nil {
		err = errors.New("what it signs does not verify: another key is on the card")
	}
	in.hold(key, err, text)
	return nil
}
