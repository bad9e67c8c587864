// Package escpos is a model of a slip printer that speaks Epson's ESC/POS: a roll of
// paper, a head that prints row by row, a cutter, a cover, and a buffer in which
// commands wait. It implements lines.Printer and so hangs on any wire. What it prints is
// an image.
//
// It obeys real-time commands where it finds them, also in the middle of a picture, and
// such a command's bytes are then missing from the picture: a driver that does not keep
// them out has its slips spoilt (Epson, ESC/POS Command Reference, "Notes of Real-time
// Commands"; that they are missing and not printed besides is ours, and the harsher).
//
// It knows ESC @, ESC d, GS a, GS r, GS v 0, GS V B, GS ( H, DLE EOT, DLE ENQ and DLE DC4
// function 8; any other byte is noted as noise and prints nothing.
package escpos

import (
	"context"
	"image"
	"image/png"
	"io"
	"sync"
)

// Options are what a printer is like.
type Options struct {
	Dots   int // a line; 0 is 576
	Buffer int // bytes that wait for the head; 0 is 4096
	// Plain is a printer that knows neither GS ( H nor DLE DC4 function 8, and drops
	// them.
	Plain bool
}

const (
	dotsDefault   = 576
	bufferDefault = 4096
	lineHeight    = 30 // dots of ESC d (ours: 1/6 inch at 180 dpi)
)

// Model is one printer. Its methods may be called at any time.
type Model struct {
	o       Options
	mu      sync.Mutex
	changed chan struct{} // closed, and made anew, when anything below changes
	queue   []byte        // the buffer
	rows    rows          // the picture being printed
	roll    *image.Gray   // since the last cut
	slips   []*image.Gray
	noise   int

	cover, end, near  bool
	hot, broken, deaf bool
	stuck, willStick  bool // the cutter: is, will be at the next cut
	freed             bool // what was in its way is gone
	left              int  // rows until the paper ends; -1 many
	rowsPrinted       int
}

// rows is a GS v 0 under way.
type rows struct{ bytes, left int }

// New is a printer with a full roll.
func New(o Options) *Model {
	if o.Dots == 0 {
		o.Dots = dotsDefault
	}
	if o.Buffer == 0 {
		o.Buffer = bufferDefault
	}
	m := &Model{o: o, changed: make(chan struct{}), left: -1}
	m.roll = m.fresh()
	return m
}

func (m *Model) fresh() *image.Gray { return image.NewGray(image.Rect(0, 0, m.o.Dots, 0)) }

// change does something to the printer and tells whoever waits.
func (m *Model) change(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do()
	m.tell()
}

// tell wakes; mu is held.
func (m *Model) tell() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// Cover opens or closes it.
func (m *Model) Cover(open bool) { m.change(func() { m.cover = open }) }

// NearEnd is what the sensor beside the roll says.
func (m *Model) NearEnd(near bool) { m.change(func() { m.near = near }) }

// PaperAfter lets the paper end after so many rows more.
func (m *Model) PaperAfter(rows int) {
	m.change(func() { m.left, m.end = rows, rows == 0 })
}

// Roll puts in a new roll.
func (m *Model) Roll() { m.change(func() { m.left, m.end, m.near = -1, false, false }) }

// StickCutter has the cutter stick at the next cut.
func (m *Model) StickCutter() { m.change(func() { m.willStick = true }) }

// FreeCutter takes away what was in its way. The printer still waits to be recovered.
func (m *Model) FreeCutter() { m.change(func() { m.freed = true }) }

// Heat makes the head too hot, or lets it cool.
func (m *Model) Heat(hot bool) { m.change(func() { m.hot = hot }) }

// Break is an error that only service mends.
func (m *Model) Break() { m.change(func() { m.broken = true }) }

// Deafen makes it stop reading, or read again.
func (m *Model) Deafen(deaf bool) { m.change(func() { m.deaf = deaf }) }

// Power switches it off and on: what it had not printed is forgotten.
func (m *Model) Power() {
	m.change(func() {
		m.queue, m.rows = nil, rows{}
		m.stuck, m.freed, m.broken = m.stuck && !m.freed, false, false
	})
}

// Slips are what was cut off, oldest first.
func (m *Model) Slips() []*image.Gray {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]*image.Gray(nil), m.slips...)
}

// Uncut is the paper that hangs out.
func (m *Model) Uncut() *image.Gray {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := *m.roll
	return &c
}

// Noise counts the bytes that were no command.
func (m *Model) Noise() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.noise
}

// Rows counts the rows ever printed.
func (m *Model) Rows() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rowsPrinted
}

// PNG writes a slip.
func PNG(w io.Writer, slip *image.Gray) error { return png.Encode(w, slip) }

// Serve is lines.Printer. What is in the buffer when the host goes is printed all the
// same, as far as it can be, when the next one comes.
func (m *Model) Serve(ctx context.Context, host io.ReadWriteCloser) error {
	ctx, cancel := context.WithCancel(ctx)
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		m.print(ctx, host)
	}()
	err := m.receive(ctx, host)
	cancel()
	<-printed
	return err
}

// wait returns when something has changed since changed was taken, or ctx is done.
func wait(ctx context.Context, changed chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// row puts one row of dots on the paper; mu is held.
func (m *Model) row(bits []byte) {
	m.roll.Rect.Max.Y++
	for x := range m.o.Dots {
		dot := byte(0xFF)
		if x/8 < len(bits) && bits[x/8]&(0x80>>(x%8)) != 0 {
			dot = 0
		}
		m.roll.Pix = append(m.roll.Pix, dot)
	}
	m.rowsPrinted++
	if m.left > 0 {
		m.left--
		m.end = m.left == 0
	}
}
