package station_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/plan"
	"jukicard/simulator"
)

// moments copies a bench's state folder whenever a record has become durable: what a kill
// at that moment would have left.
type moments struct {
	t    *testing.T
	of   string
	kept []string
}

func (m *moments) keep(station.Event) {
	to := filepath.Join(m.t.TempDir(), fmt.Sprint("moment", len(m.kept)))
	if err := os.CopyFS(to, os.DirFS(m.of)); err != nil {
		m.t.Error(err)
	}
	for _, secret := range []string{".", "vault.key", "receipt.key"} {
		info, err := os.Stat(filepath.Join(m.of, secret))
		if err != nil {
			continue
		}
		if err := os.Chmod(filepath.Join(to, secret), info.Mode().Perm()); err != nil {
			m.t.Error(err)
		}
	}
	m.kept = append(m.kept, to)
}

// openedOn opens the bench's daemon on a state folder, told of progress.
func (b *bench) openedOn(t *testing.T, state string, watch func(station.Event)) {
	t.Helper()
	t.Setenv("CARDD_STATE_DIR", state)
	c, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	b.Daemon, err = daemon.Open(t.Context(), c, daemon.Options{Readers: b.desk, Watch: watch, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAnEntryIsPrintedOnceWheneverTheDaemonIsKilled: after every record of its job, and
// also where the printer had finished and the record of it was lost.
func TestAnEntryIsPrintedOnceWheneverTheDaemonIsKilled(t *testing.T) {
	b := elsewhere(t)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	m := &moments{t: t, of: filepath.Join(b.dir, "state")}
	b.openedOn(t, m.of, m.keep)
	number := b.card.ID()
	job, err := b.endorse(t, entryFor(number).with("panel", told("mynumber-1", 2, 1)))
	if err != nil {
		t.Fatal(err)
	}
	m.keep(station.Event{}) // the order is accepted, and nothing more
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("undisturbed it ended %s: %s", j.State, j.Reason)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	faces, err := filepath.Rel(m.of, b.Config.Printer.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for n, state := range m.kept[:len(m.kept)-1] {
		if !printed(t, state, faces) && printed(t, m.kept[n+1], faces) {
			m.late(state, m.kept[n+1], faces) // the printer was faster than the record
		}
	}
	if len(m.kept) < 11 {
		t.Fatalf("%d moments, none of them between print and record", len(m.kept))
	}
	for n, state := range m.kept {
		t.Run(fmt.Sprint("moment ", n), func(t *testing.T) { b.revived(t, state, job) })
	}
}

// printed says whether the printer was done.
func printed(t *testing.T, state, faces string) bool {
	t.Helper()
	_, err := os.Stat(filepath.Join(state, faces, "counter"))
	return err == nil
}

// late adds the moment of a kill with the printer as it was a moment later.
func (m *moments) late(state, next, faces string) {
	m.of = state
	m.keep(station.Event{})
	copied := filepath.Join(m.kept[len(m.kept)-1], faces)
	if err := os.RemoveAll(copied); err != nil {
		m.t.Error(err)
	}
	if err := os.CopyFS(copied, os.DirFS(filepath.Join(next, faces))); err != nil {
		m.t.Error(err)
	}
}

// revived lets a daemon come up on what a kill left and the job go on.
func (b *bench) revived(t *testing.T, state, job string) {
	t.Helper()
	chip, err := b.card.Clone(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	after := &bench{dir: filepath.Dir(state), desk: simulator.NewDesk("Desk 1"), card: chip}
	after.desk.Insert(0, chip)
	after.openedOn(t, state, nil)
	defer func() { _ = after.Close() }()
	if j := after.run(t, job); j.State != journal.Done {
		t.Errorf("it ended %s: %s", j.State, j.Reason)
	}
	if n := after.printed(t); n != 1 {
		t.Errorf("%d entries were printed", n)
	}
	p, err := after.Journal.Panel(t.Context(), chip.ID())
	if err != nil || p.N != 2 || p.How != journal.PanelPrinted {
		t.Errorf("there stands %+v: %v", p, err)
	}
}

// TestAnEntryEndsWithoutItsCard: the entry is on the card and recorded when the daemon is
// stopped, and the holder leaves with the card. The job ends with its receipt all the same.
func TestAnEntryEndsWithoutItsCard(t *testing.T) {
	b := elsewhere(t)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	b.openedOn(t, filepath.Join(b.dir, "state"), func(e station.Event) {
		if e.Step == plan.StepID(plan.Print, plan.EntryOn) && e.Result == string(issue.OK) {
			stop()
		}
	})
	job, err := b.endorse(t, entryFor(b.card.ID()).with("panel", told("mynumber-1", 2, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Station.Run(ctx, job); failure.CodeOf(err) != failure.StationStopped {
		t.Fatalf("got %v", err)
	}
	b.desk.Remove(0)
	if j := b.run(t, job); j.State != journal.Done {
		t.Errorf("it ended %s: %s", j.State, j.Reason)
	}
	if r, err := b.Station.Receipt(t.Context(), job); err != nil || r == nil {
		t.Errorf("no receipt: %v", err)
	}
}
