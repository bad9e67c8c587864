package stores

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/vault"
)

// kept is a thing in the journal: bytes that stand in the file once, and which of them
// has a wrong bit.
type kept struct {
	name  string
	bytes []byte
	at    int
	atEnd bool // noticed only when it is read: it is of a job that has ended
}

// recordKept is a record: its body stands before the hash of the one before and its own,
// in one piece where it is short.
func recordKept(name string, r journal.Record, atEnd bool) kept {
	const short = 800 // bytes; a longer cell goes on in other pages (sqlite.org/fileformat2.html, 1.6)
	if len(r.Body) > short {
		return kept{name, r.Body[:short/4], short / 8, atEnd}
	}
	return kept{name, slices.Concat(r.Body, r.Prev, r.Hash), len(r.Body) / 2, atEnd}
}

// place is where in the file the byte stands.
func (k kept) place(t *testing.T, file []byte) int {
	t.Helper()
	if n := bytes.Count(file, k.bytes); n != 1 {
		t.Fatalf("%s stands in the file %d times in one piece", k.name, n)
	}
	return bytes.Index(file, k.bytes) + k.at
}

// everything is one record of each kind that jobs have, ended and not, and whatever else
// the journal keeps.
func (w *world) everything(t *testing.T) (all []kept) {
	t.Helper()
	for _, job := range []struct {
		name, id string
		ended    bool
	}{{"done", w.done, true}, {"spoiled", w.spoiled, true}, {"held", w.held, false}, {"cut off", w.cut, false}} {
		seen := map[journal.Kind]bool{}
		records := w.atClosed.records[job.id]
		for _, r := range records {
			if !seen[r.Kind] {
				seen[r.Kind] = true
				all = append(all, recordKept(fmt.Sprintf("%s of a job that is %s", r.Kind, job.name), r, job.ended))
			}
		}
		last := records[len(records)-1]
		all = append(all, kept{"last hash of a job that is " + job.name, slices.Concat(last.Prev, last.Hash), 40, job.ended})
		if sealed := w.atClosed.sealed[job.id]; sealed != nil {
			all = append(all, kept{"order of a job that is " + job.name, sealed[10_000:10_100], 50, false})
		}
	}
	for _, j := range w.atClosed.jobs {
		all = append(all, kept{"entry of a job that is " + j.State + ", order " + j.OrderID, []byte(j.PlanDigest), 10, false})
	}
	for _, n := range w.atClosed.notices { // job and kind stand beside each other
		all = append(all, kept{"notice " + n.Kind, []byte(n.Job + n.Kind), len(n.Job), false})
	}
	return all
}

// TestAWrongBitInEachKindOfRecord: in the file itself, as a failing disk would have it.
// What is still worked on stops the daemon; what has ended is refused to whoever reads
// it, by the same code.
func TestAWrongBitInEachKindOfRecord(t *testing.T) {
	w := newWorld(t)
	kinds := map[string]bool{}
	for _, k := range w.everything(t) {
		t.Run(k.name, func(t *testing.T) {
			dir := w.copyOf(t, closedDir)
			path := filepath.Join(dir, theJournal)
			file, err := os.ReadFile(path)
			must(t, err)
			file[k.place(t, file)] ^= 1
			must(t, os.WriteFile(path, file, 0o600))
			f, err := open(t.Context(), dir, false)
			if err == nil {
				if !k.atEnd {
					t.Error("the daemon came up")
				}
				_, err = acknowledge(t.Context(), f.Journal, nil)
				must(t, f.Close())
			}
			var kept *journal.Error
			if code := codeOf(err); code != "STATION-VAULT-KEY" && (!errors.As(err, &kept) || !kept.Damaged()) {
				t.Errorf("got %v", err)
			}
		})
		kinds[k.name] = true
	}
	for _, want := range []string{
		"plan of a job that is done", "outcome of a job that is done", "receipt of a job that is done", "resumed of a job that is spoiled", "state of a job that is spoiled",
		"intent of a job that is held", "crashed of a job that is cut off", "order of a job that is held", "entry of a job that is spoiled, order " + orderSpoiled, "notice issued", "notice voided", "notice destroyed",
	} {
		if !kinds[want] {
			t.Errorf("nothing was tried as %s, of %v", want, kinds)
		}
	}
}

