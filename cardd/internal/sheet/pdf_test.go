package sheet

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// chequered is an image whose corner is not at 0, with grey values that tell places apart.
func chequered(kind string) image.Image {
	r := image.Rect(3, 5, 3+30, 5+20)
	set := func(img interface{ Set(x, y int, c color.Color) }) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				img.Set(x, y, color.Gray{byte(8*(x-r.Min.X) + y - r.Min.Y)})
			}
		}
	}
	if kind == "gray" {
		img := image.NewGray(r)
		set(img)
		return img
	}
	img := image.NewRGBA(r)
	set(img)
	return img
}

// TestPDF reads the document back: each object is where the table says, lengths are
// right, and the pixels are the image's.
func TestPDF(t *testing.T) {
	for _, kind := range []string{"gray", "colour"} {
		t.Run(kind, func(t *testing.T) {
			doc, err := PDF([]image.Image{chequered(kind), chequered(kind)}, 144)
			if err != nil {
				t.Fatal(err)
			}
			text := string(doc)
			if !strings.HasPrefix(text, "%PDF-1.4\n") || !strings.Contains(text, "/Kids [ 3 0 R 6 0 R ] /Count 2") || !strings.HasSuffix(text, "%%EOF\n") || !strings.Contains(text, "/MediaBox [0 0 15.00 10.00]") {
				t.Errorf("%q", text[:200])
			}
			start, err := strconv.Atoi(strings.Fields(text[strings.LastIndex(text, "startxref"):])[1])
			if err != nil || !strings.HasPrefix(text[start:], "xref\n0 9\n") {
				t.Fatalf("the table is not at %d: %v", start, err)
			}
			for i, line := range strings.Split(text[start:], "\n")[3:11] {
				at, err := strconv.Atoi(line[:10])
				if err != nil || len(line) != 19 || !strings.HasPrefix(text[at:], fmt.Sprintf("%d 0 obj\n", i+1)) {
					t.Errorf("object %d is not at %q", i+1, line)
				}
			}
			head, rest, _ := strings.Cut(text[strings.LastIndex(text[:start], "/Subtype /Image"):], "stream\n")
			length, err := strconv.Atoi(strings.Fields(head[strings.Index(head, "/Length"):])[1])
			if err != nil || !strings.HasPrefix(rest[length:], "\nendstream") {
				t.Fatalf("length %d: %v", length, err)
			}
			z, err := zlib.NewReader(strings.NewReader(rest[:length]))
			if err != nil {
				t.Fatal(err)
			}
			pixels, err := io.ReadAll(z)
			if err != nil || len(pixels) != 30*20 || pixels[0] != 0 || pixels[29] != 8*29 || pixels[30*19+1] != 8+19 {
				t.Errorf("%d pixels: %v", len(pixels), err)
			}
		})
	}
	if _, err := PDF([]image.Image{image.NewGray(image.Rectangle{})}, 300); err == nil {
		t.Error("a page of nothing")
	}
	if _, err := PDF([]image.Image{chequered("gray")}, 0); err == nil {
		t.Error("no dots to the inch")
	}
	if _, err := PDF(nil, 300); err == nil {
		t.Error("a document of no page")
	}
}

// TestPDFIsReadByOthers: poppler finds the pages, of the size and with the dots it should.
func TestPDFIsReadByOthers(t *testing.T) {
	reader, err := exec.LookPath("pdftoppm")
	if err != nil {
		t.Skip("pdftoppm is absent; install the Debian package poppler-utils")
	}
	doc, err := PDF([]image.Image{chequered("gray"), chequered("colour")}, 72)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.pdf")
	if err := os.WriteFile(path, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(reader, "-r", "72", "-gray", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []byte("P5\n30 20\n255\n")
	if !bytes.HasPrefix(out, want) || len(out) != 2*(len(want)+30*20) {
		t.Fatalf("%d bytes: %q", len(out), out[:min(20, len(out))])
	}
	for i, got := range out[len(want):][:30*20] { // it may blend a dot with its neighbours, 9 away at most
		if right := 8*(i%30) + i/30; int(got) < right-12 || int(got) > right+12 {
			t.Fatalf("dot %d is %d, want %d", i, got, right)
		}
	}
}
