package scp03

import (
	"bytes"
	"crypto/aes"
	"testing"

	"jukicard/apdu/secret"
)

var kdd = [10]byte{0xA1, 0xA0, 0x12, 0x43, 0x05, 0x85, 0x51, 0x31, 0x20, 0x85}

// The scheme written down once more, block by block.
func TestDiversify(t *testing.T) {
	for _, size := range []int{16, 24, 32} {
		master := bytes.Repeat([]byte{0x5C}, size)
		keys, err := Diversify(secret.New(master), kdd)
		if err != nil || keys.Check() != nil || keys.Size() != size {
			t.Fatalf("%d: %v %v", size, err, keys.Check())
		}
		block, _ := aes.NewCipher(master)
		for i, key := range []secret.Bytes{keys.Enc, keys.Mac, keys.Dek} {
			want := make([]byte, 32)
			for j := range 2 {
				in := []byte{0xA1, 0xA0, 0x12, 0x43, 0x05, 0x85, 0x51, 0x31, 0x20, 0x85, 0xF0, byte(i + 1), byte(size), byte(j + 1), 0, 0}
				block.Encrypt(want[16*j:], in)
			}
			if !key.Equal(secret.New(want[:size])) {
				t.Errorf("key %d of %d bytes is another", i+1, size)
			}
		}
	}
	if _, err := Diversify(secret.New(make([]byte, 15)), kdd); err == nil {
		t.Error("a master of 15 bytes is taken")
	}
}

// Cards and usages all get keys of their own.
func TestDiversifiedKeysDiffer(t *testing.T) {
	master := secret.New(bytes.Repeat([]byte{0x5C}, 32))
	seen := map[[3]byte]bool{}
	for n := range 200 {
		other := kdd
		other[9] = byte(n)
		keys, err := Diversify(master, other)
		if err != nil {
			t.Fatal(err)
		}
		for _, usage := range []Usage{ENC, MAC, DEK} {
			v, err := keys.CheckValue(usage)
			if err != nil || seen[v] {
				t.Fatalf("card %d, %v: seen before, %v", n, usage, err)
			}
			seen[v] = true
		}
	}
}

func TestDiversificationInputIsWholeBlocks(t *testing.T) {
	for size, want := range map[int]int{16: 16, 24: 32, 32: 32} {
		if got := len(DiversificationInput(kdd, MAC, size)); got != want {
			t.Errorf("%d bytes: %d, want %d", size, got, want)
		}
	}
}

func TestDiversifiedSession(t *testing.T) {
	master := secret.New(bytes.Repeat([]byte{0x5C}, 16))
	card := newTestCard(aesKeys(16), optionsS8)
	card.params.Diversification = kdd
	keys, err := Diversify(master, kdd)
	if err != nil {
		t.Fatal(err)
	}
	card.params.Keys = keys
	if _, err := Open(t.Context(), card, Config{Find: Diversified(master), Level: LevelFull}); err != nil {
		t.Error(err)
	}
	card.params.Diversification[0]++
	if _, err := Open(t.Context(), card, Config{Find: Diversified(master), Level: LevelFull}); err != ErrCryptogram {
		t.Errorf("another card's data: %v", err)
	}
	if _, err := Open(t.Context(), card, Config{Find: Diversified(secret.Bytes{}), Level: LevelFull}); err == nil {
		t.Error("no master, yet a session")
	}
}