var flips = flag.Int("stores.flips", 2, "wrong bits to try in each page of the journal, beside those in its header and in the headers of pages")

// TestAWrongBitAnywhere: whatever bit of the file is wrong, it is noticed at the start or
// when what it belongs to is read, or nothing depends on it.
func TestAWrongBitAnywhere(t *testing.T) {
	w := newWorld(t)
	dir := w.copyOf(t, closedDir)
	path := filepath.Join(dir, theJournal)
	whole, err := os.ReadFile(path)
	must(t, err)
	sealer, err := vault.OpenSealer(filepath.Join(dir, "state"))
	must(t, err)
	r := rand.New(rand.NewPCG(1, 2))
	ended := map[string]int{}
	for _, at := range places(r, len(whole)) {
		file := bytes.Clone(whole)
		file[at] ^= 1 << r.IntN(8)
		must(t, os.WriteFile(path, file, 0o600))
		_ = os.Remove(path + "-wal")
		how, wrong := w.read(t.Context(), path, sealer)
		for _, text := range wrong {
			t.Errorf("a bit of byte %d: %s", at, text)
		}
		ended[how]++
	}
	t.Logf("of %d bytes in %d pages: %v", len(whole), len(whole)/pageSize, ended)
	if ended["refused"] == 0 || ended["all there"] == 0 {
		t.Errorf("the flips reached too little: %v", ended)
	}
}

const pageSize = 4096

// places are bytes all over a file: each of its header, some of each page's header, a few
// of each page.
func places(r *rand.Rand, size int) (all []int) {
	for at := range 100 {
		all = append(all, at)
	}
	for page := 0; page < size; page += pageSize {
		header := page
		if page == 0 {
			header = 100 // behind the file's (sqlite.org/fileformat2.html, 1.3 and 1.6)
		}
		all = append(all, header, header+3+r.IntN(2), header+5+r.IntN(2))
		for range *flips {
			all = append(all, page+r.IntN(pageSize))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// read is what a daemon's start and then its readers make of a journal.
func (w *world) read(ctx context.Context, path string, sealer *vault.Sealer) (how string, wrong []string) {
	refused := func(err error) (string, []string) {
		var kept *journal.Error
		if !errors.As(err, &kept) {
			return "refused", []string{fmt.Sprintf("refused without a code: %v", err)}
		}
		return "refused", nil
	}
	j, err := journal.Open(ctx, path)
	if err != nil {
		return refused(err)
	}
	defer func() { _ = j.Close() }()
	if err := j.VerifyOutbox(ctx); err != nil {
		return refused(err)
	}
	got, err := acknowledge(ctx, j, nil)
	if err != nil {
		return refused(err)
	}
	for id, sealed := range got.sealed {
		if len(sealed) == 0 {
			continue
		}
		if _, err := sealer.Open(id, sealed); err != nil {
			return "refused", nil // STATION-VAULT-KEY
		}
	}
	want := w.atClosed
	want.certificates = nil
	if wrong := want.missing(got); len(wrong) > 0 {
		return "lost", wrong
	}
	for _, job := range w.atClosed.jobs { // by index too: an order or a card that is not found is free
		byOrder, err := j.ByOrder(ctx, job.OrderID)
		byCard, err2 := j.ByCard(ctx, job.CardID)
		if err = errors.Join(err, err2); err != nil {
			return refused(err)
		}
		if len(byOrder) != 1 || len(byCard) != 1 {
			return "lost", []string{"job " + job.ID + " is not found by its order or its card"}
		}
	}
	return "all there", nil
}
