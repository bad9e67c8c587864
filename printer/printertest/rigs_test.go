//go:build linux

package printertest_test

import (
	"os"
	"testing"

	"jukicard/printer/printertest"
	"jukicard/simulator/usbbed"
)

// rigs are every driver over every wire; each driver's file adds its own. conformance are
// those that the fault table need not see again: the same language in another size.
var rigs, conformance []printertest.Rig

func TestMain(m *testing.M) { os.Exit(usbbed.Main(m)) }

// TestConformance runs the suite on every rig.
func TestConformance(t *testing.T) {
	for _, rig := range append(rigs, conformance...) {
		t.Run(rig.Name, func(t *testing.T) { printertest.Run(t, rig) })
	}
}
