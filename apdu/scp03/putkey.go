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
	version, rest := data[0], data[1:]
	for _, key := range []*secret.Bytes{&set.Enc, &set.Mac, &set.Dek} {
		if *key, rest, err = parseKey(rest, under); err != nil {
			set.Destroy()
			return 0, StaticKeys{}, err
		}
	}
	if len(rest) != 0 {
		err = fmt.Errorf("cannot read PUT KEY: %d bytes behind the third key", len(rest))
	} else {
		err = set.Check()
	}
	if err != nil {
		set.Destroy()
		return 0, StaticKeys{}, err
	}
	return version, set, nil
}

// parseKey reads one key block and gives what follows it.
func parseKey(data []byte, under StaticKeys) (key secret.Bytes, rest []byte, err error) {
	w, rest, err := parseKeyBlock(data)
	if err != nil {
		return key, nil, err
	}
	plain, err := under.unwrap(w.Ciphertext)
	if err != nil {
		return key, nil, err
	}
	defer clear(plain)
	key = secret.New(plain[:w.Size])
	got, err := StaticKeys{Enc: key}.CheckValue(ENC)
	if err == nil && subtle.ConstantTimeCompare(got[:], w.CheckValue[:]) != 1 {
		err = ErrCheckValue
	}
	if err != nil {
		key.Destroy()
		return secret.Bytes{}, nil, err
	}
	return key, rest, nil
}

// parseKeyBlock takes the length of the clear key from the byte in front of the
// wrapped key, or, where a host leaves that out because no padding was needed, from
// the length of the wrapped key (GPC_SPE_034 v2.3.1, Tables 11-70 and 11-71; pySim does so).
func parseKeyBlock(data []byte) (w WrappedKey, rest []byte, err error) {
	if len(data) < 2 || data[0] != keyTypeAES || len(data) < 2+int(data[1])+1+len(w.CheckValue) {
		return w, nil, fmt.Errorf("cannot read PUT KEY: a key block has %02X, its length, the key, 03 and a check value", keyTypeAES)
	}
	end := 2 + int(data[1]) // an int: 2+FF does not fit the byte
	field, rest := data[2:end], data[end:]
	w.Size, w.Ciphertext = len(field), field
	if len(field)%blockSize == 1 {
		w.Size, w.Ciphertext = int(field[0]), field[1:]
	}
	blocks := (w.Size + blockSize - 1) / blockSize
	if !validSize(w.Size) || len(w.Ciphertext) != blocks*blockSize {
		return w, nil, fmt.Errorf("cannot read PUT KEY: %d wrapped bytes for a key of %d; AES keys have 16, 24 or 32", len(w.Ciphertext), w.Size)
	}
	if rest[0] != byte(len(w.CheckValue)) {
		return w, nil, fmt.Errorf("cannot read PUT KEY: a check value of %d bytes, wanted %d", rest[0], len(w.CheckValue))
	}
	copy(w.CheckValue[:], rest[1:])
	return w, rest[1+len(w.CheckValue):], nil
}
