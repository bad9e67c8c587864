// Package evolis is a card printer that speaks the language of Evolis, over the mechanics
// of package press: ESC, an order, CR; a reply that ends with NUL. It is written from the
// same public sources as the driver and shares no code with it, so that a mistake of one
// is not the other's truth.
//
// What is not public is chosen here, and drivers must not lean on it: the texts of
// refusals (Texts; a program for the Primacy names most of them, and not all begin with
// ERR), what a lost card is called, that planes stay in the memory after Se until the
// next Ss, and that half a download is forgotten when the host hangs up (Stubborn keeps
// it, as a serial line may).
package evolis

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"jukicard/simulator/press"
	"jukicard/simulator/usbbed"
)

// Width and Height are the dots of a side in landscape; Config needs them.
const (
	Width  = 1016
	Height = 648
)

// Panels are the ribbon's, for press.Config.
const Panels = "YMCKO"

// Options are what the mechanics do not know.
type Options struct {
	Model, Serial, Firmware string
	CountsPanels            bool // Rco;p counts panels, not cards
	Zone, RibbonZone        string
	OddRibbon               int    // so many answers about the ribbon are OK before the number
	Contrast                string // Pc;k;=;n as it was last set
	Stubborn                bool   // half a download outlives the host
	Old                     bool   // does not know Psmgr, Pcim
}

// Model is one printer. Its settings are lost with the power, its counters are the press's.
type Model struct {
	Press *press.Press
	opt   Options

	mu       sync.Mutex
	serial   string
	settings settings
	in       input
	log      []string
	received int
}

// settings are what orders set.
type settings struct {
	mode   string // Pem
	keep   bool   // Pneab;E
	ribbon string
	side   int
}

// New puts the language over mechanics.
func New(p *press.Press, o Options) *Model {
	for _, row := range []struct {
		s        *string
		standard string
	}{
		{&o.Model, "Primacy"},
		{&o.Serial, "10000123456"},
		{&o.Firmware, "1701"},
		{&o.Zone, "1"},
		{&o.RibbonZone, "1"},
	} {
		if *row.s == "" {
			*row.s = row.standard
		}
	}
	m := &Model{Press: p, opt: o, serial: o.Serial}
	m.forget()
	return m
}

// forget is what the loss of power does to the settings.
func (m *Model) forget() { m.settings, m.in = settings{mode: "0", ribbon: "ymcko"}, input{} }

// SetSerial makes it another printer.
func (m *Model) SetSerial(serial string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.serial = serial
}

// Log lists the orders that came, downloads without their data.
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
	m.arrive()
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

// arrive begins with a new host.
func (m *Model) arrive() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.opt.Stubborn {
		m.in = input{}
	}
}

// Control answers the requests of the USB printer class (1.1, 4.2).
func (m *Model) Control(_ context.Context, s usbbed.Setup, _ []byte) ([]byte, error) {
	switch {
	case s.Type == 0xA1 && s.Request == 0: // GET_DEVICE_ID
		id := "MFG:Evolis;MDL:" + m.opt.Model + ";CMD:EVOLIS;CLS:PRINTER;"
		n := len(id) + 2
		return append([]byte{byte(n >> 8), byte(n)}, id...), nil
	case s.Type == 0xA1 && s.Request == 1: // GET_PORT_STATUS: selected, no error
		return []byte{0x18}, nil
	case s.Type == 0x21 && s.Request == 2: // SOFT_RESET
		m.Press.Hear()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.in = input{}
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
		m.forget()
	}
	m.in.rx = append(m.in.rx, b...)
	var answers []byte
	for ctx.Err() == nil && !m.Press.Deaf() {
		text, ok := m.next()
		if !m.Press.On() {
			return nil, errOff
		}
		if !ok {
			break
		}
		if text != "" {
			answers = append(append(answers, text...), 0)
		}
	}
	return answers, nil
}
