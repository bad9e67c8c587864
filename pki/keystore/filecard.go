package keystore

import (
	"context"
	"fmt"
	"sync"

	"jukicard/apdu/scp03"
)

// fileCard are a card's keys in memory.
type fileCard struct {
	store  *File
	kdd    [10]byte
	wanted string

	// mu keeps the store from clearing the keys in the middle of a use: half-cleared
	// ones would make a cryptogram that the card counts as an attempt. Taken after the
	// store's.
	mu   sync.Mutex
	keys scp03.StaticKeys
}

// Size implements scp03.Keys; 0 once closed.
func (k *fileCard) Size() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys.Size()
}

// use lends the keys, unless they were closed. The caller does nothing but compute.
func (k *fileCard) use(ctx context.Context, f func(scp03.StaticKeys) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys.Size() == 0 {
		return &Error{Kind: ErrGone, Wanted: k.wanted, Detail: "they were closed"}
	}
	return f(k.keys)
}

// CMAC implements scp03.Keys.
func (k *fileCard) CMAC(ctx context.Context, usage scp03.Usage, data []byte) (mac [16]byte, err error) {
	err = k.use(ctx, func(keys scp03.StaticKeys) (err error) {
		mac, err = keys.CMAC(ctx, usage, data)
		return err
	})
	return mac, err
}

// Wrap implements scp03.Keys.
func (k *fileCard) Wrap(ctx context.Context, plaintext []byte) (out []byte, err error) {
	err = k.use(ctx, func(keys scp03.StaticKeys) (err error) {
		out, err = keys.Wrap(ctx, plaintext)
		return err
	})
	return out, err
}

// Successor implements Successor.
func (k *fileCard) Successor(ctx context.Context, version byte) (wrapped [3]scp03.WrappedKey, err error) {
	wanted := fmt.Sprintf("wrap keys of master %02X", version)
	err = k.store.lend(ctx, wanted, ID{Use: Master, Version: version}, func(e entry) error {
		next, err := scp03.Diversify(e.key, k.kdd)
		if err != nil {
			return err
		}
		defer next.Destroy()
		return k.use(ctx, func(keys scp03.StaticKeys) (err error) {
			wrapped, err = scp03.WrapKeys(ctx, keys, next)
			return err
		})
	})
	return wrapped, err
}

// Close implements CardKeys.
func (k *fileCard) Close() error {
	k.store.mu.Lock()
	defer k.store.mu.Unlock()
	delete(k.store.cards, k)
	k.end()
	return nil
}

func (k *fileCard) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys.Destroy()
}
