package xid

import (
	"fmt"

	"jukicard/printer"
)

// senseError is what the printer refused with.
type senseError struct{ code uint32 }

// Error gives the code as the printer's own tools do.
func (e *senseError) Error() string { return fmt.Sprintf("cannot go on: %08X", e.code) }

const (
	codeNoCards   = 0x0002D000
	codePowerLost = 0x0002C300
	codeReset     = 0x00062800
)

// codes is every code that a source names: sense key in the third byte, additional code
// in the second last (REQUEST SENSE: b[2]<<16 | b[12]<<8). The meanings are the words of
// revk/cardprint, xidserver.c; the remedies are ours.
var codes = map[uint32]struct {
	kind printer.FaultKind
	text string
}{
	0x0002DA00:    {printer.Wait, "warming up: it will be ready by itself"},
	0x0002DB00:    {printer.Wait, "initialising: it will be ready by itself"},
	0x0002D300:    {printer.Wait, "busy: it will be ready by itself"},
	0x0002D400:    {printer.Wait, "printing: it will be ready by itself"},
	codeNoCards:   {printer.Operator, "no cards in the hopper: put cards in"},
	0x0002D100:    {printer.Operator, "door open: close it"},
	0x0002C100:    {printer.Broken, "cam error: switch it off and on, then call service"},
	0x0002C200:    {printer.Operator, "heat roller too hot: let it cool down"},
	codePowerLost: {printer.Restarted, "the power was interrupted: take out a card that is inside"},
	0x0002D800:    {printer.Broken, "hardware: switch it off and on, then call service"},
	0x0002F000:    {printer.Operator, "transfer roller too hot: let it cool down"},
	0x0002F100:    {printer.Broken, "transfer roller heater: call service"},
	0x0002F200:    {printer.Broken, "transfer roller thermistor: call service"},
	0x0002F300:    {printer.Operator, "bend remedy roller too hot: let it cool down"},
	0x0002F400:    {printer.Broken, "bend remedy roller heater: call service"},
	0x0002F500:    {printer.Broken, "bend remedy roller thermistor: call service"},
	0x0002F600:    {printer.Operator, "too cold: let it warm up in a warmer room"},
	0x0002F800:    {printer.Operator, "print head too hot: let it cool down"},
	0x00034400:    {printer.Broken, "hardware: switch it off and on, then call service"},
	0x00039000:    {printer.Jam, "card jam at the hopper: open it and take the card out"},
	0x00039100:    {printer.Jam, "card jam in the turn-over: open it and take the card out"},
	0x00039200:    {printer.Jam, "card jam at the magnetic head: open it and take the card out"},
	0x00039300:    {printer.Jam, "card jam at the transfer: open it and take the card out"},
	0x00039400:    {printer.Jam, "card jam at the discharge: open it and take the card out"},
	0x00039500:    {printer.Jam, "card jam at the re-transfer: open it and take the card out"},
	0x0003A100:    {printer.Operator, "film not found or at its end: put a new film in"},
	0x0003A800:    {printer.Broken, "magnetic test: call service"},
	0x0003AB00:    {printer.Broken, "magnetic mechanism: call service"},
	0x0003AC00:    {printer.Broken, "magnetic hardware: call service"},
	0x0003AD00:    {printer.Broken, "magnetic write: call service"},
	0x0003B000:    {printer.Operator, "ribbon not usable: put one in that belongs to this printer"},
	0x0003B100:    {printer.Operator, "ribbon not found: put it in again"},
	0x0003B200:    {printer.Operator, "ribbon at its end: put a new one in"},
	0x00052000:    {printer.Refused, "unknown command: report it with the printer's model and firmware"},
	0x00052600:    {printer.Refused, "the card is not where it would have to be"},
	0x00052A00:    {printer.Refused, "it will not do that now"},
	codeReset:     {printer.Restarted, "it has started again: look where the card is"},
}

// fault is what a code means. One that no source names asks for a person.
func fault(code uint32) printer.Fault {
	f := printer.Fault{Code: fmt.Sprintf("%08X", code), Kind: printer.Broken, Text: "a code that is not known: look it up in the printer's own manual"}
	if row, ok := codes[code]; ok {
		f.Kind, f.Text = row.kind, row.text
	}
	return f
}
