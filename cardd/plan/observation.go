package plan

import (
	"fmt"

	"jukicard/apdu/profile"
)

// Observation is what a card shows without any secret.
type Observation struct {
	Card      string                 // card identification number (GET DATA 0045)
	Known     bool                   // the card tells its personalisation state
	LifeCycle byte                   // of the issuer domain, where Known
	Objects   map[string]ObjectState // by the profile's name; what is absent is as the maker left it
}

// ObjectState is one object's state on the card.
type ObjectState struct {
	State byte // see the State constants
	Value int  // end of what was written, records, modulus bits, tries left
}

// States of an object in the personalisation state (docs/CARD-WRITING.md).
const (
	StatePresent byte = 1 // written, present, set
	StateBlocked byte = 2 // a reference blocked by wrong tries
)

// Blank is what a fresh card of the profile shows; a plan made without a card is
// made against it.
func Blank(p *profile.Card) Observation {
	return Observation{Known: true, LifeCycle: p.Domain.Blank, Objects: map[string]ObjectState{}}
}

// stateEntry is the length of one entry: application, EF or tag, state, value.
const stateEntry = 6

// ParseState reads the personalisation state object (docs/CARD-WRITING.md). An entry
// that the profile does not have, one that stands twice, a state that its object cannot
// have and more tries than a reference ever has are refused: the card is then of another
// kind, or the line changed what it said.
func ParseState(p *profile.Card, card string, b []byte) (Observation, error) {
	if len(b) < 1 || (len(b)-1)%stateEntry != 0 {
		return Observation{}, fmt.Errorf("cannot read the card's state: %d bytes are no whole number of entries", len(b))
	}
	seen := Observation{Card: card, Known: true, LifeCycle: b[0], Objects: map[string]ObjectState{}}
	for e := b[1:]; len(e) > 0; e = e[stateEntry:] {
		name, ok := objectName(p, int(e[0]), profile.FileID(e[1])<<8|profile.FileID(e[2]))
		if !ok {
			return Observation{}, fmt.Errorf("cannot read the card's state: application %d has no object %02X%02X in profile %s", e[0], e[1], e[2], p.ID)
		}
		if _, twice := seen.Objects[name]; twice {
			return Observation{}, fmt.Errorf("cannot read the card's state: %s stands twice", name)
		}
		if !possible(p, name, e[3]) {
			return Observation{}, fmt.Errorf("cannot read the card's state: %s is in state %02X, which is not known", name, e[3])
		}
		value := int(e[4])<<8 | int(e[5])
		if _, r, err := p.Reference(name); err == nil && value > r.Tries {
			return Observation{}, fmt.Errorf("cannot read the card's state: %s has %d tries left, at most %d", name, value, r.Tries)
		}
		seen.Objects[name] = ObjectState{State: e[3], Value: value}
	}
	return seen, nil
}

// possible says whether an object can be in that state: only a reference is blocked.
func possible(p *profile.Card, name string, state byte) bool {
	if state == StateBlocked {
		_, _, err := p.Reference(name)
		return err == nil
	}
	return state == StatePresent
}

// objectName finds the profile's name of an object in the state.
func objectName(p *profile.Card, app int, id profile.FileID) (string, bool) {
	if app == 0 {
		for _, o := range p.Domain.Objects {
			if o.Tag == id {
				return domainPrefix + o.Name, true
			}
		}
		return "", false
	}
	if app > len(p.Applications) {
		return "", false
	}
	a := &p.Applications[app-1]
	for _, f := range a.Files {
		if f.ID == id {
			return a.Name + "/" + f.Name, true
		}
	}
	for _, r := range a.PINs {
		if r.ID == id {
			return a.Name + "/" + r.Name, true
		}
	}
	for _, k := range a.Keys {
		if k.ID == id {
			return a.Name + "/" + k.Name, true
		}
	}
	return "", false
}

// Domain is the issuer domain's name in steps, beside the applications'; Face is
// the printed face's. Held is that of a card in use as a whole, EntryOn that of one entry
// in its 追記欄.
const (
	Domain  = "domain"
	Face    = "face"
	Held    = "card"
	EntryOn = "entry"
)

const domainPrefix = Domain + "/"
