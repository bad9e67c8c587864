package issue

import (
	"fmt"

	"jukicard/cardd/plan"
)

// Names of facts of a Staged record, and of prints. FactStage is the stage reached.
// FactTaken in a Resumed record is the operator's word that the card was taken out of
// the printer by hand.
const (
	FactStage = "stage"
	FactTaken = "taken"
	// FactSurface in a Crashed record, or in an outcome in doubt, is what the printer
	// is sure is on the card: SurfacePrinted or SurfaceBlank. Without it nobody knows.
	FactSurface = "surface"
)

// Values of FactSurface.
const (
	SurfacePrinted = "printed"
	SurfaceBlank   = "blank"
)

// Stages of a card inside a printer, in the order in which a card passes them. The
// printer's counter at the time stands beside in FactCounter.
//
// A card is fed, stands at the chip station, has a chip that is written and compared,
// lies under the head; the printer has the planes; the command that puts ink on the card
// is about to be sent; the counter has moved; the card is delivered. Rejected is the
// reject bin. Out is a card that a person took out of the printer.
const (
	StageFeed        = "feed"
	StageAtStation   = "at-station"
	StageChipWritten = "chip-written"
	StageAtHead      = "at-head"
	StagePlanesSent  = "planes-sent"
	StageCommitSent  = "commit-sent"
	StageCommitDone  = "commit-done"
	StageEjected     = "ejected"
	StageRejected    = "rejected"
	StageOut         = "out"
)

// carriage is what a machine knows of the card's way through a printer.
type carriage struct {
	inside    bool // a card was fed for this job and has not left the printer
	stuck     bool // a spoiled one could not be taken to the reject bin: a person must
	committed bool // of the print in work: ink may be on the card
}

// Inside says that the job's card is in the printer.
func (m *Machine) Inside() bool { return m.inside }

// Committed says that the command that puts ink on the card may have been sent in the
// latest print.
func (m *Machine) Committed() bool { return m.committed }

// toHolder is added where the card of a job that was given up cannot leave the printer.
const toHolder = "; the job is given up: a card that you take out is not laid on the hopper, it is given to its holder"

// staged takes note of a stage. One that could not be reached holds the job, and the
// stage before it stands.
func (m *Machine) staged(r Record) error {
	stage := r.Facts[FactStage]
	leaving := m.inside && (m.state == Spoiled && (stage == StageRejected || stage == StageOut) ||
		m.state == Abandoned && m.inUse && (stage == StageEjected || stage == StageOut))
	if m.state != Running && m.state != Held && !leaving {
		return fmt.Errorf("cannot take note of %q: the job is %s", stage, m.state)
	}
	if r.Result != OK {
		switch {
		case leaving && m.inUse:
			m.hold(r.Code, r.Text+toHolder)
		case m.state == Running:
			m.hold(r.Code, r.Text)
		}
		m.stuck = leaving && !m.inUse
		return nil
	}
	printing := m.pending != "" && m.plan.Steps[m.next].Op == plan.Print
	switch stage {
	case StageFeed, StageAtStation:
		m.inside, m.laid = true, false
	case StageEjected:
		if a, _ := m.Next(); a.Do != Deliver {
			return fmt.Errorf("cannot take note of %q: the card is not finished", stage)
		}
		m.inside = false
	case StageRejected, StageOut:
		m.inside = false
	case StagePlanesSent, StageCommitSent, StageCommitDone:
		if !printing {
			return fmt.Errorf("cannot take note of %q: no print is under way", stage)
		}
		m.committed = m.committed || stage == StageCommitSent
	case StageChipWritten, StageAtHead:
	default:
		return fmt.Errorf("cannot take note of the stage %q: it is none of a printer's", stage)
	}
	return nil
}
