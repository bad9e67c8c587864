package magicard

import (
	"strconv"
	"strings"

	"jukicard/printer"
	"jukicard/simulator/press"
)

// job is one page that comes in, and what the words say of it.
type job struct {
	letters string // planes in the order of their sizes
	sizes   []int
	got     int // planes taken
	told    bool
	width   int
	back    bool // PAG2
	duplex  bool
	over    bool
}

// newJob reads the words of a page; nil when they are none.
func newJob(words string, o Options) *job {
	j := &job{}
	paged := false
	for w := range strings.SplitSeq(words, ",") {
		n, err := strconv.Atoi(strings.TrimLeft(w, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		switch {
		case len(w) > 3 && w[:2] == "SZ" && err == nil:
			j.letters += w[2:3]
			j.sizes = append(j.sizes, n)
		case strings.HasPrefix(w, "WID") && err == nil:
			j.width = n
		case strings.HasPrefix(w, "PAG"):
			paged, j.back = true, w == "PAG2"
		case w == "DPXON":
			j.duplex = true
		case w == "OVRON":
			j.over = true
		}
	}
	if !paged || !j.fits(o) {
		return nil
	}
	return j
}

// fits is whether the sizes are those of the head.
func (j *job) fits(o Options) bool {
	for i, n := range j.sizes {
		if n != j.width*bitPlanes(j.letters[i])*o.lineBytes() {
			return false
		}
	}
	return len(j.sizes) > 0
}

func bitPlanes(letter byte) int {
	if letter == 'K' {
		return 1
	}
	return 6
}

func (o Options) lineBytes() int {
	if o.Straight {
		return 84
	}
	return 96
}

// plane takes a plane with its end, or the end of the job; false when it is not whole.
func (m *Model) plane() bool {
	j := m.job
	if j.got == len(j.sizes) {
		if len(m.In) == 0 {
			return false
		}
		closed := m.In[0] == 3
		m.job, m.In = nil, m.In[1:]
		if closed {
			m.work(func() *press.Trouble { return m.print(j) })
		}
		return true
	}
	if len(m.In) > 0 && !j.told {
		j.told = true
		if m.Press.Receive() != nil || m.Press.Deaf() {
			return false
		}
	}
	n := j.sizes[j.got]
	if len(m.In) < n+3 {
		return false
	}
	letter := j.letters[j.got]
	if string(m.In[n:n+3]) != "\x1c"+string(letter)+":" {
		m.job, m.In = nil, m.In[n:] // out of step: wait for the next beginning
		return true
	}
	buffer := 0
	if j.back {
		buffer = 1
	}
	if j.got == 0 {
		m.Press.Clear(buffer)
	}
	m.Press.Load(buffer, panels[letter], m.opt.unpack(m.In[:n], j.width, bitPlanes(letter)))
	m.In = m.In[n+3:]
	j.got, j.told = j.got+1, false
	return true
}

// panels by the planes' letters: the colour of light that each takes away.
var panels = map[byte]byte{'B': 'Y', 'G': 'M', 'R': 'C', 'K': 'K'}

// print carries a page out, and after the last one counts and delivers.
func (m *Model) print(j *job) *press.Trouble {
	if m.Press.Snapshot().At != printer.Head {
		if t := m.Press.Bring(printer.Head); t != nil {
			return t
		}
	}
	buffer := 0
	if j.back {
		buffer = 1
		if t := m.Press.Flip(); t != nil {
			return t
		}
	}
	what := m.Press.Loaded(buffer)
	if j.over {
		what += "O"
	}
	if t := m.Press.PrintDirect(buffer, what); t != nil {
		return t
	}
	m.Press.Clear(buffer)
	if j.duplex && !j.back {
		return nil // the back follows
	}
	if t := m.Press.Commit(); t != nil {
		return t
	}
	return m.Press.Move(printer.Output)
}

// unpack makes a landscape plane of bytes of a plane's data. The bottom row stands where
// the position of the head puts it.
func (o Options) unpack(data []byte, width, bits int) []byte {
	plane := make([]byte, width*Height)
	per := o.lineBytes()
	for y := range Height {
		at, mask := o.place(Height - 1 - y + 65 - o.HeadAt)
		row := plane[y*width:][:width]
		for x := range row {
			v := 0
			for b := range bits {
				if data[(x*bits+b)*per+at]&mask != 0 {
					v |= 1 << b
				}
			}
			row[x] = byte(v * 255 / (1<<bits - 1))
		}
	}
	return plane
}

// place is the byte and bit of a dot of a line. A KGE head has two rows of elements.
func (o Options) place(dot int) (int, byte) {
	if o.Straight {
		return dot >> 3, 1 << (7 - dot&7)
	}
	word, bit := (dot-288)>>4, 30-(dot-288)&15*2
	if dot < 288 {
		word, bit = dot>>4+6, 31-dot&15*2
	}
	return word<<2 | (31-bit)>>3, 1 << (bit & 7)
}
