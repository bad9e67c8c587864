package station_test

import (
	"bytes"
	"strings"
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
)

// The card that was looked at for the order stays open for the job, which begins with
// its first step.
func TestAFreshJobDoesNotLookAgain(t *testing.T) {
	b := newBench(t)
	card := &trap{Card: b.card}
	b.desk.Insert(0, card)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	card.n, card.at, card.armed = 0, 2, true
	card.snap = func(command []byte) ([]byte, bool) {
		first = append(first, command[:4]...)
		return nil, false
	}
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("the job ended %s: %s", j.State, j.Reason)
	}
	if len(first) == 0 || first[0] != 0x80 || first[1] != 0x50 { // INITIALIZE UPDATE, behind SELECT
		t.Errorf("the second command of the job is % X", first)
	}
	b.sound(t, job)
}

func TestACardSwappedBetweenOrderAndJobIsNoticed(t *testing.T) {
	b := newBench(t)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	other := blank(t)
	before := other.Snapshot()
	b.desk.Insert(0, other)
	if j := b.run(t, job); j.State != journal.Held || !strings.HasPrefix(j.Reason, string(failure.CardOther)) {
		t.Fatalf("with another card the job is %s: %s", j.State, j.Reason)
	}
	if string(other.Snapshot()) != string(before) {
		t.Error("the other card was changed")
	}
	b.desk.Insert(0, b.card)
	b.resume(t, job)
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("with its own card the job is %s: %s", j.State, j.Reason)
	}
	b.sound(t, job)
}

// What was kept open for a job is given up when the station turns to something else.
func TestACardKeptForAJobIsGivenUp(t *testing.T) {
	rows := []struct {
		name string
		turn func(t *testing.T, b *bench, job string)
	}{
		{"for a resume", func(t *testing.T, b *bench, job string) { b.resume(t, job) }},
		{"for the same order again", func(t *testing.T, b *bench, job string) {
			if again, err := b.submit(t, "adult"); err != nil || again != job {
				t.Fatalf("job %s, %v", again, err)
			}
		}},
		{"for another order", func(t *testing.T, b *bench, job string) {
			b.desk.Insert(0, blank(t))
			next, err := b.submit(t, "infant")
			if err != nil {
				t.Fatal(err)
			}
			if j := b.run(t, next); j.State != journal.Done {
				t.Fatalf("the other job ended %s: %s", j.State, j.Reason)
			}
			b.desk.Insert(0, b.card)
		}},
		{"at the end", func(t *testing.T, b *bench, job string) {
			b.restart(t)
			if again, err := b.submit(t, "adult"); err != nil || again != job {
				t.Fatalf("job %s, %v", again, err)
			}
			b.resume(t, job)
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			job, err := b.submit(t, "adult")
			if err != nil {
				t.Fatal(err)
			}
			row.turn(t, b, job)
			if j := b.run(t, job); j.State != journal.Done {
				t.Fatalf("the job ended %s: %s", j.State, j.Reason)
			}
		})
	}
}

// Until its holder has entered the PINs again a job sends nothing to its card.
func TestAJobWithoutItsPINsLeavesTheCardAlone(t *testing.T) {
	b := newBench(t)
	card := &trap{Card: b.card}
	b.desk.Insert(0, card)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	card.n = 0
	b.restart(t)
	for range 2 {
		if j := b.job(t, job); j.State != journal.Held || !strings.HasPrefix(j.Reason, string(failure.StationPIN)) {
			t.Fatalf("the job is %s: %s", j.State, j.Reason)
		}
		b.resume(t, job) // nobody entered them
		b.run(t, job)
	}
	if card.n != 0 {
		t.Errorf("%d commands went to the card", card.n)
	}
}

func TestAnOrderUnderWayIsNotJudgedAgain(t *testing.T) {
	b := newBench(t)
	wire, _ := applicant(t, "adult")
	passed := func(wire []byte) bool {
		c := b.Station.ChecksOf(t.Context(), wire)
		return c.Photo == nil && c.Text == nil
	}
	if passed(wire) {
		t.Error("an order nobody has seen passes unjudged")
	}
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(wire, []byte(`"security_code": "`), []byte(`"security_code":  "`), 1)
	if bytes.Equal(changed, wire) || passed(changed) || passed(nil) || !passed(wire) {
		t.Error("the very bytes of the order under way pass unjudged, and no others")
	}
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("the job ended %s: %s", j.State, j.Reason)
	}
	if passed(wire) {
		t.Error("the order of a job that is done passes unjudged")
	}
}
