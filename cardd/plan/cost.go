package plan

import "jukicard/apdu/profile"

// Wire arithmetic of the channel at level 33 in mode S8 (GlobalPlatform
// Amendment D 1.1.2, 6.2.4 to 6.2.7): a MAC of 8 bytes on both ways, data padded
// with at least one byte to blocks of 16.
const (
	mac        = 8
	block      = 16
	shortData  = 255 // most data bytes in a short command
	shortReply = 256 // most data bytes in a short response
)

// secured is the length of a data field once n plain bytes are protected.
func secured(n int) int {
	if n > 0 {
		n = (n/block + 1) * block
	}
	return n + mac
}

// payload is the most plain bytes whose protected form fits a data field.
func payload(frame int) int { return (frame-mac)/block*block - 1 }

// Wire says how commands go out: short, or extended up to the card's limit.
type Wire struct {
	Extended    bool
	CommandData int // most bytes of an extended command's data field
}

// Chunk is the most plain bytes of one UPDATE BINARY: 239 short, 2031 where the
// card takes 2048.
func (w Wire) Chunk() int {
	if w.Extended {
		return payload(w.CommandData)
	}
	return payload(shortData)
}

// ReadChunk is the most plain bytes of one READ BINARY. In extended form the card
// gives any length; MaxRead bounds it.
func (w Wire) ReadChunk() int {
	if w.Extended {
		return MaxRead
	}
	return payload(shortReply)
}

// MaxRead bounds the data of one extended READ BINARY: no EF of a profile is longer.
const MaxRead = 0x7FFF

// secure is the cost of one protected command with n plain data bytes that asks
// for ne plain bytes.
func (w Wire) secure(n, ne int) Cost {
	c := Cost{APDUs: 1, Received: secured(ne) + 2}
	data := secured(n)
	extended := data > shortData || (w.Extended && ne > payload(shortReply))
	switch {
	case extended:
		c.Sent = 4 + 3 + data + 2*min(ne, 1)
	default:
		c.Sent = 4 + 1 + data + min(ne, 1)
	}
	if reply := secured(ne); !extended && reply > shortReply { // 61xx, then GET RESPONSE
		c.APDUs++
		c.Sent += 5
		c.Received += 2
	}
	return c
}

// repeat is the cost of moving n bytes in chunks.
func repeat(n, chunk int, each func(part int) Cost) Cost {
	var sum Cost
	for ; n > 0; n -= chunk {
		sum = sum.Add(each(min(n, chunk)))
	}
	return sum
}

// Lengths of the commands around the contents (docs/CARD-WRITING.md).
const (
	selectHead      = 5      // header and Lc of SELECT
	initializeSent  = 14     // header, Lc, 8 bytes of host challenge, Le
	initializeReply = 32 + 2 // 10+3+8+8 and the 3 bytes of sequence counter
	authenticate    = 5 + 8 + mac
	keyTemplate     = 5    // B6 03 84 01 ref
	sfiReach        = 0xFF // last offset a short EF identifier reaches
	fileID          = 2
)

// keyPair is GENERATE ASYMMETRIC KEY PAIR, whether it makes a pair or reads one.
func (w Wire) keyPair(a profile.Algorithm) Cost { return w.secure(keyTemplate, a.Public) }

// sign is COMPUTE DIGITAL SIGNATURE of what a certificate request has signed.
func (w Wire) sign(a profile.Algorithm) Cost { return w.secure(a.Input, a.Output) }

// open is SELECT, INITIALIZE UPDATE and EXTERNAL AUTHENTICATE.
func (w Wire) open(aid int) Cost {
	return Cost{APDUs: 3, Sent: selectHead + aid + initializeSent + authenticate, Received: 2 + initializeReply + 2}
}

// update is the cost of writing from off to the end. A short EF identifier leaves
// eight bits for the offset (ISO/IEC 7816-4:2020, 11.3.2): beyond that the EF is
// selected first.
func (w Wire) update(off, end int) Cost {
	cost := repeat(end-off, w.Chunk(), func(part int) Cost { return w.secure(part, 0) })
	if off > sfiReach {
		cost = cost.Add(w.secure(fileID, 0))
	}
	return cost
}

func (w Wire) read(n int) Cost {
	return repeat(n, w.ReadChunk(), func(part int) Cost { return w.secure(0, part) })
}
