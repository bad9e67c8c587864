package magicard

import (
	"fmt"
	"strconv"
	"strings"

	"jukicard/simulator/press"
)

// Errors are the numbers and words of what can go wrong. Only 11:01 is public, with its
// code; the others are ours.
var Errors = map[press.Why]struct {
	Major, Minor int
	Words, Code  string
}{
	press.Empty:         {11, 1, "CARD NOT FED", "c0201"},
	press.CoverOpen:     {12, 1, "CLOSE THE LID", "c9001"},
	press.RibbonOut:     {13, 1, "FILM USED UP", "c9002"},
	press.RibbonWrong:   {13, 2, "WRONG FILM", "c9003"},
	press.FilmOut:       {13, 3, "FILM USED UP", "c9004"},
	press.Jammed:        {14, 1, "CARD JAM", "c9005"},
	press.OutputFull:    {15, 1, "EMPTY THE OUTPUT", "c9006"},
	press.RejectFull:    {15, 2, "EMPTY THE REJECT BOX", "c9007"},
	press.Occupied:      {16, 1, "CARD INSIDE", "c9008"},
	press.NoCard:        {16, 2, "NO CARD INSIDE", "c9009"},
	press.Unreachable:   {17, 1, "NOT FITTED", "c9010"},
	press.NotLoaded:     {17, 2, "NO IMAGE", "c9011"},
	press.NeedsCleaning: {18, 1, "CLEAN THE PRINTER", "c9012"},
}

// shown is the error that the display has now.
func (m *Model) shown() *press.Trouble {
	s := m.Press.Snapshot()
	mended := map[press.Why]bool{
		press.Empty: s.Hopper > 0, press.CoverOpen: !s.Cover, press.RibbonOut: s.Ribbon > 0, press.RibbonWrong: !s.WrongRibbon,
		press.Jammed: s.Jam == nil, press.OutputFull: !s.OutputFull, press.RejectFull: !s.RejectFull, press.NoCard: !s.Inside,
	}
	if m.err != nil && mended[m.err.Why] {
		m.err = nil
	}
	switch {
	case m.err != nil:
		return m.err
	case s.Jam != nil:
		return &press.Trouble{Why: press.Jammed}
	case s.Cover:
		return &press.Trouble{Why: press.CoverOpen}
	case s.RejectFull:
		return &press.Trouble{Why: press.RejectFull}
	case s.WrongRibbon:
		return &press.Trouble{Why: press.RibbonWrong}
	}
	return nil
}

// inf is the answer to INF: 33 fields.
func (m *Model) inf() string {
	s := m.Press.Snapshot()
	f := make([]string, 33)
	for i := range f {
		f[i] = "0"
	}
	set := func(i int, v any) { f[i] = fmt.Sprint(v) }
	set(1, m.opt.Name)
	set(2, m.opt.Head)
	set(3, m.Serial())
	set(4, "H0001")
	set(5, "P0001")
	set(6, m.opt.Firmware)
	set(9, s.Cards)
	set(10, s.Cards)
	set(11, s.Passes)
	set(12, s.Cleanings)
	set(14, s.SinceCleaning)
	set(15, 500)
	set(16, m.opt.HeadAt)
	set(21, "UID01")
	set(22, m.opt.Film)
	set(23, m.opt.Film-min(s.Ribbon, m.opt.Film))
	set(24, "YMCKO")
	if t := m.shown(); t != nil {
		if m.late > 0 {
			m.late--
		} else {
			set(19, Errors[t.Why].Major)
			set(20, Errors[t.Why].Minor)
		}
	}
	return "STA$$ " + strings.Join(f[:20], ",") + ":" + strings.Join(f[20:], ",") + ","
}

// ready is the captured answer to ERR of a printer without an error.
const ready = "STAREADY\n00:00\n(c0300)"

// words is the answer to ERR.
func (m *Model) words() string {
	t := m.shown()
	if t == nil || m.late > 0 {
		return ready
	}
	e := Errors[t.Why]
	return "STA" + e.Words + "\nERROR - " + two(e.Major) + ":" + two(e.Minor) + "\n(" + e.Code + ")"
}

func two(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}
