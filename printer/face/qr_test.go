package face

import (
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/printer/raster"
)

// readQR reads a version 1 QR code in numeric mode without error correction
// (ISO/IEC 18004:2015, 7 and 8): enough to see, by other code than the
// encoder's, which digits are printed.
func readQR(t *testing.T, m image.Image, area image.Rectangle) string {
	t.Helper()
	code := findQR(t, m, area)
	dark := func(x, y int) bool {
		at := image.Pt(code.Min.X+(2*x+1)*code.Dx()/42, code.Min.Y+(2*y+1)*code.Dy()/42)
		return isDark(m, at.X, at.Y)
	}
	mask := 0
	for _, x := range []int{2, 3, 4} { // format bits 12 to 10 hold the mask, xor 101 (8.9, annex C)
		mask <<= 1
		if dark(x, 8) {
			mask |= 1
		}
	}
	return numeric(t, dataBits(dark, mask^0b101))
}

// findQR is the rectangle of all dark pixels.
func findQR(t *testing.T, m image.Image, area image.Rectangle) image.Rectangle {
	t.Helper()
	var found image.Rectangle
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			if isDark(m, x, y) {
				found = found.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if found.Empty() || found.Dx() != found.Dy() || found.Dx()%21 != 0 {
		t.Fatalf("no QR code of 21 modules in %v: %v", area, found)
	}
	if margin := found.Dx() / 21 * quiet; !found.Inset(-margin).In(area) {
		t.Fatalf("less than %d white pixels round the QR code", margin)
	}
	return found
}

func isDark(m image.Image, x, y int) bool {
	return color.GrayModel.Convert(m.At(x, y)).(color.Gray).Y < 128
}

// dataBits walks the modules upwards and downwards in pairs of columns from
// the lower right, leaving out the function patterns (7.7.3).
func dataBits(dark func(x, y int) bool, mask int) []bool {
	masked := [8]func(i, j int) bool{ // 7.8.2, i row, j column
		func(i, j int) bool { return (i+j)%2 == 0 }, func(i, _ int) bool { return i%2 == 0 },
		func(_, j int) bool { return j%3 == 0 }, func(i, j int) bool { return (i+j)%3 == 0 },
		func(i, j int) bool { return (i/2+j/3)%2 == 0 }, func(i, j int) bool { return i*j%2+i*j%3 == 0 },
		func(i, j int) bool { return (i*j%2+i*j%3)%2 == 0 }, func(i, j int) bool { return ((i+j)%2+i*j%3)%2 == 0 },
	}[mask]
	var bits []bool
	up := true
	for right := 20; right > 0; right -= 2 {
		if right == 6 { // the timing column
			right--
		}
		for k := range 21 {
			y := k
			if up {
				y = 20 - k
			}
			for _, x := range []int{right, right - 1} {
				if finder := x < 9 && y < 9 || x > 12 && y < 9 || x < 9 && y > 12; finder || x == 6 || y == 6 {
					continue
				}
				bits = append(bits, dark(x, y) != masked(y, x))
			}
		}
		up = !up
	}
	return bits
}

// numeric reads mode 0001, a count of 10 bits, and groups of three digits in
// 10 bits (7.4.3).
func numeric(t *testing.T, bits []bool) string {
	t.Helper()
	take := func(n int) (v int) {
		for _, b := range bits[:n] {
			v <<= 1
			if b {
				v |= 1
			}
		}
		bits = bits[n:]
		return v
	}
	if mode := take(4); mode != 1 {
		t.Fatalf("mode %04b; want numeric", mode)
	}
	n := take(10)
	if n != 12 {
		t.Fatalf("%d digits, want 12", n)
	}
	var s []byte
	for range n / 3 {
		v := take(10)
		s = append(s, decimal[v/100], decimal[v/10%10], decimal[v%10])
	}
	return string(s)
}

func TestQRHoldsTheTwelveDigits(t *testing.T) {
	for _, number := range []string{"123456789018", "023456789013", "000000000000", "999999999999"} {
		for _, dpi := range []int{150, 300, 600} {
			d := sample()
			d.MyNumber = number
			l := DefaultLayout.At(dpi)
			back := mustRender(t, fontsOf(t), l, d).Back
			if got := readQR(t, back, l.rect(placeOf(t, l.back, "qr", ""))); got != number {
				t.Errorf("at %d dpi %s reads %s", dpi, number, got)
			}
		}
	}
}

// zbarimg, a reader that nobody here wrote, finds the number on the whole back and in
// what of it is printed in resin, on a 300 dpi printer's raster and on a 600 dpi one's.
func TestQRIsReadByZBar(t *testing.T) {
	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Skip("install the Debian package zbar-tools")
	}
	d := sample()
	for _, tt := range []struct {
		name          string
		dpi           int
		width, height int
	}{{"Evolis", 300, 1016, 648}, {"XID8600", 600, 2072, 1328}} {
		t.Run(tt.name, func(t *testing.T) {
			back := mustRender(t, fontsOf(t), DefaultLayout.At(tt.dpi), d).Back
			look, err := CardPNG(back)
			if err != nil {
				t.Fatal(err)
			}
			planes, err := raster.Separate(back).Fit(tt.width, tt.height, raster.Bleed)
			if err != nil {
				t.Fatal(err)
			}
			resin, err := ResinPNG(planes)
			if err != nil {
				t.Fatal(err)
			}
			for name, file := range map[string][]byte{"look": look, "resin": resin} {
				path := filepath.Join(t.TempDir(), name+".png")
				if err := os.WriteFile(path, file, 0o600); err != nil {
					t.Fatal(err)
				}
				out, err := exec.Command(zbar, "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", path).Output()
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if got := strings.TrimSpace(string(out)); got != d.MyNumber {
					t.Errorf("%s: it reads %q, want %s", name, got, d.MyNumber)
				}
			}
		})
	}
}
