package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/pki/keystore"
)

const (
	keysRuns = 5
	keysRun  = 200 * time.Millisecond
)

// Versions of the masters: one is used, and one is the next.
const (
	benchVersion = 0x30
	nextVersion  = 0x31
)

// benchDiversification is the card's.
var benchDiversification = [10]byte{9, 9, 9, 9}

// measureKeys compares the key stores with each other, and what the levels of the
// channel cost with their formulas.
func measureKeys(ctx context.Context, r *report) error {
	return errors.Join(withDir(func(dir string) error {
		return onOneCore(func() error { return measureStores(ctx, r, dir) })
	}), measureLevels(ctx, r))
}

// storesMade are the kinds of store, the embedded one and SoftHSM's token.
var storesMade = []struct {
	name string
	make func(dir string) (keystore.Store, error)
}{{"file", fileStore}, {"hsm", hsmStore}}

func measureStores(ctx context.Context, r *report, dir string) error {
	master := secret.New(bytes.Repeat([]byte{0x5C, 0x03}, 16))
	for _, kind := range storesMade {
		s, err := kind.make(dir)
		if err == nil {
			err = errors.Join(measureStore(ctx, r, "keys_"+kind.name, s, master), s.Close())
		}
		if err != nil {
			return fmt.Errorf("key store %s: %w", kind.name, err)
		}
	}
	return nil
}

// fileStore is opened with a credential: a passphrase costs its time once, at start.
func fileStore(dir string) (keystore.Store, error) {
	credential := filepath.Join(dir, "credential")
	if err := os.WriteFile(credential, bytes.Repeat([]byte{1}, 32), 0o600); err != nil {
		return nil, err
	}
	u, err := keystore.Credential(credential)
	if err != nil {
		return nil, err
	}
	defer u.Destroy()
	f, err := keystore.CreateFile(filepath.Join(dir, "keys"), u)
	if err != nil {
		return nil, err // an interface around no file would not be nil
	}
	return f, nil
}

// hsmStore makes a token of its own.
func hsmStore(dir string) (keystore.Store, error) {
	const module, label, pin = "/usr/lib/softhsm/libsofthsm2.so", "bench", "314159"
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		return nil, err
	}
	if err := os.Setenv("SOFTHSM2_CONF", conf); err != nil {
		return nil, err
	}
	out, err := exec.Command("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "271828", "--pin", pin).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("softhsm2-util: %w: %s; install the Debian package softhsm2", err, out)
	}
	return keystore.OpenHSM(keystore.HSMOptions{Module: module, Token: label, PIN: secret.FromString(pin)})
}

// measureStore measures what a card costs: keys derived and a channel opened, both ends;
// a PUT KEY payload of three keys of 256 bits wrapped; and the next keys derived, checked
// and wrapped inside.
func measureStore(ctx context.Context, r *report, name string, s keystore.Store, master secret.Bytes) error {
	keeper := s.(keystore.Keeper)
	for _, v := range []byte{benchVersion, nextVersion} {
		if _, err := keeper.Import(ctx, keystore.ID{Use: keystore.Master, Version: v, Label: "bench"}, master); err != nil {
			return err
		}
	}
	onCard, err := scp03.Diversify(master, benchDiversification)
	if err != nil {
		return err
	}
	end := newCardEnd(onCard, scp03.S8)
	err = perSecond(r, name+"_session_rate", "1/s", 1, func() error {
		ch, err := scp03.Open(ctx, end, scp03.Config{Find: keystore.Finder(s), Level: scp03.LevelFull})
		if err == nil {
			ch.Close()
		}
		return err
	})
	if err != nil {
		return err
	}
	k, err := s.Card(ctx, benchVersion, benchDiversification)
	if err != nil {
		return err
	}
	defer func() { _ = k.Close() }() // the store is closed next
	payload := make([]byte, 3*32)
	err = perSecond(r, name+"_wrapped_rate", "B/s", float64(len(payload)), func() error {
		_, err := k.Wrap(ctx, payload)
		return err
	})
	if err != nil {
		return err
	}
	return perSecond(r, name+"_successor_rate", "1/s", 1, func() error {
		_, err := k.(keystore.Successor).Successor(ctx, nextVersion)
		return err
	})
}

// perSecond adds how often a second f is done, times what each is worth.
func perSecond(r *report, name, unit string, worth float64, f func() error) error {
	n, err := rate(keysRuns, keysRun, func(n int) error {
		for range n {
			if err := f(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.add(name, n*worth, unit, none)
	return nil
}
