package face

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.NoCompression}
	if err := enc.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// noise is a picture that no encoder makes small.
func noise(w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(r.Uint32())
	}
	return m
}

func TestDecodePhotoAccepts(t *testing.T) {
	for _, tt := range []struct {
		name string
		file []byte
		w, h int
	}{
		{"a JPEG of 35 × 45", jpegOf(t, portraitOf(900, 1157), 90), 900, 1157},
		{"the smallest", jpegOf(t, portraitOf(480, 480), 95), 480, 480},
		{"a grey JPEG", jpegOf(t, noise(600, 600), 90), 600, 600},
		{"a PNG", pngOf(t, portraitOf(500, 600)), 500, 600},
		{"a large one", jpegOf(t, noise(6000, 480), 20), 6000, 480},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := DecodePhoto(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			if s := m.Bounds().Size(); s != image.Pt(tt.w, tt.h) {
				t.Errorf("size %v", s)
			}
		})
	}
}

func TestDecodePhotoRefuses(t *testing.T) {
	good := jpegOf(t, portraitOf(900, 1157), 90)
	goodPNG := pngOf(t, portraitOf(500, 600))
	for _, tt := range []struct {
		name string
		file []byte
		rule PhotoRule
	}{
		{"nothing", nil, PhotoNotPicture},
		{"text", bytes.Repeat([]byte("no picture "), 4000), PhotoNotPicture},
		{"a PDF", append([]byte("%PDF-1.7\n"), make([]byte, 30_000)...), PhotoNotPicture},
		{"a JPEG cut in its head", good[:100], PhotoTruncated},
		{"a JPEG cut in half", good[:len(good)/2], PhotoTruncated},
		{"a JPEG without its last byte", good[:len(good)-1], PhotoTruncated},
		{"a PNG cut in half", goodPNG[:len(goodPNG)/2], PhotoTruncated},
		{"a PNG with a flipped bit", flipped(goodPNG, len(goodPNG)/2), PhotoTruncated},
		{"a side of 479", jpegOf(t, noise(479, 900), 90), PhotoTooSmall},
		{"a file of few bytes", jpegOf(t, image.NewGray(image.Rect(0, 0, 600, 600)), 50), PhotoTooSmall},
		{"a side of 6001", jpegOf(t, noise(6001, 480), 20), PhotoTooLarge},
		{"a file over 7 MB", append(slices.Clone(good), make([]byte, PhotoBytesMax)...), PhotoTooLarge},
		{"a PNG that claims 4 billion pixels", claiming(goodPNG, 65535, 65535), PhotoTooLarge},
		{"16 bits a channel", pngOf(t, image.NewNRGBA64(image.Rect(0, 0, 500, 500))), PhotoColour},
		{"thousands of scans", slices.Insert(slices.Clone(good), len(good)-2, bytes.Repeat([]byte{0xFF, 0xDA}, 1000)...), PhotoTooComplex},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := DecodePhoto(tt.file)
			var e *PhotoError
			if !errors.As(err, &e) || e.Rule != tt.rule {
				t.Fatalf("error = %v, want rule %q", err, tt.rule)
			}
			if m != nil || e.Remedy == "" || !strings.Contains(err.Error(), e.Remedy) {
				t.Errorf("a picture came along, or no remedy: %v", err)
			}
		})
	}
}

func flipped(file []byte, at int) []byte {
	out := slices.Clone(file)
	out[at] ^= 0x10
	return out
}

// claiming changes the size in a PNG's IHDR and mends its checksum.
func claiming(file []byte, w, h uint32) []byte {
	out := slices.Clone(file)
	binary.BigEndian.PutUint32(out[16:], w)
	binary.BigEndian.PutUint32(out[20:], h)
	binary.BigEndian.PutUint32(out[29:], crcOf(out[12:29]))
	return out
}

// withExif puts an orientation into a JPEG, in either byte order.
func withExif(file []byte, order binary.AppendByteOrder, orientation uint16) []byte {
	tiff := []byte("MM\x00\x2a")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		tiff = []byte("II\x2a\x00")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 1)
	for _, v := range []uint16{0x0112, 3} {
		tiff = order.AppendUint16(tiff, v)
	}
	tiff = order.AppendUint32(tiff, 1)
	tiff = order.AppendUint16(tiff, orientation)
	tiff = append(tiff, make([]byte, 6)...)
	body := append([]byte("Exif\x00\x00"), tiff...)
	app1 := append([]byte{0xFF, 0xE1, 0, byte(2 + len(body))}, body...)
	return slices.Insert(slices.Clone(file), 2, app1...)
}

// corners is a picture with a dark upper left quarter.
func corners(w, h int) *image.Gray {
	m := noise(w, h)
	for y := range h {
		for x := range w {
			v := m.GrayAt(x, y).Y/4 + 180
			if x < w/2 && y < h/2 {
				v = m.GrayAt(x, y).Y / 4
			}
			m.SetGray(x, y, color.Gray{v})
		}
	}
	return m
}

