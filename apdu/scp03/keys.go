package scp03

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"fmt"

	"jukicard/apdu/secret"
)

// Usage names one of the three static keys of a key set.
type Usage byte

// The usages, numbered as the key identifiers of a key set
// (Amendment D v1.1.2, 5.1).
const (
	ENC Usage = 1 // derives session encryption keys and card challenges
	MAC Usage = 2 // derives session MAC keys
	DEK Usage = 3 // encrypts keys for PUT KEY
)

// String is "ENC", "MAC" or "DEK".
func (u Usage) String() string {
	switch u {
	case ENC:
		return "ENC"
	case MAC:
		return "MAC"
	case DEK:
		return "DEK"
	}
	return fmt.Sprintf("usage %d", byte(u))
}

// Keys is one set of static keys. The keys themselves are never asked for, so
// that a hardware module can be behind it: CMAC is CKM_AES_CMAC, Wrap is
// CKM_AES_CBC with a zero initial value. Any error means that no session can be
// opened; nothing was sent to the card on its account.
type Keys interface {
	// Size is the length of each key in bytes: 16, 24 or 32.
	Size() int
	// CMAC is AES-CMAC of data under the key for usage, ENC or MAC.
	CMAC(ctx context.Context, usage Usage, data []byte) ([16]byte, error)
	// Wrap is AES-CBC with a zero initial value under the DEK key; plaintext is
	// whole blocks and stays unchanged (Amendment D v1.1.2, 6.2.8).
	Wrap(ctx context.Context, plaintext []byte) ([]byte, error)
}

// KeyFinder gives the keys for the key version and diversification data a card
// stated in its answer to INITIALIZE UPDATE. Keys that are an io.Closer are the
// session's, which closes them when it ends.
type KeyFinder func(ctx context.Context, version byte, diversification [10]byte) (Keys, error)

// Fixed is the KeyFinder of cards that all have the same keys.
func Fixed(k Keys) KeyFinder {
	return func(context.Context, byte, [10]byte) (Keys, error) { return k, nil }
}

// Diversified is the KeyFinder of cards whose keys follow from a master by Diversify.
func Diversified(master secret.Bytes) KeyFinder {
	return func(_ context.Context, _ byte, kdd [10]byte) (Keys, error) {
		k, err := Diversify(master, kdd)
		return k, err
	}
}

// StaticKeys is a key set in this process's memory. The three keys have one
// length: 16, 24 or 32 bytes.
type StaticKeys struct {
	Enc, Mac, Dek secret.Bytes
}

// Size is the length of each key in bytes.
func (k StaticKeys) Size() int { return k.Enc.Len() }

// Check refuses keys of other lengths than AES has, and of unlike lengths.
func (k StaticKeys) Check() error {
	n := k.Enc.Len()
	if !validSize(n) || k.Mac.Len() != n || k.Dek.Len() != n {
		return fmt.Errorf("cannot use SCP03 keys of %d, %d and %d bytes: all three have 16, 24 or 32",
			n, k.Mac.Len(), k.Dek.Len())
	}
	return nil
}

func validSize(n int) bool { return n == 16 || n == 24 || n == 32 }

// CMAC implements Keys.
func (k StaticKeys) CMAC(_ context.Context, usage Usage, data []byte) (out [16]byte, err error) {
	err = withAES(k.key(usage), func(block cipher.Block) {
		var m cmac
		m.init(block)
		m.write(data)
		out = *m.sum()
		m.clear()
	})
	return out, err
}

// Wrap implements Keys.
func (k StaticKeys) Wrap(_ context.Context, plaintext []byte) ([]byte, error) {
	if len(plaintext)%blockSize != 0 {
		return nil, fmt.Errorf("cannot wrap %d bytes: whole blocks of %d are wanted", len(plaintext), blockSize)
	}
	out := append([]byte(nil), plaintext...)
	err := withAES(k.Dek, func(block cipher.Block) { encryptCBC(block, make([]byte, blockSize), out) })
	return out, err
}

// unwrap undoes Wrap; only the card's side does.
func (k StaticKeys) unwrap(ciphertext []byte) ([]byte, error) {
	out := make([]byte, len(ciphertext))
	err := withAES(k.Dek, func(block cipher.Block) { decryptCBC(block, make([]byte, blockSize), out, ciphertext) })
	return out, err
}

// CheckValue is the key check value of one key: the first three bytes of sixteen
// bytes 01 encrypted under it (Amendment D v1.1.2, 4.1).
func (k StaticKeys) CheckValue(usage Usage) (kcv [3]byte, err error) {
	err = withAES(k.key(usage), func(block cipher.Block) {
		var b [blockSize]byte
		for i := range b {
			b[i] = 0x01
		}
		block.Encrypt(b[:], b[:])
		copy(kcv[:], b[:])
	})
	return kcv, err
}

// Destroy clears all three keys.
func (k StaticKeys) Destroy() {
	k.Enc.Destroy()
	k.Mac.Destroy()
	k.Dek.Destroy()
}

func (k StaticKeys) key(usage Usage) secret.Bytes {
	switch usage {
	case ENC:
		return k.Enc
	case MAC:
		return k.Mac
	}
	return k.Dek
}

func withAES(key secret.Bytes, f func(cipher.Block)) error {
	return key.Lend(func(b []byte) error {
		block, err := aes.NewCipher(b)
		if err != nil {
			return fmt.Errorf("cannot use SCP03 key: %w", err)
		}
		defer wipe(block)
		f(block)
		return nil
	})
}

// TestKeys is the key set 40 41 … 4F three times, which test cards of every maker
// carry and everybody knows. For laboratories and simulators.
func TestKeys() StaticKeys {
	var b [16]byte
	for i := range b {
		b[i] = 0x40 + byte(i)
	}
	return StaticKeys{Enc: secret.New(b[:]), Mac: secret.New(b[:]), Dek: secret.New(b[:])}
}
