// Package readertest is the conformance suite of reader.System: what a desk with
// card readers must do, whether the readers are simulated, virtual or real.
//
// [Run] needs a [Desk]: the System and hands that insert and remove cards. The
// cards are the suite's own. [Virtual] is the desk of Debian's pcscd with virtual
// readers; a simulated desk brings its own hands. Tests wait for what a desk
// tells, never for time to pass.
package readertest

import (
	"testing"

	"jukicard/reader"
)

// Card is a simulated card as a desk takes it, the same as package vpcd's.
type Card interface {
	// ATR is the answer to reset, TS first.
	ATR() []byte
	// PowerOff takes the power away: volatile state is gone.
	PowerOff()
	// Reset is a warm reset: volatile state is gone.
	Reset()
	// Process carries out one command and returns the response; nil or one byte
	// is a broken link.
	Process(command []byte) []byte
}

// Hands move cards.
type Hands interface {
	// Insert puts a card into an empty slot, counted from 0. The System may tell
	// of it later.
	Insert(slot int, c Card) error
	// Remove takes the card out at once, even in mid-command, and returns without
	// waiting for that command. Its answer must then never arrive.
	Remove(slot int) error
}

// Service is the program behind a System, if there is one.
type Service interface {
	// Kill ends it without warning.
	Kill() error
	// Restart starts it again, with the same readers.
	Restart() error
}

// Desk is what the suite works at.
type Desk struct {
	System  reader.System
	Names   []string // of the readers, by slot; at least as many as were asked for
	Hands   Hands
	Service Service // nil where no service can be lost
}

// slotsMany is as many readers as pcsc-lite can have.
const slotsMany = 16

// Run runs the suite. open gives each test a fresh desk with at least that many
// slots, all empty, and cleans up with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T, slots int) Desk) {
	tests := []struct {
		name  string
		slots int
		run   func(t *testing.T, d Desk)
	}{
		{"settle", 2, testSettle},
		{"insertion and removal", 2, testInsertionAndRemoval},
		{"swap", 1, testSwap},
		{"several watchers", 1, testSeveralWatchers},
		{"list", 2, testList},
		{"open refused", 2, testOpenRefused},
		{"echo", 1, testEcho},
		{"reset", 1, testReset},
		{"dispositions", 1, testDispositions},
		{"exclusive takes a clean card", 1, testExclusiveTakesACleanCard},
		{"exclusive against shared", 1, testExclusiveAgainstShared},
		{"reset by another", 1, testResetByAnother},
		{"removal of an idle card", 1, testRemovalOfAnIdleCard},
		{"removal in mid-command", 1, testRemovalInMidCommand},
		{"answer too short", 1, testAnswerTooShort},
		{"command too short", 1, testCommandTooShort},
		{"use after close", 1, testUseAfterClose},
		{"context ended", 1, testContextEnded},
		{"many readers", slotsMany, testManyReaders},
		{"nothing leaks", 1, testNothingLeaks},
		{"service killed and restarted", 2, testService},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, tt.slots)
			if len(d.Names) < tt.slots {
				t.Fatalf("the desk has %d slots, asked for %d", len(d.Names), tt.slots)
			}
			tt.run(t, d)
		})
	}
}
