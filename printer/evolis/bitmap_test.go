package evolis

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"jukicard/printer/raster"
)

// The decoder of these tests is written from the fact sheet and the guide alone: it
// shares nothing with the encoder but the order's text.

// decodeJob reads frames and gives the bitmaps of a stream of orders, by the side's
// order and the panel, each dot its level.
func decodeJob(t *testing.T, job []byte) map[string][]int {
	t.Helper()
	out, side := map[string][]int{}, ""
	for len(job) > 0 {
		if job[0] == 0 { // padding
			job = job[1:]
			continue
		}
		if job[0] != 0x1b {
			t.Fatalf("%#x where ESC belongs", job[0])
		}
		end := bytes.IndexByte(job, '\r')
		text := string(job[1:end])
		f := strings.SplitN(text, ";", 5)
		switch f[0] {
		case "Sr", "Sv":
			side = f[0]
		case "Db":
			bits := map[string]int{"2": 1, "32": 5, "64": 6, "128": 7}[f[2]]
			begin := len("\x1bDb;x;;") + len(f[2])
			end = begin + map[int]int{1: 82_296, 5: 411_480, 6: 493_776, 7: 576_072}[bits]
			out[side+f[1]] = wholeBits(job[begin:end], bits)
		case "Dbc":
			n, err := strconv.Atoi(f[3])
			if err != nil {
				t.Fatal(err)
			}
			begin := len("\x1bDbc;x;;;") + len(f[2]) + len(f[3])
			end = begin + n
			out[side+f[1]] = decodeCoded(t, f[2], job[begin:end])
		}
		if job[end] != '\r' {
			t.Fatalf("%s does not end with CR", f[0])
		}
		job = job[end+1:]
	}
	return out
}

// wholeBits cuts a stream of bits into numbers, the highest bit first.
func wholeBits(b []byte, bits int) []int {
	var out []int
	for at := 0; at < len(b)*8; at += bits {
		v := 0
		for i := range bits {
			v = v*2 + int(b[(at+i)/8]>>(7-(at+i)%8)&1)
		}
		out = append(out, v)
	}
	return out
}

func decodeCoded(t *testing.T, levels string, b []byte) []int {
	t.Helper()
	var out []int
	if levels == "2" {
		for len(b) > 0 {
			line := make([]byte, 81)
			switch n := int(b[0]); {
			case n == 0xFF:
				copy(line, bytes.Repeat([]byte{0xFF}, 81))
				b = b[1:]
			case n > 81:
				t.Fatalf("a line of %d bytes", n)
			default:
				copy(line, b[1:1+n])
				b = b[1+n:]
			}
			out = append(out, wholeBits(line, 1)...)
		}
		return out
	}
	top := map[string]int{"32": 31, "64": 63, "128": 127}[levels]
	for len(b) > 0 {
		if b[0]&0x80 == 0 {
			out, b = append(out, int(b[0])), b[1:]
			continue
		}
		v, n := int(b[0]&0x7F), int(b[1])
		if n == 0 {
			if len(out)%648 != 0 {
				t.Fatal("a white line begins in the middle of one")
			}
			n, v = 648, 0
		} else {
			n += 256 * ((v >> 6 & 1 &^ (top >> 6)) + (v >> 5 & 1 &^ (top >> 5)))
			v &= top
		}
		for range n {
			out = append(out, v)
		}
		b = b[2:]
	}
	return out
}

// pictures are bitmaps of every kind of line.
func pictures(l Levels) map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	full := byte(l - 1)
	all := map[string][]byte{"white": make([]byte, pixels*lines), "full": bytes.Repeat([]byte{full}, pixels*lines)}
	noise, text, runs := make([]byte, pixels*lines), make([]byte, pixels*lines), make([]byte, pixels*lines)
	for i := range noise {
		noise[i] = byte(r.IntN(int(l)))
	}
	for line := 50; line < 900; line += 7 {
		text[line*pixels+line%pixels] = full
		text[line*pixels+pixels-1] = full
	}
	// Runs of each length that a counter has an edge at.
	at := 0
	for _, n := range []int{1, 2, 254, 255, 256, 257, 510, 511, 512, 513, 648} {
		for i := range n {
			runs[at*pixels+i] = full
		}
		runs[(at+1)*pixels+pixels-1] = 1
		at += 2
	}
	all["noise"], all["text"], all["runs"] = noise, text, runs
	return all
}

func TestBitmapsDecode(t *testing.T) {
	for _, l := range []Levels{Levels2, Levels32, Levels64, Levels128} {
		for name, dots := range pictures(l) {
			for _, plain := range []bool{true, false} {
				t.Run(fmt.Sprintf("%d %s plain %t", l, name, plain), func(t *testing.T) {
					which := byte('y')
					if l == Levels2 {
						which = 'k'
					}
					o, data := bitmap{l, dots}.download(which, plain)
					got := decodeJob(t, append([]byte("\x1bSr\r"), o.frame(data)...))["Sr"+string(which)]
					if len(got) != len(dots) {
						t.Fatalf("%d dots, want %d", len(got), len(dots))
					}
					for i := range dots {
						if got[i] != int(dots[i]) {
							t.Fatalf("dot %d of line %d is %d, want %d", i%pixels, i/pixels, got[i], dots[i])
						}
					}
				})
			}
		}
	}
}

