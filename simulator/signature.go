package simulator

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"io"

	"jukicard/apdu"
)

// scheme is one P1 of COMPUTE DIGITAL SIGNATURE (card fact sheet, 4.1).
type scheme struct {
	min, max int  // bytes of data; max 0: what the command carries
	hash     bool // the card takes SHA-256 first
	sign     func(k *rsa.PrivateKey, data []byte) ([]byte, error)
}

var schemes = [...]scheme{
	0x00: {min: 1, max: -1, sign: signVerbatim},
	0x01: {min: 1, hash: true, sign: signVerbatim},
	0x02: {min: sha256.Size, max: sha256.Size, sign: signDigestInfo},
	0x03: {min: 1, hash: true, sign: signDigestInfo},
	0x04: {min: sha256.Size, max: sha256.Size, sign: signPSS},
	0x05: {min: 1, hash: true, sign: signPSS},
}

// signVerbatim pads data as it is with PKCS #1 v1.5 type 1 (RFC 8017, 9.2 without
// its DigestInfo). crypto/rsa works by CRT, blinds, and checks its result.
func signVerbatim(k *rsa.PrivateKey, data []byte) ([]byte, error) {
	return rsa.SignPKCS1v15(nil, k, 0, data)
}

func signDigestInfo(k *rsa.PrivateKey, digest []byte) ([]byte, error) {
	return rsa.SignPKCS1v15(nil, k, crypto.SHA256, digest)
}

func signPSS(k *rsa.PrivateKey, digest []byte) ([]byte, error) {
	return rsa.SignPSS(rand.Reader, k, crypto.SHA256, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
}

// signingKey is the key in P2: 00 the AP's default key, else an EF.
func (c *Card) signingKey(p2 byte) (*key, apdu.SW) {
	if p2 == 0 {
		if c.app.fallback == nil {
			return nil, apdu.SWIncorrectP1P2
		}
		return c.app.fallback, apdu.SWOK
	}
	e, sw := c.byP2(p2)
	switch {
	case sw != apdu.SWOK:
		return nil, sw
	case e.opaque:
		return nil, apdu.SWSecurityStatus
	case e.key == nil:
		return nil, apdu.SWCommandIncompatible
	}
	return e.key, apdu.SWOK
}

// computeSignature is 80 2A.
func (c *Card) computeSignature(cmd apdu.Command) apdu.SW {
	if int(cmd.P1) >= len(schemes) {
		return apdu.SWIncorrectP1P2
	}
	k, sw := c.signingKey(cmd.P2)
	switch {
	case sw != apdu.SWOK:
		return sw
	case k.private == nil || k.Authenticate:
		return apdu.SWConditionsNotSatisfied
	case !c.allowed(k.use):
		return apdu.SWSecurityStatus
	case len(cmd.Data) == 0:
		return apdu.SWWrongLength
	}
	return k.kind.sign(c, cmd.P1, k.private, cmd.Data)
}

// sign appends the signature to the answer. Data of a wrong length is 6985.
func (c *Card) sign(s scheme, k *rsa.PrivateKey, data []byte) apdu.SW {
	most := s.max
	switch most {
	case -1:
		most = k.Size() - 11 // RFC 8017, 9.2
	case 0:
		most = apdu.MaxExtendedData
	}
	if len(data) < s.min || len(data) > most {
		return apdu.SWConditionsNotSatisfied
	}
	if s.hash {
		digest := sha256.Sum256(data)
		data = digest[:]
	}
	signature, err := s.sign(k, data)
	if err != nil {
		return apdu.SWUnknown
	}
	c.out = append(c.out, signature...)
	return apdu.SWOK
}

// internalAuthenticate is INTERNAL AUTHENTICATE: one key signs a challenge, PKCS #1
// with SHA-256, without any credential. Keys behind a PIN answer 6982 and the free
// signing keys 6985 (card fact sheet, 4.1).
func (c *Card) internalAuthenticate(cmd apdu.Command) apdu.SW {
	if cmd.P1 != 0 || cmd.P2 == 0 {
		return apdu.SWIncorrectP1P2
	}
	k, sw := c.signingKey(cmd.P2)
	switch {
	case sw != apdu.SWOK:
		return sw
	case !k.use.free:
		return apdu.SWSecurityStatus
	case !k.Authenticate || k.private == nil:
		return apdu.SWConditionsNotSatisfied
	case len(cmd.Data) == 0 || len(cmd.Data) > apdu.MaxShortData:
		return apdu.SWWrongLength
	}
	return k.kind.sign(c, 0x03, k.private, cmd.Data)
}

// getChallenge is GET CHALLENGE: 1 to 256 bytes, exactly as many as asked; the
// extended form is refused (card fact sheet, 1.1).
func (c *Card) getChallenge(cmd apdu.Command) apdu.SW {
	switch {
	case cmd.P1 != 0 || cmd.P2 != 0:
		return apdu.SWIncorrectP1P2
	case cmd.Extended:
		return apdu.SWConditionsNotSatisfied
	case cmd.Ne == 0 || len(cmd.Data) > 0:
		return apdu.SWWrongLength
	}
	n := len(c.out)
	c.out = append(c.out, make([]byte, cmd.Ne)...)
	if _, err := io.ReadFull(c.rand, c.out[n:]); err != nil {
		return apdu.SWUnknown
	}
	return apdu.SWOK
}
