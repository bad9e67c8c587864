// Package issued makes a simulated card that is already issued: it lets the real
// daemon issue it, in this process, on a simulated desk.
//
// It is the one place where simulator and daemon meet, and belongs to the program
// cardsim alone. It leaves out PC/SC, the API and the journal's afterlife: the
// daemon's state, its authority included, is gone when the card is done.
package issued

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/client"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/labenv"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/plan"
	"jukicard/simulator"
	"jukicard/simulator/people"
)

// Is says whether a card has been issued: whether its maker's state is left behind.
func Is(ctx context.Context, c *simulator.Card, p *profile.Card) (bool, error) {
	t := apdu.TransportFunc(func(_ context.Context, command []byte) ([]byte, error) { return c.Process(command), nil })
	defer c.Reset()
	s := card.New(t, p, card.Options{})
	b, err := s.State(ctx)
	if err != nil {
		return false, fmt.Errorf("cannot tell whether the card is issued: %w", err)
	}
	seen, err := plan.ParseState(p, c.ID(), b)
	if err != nil {
		return false, fmt.Errorf("cannot tell whether the card is issued: %w", err)
	}
	return seen.LifeCycle == p.Domain.Locked, nil
}

// Issue issues the card for an invented person and, where env is not empty, writes
// the values of the card there. master is the key the card's own keys come from.
func Issue(ctx context.Context, c *simulator.Card, person people.Person, master secret.Bytes, env string) (err error) {
	dir, err := os.MkdirTemp("", "cardsim")
	if err != nil {
		return fmt.Errorf("cannot issue: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	a, err := apply(person)
	if err != nil {
		return err
	}
	defer a.destroy()
	var lab *client.Lab
	d, err := open(ctx, dir, c, daemon.Options{
		Master: master, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Lab: func(_ string, l station.Lab) { lab = answer(l) },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := run(ctx, d.Station, d.Journal, a); err != nil {
		return err
	}
	if env == "" {
		return nil
	}
	pins, err := order.ParsePINs(person.PINs) // the station destroyed its own
	if err != nil {
		return err
	}
	defer pins.Destroy()
	return labenv.Write(env, a.order, pins, lab, c.ID())
}

// application is what a person hands in at the window.
type application struct {
	order *order.Order
	wire  []byte
	pins  order.PINs
}

func (a *application) destroy() {
	a.order.Destroy()
	a.pins.Destroy()
	clear(a.wire)
}

func apply(person people.Person) (*application, error) {
	dir, err := os.MkdirTemp("", "cardsim")
	if err != nil {
		return nil, fmt.Errorf("cannot apply: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder's remains harm nobody
	if err := people.Write(dir, person); err != nil {
		return nil, err
	}
	wire, err := order.Inline(dir, person.Order)
	if err != nil {
		return nil, err
	}
	o, err := order.Parse(wire, nil, order.Checks{})
	if err != nil {
		return nil, err
	}
	pins, err := order.ParsePINs(person.PINs)
	return &application{o, wire, pins}, err
}

// open starts a daemon of a laboratory whose only reader holds the card.
func open(ctx context.Context, dir string, c *simulator.Card, o daemon.Options) (*daemon.Daemon, error) {
	cfg, err := config.Load("")
	if err != nil {
		return nil, err
	}
	cfg.Lab, cfg.StateDir, cfg.Reader.Name, cfg.Printer.Kind = true, dir, "", "none"
	cfg.Authority.Dir, cfg.Station.Name = filepath.Join(dir, "authority"), "cardsim"
	desk := simulator.NewDesk("Desk")
	desk.Insert(0, c)
	o.Readers = desk
	return daemon.Open(ctx, cfg, o)
}

func run(ctx context.Context, s *station.Station, j *journal.Journal, a *application) error {
	job, err := s.Submit(ctx, a.order, a.wire, a.pins)
	if err != nil {
		return fmt.Errorf("cannot issue: %w", err)
	}
	if err := s.Run(ctx, job); err != nil {
		return fmt.Errorf("cannot issue: %w", err)
	}
	done, err := j.Job(ctx, job)
	if err != nil {
		return fmt.Errorf("cannot issue: %w", err)
	}
	if done.State != journal.Done {
		return fmt.Errorf("cannot issue: the job is %s: %s", done.State, done.Reason)
	}
	return nil
}

// answer is what the API would say of the card.
func answer(l station.Lab) *client.Lab {
	out := &client.Lab{ATR: l.ATR.String(), Certificates: map[string]string{}, Photo: base64.StdEncoding.EncodeToString(l.Photo)}
	for path, der := range l.Certificates {
		out.Certificates[path] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return out
}
