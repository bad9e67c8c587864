package scp03

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"reflect"
	"runtime"
	"testing"
	"unsafe"
)

// inside are the bytes of the object behind a cipher.
func inside(b cipher.Block) []byte {
	v := reflect.ValueOf(b)
	return unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size())
}

// TestWipeLeavesNothingOfKey: should a Go release keep the expanded key behind a
// pointer, this fails and wipe must learn of it.
func TestWipeLeavesNothingOfKey(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Logf("%s keeps expanded keys in its own way", runtime.GOARCH)
		return
	}
	key := bytes.Repeat([]byte{0xC5, 0x7E}, 8)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	held := inside(block)
	if zero := make([]byte, len(held)); bytes.Equal(held, zero) {
		t.Fatal("the cipher holds no key: nothing is proven")
	}
	wipe(block)
	if zero := make([]byte, len(held)); !bytes.Equal(held, zero) {
		t.Errorf("%X is left", held)
	}
	wipe(nil)
	wipe((cipher.Block)((*notFlat)(nil)))
	n := &notFlat{key: key}
	wipe(n)
	if n.key == nil {
		t.Error("something with a pointer was overwritten")
	}
}

type notFlat struct {
	cipher.Block
	key []byte
}

// closing are keys that count how often they were closed.
type closing struct {
	StaticKeys
	closed int
	err    error
}

func (c *closing) Close() error { c.closed++; return nil }

func (c *closing) CMAC(ctx context.Context, usage Usage, data []byte) ([16]byte, error) {
	if c.err != nil {
		return [16]byte{}, c.err
	}
	return c.StaticKeys.CMAC(ctx, usage, data)
}

func TestSessionClosesItsKeys(t *testing.T) {
	gone := errors.New("the module is gone")
	for name, row := range map[string]struct {
		keys StaticKeys
		fail error
	}{
		"a session that opens":     {aesKeys(16), nil},
		"a card with other keys":   {TestKeys(), nil},
		"a store that falls short": {aesKeys(16), gone},
	} {
		t.Run(name, func(t *testing.T) {
			card := newTestCard(aesKeys(16), optionsS8)
			k := &closing{StaticKeys: row.keys, err: row.fail}
			s, err := Open(t.Context(), card, Config{Find: Fixed(k), Level: LevelFull})
			switch {
			case err == nil:
				if k.closed != 0 {
					t.Error("closed while the session lives")
				}
				s.Close()
				s.Close()
			case row.fail != nil && !errors.Is(err, row.fail):
				t.Error(err)
			}
			if k.closed != 1 {
				t.Errorf("closed %d times", k.closed)
			}
		})
	}
}
