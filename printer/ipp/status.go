package ipp

import (
	"context"
	"fmt"
	"slices"

	"github.com/OpenPrinting/goipp"

	"jukicard/printer"
)

// State is a printer's (RFC 8011, 5.4.11).
type State int

// Idle prints at once, Processing later, Stopped when somebody has seen to it.
const (
	Idle       State = 3
	Processing State = 4
	Stopped    State = 5
)

// String is the standard's keyword.
func (s State) String() string {
	switch s {
	case Idle:
		return "idle"
	case Processing:
		return "processing"
	case Stopped:
		return "stopped"
	}
	return fmt.Sprintf("state %d", int(s))
}

// Status is what a printer says of itself.
type Status struct {
	State      State
	Accepting  bool     // takes jobs
	Reasons    []string // printer-state-reasons as they came, without "none"
	Message    string   // printer-state-message
	Model      string   // printer-make-and-model
	Formats    []string // document-format-supported
	Media      []string // media-supported, names of PWG 5101.1
	MediaReady []string // media-ready: what is in the trays
	Supplies   []Supply
	Faults     []printer.Fault // the worst first; empty: it prints
	twoSteps   bool            // Create-Job and Send-Document
}

// wanted are the attributes that make a Status.
var wanted = []string{
	"printer-state", "printer-state-reasons", "printer-state-message", "printer-is-accepting-jobs",
	"printer-make-and-model", "document-format-supported", "media-supported", "media-ready", "operations-supported",
	"printer-supply", "printer-supply-description", "marker-names", "marker-types", "marker-levels",
}

// Status asks the printer (Get-Printer-Attributes, RFC 8011, 4.2.5).
func (p *Printer) Status(ctx context.Context) (Status, error) {
	m := p.request(goipp.OpGetPrinterAttributes)
	add(&m.Operation, "requested-attributes", goipp.TagKeyword, wanted...)
	answer, err := p.exchange(ctx, m, nil)
	if err != nil {
		return Status{}, err
	}
	return statusOf(answer.Printer), nil
}

func statusOf(a goipp.Attributes) Status {
	s := Status{
		State:     State(number(a, "printer-state", int(Stopped))),
		Accepting: yes(a, "printer-is-accepting-jobs"),
		Reasons:   slices.DeleteFunc(texts(a, "printer-state-reasons"), func(r string) bool { return r == "none" }),
		Message:   first(a, "printer-state-message"),
		Model:     first(a, "printer-make-and-model"),
		Formats:   texts(a, "document-format-supported"),
		Media:     texts(a, "media-supported"), MediaReady: texts(a, "media-ready"),
		Supplies: supplies(a),
	}
	operations := numbers(a, "operations-supported")
	s.twoSteps = slices.Contains(operations, int(goipp.OpCreateJob)) && slices.Contains(operations, int(goipp.OpSendDocument))
	s.Faults = faults(s, s.State == Stopped)
	return s
}
