package ipp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sheet is a page as a decoder sees it.
type sheet struct {
	header []byte
	pixels []byte
}

func (s sheet) number(offset int) int { return int(binary.BigEndian.Uint32(s.header[offset:])) }

// pixelsMax bounds what the decoder takes: a header can claim anything.
const pixelsMax = 1 << 20

// decodePWG reads a document by the words of PWG 5102.4-2012, 4, knowing nothing of the
// encoder.
func decodePWG(p []byte) ([]sheet, error) {
	if !bytes.HasPrefix(p, []byte("RaS2")) {
		return nil, errors.New("no synchronization word")
	}
	p = p[4:]
	var all []sheet
	for len(p) > 0 {
		if len(p) < 1796 {
			return nil, fmt.Errorf("a header of %d bytes", len(p))
		}
		s := sheet{header: p[:1796]}
		rest, err := s.read(p[1796:])
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		p = rest
	}
	return all, nil
}

func (s *sheet) read(p []byte) ([]byte, error) {
	height, line, unit := s.number(376), s.number(392), (s.number(388)+7)/8
	if unit < 1 || unit > 30 || line < 1 || line%unit != 0 || height < 0 || line > pixelsMax || height*line > pixelsMax {
		return nil, errors.New("lines that cannot be")
	}
	for len(s.pixels) < height*line {
		if len(p) == 0 {
			return nil, errors.New("lines are missing")
		}
		repeats := int(p[0]) + 1
		one, rest, err := unpack(p[1:], line, unit)
		if err != nil {
			return nil, err
		}
		if len(s.pixels)+repeats*line > height*line {
			return nil, errors.New("more lines than the page has")
		}
		s.pixels = append(s.pixels, bytes.Repeat(one, repeats)...)
		p = rest
	}
	return p, nil
}

// unpack reads one line.
func unpack(p []byte, size, unit int) (line, rest []byte, err error) {
	for len(line) < size {
		if len(p) == 0 {
			return nil, nil, errors.New("a line ends early")
		}
		code := int(p[0])
		p = p[1:]
		if code == 128 {
			return nil, nil, errors.New("code 128")
		}
		literal := unit
		if code > 128 {
			literal = (257 - code) * unit
		}
		if len(p) < literal {
			return nil, nil, errors.New("a run ends early")
		}
		run := p[:literal]
		p = p[literal:]
		if code < 128 {
			run = bytes.Repeat(run, code+1)
		}
		line = append(line, run...)
	}
	if len(line) != size {
		return nil, nil, errors.New("a line too long")
	}
	return line, p, nil
}

// sample is the image of the CUPS Raster Format description, figure 3.
func sample() *image.RGBA {
	const picture = `
		WYYYWWWW
		YBYWWWGW
		YYWWWGGG
		YYYWWWGW
		WYYYWWWW
		WWWWWWWW
		RRRRRRRR
		RRRRRRRR`
	colors := map[rune]color.RGBA{
		'W': {0xFF, 0xFF, 0xFF, 0xFF}, 'Y': {0xFF, 0xFF, 0, 0xFF}, 'B': {0, 0, 0xFF, 0xFF},
		'G': {0, 0xFF, 0, 0xFF}, 'R': {0xFF, 0, 0, 0xFF},
	}
	m := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for y, line := range strings.Fields(picture) {
		for x, c := range line {
			m.SetRGBA(x, y, colors[c])
		}
	}
	return m
}

