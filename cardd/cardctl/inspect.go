package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"jukicard/apdu/profile"
	"jukicard/pki"
)

// use is what a key of the holder is for.
type use struct {
	purpose   pki.Purpose
	ca        string // the recipe of its CA's certificate
	usage     x509.KeyUsage
	usageName string
	presence  int // its byte among the marks of presence (card fact sheet, 2.1)
}

var uses = []use{
	{pki.Authentication, "jpki/auth-ca", x509.KeyUsageDigitalSignature, "digitalSignature", 1},
	{pki.Signature, "jpki/sign-ca",
		x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment, "digitalSignature and nonRepudiation", 0},
}

// holderKey is a key of the holder with everything that belongs to it.
type holderKey struct {
	use
	app       string
	key, cert string
	ca        string // empty where the generation has no file for it
	kind      pki.Algorithm
	pins      []string // any one lets it sign; none where anybody may
}

// holderKeys are the keys of a profile that get certificates, in the order of uses.
func holderKeys(p *profile.Card) []holderKey {
	var all []holderKey
	for _, u := range uses {
		ca, _ := p.Made(u.ca)
		for i := range p.Applications {
			app := &p.Applications[i]
			for _, k := range app.Keys {
				if k.Purpose == string(u.purpose) {
					all = append(all, holderKey{
						use: u, app: app.Name, key: app.Name + "/" + k.Name, cert: app.Name + "/" + k.Certificate, ca: ca,
						kind: pki.Algorithm(k.Type), pins: referencesIn(app, k.Use),
					})
				}
			}
		}
	}
	return all
}

// holder checks the holder's certificates with their chains and keys.
func (in *inspection) holder(ctx context.Context, c *opened) error {
	for _, h := range holderKeys(c.Profile()) {
		open, err := in.presentAny(ctx, c, h.pins)
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

// presence compares the marks of presence with the certificates that can be seen.
func (in *inspection) presence(ctx context.Context, c *opened) error {
	path, ok := c.Profile().Made("jpki/presence")
	if !ok {
		return nil
	}
	in.enter(path)
	marks, err := c.ReadAll(ctx, path)
	if err := fatal(err); err != nil {
		return err
	}
	if err != nil || len(marks) < len(uses) {
		in.add(resultNotRead, path, "the card does not tell which certificates it carries")
		return nil
	}
	var wrong []error
	for _, h := range holderKeys(c.Profile()) {
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
	in.hold(path, errors.Join(wrong...), "it tells of the certificates that can be seen as they are")
	return nil
}

// presenceMark stands where a certificate is there.
const presenceMark = 0x8F

// certificate reads one certificate and notes why there is none to see.
func (in *inspection) certificate(ctx context.Context, c *opened, path string) (*x509.Certificate, error) {
	in.enter(path)
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
	if h.ca == "" {
		return nil, nil
	}
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
	if !ofKind(cert.PublicKey, h.kind) {
		in.add(resultFailed, h.key, "the certificate's key is not %s", kindName(h.kind))
		return nil
	}
	if !open {
		_, r, err := c.Profile().Reference(h.pins[0])
		if err != nil {
			return err
		}
		in.add(resultNotRead, h.key, "it signs behind %s; give it with --pin %s", r.Japanese, r.Class)
		return nil
	}
	return in.challenge(ctx, c, h.key, cert.PublicKey, "it is the key of "+h.cert)
}

// ofKind says whether a public key is of the kind that the card makes. How strong it is
// the card's own signature tells: another key does not verify.
func ofKind(pub crypto.PublicKey, kind pki.Algorithm) bool {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return kind == pki.RSA2048
	case *ecdsa.PublicKey:
		return kind == pki.P384 && pub.Curve == elliptic.P384()
	}
	return false
}

// kindName is the kind in words.
func kindName(kind pki.Algorithm) string {
	if kind == pki.RSA2048 {
		return "RSA"
	}
	return "on " + string(kind)
}

// challenge lets a key sign something new.
func (in *inspection) challenge(ctx context.Context, c *opened, key string, pub crypto.PublicKey, text string) error {
	in.enter(key)
	var refusal error
	err := pki.Prove(pub, func(data []byte) (signature []byte, err error) {
		signature, err = c.Sign(ctx, key, data)
		refusal = err
		return signature, err
	})
	if err := fatal(refusal); err != nil {
		return err
	}
	switch {
	case refusal != nil:
		err = refusal
	case errors.Is(err, pki.ErrProof):
		err = errors.New("what it signs does not verify: another key is on the card")
	}
	in.hold(key, err, text)
	return nil
}