// The stored upper left corner shows, upright, where Exif says row 0 and
// column 0 lie (JEITA CP-3451, 4.6.4).
func TestPhotoIsTurnedUpright(t *testing.T) {
	stored := jpegOf(t, corners(640, 480), 90)
	for orientation, want := range map[uint16]image.Point{
		1: {0, 0}, 2: {1, 0}, 3: {1, 1}, 4: {0, 1}, 5: {0, 0}, 6: {1, 0}, 7: {1, 1}, 8: {0, 1},
	} {
		for name, order := range map[string]binary.AppendByteOrder{"II": binary.LittleEndian, "MM": binary.BigEndian} {
			t.Run(fmt.Sprint(orientation, name), func(t *testing.T) {
				m, err := DecodePhoto(withExif(stored, order, orientation))
				if err != nil {
					t.Fatal(err)
				}
				if tall := m.Bounds().Dy() > m.Bounds().Dx(); tall != (orientation >= 5) {
					t.Errorf("size %v", m.Bounds().Size())
				}
				if at := darkQuarter(m); at != want {
					t.Errorf("seen whole, the dark quarter lies at %v; want %v", at, want)
				}
				if at := darkQuarter(portrait(m, 100, 100)); at != want {
					t.Errorf("reduced, the dark quarter lies at %v; want %v", at, want)
				}
			})
		}
	}
}

func darkQuarter(m image.Image) image.Point {
	s := m.Bounds().Size()
	for _, q := range []image.Point{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		if color.GrayModel.Convert(m.At(s.X/4+q.X*s.X/2, s.Y/4+q.Y*s.Y/2)).(color.Gray).Y < 128 {
			return q
		}
	}
	return image.Pt(-1, -1)
}

func TestExifThatIsBrokenIsPassedOver(t *testing.T) {
	file := withExif(jpegOf(t, portraitOf(500, 600), 95), binary.BigEndian, 6)
	for _, tt := range []struct {
		name  string
		patch func([]byte) []byte
	}{
		{"an orientation of 9", func(b []byte) []byte { b[31] = 9; return b }},
		{"a directory beyond its end", func(b []byte) []byte { b[16] = 0xFF; return b }},
		{"a directory longer than the data", func(b []byte) []byte { b[20], b[21], b[23] = 0xFF, 0xFF, 0; return b }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if o := exifOrientation(tt.patch(slices.Clone(file))); o != 1 {
				t.Errorf("orientation %d, want 1", o)
			}
		})
	}
	if o := exifOrientation(file); o != 6 {
		t.Errorf("the whole file: orientation %d, want 6", o)
	}
}

func TestPortraitCropsToShape(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   image.Rectangle
		want image.Rectangle
	}{
		{"35 × 45 loses a little height, most of it below", image.Rect(0, 0, 700, 900), image.Rect(0, 8, 700, 883)},
		{"a landscape loses its sides", image.Rect(0, 0, 1000, 500), image.Rect(300, 0, 700, 500)},
		{"the very shape loses nothing", image.Rect(0, 0, 480, 600), image.Rect(0, 0, 480, 600)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := crop(tt.in, PhotoWidth, PhotoHeight); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// All sources of pixels must give the same grey.
func TestPortraitReadsEveryKindOfPicture(t *testing.T) {
	w, h := 500, 625
	rgba, nrgba := portraitOf(w, h), image.NewNRGBA(image.Rect(0, 0, w, h))
	shifted := image.NewRGBA(image.Rect(-7, 30, w-7, h+30))
	for y := range h {
		for x := range w {
			nrgba.Set(x, y, rgba.At(x, y))
			shifted.Set(x-7, y+30, rgba.At(x, y))
		}
	}
	want := portrait(rgba, 120, 150)
	for name, m := range map[string]image.Image{"NRGBA": nrgba, "another origin": shifted} {
		t.Run(name, func(t *testing.T) {
			if d := difference(want, portrait(m, 120, 150)); d != 0 {
				t.Errorf("it differs by %d levels", d)
			}
		})
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 10, 10))
	if v := reduce(clear, 1).Pix[0]; v != 255 {
		t.Errorf("a transparent pixel is %d, want white", v)
	}
}

func FuzzDecodePhoto(f *testing.F) {
	small := jpegOf(f, portraitOf(480, 480), 40)
	f.Add(small)
	f.Add(withExif(small, binary.LittleEndian, 8))
	f.Add(small[:3000])
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := DecodePhoto(file)
		var e *PhotoError
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%T is not a *PhotoError: %v", err, err)
		}
		if err == nil {
			portrait(m, 24, 30)
		}
	})
}
