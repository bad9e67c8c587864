package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// figure is one thing measured or counted.
type figure struct {
	name  string // snake_case, the same from release to release
	value float64
	unit  string // without spaces: apdu, B, ratio, apdu/s, allocs/apdu, ms …
	bound bound
}

// bound is what a figure must keep to.
type bound struct {
	sign  string // "<=", ">=", or "" for a figure that only tells
	limit float64
}

// none is the bound of a figure that depends on the machine, or that explains another.
var none bound

func atMost(limit float64) bound  { return bound{"<=", limit} }
func atLeast(limit float64) bound { return bound{">=", limit} }

// holds judges the value as it was measured, not as it is printed. What is not a
// number holds no bound.
func (b bound) holds(value float64) bool {
	switch b.sign {
	case "<=":
		return value <= b.limit
	case ">=":
		return value >= b.limit
	}
	return true
}

// String is "<=31", ">=4000" or "-".
func (b bound) String() string {
	if b.sign == "" {
		return "-"
	}
	return b.sign + strconv.FormatFloat(b.limit, 'f', -1, 64)
}

// String is one line: name, value, unit, bound.
func (f figure) String() string {
	return fmt.Sprintf("%s %s %s %s", f.name, number(f.value, f.unit), f.unit, f.bound)
}

// number writes a whole number as one, any other with three decimals below ten and
// fewer above: more would be noise. A ratio always has its three.
func number(v float64, unit string) string {
	decimals := 3
	switch size := math.Abs(v); {
	case unit == unitRatio && size < 1000:
	case v == math.Trunc(v), size >= 1000:
		decimals = 0
	case size >= 10:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

const unitRatio = "ratio"

// report prints figures as they come and remembers those that missed their bound.
type report struct {
	to     io.Writer
	missed []figure
}

func (r *report) add(name string, value float64, unit string, b bound) {
	f := figure{name, value, unit, b}
	_, _ = fmt.Fprintln(r.to, f)
	if !b.holds(value) {
		r.missed = append(r.missed, f)
	}
}

// count adds a figure that is a whole number.
func (r *report) count(name string, n int, unit string, b bound) { r.add(name, float64(n), unit, b) }

// median is the middle value, of an even number the mean of the two middle ones; NaN
// of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// verdict is an error that names every bound missed and every section that failed,
// one a line; nil when there is none.
func (r *report) verdict(failed []string) error {
	lines := slices.Clone(failed)
	for _, f := range r.missed {
		lines = append(lines, fmt.Sprintf("missed: %s is %s %s, bound %s", f.name, number(f.value, f.unit), f.unit, f.bound))
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}
