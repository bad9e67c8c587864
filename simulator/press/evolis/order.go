package evolis

import (
	"strconv"
	"strings"

	"jukicard/printer"
	"jukicard/simulator/press"
)

// Texts are the refusals. They are ours, after the names that a program for the Primacy
// has for them; the maker's own are not public.
var Texts = map[press.Why]string{
	press.Empty: "FEEDER EMPTY", press.CoverOpen: "COVER OPEN", press.RibbonOut: "ERROR RIBBON", press.RibbonWrong: "ERROR RIBBON",
	press.FilmOut: "ERROR RIBBON", press.Jammed: "ERR MECHANICAL", press.OutputFull: "HOPPER FULL", press.RejectFull: "ERROR HOPPER",
	press.Occupied: "ERR CARD", press.NoCard: "ERR CARD", press.Unreachable: "OPT NOT AVAILABLE", press.NotLoaded: "ERROR",
	press.NeedsCleaning: "ERR NEED CLEANING",
}

// said is the answer to what the mechanics did.
func said(t *press.Trouble) string {
	if t == nil {
		return "OK"
	}
	return Texts[t.Why] // without power there is none, and nobody to hear it
}

// order carries an order out.
func (m *Model) order(f []string) string {
	name, arg := f[0], ""
	if len(f) > 1 {
		arg = f[1]
	}
	switch name[:min(1, len(name))] {
	case "R":
		return m.read(name, arg)
	case "P":
		return m.set(name, arg, f)
	case "S":
		return m.sequence(name)
	}
	if name == "Wcb" && len(f) == 3 && len(arg) == 1 {
		return m.fill(strings.ToUpper(arg)[0], f[2])
	}
	return "ERROR CDE"
}

// fill writes one value into a whole panel.
func (m *Model) fill(panel byte, value string) string {
	v, err := strconv.ParseUint(value, 10, 8)
	if err != nil || !strings.Contains(Panels, string(panel)) {
		return "ERROR PARAMETRES"
	}
	plane := make([]byte, Width*Height)
	for i := range plane {
		plane[i] = byte(v)
	}
	m.Press.Load(m.settings.side, panel, plane)
	return "OK"
}

// set takes a parameter.
func (m *Model) set(name, arg string, f []string) string {
	switch name {
	case "Pem":
		m.settings.mode = arg
	case "Pneab":
		m.settings.keep = arg == "E"
	case "Pr":
		m.settings.ribbon = arg
	case "Psmgr", "Pcim", "Pcem", "Pcrm":
		if m.opt.Old {
			return "ERROR CDE"
		}
	case "Pc", "Ps", "Pl", "Px", "Py", "Pos", "Poc", "Pmi", "Pdt", "Ppws":
		if name == "Pc" && len(f) == 4 {
			m.opt.Contrast = f[3]
		}
	default:
		return "ERROR CDE"
	}
	return "OK"
}

// sequence moves cards and prints.
func (m *Model) sequence(name string) string {
	defer m.Press.Settle()
	switch name {
	case "Ss", "Srs":
		m.Press.Clear(0)
		m.Press.Clear(1)
		m.settings.side = 0
	case "Sr":
		m.settings.side = 0
	case "Sv":
		m.settings.side = 1
	case "Si":
		return said(m.Press.Bring(printer.Head))
	case "Sis":
		return said(m.Press.Bring(printer.Contact))
	case "Sic":
		return said(m.Press.Bring(printer.Contactless))
	case "Se":
		return said(m.end())
	case "Ser":
		return said(m.Press.Move(printer.Reject))
	case "Scs":
	default:
		return "ERROR CDE"
	}
	return "OK"
}

// end prints what the memory holds, and ejects the card unless it is to be kept.
func (m *Model) end() *press.Trouble {
	if m.Press.Loaded(0)+m.Press.Loaded(1) != "" {
		if t := m.print(); t != nil {
			return t
		}
	}
	if m.settings.keep {
		return nil
	}
	return m.Press.Move(printer.Output)
}

func (m *Model) print() *press.Trouble {
	if m.Press.Snapshot().At != printer.Head {
		if t := m.Press.Bring(printer.Head); t != nil {
			return t
		}
	}
	for side := range 2 {
		if t := m.printSide(side); t != nil {
			return t
		}
	}
	return m.Press.Commit()
}

// printSide prints one side, the card turned for the back. A ymckok ribbon has the back's
// resin in the same set.
func (m *Model) printSide(side int) *press.Trouble {
	panels := m.Press.Loaded(side)
	if panels == "" {
		return nil
	}
	if side == 1 {
		if t := m.Press.Flip(); t != nil {
			return t
		}
	}
	if t := m.Press.PrintDirect(side, panels); t != nil {
		return t
	}
	if s := m.Press.Snapshot(); side == 0 && m.settings.ribbon == "ymckok" && m.Press.Loaded(1) != "" {
		m.Press.SetSupplies(s.Hopper, s.Ribbon+1, s.FilmLeft, s.WrongRibbon)
	}
	return nil
}
