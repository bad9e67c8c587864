package scp03

import (
	"bytes"
	"context"
	"crypto/aes"
	"errors"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/secret"
)

// The check value of the test key is printed by every tool: 504A77.
func TestCheckValueOfTestKeys(t *testing.T) {
	for _, usage := range []Usage{ENC, MAC, DEK} {
		got, err := TestKeys().CheckValue(usage)
		if err != nil || got != [3]byte{0x50, 0x4A, 0x77} {
			t.Errorf("%v: %X %v", usage, got, err)
		}
	}
}

// keyCard takes PUT KEY under its own static keys.
func keyCard(t *testing.T, keys StaticKeys) (*Session, *testCard, *StaticKeys) {
	card := newTestCard(keys, optionsS8)
	var got StaticKeys
	card.handle = func(c apdu.Command) apdu.Response {
		if c.INS != apdu.INSPutKey || c.CLA != 0x80 || c.P1 != 0x30 || c.P2 != 0x81 {
			t.Errorf("PUT KEY arrived as %v", c)
		}
		version, set, err := ParsePutKey(c.Data, keys)
		if err != nil {
			t.Errorf("the card cannot read PUT KEY: %v", err)
			return apdu.Response{SW: apdu.SWWrongData}
		}
		got = set
		var values [3][3]byte
		for i, usage := range []Usage{ENC, MAC, DEK} {
			values[i], _ = set.CheckValue(usage)
		}
		return apdu.Response{Data: PutKeyAnswer(version, values), SW: apdu.SWOK}
	}
	s, err := Open(t.Context(), card, Config{Find: Fixed(keys), Level: LevelFull})
	if err != nil {
		t.Fatal(err)
	}
	return s, card, &got
}

func TestPutKeysArrive(t *testing.T) {
	for _, under := range []int{16, 24, 32} {
		for _, size := range []int{16, 24, 32} {
			s, _, got := keyCard(t, aesKeys(under))
			set := aesKeys(size)
			set.Enc = secret.New(bytes.Repeat([]byte{0x77}, size))
			if err := s.PutKeys(t.Context(), 0x30, 0x31, set); err != nil {
				t.Errorf("AES-%d under AES-%d: %v", 8*size, 8*under, err)
			}
			if !got.Enc.Equal(set.Enc) || !got.Mac.Equal(set.Mac) || !got.Dek.Equal(set.Dek) {
				t.Errorf("AES-%d under AES-%d: other keys arrived", 8*size, 8*under)
			}
		}
	}
}

func TestPutKeysFails(t *testing.T) {
	s, card, _ := keyCard(t, aesKeys(16))
	if err := s.PutKeys(t.Context(), 0x30, 0x31, StaticKeys{Enc: secret.New(make([]byte, 16))}); err == nil {
		t.Error("a set of one key is sent")
	}
	card.handle = func(apdu.Command) apdu.Response { return apdu.Response{SW: apdu.SWSecurityStatus} }
	if err := s.PutKeys(t.Context(), 0x30, 0x31, aesKeys(16)); !errors.Is(err, apdu.SWSecurityStatus) {
		t.Errorf("refused: %v", err)
	}
	card.handle = func(apdu.Command) apdu.Response {
		return apdu.Response{Data: PutKeyAnswer(0x31, [3][3]byte{}), SW: apdu.SWOK}
	}
	if err := s.PutKeys(t.Context(), 0x30, 0x31, aesKeys(16)); !errors.Is(err, ErrCheckValue) {
		t.Errorf("other check values: %v", err)
	}
	card.err = errors.New("cannot transmit")
	if err := s.PutKeys(t.Context(), 0x30, 0x31, aesKeys(16)); err != card.err {
		t.Errorf("link lost: %v", err)
	}
	broken := brokenKeys{aesKeys(16)}
	if _, err := WrapKeys(t.Context(), broken, aesKeys(16)); !errors.Is(err, errModule) {
		t.Errorf("hardware module fails: %v", err)
	}
}

var errModule = errors.New("cannot reach the hardware module")

type brokenKeys struct{ StaticKeys }

func (brokenKeys) Wrap(context.Context, []byte) ([]byte, error) { return nil, errModule }

