package facecheck

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jukicard/cardd/internal/order"
	"jukicard/printer/face"
	"jukicard/printer/raster"
	"jukicard/simulator/people"
)

var update = flag.Bool("update", false, "rewrite testdata; look at the pictures before committing them")

// drawn is a person's card as a 300 dpi printer gets it.
type drawn struct {
	front, back   image.Image
	frontK, backK []byte
}

func drawPerson(t *testing.T, fonts *face.Fonts, name string) drawn {
	t.Helper()
	p, err := people.Get(name, today)
	if err != nil {
		t.Fatal(err)
	}
	photo := func(string) ([]byte, error) { return bytes.Clone(p.Photo), nil }
	o, err := order.Parse(p.Order, photo, Checks(fonts))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Destroy()
	data, err := Data(o)
	if err != nil {
		t.Fatal(err)
	}
	data.CardID = "0123456789ABCDEF"
	f, err := fonts.Render(face.DefaultLayout, data)
	if err != nil {
		t.Fatal(err)
	}
	return drawn{raster.Look(f.Front), raster.Look(f.Back), raster.Separate(f.Front).K, raster.Separate(f.Back).K}
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// Everybody's card, both sides and what of them is black resin, pinned by hash at full
// size and as a small picture to look at. They hold for the font package
// fonts-ipamj-mincho 005.01, and were looked at when they were written.
func TestEverybodysFaceIsAsBefore(t *testing.T) {
	checks(t) // skips without the font
	fonts, err := face.LoadFonts()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range people.Names() {
		d := drawPerson(t, fonts, name)
		got[name+"/front"], got[name+"/back"] = sum(d.front.(*image.RGBA).Pix), sum(d.back.(*image.RGBA).Pix)
		got[name+"/front-k"], got[name+"/back-k"] = sum(d.frontK), sum(d.backK)
		checkSmall(t, filepath.Join("testdata", name+".png"), d.small())
	}
	const file = "testdata/faces.txt"
	if *update {
		var s strings.Builder
		for _, name := range slices.Sorted(maps.Keys(got)) {
			fmt.Fprintln(&s, name, got[name])
		}
		write(t, file, []byte(s.String()))
	}
	want := readHashes(t, file)
	if len(want) != len(got) {
		t.Errorf("%d hashes for %d pictures", len(want), len(got))
	}
	for name, h := range got {
		if want[name] != h {
			t.Errorf("%s has changed: look at it, then run go test -update", name)
		}
	}
}

func readHashes(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // read only
	all := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		name, hash, _ := strings.Cut(s.Text(), " ")
		all[name] = hash
	}
	return all
}

// small shows the four pictures at a third of their size, in 16 greys.
func (d drawn) small() *image.Paletted {
	const part = 3
	w, h := d.front.Bounds().Dx(), d.front.Bounds().Dy()
	sheet := image.NewGray(image.Rect(0, 0, 2*w, 2*h))
	draw.Draw(sheet, image.Rect(0, 0, w, h), d.front, image.Point{}, draw.Src)
	draw.Draw(sheet, image.Rect(w, 0, 2*w, h), d.back, image.Point{}, draw.Src)
	for i := range d.frontK {
		sheet.Pix[(h+i/w)*sheet.Stride+i%w] = 255 - d.frontK[i]
		sheet.Pix[(h+i/w)*sheet.Stride+w+i%w] = 255 - d.backK[i]
	}
	var greys color.Palette
	for v := range 16 {
		greys = append(greys, color.Gray{byte(v * 17)})
	}
	out := image.NewPaletted(image.Rect(0, 0, 2*w/part, 2*h/part), greys)
	for i := range out.Pix {
		x, y, total := i%out.Stride*part, i/out.Stride*part, 0
		for k := range part * part {
			total += int(sheet.Pix[(y+k/part)*sheet.Stride+x+k%part])
		}
		out.Pix[i] = byte((total/part/part + 8) / 17)
	}
	return out
}

// checkSmall compares the small picture, so that what is looked at is what is pinned.
func checkSmall(t *testing.T, path string, m *image.Paletted) {
	t.Helper()
	if *update {
		var b bytes.Buffer
		enc := png.Encoder{CompressionLevel: png.BestCompression}
		if err := enc.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		write(t, path, b.Bytes())
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	was, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := was.(*image.Paletted); !ok || !bytes.Equal(p.Pix, m.Pix) {
		t.Errorf("%s shows another face", path)
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
