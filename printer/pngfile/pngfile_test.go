package pngfile

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"jukicard/printer"
)

func face() printer.Face {
	side := image.NewGray(image.Rect(0, 0, 8, 4))
	return printer.Face{Front: side, Back: side, DPI: 300}
}

func TestPrintMovesTheCounterAndKeepsBothSides(t *testing.T) {
	dir := t.TempDir()
	for want := uint64(1); want <= 2; want++ {
		p, err := Open(dir) // a printer opened again goes on counting
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Print(t.Context(), face(), nil); err != nil {
			t.Fatal(err)
		}
		st, err := p.Status(t.Context())
		if err != nil || st.CardsPrinted != want {
			t.Fatalf("counter is %d, %v; want %d", st.CardsPrinted, err, want)
		}
		for _, path := range []string{p.Front(want), p.Back(want)} {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			img, err := png.Decode(f)
			if err != nil || img.Bounds().Dx() != 8 {
				t.Errorf("%s: %v", path, err)
			}
			_ = f.Close()
			if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v: a face is personal data", path, info.Mode())
			}
		}
	}
}

func TestAFailedPrintLeavesTheCounter(t *testing.T) {
	p, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Print(t.Context(), printer.Face{Front: face().Front}, nil); err == nil {
		t.Error("a face without a back was printed")
	}
	if st, _ := p.Status(t.Context()); st.CardsPrinted != 0 {
		t.Errorf("the counter moved to %d", st.CardsPrinted)
	}
}

func TestADamagedCounterIsNotGuessed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "counter"), []byte("many\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Status(t.Context()); err == nil {
		t.Error("a damaged counter was read")
	}
	if err := p.Print(t.Context(), face(), nil); err == nil {
		t.Error("a face was printed without knowing the counter")
	}
}
