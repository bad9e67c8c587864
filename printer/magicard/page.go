package magicard

import (
	"fmt"
	"strings"

	"jukicard/printer/raster"
)

// family is what differs between the printers' jobs.
type family struct {
	head     string // the word for the print head
	told     bool   // the printer tells which head it has (INF field 2)
	lines    int    // columns of the image
	overcoat string
	extra    string // a word of its own
	source   string
}

// families by name. Image height is 642 rows in all of them.
var families = map[string]family{
	"enduro": {"KGE2", true, 1016, "PCT0,0,1015,641", "", "the maker's CUPS filter; a decoded job of 1016 lines"},
	"rio2":   {"KEE", false, 1016, "PCT0,0,1025,641", "RT2", "the maker's CUPS filter"},
	"alto":   {"KGE", false, 1000, "PCT0,0,999,641", "", "a captured job of 1000 lines"},
}

// rows is the height of the image.
const rows = 642

// dots is what a bit-plane of a line has place for; the image stands in it by the head's
// position.
const dots = 672

// levels of yellow, magenta and cyan: six bits.
const levels = 64

// headLeast and headMost are the positions a head can have (INF field 16).
const (
	headLeast = 35
	headMost  = 65
)

// heads are the words for INF field 2.
var heads = []string{"KGE2", "KEE1", "KEE4"}

// of is the family with the head that the printer says it has.
func (f family) of(i info) (family, int, error) {
	if f.told {
		n := i.count(infoHead)
		if n < 0 || n >= len(heads) {
			return f, 0, fmt.Errorf("cannot drive a print head of type %q: only 0 to %d are known", i.text(infoHead), len(heads)-1)
		}
		f.head = heads[n]
	}
	at := i.count(infoPosition)
	if at < headLeast || at > headMost {
		return f, 0, fmt.Errorf("cannot place the image: the head's position is %q where %d to %d are known", i.text(infoPosition), headLeast, headMost)
	}
	return f, at, nil
}

// layout is how a line's dots lie in a bit-plane.
type layout struct {
	bytes int
	bit   func(a int) (byteAt int, mask byte)
}

// kge is interleaved (fact sheet 1.3, measured by decoding a job): the first 288 dots
// take the odd bits of the words 6 to 23, the others the even bits of all 24.
func kge(a int) (int, byte) {
	if a < 288 {
		return bitOf(6+a/16, 31-2*(a%16))
	}
	t := a - 288
	return bitOf(t/16, 30-2*(t%16))
}

// bitOf is the byte and mask of a bit in a big-endian word of 32.
func bitOf(word, bit int) (int, byte) { return 4*word + 3 - bit/8, 1 << (bit % 8) }

// kee is straight: the first dot in the highest bit.
func kee(a int) (int, byte) { return a / 8, 0x80 >> (a % 8) }

func (f family) layout() layout {
	if strings.HasPrefix(f.head, "KEE") {
		return layout{84, kee}
	}
	return layout{96, kge}
}

// pack makes a plane's data of level numbers, row by row from the top left: for every
// line as many bit-planes as the dots have bits, the lowest first. Row 0 of the printer
// is the bottom edge.
func (f family) pack(plane []byte, bits, head int) []byte {
	l := f.layout()
	out := make([]byte, f.lines*bits*l.bytes)
	for y := range rows {
		at, mask := l.bit(y + headMost - head)
		for x, v := range plane[(rows-1-y)*f.lines:][:f.lines] {
			for b := range bits {
				if v>>b&1 != 0 {
					out[(x*bits+b)*l.bytes+at] |= mask
				}
			}
		}
	}
	return out
}

// page is one side of a job.
type page struct {
	planes []plane
}

type plane struct {
	letter byte // B yellow, G magenta, R cyan, K black
	data   []byte
}

// newPage packs a side. resin prints black alone.
func (f family) newPage(p raster.Planes, resin bool, head int) (page, error) {
	var out page
	if !resin {
		for _, c := range []struct {
			letter byte
			dots   []byte
		}{{'B', p.Y}, {'G', p.M}, {'R', p.C}} {
			shades, err := raster.Dither(c.dots, p.Width, levels)
			if err != nil {
				return page{}, err
			}
			out.planes = append(out.planes, plane{c.letter, f.pack(shades, 6, head)})
		}
	}
	k := make([]byte, len(p.K))
	for i, b := range p.K {
		k[i] = b >> 7
		if resin && light(p, i) < raster.InkThreshold {
			k[i] = 1
		}
	}
	out.planes = append(out.planes, plane{'K', f.pack(k, 1, head)})
	return out, nil
}

// light is the brightness of a dot's colours.
func light(p raster.Planes, i int) int {
	return (299*int(255-p.C[i]) + 587*int(255-p.M[i]) + 114*int(255-p.Y[i])) / 1000
}

// format is the page's planes by their letters.
func (g page) format() string {
	var b strings.Builder
	for _, p := range g.planes {
		b.WriteByte(p.letter)
	}
	return b.String()
}

// back is the word that announces this page on the one before it.
func (g page) back() string {
	if len(g.planes) > 1 {
		return "CKO"
	}
	return "KO"
}

// frame is a page on the wire without its closing 03. number is 1 or 2; next is the page
// behind it, or nil.
func (f family) frame(g page, number int, next *page, stamp int64) []byte {
	words := []string{"", "NOC1"}
	if number == 1 {
		words = append(words, "VER1.0", "LANENG", fmt.Sprintf("TDT%08X", uint32(stamp)), "RSPDEF", "COEH")
	}
	words = append(words, f.head)
	if f.extra != "" {
		words = append(words, f.extra)
	}
	switch {
	case next != nil:
		words = append(words, "DPXON", "BAC"+next.back())
	case number == 2:
		words = append(words, "DPXON")
	default:
		words = append(words, "DPXOFF")
	}
	words = append(words, fmt.Sprintf("PAG%d", number), "IMF"+g.format(), "XCO0", "YCO0",
		fmt.Sprintf("WID%d", f.lines), fmt.Sprintf("HGT%d", rows),
		"OVRON", "NNNOFF", "USFOFF", f.overcoat, "ICC3", "CPW50", "DDD50")
	for _, p := range g.planes {
		words = append(words, fmt.Sprintf("SZ%c%d", p.letter, len(p.data)))
	}
	b := make([]byte, syncJob, syncJob+1024+4*len(g.planes[0].data))
	for i := range b {
		b[i] = sync
	}
	b = append(b, begin)
	b = append(b, strings.Join(words, ",")...) // no comma before 1C: the firmware stumbles over it
	b = append(b, split)
	for _, p := range g.planes {
		b = append(append(b, p.data...), split, p.letter, ':')
	}
	return b
}