func TestSizesOfTheGuide(t *testing.T) {
	for l, want := range map[Levels]int{Levels2: 82_296, Levels32: 411_480, Levels64: 493_776, Levels128: 576_072, 3: 0} {
		if got := l.Size(); got != want {
			t.Errorf("%d levels take %d bytes, want %d", l, got, want)
		}
	}
}

// A plane that does not shrink goes as it is; one that does is much shorter.
func TestTheShorterFormIsSent(t *testing.T) {
	for name, row := range map[string]struct {
		l    Levels
		want string
	}{"noise": {Levels128, "Db;y;128"}, "white": {Levels128, "Dbc;y;128;2032"}, "full": {Levels2, "Dbc;y;2;1016"}} {
		o, _ := bitmap{row.l, pictures(row.l)[name]}.download('y', false)
		if string(o) != row.want {
			t.Errorf("%s goes as %s, want %s", name, o, row.want)
		}
	}
}

// Column n of the landscape is line n, from below: portrait(x, line) = landscape(line, 647-x).
func TestTheCardLiesUpright(t *testing.T) {
	p := raster.Planes{Width: lines, Height: pixels, K: make([]byte, pixels*lines)}
	p.Y, p.M, p.C = make([]byte, pixels*lines), make([]byte, pixels*lines), make([]byte, pixels*lines)
	for y := range pixels {
		for x := range lines {
			p.K[y*lines+x] = byte(x*7 + y*13)
		}
	}
	got := upright(p)
	for line := range lines {
		for x := range pixels {
			if want := p.K[(647-x)*lines+line]; got.K[line*pixels+x] != want {
				t.Fatalf("dot %d of line %d is %d, want %d", x, line, got.K[line*pixels+x], want)
			}
		}
	}
}

// The maker's Windows driver sent this for a card in resin: eight captures have the same
// orders. It always codes 81 bytes a line, which the printer must take from us too.
func TestTheCapturedJobIsTheSameLanguage(t *testing.T) {
	var dots, coded []byte
	for line := range lines {
		coded = append(coded, 81)
		for i := range lineBytes {
			b := byte(line*31 + i*17)
			coded = append(coded, b)
			for bit := 7; bit >= 0; bit-- {
				dots = append(dots, b>>bit&1)
			}
		}
	}
	captured := "\x1bPr;k\r\x1bPmi;F;s\r\x1bPc;k;=;10\r\x1bPdt;DU\r\x1bMr;s\r\x1bPpws;1281732635\r\x1bSs\r\x1bSr\r" +
		"\x1bDbc;k;2;" + strconv.Itoa(len(coded)) + ";" + string(coded) + "\r\x1bSe;1\r" + strings.Repeat("\x00", 64)
	var ours []byte
	for _, o := range []order{"Pr;k", "Pmi;F;s", "Pc;k;=;10", "Pdt;DU", "Mr;s", "Ppws;1281732635", "Ss", "Sr"} {
		ours = append(ours, o.frame(nil)...)
	}
	ours = append(ours, order("Dbc;k;2;"+strconv.Itoa(len(coded))).frame(coded)...)
	ours = append(append(ours, order("Se;1").frame(nil)...), make([]byte, 64)...)
	if string(ours) != captured {
		t.Error("the frames differ from the captured ones")
	}
	got, m := decodeJob(t, []byte(captured))["Srk"], bitmap{Levels2, dots}
	for i, b := range dots {
		if got[i] != int(b) {
			t.Fatalf("dot %d of line %d", i%pixels, i/pixels)
		}
	}
	if packed := m.pack(); !bytes.Equal(packed[:81], coded[1:82]) {
		t.Error("a line of the capture and ours differ")
	}
}

func TestResinKeepsDarkColours(t *testing.T) {
	p := raster.Planes{Width: 4, Height: 1, K: []byte{255, 0, 0, 0}, Y: []byte{0, 255, 0, 255}, M: []byte{0, 255, 0, 0}, C: []byte{0, 0, 0, 0}}
	if got := resin(p); !bytes.Equal(got, []byte{255, 255, 0, 0}) {
		t.Errorf("black, red, white, yellow become %v", got)
	}
}

// FuzzColours: whatever the dots are, what is sent decodes to them.
func FuzzColours(f *testing.F) {
	f.Add([]byte{1, 2, 2, 2, 0, 0, 0, 0, 200}, uint8(0))
	f.Add(bytes.Repeat([]byte{9}, 300), uint8(1))
	f.Fuzz(func(t *testing.T, seed []byte, which uint8) {
		l := []Levels{Levels32, Levels64, Levels128}[which%3]
		line := make([]byte, pixels)
		for i := range line {
			if len(seed) > 0 {
				line[i] = seed[(i/max(int(seed[0]), 1))%len(seed)] % byte(l)
			}
		}
		got := decodeCoded(t, strconv.Itoa(int(l)), l.appendColours(nil, line))
		if len(got) != pixels {
			t.Fatalf("%d dots", len(got))
		}
		for i, v := range got {
			if v != int(line[i]) {
				t.Fatalf("dot %d is %d, want %d", i, v, line[i])
			}
		}
	})
}
