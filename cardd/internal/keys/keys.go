// Package keys opens the key store that the configuration names, and gives its errors
// the codes that operators look up. It leaves out what a store is: pki/keystore.
package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/pki/keystore"
)

// Open opens the configured store. Its errors are a *failure.Error where an operator
// can do something. It fails where the configuration names none. stateDir is where it is
// remembered that a module refused a PIN; it is made when that is so.
func Open(g config.GP, stateDir string) (keystore.Store, error) {
	switch g.KeyStore {
	case config.KeysFile:
		return openFile(g.File)
	case config.KeysPKCS11:
		return openHSM(g.PKCS11, stateDir)
	}
	return nil, failure.New(failure.KeysAbsent, "the configuration names none: set gp.key_store", nil)
}

// Create makes the sealed file where that is the configured store and is not there;
// a hardware module's token is made by its maker's tools.
func Create(g config.GP, stateDir string) (keystore.Store, error) {
	if g.KeyStore != config.KeysFile {
		return Open(g, stateDir)
	}
	if _, err := os.Lstat(g.File.Path); err == nil {
		return Open(g, stateDir)
	}
	u, err := unlock(g.File)
	if err != nil {
		return nil, Coded(err)
	}
	defer u.Destroy()
	f, err := keystore.CreateFile(g.File.Path, u)
	if err != nil {
		return nil, Coded(err)
	}
	return f, nil
}

func openFile(c config.GPFile) (keystore.Store, error) {
	u, err := unlock(c)
	if err != nil {
		return nil, Coded(err)
	}
	defer u.Destroy()
	f, err := keystore.OpenFile(c.Path, u)
	if err != nil {
		return nil, Coded(err) // an interface around no file would not be nil
	}
	return f, nil
}

func unlock(c config.GPFile) (keystore.Unlock, error) {
	if c.Credential != "" {
		return keystore.Credential(c.Credential)
	}
	p, err := readLine(c.PassphraseFile)
	if err != nil {
		return keystore.Unlock{}, fmt.Errorf("cannot read passphrase: %w", err)
	}
	u, err := keystore.Passphrase(p)
	if err != nil {
		p.Destroy()
	}
	return u, err
}

func openHSM(c config.GPPKCS11, stateDir string) (keystore.Store, error) {
	before, err := judgePIN(c, stateDir)
	if err != nil {
		return nil, err
	}
	pin, err := readLine(c.PINFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the module's PIN: %w", err)
	}
	defer pin.Destroy()
	s, err := keystore.OpenHSM(keystore.HSMOptions{Module: c.Module, Token: c.Token, PIN: pin})
	if errors.Is(err, keystore.ErrUnlock) {
		err = errors.Join(err, before.remember(stateDir))
	}
	if err != nil {
		return nil, Coded(err)
	}
	return s, nil
}

const lineMax = 1024 // bytes of a PIN or a passphrase

// readLine reads a file of one line. Whether others may read it, the configuration has
// seen to.
func readLine(path string) (secret.Bytes, error) {
	f, err := os.Open(path)
	if err != nil {
		return secret.Bytes{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	b := make([]byte, lineMax)
	defer clear(b)
	n, err := io.ReadFull(f, b)
	line := bytes.TrimRight(b[:n], "\r\n")
	switch {
	case err == nil:
		return secret.Bytes{}, fmt.Errorf("cannot read %s: it has %d bytes or more; write one line", path, lineMax)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return secret.Bytes{}, err
	case len(line) == 0:
		return secret.Bytes{}, fmt.Errorf("cannot read %s: it is empty", path)
	case bytes.ContainsAny(line, "\r\n"): // a PIN with a line's end in it would cost a try
		return secret.Bytes{}, fmt.Errorf("cannot read %s: it has several lines; write one", path)
	}
	return secret.New(line), nil
}

// codes of a store's failures.
var codes = []struct {
	kind error
	code failure.Code
}{
	{keystore.ErrAbsent, failure.KeysAbsent},
	{keystore.ErrUnlock, failure.KeysUnlock},
	{keystore.ErrLocked, failure.KeysLocked},
	{keystore.ErrFull, failure.KeysFull},
	{keystore.ErrGone, failure.KeysGone},
	{keystore.ErrUnable, failure.KeysUnable},
	{keystore.ErrDamaged, failure.KeysDamaged},
	{keystore.ErrNoKey, failure.KeysNone},
	{keystore.ErrExists, failure.KeysTaken},
	{keystore.ErrCheckValue, failure.KeysCheck},
}

// Coded gives a store's failure its code; any other error stays as it is.
func Coded(err error) error {
	if failure.CodeOf(err) != "" {
		return err
	}
	for _, c := range codes {
		if errors.Is(err, c.kind) {
			return failure.New(c.code, err.Error(), err)
		}
	}
	return err
}

// Finder gives scp03 the keys of whatever version and card it meets, with coded errors.
func Finder(s keystore.Store) scp03.KeyFinder {
	return func(ctx context.Context, version byte, kdd [10]byte) (scp03.Keys, error) {
		k, err := s.Card(ctx, version, kdd)
		if err != nil {
			return nil, Coded(err)
		}
		return coded{k}, nil
	}
}

// coded are a card's keys whose failures have codes.
type coded struct{ keystore.CardKeys }

// CMAC implements scp03.Keys.
func (k coded) CMAC(ctx context.Context, usage scp03.Usage, data []byte) ([16]byte, error) {
	mac, err := k.CardKeys.CMAC(ctx, usage, data)
	return mac, Coded(err)
}

// Wrap implements scp03.Keys.
func (k coded) Wrap(ctx context.Context, plaintext []byte) ([]byte, error) {
	out, err := k.CardKeys.Wrap(ctx, plaintext)
	return out, Coded(err)
}
