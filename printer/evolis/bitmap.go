package evolis

import (
	"fmt"

	"jukicard/printer/raster"
)

// The printer's bitmap stands upright: lines across the short side of the card, the
// first pixel in the highest bit, 300 dots per inch. The guide counts 656 x 1032 in one
// place; every driver seen sends 648 x 1016 (fact sheet 1.2).
const (
	pixels    = 648
	lines     = 1016
	lineBytes = pixels / 8
)

// Levels is how many shades of a colour are sent.
type Levels int

// The guide's four (A5013, Db).
const (
	Levels2   Levels = 2
	Levels32  Levels = 32
	Levels64  Levels = 64
	Levels128 Levels = 128
)

// bits is how many a pixel takes, 0 for what no printer takes.
func (l Levels) bits() int {
	switch l {
	case Levels2:
		return 1
	case Levels32:
		return 5
	case Levels64:
		return 6
	case Levels128:
		return 7
	}
	return 0
}

// Size is the length in bytes of a plane in this many shades: 82,296, 411,480, 493,776
// or 576,072.
func (l Levels) Size() int { return pixels * lines * l.bits() / 8 }

// bitmap is one panel's dots, line by line: 0 none to levels-1 full.
type bitmap struct {
	levels Levels
	dots   []byte
}

// pack is the data of Db: the pixels' bits one after another, the highest first, so
// that each bit is useful ("7 byte = 8 pixels", A5013, Db).
func (m bitmap) pack() []byte {
	out := make([]byte, 0, m.levels.Size())
	n, acc, have := m.levels.bits(), uint32(0), 0
	for _, b := range m.dots {
		acc = acc<<n | uint32(b)
		for have += n; have >= 8; have -= 8 {
			out = append(out, byte(acc>>(have-8)))
		}
	}
	return out
}

// The marks of a coded line of resin or overlay (A5013, 4): white, black, or else how
// many bytes follow; the rest of the line is white.
const (
	lineWhite = 0x00
	lineBlack = 0xFF
)

// code is the data of Dbc for a panel of two levels.
func (m bitmap) code() []byte {
	packed := m.pack()
	var out []byte
	for line := range lines {
		out = appendLine(out, packed[line*lineBytes:][:lineBytes])
	}
	return out
}

func appendLine(out, line []byte) []byte {
	used, black := 0, true
	for i, b := range line {
		if b != 0 {
			used = i + 1
		}
		black = black && b == 0xFF
	}
	switch {
	case used == 0:
		return append(out, lineWhite)
	case black:
		return append(out, lineBlack)
	}
	return append(append(out, byte(used)), line[:used]...)
}

// codeColour is the data of Dbc for a colour (A5013, 4): a byte with bit 7 clear is one
// pixel; with bit 7 set a counter follows and the pixel is repeated as often. The bits
// that fewer shades leave free add 256 each to the counter. Bit 7 and a counter of 0 is
// a whole line of white.
func (m bitmap) codeColour() []byte {
	var out []byte
	for line := range lines {
		out = m.levels.appendColours(out, m.dots[line*pixels:][:pixels])
	}
	return out
}

func (l Levels) appendColours(out, line []byte) []byte {
	if run(line) == len(line) && line[0] == 0 {
		return append(out, 0x80, 0)
	}
	for len(line) > 0 {
		n := min(run(line), 255+256*(7-l.bits()))
		if n > 1 && n%256 == 0 {
			n-- // a counter byte of 0 would be read as a white line
		}
		if v := line[0]; n == 1 {
			out = append(out, v)
		} else {
			out = append(out, 0x80|carry(n)|v, byte(n%256))
		}
		line = line[n:]
	}
	return out
}

// carry are the bits, from bit 6 down, that add 256 each to a counter of n.
func carry(n int) byte {
	var b byte
	for bit := byte(0x40); n > 255; n, bit = n-256, bit>>1 {
		b |= bit
	}
	return b
}

// run is how many dots from the first on are the same.
func run(line []byte) int {
	n := 1
	for n < len(line) && line[n] == line[0] {
		n++
	}
	return n
}

// download is the order and the data that bring a panel into the printer's memory, in
// the shorter of the two forms.
func (m bitmap) download(panel byte, plain bool) (order, []byte) {
	if plain {
		return order(fmt.Sprintf("Db;%c;%d", panel, m.levels)), m.pack()
	}
	code := m.codeColour
	if m.levels == Levels2 {
		code = m.code
	}
	coded := code()
	if len(coded) >= m.levels.Size() {
		return m.download(panel, true)
	}
	// Three parameters and no start line: page 6 of the guide is right, page 15 wrong
	// (eight captures of the maker's Windows driver, fact sheet 1.2).
	return order(fmt.Sprintf("Dbc;%c;%d;%d", panel, m.levels, len(coded))), coded
}

// upright turns a landscape side into the printer's lines: pixel x of line n is column
// n of row 647-x (seen in the captures).
func upright(p raster.Planes) raster.Planes { return p.RotateRight() }
