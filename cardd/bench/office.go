package main

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/plan"
	"jukicard/printer/face"
	"jukicard/reader"
	"jukicard/simulator"
	"jukicard/simulator/people"
)

// deskReader is the one reader of the simulated desk.
const deskReader = "Desk 0"

// countingDesk counts what goes over every card opened on a desk.
type countingDesk struct {
	*simulator.Desk
	counter *apdu.Counter
}

// Open is the desk's, with the counter between caller and card.
func (d countingDesk) Open(ctx context.Context, name string, m reader.Mode) (reader.Card, error) {
	c, err := d.Desk.Open(ctx, name, m)
	if err != nil {
		return nil, err
	}
	return countedCard{c, d.counter.Wrap(c)}, nil
}

type countedCard struct {
	reader.Card
	counted apdu.Transport
}

// Transmit goes through the counter.
func (c countedCard) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	return c.counted.Transmit(ctx, command)
}

// office is the whole daemon in this process over a simulated desk.
type office struct {
	*daemon.Daemon
	desk    countingDesk
	counter *apdu.Counter
	before  apdu.Counts            // when the step in work began
	spent   map[string]apdu.Counts // by step
}

// openOffice opens a daemon on dir; state from an earlier office on it goes on.
func openOffice(ctx context.Context, dir string, short bool) (*office, error) {
	o := &office{counter: new(apdu.Counter), spent: map[string]apdu.Counts{}}
	o.desk = countingDesk{simulator.NewDesk(deskReader), o.counter}
	c := &config.Config{
		Lab: true, StateDir: dir, Station: config.Station{Name: "bench"},
		Authority: config.Authority{Kind: "softca", Dir: filepath.Join(dir, "authority"), Organization: "cardd bench"},
		Printer:   config.Printer{Kind: "simulated", Dir: filepath.Join(dir, "faces")},
		Fonts:     config.Fonts{Paths: face.DefaultFontPaths},
	}
	var err error
	o.Daemon, err = daemon.Open(ctx, c, daemon.Options{
		Readers: o.desk, Short: short, Watch: o.watch, Log: slog.New(slog.DiscardHandler),
	})
	return o, err
}

// watch counts what each step sent: an event without a result begins one, an event
// with a result ends it.
func (o *office) watch(e station.Event) {
	switch now := o.counter.Counts(); {
	case e.Step == "":
	case e.Result == "":
		o.before = now
	default:
		o.spent[e.Step] = now.Sub(o.before)
	}
}

// applicant is an invented person as the daemon receives one.
type applicant struct {
	wire   []byte            // the order, photograph inside
	number []byte            // the order's number in it, quoted
	pins   []byte            // pins.json
	pin    map[string]string // pins.json read, by class
}

// apply writes the person's files below dir, as a clerk would, and reads them.
func apply(dir, name string) (*applicant, error) {
	p, err := people.Get(name, time.Time{})
	if err != nil {
		return nil, err
	}
	if err := people.Write(dir, p); err != nil {
		return nil, err
	}
	a := &applicant{pins: p.PINs}
	if a.wire, err = order.Inline(dir, p.Order); err != nil {
		return nil, err
	}
	var form struct{ ID string }
	if err := json.Unmarshal(p.Order, &form); err != nil {
		return nil, err
	}
	a.number = fmt.Appendf(nil, "%q", form.ID)
	return a, json.Unmarshal(p.PINs, &a.pin)
}

// orders is how many this process has handed in: an order that is fulfilled is not taken
// again, so each has a number of its own.
var orders atomic.Int64

// next is the person's order under the next number.
func (a *applicant) next() []byte {
	return bytes.Replace(a.wire, a.number, fmt.Appendf(nil, "\"BENCH-%06d\"", orders.Add(1)), 1)
}

// issued is what came of one full issue.
type issued struct {
	total apdu.Counts            // from the order's arrival to the signed receipt
	plan  *plan.Plan             // as it was carried out
	spent map[string]apdu.Counts // by step
}

// issue puts the card into the desk and has the daemon issue it.
func (o *office) issue(ctx context.Context, a *applicant, c *simulator.Card) (*issued, error) {
	o.desk.Insert(0, c)
	clear(o.spent)
	before := o.counter.Counts()
	id, err := o.submit(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := o.Station.Run(ctx, id); err != nil {
		return nil, err
	}
	out := &issued{total: o.counter.Counts().Sub(before), spent: o.spent}
	job, err := o.Journal.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if job.State != journal.Done {
		return nil, fmt.Errorf("the job ended %s: %s", job.State, job.Reason)
	}
	out.plan, err = o.planOf(ctx, id)
	return out, err
}

func (o *office) submit(ctx context.Context, a *applicant) (string, error) {
	wire := a.next()
	parsed, err := order.Parse(wire, nil, o.Station.Checks())
	if err != nil {
		return "", err
	}
	pins, err := order.ParsePINs(a.pins)
	if err != nil {
		return "", err
	}
	return o.Station.Submit(ctx, parsed, wire, pins)
}

// planOf is the plan in the job's journal.
func (o *office) planOf(ctx context.Context, job string) (*plan.Plan, error) {
	records, err := o.Journal.Records(ctx, job)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		var rec issue.Record
		if r.Kind != journal.Planned {
			continue
		}
		if err := json.Unmarshal(r.Body, &rec); err != nil {
			return nil, err
		}
		if rec.Plan != nil {
			return rec.Plan, nil
		}
	}
	return nil, errors.New("the journal holds no plan")
}

// blankCard is a card of the laboratory, in memory only.
func blankCard(p *profile.Card, pool func() *rsa.PrivateKey) (*simulator.Card, error) {
	return simulator.NewBlank(simulator.Options{
		Profile: p, LabKey: simulator.LabTestKey, Master: simulator.LabTestKey, KeyPool: pool,
	})
}

// keyPool hands out premade RSA-2048 keys in turn, so that no card gets one twice;
// while it is dry the card makes its own.
type keyPool struct {
	keys []*rsa.PrivateKey
	next int
	dry  bool
}

// newKeyPool makes enough keys for one card: four of the maker's, two of the holder's.
func newKeyPool() (*keyPool, error) {
	p := &keyPool{}
	for range 6 {
		k, err := rsa.GenerateKey(nil, 2048)
		if err != nil {
			return nil, err
		}
		p.keys = append(p.keys, k)
	}
	return p, nil
}

func (p *keyPool) take() *rsa.PrivateKey {
	if p.dry {
		return nil
	}
	p.next++
	return p.keys[p.next%len(p.keys)]
}

// withDir lends a directory that is gone afterwards.
func withDir(f func(dir string) error) error {
	dir, err := os.MkdirTemp("", "cardd-bench-")
	if err != nil {
		return err
	}
	return errors.Join(f(dir), os.RemoveAll(dir))
}
