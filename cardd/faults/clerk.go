package faults

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/station"
	"jukicard/simulator"
	"jukicard/simulator/fault"
)

// Try is one card for one person, and what goes wrong with it.
type Try struct {
	Person  string
	Script  fault.Script
	Jams    []Jam    // of the prints, in turn
	Outages []Outage // of the authority's calls, in turn
	Deaths  []int    // boundaries of the journal's writes at which the daemon dies, rising
	Thief   bool     // who finds the card the first time it is out, and tries a value at every PIN

	habits *habits // of the clerk; nil: he does what he should
}

// End is how a try ended.
type End struct {
	State string // one of the states below
	Code  string // why, where it was not issued

	Wrong  []string // what is wrong with it, or with what it left behind
	Double int      // certificates that came while another of the purpose was valid
	Spent  int      // wrong values presented to the card, but by a thief
	Stolen int      // wrong values that he presented
	Twice  int      // faces printed beyond the first

	Commands int            // that the card saw
	Codes    []failure.Code // for which the clerk was needed
	Deaths   int            // of the daemon
	Log      fault.Log      // what went wrong with the card
}

// The states of an End. A card is stuck when the clerk has done all that remedies say
// and it is neither issued nor in quarantine.
const (
	Issued      = "issued"
	Quarantined = "quarantined"
	TurnedAway  = "turned away" // the card was refused before there was a job; nothing was written to it
	Stuck       = "stuck"
)

// counter is the clerk at work on one card.
type counter struct {
	*Office
	a      *applicant
	number string // of the order
	card   *simulator.Card
	other  *simulator.Card // that is put in instead after a swap
	faulty *fault.Card
	slot   *fault.Slot
	line   int  // of card; other is of the other
	lies   bool // the card lies in the slot, as far as the clerk knows
	job    string
	habits *habits
	thief  bool // is still to come
	end    End
}

// bounds of a clerk's patience with one card.
const (
	holdsMax = 16 // times he is needed before he puts the card aside
	voidsMax = 12 // times the authority is asked to take certificates back
)

// serve hands the order in, and when the job is held does what the failure's remedy
// says; at the end of his wits he puts the card aside.
func (c *counter) serve(ctx context.Context) error {
	if err := c.handIn(ctx); err != nil || c.job == "" {
		return err
	}
	for len(c.end.Codes) < holdsMax {
		ended, err := c.drive(ctx)
		if err != nil || ended {
			return err
		}
	}
	return c.putAside(ctx)
}

// alive does something with the daemon. When it dies of it, it is started again.
func (c *counter) alive(ctx context.Context, do func() error) (died bool, err error) {
	if died, err = survive(do); !died {
		return false, err
	}
	more, err := c.restart(ctx)
	c.end.Deaths += 1 + more
	return true, err
}

// surely does it again after each death: what is decided is decided once.
func (c *counter) surely(ctx context.Context, do func() error) error {
	for {
		died, err := c.alive(ctx, do)
		if !died || err != nil {
			return err
		}
	}
}

// handIn submits the order until there is a job, or the card is turned away.
func (c *counter) handIn(ctx context.Context) error {
	for len(c.end.Codes) < holdsMax {
		var refused error
		died, err := c.alive(ctx, func() error {
			c.job, refused = c.submit(ctx, c.a, c.number)
			return nil
		})
		code := failure.CodeOf(refused)
		switch {
		case err != nil:
			return err
		case died:
			continue
		case refused == nil:
			return c.bound(ctx)
		case code == "":
			return fmt.Errorf("cannot hand the order in: %w", refused)
		}
		c.held(code)
		if hopeless := c.remedy(code); hopeless {
			break
		}
	}
	c.end.State = TurnedAway
	return nil
}

// bound looks which card the job was begun on: before there is a job nobody can tell one
// blank card from another, and after a swap it may be the other one. That one is then the
// card, and no more goes wrong with it.
func (c *counter) bound(ctx context.Context) error {
	j, err := c.books.Job(ctx, c.job)
	if err != nil || j.CardID == c.card.ID() {
		return err
	}
	if j.CardID != c.other.ID() {
		c.end.Wrong = append(c.end.Wrong, "the job is bound to a card that is not here")
		return nil
	}
	c.end.Commands, c.end.Log = c.faulty.Count(), c.faulty.Log()
	c.card, c.other, c.line = c.other, c.card, lines-1-c.line
	c.faulty = fault.Wrap(c.card)
	c.slot = fault.NewSlot(c.desk.Desk, 0, c.faulty, c.other)
	c.press.under(c.card.ID())
	return nil
}

// reinsert puts the card in again, after a swap the other one.
func (c *counter) reinsert() {
	if c.thief && c.slot.Out() {
		c.thief, c.end.Stolen = false, c.a.tried(c.card)
	}
	card := c.other
	if c.lies = c.slot.Reinsert(); c.lies {
		card = c.card
	}
	c.press.under(card.ID())
}

// held notes that the clerk was needed.
func (c *counter) held(code failure.Code) {
	c.end.Code = string(code)
	c.end.Codes = append(c.end.Codes, code)
}

