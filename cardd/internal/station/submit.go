package station

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/order/facecheck"
	"jukicard/cardd/plan"
	"jukicard/reader"
)

// Checks are what reading an order asks of this station: whether a picture is a
// photo and whether every character can be printed.
func (s *Station) Checks() order.Checks { return facecheck.Checks(s.c.Faces) }

// ChecksOf are those that an order still has to pass: none where it is, byte for byte,
// the order of a job under way, which passed them when it was accepted. So a daemon
// that is back to finish a card need not read its fonts first.
func (s *Station) ChecksOf(ctx context.Context, wire []byte) order.Checks {
	o, err := readAgain(wire)
	if err != nil {
		return s.Checks() // whoever reads it says what is wrong
	}
	defer o.Destroy()
	if _, same, err := s.live(ctx, o.ID, wire); err != nil || !same {
		return s.Checks()
	}
	return order.Checks{}
}

// Draft is a plan made without touching anything.
type Draft struct {
	Plan  *plan.Plan
	Blank bool // no card was there: it is planned for a blank one
}

// Plan makes the plan for an order: for the card in the reader if there is one,
// else for a blank card. It writes nothing and presents nothing.
func (s *Station) Plan(ctx context.Context, o *order.Order, wire []byte) (*Draft, error) {
	if err := s.seize(ctx); err != nil {
		return nil, err
	}
	defer s.busy.Unlock()
	s.forgo()
	p, err := profile.Shared(o.Profile)
	if err != nil {
		return nil, err
	}
	d, err := s.ready(ctx, o, wire)
	if err != nil {
		return nil, err
	}
	seen, blank, err := s.glance(ctx, p)
	if err != nil {
		return nil, err
	}
	if d.wanted.Entry != nil {
		return d.draft(p, seen, blank, s.wire(p))
	}
	id := seen.Card
	if blank {
		id = blankID
	}
	if err := s.bind(ctx, d, p, id); err != nil {
		return nil, err
	}
	made, err := plan.Build(p, d.wanted, seen, plan.Progress{}, s.wire(p))
	return &Draft{Plan: made, Blank: blank}, err
}

// blankID stands for the number of a card that is not there yet.
const blankID = "0000000000000000"

// glance looks at the card without keeping others from it; a reader without a card
// gives a blank one.
func (s *Station) glance(ctx context.Context, p *profile.Card) (seen plan.Observation, blank bool, err error) {
	c, err := s.open(ctx, p, reader.Shared)
	switch failure.CodeOf(err) {
	case failure.ReaderNone, failure.ReaderNoCard, failure.ReaderService:
		return plan.Blank(p), true, nil
	}
	if err != nil {
		return plan.Observation{}, false, err
	}
	defer c.close(reader.Reset)
	seen, err = look(ctx, c.session)
	return seen, false, Coded(err)
}

// Coded gives an error its code and keeps it as the cause.
func Coded(err error) error {
	if err == nil || failure.CodeOf(err) != "" {
		return err
	}
	_, code, _ := classify(err)
	return failure.New(failure.Code(code), err.Error(), err)
}

func (s *Station) wire(p *profile.Card) plan.Wire {
	return plan.Wire{Extended: s.extended(p), CommandData: p.Limits.CommandData}
}

// ready makes a dossier for an order that has no job yet.
func (s *Station) ready(ctx context.Context, o *order.Order, wire []byte) (*dossier, error) {
	if o.Operation == order.Endorse {
		return s.readyEntry(ctx, o, wire)
	}
	m, err := s.newMaterial(ctx, o, wire)
	if err != nil {
		return nil, err
	}
	return s.assemble(ctx, o, m)
}

