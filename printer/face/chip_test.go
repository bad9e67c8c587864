package face

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"
)

// ihdr reads a PNG's header by hand (PNG third edition, 11.2.1).
func ihdr(t *testing.T, file []byte) (w, h int, depth, colour byte) {
	t.Helper()
	if len(file) < 33 || string(file[:8]) != "\x89PNG\r\n\x1a\n" || string(file[12:16]) != "IHDR" {
		t.Fatal("not a PNG file")
	}
	return int(binary.BigEndian.Uint32(file[16:])), int(binary.BigEndian.Uint32(file[20:])), file[24], file[25]
}

func mustChip(t *testing.T, d Data) ChipImages {
	t.Helper()
	if !withOpenJPEG {
		d.Photo = nil
	}
	c, err := fontsOf(t).ChipImages(d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChipPNGsAreOneBit(t *testing.T) {
	c := mustChip(t, sample())
	for _, tt := range []struct {
		name string
		file []byte
		w, h int
	}{
		{"name", c.Name, NameWidth, NameHeight},
		{"address", c.Address, AddressWidth, AddressHeight},
		{"my number", c.MyNumber, 72, 12},
		{"security code", c.SecurityCode, 24, 12},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, h, depth, _ := ihdr(t, tt.file)
			if w != tt.w || h != tt.h || depth != 1 {
				t.Errorf("%d × %d, depth %d; want %d × %d, depth 1", w, h, depth, tt.w, tt.h)
			}
			if n := inkOf(t, tt.file); n < 20 {
				t.Errorf("%d black pixels: it is empty", n)
			}
		})
	}
}

func inkOf(t *testing.T, file []byte) int {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			if r, _, _, _ := m.At(x, y).RGBA(); r == 0 {
				n++
			}
		}
	}
	return n
}

// All of what may stand on the chip together leaves room for the rest of EF
// 0002, whose offsets are 16 bits wide.
func TestChipImagesAreSmall(t *testing.T) {
	d := sample()
	d.Name = strings.Repeat("邉\U000E0110邊\U000E0108", 11)
	d.Address = strings.Repeat("鬱鷹龍", 36)
	c := mustChip(t, d)
	if n := len(c.Name) + len(c.Address) + len(c.Photo) + len(c.SecurityCode); n > 20_000 {
		t.Errorf("the densest texts and the photograph take %d bytes", n)
	}
	if len(c.Photo) > PhotoBytes {
		t.Errorf("the photograph takes %d bytes, more than %d", len(c.Photo), PhotoBytes)
	}
}

func TestInfantHasNoChipPhoto(t *testing.T) {
	d := sample()
	d.Photo = nil
	if c := mustChip(t, d); c.Photo != nil {
		t.Errorf("%d bytes of photograph without one", len(c.Photo))
	}
}

func TestChipImagesAreTheSameTwice(t *testing.T) {
	a, b := mustChip(t, sample()), mustChip(t, sample())
	for _, p := range [][2][]byte{{a.Name, b.Name}, {a.Address, b.Address}, {a.MyNumber, b.MyNumber}, {a.SecurityCode, b.SecurityCode}, {a.Photo, b.Photo}} {
		if !bytes.Equal(p[0], p[1]) {
			t.Error("the same data gave other bytes")
		}
	}
}

func TestSelectorReachesTheChip(t *testing.T) {
	plain, chosen := sample(), sample()
	plain.Name, chosen.Name = "葛　太郎", "葛\U000E0102　太郎"
	if bytes.Equal(mustChip(t, plain).Name, mustChip(t, chosen).Name) {
		t.Error("葛 with U+E0102 gives the image of 葛")
	}
}

func TestChipImagesRefuse(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Data)
		want   any
	}{
		{"an unknown selector in the name", func(d *Data) { d.Name = "祇\U000E0100" }, new(*GlyphError)},
		{"a control in the address", func(d *Data) { d.Address = "見本\x07" }, new(*GlyphError)},
		{"a name with no room", func(d *Data) { d.Name = strings.Repeat("山", 45) }, new(*OverflowError)},
		{"an address with no room", func(d *Data) { d.Address = strings.Repeat("山", 113) }, new(*OverflowError)},
		{"no name", func(d *Data) { d.Name = "" }, new(*DataError)},
		{"a name of spaces", func(d *Data) { d.Name = "　 " }, new(*DataError)},
		{"a number of 11 digits", func(d *Data) { d.MyNumber = d.MyNumber[1:] }, new(*DataError)},
		{"a number in full width", func(d *Data) { d.MyNumber = "１２３４" }, new(*DataError)},
		{"a letter in the security code", func(d *Data) { d.SecurityCode = "12A4" }, new(*DataError)},
		{"a card id in lower case", func(d *Data) { d.CardID = "0123456789abcdef" }, new(*DataError)},
		{"a photograph without pixels", func(d *Data) { d.Photo = image.NewGray(image.Rectangle{}) }, new(*DataError)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := sample()
			tt.change(&d)
			c, err := fontsOf(t).ChipImages(d)
			if !errors.As(err, tt.want) {
				t.Fatalf("error = %v, want a %T", err, tt.want)
			}
			if c.Name != nil || c.Address != nil {
				t.Error("images came along with the error")
			}
			checkQuiet(t, d, err.Error())
		})
	}
}

// checkQuiet wants none of a person's data in a text.
func checkQuiet(t *testing.T, d Data, s string) {
	t.Helper()
	for _, v := range []string{d.Name, d.Address, d.MyNumber, d.SecurityCode, d.CardID, d.BirthText} {
		if v = strings.TrimSpace(v); v != "" && strings.Contains(s, v) {
			t.Errorf("%q shows personal data", s)
		}
	}
}

// Every digit has its own shape, and a number is its digits side by side.
func TestDigits(t *testing.T) {
	seen := map[string]int{}
	for n := range 10 {
		s := digits(fmt.Sprint(n)).text()
		if other, ok := seen[s]; ok {
			t.Errorf("%d looks like %d", n, other)
		}
		seen[s] = n
	}
	all := digits("0123456789")
	for n := range 10 {
		one := digits(fmt.Sprint(n))
		for y := range digitHeight {
			for x := range digitWidth {
				if all.at(n*digitWidth+x, y) != one.at(x, y) {
					t.Fatalf("digit %d is drawn otherwise inside a number", n)
				}
			}
		}
	}
}