// TestSampleImage compares with the octets that the description of the format prints for
// it (CUPS Raster Format, "Compressed Raster Data Format", which PWG 5102.4 took over).
func TestSampleImage(t *testing.T) {
	const want = `
		00 00FFFFFF 02FFFF00 03FFFFFF
		00 FEFFFF000000FFFFFF00 02FFFFFF 0000FF00 00FFFFFF
		00 01FFFF00 02FFFFFF 0200FF00
		00 02FFFF00 02FFFFFF 0000FF00 00FFFFFF
		00 00FFFFFF 02FFFF00 03FFFFFF
		00 07FFFFFF
		01 07FF0000`
	var b bytes.Buffer
	if err := (Raster{DPI: 300, Color: RGB}).Encode(&b, sample()); err != nil {
		t.Fatal(err)
	}
	got := strings.ToUpper(hex.EncodeToString(b.Bytes()[4+headerSize:]))
	// The printed octets leave a single color between others as a run of one; we write
	// the shorter of the two that are allowed, so the pictures are compared, and the
	// lines that leave no choice to the octet.
	sheets, err := decodePWG(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	printed, err := hex.DecodeString(strings.Join(strings.Fields(want), ""))
	if err != nil {
		t.Fatal(err)
	}
	theirs := sheet{header: sheets[0].header}
	if rest, err := theirs.read(printed); err != nil || len(rest) > 0 || !bytes.Equal(theirs.pixels, sheets[0].pixels) {
		t.Errorf("%v; got % X, want % X", err, sheets[0].pixels, theirs.pixels)
	}
	if !strings.HasSuffix(got, "0007FFFFFF0107FF0000") {
		t.Errorf("got %s", got)
	}
}

func TestHeader(t *testing.T) {
	var b bytes.Buffer
	r := Raster{DPI: 600, Color: Black, Media: "iso_a6_105x148mm"}
	page := image.NewGray(image.Rect(0, 0, 2481, 3))
	if err := r.Encode(&b, page, page); err != nil {
		t.Fatal(err)
	}
	sheets, err := decodePWG(b.Bytes())
	if err != nil || len(sheets) != 2 {
		t.Fatalf("%d pages, %v", len(sheets), err)
	}
	want := map[int]int{276: 600, 280: 600, 352: 298, 356: 0, 372: 2481, 376: 3, 384: 1, 388: 1, 392: 311, 396: 0, 400: 3, 420: 1, 452: 2, 456: 1, 460: 1}
	for _, s := range sheets {
		for offset := 256; offset < 1668; offset += 4 {
			if got := s.number(offset); got != want[offset] {
				t.Errorf("bytes %d: %d, want %d", offset, got, want[offset])
			}
		}
		if name := string(bytes.TrimRight(s.header[1732:], "\x00")); name != r.Media {
			t.Errorf("medium %q", name)
		}
		if s := string(bytes.TrimRight(s.header[:64], "\x00")); s != "PwgRaster" {
			t.Errorf("signature %q", s)
		}
		if s.pixels[0] != 0xFF || s.pixels[310] != 0x80 {
			t.Errorf("a black line is % X … % X", s.pixels[0], s.pixels[310])
		}
	}
}

func TestRasterIsRefused(t *testing.T) {
	page := image.NewGray(image.Rect(0, 0, 1, 1))
	rows := []struct {
		name  string
		r     Raster
		pages []image.Image
		says  string
	}{
		{"no page", Raster{DPI: 300}, nil, "there is no page"},
		{"no resolution", Raster{}, []image.Image{page}, "dpi is 0"},
		{"no such color", Raster{DPI: 300, Color: 9}, []image.Image{page}, "color is 9: give Gray, RGB or Black"},
		{"long name", Raster{DPI: 300, Media: strings.Repeat("x", 64)}, []image.Image{page}, "64 bytes"},
		{"empty page", Raster{DPI: 300}, []image.Image{page, image.NewGray(image.Rectangle{})}, "page 2 has 0 by 0 pixels"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if err := row.r.Encode(&bytes.Buffer{}, row.pages...); err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v, want %q", err, row.says)
			}
		})
	}
	if err := (Raster{DPI: 300}).Encode(failing{}, page); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

var errFull = errors.New("full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

// page is a picture with long runs, repeated lines and noise, for any size.
func page(width, height int, seed uint64) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(3, 5, 3+width, 5+height))
	rnd := rand.New(rand.NewPCG(seed, 0))
	for y := range height {
		for x := range width {
			c := color.NRGBA{R: 0xFF, G: 0xFF, B: 0xFF, A: 0xFF}
			switch {
			case y%7 == 0:
				c = color.NRGBA{R: byte(x / 40), G: byte(x / 3), B: byte(x), A: 0xFF}
			case y%5 == 0:
				c = color.NRGBA{R: byte(rnd.IntN(256)), G: byte(rnd.IntN(256)), B: byte(rnd.IntN(256)), A: byte(rnd.IntN(256))}
			case x > width/2:
				c = color.NRGBA{A: 0xFF}
			}
			m.SetNRGBA(3+x, 5+y, c)
		}
	}
	return m
}

