//go:build cgo

package face

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const withOpenJPEG = true

func mustJP2(t testing.TB, m image.Image, most int) []byte {
	t.Helper()
	file, err := EncodeJP2(m, most)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestJP2RoundTrip(t *testing.T) {
	for _, tt := range []struct {
		name  string
		m     *image.Gray
		most  int
		apart int // mean difference at most
	}{
		{"the chip's photograph", portrait(portraitOf(900, 1157), PhotoWidth, PhotoHeight), PhotoBytes, 2},
		{"one pixel", noise(1, 1), 1000, 2},
		{"one row", noise(300, 1), 4000, 2},
		{"odd sides", noise(17, 31), 4000, 2},
		{"a large one", portrait(portraitOf(900, 1157), 480, 600), 20_000, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := mustJP2(t, tt.m, tt.most)
			if len(file) > tt.most {
				t.Errorf("%d bytes, at most %d were allowed", len(file), tt.most)
			}
			back, err := DecodeJP2(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := difference(tt.m, back); d > tt.apart {
				t.Errorf("read back, it differs by %d levels", d)
			}
		})
	}
}

// OpenJPEG's own program reads the file and sees the same picture.
func TestJP2JudgedByOpjDecompress(t *testing.T) {
	program, err := exec.LookPath("opj_decompress")
	if err != nil {
		t.Skip("opj_decompress is absent; install the package libopenjp2-tools")
	}
	in, out := filepath.Join(t.TempDir(), "photo.jp2"), filepath.Join(t.TempDir(), "photo.png")
	file := mustChip(t, sample()).Photo
	if err := os.WriteFile(in, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command(program, "-i", in, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	theirs, ok := m.(*image.Gray)
	if !ok || theirs.Rect.Size() != image.Pt(PhotoWidth, PhotoHeight) {
		t.Fatalf("it decodes to a %T of %v", m, m.Bounds())
	}
	ours, err := DecodeJP2(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours.Pix, theirs.Pix) {
		t.Error("opj_decompress sees other pixels")
	}
}

func TestEveryTruncatedJP2IsRefused(t *testing.T) {
	file := mustJP2(t, portrait(portraitOf(900, 1157), PhotoWidth, PhotoHeight), 2000)
	for n := range file {
		if _, err := DecodeJP2(file[:n]); err == nil {
			t.Fatalf("%d of %d bytes were taken for a whole file", n, len(file))
		}
	}
}

// A codestream box shortened with its length mended, and its end marker put
// back, still is not whole.
func TestJP2CutInsideIsRefused(t *testing.T) {
	file := mustJP2(t, portrait(portraitOf(900, 1157), PhotoWidth, PhotoHeight), PhotoBytes)
	at := bytes.Index(file, []byte("jp2c")) - 4
	cut := slices.Clone(file[:len(file)-2000])
	binary.BigEndian.PutUint32(cut[at:], uint32(len(cut)-at))
	copy(cut[len(cut)-2:], []byte{0xFF, 0xD9})
	if _, err := DecodeJP2(cut); err == nil {
		t.Error("a codestream of which 2000 bytes are gone was taken")
	}
}

func TestDecodeJP2Refuses(t *testing.T) {
	file := mustJP2(t, noise(40, 30), 4000)
	ihdrAt, sizAt := bytes.Index(file, []byte("ihdr"))+4, bytes.Index(file, []byte{0xFF, 0x51})
	patch := func(at int, with ...byte) []byte {
		out := slices.Clone(file)
		copy(out[at:], with)
		return out
	}
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "JP2"},
		{"a PNG", pngOf(t, noise(9, 9)), "box"},
		{"a bare codestream", file[bytes.Index(file, []byte("jp2c"))+4:], "box"},
		{"another brand", patch(20, []byte("jpx ")...), "JP2"},
		{"a huge picture", patch(ihdrAt, 0x7F, 0xFF, 0xFF, 0xFF), "pixels"},
		{"no rows", patch(ihdrAt, 0, 0, 0, 0), "pixels"},
		{"three components", patch(ihdrAt+8, 0, 3), "JP2"},
		{"16 bits", patch(ihdrAt+10, 15), "JP2"},
		{"a codestream of another size", patch(sizAt+6, 0, 0, 9), "size"},
		{"a codestream of many tiles", patch(sizAt+22, 0, 0, 0, 1), "tile"},
		{"a codestream of signed pixels", patch(sizAt+40, 0x87), "JP2"},
		{"damage in the main header", patch(sizAt+43, 0xFF, 0xFF), "OpenJPEG"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := DecodeJP2(tt.file)
			if err == nil || !strings.HasPrefix(err.Error(), "cannot decode the JPEG 2000 photograph: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v; want %q in it", err, tt.want)
			}
		})
	}
}

func TestEncodeJP2Refuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		m    image.Image
		most int
	}{
		{"no pixels", image.NewGray(image.Rectangle{}), 1000},
		{"too many", image.NewGray(image.Rect(0, 0, jp2SideMost+1, 1)), 1000},
		{"fewer bytes than the header", noise(200, 200), 100},
		{"no bytes at all", noise(200, 200), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if file, err := EncodeJP2(tt.m, tt.most); err == nil {
				t.Errorf("%d bytes were written", len(file))
			}
		})
	}
}

func TestPhotoThatCompressionDestroysIsRefused(t *testing.T) {
	if _, err := chipPhoto(noise(PhotoWidth, PhotoHeight)); err == nil || !strings.Contains(err.Error(), "differs") {
		t.Errorf("error = %v; noise at this rate is not what was given", err)
	}
}

func FuzzDecodeJP2(f *testing.F) {
	f.Add(mustJP2(f, noise(40, 30), 4000))
	f.Add(mustJP2(f, portrait(portraitOf(480, 480), 48, 60), 1000))
	f.Add(mustJP2(f, noise(1, 1), 1000))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := DecodeJP2(file)
		if err == nil && (m.Rect.Empty() || m.Rect.Dx() > jp2SideMost || m.Rect.Dy() > jp2SideMost) {
			t.Fatalf("a picture of %v", m.Rect)
		}
	})
}
