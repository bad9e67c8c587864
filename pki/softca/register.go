package softca

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
)

// register seals the certificates in the database, for a 署名用 certificate holds its
// holder's name and address: neither the file and its log nor SQLite's own memory,
// which nothing clears, shows them. AES-256-GCM with random nonces (NIST SP 800-38D,
// 8.2.2), bound to the request ID.
//
// The key comes from the signature CA's private key, or where that is on P-384 from the
// surface application's sealing key, so there is no further file to
// keep: who can issue can read, and who lost the CA has nothing to read for. Where that
// key cannot be seen it comes from a signature that nobody else gets made: PKCS #1 v1.5
// gives the same one each time (RFC 8017, 8.2.1).
type register struct{ aead cipher.AEAD }

const (
	registerInfo = "jukicard softca register 1"
	registerKey  = 32 // bytes
)

var errSealed = errors.New("the database holds a certificate that this authority's key does not open; restore database and keys from the same backup")

func newRegister(key crypto.Signer) (*register, error) {
	var secret []byte
	if seen, ok := key.(*rsa.PrivateKey); ok {
		secret = seen.D.Bytes()
	} else {
		digest := sha256.Sum256([]byte(registerInfo))
		signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		secret = signature
	}
	defer clear(secret)
	sealing, err := hkdf.Key(sha256.New, secret, nil, registerInfo, registerKey)
	if err != nil {
		return nil, err
	}
	defer clear(sealing)
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &register{aead}, err
}

func (r *register) seal(id string, der []byte) []byte {
	return r.aead.Seal(nil, nil, der, []byte(id))
}

// open gives nil for nil: a serial that is only reserved.
func (r *register) open(id string, sealed []byte) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	der, err := r.aead.Open(nil, nil, sealed, []byte(id))
	if err != nil {
		return nil, errSealed
	}
	return der, nil
}