// plain are a page's pixels without any compression.
func plain(r Raster, m image.Image) []byte {
	var all []byte
	line := make([]byte, lineBytes(m.Bounds().Dx(), r.Color))
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		r.line(line, m, y)
		all = append(all, line...)
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	for c := Gray; c <= Black; c++ {
		for _, size := range []image.Point{{1, 1}, {2, 1}, {7, 600}, {128, 3}, {129, 9}, {1000, 40}} {
			r := Raster{DPI: 300, Color: c}
			m := page(size.X, size.Y, uint64(c))
			var b bytes.Buffer
			if err := r.Encode(&b, m); err != nil {
				t.Fatal(err)
			}
			sheets, err := decodePWG(b.Bytes())
			if err != nil || len(sheets) != 1 || !bytes.Equal(sheets[0].pixels, plain(r, m)) {
				t.Errorf("color %d, %v: %v", c, size, err)
			}
		}
	}
}

// FuzzRoundTrip: whatever is on the page comes back, and it grows by little.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("aaabbbccccabc"), 4, 0)
	f.Add(bytes.Repeat([]byte{0}, 3000), 10, 2)
	f.Fuzz(func(t *testing.T, pix []byte, width, c int) {
		if width < 1 || width > 2000 || len(pix) < width || c < 0 || c > int(Black) {
			return
		}
		m := &image.Gray{Pix: pix, Stride: width, Rect: image.Rect(0, 0, width, len(pix)/width)}
		r := Raster{DPI: 300, Color: Color(c)}
		var b bytes.Buffer
		if err := r.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		want := plain(r, m)
		sheets, err := decodePWG(b.Bytes())
		if err != nil || len(sheets) != 1 || !bytes.Equal(sheets[0].pixels, want) {
			t.Errorf("%v", err)
		}
		// At worst pairs and single pixels take turns: four bytes for three of a byte each.
		if most := 4 + headerSize + len(want) + len(want)/3 + 3*m.Rect.Dy(); b.Len() > most {
			t.Errorf("%d bytes for %d", b.Len(), len(want))
		}
	})
}

// FuzzDecode: the decoder that judges does not fall over what it is to judge.
func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	if err := (Raster{DPI: 300, Color: RGB}).Encode(&b, sample()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("RaS2"))
	f.Fuzz(func(t *testing.T, p []byte) {
		sheets, err := decodePWG(p)
		for _, s := range sheets {
			if err == nil && len(s.pixels) != s.number(376)*s.number(392) {
				t.Errorf("%d pixels of %d lines", len(s.pixels), s.number(376))
			}
		}
	})
}

// readByLibcups has CUPS's own library read a raster and print what it found.
const readByLibcups = `
import ctypes, os, struct, sys
lib = ctypes.CDLL("libcups.so.2")
lib.cupsRasterOpen.restype = ctypes.c_void_p
lib.cupsRasterOpen.argtypes = [ctypes.c_int, ctypes.c_int]
lib.cupsRasterReadHeader2.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
lib.cupsRasterReadPixels.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint]
lib.cupsRasterReadPixels.restype = ctypes.c_uint
raster = lib.cupsRasterOpen(os.open(sys.argv[1], os.O_RDONLY), 0)
while True:
    header = ctypes.create_string_buffer(1796)
    if not lib.cupsRasterReadHeader2(raster, header):
        break
    word = lambda at: struct.unpack_from("=I", header.raw, at)[0]
    size = word(376) * word(392)
    pixels = ctypes.create_string_buffer(size)
    got = lib.cupsRasterReadPixels(raster, pixels, size)
    print(header.raw[:9].decode(), word(276), word(372), word(376), word(388), word(400), got, pixels.raw[:got].hex())
`

// TestLibcupsReads: the library that most printers' makers build on sees the same page.
func TestLibcupsReads(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is missing: apt-get install python3")
	}
	if err := exec.CommandContext(t.Context(), python, "-c", `import ctypes; ctypes.CDLL("libcups.so.2")`).Run(); err != nil {
		t.Skip("libcups.so.2 is missing: apt-get install cups-client")
	}
	for c, space := range map[Color]int{Gray: 18, RGB: 19, Black: 3} {
		r := Raster{DPI: 300, Color: c}
		m := page(300, 60, 1)
		path := filepath.Join(t.TempDir(), "page.pwg")
		var b bytes.Buffer
		if err := r.Encode(&b, m, m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), python, "-c", readByLibcups, path).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		want := plain(r, m)
		line := fmt.Sprintf("PwgRaster 300 300 60 %d %d %d %x\n", layouts[c].bitsPixel, space, len(want), want)
		if string(out) != line+line {
			t.Errorf("color %d: libcups reads %.80s…, want %.80s…", c, out, line)
		}
	}
}
