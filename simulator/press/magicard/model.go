// Package magicard is a card printer that speaks the language of Magicard, over the
// mechanics of package press: jobs of words and planes that it carries out alone, and
// requests for its status. It is written from the same public sources as the driver and
// shares no code with it.
//
// What is not public is chosen here, and drivers must not lean on it: the numbers and
// texts of errors but 00:00 and 11:01 (Errors), that CHP UP feeds a card by itself, that
// a job with two sides begins with the first page, that half a job is forgotten when the
// host hangs up a stream but not when a USB host closes the device, that the port is not
// selected while the mechanics work, and that a request waits until they are done (Prompt
// answers at once, with what was before).
package magicard

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"jukicard/printer"
	"jukicard/simulator/press"
	"jukicard/simulator/usbbed"
)

// Width and Height are the dots of a side in landscape; Config needs them. An Alto has
// 1000 columns: NarrowWidth.
const (
	Width       = 1016
	NarrowWidth = 1000
	Height      = 642
)

// Panels are the ribbon's, for press.Config.
const Panels = "YMCKO"

// Options are what the mechanics do not know.
type Options struct {
	Name, Serial, Firmware string
	Straight               bool // a KEE head: 84 bytes a bit-plane
	Head                   int  // INF field 2
	HeadAt                 int  // position of the head, INF field 16; default 50
	Film                   int  // shots on a film; default 1000
	Late                   int  // so many INF answers say that nothing is wrong before an error shows
	Mute                   bool // does not know REQ,ERR
	Prompt                 bool // answers while the mechanics work
}

// Model is one printer.
type Model struct {
	Press *press.Press
	opt   Options

	mu       sync.Mutex
	serial   string
	rx       []byte
	job      *job
	err      *press.Trouble // what stopped it last
	late     int
	before   string // INF before what the mechanics work on
	log      []string
	received int
}

// New puts the language over mechanics.
func New(p *press.Press, o Options) *Model {
	fill := func(s *string, standard string) {
		if *s == "" {
			*s = standard
		}
	}
	fill(&o.Name, "Enduro+")
	fill(&o.Serial, "61E0042")
	fill(&o.Firmware, "1.24")
	if o.HeadAt == 0 {
		o.HeadAt = 50
	}
	if o.Film == 0 {
		o.Film = 1000
	}
	return &Model{Press: p, opt: o, serial: o.Serial}
}

// SetSerial makes it another printer.
func (m *Model) SetSerial(serial string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.serial = serial
}

// Log lists the frames that came, jobs without their planes.
func (m *Model) Log() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.log...)
}

// Received counts the bytes that came.
func (m *Model) Received() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.received
}

// errOff ends a conversation with a printer that has no power: for the host it is gone.
var errOff = fmt.Errorf("the printer is off: %w", io.EOF)

// Serve speaks with one host.
func (m *Model) Serve(ctx context.Context, host io.ReadWriteCloser) error {
	m.mu.Lock()
	m.rx, m.job = nil, nil
	m.mu.Unlock()
	buf := make([]byte, 16<<10)
	for {
		if err := m.hearing(ctx); err != nil {
			return err
		}
		n, err := host.Read(buf)
		if err != nil {
			return err
		}
		answers, err := m.take(ctx, buf[:n])
		if len(answers) > 0 {
			if _, werr := host.Write(answers); werr != nil {
				return werr
			}
		}
		if err != nil {
			return err
		}
	}
}

// Control answers the requests of the USB printer class (1.1, 4.2).
func (m *Model) Control(_ context.Context, s usbbed.Setup, _ []byte) ([]byte, error) {
	switch {
	case s.Type == 0xA1 && s.Request == 1: // GET_PORT_STATUS, as captured
		if m.Press.BusyFor() > 0 {
			return []byte{0x08}, nil
		}
		return []byte{0x18}, nil
	case s.Type == 0x21 && s.Request == 2: // SOFT_RESET
		m.Press.Hear()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.rx, m.job = nil, nil
		return nil, nil
	}
	return nil, usbbed.ErrStall
}

