package main

import (
	"math"
	"runtime"
	"time"
)

// rate is how often f can be done in a second: the median of runs, each long enough
// that the clock costs nothing. f does its work n times.
func rate(runs int, each time.Duration, f func(n int) error) (float64, error) {
	n := 1
	for { // find an n that takes a tenth of a run
		began := time.Now()
		if err := f(n); err != nil {
			return 0, err
		}
		if time.Since(began) >= each/10 {
			break
		}
		n *= 2
	}
	var rates []float64
	for range runs {
		began, done := time.Now(), 0
		for time.Since(began) < each {
			if err := f(n); err != nil {
				return 0, err
			}
			done += n
		}
		rates = append(rates, float64(done)/time.Since(began).Seconds())
	}
	return median(rates), nil
}

// lasting is the median time of f over so many runs.
func lasting(runs int, f func() error) (time.Duration, error) {
	var times []float64
	for range runs {
		began := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		times = append(times, float64(time.Since(began)))
	}
	return time.Duration(median(times)), nil
}

// onOneCore keeps all goroutines of the process on one core while f runs, the
// collector's too.
func onOneCore(f func() error) error {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	return f()
}

// allocationWindows is how often allocations looks.
const allocationWindows = 5

// allocations is how many heap objects one of n rounds of f makes: the least of some
// looks, for what the rest of the process makes meanwhile can only add.
func allocations(n int, f func(n int) error) (float64, error) {
	least := math.Inf(1)
	for range allocationWindows {
		made, err := allocationsOnce(n, f)
		if err != nil {
			return 0, err
		}
		least = min(least, made)
	}
	return least, nil
}

// allocationsOnce is one look.
func allocationsOnce(n int, f func(n int) error) (float64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := f(n); err != nil {
		return 0, err
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n), nil
}
