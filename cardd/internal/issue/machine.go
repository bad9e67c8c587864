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
	"slices"
	"strconv"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/plan"
)

// State is where a job stands.
type State string

// Running goes on by itself. Held waits for an operator and loses nothing.
// Spoiled means that the card must not be used. Done means issued and proven.
// Abandoned means given up before anything was written: the card is as it was.
const (
	Running   State = "running"
	Held      State = "held"
	Spoiled   State = "spoiled"
	Done      State = "done"
	Abandoned State = "abandoned"
)

// Kind is what a record tells.
type Kind string

// A plan adopted; the intent to do a step; its outcome; the daemon found the job
// unfinished at start; an operator lets a held job go on; the receipt was signed; what
// was decided or done about the job as a whole, see the facts of quarantine.
const (
	Planned Kind = "plan"
	Intent  Kind = "intent"
	Outcome Kind = "outcome"
	Crashed Kind = "crashed"
	Resumed Kind = "resumed"
	Signed  Kind = "receipt"
	Ruled   Kind = "state"
	Staged  Kind = "stage" // the card moved on inside a printer, or could not: FactStage
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

// Names of facts the machine itself looks at.
//
// FactCounter is the printer's count of cards, for people: in the intent of a print as it
// was before, in a Crashed record or a stage as it is then. FactPrinted in a
// Resumed record is an operator's word that the face is on the card. FactLength,
// FactSHA256 and FactSerial in the outcome of a Certify are the certificate's bytes,
// digest and serial number; FactRequest in that of a Request is what the authority is
// asked with.
const (
	FactCounter = "counter"
	FactPrinted = "printed"
	FactLength  = "length"
	FactSHA256  = "sha256"
	FactSerial  = "serial"
	FactRequest = "request"
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

// Observe: open the card afresh, look at it and plan. Perform: carry out
// Action.Step. Sign: sign the receipt. Void: have the certificates of a spoiled card
// taken back, all that Owed tells. Deliver: take the finished card out of the printer.
// Discard: take a spoiled one to the reject bin.
const (
	Observe Do = "observe"
	Perform Do = "perform"
	Sign    Do = "sign"
	Void    Do = "void"
	Deliver Do = "deliver"
	Discard Do = "discard"
)

// Action is what the station has to do next.
type Action struct {
	Do   Do
	Step plan.Step // for Perform
}

// Bounds on one job.
const (
	RecordsMax  = 4096 // records of a job; it is held before it could need more
	DoubtsMax   = 8    // doubts in a row, without a step newly done, before the job is held
	RefusalsMax = 4    // refusals of a card in one job before it is spoiled
)

// Machine is one job's decider.
type Machine struct {
	state   State
	code    string
	reason  string
	plan    *plan.Plan
	next    int    // index of the step to do
	pending string // step whose intent stands without an outcome
	replan  bool   // the card must be observed before anything else
	touched bool   // a step was begun that changes the card
	doubts  int
	records int
	done    map[string]bool
	facts   map[string]map[string]string
	lengths map[string]int // of certificates, by name of file
	refused map[string]int // how often the card refused each step
	rewrite map[string]bool
	quarantine
	carriage
	making
}

// New is the machine of a job without records.
func New() *Machine {
	return &Machine{
		state: Running, replan: true,
		done: map[string]bool{}, facts: map[string]map[string]string{}, lengths: map[string]int{},
		refused: map[string]int{}, rewrite: map[string]bool{}, quarantine: newQuarantine(),
	}
}

// Replay is the machine after these records.
func Replay(records []Record) (*Machine, error) { return New().replay(records) }

func (m *Machine) replay(records []Record) (*Machine, error) {
	for i, r := range records {
		if err := m.Apply(r); err != nil {
			return nil, fmt.Errorf("cannot replay record %d: %w", i+1, err)
		}
	}
	return m, nil
}

// Next is what to do; ok is false when the job is held or done, or spoiled and nothing
// is owed any more.
func (m *Machine) Next() (a Action, ok bool) {
	switch {
	case m.state == Spoiled && m.inside && !m.stuck:
		return Action{Do: Discard}, true
	case m.state == Spoiled && m.owes():
		return Action{Do: Void}, true
	case m.state == Abandoned && m.inUse && m.inside && !m.stuck:
		return Action{Do: Deliver}, true
	case m.state != Running:
		return Action{}, false
	case m.onlyReceipt():
		return Action{Do: Sign}, true
	case m.replan:
		return Action{Do: Observe}, true
	case m.next < len(m.plan.Steps):
		return Action{Do: Perform, Step: m.plan.Steps[m.next]}, true
	case m.inside:
		return Action{Do: Deliver}, true
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
	return plan.Progress{Ours: m.plan != nil, Done: maps.Clone(m.done), Lengths: maps.Clone(m.lengths), Rewrite: maps.Clone(m.rewrite)}
}

// Apply is the only mutator. It refuses a record that cannot follow, and is then as
// it was: the journal is not the history of this job.
func (m *Machine) Apply(r Record) error {
	if m.records == RecordsMax {
		return fmt.Errorf("cannot go on: a job has at most %d records", RecordsMax)
	}
	if err := m.apply(r); err != nil {
		return err
	}
	m.records++
	m.bound()
	return nil
}

func (m *Machine) apply(r Record) error {
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
	case Ruled:
		return m.ruled(r)
	case Staged:
		return m.staged(r)
	}
	return fmt.Errorf("cannot apply record of kind %q", r.Kind)
}

// roomForStep is the most records a step has: its intent, its stages and its outcome.
const roomForStep = 8

// bound holds a job that comes near its last record, so that an intent always has
// room for what must follow it.
func (m *Machine) bound() {
	if m.state == Running && m.pending == "" && m.records > RecordsMax-roomForStep {
		e := failure.New(failure.StationJobLong, "", nil)
		m.hold(string(e.Code), e.Error())
	}
}

func (m *Machine) hold(code, reason string) {
	m.state, m.code, m.reason, m.replan = Held, code, reason, true
}

// planned adopts the plan for what the card showed, or takes note that it could not
// be looked at or planned for.
func (m *Machine) planned(r Record) error {
	a, ok := m.Next()
	switch {
	case !ok || a.Do != Observe:
		return fmt.Errorf("cannot adopt a plan: the job is %s and the card was not to be looked at", m.state)
	case r.Result == Doubt || r.Result == Unavailable || r.Result == Refused:
		m.unplanned(r)
		return nil
	case r.Result != OK:
		return fmt.Errorf("cannot adopt a plan: result %q is not known", r.Result)
	case r.Plan == nil:
		return fmt.Errorf("cannot adopt a plan: the record holds none")
	}
	if err := m.fits(r.Plan); err != nil {
		return err
	}
	m.plan, m.next, m.replan, m.code, m.reason = r.Plan, 0, false, "", ""
	return nil
}

// fits says whether a plan is one for this job's card.
func (m *Machine) fits(p *plan.Plan) error {
	if err := p.Check(); err != nil {
		return err
	}
	if (p.For == plan.ForEndorsement) != m.inUse {
		return fmt.Errorf("cannot adopt a plan: it is for %q, the job is not", p.For)
	}
	if m.plan != nil && (m.plan.Card != p.Card || m.plan.Order != p.Order || m.plan.Profile != p.Profile) {
		return fmt.Errorf("cannot adopt a plan: it is for another card or order")
	}
	return nil
}

// unplanned: the card is as it was, so whatever keeps it from being planned for can
// be mended.
func (m *Machine) unplanned(r Record) {
	if r.Result == Doubt {
		m.doubt(r)
		return
	}
	m.hold(r.Code, r.Text)
}

// changing are the operations after which a card is not blank any more, or perhaps not.
var changing = map[plan.Op]bool{
	plan.Generate: true, plan.Update: true, plan.SetPIN: true, plan.Put: true, plan.Lock: true, plan.Print: true,
}

// intent takes note that a step is begun; what was known of what it undoes is
// forgotten before it can be wrong.
func (m *Machine) intent(r Record) error {
	a, ok := m.Next()
	if !ok || a.Do != Perform || a.Step.ID != r.Step || m.pending != "" {
		return fmt.Errorf("cannot intend %q: it is not the next step", r.Step)
	}
	for _, id := range a.Step.Undoes() {
		m.forget(id)
	}
	switch a.Step.Op {
	case plan.Generate:
		m.forget(a.Step.ID)
	case plan.Request: // another request is another certificate
		for _, s := range m.plan.Steps {
			if s.Op == plan.Certify && s.From == a.Step.ID {
				m.forget(s.ID)
				delete(m.lengths, s.On)
			}
		}
	case plan.Certify:
		m.ask(m.Fact(a.Step.From, FactRequest), a.Step)
	case plan.Print, plan.Note:
		m.begin(r)
	}
	m.touched = m.touched || changing[a.Step.Op]
	m.pending = r.Step
	return nil
}

func (m *Machine) forget(step string) {
	delete(m.done, step)
	delete(m.facts, step)
}

// outcome ends the pending step.
func (m *Machine) outcome(r Record) error {
	if m.pending == "" || m.pending != r.Step {
		return fmt.Errorf("cannot take the outcome of %q: it was not intended", r.Step)
	}
	s := m.plan.Steps[m.next]
	switch r.Result {
	case OK:
		return m.succeeded(r, s)
	case Doubt, Refused, Unavailable:
		m.pending = ""
		m.failed(r, s)
		return nil
	}
	return fmt.Errorf("cannot take the outcome of %q: result %q is not known", r.Step, r.Result)
}

// succeeded takes a step as done. Only what stays done and was not done before is
// progress: a channel opens well before every doubt.
func (m *Machine) succeeded(r Record, s plan.Step) error {
	if s.Op == plan.Certify {
		if n, err := strconv.Atoi(r.Facts[FactLength]); err != nil || n < 1 {
			return fmt.Errorf("cannot take the outcome of %q: it tells no length of the certificate", r.Step)
		}
	}
	m.pending = ""
	if s.Op == plan.Certify {
		m.told(m.Fact(s.From, FactRequest), r.Facts[FactSerial])
		if !m.certified(r, s) {
			return nil
		}
	}
	delete(m.rewrite, s.On)
	if !m.done[s.ID] && !s.Session {
		m.doubts = 0
	}
	m.next++
	m.done[s.ID], m.facts[s.ID] = true, r.Facts
	return nil
}

// certified takes note of a certificate's real length; where the plan counted
// another it is built again. The same request has one certificate for ever: an
// authority that gives two is not believed again before a person has looked.
func (m *Machine) certified(r Record, s plan.Step) bool {
	if known := m.Fact(s.ID, FactSHA256); known != "" && known != r.Facts[FactSHA256] {
		e := failure.New(failure.PKICertificate, "another certificate for the same request", nil)
		m.hold(string(e.Code), e.Error())
		return false
	}
	n, _ := strconv.Atoi(r.Facts[FactLength])
	m.lengths[s.On] = n
	for _, later := range m.plan.Steps[m.next+1:] {
		if later.On == s.On && later.Length != n {
			m.replan = true
		}
	}
	return true
}

// holdable are the operations whose refusal leaves the card as it was: an operator
// can mend the cause and let the job go on.
var holdable = map[plan.Op]bool{plan.Open: true, plan.Certify: true, plan.Print: true}

// failed decides what a bad outcome of a step means for the job.
func (m *Machine) failed(r Record, s plan.Step) {
	switch {
	case r.Result == Doubt && s.Op == plan.Print:
		m.printDoubt(r)
	case m.inUse && r.Code == spoilt:
		m.mar("")
	case m.inUse && r.Code == unprinted:
		m.committed = false
		m.hold(r.Code, r.Text)
	case r.Result == Doubt && s.Again != plan.Never, r.Result == Refused && m.onceMore(r, s):
		m.doubt(r)
	case r.Result == Unavailable, r.Result == Refused && holdable[s.Op] && r.Code != memory && r.Code != spoilt:
		m.hold(r.Code, r.Text)
	default:
		m.spoil(r.Code, r.Text)
	}
}

// spoil ends a job whose card must not be used. A card in use is its holder's: what went
// wrong with it waits for a person.
func (m *Machine) spoil(code, reason string) {
	if m.inUse {
		m.hold(code, reason)
		return
	}
	m.state, m.code, m.reason, m.replan = Spoiled, code, reason, true
}

// Codes the machine tells apart.
const (
	cardRefused = string(failure.CardRefused)
	differs     = string(failure.CardDiffers)
	memory      = string(failure.CardMemory)
	spoilt      = string(failure.PrintSpoilt)
	unprinted   = string(failure.PrintFailed)
)

// onceMore says whether a refusal is no verdict yet. A card whose supply dipped has lost
// its session and refuses what it would have taken, and nothing proves to whom a bare
// status word belongs: so it is looked at again, and a second refusal of the same step,
// or one too many in all, is believed. What differs is written once more where this job
// does not know that it was written: the card's own word for it may have been garbled on
// the way. All of it is compared in the end.
func (m *Machine) onceMore(r Record, s plan.Step) bool {
	switch {
	case r.Code == differs:
		return m.unwritten(s)
	case r.Code != cardRefused || holdable[s.Op]:
		return false
	}
	m.refused[s.ID]++
	all := 0
	for _, n := range m.refused {
		all += n
	}
	return m.refused[s.ID] == 1 && all < RefusalsMax
}

// unwritten says whether what a step read back was never known to be written, and has it
// written.
func (m *Machine) unwritten(s plan.Step) bool {
	var by []string
	switch s.Op {
	case plan.Compare:
		by = []string{plan.StepID(plan.Update, s.On), plan.StepID(plan.Put, s.On)}
	case plan.ProvePIN:
		by = []string{plan.StepID(plan.SetPIN, s.On)}
	default:
		return false
	}
	if m.rewrite[s.On] || slices.ContainsFunc(by, func(id string) bool { return m.done[id] }) {
		return false
	}
	m.rewrite[s.On] = true
	return true
}

// doubt has the card looked at again, a bounded number of times.
func (m *Machine) doubt(r Record) {
	m.code, m.reason, m.replan = r.Code, r.Text, true
	if m.doubts++; m.doubts >= DoubtsMax {
		m.state = Held
	}
}

// printDoubt decides a print nobody saw the end of. Before the commit the card took no
// ink. After it the printer is believed where it is sure. Anything else a person must
// look at, for a face or an entry is never printed twice.
func (m *Machine) printDoubt(r Record) {
	m.replan = true
	switch surface := r.Facts[FactSurface]; {
	case m.committed && surface == SurfacePrinted:
		m.entered()
	case !m.committed, surface == SurfaceBlank:
		m.committed = false
		m.doubt(r)
	default:
		e := failure.New(failure.PrintDoubt, m.doubtful(), nil)
		m.hold(string(e.Code), e.Error())
	}
}

// crashed is the daemon's own death, or its being stopped: the card session is lost,
// and whatever was intended is in doubt and is looked for on the card. What is not on
// the card, a print, the printer decides.
func (m *Machine) crashed(r Record) error {
	if m.state != Running {
		return fmt.Errorf("cannot crash: the job is %s, nothing was under way", m.state)
	}
	if r.Step != m.pending {
		return fmt.Errorf("cannot crash in %q: %q was under way", r.Step, m.pending)
	}
	printed := m.pending != "" && m.plan.Steps[m.next].Op == plan.Print
	m.pending, m.replan = "", true
	if printed {
		m.printDoubt(r)
	}
	return nil
}

// resumed lets a held job go on. That a face is on the card is believed only where a
// print was begun.
func (m *Machine) resumed(r Record) error {
	printed := r.Facts[FactPrinted] != ""
	switch {
	case m.state != Held:
		return fmt.Errorf("cannot resume: the job is %s, not held", m.state)
	case printed && !m.printing():
		return fmt.Errorf("cannot resume as printed: no print was begun")
	case printed && m.given != (verdict{}):
		return fmt.Errorf("cannot resume as printed: the job was given up, and only its card must still leave the printer")
	case printed:
		m.entered()
	default: // a person's word that nothing is on the card
		m.committed = false
	}
	if r.Facts[FactTaken] != "" {
		m.inside, m.laid = false, true
	}
	m.state, m.code, m.reason, m.replan, m.doubts = Running, "", "", true, 0
	if m.given != (verdict{}) {
		m.ended()
	}
	return nil
}

func (m *Machine) sign() error {
	if a, ok := m.Next(); !ok || a.Do != Sign {
		return fmt.Errorf("cannot sign the receipt: the job is %s and not all is done", m.state)
	}
	m.state = Done
	return nil
}
