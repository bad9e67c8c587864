// Package pcsc reaches card readers through PC/SC: pcsc-lite on Linux, WinSCard
// on Windows. It is the only package that knows PC/SC.
//
// # Threads
//
// A [System] may be used by several goroutines, an open card by one at a time. A
// process has one watcher, whatever number of Systems and Watch callers there
// are: the binding below (ebfe/scard) keeps reader names in a process-wide table
// and frees them under two waits at once. Each card has a context of its own,
// for a context is locked while a call is on its way.
//
// # Waiting
//
// A command on the wire cannot be called back: Transmit looks at its context
// before it sends and then waits for the card, however long that takes. A call
// that blocks holds an operating system thread.
//
// # Portability
//
// On Linux the package needs cgo and libpcsclite; built without cgo it compiles
// and every call fails, saying so. On Windows it needs neither.
//
// Left out: contact with memory cards, direct connections to a reader without a
// card, and transactions; who must be alone opens in Exclusive mode.
package pcsc

import (
	"time"

	"jukicard/reader"
)

// Options tune a System; the zero value is useful.
type Options struct {
	// Patience is how long Open and Readers try to reach a PC/SC service that is
	// gone, for it may be restarting; 0 is a second. Watch tries for ever.
	Patience time.Duration
}

const patienceUsual = time.Second

var (
	_ reader.System = (*System)(nil)
	_ reader.Lister = (*System)(nil)
)
