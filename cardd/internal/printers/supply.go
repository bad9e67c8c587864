package printers

import (
	"fmt"

	"jukicard/printer"
)

// A supply is low when fewer cards than this can be printed with it, whichever is more:
// a part of what it held when new, and so many that somebody can fetch a new one in time.
const (
	lowPart  = 10 // one tenth
	lowCards = 20
)

// Warning is a supply that will run out.
type Warning struct {
	Supply    string // "ribbon", "film", "cards", "cleaning"
	Remaining int    // cards; -1 where a sensor alone says that it is low
	Text      string // what to do, in English
}

// remedies are what to do about each supply.
var remedies = map[string]string{
	"ribbon":   "lay a new ribbon beside the printer",
	"film":     "lay a new film beside the printer",
	"cards":    "fill the hopper",
	"cleaning": "lay a cleaning card beside the printer",
}

// Warnings are the supplies that will soon run out, or have, of a printer's status. What
// the printer does not count is warned of by nobody, and said so in its status.
func Warnings(supplies []printer.Supply) []Warning {
	var low []Warning
	for _, s := range supplies {
		limit := lowCards
		if s.Capacity > 0 {
			limit = min(max(s.Capacity/lowPart, lowCards), s.Capacity-1)
		}
		if !s.Low && (s.Remaining < 0 || s.Remaining > limit) {
			continue
		}
		remedy := remedies[s.Name]
		if remedy == "" {
			remedy = "have a new one at hand"
		}
		left := fmt.Sprintf("enough for %d cards", s.Remaining)
		if s.Remaining < 0 {
			left = "nearly used up"
		}
		low = append(low, Warning{Supply: s.Name, Remaining: s.Remaining, Text: fmt.Sprintf("%s: %s; %s", s.Name, left, remedy)})
	}
	return low
}
