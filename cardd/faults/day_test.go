package faults

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

const (
	ordersUsual = 240 // of random days in every run of the tests
	ordersADay  = 400 // of one day, where there are more
	diskEvery   = 16  // one day in so many has a real journal
)

// TestRandomDays is as many orders as -faults.cards says, in days of 400 from
// -faults.seed on. Any day that goes wrong is told with its seed and replays.
func TestRandomDays(t *testing.T) {
	h := inHouse(t)
	left := cmp.Or(*cards, ordersUsual)
	log := dayLog(t)
	var tally Tally
	var one sync.Mutex
	days := make(chan day)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for d := range days {
				var b bytes.Buffer
				sum, err := h.Day(t.Context(), d.seed, d.orders, d.options(), &b)
				one.Lock()
				tally.Sum(sum)
				d.judge(t, sum, err, b.String())
				_, _ = b.WriteTo(log)
				if *cards > ordersUsual {
					fmt.Printf("day %d: %v\n", d.seed, tally)
				}
				one.Unlock()
			}
		})
	}
	for s := *seed; left > 0; s++ {
		n := min(left, cmp.Or(*aDay, min(ordersADay, max(ordersUsual/runtime.GOMAXPROCS(0), left/64))))
		days <- day{s, n}
		left -= n
	}
	close(days)
	all.Wait()
	t.Logf("%d faults of cards, %d deaths of the daemon, %d times a clerk was needed; days from seed %d, one in %d with a journal on disk, the others with one in memory\n%s",
		tally.Faults, tally.Deaths, tally.Holds, *seed, diskEvery, tally.Reasons())
	summary = append(summary, strings.Replace(tally.String(), "faults:", fmt.Sprintf("random days from seed %d:", *seed), 1))
}

// dayLog is where the logs of days go.
func dayLog(t *testing.T) io.Writer {
	t.Helper()
	if *kept == "" {
		return io.Discard
	}
	f, err := os.Create(*kept)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// day is one day to come.
type day struct {
	seed   uint64
	orders int
}

func (d day) options() Options { return Options{Short: *short, Disk: d.seed%diskEvery == 0} }

func (d day) judge(t *testing.T, sum Tally, err error, log string) {
	t.Helper()
	if err == nil && sum.Good() {
		return
	}
	t.Errorf("day %d of %d orders: %v, %v\nagain with: go test ./cardd/faults -run RandomDays -faults.seed=%d -faults.cards=%d -faults.day=%d", d.seed, d.orders, sum, err, d.seed, d.orders, d.orders)
	for line := range strings.Lines(log) {
		if strings.Contains(line, "WRONG") {
			t.Log(line)
		}
	}
}

// TestADayReplays: the same seed is the same day, whatever is random in the daemon, and
// with whichever journal.
func TestADayReplays(t *testing.T) {
	h := inHouse(t)
	var logs [3]bytes.Buffer
	for i, o := range []Options{{}, {}, {Disk: true}} {
		if _, err := h.Day(t.Context(), 42, 30, o, &logs[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i := 1; i < len(logs); i++ {
		if logs[0].String() != logs[i].String() {
			t.Errorf("the day went otherwise:\n%s", firstDifference(logs[0].String(), logs[i].String()))
		}
	}
	if n := strings.Count(logs[0].String(), "\n"); n < 30 {
		t.Errorf("the log has %d lines for 30 orders", n)
	}
}

func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return as[i] + "\n" + bs[i]
		}
	}
	return fmt.Sprintf("%d lines and %d", len(as), len(bs))
}
