//go:build cgo && linux

package pcsc_test

import (
	"testing"

	"jukicard/reader/pcsc"
	"jukicard/reader/readertest"
)

// TestVirtualDesk runs the conformance suite through Debian's pcscd.
func TestVirtualDesk(t *testing.T) {
	readertest.Run(t, func(t *testing.T, slots int) readertest.Desk {
		return readertest.Virtual(t, pcsc.New(pcsc.Options{}), slots)
	})
}
