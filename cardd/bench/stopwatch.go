package main

import (
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

// allocations is how many heap objects one of n rounds of f makes, after one round
// that may fill buffers.
func allocations(n int, f func(n int) error) (float64, error) {
	if err := f(1); err != nil {
		return 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := f(n); err != nil {
		return 0, err
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n), nil
}
