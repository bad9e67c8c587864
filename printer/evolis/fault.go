package evolis

import (
	"context"
	"fmt"

	"jukicard/printer"
)

// refusal is an order that the printer answered with an error of its own.
func refusal(op string, r reply) *printer.FaultError {
	return &printer.FaultError{Op: op, Fault: printer.Fault{
		Code: string(r), Kind: printer.Refused,
		Text: "the printer will not do that now; its firmware may be too old for it",
	}}
}

// wrong is a card that is not where an order needs it.
func wrong(op string, at printer.Position, remedy string) *printer.FaultError {
	return &printer.FaultError{Op: op, Fault: printer.Fault{
		Code: "Rlr;p", Kind: printer.Refused, Text: fmt.Sprintf("the card is at %s: %s", at, remedy),
	}}
}

// why finds what a refusal of the mechanics means: the order was wrong, or a sensor says
// what is wrong, or else a card hangs where no sensor sees why.
func (p *Printer) why(ctx context.Context, op string, r reply) error {
	if r.misuse() {
		return refusal(op, r)
	}
	st, err := p.Status(ctx)
	if err != nil {
		return err
	}
	if f := stops(st.Faults); f != nil {
		return &printer.FaultError{Op: op, Fault: printer.Fault{Code: string(r), Kind: f.Kind, Text: f.Text}}
	}
	p.hangs = hanging(r)
	return &printer.FaultError{Op: op, Fault: *p.hangs}
}

func hanging(r reply) *printer.Fault {
	return &printer.Fault{
		Code: string(r), Kind: printer.Jam,
		Text: fmt.Sprintf("the printer answers %q and no sensor says why: open it, take the card out by hand and confirm its serial number", string(r)),
	}
}

// stops is the first fault that keeps the printer from working. A ribbon that is short
// keeps only us from beginning a card.
func stops(all []printer.Fault) *printer.Fault {
	for i := range all {
		if all[i].Kind != printer.Wait && all[i].Code != codeShort {
			return &all[i]
		}
	}
	return nil
}
