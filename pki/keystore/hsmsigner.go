//go:build cgo && !windows

package keystore

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	cryptoasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// oidP384 is secp384r1 in DER, as CKA_EC_PARAMS has it (SEC 2 v2, A.2.4).
var oidP384 = []byte{0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22}

// generation is how a module makes a key pair.
func generation(a Algorithm) (m *pkcs11.Mechanism, public []*pkcs11.Attribute, err error) {
	switch a {
	case RSA2048:
		return pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, nil), []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, 2048),
			pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}),
		}, nil
	case P384:
		return pkcs11.NewMechanism(pkcs11.CKM_EC_KEY_PAIR_GEN, nil), []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, oidP384),
		}, nil
	}
	return nil, nil, fmt.Errorf("cannot make signing key: %q is neither %s nor %s", a, RSA2048, P384)
}

// GenerateSigner implements Signers.
func (h *HSM) GenerateSigner(ctx context.Context, label string, a Algorithm) (crypto.Signer, error) {
	id := ID{Use: Signing, Label: label}
	if err := errors.Join(id.Check(), ctx.Err()); err != nil {
		return nil, err
	}
	m, public, err := generation(a)
	if err != nil {
		return nil, err
	}
	wanted := "generate " + id.String()
	err = h.main(wanted, func(s pkcs11.SessionHandle) error {
		if err := free(wanted, second(h.object(s, wanted, pkcs11.CKO_PRIVATE_KEY, id.objectID(0)))); err != nil {
			return err
		}
		var made [2]pkcs11.ObjectHandle
		err := h.call("C_GenerateKeyPair", wanted, func(c *pkcs11.Ctx) (err error) {
			made[0], made[1], err = c.GenerateKeyPair(s, []*pkcs11.Mechanism{m}, publicHalf(id, public), privateHalf(id))
			return err
		})
		if err != nil {
			return err
		}
		if err := h.judgeSigner(s, wanted, id, made[1]); err != nil {
			return errors.Join(err, h.destroy(s, wanted, made[1]), h.destroy(s, wanted, made[0]))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return h.Signer(ctx, label)
}

// judgeSigner refuses a pair that could leave the module, or that is one of two.
func (h *HSM) judgeSigner(s pkcs11.SessionHandle, wanted string, id ID, private pkcs11.ObjectHandle) error {
	if err := h.keepsInside(s, wanted, private); err != nil {
		return err
	}
	if err := h.neverOutside(s, wanted, private); err != nil {
		return err
	}
	found, err := h.objects(s, wanted, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY), pkcs11.NewAttribute(pkcs11.CKA_ID, id.objectID(0)))
	if err == nil && len(found) > 1 {
		err = &Error{Kind: ErrExists, Wanted: wanted, Detail: "another program made one meanwhile"}
	}
	return err
}

// privateHalf is the template of a key that signs and does nothing else.
func privateHalf(id ID) []*pkcs11.Attribute {
	return onToken([]*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false), pkcs11.NewAttribute(pkcs11.CKA_SIGN, true),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN_RECOVER, false), pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, false),
		pkcs11.NewAttribute(pkcs11.CKA_UNWRAP, false), pkcs11.NewAttribute(pkcs11.CKA_DERIVE, false),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, id.Label), pkcs11.NewAttribute(pkcs11.CKA_ID, id.objectID(0)),
	})
}

// publicHalf is that of the other: it verifies.
func publicHalf(id ID, kind []*pkcs11.Attribute) []*pkcs11.Attribute {
	return onToken(append(kind,
		pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true), pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, false), pkcs11.NewAttribute(pkcs11.CKA_WRAP, false),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, id.Label), pkcs11.NewAttribute(pkcs11.CKA_ID, id.objectID(0)),
	))
}

