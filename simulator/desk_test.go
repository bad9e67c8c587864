package simulator_test

import (
	"fmt"
	"testing"

	"jukicard/reader/readertest"
	"jukicard/simulator"
)

// deskHands move the suite's cards at a Desk.
type deskHands struct{ desk *simulator.Desk }

func (h deskHands) Insert(slot int, c readertest.Card) error {
	h.desk.Insert(slot, c)
	return nil
}

func (h deskHands) Remove(slot int) error {
	h.desk.Remove(slot)
	return nil
}

func TestDeskPassesTheSuiteOfReaders(t *testing.T) {
	readertest.Run(t, func(_ *testing.T, slots int) readertest.Desk {
		var names []string
		for i := range slots {
			names = append(names, fmt.Sprintf("Simulated Reader %02d", i))
		}
		desk := simulator.NewDesk(names...)
		return readertest.Desk{System: desk, Names: names, Hands: deskHands{desk}}
	})
}
