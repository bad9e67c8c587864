package keystore

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"jukicard/apdu/secret"
)

// Method is how a key was wrapped under a transport key.
type Method string

// The methods.
const (
	// KeyWrap is AES Key Wrap (RFC 3394; NIST SP 800-38F, 6.2), PKCS #11's
	// CKM_AES_KEY_WRAP.
	KeyWrap Method = "aes-key-wrap"
	// CBC is AES-CBC, PKCS #11's CKM_AES_CBC: a key of 24 bytes is followed by eight
	// zero bytes. It proves nothing by itself: the check value must.
	CBC Method = "aes-cbc"
)

// Wrapped is a key under a transport key.
type Wrapped struct {
	Method Method
	IV     []byte // 16 bytes of CBC; else empty
	Data   []byte
	Size   int // bytes of the clear key: 16, 24 or 32
}

const blockSize = aes.BlockSize

// Check refuses what cannot be a wrapped key.
func (w Wrapped) Check() error {
	if err := checkSize(w.Size); err != nil {
		return err
	}
	want, iv := w.Size+8, 0
	if w.Method == CBC {
		want, iv = (w.Size+blockSize-1)/blockSize*blockSize, blockSize
	}
	switch {
	case w.Method != KeyWrap && w.Method != CBC:
		return fmt.Errorf("cannot unwrap: method %q is neither %s nor %s", w.Method, KeyWrap, CBC)
	case len(w.IV) != iv:
		return fmt.Errorf("cannot unwrap: an initial value of %d bytes, %s has %d", len(w.IV), w.Method, iv)
	case len(w.Data) != want:
		return fmt.Errorf("cannot unwrap: %d bytes, a key of %d has %d by %s", len(w.Data), w.Size, want, w.Method)
	}
	return nil
}

// checkUnwrap refuses before the store is asked.
func checkUnwrap(id ID, under string, w Wrapped) error {
	if err := w.Check(); err != nil {
		return err
	}
	if !printable(under) {
		return fmt.Errorf("cannot unwrap: the transport key has no label")
	}
	return checkNew(id, w.Size)
}

// Unwrap implements Unwrapper.
func (f *File) Unwrap(ctx context.Context, id ID, under string, w Wrapped, want KCV) (Key, error) {
	if err := checkUnwrap(id, under, w); err != nil {
		return Key{}, err
	}
	var key secret.Bytes
	transport := ID{Use: Transport, Label: under}
	err := f.lend(ctx, "unwrap under "+transport.String(), transport, func(e entry) (err error) {
		key, err = unwrap(e.key, w)
		return err
	})
	if err != nil {
		return Key{}, err
	}
	got, err := KCVOf(key)
	if err == nil && subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		err = &Error{Kind: ErrCheckValue, Wanted: "unwrap " + id.String(), Detail: got.String()}
	}
	if err != nil {
		key.Destroy()
		return Key{}, err
	}
	return f.add(ctx, id, key)
}

func unwrap(transport secret.Bytes, w Wrapped) (key secret.Bytes, err error) {
	err = transport.Lend(func(b []byte) error {
		block, err := aes.NewCipher(b)
		if err != nil {
			return err
		}
		out := make([]byte, len(w.Data))
		defer clear(out)
		if w.Method == CBC {
			cipher.NewCBCDecrypter(block, w.IV).CryptBlocks(out, w.Data)
		} else if !keyUnwrap(block, out, w.Data) {
			return &Error{Kind: ErrCheckValue, Wanted: "unwrap", Detail: "AES Key Wrap says that the data were changed or wrapped under another key"}
		}
		key = secret.New(out[:w.Size])
		return nil
	})
	return key, err
}

// keyUnwrap is the unwrapping of RFC 3394, 2.2.2: dst has the length of src, and its
// first len(src)-8 bytes are the key when the integrity check holds.
func keyUnwrap(block cipher.Block, dst, src []byte) bool {
	const rounds, half = 6, 8
	n := len(src)/half - 1
	var b [blockSize]byte
	defer clear(b[:])
	a := binary.BigEndian.Uint64(src)
	copy(dst, src[half:])
	for t := uint64(rounds * n); t > 0; t-- {
		r := dst[(t-1)%uint64(n)*half:][:half]
		binary.BigEndian.PutUint64(b[:], a^t)
		copy(b[half:], r)
		block.Decrypt(b[:], b[:])
		a = binary.BigEndian.Uint64(b[:])
		copy(r, b[half:])
	}
	return a == 0xA6A6A6A6A6A6A6A6 // RFC 3394, 2.2.3.1
}
