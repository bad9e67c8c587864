// Command bench measures cardd and prints one line a figure: name, value, unit and
// bound, the bound written <=31, >=2500000 or - where there is none. It exits with 1
// when a bound is missed or something could not be measured.
//
//	go run ./cardd/bench              # everything; `make bench`
//	go run ./cardd/bench issue pcsc   # these sections only
//
// Figures that count round trips, bytes, allocations or cards are the same on every
// machine and every day, up to a few bytes of photograph; rates and times are the machine's.
// Whoever compares rates must do it in one run: see the section pcsc, where two
// clients take turns on one card.
//
// It is the one program that knows both the daemon and the simulator, because it has
// the daemon issue simulated cards. It is never installed. What real readers and
// cards take it leaves out: their times are not the software's.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// section is a group of figures that are measured together.
type section struct {
	name    string
	measure func(context.Context, *report) error
}

var sections = []section{
	{"issue", measureIssue},
	{"simulator", measureSimulator},
	{"pcsc", measurePCSC},
	{"parts", measureParts},
	{"printers", measurePrinters},
	{"recovery", measureRecovery},
	{"resume", measureResume},
	{"journal", measureJournalCost},
	{"keys", measureKeys},
	{"authorities", measureAuthorities},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// run measures the named sections, all when none is named. A section that fails does
// not keep the others from being measured.
func run(ctx context.Context, names []string, to io.Writer) error {
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	r := &report{to: to}
	var failed []string
	for _, s := range chosen {
		if err := s.measure(ctx, r); err != nil {
			failed = append(failed, fmt.Sprintf("cannot measure %s: %v", s.name, err))
		}
	}
	return r.verdict(failed)
}

func choose(names []string) ([]section, error) {
	if len(names) == 0 {
		return sections, nil
	}
	var chosen []section
	for _, name := range names {
		i := slices.IndexFunc(sections, func(s section) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("cannot measure %q: there are %s", name, sectionNames())
		}
		chosen = append(chosen, sections[i])
	}
	return chosen, nil
}

func sectionNames() string {
	names := make([]string, len(sections))
	for i, s := range sections {
		names[i] = s.name
	}
	return strings.Join(names, ", ")
}
