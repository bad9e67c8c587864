package ipp

import (
	"slices"
	"strings"

	"jukicard/printer"
)

// reasons are the printer-state-reasons that hold a printer up, without their suffix
// (RFC 8011, 5.4.12; PWG 5100.9), the worst first.
var reasons = []struct {
	keyword string
	kind    printer.FaultKind
	text    string
}{
	{"media-jam", printer.Jam, "paper is jammed: take it out"},
	{"fuser-over-temp", printer.Broken, "the fuser is too hot: let it cool, and call service if it stays"},
	{"fuser-under-temp", printer.Broken, "the fuser is too cold: call service if it stays"},
	{"opc-life-over", printer.Broken, "the drum is used up: have it replaced"},
	{"opc-near-eol", printer.Broken, "the drum is nearly used up: have it replaced"},
	{"interpreter-resource-unavailable", printer.Broken, "the printer lacks something to read the document with: call service"},
	{"cover-open", printer.Operator, "a cover is open: close it"},
	{"door-open", printer.Operator, "a door is open: close it"},
	{"interlock-open", printer.Operator, "a cover is open: close it"},
	{"media-empty", printer.Operator, "the paper has run out: fill the tray"},
	{"media-needed", printer.Operator, "paper of another size or kind is asked for: fill the tray"},
	{"input-tray-missing", printer.Operator, "a paper tray is out: push it in"},
	{"output-tray-missing", printer.Operator, "the output tray is missing: put it in"},
	{"output-area-full", printer.Operator, "the output tray is full: empty it"},
	{"toner-empty", printer.Operator, "the toner has run out: put in a cartridge"},
	{"marker-supply-empty", printer.Operator, "ink or toner has run out: put in a cartridge"},
	{"marker-waste-full", printer.Operator, "the waste box is full: replace it"},
	{"developer-empty", printer.Operator, "the developer has run out: replace it"},
	{"paused", printer.Operator, "the printer is paused: resume it"},
	{"moving-to-paused", printer.Operator, "the printer is being paused: resume it"},
	{"shutdown", printer.Operator, "the printer is shut down: switch it on"},
	{"offline", printer.Operator, "the printer is off line: put it on line"},
	{"hold-new-jobs", printer.Operator, "the printer holds new jobs: release them"},
	{"connecting-to-device", printer.Wait, "the queue is looking for its printer: switch it on if it stays"},
	{"timed-out", printer.Wait, "the printer does not answer its queue: see that it is on"},
	{"spool-area-full", printer.Wait, "the printer's memory for jobs is full: it goes on by itself"},
	{"stopping", printer.Wait, "the printer is stopping: wait until it has"},
}

// Suffixes of a reason (RFC 8011, 5.4.12). One without any is an error if the printer
// stands still.
const (
	suffixReport  = "-report"
	suffixWarning = "-warning"
	suffixError   = "-error"
)

// faults are the reasons that stop the printer. Reports and warnings do not, unless it
// is held up and gives no other.
func faults(s Status, held bool) []printer.Fault {
	var serious, mild []printer.Fault
	for _, r := range s.Reasons {
		f, known := faultOf(r)
		switch {
		case strings.HasSuffix(r, suffixError), known && bare(r) == r:
			serious = append(serious, f)
		case !strings.HasSuffix(r, suffixReport):
			mild = append(mild, f)
		}
	}
	if len(serious) == 0 && held {
		serious = mild
	}
	if len(serious) == 0 && s.State == Stopped {
		serious = []printer.Fault{{Code: "stopped", Kind: printer.Operator, Text: "the printer stands still and does not say why: look at it"}}
	}
	slices.SortStableFunc(serious, func(a, b printer.Fault) int { return rank(a) - rank(b) })
	return serious
}

// faultOf is what a reason means; one that is in no standard is passed on.
func faultOf(reason string) (printer.Fault, bool) {
	for _, row := range reasons {
		if row.keyword == bare(reason) {
			return printer.Fault{Code: reason, Kind: row.kind, Text: row.text}, true
		}
	}
	return printer.Fault{Code: reason, Kind: printer.Operator, Text: "the printer says " + reason + ": look at it"}, false
}

func bare(reason string) string {
	for _, s := range []string{suffixReport, suffixWarning, suffixError} {
		if b, ok := strings.CutSuffix(reason, s); ok {
			return b
		}
	}
	return reason
}

// rank is a fault's place in the table, or behind it.
func rank(f printer.Fault) int {
	for i, row := range reasons {
		if row.keyword == bare(f.Code) {
			return i
		}
	}
	return len(reasons)
}
