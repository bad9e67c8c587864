package reader

import (
	"encoding/hex"
	"fmt"
	"slices"
)

// ATR is a card's answer to reset, TS first (ISO/IEC 7816-3:2006, 8.2).
type ATR []byte

// Bounds of an ATR's length (ISO/IEC 7816-3:2006, 8.2.1): TS and T0 at least, TS
// and 32 more at most.
const (
	atrMin = 2
	atrMax = 33
)

// String is upper-case hex without spaces.
func (a ATR) String() string {
	return string(hexUpper(a))
}

func hexUpper(b []byte) []byte {
	out := make([]byte, hex.EncodedLen(len(b)))
	hex.Encode(out, b)
	for i, c := range out {
		if c >= 'a' {
			out[i] = c - 'a' + 'A'
		}
	}
	return out
}

// Contactless says whether the ATR is the one a reader makes up for a card of
// ISO/IEC 14443-4 (PC/SC part 3, 3.1.3.2.3.1): 3B 8n 80 01 and so on.
func (a ATR) Contactless() bool {
	return len(a) >= 4 && a[0] == tsDirect && a[1]&0xF0 == 0x80 && a[2] == 0x80 && a[3] == 0x01
}

// Byte is a byte that may be absent.
type Byte struct {
	Value   byte
	Present bool
}

// Or is the value, or what holds in its absence.
func (b Byte) Or(absent byte) byte {
	if b.Present {
		return b.Value
	}
	return absent
}

// Group is the interface bytes TAi, TBi, TCi and TDi of one i
// (ISO/IEC 7816-3:2006, 8.2.3).
type Group struct {
	// Protocol is the T of TD(i-1), to which the bytes from i = 3 on belong; -1 in
	// the first group, whose bytes are global.
	Protocol       int
	TA, TB, TC, TD Byte
}

// Answer is a parsed ATR.
type Answer struct {
	Inverse    bool    // TS 3F, inverse convention; else TS 3B, direct
	Groups     []Group // at least one: Groups[0] holds TA1 to TD1
	Historical []byte  // 0 to 15 bytes (ISO/IEC 7816-4:2020, 12.1)
	TCK        Byte    // check byte, absent when T=0 alone is offered
}

// TS, the initial character (ISO/IEC 7816-3:2006, 8.1).
const (
	tsDirect  = 0x3B
	tsInverse = 0x3F
)

// tGlobal is T=15: no protocol, it announces global interface bytes
// (ISO/IEC 7816-3:2006, 8.2.3).
const tGlobal = 15

// Parse takes the ATR apart (ISO/IEC 7816-3:2006, 8.2). It fails on a wrong TS, a
// length that does not fit, T=15 in TD1, and a check byte that is wrong, missing
// or too much. The historical bytes alias the ATR.
func (a ATR) Parse() (Answer, error) {
	if len(a) < atrMin || len(a) > atrMax {
		return Answer{}, fmt.Errorf("cannot parse ATR %v: it has %d bytes, not %d to %d", a, len(a), atrMin, atrMax)
	}
	if a[0] != tsDirect && a[0] != tsInverse {
		return Answer{}, fmt.Errorf("cannot parse ATR %v: TS is %02X, not 3B or 3F", a, a[0])
	}
	p := Answer{Inverse: a[0] == tsInverse}
	rest, err := p.parseGroups(a[1]>>4, a[2:])
	if err != nil {
		return Answer{}, fmt.Errorf("cannot parse ATR %v: %w", a, err)
	}
	k := int(a[1] & 0x0F)
	if len(rest) < k {
		return Answer{}, fmt.Errorf("cannot parse ATR %v: T0 announces %d historical bytes, %d are left", a, k, len(rest))
	}
	p.Historical = rest[:k:k]
	if err := p.parseTCK(a, rest[k:]); err != nil {
		return Answer{}, fmt.Errorf("cannot parse ATR %v: %w", a, err)
	}
	return p, nil
}

// parseGroups follows the chain of TDi; y is Y1 of T0, the presence bits of the
// first group.
func (p *Answer) parseGroups(y byte, rest []byte) ([]byte, error) {
	for t, more := -1, true; more; {
		g := Group{Protocol: t}
		for bit, b := range []*Byte{&g.TA, &g.TB, &g.TC, &g.TD} {
			if y&(1<<bit) == 0 {
				continue
			}
			if len(rest) == 0 {
				return nil, fmt.Errorf("interface byte T%c%d is missing", "ABCD"[bit], len(p.Groups)+1)
			}
			*b, rest = Byte{rest[0], true}, rest[1:]
		}
		p.Groups = append(p.Groups, g)
		t, y, more = int(g.TD.Value&0x0F), g.TD.Value>>4, g.TD.Present
		if more && t == tGlobal && len(p.Groups) == 1 {
			return nil, fmt.Errorf("TD1 announces T=15")
		}
	}
	return rest, nil
}

