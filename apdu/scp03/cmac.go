package scp03

import (
	"crypto/cipher"
	"crypto/subtle"
)

const blockSize = 16

// cmac is AES-CMAC (NIST SP 800-38B, 6.2) over data that arrives in pieces. It
// lives inside a longer-lived struct, so that no call allocates.
type cmac struct {
	block  cipher.Block
	k1, k2 [blockSize]byte // subkeys (SP 800-38B, 6.1)
	x      [blockSize]byte // chained value
	held   [blockSize]byte // the last block, held back: it is treated otherwise
	n      int             // bytes in held
}

func (m *cmac) init(block cipher.Block) {
	*m = cmac{block: block}
	block.Encrypt(m.k1[:], m.k1[:])
	double(&m.k1)
	m.k2 = m.k1
	double(&m.k2)
}

// double multiplies by x in GF(2^128) (SP 800-38B, 6.1, steps 2 and 3).
func double(b *[blockSize]byte) {
	carry := b[0] >> 7
	for i := 0; i < blockSize-1; i++ {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	b[blockSize-1] = b[blockSize-1]<<1 ^ carry*0x87
}

func (m *cmac) reset() {
	clear(m.x[:])
	m.n = 0
}

func (m *cmac) write(p []byte) {
	if m.n > 0 || len(p) <= blockSize {
		taken := copy(m.held[m.n:], p)
		m.n += taken
		p = p[taken:]
		if len(p) == 0 {
			return
		}
		m.mix(m.held[:])
		m.n = 0
	}
	for len(p) > blockSize {
		m.mix(p[:blockSize])
		p = p[blockSize:]
	}
	m.n = copy(m.held[:], p)
}

func (m *cmac) mix(block []byte) {
	subtle.XORBytes(m.x[:], m.x[:], block)
	m.block.Encrypt(m.x[:], m.x[:])
}

// sum ends the message; the result is good until the next call.
func (m *cmac) sum() *[blockSize]byte {
	key := &m.k1
	if m.n < blockSize {
		m.held[m.n] = 0x80
		clear(m.held[m.n+1:])
		key = &m.k2
	}
	subtle.XORBytes(m.held[:], m.held[:], key[:])
	m.mix(m.held[:])
	return &m.x
}

// clear forgets what can be forgotten; the key schedule inside block goes to the
// garbage collector.
func (m *cmac) clear() { *m = cmac{} }

// encryptCBC encrypts whole blocks in place.
func encryptCBC(block cipher.Block, iv, data []byte) {
	for ; len(data) > 0; data = data[blockSize:] {
		subtle.XORBytes(data, data[:blockSize], iv)
		block.Encrypt(data, data)
		iv = data[:blockSize]
	}
}

// decryptCBC decrypts whole blocks of src to dst, which must not overlap.
func decryptCBC(block cipher.Block, iv, dst, src []byte) {
	for ; len(src) > 0; dst, src = dst[blockSize:], src[blockSize:] {
		block.Decrypt(dst, src)
		subtle.XORBytes(dst, dst[:blockSize], iv)
		iv = src[:blockSize]
	}
}

// pad appends 80 and zeros to a whole block counted from start
// (GPC_SPE_034 v2.3.1, B.2.3).
func pad(b []byte, start int) []byte {
	b = append(b, 0x80)
	for (len(b)-start)%blockSize != 0 {
		b = append(b, 0)
	}
	return b
}

// unpad is the length without the padding, negative when it is not there. More than
// a block of zeros is accepted: the card recorded in testdata/openscp.json pads 11
// bytes to 32. The MAC has vouched for the whole by now.
func unpad(b []byte) int {
	for n := len(b) - 1; n >= 0; n-- {
		switch b[n] {
		case 0x80:
			return n
		case 0:
		default:
			return -1
		}
	}
	return -1
}
