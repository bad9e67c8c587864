package station_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the journal's own driver

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
)

// TestAnEntryIsNotPrintedAgainAfterALostRecord: the one record that says that the entry is
// printed cannot be written, and those behind it can. The printer is asked; nobody is told
// that the job may simply go on.
func TestAnEntryIsNotPrintedAgainAfterALostRecord(t *testing.T) {
	b := elsewhere(t)
	db, err := sql.Open("sqlite", filepath.Join(b.dir, "state", "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), `CREATE TRIGGER lost BEFORE INSERT ON record WHEN instr(CAST(NEW.body AS TEXT), 'commit-done') > 0
		BEGIN SELECT RAISE (ABORT, 'the disk is full'); END`); err != nil {
		t.Fatal(err)
	}
	job, err := b.endorse(t, entryFor(b.card.ID()).with("panel", told("mynumber-1", 2, 1)))
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Station.Run(t.Context(), job) // its journal cannot be written
	if _, err := db.ExecContext(t.Context(), "DROP TRIGGER lost"); err != nil {
		t.Fatal(err)
	}
	if err := b.Station.Resume(t.Context(), job, false); err != nil {
		t.Fatal(err)
	}
	if j := b.run(t, job); j.State != journal.Done {
		t.Errorf("it ended %s: %s", j.State, j.Reason)
	}
	if n := b.printed(t); n != 1 {
		t.Errorf("%d entries were printed", n)
	}
}

// TestNoEntryOnACardPutAside: the card turns out unfit while an order for it is under way.
func TestNoEntryOnACardPutAside(t *testing.T) {
	b := issued(t)
	jobs, err := b.Journal.ByCard(t.Context(), b.card.ID())
	if err != nil || len(jobs) != 1 {
		t.Fatalf("%d jobs: %v", len(jobs), err)
	}
	before := b.printed(t)
	job, err := b.endorse(t, entryFor(b.card.ID()))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Station.PutAside(t.Context(), jobs[0].ID, "山田", "found unfit"); err != nil {
		t.Fatal(err)
	}
	if j := b.run(t, job); j.State != journal.Held || !strings.HasPrefix(j.Reason, string(failure.CardQuarantined)) {
		t.Errorf("it ended %s: %s", j.State, j.Reason)
	}
	if n := b.printed(t); n != before {
		t.Errorf("%d faces were printed", n-before)
	}
}
