// Package issue decides what comes next in a job. It is the machine between plan
// and station: records go in, actions come out. It does nothing itself, reads no
// clock, and replaying a job's records gives the same machine again.
//
// The order of things is always the same: the station writes an intent to the
// journal, acts, writes the outcome. After a crash at most one step is in doubt.
// Doubt is never guessed away: the card is observed again and the plan rebuilt.
package issue

import (
	"fmt"
	"maps"

	"jukicard/cardd/plan"
)

// State is where a job stands.
type State string

// Running goes on by itself. Held waits for an operator and loses nothing.
// Spoiled means that the card must not be used. Done means issued and proven.
const (
	Running State = "running"
	Held    State = "held"
	Spoiled State = "spoiled"
	Done    State = "done"
)

// Kind is what a record tells.
type Kind string

// A plan adopted; the intent to do a step; its outcome; the daemon found the job
// unfinished at start; an operator lets a held job go on; the receipt was signed.
const (
	Planned Kind = "plan"
	Intent  Kind = "intent"
	Outcome Kind = "outcome"
	Crashed Kind = "crashed"
	Resumed Kind = "resumed"
	Signed  Kind = "receipt"
)

// Result is how a step ended.
type Result string

// OK: it happened. Doubt: the link failed, nobody knows. Refused: the card or a
// device answered no. Unavailable: somebody who is needed could not be had;
// nothing happened.
const (
	OK          Result = "ok"
	Doubt       Result = "doubt"
	Refused     Result = "refused"
	Unavailable Result = "unavailable"
)

// Record is one line of a job's history.
type Record struct {
	Kind   Kind              `json:"kind"`
	Step   string            `json:"step,omitempty"`
	Plan   *plan.Plan        `json:"plan,omitempty"`
	Result Result            `json:"result,omitempty"`
	Code   string            `json:"code,omitempty"`  // stable failure code, docs/FAILURES.md
	Text   string            `json:"text,omitempty"`  // why, in words; never data of the resident
	Facts  map[string]string `json:"facts,omitempty"` // what later steps build on: public keys, requests, serial numbers
}

// Do is what an Action asks for.
type Do string

// Observe: look at the card and plan. Perform: carry out Action.Step. Sign: sign
// the receipt.
const (
	Observe Do = "observe"
	Perform Do = "perform"
	Sign    Do = "sign"
)

// Action is what the station has to do next.
type Action struct {
	Do   Do
	Step plan.Step // for Perform
}

// Bounds on one job.
const (
	RecordsMax = 4096 // records of a job
	DoubtsMax  = 8    // doubts in a row, without a step ending well, before the job is held
)

// Machine is one job's decider.
type Machine struct {
	state   State
	code    string
	reason  string
	plan    *plan.Plan
	next    int    // index of the step to do
	pending string // step whose intent stands without an outcome
	counter string // the printer's counter when the pending print was intended
	replan  bool   // the card must be observed before anything else
	doubts  int
	records int
	done    map[string]bool
	facts   map[string]map[string]string
	signed  bool
}

// New is the machine of a job without records.
func New() *Machine {
	return &Machine{state: Running, replan: true, done: map[string]bool{}, facts: map[string]map[string]string{}}
}

// Replay is the machine after these records.
func Replay(records []Record) (*Machine, error) {
	m := New()
	for i, r := range records {
		if err := m.Apply(r); err != nil {
			return nil, fmt.Errorf("cannot replay record %d: %w", i+1, err)
		}
	}
	return m, nil
}

// Next is what to do; ok is false when the job is held, spoiled or done.
func (m *Machine) Next() (a Action, ok bool) {
	switch {
	case m.state != Running:
		return Action{}, false
	case m.replan:
		return Action{Do: Observe}, true
	case m.next < len(m.plan.Steps):
		return Action{Do: Perform, Step: m.plan.Steps[m.next]}, true
	}
	return Action{Do: Sign}, true
}

// State is where the job stands, the stable code of the failure if there is one,
// and the reason in words.
func (m *Machine) State() (state State, code, reason string) { return m.state, m.code, m.reason }

// Plan is the plan in force; nil before the first.
func (m *Machine) Plan() *plan.Plan { return m.plan }

// Position is how many steps of the plan in force are done, of how many.
func (m *Machine) Position() (done, total int) {
	if m.plan == nil {
		return 0, 0
	}
	return m.next, len(m.plan.Steps)
}

// Pending is the step in doubt: intended, without an outcome.
func (m *Machine) Pending() (step string, ok bool) { return m.pending, m.pending != "" }

// Fact is what a step's outcome told: Fact("request jpki/sign-key", "csr").
func (m *Machine) Fact(step, name string) string { return m.facts[step][name] }

// Progress is what a new plan may build on.
func (m *Machine) Progress() plan.Progress {
	return plan.Progress{Ours: m.plan != nil, Done: maps.Clone(m.done)}
}

