package hostile

import (
	"bytes"
	"encoding/binary"
	"sync/atomic"
)

// forgeries is how many ways there are to forge the personalisation state; way 0 is
// not to.
const forgeries = 16

// stateEntry is the length of an entry: application, EF or tag, state, value
// (docs/CARD-WRITING.md).
const stateEntry = 6

// seenState is the state of a card that is finished; a forger has seen one. It is set
// by whoever has issued one.
var seenState atomic.Pointer[[]byte]

// forgeState changes what a card says of its state; answer is what it really said.
func forgeState(way int, answer []byte) []byte {
	data, _ := split(answer)
	if len(data) == 0 {
		data = []byte{0x07}
	}
	whole := bytes.Clone(*seenState.Load())
	switch way {
	case 1: // finished and locked
		return whole
	case 2: // finished, not locked
		whole[0] = 0x07
		return whole
	case 3: // locked, as it is
		data[0] = 0x0F
		return data
	case 4: // blank
		return []byte{0x07}
	case 5:
		return []byte{0xFF}
	case 6:
		return []byte{0x7F}
	case 7:
		return nil
	case 8: // cut off
		return data[:len(data)-1]
	case 9: // twice
		return append(data, data[1:]...)
	case 10: // every value at its greatest
		return valued(whole, 0xFFFF)
	case 11: // every value 0: no tries, nothing written
		return valued(whole, 0)
	case 12: // everything blocked
		for e := whole[1:]; len(e) > 0; e = e[stateEntry:] {
			e[3] = 0x02
		}
		return whole
	case 13: // everything but the last
		whole[0] = 0x07
		return whole[:len(whole)-stateEntry]
	case 14: // one try left of everything
		whole[0] = 0x07
		return valued(whole, 1)
	case 15: // long
		return append([]byte{0x07}, bytes.Repeat([]byte{0x01, 0x00, 0x01, 0x01, 0x00, 0x10}, 10000)...)
	}
	return data
}

func valued(state []byte, value uint16) []byte {
	for e := state[1:]; len(e) > 0; e = e[stateEntry:] {
		binary.BigEndian.PutUint16(e[4:], value)
	}
	return state
}