// parseTCK checks what is left: TCK makes the exclusive or of T0 to TCK zero, and
// is absent when T=0 alone is offered (ISO/IEC 7816-3:2006, 8.2.5).
func (p *Answer) parseTCK(a ATR, rest []byte) error {
	want := 0
	if p.announces(func(t int) bool { return t != 0 }) {
		want = 1
	}
	if len(rest) != want {
		return fmt.Errorf("%d bytes follow the historical bytes, not %d", len(rest), want)
	}
	if want == 0 {
		return nil
	}
	p.TCK = Byte{rest[0], true}
	var sum byte
	for _, b := range a[1:] {
		sum ^= b
	}
	if sum != 0 {
		return fmt.Errorf("TCK is %02X, not %02X", rest[0], rest[0]^sum)
	}
	return nil
}

func (p *Answer) announces(which func(t int) bool) bool {
	return slices.ContainsFunc(p.Groups[1:], func(g Group) bool { return which(g.Protocol) })
}

// Protocols are the transmission protocols offered, each once, in the ATR's
// order; T=0 alone when the ATR names none (ISO/IEC 7816-3:2006, 8.2.3).
func (p Answer) Protocols() []int {
	var offered []int
	for _, g := range p.Groups[1:] {
		if g.Protocol != tGlobal && !slices.Contains(offered, g.Protocol) {
			offered = append(offered, g.Protocol)
		}
	}
	if offered == nil {
		return []int{0}
	}
	return offered
}

// Specific tells the protocol of a card in specific mode, which has TA2 and
// cannot negotiate (ISO/IEC 7816-3:2006, 8.3).
func (p Answer) Specific() (protocol int, ok bool) {
	if len(p.Groups) < 2 || !p.Groups[1].TA.Present {
		return 0, false
	}
	return int(p.Groups[1].TA.Value & 0x0F), true
}

// fi and di are the clock rate conversion integer and the baud rate adjustment
// integer by the halves of TA1; 0 is reserved (ISO/IEC 7816-3:2006, Tables 7 and 8).
var (
	fi = [16]int{372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024, 1536, 2048, 0, 0}
	di = [16]int{0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0}
)

// ta1Absent is Fi 372 and Di 1 (ISO/IEC 7816-3:2006, 8.3).
const ta1Absent = 0x11

// Rate is Fi and Di, the fastest the card can: one bit takes Fi/Di clock cycles.
// A reserved value is 0.
func (p Answer) Rate() (f, d int) {
	ta1 := p.Groups[0].TA.Or(ta1Absent)
	return fi[ta1>>4], di[ta1&0x0F]
}

// Baud is the bits per second of Rate at a clock in hertz; 0 when Rate is reserved.
func (p Answer) Baud(clock int) int {
	f, d := p.Rate()
	if f == 0 {
		return 0
	}
	return clock * d / f
}

// GuardTime is N of TC1: extra time between characters in etu; 255 has a meaning
// by protocol (ISO/IEC 7816-3:2006, 8.3).
func (p Answer) GuardTime() int { return int(p.Groups[0].TC.Or(0)) }

// Defaults of the T=1 interface bytes (ISO/IEC 7816-3:2006, 11.4.2 and 11.4.3).
const (
	ifscAbsent = 32
	tbAbsent   = 0x4D // BWI 4, CWI 13
)

// IFSC is the most bytes the card takes in the information field of a T=1 block
// (ISO/IEC 7816-3:2006, 11.4.2).
func (p Answer) IFSC() int { return int(p.firstT1().TA.Or(ifscAbsent)) }

// Waiting is BWI and CWI, the exponents of T=1's block and character waiting
// times (ISO/IEC 7816-3:2006, 11.4.3).
func (p Answer) Waiting() (bwi, cwi int) {
	tb := p.firstT1().TB.Or(tbAbsent)
	return int(tb >> 4), int(tb & 0x0F)
}

// CRC says whether T=1 blocks end in a CRC instead of an LRC
// (ISO/IEC 7816-3:2006, 11.4.4).
func (p Answer) CRC() bool { return p.firstT1().TC.Or(0)&1 != 0 }

// firstT1 is the first group for T=1: specific interface bytes start with i = 3,
// that is with the third group.
func (p Answer) firstT1() Group {
	for _, g := range p.Groups[min(2, len(p.Groups)):] {
		if g.Protocol == 1 {
			return g
		}
	}
	return Group{}
}
