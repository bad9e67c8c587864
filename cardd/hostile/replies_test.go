package hostile

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	repliesWanted = flag.Int("hostile.replies", 3000, "malformed replies to give to the whole flow, and 40 times as many to a technician's commands; make soak gives a million")
	seed          = flag.Uint64("hostile.seed", 0, "seed of the malformed replies; 0 draws one")
)

// resumesOfReplies is how often a job that is held is let go on, as an operator would
// who has been told to clean the contacts.
const resumesOfReplies = 30

// tally is what many hostile cards came to.
type tally struct {
	mu                               sync.Mutex
	Cards, Replies, Storms, Commands int
	Crashes, Hangs                   int
	Wrong                            []string // crashes and hangs among them
	Ended                            map[string]int
	Most                             int    // commands of one card
	Technician                       int    // answers to a technician's commands
	Grown                            uint64 // bytes that the heap grew by under these
	Memory                           int64  // most bytes that the process held; 0: not known
}

func (y *tally) add(kind int, n uint64, p played, ill string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.Cards++
	y.Replies += p.malformed
	y.Storms += p.storms
	y.Commands += p.commands
	y.Most = max(y.Most, p.commands)
	switch {
	case strings.HasPrefix(ill, "crash"):
		y.Crashes++
	case ill != "":
		y.Hangs++
	default:
		y.Ended[p.word()]++
	}
	if ill != "" {
		p.wrong = append(p.wrong, ill)
	}
	for _, w := range p.wrong {
		y.Wrong = append(y.Wrong, fmt.Sprintf("kind %d, card %d: %s; the job ended %s: %s", kind, n, w, p.word(), p.job.Reason))
	}
}

func (y *tally) given() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.Replies
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

// hangAfter is how long one card may keep a station. A job takes some 50 ms.
const hangAfter = 2 * time.Minute

// guarded is play that lives through a panic and does not wait for ever; what became of
// it then is said instead.
func (s *stage) guarded(ctx context.Context, kind int, b []byte, resumes int) (played, string) {
	done := make(chan played, 1)
	crashed := make(chan string, 1)
	go func() {
		defer func() {
			if why := recover(); why != nil {
				crashed <- fmt.Sprintf("%v\n%s", why, debug.Stack())
			}
		}()
		done <- s.play(ctx, kind, b, resumes)
	}()
	limit := time.NewTimer(hangAfter)
	defer limit.Stop()
	select {
	case p := <-done:
		return p, ""
	case why := <-crashed:
		return played{}, "crash: " + why
	case <-limit.C:
		return played{}, "hang"
	}
}

// workers is how many stations a storm has at once: always the same, for their memory
// is measured.
const workers = 2

// storm gives so many malformed replies. Card n of a seed is the same each time.
func storm(ctx context.Context, seed uint64, replies int) (*tally, error) {
	y := &tally{Ended: map[string]int{}}
	var group sync.WaitGroup
	var errs [workers]error
	for worker := range uint64(workers) {
		group.Go(func() { errs[worker] = y.work(ctx, seed, worker, replies) })
	}
	group.Wait()
	return y, errors.Join(errs[:]...)
}

// work is one station of a storm, which takes every so manieth card.
func (y *tally) work(ctx context.Context, seed, worker uint64, replies int) error {
	s, err := openStage(ctx, worker%2 == 1)
	if err != nil {
		return err
	}
	for n := worker; y.given() < replies; n += workers {
		kind, b := scriptOf(seed, n)
		resumes := resumesOfReplies
		if kind != aWire { // what a card itself says does not get better
			resumes = 2
		}
		p, ill := s.guarded(ctx, kind, b, resumes)
		y.add(kind, n, p, ill)
		if ill != "" { // nobody knows what state this station is in
			if s, err = openStage(ctx, worker%2 == 1); err != nil {
				return err
			}
		}
	}
	return s.close()
}

// TestMalformedReplies gives malformed replies to the whole flow and to a technician's
// commands, in a process whose memory is compared with that of one which meets honest
// cards alone: a short form in each test run, the million with
// -hostile.replies=1000000. Its counts are the last line.
func TestMalformedReplies(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("again with: go test -run %s ./cardd/hostile -hostile.seed %d", t.Name(), *seed)
	honest, y := inChild(t, roleHonest), inChild(t, roleHostile)
	for _, w := range y.Wrong[:min(len(y.Wrong), 20)] {
		t.Error(w)
	}
	var ended []string
	for _, word := range slices.Sorted(maps.Keys(y.Ended)) {
		ended = append(ended, fmt.Sprintf("%d %s", y.Ended[word], word))
	}
	t.Logf("of %d cards %s; %d commands, at most %d of one card; %d replies came in storms; the heap grew by %d KiB under a technician's commands",
		y.Cards, strings.Join(ended, ", "), y.Commands, y.Most, y.Storms, y.Grown>>10)
	line := fmt.Sprintf("hostile: %d malformed replies, %d cards, %d answers to a technician, %d crashes, %d hangs, %d wrong, peak memory %s",
		y.Replies, y.Cards, y.Technician, y.Crashes, y.Hangs, len(y.Wrong)-y.Crashes-y.Hangs, remembered(y.Memory, honest.Memory))
	summary = append(summary, line)
	t.Log(line)
	if y.Replies < *repliesWanted {
		t.Errorf("%d replies were given, %d are wanted", y.Replies, *repliesWanted)
	}
	if y.Ended["done"] == 0 {
		t.Error("no card came through: the flow was never tried to its end")
	}
	if limit := max(memoryMax, honest.Memory+memoryMax/2); y.Memory > limit { // -race takes more with any card
		t.Errorf("with hostile cards the process held %d MiB, at most %d", y.Memory>>20, limit>>20)
	}
}

// remembered is the most memory a process held, beside that of one with honest cards.
func remembered(most, honest int64) string {
	if most == 0 {
		return "not measured on this system"
	}
	return fmt.Sprintf("%d MiB, %d MiB with honest cards", most>>20, honest>>20)
}