// Apply is the only mutator. It refuses a record that cannot follow: the journal
// is then not the history of this job.
func (m *Machine) Apply(r Record) error {
	if m.records++; m.records > RecordsMax {
		return fmt.Errorf("cannot go on: a job has at most %d records", RecordsMax)
	}
	switch r.Kind {
	case Planned:
		return m.planned(r)
	case Intent:
		return m.intent(r)
	case Outcome:
		return m.outcome(r)
	case Crashed:
		return m.crashed(r)
	case Resumed:
		return m.resumed(r)
	case Signed:
		return m.sign()
	}
	return fmt.Errorf("cannot apply record of kind %q", r.Kind)
}

func (m *Machine) planned(r Record) error {
	switch {
	case r.Result != "" && r.Result != OK: // the card could not be observed or planned for
		m.fail(r)
		return nil
	case r.Plan == nil:
		return fmt.Errorf("cannot adopt a plan: the record holds none")
	case m.state != Running || m.pending != "":
		return fmt.Errorf("cannot adopt a plan while the job is %s", m.state)
	case m.plan != nil && m.plan.Card != r.Plan.Card:
		return fmt.Errorf("cannot adopt a plan for another card")
	}
	m.plan, m.next, m.replan = r.Plan, 0, false
	return nil
}

func (m *Machine) intent(r Record) error {
	a, ok := m.Next()
	if !ok || a.Do != Perform || a.Step.ID != r.Step || m.pending != "" {
		return fmt.Errorf("cannot intend %q: it is not the next step", r.Step)
	}
	m.pending, m.counter = r.Step, r.Facts[FactCounter]
	return nil
}

func (m *Machine) outcome(r Record) error {
	if m.pending == "" || m.pending != r.Step {
		return fmt.Errorf("cannot take the outcome of %q: it was not intended", r.Step)
	}
	m.pending = ""
	if r.Result != OK {
		m.fail(r)
		return nil
	}
	step := m.plan.Steps[m.next]
	m.done[r.Step], m.facts[r.Step] = true, r.Facts
	m.doubts = 0
	m.next++
	if step.Op == plan.Certify {
		m.measure(step.On, r.Facts["length"])
	}
	return nil
}

// measure holds the certificate's real length against the plan: where they
// differ the plan counted wrong and is built again.
func (m *Machine) measure(on, length string) {
	for _, s := range m.plan.Steps[m.next:] {
		if s.On == on && fmt.Sprint(s.Length) != length {
			m.replan = true
		}
	}
}

// fail decides what a bad outcome means for the job.
func (m *Machine) fail(r Record) {
	m.code, m.reason = r.Code, r.Text
	switch {
	case r.Result == Doubt:
		m.replan = true
		if m.doubts++; m.doubts >= DoubtsMax {
			m.state = Held
		}
	case r.Result == Unavailable || r.Kind == Planned:
		m.state = Held
	case m.plan != nil && m.next < len(m.plan.Steps) && holdable[m.plan.Steps[m.next].Op]:
		m.state = Held
	default:
		m.state = Spoiled
	}
}

// holdable are the operations whose refusal leaves the card as it was: an
// operator can mend the cause and let the job go on.
var holdable = map[plan.Op]bool{plan.Open: true, plan.Certify: true, plan.Print: true, plan.Confirm: true}

// FactCounter is the printer's count of cards: in the intent of a print, as it was
// before, and in a Crashed record, as it is now. FactPrinted in a Resumed record is
// an operator's word that the face is on the card.
const (
	FactCounter = "counter"
	FactPrinted = "printed"
)

// crashed is the daemon's own death: whatever was intended is in doubt, and is
// looked for on the card. What is not on the card, a print, is decided by the
// printer's counter; where it is not known a person must look.
func (m *Machine) crashed(r Record) error {
	if m.state != Running {
		return nil
	}
	step := plan.Step{}
	if m.pending != "" && m.next < len(m.plan.Steps) {
		step = m.plan.Steps[m.next]
	}
	m.pending, m.replan = "", true
	if step.Op != plan.Print {
		return nil
	}
	switch now := r.Facts[FactCounter]; {
	case now == "" || m.counter == "":
		m.state, m.code, m.reason = Held, r.Code, r.Text
	case now != m.counter:
		m.done[step.ID] = true
	}
	return nil
}

func (m *Machine) resumed(r Record) error {
	if m.state != Held {
		return fmt.Errorf("cannot resume: the job is %s, not held", m.state)
	}
	m.state, m.code, m.reason, m.replan, m.doubts = Running, "", "", true, 0
	if r.Facts[FactPrinted] != "" {
		m.done[plan.StepID(plan.Print, plan.Face)] = true
	}
	return nil
}

func (m *Machine) sign() error {
	if a, ok := m.Next(); !ok || a.Do != Sign {
		return fmt.Errorf("cannot sign the receipt: steps are still to do")
	}
	m.state, m.signed = Done, true
	return nil
}
