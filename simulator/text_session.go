package simulator

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"math/big"

	"jukicard/apdu"
	"jukicard/apdu/tlv"
)

// insSetSessionKey is JICSAP's SET SESSION KEY, CLA 80 (card fact sheet, 2.2).
const insSetSessionKey = 0xAE

// Data objects of JICSAP secure messaging (card fact sheet, 2.2).
const (
	tagKeyDelivery    tlv.Tag = 0xA0
	tagEncryptionKey  tlv.Tag = 0x80
	tagCryptogram     tlv.Tag = 0x86
	tagExpectedLength tlv.Tag = 0x96

	seedLen          = 32 // of which the first half is the session key
	paddingIndicator = 0x01
)

// textSession is secure messaging of an application's own, for confidentiality only:
// AES-128-CBC, the initial value from a counter of commands, no MAC. It ends with the
// selection of an application, with power, and with its own errors.
type textSession struct {
	block   cipher.Block // nil: no session
	counter uint32       // of the command being handled; the first is 1
}

func (s *textSession) end() { *s = textSession{} }

// setSessionKey takes a session key, enciphered to the AP's published key, after a
// VERIFY in the clear.
func (c *Card) setSessionKey(cmd apdu.Command) apdu.SW {
	m := c.app.messaging
	switch {
	case m == nil || m.private == nil:
		return apdu.SWInstructionNotSupported
	case cmd.P1 != 0 || cmd.P2 != 0:
		return apdu.SWIncorrectP1P2
	case c.verified&m.after == 0:
		return apdu.SWSecurityStatus
	case len(cmd.Data) != m.private.Size():
		return apdu.SWWrongLength
	case new(big.Int).SetBytes(cmd.Data).Cmp(m.private.N) >= 0:
		return apdu.SWUnknown
	}
	c.text.end()
	delivered, err := rsa.DecryptOAEP(sha256.New(), nil, m.private, cmd.Data, nil)
	want := []byte{byte(tagKeyDelivery), seedLen + 2, byte(tagEncryptionKey), seedLen}
	if err != nil || len(delivered) != len(want)+seedLen || !bytes.HasPrefix(delivered, want) {
		return apdu.SWWrongData
	}
	c.text.block, err = aes.NewCipher(delivered[len(want) : len(want)+aes.BlockSize])
	clear(delivered)
	if err != nil {
		return apdu.SWUnknown
	}
	return apdu.SWOK
}

// dispatchText handles CLA 08 and 0C. Where there is no session SELECT and the rest
// refuse differently (card fact sheet, 1).
func (c *Card) dispatchText(cmd apdu.Command) apdu.SW {
	switch {
	case c.text.block == nil && cmd.INS == apdu.INSSelect:
		return apdu.SWSecureMessagingUnsupported
	case c.text.block == nil:
		return apdu.SWVendorSecureMessaging
	case cmd.CLA == classSMH: // there is no key for a checksum
		c.text.end()
		return apdu.SWSecureMessagingMissing
	}
	c.text.counter++ // also for a command the application will refuse
	plain, ok := c.text.open(cmd)
	if !ok {
		c.text.end()
		return apdu.SWSecureMessagingIncorrect
	}
	session, counter := c.text.block, c.text.counter
	sw := c.dispatch(plain)
	if sw == apdu.SWOK && len(c.out) > 0 {
		c.out = protect(session, counter, c.out)
	}
	return sw
}

// open gives the plain command. Its data field is exactly one object, and which one
// depends on the command.
func (s *textSession) open(cmd apdu.Command) (apdu.Command, bool) {
	plain := apdu.Command{CLA: classISO, INS: cmd.INS, P1: cmd.P1, P2: cmd.P2}
	o, rest, err := tlv.Next(cmd.Data)
	if err != nil || len(rest) > 0 {
		return plain, false
	}
	switch cmd.INS {
	case apdu.INSReadBinary:
		if o.Tag != tagExpectedLength || len(o.Value) != 3 || o.Value[0] != 0 {
			return plain, false
		}
		plain.Extended = true
		plain.Ne = int(binary.BigEndian.Uint16(o.Value[1:]))
		if plain.Ne == 0 {
			plain.Ne = apdu.MaxExtendedNe
		}
		return plain, true
	case apdu.INSVerify, apdu.INSSelect:
		var ok bool
		plain.Data, ok = s.decrypt(o)
		return plain, ok
	}
	return plain, false
}

func (s *textSession) decrypt(o tlv.Object) ([]byte, bool) {
	if o.Tag != tagCryptogram || len(o.Value) <= aes.BlockSize || o.Value[0] != paddingIndicator || len(o.Value)%aes.BlockSize != 1 {
		return nil, false
	}
	data := make([]byte, len(o.Value)-1)
	cipher.NewCBCDecrypter(s.block, counterIV(s.block, s.counter)).CryptBlocks(data, o.Value[1:])
	end := len(bytes.TrimRight(data, "\x00")) - 1
	if end < 0 || data[end] != 0x80 || len(data)-end > aes.BlockSize {
		return nil, false
	}
	return data[:end], true
}

// protect makes 86 {01, cryptogram} of an answer (ISO/IEC 7816-4:2020, 10.2.3).
func protect(block cipher.Block, counter uint32, data []byte) []byte {
	padded := append(bytes.Clone(data), 0x80)
	padded = append(padded, make([]byte, -len(padded)&(aes.BlockSize-1))...)
	cipher.NewCBCEncrypter(block, counterIV(block, counter)).CryptBlocks(padded, padded)
	return tlv.Append(data[:0], tagCryptogram, []byte{paddingIndicator}, padded)
}

// counterIV is the counter in sixteen bytes, enciphered.
func counterIV(block cipher.Block, counter uint32) []byte {
	iv := make([]byte, aes.BlockSize)
	binary.BigEndian.PutUint32(iv[aes.BlockSize-4:], counter)
	block.Encrypt(iv, iv)
	return iv
}
