package escpos

import (
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
)

// Commands (Epson, ESC/POS Command Reference, under the names given).
var (
	initialize     = []byte{0x1B, 0x40}                                                 // ESC @
	noAutoStatus   = []byte{0x1D, 0x61, 0x00}                                           // GS a 0
	cutFed         = []byte{0x1D, 0x56, 0x42, 0x00}                                     // GS V B 0: feed to the cutter and cut
	askQueued      = []byte{0x1D, 0x72, 0x01}                                           // GS r 1: paper, when all before it is done
	clearBuffers   = []byte{0x10, 0x14, 0x08, 0x01, 0x03, 0x14, 0x01, 0x06, 0x02, 0x08} // DLE DC4, function 8
	recoverCleared = []byte{0x10, 0x05, 0x02}                                           // DLE ENQ 2
)

// askNow is DLE EOT n, answered at once whatever else goes on.
func askNow(n byte) []byte { return []byte{0x10, 0x04, n} }

// feed is ESC d n: lines of the usual height.
func feed(lines byte) []byte { return []byte{0x1B, 0x64, lines} }

// answerID is GS ( H, function 48: send these four characters back when everything
// before this is done.
func answerID(id string) []byte {
	return append([]byte{0x1D, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30}, id...)
}

const (
	// bandRows is how much picture goes in one command: it bounds what a printer
	// waits for when the host dies in the middle, and keeps the header's bytes
	// clear of real-time commands.
	bandRows = 128
	// feedLines is the margin below the picture (ours).
	feedLines = 2
	// threshold is the luminance from which paper stays white.
	threshold = 0xB0
)

// job is a slip ready to be sent.
type job struct {
	bands   [][]byte
	printed string // identifier that comes when the picture is on paper; empty: none
	cut     string // and when it is cut off
}

// encode makes a job of an image.
func (p *Printer) encode(slip image.Image) (*job, error) {
	dots := p.dots()
	if dots < 8 || dots > 2048 || dots%8 != 0 {
		return nil, fmt.Errorf("dots is %d: give a multiple of 8 to 2048, as the printer's manual says", dots)
	}
	size := slip.Bounds().Size()
	switch {
	case size.X < 1 || size.Y < 1:
		return nil, fmt.Errorf("the slip has %d by %d dots: there is nothing to print", size.X, size.Y)
	case size.X > dots:
		return nil, fmt.Errorf("the slip is %d dots wide and the printer prints %d: lay it out narrower", size.X, dots)
	case size.Y > RowsMax:
		return nil, fmt.Errorf("the slip is %d dots long, at most %d are printed: make it two", size.Y, RowsMax)
	}
	j := &job{}
	for top := 0; top < size.Y; top += bandRows {
		j.bands = append(j.bands, band(slip, top, min(bandRows, size.Y-top), dots/8))
	}
	if !p.NoProcessID {
		// Of a former slip, whose answer may come late, it is another.
		id := fmt.Sprintf("%03d", rand.IntN(1000))
		j.printed, j.cut = "P"+id, "C"+id
	}
	return j, nil
}

// band is GS v 0 in single density: rows of bytes from the left, the high bit first, 1
// black.
func band(slip image.Image, top, rows, bytes int) []byte {
	b := []byte{0x1D, 0x76, 0x30, 0x00, byte(bytes), byte(bytes >> 8), byte(rows), byte(rows >> 8)}
	header := len(b)
	b = append(b, make([]byte, rows*bytes)...)
	at := slip.Bounds().Min
	for y := range rows {
		for x := range slip.Bounds().Dx() {
			if black(slip.At(at.X+x, at.Y+top+y)) {
				b[header+y*bytes+x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	guard(b[header:])
	return b
}

// black is whether a colour, on white paper, is dark enough for a dot.
func black(c color.Color) bool {
	r, g, b, a := c.RGBA()
	white := 0xFFFF - a
	return (19595*(r+white)+38470*(g+white)+7471*(b+white)+1<<15)>>24 < threshold
}

// guard keeps real-time commands out of a picture. A printer obeys them wherever they
// turn up, also between the bytes of a picture ("Notes of Real-time Commands"), and DLE
// ENQ 2 would throw the slip away. They all begin with 10, then 04, 05 or 14: one dot
// more beside that dot of 10 breaks them and loses no stroke.
func guard(picture []byte) {
	for i, b := range picture[:max(0, len(picture)-1)] {
		next := picture[i+1]
		if b == 0x10 && (next == 0x04 || next == 0x05 || next == 0x14) {
			picture[i] = 0x18
		}
	}
}
