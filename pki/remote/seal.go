package remote

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"jukicard/durable"
)

const (
	keyName = "requests.key"
	sizeKey = 32 // bytes: AES-256
)

var errSealed = errors.New("it was changed, or requests.key is not the one it was sealed with; restore the whole folder from one backup")

// sealer seals what tells of people with AES-256-GCM and random nonces (NIST SP 800-38D,
// 8.2.2), bound to the request's ID.
type sealer struct{ aead func() cipher.AEAD } // behind a closure, out of reach of fmt

// openSealer opens the key, and makes it where fresh says that nothing is sealed yet.
func openSealer(dir string, fresh bool) (*sealer, error) {
	path := filepath.Join(dir, keyName)
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) && fresh {
		key, err = makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", keyName, err)
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", keyName, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", keyName, err)
	}
	return &sealer{func() cipher.AEAD { return aead }}, nil
}

func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 { // Windows has no such bits
		return nil, fmt.Errorf("others may read it (mode %04o); chmod 600 it", info.Mode().Perm())
	}
	if info.Size() != sizeKey {
		return nil, fmt.Errorf("want %d bytes, got %d; restore it from a backup", sizeKey, info.Size())
	}
	return os.ReadFile(path)
}

// makeKey draws the key. The caller keeps other makers out.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, sizeKey)
	_, _ = rand.Read(key) // crypto/rand ends the program rather than fail
	return key, durable.WriteFile(path, key, durable.Mode)
}

func (s *sealer) seal(id string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return s.aead().Seal(nil, nil, plain, []byte(id)), nil
}

func (s *sealer) open(id string, sealed []byte, v any) error {
	plain, err := s.aead().Open(nil, nil, sealed, []byte(id))
	if err != nil {
		return errSealed
	}
	defer clear(plain)
	if json.Unmarshal(plain, v) != nil { // its words could hold what is in it
		return errSealed
	}
	return nil
}
