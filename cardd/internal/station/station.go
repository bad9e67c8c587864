// Package station carries out jobs: it owns one reader and, where there is one,
// the printer around it. One goroutine runs a job from beginning to end; it asks
// the machine of cardd/internal/issue what comes next, writes the intent to the
// journal, acts, and writes the outcome. It decides nothing itself.
package station

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/internal/slot"
	"jukicard/cardd/internal/vault"
	"jukicard/cardd/plan"
	"jukicard/pki"
	"jukicard/printer"
	"jukicard/printer/face"
	"jukicard/reader"
)

// Config is what a station works with. All fields but Printer, Trace and Watch are
// needed.
type Config struct {
	Name      string        // of the station, as it stands in journal and receipts
	Software  string        // name and version of the program
	Readers   reader.System // where cards are
	Reader    string        // the reader's name; empty for the only one with a card
	Short     bool          // use short length even where the card takes extended
	Journal   Journal
	Pins      *vault.PINs
	Sealer    *vault.Sealer
	Authority pki.Authority
	Revoker   pki.Revoker // takes back certificates of spoiled cards; the authority itself where it is nil and can
	Hierarchy pki.Hierarchy
	FaceSeal  pki.Sealer
	Keys      scp03.KeyFinder
	Faces     Painter
	Layout    *face.Layout   // of its name, in place of the one inside; others are those inside
	Printer   printer.Device // nil: the order's face is not printed here
	// ChipStation is where in the printer the reader is, Contact or Contactless; zero
	// where it stands beside it and cards are put in by hand.
	ChipStation printer.Position
	Receipts    *receipt.Signer
	Log         *slog.Logger
	Now         func() time.Time
	Trace       func(job string) apdu.Wrapper              // nil: no transcripts
	Watch       func(Event)                                // told of progress; must not block
	Lab         func(job string, l Lab)                    // in a laboratory: told of every card done; else nil
	Parties     []string                                   // who outside is told how a card ended, by upstream's names
	Owns        func(station string) bool                  // whether jobs of a station of that name are this one's to finish; nil: all are
	Pause       func(context.Context, time.Duration) error // between two questions to a printer; nil really waits
}

// Lab is what a laboratory's other programs need to test with a card.
type Lab struct {
	ATR          reader.ATR
	Certificates map[string][]byte // DER by the profile's name of the file
	Photo        []byte            // JPEG 2000; empty on a card without a photo
}

// Painter draws faces; *face.Fonts is one.
type Painter interface {
	// ChipImages draws what the chip holds.
	ChipImages(d face.Data) (face.ChipImages, error)
	// Render draws both sides of the card.
	Render(l *face.Layout, d face.Data) (printer.Face, error)
	// Check refuses a text of which a character cannot be drawn exactly.
	Check(field, text string) error
}

// Event is progress of a job.
type Event struct {
	Job    string      `json:"job"`
	State  issue.State `json:"state"`
	Step   string      `json:"step,omitempty"` // the step begun or ended
	Result string      `json:"result,omitempty"`
	Done   int         `json:"done"`
	Total  int         `json:"total"`
	Code   string      `json:"code,omitempty"`
	Text   string      `json:"text,omitempty"`
}

// Station is one place where cards are issued. Its methods may be called by
// several goroutines; one job runs at a time.
type Station struct {
	c     Config
	busy  sync.Mutex
	fresh *fresh // the job just submitted; busy's

	reentries map[string]reentry // by job; busy's
}

// New is a station; it touches nothing.
func New(c Config) *Station {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Watch == nil {
		c.Watch = func(Event) {}
	}
	if c.Pause == nil {
		c.Pause = pause
	}
	if c.Owns == nil {
		c.Owns = func(string) bool { return true }
	}
	if c.Revoker == nil {
		c.Revoker, _ = c.Authority.(pki.Revoker)
	}
	return &Station{c: c}
}

// run is one job in the hands of its goroutine.
type run struct {
	*Station
	job     journal.Job
	machine *issue.Machine
	dossier *dossier
	profile *profile.Card
	card    *opened           // nil while no card is open
	seen    *plan.Observation // of card, where it was looked at for Submit and nothing was sent since
	records []journal.Record
	left    int // commands it may still send

	revealed map[string]string // certificates found out when the spoiled card's were taken back, by the step that had asked
}

// Run drives a job until it is done, held or spoiled, and says which in its State.
// An error means that the job could not be driven at all: its journal is broken or
// another job holds the station.
func (s *Station) Run(ctx context.Context, jobID string) error {
	if err := s.seize(ctx); err != nil {
		return err
	}
	defer s.busy.Unlock()
	r, err := s.load(ctx, jobID)
	if err != nil {
		s.forgo()
		return err
	}
	defer r.leave()
	r.inherit()
	for {
		action, ok := r.machine.Next()
		if !ok {
			return r.settle(ctx)
		}
		if err := ctx.Err(); err != nil {
			return failure.New(failure.StationStopped, "", err)
		}
		if action.Do == issue.Void || action.Do == issue.Discard {
			return r.quarantine(ctx)
		}
		if err := r.act(ctx, action); err != nil {
			return err
		}
	}
}

