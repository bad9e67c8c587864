package scp03

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"fmt"

	"jukicard/apdu"
)

// classSM is the bit of CLA that says "secure messaging, GlobalPlatform's own"
// (GPC_SPE_034 v2.3.1, 11.1.4).
const classSM = 0x04

// channel is what host and card have in common once the session keys exist. Session
// and CardSession hold it behind a closure, so that fmt, which calls no methods on
// unexported fields and follows a pointer under a verb that does not fit, cannot walk
// to the keys.
type channel struct {
	mode    Mode
	level   Level
	enc     cipher.Block
	mac     cmac
	rmac    cmac
	chain   [blockSize]byte // MAC chaining value (Amendment D v1.1.2, 6.2.3)
	counter [blockSize]byte // encryption counter (6.2.6)
	iv      [blockSize]byte
	head    [4 + 3]byte // header and Lc as the MAC sees them
	out     []byte      // host: protected commands
	plain   []byte      // opened commands or answers
}

func hold(ch *channel) func() *channel { return func() *channel { return ch } }

// start derives the session keys (Amendment D v1.1.2, 6.2.1). challenges is host
// challenge and card challenge.
func (ch *channel) start(ctx context.Context, k Keys, m Mode, challenges []byte) error {
	ch.clear()
	burn() // a stack that had to grow later would leave an old one with keys behind
	defer burn()
	if n := k.Size(); !validSize(n) {
		return fmt.Errorf("cannot use SCP03 keys of %d bytes: AES keys have 16, 24 or 32, and destroyed ones 0", n)
	}
	ch.mode = m
	var err error
	if ch.enc, err = sessionKey(ctx, k, ENC, constSENC, challenges); err != nil {
		return err
	}
	mac, err := sessionKey(ctx, k, MAC, constSMAC, challenges)
	if err != nil {
		return err
	}
	rmac, err := sessionKey(ctx, k, MAC, constSRMAC, challenges)
	if err != nil {
		return err
	}
	ch.mac.init(mac)
	ch.rmac.init(rmac)
	return nil
}

func sessionKey(ctx context.Context, k Keys, usage Usage, constant byte, challenges []byte) (cipher.Block, error) {
	key := make([]byte, k.Size())
	defer clear(key)
	if err := derive(prf(ctx, k, usage), constant, challenges, key); err != nil {
		return nil, err
	}
	return aes.NewCipher(key)
}

// cryptogram is the proof of either side (Amendment D v1.1.2, 6.2.2.2 and 6.2.2.3).
func (ch *channel) cryptogram(constant byte, challenges []byte) []byte {
	out := make([]byte, ch.mode)
	_ = derive(func(data []byte) ([16]byte, error) { // this prf cannot fail
		ch.mac.reset()
		ch.mac.write(data)
		return *ch.mac.sum(), nil
	}, constant, challenges, out)
	return out
}

// clear ends the channel; only the emptied buffers stay for the next one.
func (ch *channel) clear() {
	if ch == nil {
		return
	}
	wipe(ch.enc)
	wipe(ch.mac.block)
	wipe(ch.rmac.block)
	clear(ch.out[:cap(ch.out)])
	clear(ch.plain[:cap(ch.plain)])
	*ch = channel{out: ch.out[:0], plain: ch.plain[:0]}
}

func (ch *channel) live() bool { return ch != nil && ch.enc != nil }

// advance counts one command, whether or not it has data (Amendment D v1.1.2, 6.2.6).
func (ch *channel) advance() {
	for i := blockSize - 1; i >= 0; i-- {
		ch.counter[i]++
		if ch.counter[i] != 0 {
			return
		}
	}
}

// icv is the initial value for CBC: the encrypted counter, its first byte 80 for a
// response (Amendment D v1.1.2, 6.2.6 and 6.2.7).
func (ch *channel) icv(response bool) []byte {
	ch.iv = ch.counter
	if response {
		ch.iv[0] = 0x80
	}
	ch.enc.Encrypt(ch.iv[:], ch.iv[:])
	return ch.iv[:]
}

// commandMAC computes the C-MAC over the chaining value, the header with the
// secure-messaging bit and channel number 0, Lc with the MAC counted in, and the
// data; the result is the next chaining value (Amendment D v1.1.2, 6.2.4).
func (ch *channel) commandMAC(c apdu.Command, data []byte, extended bool) {
	head := append(ch.head[:0], (c.CLA|classSM)&^0x03, c.INS, c.P1, c.P2)
	n := len(data) + int(ch.mode)
	if extended {
		head = append(head, 0, byte(n>>8), byte(n))
	} else {
		head = append(head, byte(n))
	}
	ch.mac.reset()
	ch.mac.write(ch.chain[:])
	ch.mac.write(head)
	ch.mac.write(data)
	ch.chain = *ch.mac.sum()
}

