//go:build linux

package printertest_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"jukicard/printer/printertest"
	"jukicard/simulator/usbbed"
)

// rigs are every driver over every wire; each driver's file adds its own. conformance are
// those that the fault table need not see again: the same language in another size. jobs
// are printers that take whole jobs, deliver by themselves and tell no position, of which
// the suite's cases cannot be asked: their package has its own, the fault table is theirs.
var rigs, conformance, jobs []printertest.Rig

// verdict is that of TestPrinters, when it ran.
var verdict *printertest.Verdict

func TestMain(m *testing.M) {
	// Rigs wait for one another's deadlines rather than for the processor.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	code := usbbed.Main(m)
	if verdict != nil {
		fmt.Printf("printers: %d cards printed twice\n", verdict.Twice)
		fmt.Printf("printers: %d cases, %d wrong\n", verdict.Cases, verdict.Wrong)
	}
	os.Exit(code)
}

// TestConformance runs the suite on every rig.
func TestConformance(t *testing.T) {
	for _, rig := range append(rigs, conformance...) {
		t.Run(rig.Name, func(t *testing.T) {
			t.Parallel()
			printertest.Run(t, rig)
		})
	}
}

// TestPrinters is the fault table of the fact sheet: every row, every driver, every wire.
// Its last line is what `make printers` ends with.
func TestPrinters(t *testing.T) {
	var mu sync.Mutex
	var sum printertest.Verdict
	t.Run("rigs", func(t *testing.T) {
		for _, rig := range slices.Concat(rigs, jobs) {
			t.Run(rig.Name, func(t *testing.T) {
				t.Parallel()
				v := printertest.Judge(t, rig)
				mu.Lock()
				defer mu.Unlock()
				sum.Cases, sum.Wrong, sum.Twice = sum.Cases+v.Cases, sum.Wrong+v.Wrong, sum.Twice+v.Twice
			})
		}
	})
	verdict = &sum
}
