package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	for _, row := range []struct {
		name string
		f    figure
		want string
	}{
		{"at most", figure{"a_b", 24, "apdu", atMost(31)}, "a_b 24 apdu <=31"},
		{"at least", figure{"a", 4321.5, "apdu/s", atLeast(4000)}, "a 4322 apdu/s >=4000"},
		{"a fraction as bound", figure{"a", 1.0204, "ratio", atMost(1.10)}, "a 1.020 ratio <=1.1"},
		{"a ratio of one", figure{"a", 1, "ratio", none}, "a 1.000 ratio -"},
		{"no bound", figure{"a", 13.123, "ms", none}, "a 13.1 ms -"},
		{"nothing", figure{"a", 0, "step", atMost(0)}, "a 0 step <=0"},
		{"a large bound", figure{"a", 27121341.2, "apdu/s", atLeast(2_500_000)}, "a 27121341 apdu/s >=2500000"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.f.String(); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if n := len(strings.Fields(row.f.String())); n != 4 {
				t.Errorf("%d words, a line has 4", n)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	for _, row := range []struct {
		name  string
		b     bound
		value float64
		want  bool
	}{
		{"on the upper bound", atMost(31), 31, true},
		{"over it", atMost(31), 32, false},
		{"a little over, though it prints alike", atMost(1.1), 1.1000001, false},
		{"on the lower bound", atLeast(0.9), 0.9, true},
		{"under it", atLeast(0.9), 0.8999, false},
		{"without a bound", none, -1, true},
		{"no number, upper", atMost(1), math.NaN(), false},
		{"no number, lower", atLeast(1), math.NaN(), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.b.holds(row.value); got != row.want {
				t.Errorf("got %t, want %t", got, row.want)
			}
		})
	}
}

func TestReportNamesWhatMissed(t *testing.T) {
	var out bytes.Buffer
	r := &report{to: &out}
	r.count("kept", 3, "apdu", atMost(3))
	r.count("told", 3, "apdu", none)
	if err := r.verdict(nil); err != nil {
		t.Errorf("nothing missed: %v", err)
	}
	r.count("missed", 4, "apdu", atMost(3))
	if got := out.String(); got != "kept 3 apdu <=3\ntold 3 apdu -\nmissed 4 apdu <=3\n" {
		t.Errorf("printed %q", got)
	}
	err := r.verdict([]string{"cannot measure pcsc: no reader"})
	for _, want := range []string{"missed is 4 apdu, bound <=3", "cannot measure pcsc"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "kept") {
		t.Errorf("error %v names a bound that holds", err)
	}
}

// TestRunMeasuresOnAfterAFailure: one section that cannot be measured hides no other.
func TestRunMeasuresOnAfterAFailure(t *testing.T) {
	before := sections
	t.Cleanup(func() { sections = before })
	measured := ""
	sections = []section{
		{"broken", func(context.Context, *report) error { return errors.New("no card") }},
		{"sound", func(_ context.Context, r *report) error { measured += "sound"; return nil }},
	}
	if err := run(t.Context(), nil, io.Discard); err == nil || !strings.Contains(err.Error(), "cannot measure broken: no card") {
		t.Errorf("error %v", err)
	}
	if err := run(t.Context(), []string{"sound"}, io.Discard); err != nil {
		t.Error(err)
	}
	if measured != "soundsound" {
		t.Errorf("measured %q", measured)
	}
	if err := run(t.Context(), []string{"other"}, io.Discard); err == nil || !strings.Contains(err.Error(), "broken, sound") {
		t.Errorf("error %v, want one that names the sections", err)
	}
}

func TestMedian(t *testing.T) {
	for _, row := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 100}, 3}} {
		if got := median(row.values); got != row.want {
			t.Errorf("median of %v is %v, want %v", row.values, got, row.want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
}

var kept [][]byte // makes the test's allocations escape

func TestAllocationsAreCounted(t *testing.T) {
	for want := range 3 {
		got, err := allocations(1000, func(n int) error {
			for range n {
				kept = kept[:0]
				for range want {
					kept = append(kept, make([]byte, 64))
				}
			}
			return nil
		})
		if err != nil || math.Abs(got-float64(want)) > 0.1 {
			t.Errorf("%v allocations, %v, want %d", got, err, want)
		}
	}
	if _, err := allocations(1, func(int) error { return io.ErrUnexpectedEOF }); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
}