// Submit accepts an order: everything that can be refused without a card is
// refused now, the card is looked at, and then the job is durable. Run it
// afterwards. The PINs go into the vault and nowhere else.
func (s *Station) Submit(ctx context.Context, o *order.Order, wire []byte, pins order.PINs) (job string, err error) {
	if err := s.seize(ctx); err != nil {
		return "", err
	}
	defer s.busy.Unlock()
	s.forgo()
	if job, err = s.again(ctx, o, wire, pins); job != "" || err != nil {
		return job, err
	}
	if err := s.renewable(ctx, o.ID, wire); err != nil {
		return "", err
	}
	if err := s.unencumbered(ctx, o.ID); err != nil {
		return "", err
	}
	d, err := s.ready(ctx, o, wire)
	if err != nil {
		return "", err
	}
	p, err := profile.Shared(o.Profile)
	if err != nil {
		return "", err
	}
	if err := d.printable(); err != nil {
		return "", err
	}
	c, err := s.fetch(ctx, p, reader.Exclusive)
	if err != nil {
		return "", s.decline(ctx, d, "", plan.Observation{}, err)
	}
	seen, first, err := s.first(ctx, p, d, c)
	if err == nil {
		job, err = s.create(ctx, o, d, first, pins)
	}
	if err != nil {
		c.close(reader.Reset)
		return "", s.decline(ctx, d, "", seen, err)
	}
	s.fresh = &fresh{job: job, card: c, seen: seen}
	return job, nil
}

// first is what a new job's card shows and the plan it starts from; a card that cannot
// be issued is refused before there is a job.
func (s *Station) first(ctx context.Context, p *profile.Card, d *dossier, c *opened) (seen plan.Observation, first *plan.Plan, err error) {
	if seen, err = lookTwice(ctx, c.session); err != nil {
		return seen, nil, Coded(err)
	}
	if err := s.unclaimed(ctx, seen.Card); err != nil {
		return seen, nil, err
	}
	if err := d.fitsOrder(seen.Card); err != nil {
		return seen, nil, err
	}
	if err := s.bind(ctx, d, p, seen.Card); err != nil {
		return seen, nil, err
	}
	first, err = plan.Build(p, d.wanted, seen, plan.Progress{}, s.wire(p))
	return seen, first, Coded(err)
}

func (s *Station) create(ctx context.Context, o *order.Order, d *dossier, first *plan.Plan, pins order.PINs) (string, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("cannot draw a job number: %w", err)
	}
	id := s.c.Now().UTC().Format("20060102-150405-") + hex.EncodeToString(b[:3])
	plain, err := d.material.encode()
	if err != nil {
		return "", err
	}
	sealed, err := s.c.Sealer.Seal(id, plain)
	clear(plain)
	if err != nil {
		return "", err
	}
	err = s.c.Journal.Create(ctx, journal.Job{
		ID: id, OrderID: o.ID, CardID: first.Card, Station: s.c.Name, Profile: o.Profile, Product: string(o.Product),
		Operation: o.Operation, PlanDigest: first.Digest(), Created: s.c.Now(), Total: len(first.Steps),
	}, sealed)
	if errors.Is(err, journal.ErrExists) {
		return "", failure.New(failure.StationJobLive, o.ID, err)
	}
	if err != nil {
		return "", failure.New(failure.StationJournal, err.Error(), err)
	}
	return id, s.keep(id, pins)
}

// again finds the live job of an order that is handed in a second time: the same
// order goes on, with the PINs entered anew; another under the same number is
// refused.
func (s *Station) again(ctx context.Context, o *order.Order, wire []byte, pins order.PINs) (string, error) {
	job, same, err := s.live(ctx, o.ID, wire)
	switch {
	case err != nil || job == "":
		return "", err
	case !same:
		return "", failure.New(failure.StationOrderChanged, o.ID, nil)
	}
	return job, s.reenter(ctx, job, pins)
}

// live is the job under way of the order of that number, if there is one, and whether
// it was made for these very bytes.
func (s *Station) live(ctx context.Context, orderID string, wire []byte) (job string, same bool, err error) {
	jobs, err := s.c.Journal.ByOrder(ctx, orderID)
	if err != nil {
		return "", false, failure.New(failure.StationJournal, err.Error(), err)
	}
	i := slices.IndexFunc(jobs, func(j journal.Job) bool { return j.State == journal.Running || j.State == journal.Held })
	if i < 0 {
		return "", false, nil
	}
	m, err := s.unseal(ctx, jobs[i].ID)
	if err != nil {
		return "", false, err
	}
	defer clear(m.Order)
	return jobs[i].ID, bytes.Equal(m.Order, wire), nil
}

