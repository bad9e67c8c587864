package printer_test

import (
	"errors"
	"testing"

	"jukicard/printer"
)

// TestTheCounterDecides: after a break the counter says what is on the card, and where
// it cannot say, nothing is assumed.
func TestTheCounterDecides(t *testing.T) {
	for _, row := range []struct {
		name   string
		before uint64
		now    printer.Status
		want   printer.Surface
	}{
		{"one more, card still inside", 41, printer.Status{CardsPrinted: 42, Position: printer.Head}, printer.SurfacePrinted},
		{"one more, card gone", 41, printer.Status{CardsPrinted: 42}, printer.SurfacePrinted},
		{"the same, under the head: ink may be on it", 41, printer.Status{CardsPrinted: 41, Position: printer.Head}, printer.SurfaceUnknown},
		{"one more, still busy", 41, printer.Status{CardsPrinted: 42, Faults: []printer.Fault{{Kind: printer.Wait}}}, printer.SurfaceUnknown},
		{"the same, lost inside", 41, printer.Status{CardsPrinted: 41, Position: printer.Lost}, printer.SurfaceUnknown},
		{"two more", 41, printer.Status{CardsPrinted: 43}, printer.SurfaceUnknown},
		{"fewer: another printer", 41, printer.Status{CardsPrinted: 7}, printer.SurfaceUnknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.now.Since(row.before); got != row.want {
				t.Errorf("the surface is %s, want %s", got, row.want)
			}
		})
	}
}

// TestErrorsSayWhatIsKnown: a fault names what was wanted and the device's own code, and
// a print that did not end says what is on the card.
func TestErrorsSayWhatIsKnown(t *testing.T) {
	fault := &printer.FaultError{Op: "feed a card", Fault: printer.Fault{Code: "0002D000", Kind: printer.Operator, Text: "the hopper is empty: put cards in"}}
	err := error(&printer.PrintError{Surface: printer.SurfaceBlank, Err: fault})
	const want = "cannot print the face, which is blank: cannot feed a card: the hopper is empty: put cards in (0002D000)"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	var as *printer.FaultError
	if !errors.As(err, &as) || as != fault {
		t.Error("the fault is not found in the print's error")
	}
}

// TestNames: what is out of range says so and does not panic.
func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		printer.Contactless.String():    "contactless",
		printer.Position(99).String():   "position 99",
		printer.Jam.String():            "jam",
		printer.FaultKind(-1).String():  "fault kind -1",
		printer.SurfaceSpoilt.String():  "spoilt",
		printer.Surface(9).String():     "surface 9",
		printer.PlanesSent.String():     "planes-sent",
		printer.CommitDone.String():     "commit-done",
		printer.Stage(0).String():       "none",
		printer.Stage(7).String():       "stage 7",
		printer.Lost.String():           "lost",
		printer.SurfaceUnknown.String(): "unknown",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestMark: a stage is told once each, and taking no notes is allowed.
func TestMark(t *testing.T) {
	if err := printer.Mark(nil).Tell(printer.PlanesSent); err != nil {
		t.Error(err)
	}
	stop := errors.New("the journal is full")
	var told []printer.Stage
	mark := printer.Mark(func(s printer.Stage) error { told = append(told, s); return stop })
	if err := mark.Tell(printer.CommitSent); !errors.Is(err, stop) || len(told) != 1 || told[0] != printer.CommitSent {
		t.Errorf("told %v: %v", told, err)
	}
}