// The layout of one key block, byte by byte, against crypto/aes alone.
func TestPutKeyLayout(t *testing.T) {
	dek := bytes.Repeat([]byte{0x11}, 16)
	under := StaticKeys{Enc: secret.New(dek), Mac: secret.New(dek), Dek: secret.New(dek)}
	key := bytes.Repeat([]byte{0x22}, 16)
	set := StaticKeys{Enc: secret.New(key), Mac: secret.New(key), Dek: secret.New(key)}
	wrapped, err := WrapKeys(t.Context(), under, set)
	if err != nil {
		t.Fatal(err)
	}
	data := PutKeyData(0x31, wrapped)
	block, _ := aes.NewCipher(dek)
	cipher := make([]byte, 16)
	block.Encrypt(cipher, key)
	kcv := make([]byte, 16)
	block, _ = aes.NewCipher(key)
	block.Encrypt(kcv, bytes.Repeat([]byte{1}, 16))
	one := append(append([]byte{0x88, 0x11, 0x10}, cipher...), 0x03, kcv[0], kcv[1], kcv[2])
	if want := append([]byte{0x31}, bytes.Repeat(one, 3)...); !bytes.Equal(data, want) {
		t.Errorf("%X\nwant %X", data, want)
	}
	// pySim leaves the length of the clear key out where nothing was padded.
	bare := append(append([]byte{0x88, 0x10}, cipher...), 0x03, kcv[0], kcv[1], kcv[2])
	version, got, err := ParsePutKey(append([]byte{0x31}, bytes.Repeat(bare, 3)...), under)
	if err != nil || version != 0x31 || !got.Mac.Equal(set.Mac) {
		t.Errorf("without inner length: %v", err)
	}
}

func TestParsePutKeyRefuses(t *testing.T) {
	under := aesKeys(16)
	wrapped, err := WrapKeys(t.Context(), under, aesKeys(24))
	if err != nil {
		t.Fatal(err)
	}
	good := PutKeyData(0x31, wrapped)
	for _, row := range []struct {
		name   string
		change func(b []byte) []byte
		want   string
	}{
		{"nothing", func([]byte) []byte { return nil }, "no data"},
		{"version alone", func(b []byte) []byte { return b[:1] }, "a key block has 88"},
		{"another type", func(b []byte) []byte { b[1] = 0x80; return b }, "a key block has 88"},
		{"cut off", func(b []byte) []byte { return b[:len(b)-1] }, "a key block has 88"},
		{"a byte more", func(b []byte) []byte { return append(b, 0) }, "1 bytes behind the third key"},
		{"another size", func(b []byte) []byte { b[3] = 25; return b }, "for a key of 25"},
		{"size that does not fit", func(b []byte) []byte { b[3] = 16; return b }, "for a key of 16"},
		{"no check value", func(b []byte) []byte { b[1+3+32] = 0; return b }, "a check value of 0 bytes"},
		{"other check value", func(b []byte) []byte { b[1+3+32+1] ^= 1; return b }, "its check value is wrong"},
		{"other key", func(b []byte) []byte { b[4] ^= 1; return b }, "its check value is wrong"},
		{"third key damaged", func(b []byte) []byte { b[len(b)-10] ^= 1; return b }, "its check value is wrong"},
	} {
		version, set, err := ParsePutKey(row.change(bytes.Clone(good)), under)
		if err == nil || !strings.Contains(err.Error(), row.want) || version != 0 || set.Size() != 0 {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if _, _, err := ParsePutKey(good, aesKeys(32)); !errors.Is(err, ErrCheckValue) {
		t.Errorf("under another DEK: %v", err)
	}
	unlike := wrapped
	one, err := WrapKeys(t.Context(), under, aesKeys(16))
	if err != nil {
		t.Fatal(err)
	}
	unlike[2] = one[2]
	if _, _, err := ParsePutKey(PutKeyData(0x31, unlike), under); err == nil || !strings.Contains(err.Error(), "all three have") {
		t.Errorf("keys of unlike lengths: %v", err)
	}
}

func TestStaticKeysCheck(t *testing.T) {
	for _, n := range []int{0, 8, 15, 17, 33} {
		if aesKeys(n).Check() == nil {
			t.Errorf("keys of %d bytes are taken", n)
		}
	}
	if _, err := aesKeys(16).Wrap(t.Context(), make([]byte, 15)); err == nil {
		t.Error("15 bytes are wrapped")
	}
	if _, err := aesKeys(15).CheckValue(ENC); err == nil {
		t.Error("a key of 15 bytes has a check value")
	}
	k := aesKeys(16)
	k.Destroy()
	if k.Size() != 0 || k.Enc.Len()+k.Mac.Len()+k.Dek.Len() != 0 {
		t.Error("keys are left after Destroy")
	}
	for usage, want := range map[Usage]string{ENC: "ENC", MAC: "MAC", DEK: "DEK", 9: "usage 9"} {
		if usage.String() != want {
			t.Errorf("%v", usage)
		}
	}
}
