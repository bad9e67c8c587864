//go:build windows || cgo

package pcsc

import (
	"slices"

	"jukicard/reader"
)

// picture is what the watcher saw, immutable once published. Listeners compare
// pictures instead of queueing events, so a slow one costs no memory.
type picture struct {
	looked bool          // there has been a look
	losses int           // how often the service was lost
	lost   *reader.Error // the latest loss, nil while the service is there
	err    *reader.Error // the latest loss, kept for those who come to it late
	slots  []slot        // in the service's order
}

// develop is the next picture, with slots.
func (p *picture) develop(slots []slot) *picture {
	return &picture{looked: true, losses: p.losses, err: p.err, slots: slices.Clone(slots)}
}

// lose is the next picture, with the service gone. A loss that lasts is one loss.
func (p *picture) lose(err *reader.Error) *picture {
	if p.lost != nil {
		return p
	}
	return &picture{looked: true, losses: p.losses + 1, lost: err, err: err}
}

func (p *picture) states() ([]reader.State, error) {
	if len(p.slots) == 0 {
		return nil, &reader.Error{Op: "list readers", Kind: reader.ErrNoReader}
	}
	states := make([]reader.State, len(p.slots))
	for i, s := range p.slots {
		states[i] = reader.State{Name: s.name, Present: s.present, Mute: s.mute, ATR: s.atr}
	}
	return states, nil
}

// news is one thing to tell.
type news struct {
	event reader.Event
	err   error
}

// view is what one listener has been told.
type view struct {
	settled bool
	losses  int
	slots   []slot
}

// catchUp is what to tell so that the listener knows p: losses first, then what
// went, then what came and changed, and Settled after the first time.
func (v *view) catchUp(p *picture) []news {
	if p == nil {
		return nil
	}
	var out []news
	tell := func(k reader.EventKind, s slot, atr reader.ATR) {
		out = append(out, news{event: reader.Event{Kind: k, Reader: s.name, ATR: slices.Clone(atr)}})
	}
	if p.losses != v.losses && (v.settled || p.lost != nil) { // a loss before its time is no news
		out = append(out, news{err: p.err})
	}
	for _, s := range v.slots {
		if p.losses != v.losses || p.find(s.name) == nil {
			tell(reader.Detached, s, nil)
		}
	}
	if p.losses != v.losses {
		v.slots = nil
	}
	for _, s := range p.slots {
		v.tellSlot(s, tell)
	}
	if !v.settled {
		out = append(out, news{event: reader.Event{Kind: reader.Settled}})
	}
	v.settled, v.losses, v.slots = true, p.losses, p.slots
	return out
}

func (v *view) tellSlot(s slot, tell func(reader.EventKind, slot, reader.ATR)) {
	i := slices.IndexFunc(v.slots, func(old slot) bool { return old.name == s.name })
	var old slot
	if i < 0 {
		tell(reader.Attached, s, nil)
	} else {
		old = v.slots[i]
	}
	if old.present && (!s.present || old.card != s.card) {
		tell(reader.Removed, s, nil)
	}
	if s.present && (!old.present || old.card != s.card) {
		tell(reader.Inserted, s, s.atr)
	}
}

func (p *picture) find(name string) *slot {
	i := slices.IndexFunc(p.slots, func(s slot) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return &p.slots[i]
}
