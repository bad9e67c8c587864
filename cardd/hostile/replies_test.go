package hostile

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	repliesWanted = flag.Int("hostile.replies", 20_000, "malformed replies to give to the whole flow; make soak gives a million")
	seed          = flag.Uint64("hostile.seed", 0, "seed of the malformed replies; 0 draws one")
)

// resumesOfReplies is how often a job that is held is let go on, as an operator would
// who has been told to clean the contacts.
const resumesOfReplies = 30

// tally is what many hostile cards came to.
type tally struct {
	mu                               sync.Mutex
	cards, replies, storms, commands int
	wrong                            []string
	ended                            map[string]int
	most                             int // commands of one card
}

func (y *tally) add(kind int, n uint64, p played) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.cards++
	y.replies += p.malformed
	y.storms += p.storms
	y.commands += p.commands
	y.most = max(y.most, p.commands)
	y.ended[p.word()]++
	for _, w := range p.wrong {
		y.wrong = append(y.wrong, fmt.Sprintf("kind %d, card %d: %s; the job ended %s: %s", kind, n, w, p.word(), p.job.Reason))
	}
}

func (y *tally) given() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.replies
}

// scriptOf is the script of card n of a seed: short or long, dense or sparse.
func scriptOf(seed, n uint64) (kind int, b []byte) {
	r := rand.New(rand.NewPCG(seed, n))
	b = make([]byte, []int{60, 600, 6000}[r.IntN(3)])
	for i := 0; i < len(b); i += 8 {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], r.Uint64())
		copy(b[i:], word[:])
	}
	if r.IntN(2) == 0 { // most gaps and arguments small
		for i := range b {
			if r.IntN(3) > 0 {
				b[i] %= 4
			}
		}
	}
	return []int{aWire, aWire, aWire, aWire, aWire, aLiar, aMaster, aNoise}[r.IntN(8)], b
}

// storm gives so many malformed replies, on all processors. Card n of a seed is the same
// each time.
func storm(t testing.TB, ctx context.Context, seed uint64, replies int) *tally {
	y := &tally{ended: map[string]int{}}
	var group sync.WaitGroup
	workers := uint64(runtime.GOMAXPROCS(0))
	for worker := range workers {
		s := newStage(t, worker%2 == 1)
		group.Go(func() {
			for n := worker; y.given() < replies && ctx.Err() == nil; n += workers {
				kind, b := scriptOf(seed, n)
				resumes := resumesOfReplies
				if kind != aWire { // what a card itself says does not get better
					resumes = 2
				}
				y.add(kind, n, s.play(ctx, kind, b, resumes))
			}
		})
	}
	group.Wait()
	return y
}

// TestAMillionMalformedReplies gives malformed replies to the whole flow: a short form
// in each test run, the million with -hostile.replies=1000000. Its last line has the
// counts.
func TestAMillionMalformedReplies(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("again with: go test -run %s ./cardd/hostile -hostile.seed %d", t.Name(), *seed)
	y := storm(t, t.Context(), *seed, *repliesWanted)
	for _, w := range y.wrong[:min(len(y.wrong), 20)] {
		t.Error(w)
	}
	var ended []string
	for _, word := range slices.Sorted(maps.Keys(y.ended)) {
		ended = append(ended, fmt.Sprintf("%d %s", y.ended[word], word))
	}
	t.Logf("hostile: %d malformed replies, %d of them in storms, from %d cards: %s; %d commands, at most %d of one card; %d wrong",
		y.replies, y.storms, y.cards, strings.Join(ended, ", "), y.commands, y.most, len(y.wrong))
	if y.replies < *repliesWanted {
		t.Errorf("%d replies were given, %d are wanted", y.replies, *repliesWanted)
	}
	if y.ended["done"] == 0 {
		t.Error("no card came through: the flow was never tried to its end")
	}
}
