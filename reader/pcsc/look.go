//go:build windows || cgo

package pcsc

import (
	"errors"
	"slices"
	"time"

	"github.com/ebfe/scard"

	"jukicard/reader"
)

// statesMax is the most entries one GetStatusChange takes (pcsc-lite's
// PCSCLITE_MAX_READERS_CONTEXTS).
const statesMax = 16

// plugAndPlay is the pseudo-reader whose state changes with the list of readers
// (SCardGetStatusChange(3)).
const plugAndPlay = `\\?PnP?\Notification`

// slot is one reader as the watcher knows it.
type slot struct {
	name    string
	present bool
	mute    bool
	atr     reader.ATR
	card    int // grows with each card seen, so that a swap between two looks shows
	flags   scard.StateFlag
}

// look asks the service, again and again, what has changed. The watcher's
// goroutine owns it.
type look struct {
	context *scard.Context
	slots   []slot
	list    scard.StateFlag // state of plugAndPlay
	looked  bool
}

// take waits for a change, wait at most, and says whether there is one. The list
// of readers is read each time: a reader that comes between list and wait is not
// announced, and with 16 readers there is no room for plugAndPlay. The first look
// and one with news do not wait.
func (l *look) take(wait time.Duration) (changed bool, err error) {
	names, err := l.names()
	if err != nil {
		return false, err
	}
	changed = l.adopt(names)
	if changed || !l.looked {
		wait = 0
	}
	l.looked = true
	states := l.states()
	err = l.context.GetStatusChange(states, wait)
	switch {
	case errors.Is(err, scard.ErrTimeout), errors.Is(err, scard.ErrCancelled):
		return changed, nil
	case errors.Is(err, scard.ErrUnknownReader): // it went between list and wait
		return changed, nil
	case err != nil:
		return changed, err
	}
	for i := range l.slots {
		if l.slots[i].update(&states[i]) {
			changed = true
		}
	}
	if len(states) > len(l.slots) {
		l.list = states[len(l.slots)].EventState &^ scard.StateChanged
	}
	return changed, nil
}

func (l *look) names() ([]string, error) {
	names, err := l.context.ListReaders()
	if errors.Is(err, scard.ErrNoReadersAvailable) {
		return nil, nil
	}
	return names[:min(len(names), statesMax)], err
}

// adopt keeps what is known of the readers still there.
func (l *look) adopt(names []string) (changed bool) {
	slots := make([]slot, len(names))
	for i, name := range names {
		known := slices.IndexFunc(l.slots, func(s slot) bool { return s.name == name })
		if known < 0 {
			slots[i], changed = slot{name: name}, true
			continue
		}
		slots[i] = l.slots[known]
	}
	changed = changed || len(slots) != len(l.slots)
	l.slots = slots
	return changed
}

// states is what to wait on. The state of each entry is the one last told,
// without which the wait would return at once for ever.
func (l *look) states() []scard.ReaderState {
	states := make([]scard.ReaderState, 0, statesMax)
	for _, s := range l.slots {
		states = append(states, scard.ReaderState{Reader: s.name, CurrentState: s.flags})
	}
	if len(states) < statesMax {
		states = append(states, scard.ReaderState{Reader: plugAndPlay, CurrentState: l.list})
	}
	return states
}

// eventCount is the upper half of a state: how many cards came and went
// (SCardGetStatusChange(3)).
const eventCount = 16

// update takes over a told state and says whether a card came, went or was
// swapped. A card that is there again with another count or ATR is another card.
func (s *slot) update(told *scard.ReaderState) (changed bool) {
	flags := told.EventState &^ scard.StateChanged
	present := flags&scard.StatePresent != 0
	mute := present && flags&scard.StateMute != 0
	var atr reader.ATR
	if present && !mute {
		atr = told.Atr
	}
	swapped := present && s.present &&
		(flags>>eventCount != s.flags>>eventCount || mute != s.mute || !slices.Equal(atr, s.atr))
	changed = present != s.present || swapped
	if changed && present {
		s.card++
	}
	s.flags, s.present, s.mute, s.atr = flags, present, mute, atr
	return changed
}
