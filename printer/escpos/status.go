package escpos

import "jukicard/printer"

// Paper is how much paper there is.
type Paper int

// PaperNearEnd is when the roll is nearly used up, on printers that have the sensor.
const (
	PaperEnough Paper = iota
	PaperNearEnd
	PaperEnd
)

// String names it.
func (p Paper) String() string {
	switch p {
	case PaperEnough:
		return "enough"
	case PaperNearEnd:
		return "near end"
	}
	return "end"
}

// Status is what a printer says of itself.
type Status struct {
	Online   bool
	Paper    Paper
	Supplies []printer.Supply // the paper, of which no number is known but none
	Faults   []printer.Fault  // the worst first; empty: it prints
}

// Bits of the answers to DLE EOT 1 to 4 (printers fact sheet, 1.5).
const (
	bitOffline     = 0x08 // of 1
	bitPaperNear   = 0x0C // of 4
	bitPaperEnd    = 0x60 // of 4
	bitPaperStop   = 0x20 // of 2
	questionsCount = 4
)

// faults are the bits that stop a printer, by question, the worst first. What is a fault
// already under another bit is not told twice.
var faults = []struct {
	question int
	mask     byte
	fault    printer.Fault
}{
	{3, 0x20, printer.Fault{Code: "DLE EOT 3.5", Kind: printer.Broken, Text: "the printer has an error that it cannot recover from: switch it off and on, and call service if it stays"}},
	{3, 0x08, printer.Fault{Code: "DLE EOT 3.3", Kind: printer.Jam, Text: "the cutter is stuck: open the cover, take out the paper in its way, and recover the printer"}},
	{3, 0x04, printer.Fault{Code: "DLE EOT 3.2", Kind: printer.Jam, Text: "the printer's mechanism is stuck: take out the paper in its way, and recover the printer"}},
	{2, 0x04, printer.Fault{Code: "DLE EOT 2.2", Kind: printer.Operator, Text: "the cover is open: close it"}},
	{4, bitPaperEnd, printer.Fault{Code: "DLE EOT 4.5", Kind: printer.Operator, Text: "the paper has run out: put in a roll"}},
	{2, bitPaperStop, printer.Fault{Code: "DLE EOT 2.5", Kind: printer.Operator, Text: "the paper has run out: put in a roll"}},
	{3, 0x40, printer.Fault{Code: "DLE EOT 3.6", Kind: printer.Wait, Text: "the printer is too hot: it goes on by itself"}},
	{2, 0x08, printer.Fault{Code: "DLE EOT 2.3", Kind: printer.Wait, Text: "somebody holds the feed button: it goes on when it is let go"}},
	{2, 0x40, printer.Fault{Code: "DLE EOT 2.6", Kind: printer.Broken, Text: "the printer has an error that it does not name: switch it off and on"}},
	{1, 0x20, printer.Fault{Code: "DLE EOT 1.5", Kind: printer.Operator, Text: "the printer waits to be put on line: press its button"}},
	{1, bitOffline, printer.Fault{Code: "DLE EOT 1.3", Kind: printer.Operator, Text: "the printer is off line: press its button"}},
}

// general are the questions' bits that only say that there is a fault: they are told
// when nothing says which.
var general = map[string]bool{"DLE EOT 2.6": true, "DLE EOT 1.5": true, "DLE EOT 1.3": true}

// decode reads the answers to the four questions.
func decode(bits [questionsCount]byte) Status {
	s := Status{Online: bits[0]&bitOffline == 0}
	remaining := -1
	switch {
	case bits[3]&bitPaperEnd != 0 || bits[1]&bitPaperStop != 0:
		s.Paper, remaining = PaperEnd, 0
	case bits[3]&bitPaperNear != 0:
		s.Paper = PaperNearEnd
	}
	s.Supplies = []printer.Supply{{Name: "paper", Remaining: remaining, Capacity: -1, Low: s.Paper != PaperEnough}}
	told := map[string]bool{}
	for _, row := range faults {
		if bits[row.question-1]&row.mask == 0 || told[row.fault.Text] || general[row.fault.Code] && len(s.Faults) > 0 {
			continue
		}
		told[row.fault.Text] = true
		s.Faults = append(s.Faults, row.fault)
	}
	return s
}
