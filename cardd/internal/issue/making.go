package issue

import (
	"fmt"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/plan"
)

// FactPanel in the intent of a print, or of an entry by hand, is the card's 追記欄 as it
// will then be, in the words of whoever keeps it. Nothing in it is personal.
const FactPanel = "panel"

// Ways in which something came to stand in a card's 追記欄.
const (
	EnteredPrinted = "printed"
	EnteredByHand  = "by-hand"
	EnteredSpoilt  = "spoilt" // in part, or nobody knows how much
)

// making is what a machine knows of what is put on the card's surface, and whether the
// card is one that is in use.
//
// A card in use is its holder's. Its job never ends spoiled, for then the card would be
// void: what goes wrong before the print holds the job, and what goes wrong in it ends
// the job with a code that says so. Inside a printer the card leaves by the output
// however the job ends, to be given back.
type making struct {
	inUse  bool
	step   string  // the print, or the recording of an entry by hand, that was last begun
	panel  string  // its FactPanel
	marred bool    // a part of an entry may be on the card, and no whole one will follow
	laid   bool    // a person took the card out of the printer and laid it on the hopper
	given  verdict // how the job ended, once it has; the card may still have to leave the printer
}

// verdict is the code and the reason of a job's end.
type verdict struct{ code, reason string }

// NewInUse is the machine of a job without records on a card in use.
func NewInUse() *Machine {
	m := New()
	m.inUse = true
	return m
}

// ReplayInUse is Replay for a job on a card in use.
func ReplayInUse(records []Record) (*Machine, error) { return NewInUse().replay(records) }

// begin takes note that something is about to be put on the surface.
func (m *Machine) begin(r Record) { m.step, m.panel, m.committed = r.Step, r.Facts[FactPanel], false }

// printing says that a print was begun, so that ink may be on the card.
func (m *Machine) printing() bool {
	return m.step == plan.StepID(plan.Print, plan.Face) || m.step == plan.StepID(plan.Print, plan.EntryOn)
}

// Entered is how what stands in the card's 追記欄 came there, and the FactPanel that went
// before; both are empty until it is known to stand there, whole or spoilt.
func (m *Machine) Entered() (how, panel string) {
	switch {
	case m.panel == "" || !m.marred && !m.done[m.step]:
		return "", ""
	case m.marred:
		return EnteredSpoilt, m.panel
	case !m.printing():
		return EnteredByHand, m.panel
	}
	return EnteredPrinted, m.panel
}

// mar ends a job that printed a part of its entry, or may have: it is recorded and told,
// and the card is given back.
func (m *Machine) mar(detail string) {
	m.marred = true
	e := failure.New(failure.EntrySpoilt, detail, nil)
	m.end(string(e.Code), e.Error())
}

func (m *Machine) end(code, reason string) {
	m.given = verdict{code, reason}
	m.ended()
}

// ended has a job that was given up be so again, once what kept its card inside is mended.
func (m *Machine) ended() {
	m.state, m.code, m.reason, m.replan = Abandoned, m.given.code, m.given.reason, true
}

// entered takes an entry as being on the card, on the printer's or a person's word.
func (m *Machine) entered() {
	m.done[m.step] = true
	if m.inUse {
		m.next = len(m.plan.Steps)
	}
}

// onlyReceipt says that nothing but the receipt is wanting: the entry is on the card, and
// that is in no printer and on no hopper. Its holder may have left with it, and it has
// nothing more to tell.
func (m *Machine) onlyReceipt() bool { return m.inUse && !m.inside && !m.laid && m.done[m.step] }

// giveBack ends a job on a card in use on an operator's word. An entry of which nobody
// knows how much is on the card counts as spoilt, for nothing may be printed over it.
func (m *Machine) giveBack(why string) error {
	if m.given != (verdict{}) {
		m.ended()
		return nil
	}
	switch {
	case m.done[m.step] && m.inside:
		return fmt.Errorf("cannot give the job up: the entry is on the card; resume it, so that it ends with its receipt")
	case m.done[m.step]: // and the card is away: the job ends with its receipt
		m.state, m.code, m.reason, m.laid = Running, "", "", false
		return nil
	}
	if m.printing() && m.committed {
		m.mar(why)
		return nil
	}
	e := failure.New(failure.EntryAbandoned, why, nil)
	m.end(string(e.Code), e.Error())
	return nil
}

// doubtful is what a person has to know beyond the code of a print in doubt.
func (m *Machine) doubtful() string {
	if m.inUse {
		return "it is the entry in 追記欄; one that is there in part ends with: cardctl job abandon"
	}
	return ""
}