// Signer implements Signers.
func (h *HSM) Signer(ctx context.Context, label string) (crypto.Signer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k := &hsmSigner{h: h, id: ID{Use: Signing, Label: label}}
	wanted := "find " + k.id.String()
	err := h.main(wanted, func(s pkcs11.SessionHandle) (err error) {
		if _, err = h.object(s, wanted, pkcs11.CKO_PRIVATE_KEY, k.id.objectID(0)); err == nil {
			k.public, err = h.public(s, wanted, k.id)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// listSigning describes the signing keys.
func (h *HSM) listSigning(s pkcs11.SessionHandle, wanted string) (keys []Key, err error) {
	found, err := h.objects(s, wanted, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY))
	if err != nil {
		return nil, err
	}
	for _, o := range found {
		v, err := h.attributes(s, wanted, o, pkcs11.CKA_ID, pkcs11.CKA_LABEL)
		if err != nil {
			return nil, err
		}
		id, _, ok := parseObjectID(string(v[0]), string(v[1]))
		if !ok || id.Use != Signing {
			continue
		}
		public, err := h.public(s, wanted, id)
		if err != nil {
			return nil, err
		}
		keys = append(keys, Key{ID: id, Bits: bitsOf(public), Public: public})
	}
	return keys, nil
}

// destroySigning destroys both halves, the private one first.
func (h *HSM) destroySigning(s pkcs11.SessionHandle, wanted string, id ID) error {
	for i, class := range []uint{pkcs11.CKO_PRIVATE_KEY, pkcs11.CKO_PUBLIC_KEY} {
		o, err := h.object(s, wanted, class, id.objectID(0))
		if i > 0 && errors.Is(err, ErrNoKey) {
			return nil // the private one is gone; that is what counts
		}
		if err == nil {
			err = h.destroy(s, wanted, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// public reads the public half of a signing key.
func (h *HSM) public(s pkcs11.SessionHandle, wanted string, id ID) (crypto.PublicKey, error) {
	o, err := h.object(s, wanted, pkcs11.CKO_PUBLIC_KEY, id.objectID(0))
	if err != nil {
		return nil, err
	}
	v, err := h.attributes(s, wanted, o, pkcs11.CKA_KEY_TYPE)
	if err != nil {
		return nil, err
	}
	switch ulong(v[0]) {
	case pkcs11.CKK_RSA:
		v, err = h.attributes(s, wanted, o, pkcs11.CKA_MODULUS, pkcs11.CKA_PUBLIC_EXPONENT)
		if err != nil {
			return nil, err
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(v[0]), E: int(new(big.Int).SetBytes(v[1]).Int64())}, nil
	case pkcs11.CKK_EC:
		v, err = h.attributes(s, wanted, o, pkcs11.CKA_EC_PARAMS, pkcs11.CKA_EC_POINT)
		if err != nil {
			return nil, err
		}
		return parsePoint(wanted, v[0], v[1])
	}
	return nil, fmt.Errorf("cannot %s: it is neither RSA nor elliptic", wanted)
}

// parsePoint reads CKA_EC_POINT, a point in an OCTET STRING (PKCS #11 v2.40, 2.3.3).
func parsePoint(wanted string, params, point []byte) (*ecdsa.PublicKey, error) {
	var inner cryptobyte.String
	outer := cryptobyte.String(point)
	if string(params) != string(oidP384) || !outer.ReadASN1(&inner, cryptoasn1.OCTET_STRING) {
		return nil, fmt.Errorf("cannot %s: it is not on P-384", wanted)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), inner)
	if err != nil {
		return nil, fmt.Errorf("cannot %s: %w", wanted, err)
	}
	return key, nil
}

// hsmSigner signs inside.
type hsmSigner struct {
	h      *HSM
	id     ID
	public crypto.PublicKey
}

// Public implements crypto.Signer.
func (k *hsmSigner) Public() crypto.PublicKey { return k.public }

// digestInfo are the beginnings of DER DigestInfo (RFC 8017, 9.2, note 1).
var digestInfo = map[crypto.Hash][]byte{
	0:             {},
	crypto.SHA1:   {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14},
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

// Sign implements crypto.Signer. The module draws its own random numbers.
func (k *hsmSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := checkSign(k.public, digest, opts); err != nil {
		return nil, err
	}
	if _, ok := k.public.(*rsa.PublicKey); !ok {
		return k.signECDSA(digest)
	}
	prefix, ok := digestInfo[opts.HashFunc()]
	if !ok {
		return nil, fmt.Errorf("cannot sign: %v is not offered", opts.HashFunc())
	}
	return k.sign(pkcs11.CKM_RSA_PKCS, append(append([]byte(nil), prefix...), digest...))
}

// signECDSA turns r and s side by side (PKCS #11 v2.40, 2.3.1) into ASN.1.
func (k *hsmSigner) signECDSA(digest []byte) ([]byte, error) {
	const order = 384 / 8
	raw, err := k.sign(pkcs11.CKM_ECDSA, digest[:min(len(digest), order)]) // FIPS 186-5, 6.4.1: the leftmost bits
	if err != nil {
		return nil, err
	}
	if len(raw) != 2*order {
		return nil, fmt.Errorf("cannot sign with %v: the module gave %d bytes, wanted %d", k.id, len(raw), 2*order)
	}
	return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:order]), new(big.Int).SetBytes(raw[order:])})
}

func (k *hsmSigner) sign(mechanism uint, data []byte) (out []byte, err error) {
	wanted := "sign with " + k.id.String()
	err = k.h.main(wanted, func(s pkcs11.SessionHandle) error {
		key, err := k.h.object(s, wanted, pkcs11.CKO_PRIVATE_KEY, k.id.objectID(0))
		if err != nil {
			return err
		}
		return k.h.call("C_Sign", wanted, func(c *pkcs11.Ctx) error {
			if err := c.SignInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, key); err != nil {
				return err
			}
			out, err = c.Sign(s, data)
			return err
		})
	})
	return out, err
}
