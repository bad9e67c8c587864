package softca

import (
	"context"
	"crypto"
	"crypto/rsa"
	"fmt"
	"io/fs"
)

// Keys holds the authority's private keys where Options names one: RSA-2048, by the
// names that files would have. Their Sign takes PKCS #1 v1.5, and crypto.Hash(0) of a
// DigestInfo as it stands.
type Keys interface {
	// Signer finds a key; fs.ErrNotExist when there is none.
	Signer(ctx context.Context, name string) (crypto.Signer, error)
	// GenerateSigner makes one, durably.
	GenerateSigner(ctx context.Context, name string) (crypto.Signer, error)
}

// signingKey is a private RSA-2048 key, in memory or elsewhere.
type signingKey struct {
	crypto.Signer
	public *rsa.PublicKey
}

// ownKey wraps a key from a file.
func ownKey(key *rsa.PrivateKey, err error) (*signingKey, error) {
	if err != nil {
		return nil, err
	}
	return &signingKey{key, &key.PublicKey}, nil
}

// checked refuses a key that is none of this authority's kind.
func checked(name string) func(crypto.Signer, error) (*signingKey, error) {
	return func(key crypto.Signer, err error) (*signingKey, error) {
		if err != nil {
			return nil, fmt.Errorf("cannot use key %s: %w", name, err)
		}
		public, ok := key.Public().(*rsa.PublicKey)
		if !ok || public.N.BitLen() != keyBits {
			return nil, fmt.Errorf("cannot use key %s: want RSA-%d", name, keyBits)
		}
		return &signingKey{key, public}, nil
	}
}

// find looks for a key; fs.ErrNotExist when there is none. Keys in files beside a key
// store would be forgotten there, so they are refused.
func (o owner) find(name string) (*signingKey, error) {
	inFile, err := ownKey(loadKey(o.dir, name))
	if o.keys == nil {
		return inFile, err
	}
	if !isAbsent(err) {
		return nil, fmt.Errorf("cannot use key %s of the key store: the directory holds a file of that key; use another directory", name)
	}
	key, err := o.keys.Signer(o.ctx, name)
	if isAbsent(err) {
		return nil, fs.ErrNotExist
	}
	return checked(name)(key, err)
}
