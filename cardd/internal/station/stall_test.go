package station_test

import (
	"strings"
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/simulator/fault"
)

// TestAStallingCardHoldsItsJobAndNotTheStation: a command that is never answered is a link
// that failed. The station is free at once for who asks; when the card has been taken out
// and put in again the job goes on with it.
func TestAStallingCardHoldsItsJobAndNotTheStation(t *testing.T) {
	t.Setenv("CARDD_READER_COMMAND_SECONDS", "1")
	b := newBench(t)
	card := fault.Wrap(b.card)
	stalled, out := make(chan struct{}), make(chan struct{})
	card.Patience = func() { close(stalled); <-out }
	b.desk.Insert(0, card)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	card.Arm(fault.Script{{At: 40, Kind: fault.Stalled}})
	j := b.run(t, job)
	<-stalled
	if j.State != journal.Held || !strings.HasPrefix(j.Reason, string(failure.ReaderMute)) || !strings.Contains(j.Reason, "still on its way") {
		t.Fatalf("the job is %s: %s", j.State, j.Reason)
	}
	b.resume(t, job)
	if j = b.run(t, job); j.State != journal.Held {
		t.Errorf("with the card still stalling the job is %s: %s", j.State, j.Reason)
	}
	b.desk.Remove(0) // by hand, and the card gives up
	close(out)
	b.resume(t, job)
	if j = b.run(t, job); j.State != journal.Held {
		t.Errorf("without its card the job is %s: %s", j.State, j.Reason)
	}
	card.Disarm()
	b.desk.Insert(0, card)
	b.resume(t, job)
	if j = b.run(t, job); j.State != journal.Done || j.Reason != "" {
		t.Fatalf("with its card again the job is %s: %s", j.State, j.Reason)
	}
	b.sound(t, job)
	if n := b.card.TriesSpent(); n != 0 {
		t.Errorf("%d tries were spent", n)
	}
}
