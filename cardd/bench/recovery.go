package main

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"jukicard/apdu/profile"
	"jukicard/cardd/faults"
	"jukicard/pki/softca"
	"jukicard/simulator"
	"jukicard/simulator/fault"
)

// Bounds of cardd under the schedule, beside nothing lost that could be saved: what a
// fault costs it in commands, on average of all cards that were finished. The other two
// have none: their figures are there to be compared.
const recoveryRatioMax = 1.15

// recovered is what came of the cards of a schedule.
type recovered struct {
	cards, finished int
	needless        int // lost, though the schedule did not destroy them
	wrong           int // finished, and holding what they should not
	twice, tries    int
	apdus           int // of all cards
	plain           int // of one on which nothing goes wrong
	unstruck        int // cards that never got to the command of their fault
}

// lost is how many cards cannot be handed out.
func (r recovered) lost() int { return r.cards - r.finished }

func (r *recovered) take(o outcome, f fault.Fault) {
	r.cards++
	switch {
	case o.finished:
		r.finished++
	case !destroys(f):
		r.needless++
	}
	if len(o.wrong) > 0 {
		r.wrong++
	}
	if !o.struck {
		r.unstruck++
	}
	r.twice, r.tries, r.apdus = r.twice+o.twice, r.tries+o.tries, r.apdus+o.apdus
}

// measureRecovery issues the cards of one schedule of faults three times, each with the
// same fault at the same command: by cardd's station, which resumes; by wiping on
// failure; by running again from the start. The simulated card is the same and so is
// the authority's code; keys are premade.
func measureRecovery(ctx context.Context, r *report) error {
	s, err := parseSchedule(mishaps1)
	if err != nil {
		return err
	}
	r.count(scheduleName+"_cards", len(s), "card", none)
	r.count(scheduleName+"_destroyed", s.destroyed(), "card", none)
	ours, err := underCardd(ctx, s)
	if err != nil {
		return fmt.Errorf("cardd: %w", err)
	}
	tell(r, s, "cardd", ours, true)
	return withMemory(func(dir string) error {
		w, err := openWorkshop(ctx, dir)
		if err != nil {
			return err
		}
		defer func() { _ = w.registry.ca.Close() }()
		for _, how := range []strategy{wipe, rerun} {
			theirs, err := w.issueAll(ctx, how, s)
			if err != nil {
				return err
			}
			tell(r, s, how.name, theirs, false)
		}
		return nil
	})
}

// tell adds the figures of one issuer; those of ours have bounds.
func tell(r *report, s schedule, who string, got recovered, ours bool) {
	least, zero, ratio := none, none, none
	if ours {
		least, zero, ratio = atMost(s.perTenThousand(s.destroyed())), atMost(0), atMost(recoveryRatioMax)
	}
	name := func(what string) string { return scheduleName + "_" + who + "_" + what }
	r.add(name("lost"), s.perTenThousand(got.lost()), "card/10000", least)
	r.add(name("lost_needlessly"), s.perTenThousand(got.needless), "card/10000", zero)
	r.add(name("wrong"), s.perTenThousand(got.wrong), "card/10000", zero)
	r.add(name("certificates_twice"), s.perTenThousand(got.twice), "certificate/10000", zero)
	r.add(name("tries_spent"), s.perTenThousand(got.tries), "try/10000", zero)
	finished := float64(got.apdus) / float64(got.finished)
	r.add(name("apdus"), finished, "apdu/card", none)
	r.add(name("apdus_ratio"), finished/float64(got.plain), unitRatio, ratio)
	r.count(name("unstruck"), got.unstruck, "card", atMost(0)) // else it was another schedule
}

// underCardd has the station issue, with the journal that it always has and a clerk who
// does what failures' remedies say. Package faults judges the cards.
func underCardd(ctx context.Context, s schedule) (out recovered, err error) {
	h, err := faults.OpenHouse()
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	o := faults.Options{Disk: true}
	cases := []faults.Case{{Options: o, Try: faults.Try{Person: person}}}
	for _, f := range s {
		cases = append(cases, faults.Case{Options: o, Try: faults.Try{Person: person, Script: fault.Script{f}}})
	}
	err = h.Crew(ctx, runtime.GOMAXPROCS(0), cases, func(c faults.Case, end faults.End) {
		if len(c.Try.Script) == 0 {
			out.plain = end.Commands
			return
		}
		out.take(outcome{
			finished: end.State == faults.Issued, wrong: end.Wrong, apdus: end.Commands,
			twice: end.Double, tries: end.Spent, struck: len(end.Log) > 0,
		}, c.Try.Script[0])
	})
	return out, err
}

