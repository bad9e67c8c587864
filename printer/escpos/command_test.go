package escpos

import (
	"bytes"
	"image"
	"image/color"
	"strings"
	"testing"
)

func TestBand(t *testing.T) {
	g := image.NewGray(image.Rect(10, 20, 20, 23)) // 10 by 3, not at the origin
	for i := range g.Pix {
		g.Pix[i] = 0xFF
	}
	g.SetGray(10, 20, color.Gray{})
	g.SetGray(19, 20, color.Gray{Y: threshold - 1})
	g.SetGray(11, 21, color.Gray{Y: threshold})
	g.SetGray(17, 22, color.Gray{})
	want := []byte{
		0x1D, 0x76, 0x30, 0x00, 3, 0, 3, 0,
		0x80, 0x40, 0,
		0, 0, 0,
		0x01, 0, 0,
	}
	if got := band(g, 0, 3, 3); !bytes.Equal(got, want) {
		t.Errorf("got % X, want % X", got, want)
	}
}

func TestBlack(t *testing.T) {
	rows := []struct {
		name string
		c    color.Color
		want bool
	}{
		{"black", color.Black, true},
		{"white", color.White, false},
		{"nothing at all is paper", color.Transparent, false},
		{"half black on paper", color.NRGBA{A: 0x80}, true},
		{"a breath of black on paper", color.NRGBA{A: 0x20}, false},
		{"red", color.NRGBA{R: 0xFF, A: 0xFF}, true},
		{"yellow", color.NRGBA{R: 0xFF, G: 0xFF, A: 0xFF}, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := black(row.c); got != row.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestGuard(t *testing.T) {
	rows := []struct{ name, in, want string }{
		{"nothing to do", "\x10\x00\x05\x04", "\x10\x00\x05\x04"},
		{"status", "a\x10\x04\x01", "a\x18\x04\x01"},
		{"clear", "\x10\x05\x02", "\x18\x05\x02"},
		{"drawer, power, buffers", "\x10\x14\x08", "\x18\x14\x08"},
		{"after one of its own", "\x10\x10\x04", "\x10\x18\x04"},
		{"at the very end", "\x05\x10", "\x05\x10"},
		{"empty", "", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := []byte(row.in)
			guard(p)
			if string(p) != row.want {
				t.Errorf("got % X, want % X", p, row.want)
			}
		})
	}
}

// TestNoRealTimeCommandInHeaders: nor do a header's own bytes make one.
func TestNoRealTimeCommandInHeaders(t *testing.T) {
	for dots := 8; dots <= 2048; dots += 8 {
		p := Printer{Dots: dots}
		for _, rows := range []int{1, 16, 20, bandRows, bandRows + 16} {
			j, err := p.encode(image.NewGray(image.Rect(0, 0, dots, rows)))
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range append(j.bands, j.ending()) {
				for i := range len(b) - 1 {
					if b[i] == 0x10 && (b[i+1] == 0x04 || b[i+1] == 0x05 || b[i+1] == 0x14) {
						t.Fatalf("%d dots, %d rows: % X", dots, rows, b[i:i+2])
					}
				}
			}
		}
	}
}

func TestSlipIsRefused(t *testing.T) {
	rows := []struct {
		name string
		dots int
		size image.Point
		says string
	}{
		{"empty", 0, image.Pt(0, 10), "nothing to print"},
		{"too wide", 0, image.Pt(577, 10), "577 dots wide and the printer prints 576: lay it out narrower"},
		{"too long", 0, image.Pt(8, RowsMax+1), "make it two"},
		{"no whole bytes", 100, image.Pt(8, 8), "dots is 100: give a multiple of 8"},
		{"negative", -8, image.Pt(8, 8), "dots is -8"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := Printer{Dots: row.dots}
			if _, err := p.encode(image.NewGray(image.Rectangle{Max: row.size})); err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v, want %q", err, row.says)
			}
		})
	}
}
