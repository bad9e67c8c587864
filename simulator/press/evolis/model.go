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
	"cmp"
	"context"

	"jukicard/simulator/press"
	"jukicard/simulator/press/front"
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
	*front.Front
	opt      Options
	settings settings
	told     bool // the mechanics know that a plane is coming
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
	o.Model = cmp.Or(o.Model, "Primacy")
	o.Serial = cmp.Or(o.Serial, "10000123456")
	o.Firmware = cmp.Or(o.Firmware, "1701")
	o.Zone = cmp.Or(o.Zone, "1")
	o.RibbonZone = cmp.Or(o.RibbonZone, "1")
	m := &Model{Front: &front.Front{Press: p, Stubborn: o.Stubborn}, opt: o}
	m.Language = language{m}
	m.SetSerial(o.Serial)
	m.forget()
	return m
}

// forget is what the loss of power does to the settings.
func (m *Model) forget() { m.settings = settings{mode: "0", ribbon: "ymcko"} }

// language is the model as its front knows it.
type language struct{ *Model }

// Drop is front.Language.
func (l language) Drop() { l.told = false }

// Forget is front.Language.
func (l language) Forget() { l.forget() }

// Next is front.Language. A reply ends with NUL.
func (l language) Next() ([]byte, bool) {
	text, ok := l.next()
	if text == "" {
		return nil, ok
	}
	return append([]byte(text), 0), ok
}

// Control answers the requests of the USB printer class (1.1, 4.2).
func (m *Model) Control(ctx context.Context, s usbbed.Setup, data []byte) ([]byte, error) {
	switch {
	case s.Type == 0xA1 && s.Request == 0: // GET_DEVICE_ID
		id := "MFG:Evolis;MDL:" + m.opt.Model + ";CMD:EVOLIS;CLS:PRINTER;"
		n := len(id) + 2
		return append([]byte{byte(n >> 8), byte(n)}, id...), nil
	case s.Type == 0xA1 && s.Request == 1: // GET_PORT_STATUS: selected, no error
		return []byte{0x18}, nil
	}
	return m.Front.Control(ctx, s, data)
}
