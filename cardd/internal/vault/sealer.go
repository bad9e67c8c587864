package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"jukicard/durable"
)

const (
	keyName      = "vault.key"
	sizeKey      = 32       // bytes: AES-256
	sizeNonce    = 12       // bytes (NIST SP 800-38D, 8.2.2: a random nonce of 96 bits)
	sizeTag      = 16       // bytes
	sizePlainMax = 16 << 20 // bytes: more than any order has
	formSealed   = 1        // first byte of everything sealed
	context      = "jukicard vault 1\x00"
	contextMark  = "jukicard vault mark 1"
	sizeMarkKey  = 4 // bytes of a mark that tell its key
)

// ErrSealed is returned for what does not open: another key, another job, or
// changed bytes. AES-GCM cannot tell which.
var ErrSealed = errors.New("cannot open sealed data: they were changed, belong to another job or were sealed with another key; restore the vault key that belongs to this journal")

// Sealer seals data at rest with AES-256-GCM, each piece bound to its job. It is
// safe for use by several goroutines and shows nothing of its key.
//
// The nonce is random, so by NIST SP 800-38D, 8.3 one key is good for 2^32
// pieces; an order is sealed once, and no office issues that many cards.
type Sealer struct {
	open func() cipher.AEAD // behind a closure, out of reach of fmt
	mark func(b []byte) []byte
}

// OpenSealer opens the key in dir, a file of 32 random bytes, and makes it on first
// use. Who has the file can read everything sealed; who loses it loses that. A file
// that others may read, of another size or of zeros alone is refused.
func OpenSealer(dir string) (*Sealer, error) {
	path := filepath.Join(dir, keyName)
	err := makeKey(dir, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("cannot make vault key %s: %v", path, err)
	}
	key, err := readKey(path)
	if err != nil {
		return nil, fmt.Errorf("cannot use vault key %s: %v", path, err)
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cannot use vault key %s: %v", path, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("cannot use vault key %s: %v", path, err)
	}
	markKey, err := hkdf.Key(sha256.New, key, nil, contextMark, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("cannot use vault key %s: %v", path, err)
	}
	return &Sealer{open: func() cipher.AEAD { return aead }, mark: func(b []byte) []byte {
		h := hmac.New(sha256.New, markKey)
		_, _ = h.Write(b) // a hash takes everything
		return h.Sum(nil)
	}}, nil
}

// Mark is by what the same bytes are known again when they themselves are gone: hex
// digits, the first eight for the key, the rest a digest that this key alone makes
// (HMAC-SHA-256 under a key derived from it, RFC 5869). A bare digest of what a form
// holds could be searched for what was filled in.
func (s *Sealer) Mark(b []byte) string {
	return hex.EncodeToString(append(s.mark([]byte(contextMark))[:sizeMarkKey], s.mark(b)...))
}

// SameKey says whether two marks were made under one key; of others nothing can be said.
func SameKey(a, b string) bool {
	const digits = 2 * sizeMarkKey
	return len(a) > digits && len(b) > digits && a[:digits] == b[:digits]
}

// HasKey is whether there is a key in dir, whatever it is worth. OpenSealer makes one
// where there is none.
func HasKey(dir string) (bool, error) {
	path := filepath.Join(dir, keyName)
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot find vault key %s: %v", path, err)
	}
	return true, nil
}

// makeKey writes a new key and gives it its name once it is durable. The error is
// fs.ErrExist when there is one, also when another process was faster.
func makeKey(dir, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	file, err := os.CreateTemp(dir, keyName+".new*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // its other name stays
	if err := fill(file); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil { // unlike Rename, replaces nothing
		return err
	}
	return durable.SyncDir(dir)
}

// fill puts a new key into the file, durably, and closes it.
func fill(file *os.File) error {
	key := make([]byte, sizeKey)
	defer clear(key)
	_, _ = rand.Read(key) // crypto/rand ends the program rather than fail
	_, err := file.Write(key)
	return errors.Join(err, file.Sync(), file.Close())
}

// readKey reads the key and judges the file.
func readKey(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file; put the key file itself there")
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("others may read it (mode %04o); chmod 600 it and think who may have read it", info.Mode().Perm())
	case info.Size() != sizeKey:
		return nil, fmt.Errorf("it has %d bytes and a key has %d; restore it from its backup", info.Size(), sizeKey)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(key) != sizeKey || allZero(key) {
		clear(key)
		return nil, errors.New("it holds no key; restore it from its backup")
	}
	return key, nil
}

// allZero reports what a file system leaves after a crash: the size without the bytes.
func allZero(b []byte) bool {
	var seen byte
	for _, c := range b {
		seen |= c
	}
	return seen == 0
}

// Seal encrypts plain for a job. plain stays the caller's, who clears it.
func (s *Sealer) Seal(job string, plain []byte) ([]byte, error) {
	if len(plain) > sizePlainMax {
		return nil, fmt.Errorf("cannot seal data of job %s: they have %d bytes and may have %d", job, len(plain), sizePlainMax)
	}
	out := make([]byte, 1, 1+sizeNonce+len(plain)+sizeTag)
	out[0] = formSealed
	return s.open().Seal(out, nil, plain, additional(job)), nil
}

// Open decrypts what Seal made for the same job. The result is the caller's to
// clear; the error is ErrSealed.
func (s *Sealer) Open(job string, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+sizeNonce+sizeTag || sealed[0] != formSealed || len(sealed) > 1+sizeNonce+sizePlainMax+sizeTag {
		return nil, ErrSealed
	}
	plain, err := s.open().Open(nil, nil, sealed[1:], additional(job))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// additional binds a piece to its job and to this use of the key.
func additional(job string) []byte { return []byte(context + job) }

// Format shows nothing of the key whatever the verb.
func (s Sealer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[sealer]") }

// LogValue shows nothing of the key.
func (s Sealer) LogValue() slog.Value { return slog.StringValue("[sealer]") }