// person is who is issued every card.
const person = "adult"

// workshop is what the other two issuers share: a blank card to copy, keys, a script and
// an authority.
type workshop struct {
	blank    *simulator.Card
	keys     []*rsa.PrivateKey
	script   *script
	registry *registry
}

// holderKeys is how many keys cards make among them: one makes two, and two more for
// every further try.
const holderKeys = 8

// openWorkshop has cardd issue one card undisturbed: its plan is the script, and its
// memory what the script writes.
func openWorkshop(ctx context.Context, dir string) (*workshop, error) {
	p, err := profile.Load(simulator.DefaultProfile)
	if err != nil {
		return nil, err
	}
	w := &workshop{script: &script{profile: p}}
	for range holderKeys {
		k, err := rsa.GenerateKey(nil, 2048)
		if err != nil {
			return nil, err
		}
		w.keys = append(w.keys, k)
	}
	if w.blank, err = blankCard(p, w.pool(0)); err != nil {
		return nil, err
	}
	if err := w.makeModel(ctx, dir); err != nil {
		return nil, err
	}
	ca, err := softca.Open(filepath.Join(dir, "authority"), softca.Options{})
	w.registry = &registry{ca: ca}
	return w, err
}

// makeModel writes the script.
func (w *workshop) makeModel(ctx context.Context, dir string) error {
	a, err := apply(filepath.Join(dir, "person"), person)
	if err != nil {
		return err
	}
	o, err := openOffice(ctx, filepath.Join(dir, "state"), false)
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	c, err := w.card(0)
	if err != nil {
		return err
	}
	done, err := o.issue(ctx, a, c)
	if err != nil {
		return err
	}
	w.script.steps = done.plan.Steps
	w.script.model, err = readMemory(c)
	return err
}

// card is a fresh copy of the blank card, number included, so that what the script
// writes is right for it.
func (w *workshop) card(n int) (*simulator.Card, error) {
	return w.blank.Clone(simulator.Options{KeyPool: w.pool(n)})
}

// pool is card n's supply of keys, of which it gets none twice in the tries it has.
func (w *workshop) pool(n int) func() *rsa.PrivateKey {
	next := n
	return func() *rsa.PrivateKey {
		next++
		return w.keys[next%len(w.keys)]
	}
}

// issueAll issues every card of the schedule by one strategy, on all cores.
func (w *workshop) issueAll(ctx context.Context, how strategy, s schedule) (out recovered, err error) {
	i := &issuer{how, w.script, w.registry}
	plain, err := w.issue(ctx, i, 0, fault.Fault{})
	if err != nil || !plain.finished || len(plain.wrong) > 0 {
		return out, fmt.Errorf("cannot issue a card by %s even undisturbed: %q, %w", how.name, plain.wrong, err)
	}
	out.plain = plain.apdus
	var next atomic.Int64
	var all sync.WaitGroup
	var one sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for n := int(next.Add(1)) - 1; n < len(s); n = int(next.Add(1)) - 1 {
				o, failed := w.issue(ctx, i, n, s[n])
				one.Lock()
				out.take(o, s[n])
				err = errors.Join(err, failed)
				one.Unlock()
				if failed != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return out, err
}

func (w *workshop) issue(ctx context.Context, i *issuer, n int, f fault.Fault) (outcome, error) {
	c, err := w.card(n)
	if err != nil {
		return outcome{}, err
	}
	return i.one(ctx, c, f)
}

// withMemory lends a directory in memory, where there is such: nothing in it is timed,
// and ten thousand syncs are.
func withMemory(f func(dir string) error) error {
	parent := "/dev/shm"
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "cardd-bench-")
	if err != nil {
		return err
	}
	return errors.Join(f(dir), os.RemoveAll(dir))
}
