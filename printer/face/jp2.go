package face

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
)

// The chip's photograph. Grey and JPEG 2000 in a JP2 file are known (card fact
// sheet, 2.3); its pixel and byte sizes are not public and these are ours. The
// shape is that of the printed photograph, 22 × 27.5 mm.
const (
	PhotoWidth  = 240
	PhotoHeight = 300
	PhotoBytes  = 8192 // at most
)

// jp2SideMost bounds what is decoded, whatever a file claims.
const jp2SideMost = 2048

// EncodeJP2 writes a JP2 file (ISO/IEC 15444-1 Annex I) of one grey component
// of 8 bits, irreversibly compressed to at most targetBytes. It needs cgo and
// OpenJPEG.
func EncodeJP2(img image.Image, targetBytes int) ([]byte, error) {
	b := img.Bounds()
	if b.Dx() < 1 || b.Dy() < 1 || b.Dx() > jp2SideMost || b.Dy() > jp2SideMost {
		return nil, fmt.Errorf("cannot encode a JPEG 2000 picture of %d × %d pixels: a side is 1 to %d", b.Dx(), b.Dy(), jp2SideMost)
	}
	grey := reduce(img, 1)
	aim := targetBytes
	for range 8 { // the rate is kept only roughly, most of all for small files
		if aim < 64 {
			break
		}
		out, err := openjpegEncode(grey, float32(len(grey.Pix))/float32(aim))
		if err != nil {
			return nil, fmt.Errorf("cannot encode the photograph as JPEG 2000: %w", err)
		}
		if len(out) <= targetBytes {
			return out, nil
		}
		aim -= len(out) - targetBytes + 16
	}
	return nil, fmt.Errorf("cannot encode %d × %d pixels as JPEG 2000 in %d bytes: allow more", b.Dx(), b.Dy(), targetBytes)
}

// DecodeJP2 reads a grey 8-bit JP2 file strictly: a file that ends early, or
// whose parts contradict each other, is refused, not filled up. The boxes and
// the image size are checked before OpenJPEG sees a byte. A bit changed inside
// the compressed data may go unnoticed, for JPEG 2000 has no checksum; on the
// chip, DF28 signs the photograph. It needs cgo and OpenJPEG.
func DecodeJP2(file []byte) (*image.Gray, error) {
	size, err := jp2Size(file)
	if err != nil {
		return nil, fmt.Errorf("cannot decode the JPEG 2000 photograph: %w", err)
	}
	g, err := openjpegDecode(file, size)
	if err != nil {
		return nil, fmt.Errorf("cannot decode the JPEG 2000 photograph: %w", err)
	}
	return g, nil
}

// chipPhoto makes the chip's photograph and reads it back.
func chipPhoto(photo image.Image) ([]byte, error) {
	want := portrait(photo, PhotoWidth, PhotoHeight)
	file, err := EncodeJP2(want, PhotoBytes)
	if err != nil {
		return nil, err
	}
	got, err := DecodeJP2(file)
	if err != nil {
		return nil, err
	}
	if d := difference(want, got); d > differenceMost {
		return nil, fmt.Errorf("cannot encode the photograph as JPEG 2000: read back, it differs by %d levels of 255 on average; use a photograph with a plain background", d)
	}
	return file, nil
}

// differenceMost is the mean difference above which the picture is not what
// was meant: a drawn portrait comes to 0 or 1, pure noise to 43.
const differenceMost = 16

// difference is the mean difference of two pictures in levels of 255; pictures
// of unlike size differ fully.
func difference(a, b *image.Gray) int {
	if a.Rect.Size() != b.Rect.Size() {
		return 255
	}
	sum := 0
	for i := range a.Pix {
		sum += max(int(a.Pix[i])-int(b.Pix[i]), int(b.Pix[i])-int(a.Pix[i]))
	}
	return sum / len(a.Pix)
}

var errJP2 = errors.New("it is not a JP2 file of one grey component of 8 bits")

// jp2Size checks the boxes (ISO/IEC 15444-1 Annex I) and the codestream's
// first and last markers (Annex A) and gives the image size.
func jp2Size(file []byte) (image.Point, error) {
	boxes, err := jp2Boxes(file)
	if err != nil {
		return image.Point{}, err
	}
	if !bytes.Equal(boxes["jP  "], []byte{0x0D, 0x0A, 0x87, 0x0A}) || !bytes.HasPrefix(boxes["ftyp"], []byte("jp2 ")) {
		return image.Point{}, errJP2
	}
	inner, err := jp2Boxes(boxes["jp2h"])
	if err != nil {
		return image.Point{}, err
	}
	size, err := headerSize(inner["ihdr"])
	if err != nil {
		return image.Point{}, err
	}
	return size, checkCodestream(boxes["jp2c"], size)
}

// jp2Boxes maps box types to contents, the first of a type counting (I.4).
func jp2Boxes(b []byte) (map[string][]byte, error) {
	boxes := map[string][]byte{}
	for len(b) > 0 {
		if len(b) < 8 {
			return nil, errors.New("a box is cut short")
		}
		length, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
		switch {
		case length == 1 && len(b) >= 16: // XLBox
			length, head = binary.BigEndian.Uint64(b[8:]), 16
		case length == 0: // to the end of the file
			length = uint64(len(b))
		}
		if length < head || length > uint64(len(b)) {
			return nil, errors.New("a box is cut short")
		}
		if kind := string(b[4:8]); boxes[kind] == nil {
			boxes[kind] = b[head:length]
		}
		b = b[length:]
	}
	return boxes, nil
}

// headerSize reads ihdr (I.5.3.1): height, width, components, depth - 1,
// compression type 7.
func headerSize(ihdr []byte) (image.Point, error) {
	if len(ihdr) != 14 {
		return image.Point{}, errJP2
	}
	h, w := binary.BigEndian.Uint32(ihdr), binary.BigEndian.Uint32(ihdr[4:])
	if binary.BigEndian.Uint16(ihdr[8:]) != 1 || ihdr[10] != 7 || ihdr[11] != 7 {
		return image.Point{}, errJP2
	}
	if w < 1 || h < 1 || w > jp2SideMost || h > jp2SideMost {
		return image.Point{}, fmt.Errorf("a side must have 1 to %d pixels", jp2SideMost)
	}
	return image.Pt(int(w), int(h)), nil
}

// checkCodestream wants SOC and SIZ first, with the very size, origin and
// single tile that ihdr promises, and EOC last (A.4.1, A.4.4, A.5.1).
func checkCodestream(c []byte, size image.Point) error {
	if len(c) < 47 || !bytes.Equal(c[:6], []byte{0xFF, 0x4F, 0xFF, 0x51, 0, 41}) {
		return errJP2
	}
	if c[len(c)-2] != 0xFF || c[len(c)-1] != 0xD9 {
		return errors.New("the codestream ends early")
	}
	w, h := uint32(size.X), uint32(size.Y)
	wants := [...]uint32{w, h, 0, 0, w, h, 0, 0} // Xsiz Ysiz XOsiz YOsiz XTsiz YTsiz XTOsiz YTOsiz
	for i, want := range wants {
		if binary.BigEndian.Uint32(c[8+4*i:]) != want {
			return errors.New("the codestream is not one tile of the size the header gives")
		}
	}
	if !bytes.Equal(c[40:45], []byte{0, 1, 7, 1, 1}) { // Csiz, Ssiz, XRsiz, YRsiz
		return errJP2
	}
	return nil
}
