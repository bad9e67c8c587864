package scp03

import (
	"crypto/cipher"

	"jukicard/apdu/secret"
)

// Diversify derives a card's three keys from a master key of 16, 24 or 32 bytes
// and the card's ten bytes of diversification data. The keys are as long as the
// master.
//
// This scheme is ours: the issuer's real one is not public. It is plain AES-ECB so
// that a hardware module can do it with CKM_AES_ECB_ENCRYPT_DATA and the master
// never leaves it. With i = 1 for ENC, 2 for MAC and 3 for DEK, n the key length in
// bytes and j = 1, 2, …, the key is the first n bytes of the blocks
//
//	AES(master, kdd[0..9] ‖ F0 ‖ i ‖ n ‖ j ‖ 00 00)
//
// one block for n = 16, two for 24 and 32. PKCS#11 too discards the trailing end
// (v2.40, 2.15 "Key derivation by data encryption").
func Diversify(master secret.Bytes, kdd [10]byte) (StaticKeys, error) {
	var k StaticKeys
	err := withAES(master, func(block cipher.Block) {
		k.Enc = diversify(block, kdd, ENC, master.Len())
		k.Mac = diversify(block, kdd, MAC, master.Len())
		k.Dek = diversify(block, kdd, DEK, master.Len())
	})
	return k, err
}

func diversify(master cipher.Block, kdd [10]byte, usage Usage, size int) secret.Bytes {
	data := DiversificationInput(kdd, usage, size)
	for b := data; len(b) > 0; b = b[blockSize:] {
		master.Encrypt(b, b)
	}
	defer clear(data)
	return secret.New(data[:size])
}

// DiversificationInput is the data that Diversify encrypts for one key: the
// parameter of CKM_AES_ECB_ENCRYPT_DATA in a hardware module.
func DiversificationInput(kdd [10]byte, usage Usage, size int) []byte {
	var data []byte
	for j := byte(1); len(data) < size; j++ {
		data = append(data, kdd[:]...)
		data = append(data, 0xF0, byte(usage), byte(size), j, 0, 0)
	}
	return data
}
