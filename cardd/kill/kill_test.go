package kill

import (
	"bytes"
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"jukicard/cardd/internal/journal"
)

// atOnce is how many cases are under way at a time: much of a case is waiting for
// pcscd to see a card come and go.
const atOnce = 5

// each runs a case for every number, some at once, in subtests of that name.
func each(t *testing.T, numbers []int, run func(t *testing.T, n int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for n := range next {
				t.Run(strconv.Itoa(n), func(t *testing.T) { run(t, n) })
			}
		})
	}
	for _, n := range numbers {
		next <- n
	}
	close(next)
	workers.Wait()
}

// undisturbed is an issue that nobody interferes with, made once for all tests.
var undisturbed struct {
	sync.Once
	sound
}

func reference(t *testing.T) *sound {
	t.Helper()
	undisturbed.Do(func() { issueUndisturbed(t, &undisturbed.sound) })
	if undisturbed.boundaries == 0 {
		t.Fatal("no card is issued even without a kill")
	}
	return &undisturbed.sound
}

func issueUndisturbed(t *testing.T, s *sound) {
	o := open(t)
	l := o.start(counting)
	end, err := l.hand(t.Context())
	if err != nil {
		t.Fatalf("%v: %s", err, l.text())
	}
	l.stop()
	f := o.judge(end, nil)
	for _, w := range slices.Concat(f.wrong, f.double) {
		t.Error(w)
	}
	st, err := o.statement(end.receipt)
	if err != nil {
		t.Fatal(err)
	}
	s.chip, s.steps, s.boundaries = read(t, o.card.Card), map[string]bool{}, l.boundaries
	s.apdus, _, _ = o.card.counts()
	s.front, s.back = o.prints()
	for _, step := range st.Steps {
		s.steps[step.ID] = true
	}
}

// TestKill kills cardd at every journal boundary of an issue, each on a blank card of
// its own, starts it again and lets it finish.
func TestKill(t *testing.T) {
	needBed(t)
	want := reference(t)
	t.Logf("an issue has %d boundaries and %d commands", want.boundaries, want.apdus)
	var all []int
	for n := 1; n <= want.boundaries; n++ {
		all = append(all, n)
	}
	each(t, all, func(t *testing.T, n int) { killAt(t, n, want) })
}

func killAt(t *testing.T, n int, want *sound) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	o := open(t)
	l := o.start(n)
	if end, err := l.hand(ctx); err == nil {
		t.Fatalf("cardd lived through boundary %d; the job is %s: %s", n, end.job.State, l.text())
	}
	l.killed()
	end := o.revive(ctx)
	end.kills = 1
	o.conclude(end, want)
}

// revive is the life after a kill, in which the card is finished.
func (o *office) revive(ctx context.Context) *ending {
	t := o.t
	t.Helper()
	died := time.Now()
	left := o.remains()
	if left.jobs == 0 && !bytes.Equal(o.card.Snapshot(), blank.Snapshot()) {
		t.Error("the card was changed for an order that was never taken")
	}
	o.card.mark()
	l := o.launch(never)
	end, err := l.finish(ctx)
	if err != nil {
		t.Fatalf("%v: %s", err, l.text())
	}
	l.stop()
	if end.asked != left.needPINs() {
		t.Errorf("PINs were asked for: %v; needed: %v", end.asked, left.needPINs())
	}
	end.served = l.served.Sub(l.began)
	if _, _, first := o.card.counts(); !first.IsZero() {
		end.resumed = first.Sub(died)
	}
	return end
}

// conclude judges a case and adds it up.
func (o *office) conclude(end *ending, want *sound) {
	o.t.Helper()
	f := o.judge(end, want)
	apdus, _, _ := o.card.counts()
	sum.take(o.t, outcome{
		finding: f, issued: end.job.State == journal.Done, kills: end.kills, more: apdus - want.apdus,
		resumed: end.resumed, served: end.served,
	})
}

// seeds of the random kills; each is a case of its own: -run 'KillAtRandom/7$'.
var seeds = flag.Int("kill.seeds", 8, "kill the daemon at random as many times, from seed 1 on; make soak does so 200 times")

// TestKillAtRandom kills cardd from outside at up to three moments in a row, drawn from
// a seed: a number of commands into its life, and a moment beyond.
func TestKillAtRandom(t *testing.T) {
	needBed(t)
	want := reference(t)
	var all []int
	for seed := 1; seed <= *seeds; seed++ {
		all = append(all, seed)
	}
	each(t, all, func(t *testing.T, seed int) { killAtRandom(t, uint64(seed), want) })
}

// momentMax is longer than any one command takes, and than cardd takes to come up.
const momentMax = 30 * time.Millisecond

func killAtRandom(t *testing.T, seed uint64, want *sound) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	random := rand.New(rand.NewPCG(seed, 0))
	o := open(t)
	var said []string
	kills := 0
	for range 1 + random.IntN(3) {
		done, _, _ := o.card.counts()
		at, moment := int(random.Float64()*float64(want.apdus-done)), time.Duration(random.Int64N(int64(momentMax)))
		if random.IntN(5) == 0 {
			at = 0 // while it comes up
		}
		said = append(said, strconv.Itoa(at)+" commands and "+moment.String())
		l := o.launch(never)
		o.card.alarm(at, func() { time.AfterFunc(moment, l.kill) })
		_, _ = l.finish(ctx) // most end with the daemon
		l.kill()             // where it was faster than the moment
		l.killed()
		kills++
	}
	t.Logf("seed %d: killed after %s", seed, strings.Join(said, ", then "))
	end := o.revive(ctx)
	end.kills = kills
	o.conclude(end, want)
}
