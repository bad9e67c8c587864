package printertest

import (
	"jukicard/printer"
	"jukicard/simulator/press"
)

// Call is what a station does with a card, in its order.
type Call int

// The calls of one card: feed it to the contact station, take it to the head, print,
// deliver. None is a case without a failure.
const (
	None Call = iota
	Feed
	Head
	Print
	Deliver
)

// String names the call.
func (c Call) String() string { return [...]string{"nothing", "feed", "head", "print", "deliver"}[c] }

// Answer is how a call fails.
type Answer int

// Says is a *printer.FaultError: the printer itself said what is wrong. Breaks is a
// *wire.Error or an ended context: the link said it, and the printer was asked after it.
const (
	Says Answer = iota + 1
	Breaks
)

// String names the answer.
func (a Answer) String() string { return [...]string{"", "says", "breaks"}[a] }

// End is what becomes of the first card of a case.
type End int

// Delivered is in the output, whole, printed once. Rejected lies in the reject bin. ByHand
// was taken out by the operator.
const (
	Delivered End = iota + 1
	Rejected
	ByHand
)

// String names the end.
func (e End) String() string { return [...]string{"", "delivered", "rejected", "by hand"}[e] }

// Want is how a row must end.
type Want struct {
	Fails   Call
	Answer  Answer
	Kinds   []printer.FaultKind // of Says: one of these
	Surface printer.Surface     // what is known when all was asked; of Print alone
	End     End
}

// Row is one line of the fault table.
type Row struct {
	Name string
	Fact string // the line of the fact sheet's table (printers, 4) it comes from
	// Set is the state that the operator left the printer in.
	Set func(*press.Press)
	// Mishaps go wrong by themselves.
	Mishaps []press.Mishap
	// Cut is the moment at which the link is cut, with its number from 1 and whether
	// it has happened by then.
	Cut      press.Moment
	CutNth   int
	CutAfter bool
	// Mend is what the operator does when the printer has said what it wants.
	Mend func(*press.Press)
	Film Want // re-transfer
	Ink  Want // direct printing
}
