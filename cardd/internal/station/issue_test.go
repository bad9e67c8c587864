package station_test

import (
	"fmt"
	"strings"
	"testing"

	"jukicard/cardd/internal/journal"
	"jukicard/simulator"
	"jukicard/simulator/people"
)

// everybody is all invented people, or one of each product where tests are to be short, of
// every generation.
func everybody() []string {
	if testing.Short() {
		return append([]string{"adult", "under15", "infant", "face-auth"}, people.Upcoming()...)
	}
	return append(people.Names(), people.Upcoming()...)
}

// generations are a person of each who gets all that a card can carry.
var generations = []string{"adult", "next-adult"}

func TestEveryPersonsCardIsIssued(t *testing.T) {
	for _, name := range everybody() {
		t.Run(name, func(t *testing.T) {
			b := newBenchFor(t, name)
			job, err := b.submit(t, name)
			if err != nil {
				t.Fatal(err)
			}
			if j := b.run(t, job); j.State != journal.Done || j.Reason != "" {
				t.Errorf("the job ended %s: %s", j.State, j.Reason)
			}
			if n := b.printed(t); n != 1 {
				t.Errorf("%d faces were printed", n)
			}
		})
	}
}

func (b *bench) printed(t *testing.T) uint64 {
	t.Helper()
	st, err := b.Printer.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st.CardsPrinted
}

// trap is a card that does something of its own at the n-th command of a job.
type trap struct {
	*simulator.Card
	n, at int
	armed bool
	snap  func(command []byte) (answer []byte, handled bool)
}

func (c *trap) Process(command []byte) []byte {
	c.n++
	if c.armed && c.n == c.at {
		c.armed = false
		if answer, handled := c.snap(command); handled {
			return answer
		}
	}
	return c.Card.Process(command)
}

// commands counts the commands of an undisturbed job.
func commands(t *testing.T, name string) int {
	t.Helper()
	b := newBenchFor(t, name)
	card := &trap{Card: b.card}
	b.desk.Remove(0)
	b.desk.Insert(0, card)
	job, err := b.submit(t, name)
	if err != nil {
		t.Fatal(err)
	}
	card.n = 0
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("the job ended %s: %s", j.State, j.Reason)
	}
	return card.n
}

// TestALostCommandOrAnswerCostsNothing loses one exchange of a job, before the card
// saw it or after it did, and expects the job to come to its end by itself: the
// same card, one certificate of each kind, one face, no try spent.
func TestALostCommandOrAnswerCostsNothing(t *testing.T) {
	for _, person := range generations {
		t.Run(person, func(t *testing.T) { lostExchanges(t, person) })
	}
}

func lostExchanges(t *testing.T, person string) {
	total := commands(t, person)
	stride := 7 // every place is tried by the fault suite; these keep a commit honest
	if testing.Short() {
		stride = 45
	}
	for at := 1; at <= total; at += stride {
		for _, kind := range []string{"command", "answer"} {
			t.Run(fmt.Sprintf("%s %d", kind, at), func(t *testing.T) {
				b := newBenchFor(t, person)
				card := &trap{Card: b.card, at: at}
				card.snap = func(command []byte) ([]byte, bool) {
					if kind == "answer" {
						card.Card.Process(command)
					}
					return nil, true
				}
				b.desk.Remove(0)
				b.desk.Insert(0, card)
				job, err := b.submit(t, person)
				if err != nil {
					t.Fatal(err)
				}
				card.n, card.armed = 0, true
				if j := b.run(t, job); j.State != journal.Done {
					t.Fatalf("the job ended %s: %s", j.State, j.Reason)
				}
				b.sound(t, job)
			})
		}
	}
}

// sound checks what must hold of every card that is done.
func (b *bench) sound(t *testing.T, job string) {
	t.Helper()
	if n := b.printed(t); n != 1 {
		t.Errorf("%d faces were printed", n)
	}
	issued, err := b.Authority.Certificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mine := 0
	for _, c := range issued {
		if strings.Contains(c.ID, b.card.ID()) {
			mine++
		}
	}
	if mine != 2 {
		t.Errorf("%d certificates were issued for the card, 2 are on it", mine)
	}
	b.receipt(t, job)
}

func (b *bench) receipt(t *testing.T, job string) {
	t.Helper()
	if r, err := b.Station.Receipt(t.Context(), job); err != nil || r == nil {
		t.Errorf("no receipt: %v", err)
	}
}

func TestAPulledCardHoldsTheJobAndGoesOnWithTheSameCard(t *testing.T) {
	for _, person := range generations {
		t.Run(person, func(t *testing.T) { pulled(t, person) })
	}
}

func pulled(t *testing.T, person string) {
	b := newBenchFor(t, person)
	card := &trap{Card: b.card, at: 40}
	card.snap = func([]byte) ([]byte, bool) {
		b.desk.Remove(0)
		return nil, true
	}
	b.desk.Remove(0)
	b.desk.Insert(0, card)
	job, err := b.submit(t, person)
	if err != nil {
		t.Fatal(err)
	}
	card.n, card.armed = 0, true
	j := b.run(t, job)
	if j.State != journal.Held || !strings.HasPrefix(j.Reason, "READER-CARD-REMOVED") || !strings.Contains(j.Reason, "steps are done") || !strings.Contains(j.Reason, "same card") {
		t.Fatalf("the job is %s: %s", j.State, j.Reason)
	}

	other := blankFor(t, person)
	b.desk.Insert(0, other)
	b.resume(t, job)
	if j = b.run(t, job); j.State != journal.Held || !strings.HasPrefix(j.Reason, "CARD-ANOTHER") {
		t.Fatalf("with another card the job is %s: %s", j.State, j.Reason)
	}
	b.desk.Remove(0)

	b.desk.Insert(0, card)
	b.resume(t, job)
	if j = b.run(t, job); j.State != journal.Done {
		t.Fatalf("with its own card the job is %s: %s", j.State, j.Reason)
	}
	b.sound(t, job)
}

func (b *bench) resume(t *testing.T, job string) {
	t.Helper()
	if err := b.Station.Resume(t.Context(), job, false); err != nil {
		t.Fatal(err)
	}
}

func TestPINsThatDiedWithTheDaemonAreAskedForAgain(t *testing.T) {
	for _, person := range generations {
		t.Run(person, func(t *testing.T) { pinsDied(t, person) })
	}
}

func pinsDied(t *testing.T, person string) {
	b := newBenchFor(t, person)
	job, err := b.submit(t, person)
	if err != nil {
		t.Fatal(err)
	}
	b.restart(t)
	j := b.run(t, job)
	if j.State != journal.Held || !strings.HasPrefix(j.Reason, "STATION-PIN-NEEDED") {
		t.Fatalf("the job is %s: %s", j.State, j.Reason)
	}
	again, err := b.submit(t, person)
	if err != nil || again != job {
		t.Fatalf("the same order became job %s, not %s: %v", again, job, err)
	}
	b.resume(t, job)
	if j = b.run(t, job); j.State != journal.Done {
		t.Fatalf("the job is %s: %s", j.State, j.Reason)
	}
	b.sound(t, job)
}
