package face

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"math"

	"jukicard/printer/raster"
)

// CardPNG writes one side of a card as PNG. The file says how large the card
// is (pHYs, PNG third edition, 11.3.4.3), so that a viewer prints it at
// 85.60 mm whatever the resolution.
func CardPNG(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := enc.Encode(&b, raster.Look(img)); err != nil {
		return nil, fmt.Errorf("cannot encode the card face as PNG: %w", err)
	}
	const ihdrEnd = 8 + 12 + 13 // signature, and IHDR, always the first chunk
	perMetre := uint32(math.Round(float64(img.Bounds().Dx()) / CardWidth * 1000))
	file := b.Bytes()
	out := append(make([]byte, 0, len(file)+21), file[:ihdrEnd]...)
	return append(append(out, physical(perMetre)...), file[ihdrEnd:]...), nil
}

// physical is a pHYs chunk: pixels per metre in x and y.
func physical(perMetre uint32) []byte {
	body := append([]byte("pHYs"), make([]byte, 9)...)
	binary.BigEndian.PutUint32(body[4:], perMetre)
	binary.BigEndian.PutUint32(body[8:], perMetre)
	body[12] = 1
	chunk := append([]byte{0, 0, 0, 9}, body...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
}

// ResinPNG writes what of a side is printed in resin, as PNG of bit depth 1.
func ResinPNG(p raster.Planes) ([]byte, error) {
	b := newBitmap(p.Width, p.Height)
	for i, k := range p.K {
		b.black[i] = k != 0
	}
	return b.png()
}
