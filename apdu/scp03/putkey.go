package scp03

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"jukicard/apdu"
	"jukicard/apdu/secret"
)

// keyTypeAES is the key type of AES keys (GPC_SPE_034 v2.3.1, 11.1.8).
const keyTypeAES = 0x88

// keySetID is the first key identifier of a key set with the bit that says "several
// keys" (GPC_SPE_034 v2.3.1, 11.8.2.2).
const keySetID = 0x81

// ErrCheckValue means that a key check value does not match its key: the key was
// wrapped under another DEK than the one it was unwrapped with, or was damaged.
var ErrCheckValue = errors.New("cannot accept key: its check value is wrong")

// WrappedKey is one key as PUT KEY carries it. A hardware module that wraps keys
// itself fills it without the key ever being here.
type WrappedKey struct {
	Size       int    // bytes of the clear key: 16, 24 or 32
	Ciphertext []byte // under the DEK of the current key set, whole blocks
	CheckValue [3]byte
}

// WrapKeys wraps the keys of one set under the DEK of another. A 24-byte key is
// padded with 80 and zeros; whoever unwraps goes by Size.
func WrapKeys(ctx context.Context, under Keys, set StaticKeys) (wrapped [3]WrappedKey, err error) {
	if err := set.Check(); err != nil {
		return wrapped, err
	}
	for i, usage := range []Usage{ENC, MAC, DEK} {
		if wrapped[i], err = wrapKey(ctx, under, set, usage); err != nil {
			return wrapped, fmt.Errorf("cannot wrap %v key: %w", usage, err)
		}
	}
	return wrapped, nil
}

func wrapKey(ctx context.Context, under Keys, set StaticKeys, usage Usage) (w WrappedKey, err error) {
	w.Size = set.Size()
	if w.CheckValue, err = set.CheckValue(usage); err != nil {
		return w, err
	}
	err = set.key(usage).Lend(func(b []byte) error {
		plain := append(make([]byte, 0, 2*blockSize), b...)
		defer func() { clear(plain) }()
		if len(plain)%blockSize != 0 {
			plain = pad(plain, 0)
		}
		w.Ciphertext, err = under.Wrap(ctx, plain)
		return err
	})
	return w, err
}

// PutKeyData is the command data of PUT KEY for a key set: the new version, then for
// each key the type 88, the length of what follows up to the check value, the length of
// the clear key, the wrapped key, 03 and the check value (Amendment D v1.1.2, 7.2).
func PutKeyData(version byte, wrapped [3]WrappedKey) []byte {
	data := append(make([]byte, 0, 1+3*(3+2*blockSize+4)), version)
	for _, w := range wrapped {
		data = append(data, keyTypeAES, byte(1+len(w.Ciphertext)), byte(w.Size))
		data = append(data, w.Ciphertext...)
		data = append(append(data, byte(len(w.CheckValue))), w.CheckValue[:]...)
	}
	return data
}

// PutKeyAnswer is the response data of PUT KEY: the version and the check values
// (GPC_SPE_034 v2.3.1, 11.8.3.1).
func PutKeyAnswer(version byte, checkValues [3][3]byte) []byte {
	data := append(make([]byte, 0, 1+9), version)
	for _, v := range checkValues {
		data = append(data, v[:]...)
	}
	return data
}

// PutKeys replaces the key set of version old by set as version, or adds it when
// old is 0, wrapped under the DEK of the keys this session was opened with, and checks
// the check values the card answers. It is never repeated by software: after a link
// failure, ask the card which key versions it has.
func (s *Session) PutKeys(ctx context.Context, old, version byte, set StaticKeys) error {
	if s.keys == nil {
		return ErrClosed
	}
	wrapped, err := WrapKeys(ctx, s.keys, set)
	if err != nil {
		return err
	}
	return s.PutWrappedKeys(ctx, old, version, wrapped)
}

// PutWrappedKeys is PutKeys for keys that were wrapped elsewhere.
func (s *Session) PutWrappedKeys(ctx context.Context, old, version byte, wrapped [3]WrappedKey) error {
	c := apdu.Command{CLA: 0x80, INS: apdu.INSPutKey, P1: old, P2: keySetID, Data: PutKeyData(version, wrapped), Ne: apdu.MaxShortNe}
	r, err := apdu.Send(ctx, s, c)
	if err != nil {
		return err
	}
	if err := r.Err(c, ""); err != nil {
		return err
	}
	want := PutKeyAnswer(version, [3][3]byte{wrapped[0].CheckValue, wrapped[1].CheckValue, wrapped[2].CheckValue})
	if subtle.ConstantTimeCompare(want, r.Data) != 1 {
		return fmt.Errorf("cannot trust PUT KEY: the card's answer for version %02X is another: %w", version, ErrCheckValue)
	}
	return nil
}

// ParsePutKey is the card's side of PutKeyData: it unwraps the three keys under the
// DEK of the current set and checks their check values. The new set and its version
// come back; ErrCheckValue when one does not match.
func ParsePutKey(data []byte, under StaticKeys) (version byte, set StaticKeys, err error) {
	if len(data) == 0 {
		return 0, set, fmt.Errorf("cannot read PUT KEY: no data")
	}
	version, data = data[0], data[1:]
	var keys [3]secret.Bytes
	for i := range keys {
		if keys[i], data, err = parseKey(data, under); err != nil {
			return 0, StaticKeys{}, err
		}
	}
	set = StaticKeys{Enc: keys[0], Mac: keys[1], Dek: keys[2]}
	if len(data) != 0 {
		err = fmt.Errorf("cannot read PUT KEY: %d bytes behind the third key", len(data))
	}
	return version, set, errors.Join(err, set.Check())
}

func parseKey(data []byte, under StaticKeys) (key secret.Bytes, rest []byte, err error) {
	if len(data) < 3 || data[0] != keyTypeAES {
		return key, nil, fmt.Errorf("cannot read PUT KEY: a key block begins %02X and its lengths", keyTypeAES)
	}
	field, size := int(data[1]), int(data[2])
	end := 2 + field // of the wrapped key
	if size != 16 && size != 24 && size != 32 || field != 1+(size+15)/blockSize*blockSize || len(data) < end+4 || data[end] != 3 {
		return key, nil, fmt.Errorf("cannot read PUT KEY: lengths of a key block do not fit a key of %d bytes with a check value of 3", size)
	}
	plain, err := under.unwrap(data[3:end])
	if err != nil {
		return key, nil, err
	}
	defer clear(plain)
	key = secret.New(plain[:size])
	got, err := StaticKeys{Enc: key}.CheckValue(ENC)
	if err != nil {
		return key, nil, err
	}
	if subtle.ConstantTimeCompare(got[:], data[end+1:end+4]) != 1 {
		key.Destroy()
		return key, nil, ErrCheckValue
	}
	return key, data[end+4:], nil
}
