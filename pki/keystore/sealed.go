package keystore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"jukicard/apdu/secret"
)

// A sealed file is, numbers big-endian:
//
//	magic 8 ‖ lock 1 ‖ passes 4 ‖ memory in KiB 4 ‖ threads 1 ‖ salt 16 ‖ nonce 12 ‖ sealed ‖ tag 16
//
// sealed by AES-256-GCM with all that stands before the nonce as associated data. It
// opens to one record after the other:
//
//	use 1 ‖ version 1 ‖ length of label 1 ‖ label ‖ length of key 2 ‖ key
//
// where key is the AES key, or PKCS #8 of a signing key. A credential has zeros for
// passes, memory and threads.
const (
	magic      = "JKSTORE1"
	saltSize   = 16
	headerSize = len(magic) + 1 + 4 + 4 + 1 + saltSize
	sealedMax  = 1 << 20 // bytes of a file
)

// header is what a sealed file says in the clear.
type header struct {
	kind lockKind
	cost cost
	salt [saltSize]byte
}

func newHeader(kind lockKind) (h header) {
	h.kind = kind
	if kind == byPassphrase {
		h.cost = usualCost
	}
	_, _ = rand.Read(h.salt[:]) // crypto/rand ends the program rather than fail
	return h
}

func (h header) append(b []byte) []byte {
	b = append(append(b, magic...), byte(h.kind))
	b = binary.BigEndian.AppendUint32(b, h.cost.passes)
	b = binary.BigEndian.AppendUint32(b, h.cost.memory)
	b = append(b, h.cost.threads)
	return append(b, h.salt[:]...)
}

// parseHeader reads the header and gives what is behind it.
func parseHeader(b []byte) (h header, sealed []byte, err error) {
	var kind uint8
	var start, salt []byte
	s := cryptobyte.String(b)
	if !s.ReadBytes(&start, len(magic)) || string(start) != magic || !s.ReadUint8(&kind) ||
		!s.ReadUint32(&h.cost.passes) || !s.ReadUint32(&h.cost.memory) || !s.ReadUint8(&h.cost.threads) || !s.ReadBytes(&salt, saltSize) {
		return h, nil, ErrDamaged
	}
	h.kind = lockKind(kind)
	copy(h.salt[:], salt)
	switch {
	case h.kind == byPassphrase:
		err = h.cost.check()
	case h.kind != byCredential || h.cost != (cost{}):
		err = ErrDamaged
	}
	return h, s, err
}

// entry is one key of a sealed file.
type entry struct {
	ID
	key secret.Bytes
}

func destroyAll(entries []entry) {
	for _, e := range entries {
		e.key.Destroy()
	}
}

// size is how many bytes an entry takes in the file.
func (e entry) size() int { return 1 + 1 + 1 + len(e.Label) + 2 + e.key.Len() }

// encode writes all entries into one buffer that never grows, so that no copy is left
// behind; the caller clears it.
func encode(entries []entry) ([]byte, error) {
	n := 0
	for _, e := range entries {
		n += e.size()
	}
	b := make([]byte, 0, n)
	for _, e := range entries {
		b = append(b, byte(e.Use), e.Version, byte(len(e.Label)))
		b = append(b, e.Label...)
		b = binary.BigEndian.AppendUint16(b, uint16(e.key.Len()))
		err := e.key.Lend(func(key []byte) error { b = append(b, key...); return nil })
		if err != nil {
			clear(b)
			return nil, err
		}
	}
	return b, nil
}

// decode reads what encode wrote. The caller clears b and destroys the entries.
func decode(b []byte) (entries []entry, err error) {
	for s := cryptobyte.String(b); len(s) > 0; {
		var use, version uint8
		var label, key cryptobyte.String
		if !s.ReadUint8(&use) || !s.ReadUint8(&version) || !s.ReadUint8LengthPrefixed(&label) || !s.ReadUint16LengthPrefixed(&key) {
			destroyAll(entries)
			return nil, ErrDamaged
		}
		e := entry{ID: ID{Use: Use(use), Version: version, Label: string(label)}}
		if e.Check() != nil || len(key) == 0 || e.Use != Signing && checkSize(len(key)) != nil || find(entries, e.ID) >= 0 {
			destroyAll(entries)
			return nil, ErrDamaged
		}
		e.key = secret.New(key)
		entries = append(entries, e)
	}
	return entries, nil
}

// find gives the place of an ID, -1 when it is not there.
func find(entries []entry, id ID) int {
	for i, e := range entries {
		if e.same(id) {
			return i
		}
	}
	return -1
}

func aead(key secret.Bytes) (out cipher.AEAD, err error) {
	err = key.Lend(func(b []byte) error {
		block, err := aes.NewCipher(b)
		if err != nil {
			return err
		}
		out, err = cipher.NewGCMWithRandomNonce(block)
		return err
	})
	return out, err
}

// seal gives the file of these entries.
func seal(h header, key secret.Bytes, entries []entry) ([]byte, error) {
	plain, err := encode(entries)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	gcm, err := aead(key)
	if err != nil {
		return nil, err
	}
	head := h.append(make([]byte, 0, headerSize))
	if n := headerSize + len(plain) + gcm.Overhead(); n > sealedMax {
		return nil, &Error{Kind: ErrFull, Wanted: "write sealed file", Detail: fmt.Sprintf("%d bytes, at most %d", n, sealedMax)}
	}
	return gcm.Seal(head, nil, plain, head), nil
}

// unseal opens what stands behind the header. ErrUnlock when the key is another or the
// file was changed: AES-GCM cannot tell which.
func unseal(h header, key secret.Bytes, sealed []byte) ([]entry, error) {
	gcm, err := aead(key)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nil, sealed, h.append(nil))
	if err != nil {
		return nil, ErrUnlock
	}
	defer clear(plain)
	return decode(plain)
}