// load replays a job from the journal.
func (s *Station) load(ctx context.Context, jobID string) (*run, error) {
	job, err := s.c.Journal.Job(ctx, jobID)
	if err != nil {
		return nil, err
	}
	p, err := profile.Shared(job.Profile)
	if err != nil {
		return nil, err
	}
	records, err := s.c.Journal.Records(ctx, jobID)
	if err != nil {
		return nil, err
	}
	m, err := Replay(job, records)
	if err != nil {
		return nil, failure.New(failure.StationJournal, err.Error(), err)
	}
	r := &run{Station: s, job: job, machine: m, profile: p, records: records, left: commandsMax}
	if a, ok := m.Next(); ok && a.Do == issue.Perform { // the card session it needs is gone
		step, _ := m.Pending()
		if err := r.record(ctx, r.crash(ctx, step)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// crash is the record of the daemon's own death, or of its being stopped, during a
// step or between two. For a print it takes down what the printer knows, which decides.
func (r *run) crash(ctx context.Context, step string) issue.Record {
	rec := issue.Record{Kind: issue.Crashed, Step: step}
	if prints[step] {
		doubt := failure.New(failure.PrintDoubt, "", nil)
		rec.Facts, rec.Code, rec.Text = r.aftermath(ctx), string(doubt.Code), doubt.Error()
	}
	return rec
}

// prints are the steps that put ink on a card.
var prints = map[string]bool{plan.StepID(plan.Print, plan.Face): true, plan.StepID(plan.Print, plan.EntryOn): true}

// latest is the last record that fits, as it stands in the journal.
func (r *run) latest(fits func(issue.Record) bool) (rec issue.Record, ok bool) {
	for _, kept := range slices.Backward(r.records) {
		rec = issue.Record{}
		if json.Unmarshal(kept.Body, &rec) == nil && fits(rec) {
			return rec, true
		}
	}
	return issue.Record{}, false
}

// Replay is the machine of a job and its journal records.
func Replay(job journal.Job, records []journal.Record) (*issue.Machine, error) {
	decoded := make([]issue.Record, 0, len(records))
	for _, r := range records {
		var rec issue.Record
		if err := json.Unmarshal(r.Body, &rec); err != nil {
			return nil, fmt.Errorf("cannot read record %d: %v", r.Seq, err)
		}
		decoded = append(decoded, rec)
	}
	if job.Operation == order.Endorse {
		return issue.ReplayInUse(decoded)
	}
	return issue.Replay(decoded)
}

// record applies a record to the machine and makes it durable, in that order: a
// record that cannot follow must not reach the journal, and nothing is acted on
// before it is durable.
func (r *run) record(ctx context.Context, rec issue.Record) error {
	body, err := json.Marshal(rec)
	if err != nil {
		panic("internal error: cannot encode record: " + err.Error())
	}
	before, _, _ := r.machine.State()
	stood, _ := r.machine.Entered()
	if err := r.machine.Apply(rec); err != nil {
		return failure.New(failure.StationJournal, err.Error(), err)
	}
	at := r.c.Now()
	notices, err := r.notices(before, rec, at)
	if err != nil {
		return failure.New(failure.StationContent, err.Error(), err)
	}
	panels, err := r.panels(stood)
	if err != nil {
		return err
	}
	kept, err := r.c.Journal.AppendWith(ctx, r.job.ID, journal.Record{At: at, Kind: journal.Kind(rec.Kind), Step: rec.Step, Body: body, Panels: panels}, notices...)
	if err != nil {
		return failure.New(failure.StationJournal, err.Error(), err)
	}
	r.records = append(r.records, kept)
	if state, _, _ := r.machine.State(); state == issue.Running {
		r.tell(rec) // the end is told when it is settled
	}
	return nil
}

// tell hands progress to whoever watches.
func (r *run) tell(rec issue.Record) {
	state, code, reason := r.machine.State()
	done, total := r.machine.Position()
	r.c.Watch(Event{Job: r.job.ID, State: state, Step: rec.Step, Result: string(rec.Result), Done: done, Total: total, Code: code, Text: reason})
}

// act carries one action out.
func (r *run) act(ctx context.Context, a issue.Action) error {
	switch a.Do {
	case issue.Observe:
		return r.observe(ctx)
	case issue.Sign:
		return r.sign(ctx)
	case issue.Deliver:
		return r.deliver(ctx)
	}
	intent := issue.Record{Kind: issue.Intent, Step: a.Step.ID, Facts: r.surfaceFacts(a.Step)}
	if a.Step.Op == plan.Print {
		maps.Copy(intent.Facts, r.counter(ctx))
	}
	if err := r.record(ctx, intent); err != nil {
		return err
	}
	facts, err := r.perform(ctx, a.Step)
	if prints[a.Step.ID] && r.machine.Committed() && failure.CodeOf(err) == failure.StationJournal {
		return err // the print stays begun: what became of it the printer is asked by the next run
	}
	out := issue.Record{Kind: issue.Outcome, Step: a.Step.ID, Result: issue.OK, Facts: facts}
	if err != nil {
		out.Result, out.Code, out.Text = classify(err)
		r.c.Log.Warn("step failed", "job", r.job.ID, "step", a.Step.ID, "result", out.Result, "code", out.Code, "reason", out.Text)
	}
	if out.Result == issue.Doubt {
		r.drop(reader.Reset)
	}
	return r.record(ctx, out)
}

// observe looks at the card and adopts a plan for it.
func (r *run) observe(ctx context.Context) error {
	p, err := r.replan(ctx)
	if a, ok := r.machine.Next(); err != nil && ok && a.Do == issue.Sign {
		return nil // the card has left the printer with its entry, and is not needed any more
	}
	return r.adopt(ctx, p, err)
}

// adopt records the plan, or why there is none.
func (r *run) adopt(ctx context.Context, p *plan.Plan, err error) error {
	rec := issue.Record{Kind: issue.Planned, Result: issue.OK, Plan: p, Facts: r.orderFacts()}
	if err != nil {
		rec.Plan, rec.Facts = nil, nil
		rec.Result, rec.Code, rec.Text = classify(err)
		if rec.Result == issue.Refused { // nothing was done: the card or the order can be changed
			rec.Result = issue.Unavailable
		}
	}
	return r.record(ctx, rec)
}

// settle ends a run: the journal's listing is brought up to date, and what a
// finished job no longer needs is destroyed.
func (r *run) settle(ctx context.Context) error {
	state, code, reason := r.machine.State()
	done, total := r.machine.Position()
	if code != "" {
		reason = code + ": " + reason
	}
	if state == issue.Done && r.c.Lab != nil && r.dossier != nil && r.dossier.book != nil {
		r.c.Lab(r.job.ID, r.lab(ctx))
	}
	if state == issue.Done || state == issue.Spoiled || state == issue.Abandoned {
		r.c.Pins.Drop(r.job.ID)
		delete(r.reentries, r.job.ID)
	}
	if state == issue.Done || state == issue.Abandoned || r.machine.Voided() { // until then the order is needed to ask the authority
		if err := r.c.Journal.DropSealed(ctx, r.job.ID); err != nil {
			return failure.New(failure.StationJournal, err.Error(), err)
		}
	}
	if err := r.c.Journal.SetState(ctx, r.job.ID, string(state), reason, done, total); err != nil {
		return failure.New(failure.StationJournal, err.Error(), err)
	}
	r.c.Log.Info("job settled", "job", r.job.ID, "state", state, "code", code)
	r.tell(issue.Record{})
	return nil
}

// Resume lets a held job go on; Run it afterwards. printed is an operator's word
// that the face is on the card already, after a print nobody knows the end of.
func (s *Station) Resume(ctx context.Context, jobID string, printed bool) error {
	return s.resume(ctx, jobID, printed, false)
}

// TakenOut lets a held job go on whose card an operator took out of the printer by hand
// and laid on its hopper; Run it afterwards. printed is as in Resume.
func (s *Station) TakenOut(ctx context.Context, jobID string, printed bool) error {
	return s.resume(ctx, jobID, printed, true)
}

func (s *Station) resume(ctx context.Context, jobID string, printed, takenOut bool) error {
	if err := s.seize(ctx); err != nil {
		return err
	}
	defer s.busy.Unlock()
	s.forgo()
	r, err := s.load(ctx, jobID)
	if err != nil {
		return err
	}
	if state, _, _ := r.machine.State(); state != issue.Held {
		return nil // a running job goes on by being run
	}
	rec := issue.Record{Kind: issue.Resumed, Facts: facts{}}
	if printed {
		rec.Facts[issue.FactPrinted] = "operator"
	}
	if e, ok := s.c.Printer.(printer.Emptied); ok && takenOut {
		e.TakenOut()
	}
	if takenOut {
		rec.Facts[issue.FactTaken] = "operator"
	}
	return r.record(ctx, rec)
}

// Recover takes note, once at start and before any new job, of what was in doubt
// when the daemon died: a printer's counter tells only while nobody else prints. A job
// whose holder must enter the PINs again is held now, before its card is opened.
func (s *Station) Recover(ctx context.Context) error {
	s.busy.Lock()
	defer s.busy.Unlock()
	jobs, err := s.c.Journal.Unfinished(ctx)
	if err != nil {
		return failure.New(failure.StationJournal, err.Error(), err)
	}
	for _, j := range jobs {
		if !s.c.Owns(j.Station) {
			continue
		}
		if err := s.recover(ctx, j.ID); err != nil {
			return err
		}
	}
	return s.settleDebts(ctx)
}

func (s *Station) recover(ctx context.Context, jobID string) error {
	r, err := s.load(ctx, jobID)
	if err != nil {
		return err
	}
	defer r.leave()
	a, ok := r.machine.Next()
	if state, code, reason := r.machine.State(); ok && a.Do == issue.Deliver && state == issue.Abandoned {
		return r.returning(ctx, code+": "+reason)
	}
	if ok && a.Do != issue.Void {
		if err := r.needsHolder(ctx); err != nil {
			if err := r.adopt(ctx, nil, err); err != nil {
				return err
			}
		}
	}
	return r.settle(ctx)
}

// returning lists a job that was given up as running, so that its run gives the card back.
func (r *run) returning(ctx context.Context, reason string) error {
	done, total := r.machine.Position()
	if err := r.c.Journal.SetState(ctx, r.job.ID, journal.Running, reason, done, total); err != nil {
		return failure.New(failure.StationJournal, err.Error(), err)
	}
	return nil
}

// classify turns an error into what it means for the step. A card that refuses is
// not a link that failed.
func classify(err error) (issue.Result, string, string) {
	var link *reader.Error
	var budget *apdu.BudgetError
	var refused *apdu.StatusError
	var coded *failure.Error
	var planned *plan.CardError
	switch {
	case errors.As(err, &coded):
		return resultOf(coded.Code), string(coded.Code), err.Error()
	case errors.As(err, &planned):
		return issue.Unavailable, planned.Code, planned.Error()
	case errors.Is(err, scp03.ErrCryptogram):
		return named(failure.CardKeys, "")
	case errors.As(err, &refused) && refused.SW == apdu.SWMemoryFailure:
		return named(failure.CardMemory, refused.Error())
	case errors.As(err, &refused):
		return named(failure.CardRefused, refused.Error())
	case errors.As(err, &link):
		return issue.Doubt, string(slot.Code(link)), failure.New(slot.Code(link), link.Detail, nil).Error()
	case errors.As(err, &budget), errors.Is(err, scp03.ErrIntegrity), errors.Is(err, scp03.ErrClosed):
		return issue.Doubt, string(failure.ReaderLink), failure.New(failure.ReaderLink, err.Error(), nil).Error()
	}
	return issue.Doubt, string(failure.ReaderLink), failure.New(failure.ReaderLink, err.Error(), nil).Error()
}

func named(c failure.Code, detail string) (issue.Result, string, string) {
	return resultOf(c), string(c), failure.New(c, detail, nil).Error()
}

// unavailable are the failures after which nothing happened to the card.
var unavailable = map[failure.Code]bool{
	failure.ReaderNone: true, failure.ReaderUnknown: true, failure.ReaderNoCard: true, failure.ReaderTwoCards: true,
	failure.ReaderBusy: true, failure.ReaderService: true, failure.ReaderMute: true, failure.ReaderRemoved: true,
	failure.CardOther: true, failure.CardNotMyNumber: true, failure.CardGeneration: true, failure.CardNoState: true,
	failure.StationPIN: true, failure.StationVaultKey: true, failure.StationContent: true, failure.PKIAuthority: true, failure.PKIDoubt: true, failure.PKICertificate: true,
	failure.CardNotOrdered: true, failure.CardNotInUse: true, failure.EntryNoRoom: true, failure.EntryRefused: true, failure.EntryLayout: true,
	failure.PanelUnknown: true, failure.PanelDiffers: true,
	failure.FaceGlyph: true, failure.FaceOverflow: true, failure.FacePhoto: true, failure.StationStopped: true, failure.CardKeys: true,
	failure.KeysAbsent: true, failure.KeysUnlock: true, failure.KeysLocked: true, failure.KeysFull: true, failure.KeysGone: true,
	failure.KeysUnable: true, failure.KeysDamaged: true, failure.KeysNone: true,
	failure.StationJobLong: true, failure.PrinterFault: true, failure.PrinterJam: true, failure.PrinterLink: true, failure.PrinterCardOut: true,
}

func resultOf(c failure.Code) issue.Result {
	if unavailable[c] {
		return issue.Unavailable
	}
	return issue.Refused
}
