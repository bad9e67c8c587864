package issue

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/plan"
)

// A spoiled card is in quarantine: it is in the reject bin, with a reason, until two
// persons have confirmed that it was destroyed. The certificates made for it are taken
// back first, also those of which nobody knows whether they were made.
//
// Facts of a Ruled record, one a record. FactAside is the person who put the card of a
// job into quarantine, also of one that is done; FactAbandoned the person who gave up a
// job that is not. Of both the record's Text is why. FactVoided are the serial numbers of the
// certificates taken back, in hexadecimal digits with commas between. FactDestroyed is a
// person who saw the card destroyed.
const (
	FactAside     = "aside"
	FactAbandoned = "abandoned"
	FactVoided    = "voided"
	FactDestroyed = "destroyed"
)

// WitnessesNeeded is how many different persons confirm a card's destruction.
const WitnessesNeeded = 2

// personMax bounds a person's name in a record, bytes.
const personMax = 64

// quarantine is what a machine knows of the certificates it answers for, and of the
// card's end.
type quarantine struct {
	asked     map[string]string // requests the authority was asked with and of which no answer is known, to the step that asked
	serials   map[string]bool   // of every certificate it answered with
	voided    bool
	witnesses []string
}

func newQuarantine() quarantine {
	return quarantine{asked: map[string]string{}, serials: map[string]bool{}}
}

// ask takes note that the authority is about to be asked: from now on there may be a
// certificate.
func (q *quarantine) ask(request string, s plan.Step) {
	if request != "" {
		q.asked[request] = s.ID
	}
}

// told takes note of its answer. Without a serial number the question stays open.
func (q *quarantine) told(request, serial string) {
	if serial != "" {
		delete(q.asked, request)
		q.serials[serial] = true
	}
}

func (q *quarantine) owes() bool { return !q.voided && len(q.asked)+len(q.serials) > 0 }

// Debt is what must be taken back when a card is spoiled.
type Debt struct {
	Serials []string          // of certificates that were made, hexadecimal, sorted
	Asked   map[string]string // requests that may have been answered with a certificate, to the step that asked
}

// Owed are the certificates made or perhaps made for this job, whatever its state.
func (m *Machine) Owed() Debt {
	return Debt{Serials: slices.Sorted(maps.Keys(m.serials)), Asked: maps.Clone(m.asked)}
}

// Voided says that no certificate made for the spoiled card is valid any more; also
// where none was ever made.
func (m *Machine) Voided() bool { return m.state == Spoiled && !m.owes() }

// Witnesses are who confirmed the card's destruction, the first first.
func (m *Machine) Witnesses() []string { return slices.Clone(m.witnesses) }

// Destroyed says that the card's destruction was confirmed by enough persons.
func (m *Machine) Destroyed() bool { return len(m.witnesses) >= WitnessesNeeded }

// ruled applies what was decided about the job as a whole.
func (m *Machine) ruled(r Record) error {
	if len(r.Facts) != 1 {
		return fmt.Errorf("cannot apply a decision: its record tells %d facts, wanted one", len(r.Facts))
	}
	for fact, value := range r.Facts {
		switch fact {
		case FactAside:
			return m.putAside(value, r.Text)
		case FactAbandoned:
			return m.abandon(value, r.Text)
		case FactVoided:
			return m.void(value)
		case FactDestroyed:
			return m.destroyed(value)
		}
	}
	return fmt.Errorf("cannot apply a decision: none of its kind is known")
}

// putAside takes a card into quarantine: of a job that nobody can mend or wants to go on
// with, or a finished one that turned out unfit.
func (m *Machine) putAside(person, why string) error {
	if err := named(person); err != nil {
		return fmt.Errorf("cannot put the card aside: %w", err)
	}
	if m.inUse {
		return fmt.Errorf("cannot put the card aside: it is in use and its holder's; give the job up with: cardctl job abandon, and have the card reissued where it is unfit")
	}
	if m.state != Running && m.state != Held && m.state != Done || m.pending != "" {
		return fmt.Errorf("cannot put the card aside: the job is %s", m.state)
	}
	e := failure.New(failure.CardAside, why, nil)
	m.spoil(string(e.Code), e.Error())
	return nil
}

// abandon ends a job that is not done. A card on which nothing was begun that changes it
// is as it was and free; any other holds data of a resident, or a key that somebody may
// have certified, and goes into quarantine.
func (m *Machine) abandon(person, why string) error {
	if err := named(person); err != nil {
		return fmt.Errorf("cannot give the job up: %w", err)
	}
	if m.state != Running && m.state != Held || m.pending != "" {
		return fmt.Errorf("cannot give the job up: it is %s", m.state)
	}
	if m.inUse {
		return m.giveBack(why)
	}
	if m.touched {
		return m.putAside(person, why)
	}
	e := failure.New(failure.StationAbandoned, why, nil)
	m.state, m.code, m.reason, m.replan = Abandoned, string(e.Code), e.Error(), true
	return nil
}

// named refuses what is no name of a person.
func named(person string) error {
	if strings.TrimSpace(person) != person || person == "" || len(person) > personMax {
		return fmt.Errorf("a person must be named, in 1 to %d bytes without spaces around them", personMax)
	}
	return nil
}

// void takes note that all that was owed is taken back.
func (m *Machine) void(serials string) error {
	if m.state != Spoiled || !m.owes() {
		return fmt.Errorf("cannot void certificates: the job is %s and owes none", m.state)
	}
	for serial := range strings.SplitSeq(serials, ",") {
		if serial != "" {
			m.serials[serial] = true
		}
	}
	clear(m.asked)
	m.voided = true
	return nil
}

// destroyed takes down a witness of the card's destruction: two different ones, and a
// third is one too many.
func (m *Machine) destroyed(person string) error {
	if err := named(person); err != nil {
		return fmt.Errorf("cannot confirm the destruction: %w", err)
	}
	same := slices.ContainsFunc(m.witnesses, func(w string) bool { return strings.EqualFold(w, person) })
	switch {
	case m.state != Spoiled:
		return fmt.Errorf("cannot confirm the destruction: the job is %s, its card is not in quarantine", m.state)
	case same:
		return fmt.Errorf("cannot confirm the destruction: the same person has confirmed it, another one is needed")
	case m.Destroyed():
		return fmt.Errorf("cannot confirm the destruction: it was confirmed by %d persons", WitnessesNeeded)
	}
	m.witnesses = append(m.witnesses, person)
	return nil
}