// responseMAC computes the R-MAC over the chaining value, the data and the status
// word; it leaves the chaining value alone (Amendment D v1.1.2, 6.2.5).
func (ch *channel) responseMAC(data []byte, sw apdu.SW) []byte {
	status := append(ch.head[:0], sw.SW1(), sw.SW2())
	ch.rmac.reset()
	ch.rmac.write(ch.chain[:])
	ch.rmac.write(data)
	ch.rmac.write(status)
	return ch.rmac.sum()[:ch.mode]
}

// secureCommand appends c protected to dst. The caller has seen to it that it fits.
func (ch *channel) secureCommand(dst []byte, c apdu.Command, extended bool) []byte {
	ch.advance()
	dst = append(dst, c.CLA|classSM, c.INS, c.P1, c.P2)
	n := ch.level.CommandLen(ch.mode, len(c.Data))
	if extended {
		dst = append(dst, 0, byte(n>>8), byte(n))
	} else {
		dst = append(dst, byte(n))
	}
	start := len(dst)
	dst = append(dst, c.Data...)
	if ch.level.Has(CENC) && len(c.Data) > 0 {
		dst = pad(dst, start)
		encryptCBC(ch.enc, ch.icv(false), dst[start:])
	}
	ch.commandMAC(c, dst[start:], extended)
	dst = append(dst, ch.chain[:ch.mode]...)
	return appendLe(dst, c.Ne, extended)
}

// appendLe writes Le of a command that has data (ISO/IEC 7816-4:2020, 5.2). It is
// the plain response's Le: the standard leaves it as it was.
func appendLe(dst []byte, ne int, extended bool) []byte {
	switch {
	case ne == 0:
		return dst
	case extended:
		return append(dst, byte(ne>>8), byte(ne))
	}
	return append(dst, byte(ne))
}

// openCommand checks and decrypts a protected command; its Data is in ch.plain. False
// when anything is wrong.
func (ch *channel) openCommand(c apdu.Command) (plain apdu.Command, ok bool) {
	ch.advance()
	n := len(c.Data) - int(ch.mode)
	if n < 0 {
		return apdu.Command{}, false
	}
	data, mac := c.Data[:n], c.Data[n:]
	ch.commandMAC(c, data, c.NeedsExtended())
	if subtle.ConstantTimeCompare(ch.chain[:ch.mode], mac) != 1 {
		return apdu.Command{}, false
	}
	if !ch.open(data, ch.level.Has(CENC), false) {
		return apdu.Command{}, false
	}
	c.CLA &^= classSM
	c.Data = ch.plain
	return c, true
}

// open puts the plain form of data into ch.plain.
func (ch *channel) open(data []byte, encrypted, response bool) bool {
	ch.plain = append(ch.plain[:0], data...)
	if !encrypted || len(data) == 0 {
		return true
	}
	if len(data)%blockSize != 0 {
		return false
	}
	decryptCBC(ch.enc, ch.icv(response), ch.plain, data)
	n := unpad(ch.plain)
	if n < 0 {
		return false
	}
	ch.plain = ch.plain[:n]
	return true
}

// isError says whether a status word is an error in the sense of Amendment D
// v1.1.2, 6.2.5: then the response is the bare status word.
func isError(sw apdu.SW) bool {
	return sw != apdu.SWOK && sw.SW1() != 0x62 && sw.SW1() != 0x63
}

// secureResponse appends r protected to dst.
func (ch *channel) secureResponse(dst []byte, r apdu.Response) []byte {
	if isError(r.SW) {
		return append(dst, r.SW.SW1(), r.SW.SW2())
	}
	start := len(dst)
	dst = append(dst, r.Data...)
	if ch.level.Has(RENC) && len(r.Data) > 0 {
		dst = pad(dst, start)
		encryptCBC(ch.enc, ch.icv(true), dst[start:])
	}
	if ch.level.Has(RMAC) {
		dst = append(dst, ch.responseMAC(dst[start:], r.SW)...)
	}
	return append(dst, r.SW.SW1(), r.SW.SW2())
}

// openResponse checks and decrypts a protected response; the plain one is in ch.plain,
// status word included. False when anything is wrong.
func (ch *channel) openResponse(r apdu.Response) bool {
	data := r.Data
	if ch.level.Has(RMAC) {
		n := len(data) - int(ch.mode)
		switch {
		case isError(r.SW):
			if len(data) != 0 {
				return false
			}
		case n < 0 || subtle.ConstantTimeCompare(ch.responseMAC(data[:n], r.SW), data[n:]) != 1:
			return false
		default:
			data = data[:n]
		}
	}
	ok := ch.open(data, ch.level.Has(RENC), true)
	ch.plain = append(ch.plain, r.SW.SW1(), r.SW.SW2())
	return ok
}
