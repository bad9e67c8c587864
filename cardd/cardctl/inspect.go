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
	purpose            pki.Purpose
	key, pin, cert, ca string
	usage              x509.KeyUsage
	usageName          string
	presence           int // its byte in EF 0008 (card fact sheet, 2.1)
}

var holderKeys = []holderKey{
	{pki.Authentication, "jpki/auth-key", "jpki/auth-pin", "jpki/auth-cert", "jpki/auth-ca", x509.KeyUsageDigitalSignature, "digitalSignature", 1},
	{pki.Signature, "jpki/sign-key", "jpki/sign-pin", "jpki/sign-cert", "jpki/sign-ca",
		x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment, "digitalSignature and nonRepudiation", 0},
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
	return in.presence(ctx, c)
}

// presence compares EF 0008 with the certificates that can be seen.
func (in *inspection) presence(ctx context.Context, c *opened) error {
	marks, err := c.ReadAll(ctx, "jpki/presence")
	if err := fatal(err); err != nil {
		return err
	}
	if err != nil || len(marks) < len(holderKeys) {
		in.add(resultNotRead, "jpki/presence", "the card does not tell which certificates it carries")
		return nil
	}
	var wrong []error
	for _, h := range holderKeys {
		marked := marks[h.presence] == presenceMark
		switch in.states[h.cert] {
		case "present":
			if !marked {
				wrong = append(wrong, fmt.Errorf("%s is there and marked as absent", h.cert))
			}
		case "empty", "absent":
			if marked {
				wrong = append(wrong, fmt.Errorf("%s is not there and marked as present", h.cert))
			}
		}
	}
	in.hold("jpki/presence", errors.Join(wrong...), "it tells of the certificates that can be seen as they are")
	return nil
}

// presenceMark stands in EF 0008 where a certificate is there.
const presenceMark = 0x8F

// certificate reads one certificate and notes why there is none to see.
func (in *inspection) certificate(ctx context.Context, c *opened, path string) (*x509.Certificate, error) {
	row, cert, err := readCertificate(ctx, c, path)
	in.states[path] = row.State
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
// that. Laboratories call themselves as they like; a CA of any other must at least
// be one.
func judgeCA(ca *x509.Certificate, p pki.Purpose, now time.Time) (name string, err error) {
	organization := ""
	if len(ca.Subject.Organization) == 1 {
		organization = ca.Subject.Organization[0]
	}
	switch organization {
	case pki.Production().Organization:
		return "of the real 公的個人認証サービス", pki.Production().JudgeCA(ca, p, now)
	case pki.Test().Organization:
		return "of the J-LIS test hierarchy", pki.Test().JudgeCA(ca, p, now)
	}
	lab := pki.Lab()
	lab.Organization = organization
	if lab.JudgeCA(ca, p, now) == nil {
		return "of a laboratory without authority", nil
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
