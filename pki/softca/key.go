package softca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"jukicard/durable"
	"jukicard/pki"
)

const (
	keyBits = 2048
	keyFile = ".key"
	keyMax  = 16 << 10 // a PKCS #8 key of RSA-2048 in PEM is about 1.7 kB
	pemType = "PRIVATE KEY"
)

// loadKey reads a key file. It is fs.ErrNotExist when there is none.
func loadKey(dir, name string) (crypto.Signer, error) {
	path := filepath.Join(dir, name+keyFile)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 { // Windows has no such bits
		return nil, fmt.Errorf("cannot use key %s: others may read it (mode %04o); chmod 600 it, and if they did, discard the authority", name, info.Mode().Perm())
	}
	if info.Size() > keyMax {
		return nil, fmt.Errorf("cannot use key %s: want at most %d bytes, got %d", name, keyMax, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	return parseKey(name, text)
}

// parseKey wants exactly one PKCS #8 block of a key that the authority may have made.
func parseKey(name string, text []byte) (crypto.Signer, error) {
	bad := fmt.Errorf("cannot use key %s: want one PKCS #8 key of RSA-%d or P-384 in PEM; restore it from a backup", name, keyBits)
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemType || len(rest) != 0 {
		return nil, bad
	}
	defer clear(block.Bytes)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, bad // the cause is left out: it may quote the key
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, bad
	}
	if _, err := pki.AlgorithmOf(key.Public()); err != nil {
		return nil, bad
	}
	return key, nil
}

func generate(a pki.Algorithm) (crypto.Signer, error) {
	if a == pki.P384 {
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, keyBits)
}

// makeKey generates a key and stores it durably under its name. The caller keeps
// other makers out.
func makeKey(dir, name string, a pki.Algorithm) (crypto.Signer, error) {
	key, err := generate(a)
	if err != nil {
		return nil, fmt.Errorf("cannot generate key %s: %w", name, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("cannot write key %s: %w", name, err)
	}
	defer clear(der)
	text := pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})
	defer clear(text)
	if err := durable.WriteFile(filepath.Join(dir, name+keyFile), text, durable.Mode); err != nil {
		return nil, fmt.Errorf("cannot write key %s: %w", name, err)
	}
	return key, nil
}

// isAbsent says that a file is not there, rather than unreadable.
func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