// drive runs the job once; a held one is mended. ended says that it needs nobody more.
func (c *counter) drive(ctx context.Context) (ended bool, err error) {
	died, err := c.alive(ctx, func() error { return c.station.Run(ctx, c.job) })
	if died || err != nil {
		return false, err
	}
	j, err := c.books.Job(ctx, c.job)
	if err != nil {
		return false, err
	}
	code, _, _ := strings.Cut(j.Reason, ":")
	c.end.Code, c.end.State = code, Stuck
	switch j.State {
	case journal.Done:
		c.end.State = Issued
		return true, nil
	case journal.Spoiled:
		c.end.State = Quarantined
		return true, c.destroy(ctx)
	}
	c.held(failure.Code(code))
	err = c.mend(ctx, failure.Code(code))
	return c.end.State != Stuck, err // he may have put the card aside
}

// mend does what a failure's remedy says, and now and then what it does not say, and lets
// the job go on.
func (c *counter) mend(ctx context.Context, code failure.Code) error {
	if c.habits != nil {
		if enough, err := c.stray(ctx); enough || err != nil {
			return err
		}
	}
	if code == failure.StationPIN { // "let the holder enter the PINs again"
		if err := c.enterPINs(ctx); err != nil {
			return err
		}
	}
	c.remedy(code)
	return c.resume(ctx)
}

// enterPINs hands the order in again while its job lives.
func (c *counter) enterPINs(ctx context.Context) error {
	_, err := c.alive(ctx, func() error {
		job, err := c.submit(ctx, c.a, c.number)
		if err == nil && job != c.job {
			c.end.Wrong = append(c.end.Wrong, "an order under way became a second job")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot enter the PINs again: %w", err)
	}
	return nil
}

// resume lets the job go on; after a print nobody knows the end of, the clerk looks at
// the card and says what he sees.
func (c *counter) resume(ctx context.Context) error {
	_, err := c.alive(ctx, func() error {
		printed := c.end.Code == string(failure.PrintDoubt) && len(c.press.on(c.card.ID())) > 0
		return c.station.Resume(ctx, c.job, printed)
	})
	return err
}

// putAside gives the card up.
func (c *counter) putAside(ctx context.Context) error {
	err := c.surely(ctx, func() error {
		err := c.station.PutAside(ctx, c.job, "Sato", "")
		if j, _ := c.books.Job(ctx, c.job); failure.CodeOf(err) == failure.StationDecision && j.State == journal.Spoiled {
			return nil // decided before the daemon died
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot put the card aside: %w", err)
	}
	for ended := false; !ended && err == nil && len(c.end.Codes) <= holdsMax; { // again where the daemon died of it
		ended, err = c.drive(ctx)
	}
	return err
}

// destroy takes a card in quarantine to its end: the daemon asks the authority until it
// knows that the certificates are taken back, and two persons see the card destroyed.
func (c *counter) destroy(ctx context.Context) error {
	for range voidsMax {
		if q, err := c.listed(ctx); err != nil || q == nil || q.Voided {
			break
		}
		if err := c.surely(ctx, func() error { return c.station.Run(ctx, c.job) }); err != nil {
			return err
		}
	}
	for _, person := range []string{"Sato", "Suzuki"} {
		err := c.surely(ctx, func() error {
			err := c.station.ConfirmDestroyed(ctx, c.job, person)
			if failure.CodeOf(err) == failure.QuarantinePerson && c.end.Deaths > 0 {
				return nil // confirmed before the daemon died
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("cannot confirm the destruction: %w", err)
		}
	}
	return c.inQuarantine(ctx)
}

// inQuarantine holds the station's list against what was done.
func (c *counter) inQuarantine(ctx context.Context) error {
	q, err := c.listed(ctx)
	switch {
	case err != nil:
		return err
	case q == nil:
		c.end.Wrong = append(c.end.Wrong, "it is not in the list of the quarantine")
	case q.Code != c.end.Code || q.Card != c.card.ID() || !q.Voided || !q.Destroyed:
		c.end.Wrong = append(c.end.Wrong, fmt.Sprintf("it is listed as %s, voided %t, destroyed %t", q.Code, q.Voided, q.Destroyed))
	}
	return nil
}

// listed is the job's card in the station's list of the quarantine; nil when it is not there.
func (c *counter) listed(ctx context.Context) (*station.Quarantine, error) {
	list, err := c.station.Quarantined(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(list, func(q station.Quarantine) bool { return q.Job == c.job })
	if at < 0 {
		return nil, nil
	}
	return &list[at], nil
}

// again are the failures after which a clerk puts the card in again: those he is told so,
// and the others that are worth a second look before a card is given up.
var again = []failure.Code{
	failure.ReaderRemoved, failure.ReaderNoCard, failure.ReaderMute, failure.ReaderLink, failure.CardOther,
	failure.CardIssued, failure.CardHalfMade, failure.CardNoState, failure.CardLifeCycle, failure.CardGeneration, failure.CardNotMyNumber,
	failure.CardKeys, failure.CardRefused, failure.CardMemory, failure.CardInWork,
}

// remedy does what is to be done around the station, and says when there is nothing.
func (c *counter) remedy(code failure.Code) (hopeless bool) {
	switch {
	case slices.Contains(again, code):
		c.reinsert()
	case code == failure.PrintDoubt, code == failure.PrintFailed:
		c.press.mend()
	case code == failure.CardQuarantined:
		return true
	case code == failure.PKIAuthority, code == failure.StationPIN, code == failure.StationJobLong: // wait, and ask again
	default:
		c.end.Wrong = append(c.end.Wrong, fmt.Sprintf("nobody knows what to do about %q", code))
	}
	return false
}
