package face

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"testing"
)

func crcOf(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

// bitsOf is a byte for each pixel of a PNG: 1 for black.
func bitsOf(t *testing.T, file []byte) []byte {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var bits []byte
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			bits = append(bits, 1-color.GrayModel.Convert(m.At(x, y)).(color.Gray).Y/255)
		}
	}
	return bits
}

func TestCardPNGKeepsPixelsAndTellsTheSize(t *testing.T) {
	for dpi, perMetre := range map[int]uint32{300: 11811, 600: 23621} {
		front := mustRender(t, fontsOf(t), DefaultLayout.At(dpi), sample()).Front
		file, err := CardPNG(front)
		if err != nil {
			t.Fatal(err)
		}
		back, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if !differing(front, back).Empty() {
			t.Error("the pixels have changed")
		}
		at := bytes.Index(file, []byte("pHYs"))
		if at != 37 || binary.BigEndian.Uint32(file[at+4:]) != perMetre || file[at+12] != 1 {
			t.Errorf("at %d dpi pHYs says %d per metre at %d, want %d", dpi, binary.BigEndian.Uint32(file[at+4:]), at, perMetre)
		}
	}
}

func TestCardPNGRefusesNoPicture(t *testing.T) {
	if _, err := CardPNG(image.NewRGBA(image.Rectangle{})); err == nil {
		t.Error("a picture without pixels was written")
	}
}
