package station_test

import (
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/order"
	"jukicard/simulator"
	"jukicard/simulator/people"
)

// bench is a daemon over a simulated desk.
type bench struct {
	*daemon.Daemon
	desk *simulator.Desk
	card *simulator.Card
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("CARDD_STATE_DIR", dir)
	t.Setenv("CARDD_LAB", "true")
	c, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	desk := simulator.NewDesk("Desk 0")
	p, err := profile.Load("mynumber-1")
	if err != nil {
		t.Fatal(err)
	}
	card, err := simulator.NewBlank(simulator.Options{Profile: p, LabKey: simulator.LabTestKey, Master: simulator.LabTestKey, StateFile: filepath.Join(dir, "card")})
	if err != nil {
		t.Fatal(err)
	}
	desk.Insert(0, card)
	d, err := daemon.Open(t.Context(), c, daemon.Options{Readers: desk, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return &bench{d, desk, card}
}

func TestIssue(t *testing.T) {
	b := newBench(t)
	person, err := people.Get("adult", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := people.Write(dir, person); err != nil {
		t.Fatal(err)
	}
	wire, err := order.Inline(dir, person.Order)
	if err != nil {
		t.Fatal(err)
	}
	o, err := order.Parse(wire, nil, b.Station.Checks())
	if err != nil {
		t.Fatal(err)
	}
	pins, err := order.ParsePINs(person.PINs)
	if err != nil {
		t.Fatal(err)
	}
	job, err := b.Station.Submit(t.Context(), o, wire, pins)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Station.Run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	j, _ := b.Journal.Job(t.Context(), job)
	t.Logf("%+v", j)
}
