package keystore

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"jukicard/apdu/secret"
)

// lockKind is how a sealed file is locked, as its header says.
type lockKind byte

const (
	byPassphrase lockKind = 1
	byCredential lockKind = 2
)

func (k lockKind) String() string {
	if k == byPassphrase {
		return "passphrase"
	}
	return "machine credential"
}

// Unlock is what opens a sealed file.
type Unlock struct {
	kind   lockKind
	secret secret.Bytes
}

// Bounds of what unlocks: a credential is as long as the key that is made of it at
// least, and a passphrase is typed.
const (
	passphraseMin = 12 // characters
	credentialMin = 32 // bytes
	credentialMax = 1 << 16
)

// Passphrase unlocks with what people type, at least 12 characters. It stays the
// caller's to destroy, when the store is open.
func Passphrase(p secret.Bytes) (Unlock, error) {
	n := 0
	if err := p.Lend(func(b []byte) error { n = utf8.RuneCount(b); return nil }); err != nil || n < passphraseMin {
		return Unlock{}, fmt.Errorf("cannot take passphrase: it has fewer than %d characters; take several words", passphraseMin)
	}
	return Unlock{kind: byPassphrase, secret: p}, nil
}

// Credential unlocks with a file of this machine, such as systemd.exec(5)'s
// LoadCredentialEncrypted hands to a service: 32 or more random bytes. It refuses a
// file that others may read. A file below $CREDENTIALS_DIRECTORY may show mode 0440:
// that is the mask of the access list by which systemd lets the service in.
func Credential(path string) (Unlock, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Unlock{}, &Error{Kind: ErrAbsent, Wanted: "read machine credential " + path}
	}
	if err != nil {
		return Unlock{}, fmt.Errorf("cannot read machine credential: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err == nil {
		err = checkCredential(path, info)
	}
	if err != nil {
		return Unlock{}, err
	}
	b := make([]byte, info.Size()) // the file that was judged, and no byte more
	defer clear(b)
	if _, err := io.ReadFull(f, b); err != nil {
		return Unlock{}, fmt.Errorf("cannot read machine credential: %w", err)
	}
	return Unlock{kind: byCredential, secret: secret.New(b)}, nil
}

func checkCredential(path string, info fs.FileInfo) error {
	forbidden := fs.FileMode(0o077)
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" && strings.HasPrefix(filepath.Clean(path), filepath.Clean(dir)+string(filepath.Separator)) {
		forbidden = 0o037
	}
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("cannot use machine credential %s: it is not a file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&forbidden != 0: // Windows has no such bits
		return fmt.Errorf("cannot use machine credential %s: others may read it (mode %04o); chmod 600 it, and if they did, make another store", path, info.Mode().Perm())
	case info.Size() < credentialMin || info.Size() > credentialMax:
		return fmt.Errorf("cannot use machine credential %s: it has %d bytes, wanted %d to %d random ones", path, info.Size(), credentialMin, credentialMax)
	}
	return nil
}

// Destroy clears what unlocks.
func (u Unlock) Destroy() { u.secret.Destroy() }

// cost is what Argon2id is to cost (RFC 9106, 3.1).
type cost struct {
	passes  uint32
	memory  uint32 // KiB
	threads uint8
}

// usualCost is RFC 9106's second recommendation (section 4), for machines with less
// than 2 GiB to spare.
var usualCost = cost{passes: 3, memory: 64 << 10, threads: 4}

// Bounds of a cost that a file may ask for: one that was put there must not stop the
// machine.
const (
	passesMax  = 16
	memoryMax  = 1 << 20 // KiB, 1 GiB
	threadsMax = 16
)

func (c cost) check() error {
	if c.passes < 1 || c.passes > passesMax || c.memory < 8*uint32(c.threads) || c.memory > memoryMax || c.threads < 1 || c.threads > threadsMax {
		return ErrDamaged
	}
	return nil
}

const (
	sealInfo = "jukicard keystore 1"
	sealSize = 32 // bytes: AES-256
)

// key derives the key that seals the file.
func (u Unlock) key(salt []byte, c cost) (out secret.Bytes, err error) {
	err = u.secret.Lend(func(b []byte) error {
		var key []byte
		if u.kind == byPassphrase {
			key = argon2.IDKey(b, salt, c.passes, c.memory, c.threads, sealSize)
		} else if key, err = hkdf.Key(sha256.New, b, salt, sealInfo, sealSize); err != nil {
			return err
		}
		out = secret.New(key)
		clear(key)
		return nil
	})
	return out, err
}
