package face

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
)

// exifOrientation reads the orientation of a JPEG's Exif data (JEITA CP-3451,
// 4.6.4: tag 0x0112), 1 where there is none. A telephone stores portraits
// lying down and says so here; image/jpeg does not look.
func exifOrientation(jpeg []byte) int {
	for i := 2; i+4 <= len(jpeg) && jpeg[i] == 0xFF && jpeg[i+1] != 0xDA; {
		n := int(binary.BigEndian.Uint16(jpeg[i+2:]))
		if n < 2 || i+2+n > len(jpeg) {
			break
		}
		if tiff, ok := bytes.CutPrefix(jpeg[i+4:i+2+n], []byte("Exif\x00\x00")); ok && jpeg[i+1] == 0xE1 {
			return tiffOrientation(tiff)
		}
		i += 2 + n
	}
	return 1
}

// tiffOrientation looks through the first directory (TIFF 6.0, section 2).
func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			break
		}
		if v := order.Uint16(entries[8:]); order.Uint16(entries) == 0x0112 && v >= 1 && v <= 8 {
			return int(v)
		}
		entries = entries[12:]
	}
	return 1
}

// oriented is a picture as stored, with the Exif orientation by which it shows
// upright: 1 as it is, 2 mirrored, 3 upside down, 4 both, 5 to 8 the same with
// rows and columns exchanged. Pixels are looked up, not copied: the picture may
// have 36 million.
type oriented struct {
	stored      image.Image
	orientation int
}

// upright is the picture turned as its orientation says.
func upright(m image.Image, orientation int) image.Image {
	if orientation == 1 {
		return m
	}
	return oriented{m, orientation}
}

// ColorModel is the stored picture's.
func (o oriented) ColorModel() color.Model { return o.stored.ColorModel() }

// Bounds starts at the origin, with the sides exchanged where need be.
func (o oriented) Bounds() image.Rectangle {
	b := o.stored.Bounds()
	if o.orientation >= 5 {
		return image.Rect(0, 0, b.Dy(), b.Dx())
	}
	return image.Rect(0, 0, b.Dx(), b.Dy())
}

// At looks the upright pixel up in the stored picture.
func (o oriented) At(x, y int) color.Color {
	b := o.stored.Bounds()
	sx, sy := source(x, y, b.Dx(), b.Dy(), o.orientation)
	return o.stored.At(b.Min.X+sx, b.Min.Y+sy)
}

// source is where the upright pixel x, y lies in the stored picture of w × h.
func source(x, y, w, h, orientation int) (sx, sy int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}
