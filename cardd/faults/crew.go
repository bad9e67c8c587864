package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// casesMost is how many cards an office serves before a new one is opened: a journal that
// grows makes every later case slower.
const casesMost = 64

// Crew has so many offices work through tries side by side, each with the options of the
// try's own, and tells every end as it comes, from one goroutine at a time. It ends with
// the first error.
func (h *House) Crew(ctx context.Context, offices int, tries []Case, told func(Case, End)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan Case)
	var all sync.WaitGroup
	var one sync.Mutex
	for range offices {
		all.Go(func() {
			w := &worker{h, map[Options]*Office{}}
			defer w.close()
			for c := range queue {
				end, err := w.do(ctx, c)
				if err != nil {
					stop(fmt.Errorf("%v: %w", c, err))
					continue
				}
				one.Lock()
				told(c, end)
				one.Unlock()
			}
		})
	}
	feed(ctx, queue, tries)
	all.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Case is one try at an office of one kind.
type Case struct {
	Options Options
	Try     Try
}

// String is what a case does: its length, its person, its script.
func (c Case) String() string {
	length := "extended"
	if c.Options.Short {
		length = "short"
	}
	return fmt.Sprintf("%s %s %v", length, c.Try.Person, c.Try.Script)
}

func feed(ctx context.Context, queue chan<- Case, tries []Case) {
	defer close(queue)
	for _, c := range tries {
		select {
		case queue <- c:
		case <-ctx.Done():
			return
		}
	}
}

// worker is one goroutine and the offices it has open, one of a kind.
type worker struct {
	house   *House
	offices map[Options]*Office
}

func (w *worker) do(ctx context.Context, c Case) (End, error) {
	f := w.offices[c.Options]
	if f != nil && f.orders >= casesMost {
		_ = f.Close() // its folder goes with the house
		f = nil
	}
	if f == nil {
		var err error
		if f, err = w.house.Office(ctx, c.Options); err != nil {
			return End{}, err
		}
		w.offices[c.Options] = f
	}
	return f.Single(ctx, c.Try)
}

func (w *worker) close() {
	for _, f := range w.offices {
		_ = f.Close()
	}
}