// hearing waits while the printer is deaf; it ends when the host is gone or the power.
func (m *Model) hearing(ctx context.Context) error {
	for m.Press.Deaf() {
		t := time.NewTimer(time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
	if !m.Press.On() {
		return errOff
	}
	return nil
}

// take works on what came, and gives the answers.
func (m *Model) take(ctx context.Context, b []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.received += len(b)
	if m.Press.Restarted() {
		m.err, m.job, m.rx = nil, nil, nil
	}
	m.rx = append(m.rx, b...)
	var answers []byte
	for ctx.Err() == nil && !m.Press.Deaf() {
		text, more := m.next()
		if !m.Press.On() {
			return nil, errOff
		}
		if text != "" {
			answers = append(append(append(answers, 1), text...), 3)
		}
		if !more {
			break
		}
	}
	return answers, nil
}

// next takes one thing out of what came; more is false when nothing is whole.
func (m *Model) next() (answer string, more bool) {
	if m.job != nil {
		return "", m.plane()
	}
	i := bytes.IndexByte(m.rx, 1)
	if i < 0 {
		m.rx = m.rx[:0]
		return "", false
	}
	m.rx = m.rx[i:]
	n := bytes.IndexByte(m.rx, 0x1C)
	if n < 0 {
		return "", false
	}
	words := string(m.rx[1:n])
	if j := newJob(words, m.opt); j != nil {
		m.log = append(m.log, words)
		m.job, m.rx = j, m.rx[n+1:]
		return "", true
	}
	if len(m.rx) < n+2 {
		return "", false
	}
	m.rx = m.rx[n+2:] // 1C 03
	m.log = append(m.log, words)
	return m.order(words), true
}

// order is a request or a simple command.
func (m *Model) order(words string) string {
	switch words {
	case ",REQ,INF,":
		if m.working() {
			return m.before
		}
		return m.inf()
	case ",REQ,ERR,":
		switch {
		case m.opt.Mute:
			return ""
		case m.working():
			return ready
		}
		return m.words()
	case "RST,":
		m.err = nil
		_ = m.Press.Initialise() // what is still wrong shows in the next answer
		return ""
	}
	if do := m.simple()[words]; do != nil {
		m.work(do)
	}
	return ""
}

// work has the mechanics do something, of which nothing is answered before it is done.
func (m *Model) work(do func() *press.Trouble) {
	if m.opt.Prompt && m.Press.BusyFor() == 0 {
		m.before = m.inf()
	}
	m.stopped(do())
}

// working is whether the mechanics work on something; a printer that does not answer at
// once waits for them.
func (m *Model) working() bool {
	if !m.opt.Prompt {
		m.Press.Settle()
	}
	return m.Press.BusyFor() > 0
}

// simple are the words that move.
func (m *Model) simple() map[string]func() *press.Trouble {
	to := func(at printer.Position) func() *press.Trouble {
		return func() *press.Trouble { return m.bring(at) }
	}
	leave := func(at printer.Position) func() *press.Trouble {
		return func() *press.Trouble { return m.Press.Move(at) }
	}
	return map[string]func() *press.Trouble{
		"FEED,": to(printer.Head), "CHP UP,": to(printer.Contact), "CHP DOWN,": to(printer.Head),
		"EJT,": leave(printer.Output), "REJ,": leave(printer.Reject),
		"FLIP,": m.Press.Flip, "TST,": m.Press.TestCard, "CLN,": m.Press.Clean,
	}
}

// bring takes the card to a place, from the hopper when none is inside.
func (m *Model) bring(to printer.Position) *press.Trouble {
	move := m.Press.Move
	if !m.Press.Snapshot().Inside {
		move = m.Press.Feed
	}
	if t := move(to); t != nil || to == printer.Head {
		return t
	}
	return m.Press.Engage(to)
}

// stopped keeps an error until what caused it is mended.
func (m *Model) stopped(t *press.Trouble) {
	m.err, m.late = t, m.opt.Late
}
