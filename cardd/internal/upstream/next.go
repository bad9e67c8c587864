package upstream

import (
	"cmp"
	"fmt"
	"time"

	"jukicard/cardd/internal/failure"
)

// Event is what was learnt about a notice, or done with it.
type Event string

// Started: a shipper takes the notice up, after a restart too. Begun: its telegram
// is about to leave; written before it does. Lost: no answer that is surely the
// party's, to a telegram or a question. TookIt and SaidNo: the answer to the
// telegram. HasIt, HasRefused, HasNothing, HasOther: the answer to a question; the
// last is that the key stands there for another card or event. Released: a person
// has looked.
const (
	Started    Event = "started"
	Begun      Event = "begun"
	Lost       Event = "lost"
	TookIt     Event = "accepted"
	SaidNo     Event = "refused"
	HasIt      Event = "has-it"
	HasRefused Event = "has-refused"
	HasNothing Event = "has-nothing"
	HasOther   Event = "has-other"
	Released   Event = "released"
)

// Act is what comes next for a notice.
type Act string

// Tell: write Begun, then send the telegram. Send: send it, Begun is written. Ask:
// ask about the key, sending nothing. Person: nothing until a person has looked.
// Rest: nothing ever again.
const (
	Tell   Act = "tell"
	Send   Act = "send"
	Ask    Act = "ask"
	Person Act = "person"
	Rest   Act = "rest"
)

// TellsMax is how often a notice is told, each time after the party said that it
// has nothing, before a person must look, where nobody configured less.
const TellsMax = 16

// Situation is all that decides over a notice.
type Situation struct {
	State State
	Held  bool          // it waits for a person
	Tells int           // how often it was told since a person last looked
	Most  int           // how often it may be; TellsMax where zero
	Since time.Duration // since it was last told; Settle where it never was
	// Settle is how long a telegram may be under way. Before that is over, "has
	// nothing" may mean "not yet": telling again would be the blind repeat.
	Settle time.Duration
}

// Next is where an event takes a notice, what comes next, and the failure code
// where there is something to say. It is pure, and every move of the outbox is one
// of its. An event that cannot happen there is an error and changes nothing.
func Next(s Situation, e Event) (Situation, Act, failure.Code, error) {
	if s.Held && e != Released && e != Started {
		return s, "", "", fmt.Errorf("cannot take %s: the notice waits for a person", e)
	}
	switch s.State {
	case Intended:
		return fromIntended(s, e)
	case Unknown:
		return fromUnknown(s, e)
	case Refused:
		switch e {
		case Started:
			if s.Held {
				return s, Person, "", nil
			}
			return s, Rest, "", nil
		case Released:
			s.Held, s.Tells = false, 0
			return s, Rest, "", nil
		}
	case Accepted:
		if e == Started {
			return s, Rest, "", nil
		}
	}
	return s, "", "", fmt.Errorf("cannot take %s: the notice is %s", e, s.State)
}

func fromIntended(s Situation, e Event) (Situation, Act, failure.Code, error) {
	switch e {
	case Started:
		return s, Tell, "", nil
	case Begun:
		s.State, s.Tells, s.Since = Unknown, s.Tells+1, 0
		return s, Send, "", nil
	}
	return s, "", "", fmt.Errorf("cannot take %s: the notice is not told yet", e)
}

func fromUnknown(s Situation, e Event) (Situation, Act, failure.Code, error) {
	switch e {
	case Started:
		if s.Held {
			return s, Person, "", nil
		}
		return s, Ask, "", nil
	case Lost:
		return s, Ask, failure.UpstreamUnreachable, nil
	case TookIt, HasIt:
		s.State = Accepted
		return s, Rest, "", nil
	case SaidNo, HasRefused:
		s.State, s.Held = Refused, true
		return s, Person, failure.UpstreamRefused, nil
	case HasNothing:
		return nothingThere(s)
	case HasOther:
		s.Held = true
		return s, Person, failure.UpstreamConflict, nil
	case Released:
		s.Held, s.Tells = false, 0
		return s, Ask, "", nil
	}
	return s, "", "", fmt.Errorf("cannot take %s: the notice is told already", e)
}

// nothingThere is the one way back to telling.
func nothingThere(s Situation) (Situation, Act, failure.Code, error) {
	switch {
	case s.Since < s.Settle:
		return s, Ask, "", nil
	case s.Tells >= cmp.Or(s.Most, TellsMax):
		s.Held = true
		return s, Person, failure.UpstreamTells, nil
	}
	s.State = Intended
	return s, Tell, "", nil
}
