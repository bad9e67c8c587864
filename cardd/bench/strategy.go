package main

import (
	"context"
	"errors"
	"fmt"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/cardd/plan"
	"jukicard/pki"
	"jukicard/simulator"
	"jukicard/simulator/fault"
)

// strategy is what an issuer does when an issue has failed, whatever it failed of.
type strategy struct {
	name  string
	tries int // of one card
	// clear readies the card for another try. false: the card is given up.
	clear func(ctx context.Context, i *issuer, c *fault.Card, of given) (bool, error)
}

// rerun is what pySim-shell does with a stack of cards (osmocom/pysim pySim-shell.py,
// bulk_script and _process_card): a script of commands is run from its first line; one
// that ended with an exception is run again from its first line, on the card fetched
// anew, as often as --tries says, 2 where it says nothing; then the card goes into the
// bin for errors. Nothing is kept from one run for the next.
//
// On each fault: the card is put in again and everything is written again. On this
// profile that succeeds until the lock, because writing twice is writing once; but the
// card makes its keys again, so that their certificates are asked for again while the
// first ones are valid. A locked card lets what a PIN protects no longer be read back in
// the channel, and a script that does so ends as before.
var rerun = strategy{"rerun", 2, func(context.Context, *issuer, *fault.Card, given) (bool, error) { return true, nil }}

// wipe is what Dogtag's Token Processing System does (dogtagpki/pki
// base/tps/src/org/dogtagpki/server/tps/processor/TPSEnrollProcessor.java, enroll): when
// generateCertificates fails, the token is cleaned up with format(), which deletes the
// applet with all its keys and loads it again, and the enrolment ends in an error; any
// other exception ends it too, and a token that the database does not know as enrolled
// is formatted before the next enrolment. As Dogtag's default CS.cfg has it
// (op.format.userKey.revokeCert=true), formatting takes the certificates back; here also
// those of the failed enrolment, which Dogtag's database knows of only when one has
// succeeded.
//
// On each fault: the card is put in again and looked at. What stands in its EFs the next
// try overwrites, which counts as wiped. A My Number card's applications cannot be
// deleted and loaded again; no command takes a generated key away, unsets a PIN or leads
// back from the lock (docs/CARD-WRITING.md). A card that shows one of them cannot be
// wiped: its certificates are taken back and it is given up. So is one that cannot be
// looked at.
var wipe = strategy{"wipe", 3, func(ctx context.Context, i *issuer, c *fault.Card, of given) (bool, error) {
	blank, err := i.canBeBlank(ctx, c)
	if err != nil {
		return false, err
	}
	return blank, i.registry.takeBack(ctx, of)
}}

// issuer issues to simulated cards by one strategy.
type issuer struct {
	strategy
	script   *script
	registry *registry
}

// outcome is what came of one card.
type outcome struct {
	finished bool
	wrong    []string // what a finished card holds that it should not
	apdus    int      // that the card got
	twice    int      // certificates that came while another of the purpose was valid
	tries    int      // wrong values presented
	struck   bool     // the fault happened
}

// errLine is a card that gave no answer.
var errLine = errors.New("the card gave no answer")

// session is the card put in anew, without a reader between: the line breaks where
// package fault breaks it.
func (i *issuer) session(c *fault.Card) *card.Session {
	c.PowerOff()
	line := apdu.TransportFunc(func(_ context.Context, command []byte) ([]byte, error) {
		answer := c.Process(command)
		if len(answer) < 2 {
			return nil, errLine
		}
		return answer, nil
	})
	return card.New(line, i.script.profile, card.Options{Extended: true})
}

// one issues one card with what the schedule has for it; the zero Fault is none.
func (i *issuer) one(ctx context.Context, blank *simulator.Card, f fault.Fault) (outcome, error) {
	c := fault.Wrap(blank)
	c.Arm(nil)
	if f.At > 0 {
		c.Arm(fault.Script{f})
	}
	of := given{}
	var out outcome
	for range i.tries {
		s := i.session(c)
		err := i.script.run(ctx, s, func(ctx context.Context, p pki.Purpose, csr []byte) ([]byte, error) {
			return i.registry.ask(ctx, of, p, csr)
		})
		s.Close()
		out.twice = max(out.twice, of.twice())
		if err == nil {
			out.finished = true
			break
		}
		if again, err := i.clear(ctx, i, c, of); err != nil || !again {
			if err != nil {
				return out, fmt.Errorf("%s: %w", i.name, err)
			}
			break
		}
	}
	out.apdus, out.tries, out.struck = c.Count(), blank.TriesSpent(), c.Injected() > 0
	if out.finished {
		var err error
		if out.wrong, err = i.script.judge(blank, of); err != nil {
			return out, err
		}
	}
	return out, nil
}

// canBeBlank looks at a card: whether it shows nothing that the next try could not
// overwrite.
func (i *issuer) canBeBlank(ctx context.Context, c *fault.Card) (bool, error) {
	s := i.session(c)
	defer s.Close()
	b, err := s.State(ctx)
	if err != nil {
		return false, nil //nolint:nilerr // a card that cannot be looked at is given up
	}
	seen, err := plan.ParseState(i.script.profile, "", b)
	if err != nil {
		return false, nil //nolint:nilerr // as above
	}
	for path := range seen.Objects {
		_, _, noKey := i.script.profile.Key(path)
		_, _, noReference := i.script.profile.Reference(path)
		if noKey == nil || noReference == nil {
			return false, nil
		}
	}
	return seen.LifeCycle != i.script.profile.Domain.Locked, nil
}
