package ipp

import (
	"strconv"
	"strings"

	"github.com/OpenPrinting/goipp"
)

// Supply is ink, toner or a box for waste.
type Supply struct {
	Name    string // for people, "Black Toner"
	Kind    string // "toner", "wasteToner", of RFC 3805, PrtMarkerSuppliesTypeTC
	Percent int    // what is left, or for waste what is full; -1 unknown
}

// supplies reads printer-supply (PWG 5100.13, 5.6.44), or where a printer has only them
// CUPS's marker-levels.
func supplies(a goipp.Attributes) []Supply {
	names := texts(a, "printer-supply-description")
	var all []Supply
	for i, text := range texts(a, "printer-supply") {
		s := supply(text)
		if i < len(names) && names[i] != "" {
			s.Name = names[i]
		}
		all = append(all, s)
	}
	if all != nil {
		return all
	}
	names, kinds := texts(a, "marker-names"), texts(a, "marker-types")
	for i, level := range numbers(a, "marker-levels") {
		s := Supply{Percent: percent(level, 100)}
		if i < len(names) {
			s.Name = names[i]
		}
		if i < len(kinds) {
			s.Kind = kinds[i]
		}
		all = append(all, s)
	}
	return all
}

// supply reads one value, for example
// "index=1;class=supplyThatIsConsumed;type=toner;unit=percent;maxcapacity=100;level=40;colorantname=black;".
func supply(text string) Supply {
	field := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		if key, value, ok := strings.Cut(part, "="); ok {
			field[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	s := Supply{Name: strings.TrimSpace(field["colorantname"] + " " + field["type"]), Kind: field["type"], Percent: -1}
	level, err := strconv.Atoi(field["level"])
	if err != nil {
		return s
	}
	capacity, err := strconv.Atoi(field["maxcapacity"])
	if err != nil {
		return s
	}
	s.Percent = percent(level, capacity)
	return s
}

// percent of what fits. Below 0 the printer does not know, or only that there is some
// (RFC 3805, prtMarkerSuppliesLevel).
func percent(level, capacity int) int {
	if level < 0 || capacity <= 0 || level > capacity {
		return -1
	}
	return int(float64(level) / float64(capacity) * 100)
}