// keep puts PINs into the vault; without any the job runs until it needs one.
func (s *Station) keep(job string, pins order.PINs) error {
	if len(pins) == 0 {
		return nil
	}
	return s.c.Pins.Put(job, pins)
}

func (s *Station) unseal(ctx context.Context, job string) (*material, error) {
	sealed, err := s.c.Journal.Sealed(ctx, job)
	if err != nil {
		return nil, failure.New(failure.StationJournal, err.Error(), err)
	}
	plain, err := s.c.Sealer.Open(job, sealed)
	if err != nil {
		return nil, failure.New(failure.StationVaultKey, err.Error(), err)
	}
	defer clear(plain)
	return decodeMaterial(plain)
}

// look opens the job's card and looks at it, unless Submit has just done so.
func (r *run) look(ctx context.Context) (plan.Observation, error) {
	if seen := r.seen; seen != nil {
		r.seen = nil
		if r.inline() {
			return *seen, r.arrived(ctx, r.card.fed)
		}
		return *seen, nil
	}
	if err := r.reopen(ctx); err != nil {
		return plan.Observation{}, err
	}
	return look(ctx, r.card.session)
}

// replan opens the job's card, looks at it and builds the plan that is left.
func (r *run) replan(ctx context.Context) (*plan.Plan, error) {
	if err := r.unpack(ctx); err != nil {
		return nil, err
	}
	if err := r.needsHolder(ctx); err != nil {
		return nil, err
	}
	seen, err := r.look(ctx)
	if err != nil {
		r.drop(reader.Reset)
		return nil, err
	}
	if r.job.CardID != seen.Card {
		return nil, r.another(ctx, seen)
	}
	if r.dossier.cardID != seen.Card {
		if err := r.bind(ctx, r.dossier, r.profile, seen.Card); err != nil {
			return nil, err
		}
	}
	r.recall()
	return r.build(seen)
}

// build makes the plan for what is seen; a certificate that came longer or shorter
// than expected is counted with its real length.
func (r *run) build(seen plan.Observation) (*plan.Plan, error) {
	past := r.machine.Progress()
	past.Ours = past.Ours || len(r.records) > 0
	if err := r.setAgain(past); err != nil {
		return nil, err
	}
	return plan.Build(r.profile, r.dossier.wanted, seen, past, r.wire(r.profile))
}

// unpack opens the sealed order once a run.
func (r *run) unpack(ctx context.Context) error {
	if r.dossier != nil {
		return nil
	}
	m, err := r.unseal(ctx, r.job.ID)
	if err != nil {
		return err
	}
	o, err := readAgain(m.Order)
	if err != nil {
		return failure.New(failure.StationContent, "the sealed order does not read any more", err)
	}
	r.dossier, err = r.assemble(ctx, o, m)
	return err
}

// readAgain reads an order that was accepted: photo and characters were judged then.
func readAgain(wire []byte) (*order.Order, error) {
	if len(wire) > 0 && wire[0] != '{' {
		return order.ParseCBOR(wire, nil, order.Checks{})
	}
	return order.Parse(bytes.TrimSpace(wire), nil, order.Checks{})
}

// reopen takes the card afresh, with the security status of nobody.
func (r *run) reopen(ctx context.Context) error {
	r.drop(reader.Reset)
	if err := r.place(ctx); err != nil {
		return err
	}
	var err error
	r.card, err = r.open(ctx, r.profile, reader.Exclusive)
	if err == nil {
		r.card.traced(r.limited)
		r.card.traced(r.trace())
	}
	if failure.CodeOf(err) == failure.ReaderNoCard && r.machine.Plan() != nil {
		done, total := r.machine.Position()
		return failure.New(failure.ReaderRemoved, fmt.Sprintf("%d of %d steps are done", done, total), err)
	}
	return err
}
