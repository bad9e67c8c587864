package daemon

import (
	"context"
	"crypto"
	"errors"
	"io/fs"

	"jukicard/apdu/scp03"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/keys"
	"jukicard/pki"
	"jukicard/pki/keystore"
	"jukicard/pki/softca"
)

// openKeys opens the key store where the configuration names one.
func (d *Daemon) openKeys() (err error) {
	if s := d.Config.GP.KeyStore; s != "" && s != config.KeysNone {
		d.keys, err = keys.Open(d.Config.GP, d.Config.StateDir)
	}
	return err
}

// finder gives the keys of cards: from the key store, or from a master key in this
// process's memory.
func (d *Daemon) finder(o Options) (scp03.KeyFinder, error) {
	switch {
	case o.Master.Len() > 0:
		return scp03.Diversified(o.Master), nil
	case d.keys != nil:
		return keys.Finder(d.keys), nil
	}
	master, err := Master(d.Config.GP.MasterKeyFile)
	if err != nil {
		return nil, err
	}
	return scp03.Diversified(master), nil
}

// authorityKeys is where the embedded authority's keys live; nil is its own files.
func (d *Daemon) authorityKeys() (softca.Keys, error) {
	if !d.Config.GP.AuthorityKeys {
		return nil, nil
	}
	s, ok := d.keys.(keystore.Signers)
	if !ok {
		return nil, failure.New(failure.KeysUnable, "the key store holds no signing keys", nil)
	}
	return storedKeys{s}, nil
}

// storedKeys are the authority's keys in the key store.
type storedKeys struct{ store keystore.Signers }

// Signer implements softca.Keys.
func (k storedKeys) Signer(ctx context.Context, name string) (crypto.Signer, error) {
	s, err := k.store.Signer(ctx, name)
	if errors.Is(err, keystore.ErrNoKey) {
		return nil, fs.ErrNotExist
	}
	return s, keys.Coded(err)
}

// GenerateSigner implements softca.Keys.
func (k storedKeys) GenerateSigner(ctx context.Context, name string, a pki.Algorithm) (crypto.Signer, error) {
	s, err := k.store.GenerateSigner(ctx, name, keystore.Algorithm(a)) // both have the same names for them
	return s, keys.Coded(err)
}
