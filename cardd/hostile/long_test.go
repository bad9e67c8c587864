package hostile

import (
	"testing"

	"jukicard/apdu"
	"jukicard/cardd/internal/receipt"
	"jukicard/simulator"
)

// deaf is a card that does not hear the first so many channels being opened.
type deaf struct {
	*simulator.Card
	left int
}

// Process implements simulator.ProcessingCard.
func (d *deaf) Process(command []byte) []byte {
	if command[1] == apdu.INSInitializeUpdate && d.left > 0 {
		d.left--
		return nil
	}
	return d.Card.Process(command)
}

// TestALongJobHasAReceipt: a job with hundreds of plans that came to nothing ends with a
// receipt that can be read. The receipt once outgrew its record in the journal, and the
// job of a card that was finished could never be ended.
func TestALongJobHasAReceipt(t *testing.T) {
	s := newStage(t, false)
	d := &deaf{s.twin(), 300}
	out := s.try(t.Context(), d, d.Card, false, 60)
	if !out.done() || len(out.wrong) > 0 {
		t.Fatalf("the job ended %s: %s %q", out.word(), out.job.Reason, out.wrong)
	}
	b, err := s.station.Receipt(t.Context(), out.job.ID)
	if err != nil {
		t.Fatal(err)
	}
	st, err := receipt.Verify(b, s.receipts.Public())
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Plans) < 300 || len(st.Steps) > 100 {
		t.Errorf("the receipt of %d bytes names %d plans and %d steps", len(b), len(st.Plans), len(st.Steps))
	}
}
