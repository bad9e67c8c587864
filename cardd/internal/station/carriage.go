package station

import (
	"context"
	"errors"
	"strconv"
	"time"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/slot"
	"jukicard/cardd/plan"
	"jukicard/printer"
	"jukicard/reader"
)

// A station whose reader is inside a printer fetches its cards itself: hopper, chip
// station, head, output. The reject bin is for every card that is not finished: none
// leaves by the output that a clerk could hand out.

// inline says whether the reader is a chip station of the printer.
func (s *Station) inline() bool { return s.c.Printer != nil && s.c.ChipStation != printer.Hopper }

// Time limits of a printer's conduct.
const (
	quietMax = 3 * time.Minute        // for a printer to end what it is doing
	quietGap = 200 * time.Millisecond // between two questions
	seatMax  = 10 * time.Second       // for the reader to notice the card at its station
	seatGap  = 20 * time.Millisecond  // between two looks
)

// quiet asks the printer until it is doing nothing any more: its counter and its
// position tell something only then.
func (s *Station) quiet(ctx context.Context) (printer.Status, error) {
	ctx, stop := context.WithTimeout(ctx, quietMax)
	defer stop()
	for {
		st, err := s.c.Printer.Status(ctx)
		if err != nil || !st.Busy() {
			return st, err
		}
		if err := s.c.Pause(ctx, quietGap); err != nil {
			return st, err
		}
	}
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// PrinterFailure is what a printer's error is to an operator: nothing happened to the
// card's chip.
func PrinterFailure(err error) error {
	var coded *failure.Error
	var fault *printer.FaultError
	switch {
	case err == nil || errors.As(err, &coded):
		return err
	case errors.As(err, &fault) && fault.Fault.Kind == printer.Jam:
		return failure.New(failure.PrinterJam, err.Error(), err)
	case errors.As(err, &fault):
		return failure.New(failure.PrinterFault, err.Error(), err)
	}
	return failure.New(failure.PrinterLink, err.Error(), err)
}

// blocking is the fault that keeps the printer from taking a card; nil when there is none.
// That it has started again keeps it from nothing: where its card is was just asked.
func blocking(st printer.Status) error {
	for _, f := range st.Faults {
		if f.Kind != printer.Wait && f.Kind != printer.Restarted {
			return PrinterFailure(&printer.FaultError{Op: "take a card", Fault: f})
		}
	}
	return nil
}

// bring has a card at the chip station: the one inside, or one from the hopper. fed says
// that it came from the hopper now. claimed says that the job's own card is inside, so
// that none may be fetched in its place.
func (s *Station) bring(ctx context.Context, claimed bool) (fed bool, err error) {
	st, err := s.quiet(ctx)
	if err != nil {
		return false, PrinterFailure(err)
	}
	if err := blocking(st); err != nil {
		return false, err
	}
	switch st.Position {
	case s.c.ChipStation:
		return false, nil
	case printer.Lost:
		return false, failure.New(failure.PrinterJam, "the printer does not know where its card is", nil)
	case printer.Hopper, printer.Output, printer.Reject:
		if claimed {
			return false, failure.New(failure.PrinterCardOut, "", nil)
		}
		fed = true
	}
	return fed, PrinterFailure(s.c.Printer.Move(ctx, s.c.ChipStation))
}

// seated waits until the reader has noticed the card at its station.
func (s *Station) seated(ctx context.Context) error {
	for range int(seatMax / seatGap) {
		_, err := slot.Find(ctx, s.c.Readers, s.c.Reader)
		if failure.CodeOf(err) != failure.ReaderNoCard {
			return err
		}
		if err := s.c.Pause(ctx, seatGap); err != nil {
			return err
		}
	}
	return failure.New(failure.ReaderNoCard, "the card at the printer's chip station is not noticed", nil)
}

// fetch is open where the station fetches its cards itself.
func (s *Station) fetch(ctx context.Context, p *profile.Card, m reader.Mode) (*opened, error) {
	if !s.inline() {
		return s.open(ctx, p, m)
	}
	fed, err := s.bring(ctx, false)
	if err != nil {
		return nil, err
	}
	if err := s.seated(ctx); err != nil {
		return nil, err
	}
	c, err := s.open(ctx, p, m)
	if err != nil {
		return nil, err
	}
	c.fed = fed
	return c, nil
}

// unwanted are the failures that speak against the card that was fetched, not against
// the order: no other order will want it either.
var unwanted = map[failure.Code]bool{
	failure.CardNotMyNumber: true, failure.CardGeneration: true, failure.CardOther: true, failure.CardIssued: true,
	failure.CardHalfMade: true, failure.CardLifeCycle: true, failure.CardNoState: true, failure.CardQuarantined: true,
	failure.ReaderMute: true,
}

// refuse gives up a card that was fetched for an order and cannot be used: into the
// reject bin if it is to blame, else it waits at the station for the next order.
func (s *Station) refuse(ctx context.Context, why error) error {
	if !unwanted[failure.CodeOf(why)] {
		return why
	}
	if err := s.c.Printer.Move(ctx, printer.Reject); err != nil {
		return errors.Join(why, PrinterFailure(err))
	}
	return why
}

// decline gives up a card that was fetched for an order and cannot be used. One that was
// fetched for an entry may be its holder's, whatever is wrong with it: it leaves by the
// output as it came, unless it shows that it was never issued.
//
// A card that an unfinished job waits for stays inside, whichever order found it there:
// own is the job that gives the card up, empty where there is none.
func (s *Station) decline(ctx context.Context, d *dossier, own string, seen plan.Observation, why error) error {
	if !s.inline() {
		return why
	}
	if waited, err := s.awaited(ctx, own, seen.Card); waited || err != nil {
		return errors.Join(why, err)
	}
	if d.wanted.Entry == nil {
		return s.refuse(ctx, why)
	}
	st, err := s.quiet(ctx)
	if err == nil && st.Position != printer.Hopper && st.Position != printer.Output && st.Position != printer.Lost {
		err = s.c.Printer.Move(ctx, way(d.profile, seen))
	}
	if err != nil {
		return errors.Join(why, PrinterFailure(err))
	}
	return why
}

// awaited says whether the card in the printer is one of an unfinished job other than own:
// by its number, or, where it told none, because such a job's card has not left it.
func (s *Station) awaited(ctx context.Context, own, card string) (bool, error) {
	jobs, err := s.c.Journal.Unfinished(ctx)
	if err != nil {
		return false, failure.New(failure.StationJournal, err.Error(), err)
	}
	for _, j := range jobs {
		if j.ID == own || !s.c.Owns(j.Station) {
			continue
		}
		if j.CardID == card {
			return true, nil
		}
		if card != "" {
			continue
		}
		records, err := s.c.Journal.Records(ctx, j.ID)
		if err != nil {
			return false, failure.New(failure.StationJournal, err.Error(), err)
		}
		m, err := Replay(j, records)
		if err != nil {
			return false, failure.New(failure.StationJournal, err.Error(), err)
		}
		if m.Inside() {
			return true, nil
		}
	}
	return false, nil
}

// way is where a card goes that an entry was not made on.
func way(p *profile.Card, seen plan.Observation) printer.Position {
	if seen.Known && seen.LifeCycle != p.Domain.Locked {
		return printer.Reject
	}
	return printer.Output
}

// place has the job's card at the chip station, and notes how it came there.
func (r *run) place(ctx context.Context) error {
	if !r.inline() {
		return nil
	}
	inside := r.machine.Inside()
	fed, err := r.bring(ctx, inside)
	if failure.CodeOf(err) == failure.PrinterCardOut {
		if err := r.stage(ctx, issue.StageOut); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return errors.Join(r.arrived(ctx, fed), r.seated(ctx))
}

// another gives a card up that is not the job's. Inside a printer it goes to the reject
// bin, unwritten as it is, or is given back where it may be somebody's in use, and the
// job's own is waited for.
func (r *run) another(ctx context.Context, seen plan.Observation) error {
	r.drop(reader.Reset)
	err := failure.New(failure.CardOther, "", nil)
	if !r.inline() {
		return err
	}
	return errors.Join(r.decline(ctx, r.dossier, r.job.ID, seen, err), r.stage(ctx, issue.StageOut))
}

// arrived notes that the card stands at the chip station.
func (r *run) arrived(ctx context.Context, fed bool) error {
	if fed {
		if err := r.stage(ctx, issue.StageFeed); err != nil {
			return err
		}
	}
	if fed || !r.machine.Inside() {
		return r.stage(ctx, issue.StageAtStation)
	}
	return nil
}

// stage writes down how far the card has come inside the printer.
func (r *run) stage(ctx context.Context, stage string) error {
	return r.record(ctx, issue.Record{Kind: issue.Staged, Result: issue.OK, Facts: facts{issue.FactStage: stage}})
}

// counted is stage with the printer's counter beside it.
func (r *run) counted(ctx context.Context, stage string, counter uint64) error {
	return r.record(ctx, issue.Record{Kind: issue.Staged, Result: issue.OK, Facts: facts{
		issue.FactStage: stage, issue.FactCounter: strconv.FormatUint(counter, 10)}})
}

// underHead takes the card from the chip station to the head, once its chip is known to
// be the one the face belongs to: the surface follows the chip, never the other way.
func (r *run) underHead(ctx context.Context) error {
	if !r.inline() {
		return nil
	}
	if err := r.belongs(ctx); err != nil {
		return err
	}
	if r.job.Operation != order.Endorse { // whose chip is only asked
		if err := r.stage(ctx, issue.StageChipWritten); err != nil {
			return err
		}
	}
	r.drop(reader.Unpower)
	if err := r.c.Printer.Move(ctx, printer.Head); err != nil {
		return PrinterFailure(err)
	}
	return r.stage(ctx, issue.StageAtHead)
}

// belongs asks the chip at the station once more whose it is.
func (r *run) belongs(ctx context.Context) error {
	id, err := r.card.session.CardID(ctx)
	switch {
	case err != nil:
		return err
	case id != r.job.CardID || r.dossier.cardID != r.job.CardID:
		return failure.New(failure.CardOther, "the chip at the station is not that of the face", nil)
	}
	return nil
}

// discard takes a spoiled card to the reject bin.
func (r *run) discard(ctx context.Context) error {
	if !r.inline() { // the printer it was in is not this station's any more
		return r.stage(ctx, issue.StageOut)
	}
	return r.exit(ctx, printer.Reject, issue.StageRejected)
}

// deliver takes the card out by the output: finished, or in use and to be given back.
func (r *run) deliver(ctx context.Context) error {
	if !r.inline() { // the printer it was in is not this station's any more
		return r.stage(ctx, issue.StageOut)
	}
	if state, _, _ := r.machine.State(); state == issue.Abandoned { // and nobody has just asked the card whose it is
		waited, err := r.awaited(ctx, r.job.ID, "")
		if waited {
			err = failure.New(failure.CardInWork, "the card of another job may be the one in the printer: take it out, and resume with --taken-out", nil)
		}
		if err != nil {
			return r.inside(ctx, issue.StageEjected, err)
		}
	}
	return r.exit(ctx, printer.Output, issue.StageEjected)
}

// returned gives a card in use back when its job has been given up.
func (r *run) returned(ctx context.Context) error {
	if state, _, _ := r.machine.State(); state != issue.Abandoned {
		return nil
	}
	return r.deliver(ctx)
}

// exit takes the card out of the printer: a finished card by the output, any other into the reject bin.
// What keeps it inside is written down; a finished card's job is then held.
func (r *run) exit(ctx context.Context, to printer.Position, stage string) error {
	r.drop(reader.Unpower)
	st, err := r.quiet(ctx)
	if err == nil && st.Position != printer.Hopper && st.Position != to {
		err = r.c.Printer.Move(ctx, to)
	}
	if err == nil {
		return r.counted(ctx, stage, st.CardsPrinted)
	}
	return r.inside(ctx, stage, PrinterFailure(err))
}

// inside writes down what keeps the card in the printer.
func (r *run) inside(ctx context.Context, stage string, why error) error {
	failed := issue.Record{Kind: issue.Staged, Facts: facts{issue.FactStage: stage}}
	failed.Result, failed.Code, failed.Text = classify(why)
	r.c.Log.Warn("the card did not leave the printer", "job", r.job.ID, "code", failed.Code, "reason", failed.Text)
	return r.record(ctx, failed)
}

// Emptied takes an operator's word that no card is inside the printer any more, for one
// that cannot see that by itself. A job's own card is taken out with TakenOut.
func (s *Station) Emptied() error {
	if !s.busy.TryLock() {
		return failure.New(failure.StationBusy, "", nil)
	}
	defer s.busy.Unlock()
	s.forgo()
	if e, ok := s.c.Printer.(printer.Emptied); ok {
		e.TakenOut()
	}
	return nil
}

// Maintain lends the station's printer to a technician: no job runs meanwhile, and there
// is no card inside.
func (s *Station) Maintain(ctx context.Context, do func(context.Context) error) error {
	if !s.busy.TryLock() {
		return failure.New(failure.StationBusy, "", nil)
	}
	defer s.busy.Unlock()
	s.forgo()
	st, err := s.quiet(ctx)
	if err != nil {
		return PrinterFailure(err)
	}
	if st.Position != printer.Hopper && st.Position != printer.Output {
		return failure.New(failure.PrinterFault, "a card is inside: finish or abandon its job first", nil)
	}
	return PrinterFailure(do(ctx))
}
