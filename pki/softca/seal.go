package softca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"fmt"

	"jukicard/pki"
)

// digestInfoMax is what PKCS #1 v1.5 leaves of 256 bytes (RFC 8017, 9.2).
const digestInfoMax = keyBits/8 - 11

// keyNames are the 証明者鍵ID of a laboratory: the last two digits are those of the
// real applications, 23 and 33, and the leading zero belongs to no real hierarchy,
// production being 5, test 6 and terminals 9 (card fact sheet, 2.2 and 4.1).
var keyNames = map[pki.Sealing]struct{ root, subject string }{
	pki.SurfaceAP: {"0000023", "0100023"},
	pki.TextAP:    {"0000033", "0100033"},
}

const keyVersion = "001"

// sealer is the root and the sealing key of one application.
type sealer struct {
	key  *signingKey
	root *rsa.PublicKey
	cert []byte
}

func (a *Authority) setUpSealers(o owner) error {
	a.sealers = map[pki.Sealing]sealer{}
	for _, s := range []pki.Sealing{pki.SurfaceAP, pki.TextAP} {
		one, err := setUpSealer(o, s)
		if err != nil {
			return err
		}
		a.sealers[s] = one
	}
	return nil
}

func setUpSealer(o owner, s pki.Sealing) (sealer, error) {
	name := string(s) + "-seal"
	cert, err := o.load(name)
	if err != nil {
		return sealer{}, err
	}
	root, err := o.key(string(s)+"-root", cert != nil, pki.RSA2048)
	if err != nil {
		return sealer{}, err
	}
	key, err := o.key(name, cert != nil, pki.RSA2048)
	if err != nil {
		return sealer{}, err
	}
	if cert == nil {
		if cert, err = makeCV(s, root, key); err != nil {
			return sealer{}, err
		}
		if err := o.save(name, cert, nil); err != nil {
			return sealer{}, err
		}
	}
	return sealer{key, root.rsa(), cert}, fitsCV(name, cert, root, key)
}

// rsa is the public half of a key that was made or found as RSA.
func (k *signingKey) rsa() *rsa.PublicKey {
	public, ok := k.public.(*rsa.PublicKey)
	if !ok {
		panic("internal error: a sealing key is RSA")
	}
	return public
}

// makeCV has the root certify the sealing key.
func makeCV(s pki.Sealing, root, key *signingKey) ([]byte, error) {
	issuer, err := pki.NewKeyID(keyNames[s].root, keyVersion)
	if err != nil {
		return nil, err
	}
	subject, err := pki.NewKeyID(keyNames[s].subject, keyVersion)
	if err != nil {
		return nil, err
	}
	return pki.NewCVCertificate(issuer, root, subject, key.rsa())
}

func fitsCV(name string, cert []byte, root, key *signingKey) error {
	c, err := pki.ParseCVCertificate(cert)
	if err != nil {
		return err
	}
	if err := pki.VerifyCV(c, root.rsa()); err != nil {
		return err
	}
	if !key.public.Equal(c.PublicKey) {
		return fmt.Errorf("cannot use key %s: it does not fit its certificate; restore it from a backup", name)
	}
	return nil
}

func (a *Authority) sealer(s pki.Sealing) (sealer, error) {
	one, ok := a.sealers[s]
	if !ok {
		return sealer{}, fmt.Errorf("cannot seal: want application %q or %q, got %q", pki.TextAP, pki.SurfaceAP, s)
	}
	return one, nil
}

// CVCertificate is the 568-byte object 7F21 for EF 0004 of an application.
func (a *Authority) CVCertificate(ctx context.Context, s pki.Sealing) ([]byte, error) {
	one, err := a.sealer(s)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(one.cert), ctx.Err()
}

// CVRoot is the key that verifies CVCertificate, to be trusted by whoever checks a
// laboratory card; on a card it does not stand.
func (a *Authority) CVRoot(s pki.Sealing) (*rsa.PublicKey, error) {
	one, err := a.sealer(s)
	return one.root, err
}

// Seal pads digestInfo verbatim and signs, whatever its digest's length: DF28 of
// the surface application carries 96 bytes under the identifier of SHA-256 (card
// fact sheet, 2.3). Want 1 to 245 bytes; 256 are returned.
func (a *Authority) Seal(ctx context.Context, s pki.Sealing, digestInfo []byte) ([]byte, error) {
	one, err := a.sealer(s)
	if err != nil {
		return nil, err
	}
	if len(digestInfo) == 0 || len(digestInfo) > digestInfoMax {
		return nil, fmt.Errorf("cannot seal: want 1 to %d bytes, got %d", digestInfoMax, len(digestInfo))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Hash 0 signs the bytes as they are (crypto/rsa, PrivateKey.Sign).
	return one.key.Sign(nil, digestInfo, crypto.Hash(0))
}
