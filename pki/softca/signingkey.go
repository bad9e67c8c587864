package softca

import (
	"context"
	"crypto"
	"fmt"
	"io/fs"

	"jukicard/pki"
)

// Keys holds the authority's private keys where Options names one, by the names that files
// would have. Their Sign takes PKCS #1 v1.5, and crypto.Hash(0) of a DigestInfo as it
// stands; of a key on P-384 it gives DER.
type Keys interface {
	// Signer finds a key; fs.ErrNotExist when there is none.
	Signer(ctx context.Context, name string) (crypto.Signer, error)
	// GenerateSigner makes one, durably.
	GenerateSigner(ctx context.Context, name string, a pki.Algorithm) (crypto.Signer, error)
}

// signingKey is a private key, in memory or elsewhere.
type signingKey struct {
	crypto.Signer
	public publicKey
}

// publicKey is what every public key of the standard library can do.
type publicKey interface {
	Equal(crypto.PublicKey) bool
}

// checked refuses a key that is of another kind than wanted.
func checked(name string, want pki.Algorithm) func(crypto.Signer, error) (*signingKey, error) {
	return func(key crypto.Signer, err error) (*signingKey, error) {
		if err != nil {
			return nil, fmt.Errorf("cannot use key %s: %w", name, err)
		}
		public, ok := key.Public().(publicKey)
		if got, err := pki.AlgorithmOf(key.Public()); !ok || err != nil || got != want {
			return nil, fmt.Errorf("cannot use key %s: want %s", name, want)
		}
		return &signingKey{key, public}, nil
	}
}

// find looks for a key; fs.ErrNotExist when there is none. Keys in files beside a key
// store would be forgotten there, so they are refused.
func (o owner) find(name string, want pki.Algorithm) (*signingKey, error) {
	inFile, err := loadKey(o.dir, name)
	if o.keys == nil && err != nil {
		return nil, err
	}
	if o.keys == nil {
		return checked(name, want)(inFile, nil)
	}
	if !isAbsent(err) {
		return nil, fmt.Errorf("cannot use key %s of the key store: the directory holds a file of that key; use another directory", name)
	}
	key, err := o.keys.Signer(o.ctx, name)
	if isAbsent(err) {
		return nil, fs.ErrNotExist
	}
	return checked(name, want)(key, err)
}
