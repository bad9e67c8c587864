package scp03

import "fmt"

// Level is a security level, the P1 of EXTERNAL AUTHENTICATE
// (GPC Amendment D v1.1.2, 7.1.2).
type Level byte

// The bits of a Level.
const (
	CMAC Level = 0x01 // commands carry a MAC
	CENC Level = 0x02 // command data is encrypted (C-DECRYPTION in the standard)
	RMAC Level = 0x10 // responses carry a MAC
	RENC Level = 0x20 // response data is encrypted
)

// The levels a session can have; the level without any protection is refused.
const (
	LevelCMAC         = CMAC
	LevelCMACCENC     = CMAC | CENC
	LevelCMACRMAC     = CMAC | RMAC
	LevelCMACCENCRMAC = CMAC | CENC | RMAC
	LevelFull         = CMAC | CENC | RMAC | RENC // 33, what issuing uses
)

// Valid says whether l is one of the levels above.
func (l Level) Valid() bool {
	switch l {
	case LevelCMAC, LevelCMACCENC, LevelCMACRMAC, LevelCMACCENCRMAC, LevelFull:
		return true
	}
	return false
}

// Has says whether all bits of b are set.
func (l Level) Has(b Level) bool { return l&b == b }

// String is the two hexadecimal digits, "33".
func (l Level) String() string { return fmt.Sprintf("%02X", byte(l)) }

// Mode is the size of challenges, cryptograms and MACs in bytes
// (Amendment D v1.1.2, 5.1: S8 and S16).
type Mode int

// The two modes.
const (
	S8  Mode = 8
	S16 Mode = 16
)

// String is "S8" or "S16".
func (m Mode) String() string { return fmt.Sprintf("S%d", int(m)) }

// Payload is the most plain data bytes that fit a command whose data field holds
// frame bytes (255 in a short command): 239 for S8 with encryption, 247 without.
// It is 0 when nothing fits.
func (l Level) Payload(m Mode, frame int) int { return room(frame, m, l.Has(CMAC), l.Has(CENC)) }

// ResponsePayload is the most plain data bytes that fit a response whose data
// field holds frame bytes (256 in a short response).
func (l Level) ResponsePayload(m Mode, frame int) int {
	return room(frame, m, l.Has(RMAC), l.Has(RENC))
}

// room takes off the MAC, then rounds down to whole blocks, of which the last
// holds at least the byte 80 of the padding.
func room(frame int, m Mode, mac, enc bool) int {
	if mac {
		frame -= int(m)
	}
	if enc {
		frame = frame/blockSize*blockSize - 1
	}
	return max(frame, 0)
}

// CommandLen is the length of a command's data field once n plain bytes are protected.
func (l Level) CommandLen(m Mode, n int) int { return secured(n, m, l.Has(CMAC), l.Has(CENC)) }

// ResponseLen is the length of a response's data field once n plain bytes are
// protected; an error status word alone is not protected.
func (l Level) ResponseLen(m Mode, n int) int { return secured(n, m, l.Has(RMAC), l.Has(RENC)) }

func secured(n int, m Mode, mac, enc bool) int {
	if enc && n > 0 {
		n = padded(n)
	}
	if mac {
		n += int(m)
	}
	return n
}

// padded is n after the byte 80 and zeros to a whole block (GPC_SPE_034 v2.3.1, B.2.3).
func padded(n int) int { return (n/blockSize + 1) * blockSize }

// Options is the "i" parameter a card states in its answer to INITIALIZE UPDATE
// (Amendment D v1.1.2, 5.1, Table 5-1).
type Options byte

// The bits of Options.
const (
	OptionS16          Options = 0x01
	OptionPseudoRandom Options = 0x10 // the card challenge follows from a sequence counter
	OptionRMAC         Options = 0x20
	OptionRENC         Options = 0x40 // only together with OptionRMAC
)

// Mode is S16 or S8.
func (o Options) Mode() Mode {
	if o&OptionS16 != 0 {
		return S16
	}
	return S8
}

// Supports says whether a card with these options can serve a level.
func (o Options) Supports(l Level) bool {
	return l.Valid() &&
		(!l.Has(RMAC) || o&OptionRMAC != 0) &&
		(!l.Has(RENC) || o&OptionRENC != 0)
}
