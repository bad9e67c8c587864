package evolis

import (
	"strconv"

	"jukicard/printer"
)

// read answers a question.
func (m *Model) read(name, arg string) string {
	switch name {
	case "Rtp":
		return m.opt.Model
	case "Rsn":
		return m.Serial()
	case "Rfv":
		return m.opt.Firmware
	case "Rkn":
		return "KIT-0001"
	case "Rem":
		return m.settings.mode
	case "Rr":
		return m.settings.ribbon
	case "Rzp":
		return m.opt.Zone
	case "Rco":
		return m.counter(arg)
	case "Rlr":
		return m.place(arg)
	case "Rse":
		return m.sensor(arg)
	case "Rrt":
		return m.ribbon(arg)
	}
	return "ERROR CDE"
}

func (m *Model) counter(which string) string {
	s := m.Press.Snapshot()
	n := s.Cards
	switch {
	case which == "p" && m.opt.CountsPanels:
		n = s.Passes
	case which == "p":
	case which == "c":
		n = s.Fed
	case which == "a" || which == "m" || which == "n":
		n = s.Cleanings
	default:
		return "ERROR PARAMETRES"
	}
	return strconv.FormatUint(n, 10)
}

func (m *Model) place(which string) string {
	s := m.Press.Snapshot()
	switch which {
	case "p":
		if word, ok := words[s.At]; ok {
			return word
		}
		return "ERR CARD"
	case "r":
		if s.NeedsCleaning {
			return "ERR NEED CLEANING"
		}
		return "OK"
	case "h":
		if s.RejectFull {
			return "CARD"
		}
		return "OK"
	}
	return "ERROR PARAMETRES"
}

var words = map[printer.Position]string{
	printer.Hopper: "OK", printer.Head: "CARD", printer.Contact: "SMART CARD", printer.Contactless: "CONTACTLESS CARD",
}

// sensor answers with Volts.
func (m *Model) sensor(which string) string {
	s := m.Press.Snapshot()
	on := map[string]bool{"o": !s.Cover, "f": s.Hopper > 0, "n": s.Hopper > 10, "b": false, "p": s.At == printer.Head}
	v, known := on[which]
	switch {
	case !known:
		return "ERROR PARAMETRES"
	case v:
		return "4,98 Volts"
	}
	return "0,23 Volts"
}

func (m *Model) ribbon(what string) string {
	s := m.Press.Snapshot()
	if m.opt.OddRibbon > 0 {
		m.opt.OddRibbon--
		return "OK"
	}
	switch what {
	case "count":
		return strconv.Itoa(s.Ribbon)
	case "qty":
		return "1000"
	case "zone":
		if s.WrongRibbon {
			return m.opt.RibbonZone + "9"
		}
		return m.opt.RibbonZone
	}
	return "ERROR PARAMETRES"
}
