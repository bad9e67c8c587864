// Package magicard is a card printer that speaks the language of Magicard, over the
// mechanics of package press: jobs of words and planes that it carries out alone, and
// requests for its status. It is written from the same public sources as the driver and
// shares no code with it.
//
// What is not public is chosen here, and drivers must not lean on it: the numbers and
// texts of errors but 00:00 and 11:01 (Errors), that CHPUP feeds a card by itself, that
// a job with two sides begins with the first page, that half a job is forgotten when the
// host hangs up a stream but not when a USB host closes the device, that the port is not
// selected while the mechanics work, and that a request waits until they are done (Prompt
// answers at once, with what was before).
package magicard

import (
	"bytes"
	"cmp"
	"context"

	"jukicard/printer"
	"jukicard/simulator/press"
	"jukicard/simulator/press/front"
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
	*front.Front
	opt    Options
	job    *job
	err    *press.Trouble // what stopped it last
	late   int
	before string // INF before what the mechanics work on
}

// New puts the language over mechanics.
func New(p *press.Press, o Options) *Model {
	o.Name = cmp.Or(o.Name, "Enduro+")
	o.Serial = cmp.Or(o.Serial, "61E0042")
	o.Firmware = cmp.Or(o.Firmware, "1.24")
	o.HeadAt = cmp.Or(o.HeadAt, 50)
	o.Film = cmp.Or(o.Film, 1000)
	m := &Model{Front: &front.Front{Press: p}, opt: o}
	m.Language = language{m}
	m.SetSerial(o.Serial)
	return m
}

// language is the model as its front knows it.
type language struct{ *Model }

// Drop is front.Language.
func (l language) Drop() { l.job = nil }

// Forget is front.Language.
func (l language) Forget() { l.err = nil }

// Next is front.Language. An answer stands between 01 and 03.
func (l language) Next() ([]byte, bool) {
	text, more := l.next()
	if text == "" {
		return nil, more
	}
	return append(append([]byte{1}, text...), 3), more
}

// Control answers the requests of the USB printer class (1.1, 4.2).
func (m *Model) Control(ctx context.Context, s usbbed.Setup, data []byte) ([]byte, error) {
	switch {
	case s.Type == 0xA1 && s.Request == 1: // GET_PORT_STATUS, as captured
		if m.Press.BusyFor() > 0 {
			return []byte{0x08}, nil
		}
		return []byte{0x18}, nil
	}
	return m.Front.Control(ctx, s, data)
}

// next takes one thing out of what came; more is false when nothing is whole.
func (m *Model) next() (answer string, more bool) {
	if m.job != nil {
		return "", m.plane()
	}
	i := bytes.IndexByte(m.In, 1)
	if i < 0 {
		m.In = m.In[:0]
		return "", false
	}
	m.In = m.In[i:]
	n := bytes.IndexByte(m.In, 0x1C)
	if n < 0 {
		return "", false
	}
	words := string(m.In[1:n])
	if j := newJob(words, m.opt); j != nil {
		m.Note(words)
		m.job, m.In = j, m.In[n+1:]
		return "", true
	}
	if len(m.In) < n+2 {
		return "", false
	}
	m.In = m.In[n+2:] // 1C 03
	m.Note(words)
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
		return func() *press.Trouble { return m.Press.Bring(at) }
	}
	leave := func(at printer.Position) func() *press.Trouble {
		return func() *press.Trouble { return m.Press.Move(at) }
	}
	return map[string]func() *press.Trouble{
		"FEED1,": to(printer.Head), "CHPUP,": to(printer.Contact), "CHPDOWN,": to(printer.Head),
		"EJT,": leave(printer.Output), "REJ,": leave(printer.Reject),
		"FLIP,": m.Press.Flip, "TST,": m.Press.TestCard, "CLN,": m.Press.Clean,
	}
}

// stopped keeps an error until what caused it is mended.
func (m *Model) stopped(t *press.Trouble) {
	m.err, m.late = t, m.opt.Late
}
