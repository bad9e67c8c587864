package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/cardd/faults"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/internal/vault"
	"jukicard/pki"
	"jukicard/pki/softca"
	"jukicard/printer/face"
	"jukicard/simulator"
)

// Bounds of the section. A step is two records, and a command is a step but for a few;
// so some two commits a command, and what is kept of both, is the design. What a commit
// takes is the disk's and has none, though beside it stands the least that it can be: a
// page written in place and synced.
const (
	journalCommitsMax = 2     // a command
	journalBytesMax   = 1_000 // of the journal's file, a command
)

const (
	journalIssues = 9  // of each kind, in pairs
	bareSyncs     = 20 // plain pages beside each pair
)

// measureJournalCost issues the same card in pairs, once with the real journal in the
// folder for temporary files (TMPDIR says which disk) and once with one in memory, and
// tells what the real one takes for each command that the card gets.
func measureJournalCost(ctx context.Context, r *report) error {
	return withDir(func(dir string) error {
		d, err := openDesk(ctx, dir)
		if err != nil {
			return err
		}
		defer func() { _ = d.close() }()
		if err := d.issue(ctx, d.real); err != nil { // what is made once is made
			return err
		}
		before, err := d.reopen(ctx)
		if err != nil {
			return err
		}
		d.real.commits, d.real.apdus = nil, 0
		bare, err := d.pairs(ctx, r)
		if err != nil {
			return err
		}
		after, err := d.reopen(ctx)
		if err != nil {
			return err
		}
		apdus, commit := float64(d.real.apdus), median(d.real.commits)
		r.add("journal_apdu_time", sum(d.real.commits)/apdus, "us/apdu", none)
		r.add("journal_apdu_commits", float64(len(d.real.commits))/apdus, "commit/apdu", atMost(journalCommitsMax))
		r.add("journal_apdu_bytes", float64(after-before)/apdus, "B/apdu", atMost(journalBytesMax))
		r.add("journal_commit_time", commit, "us", none)
		r.add("journal_commit_bare_time", bare, "us", none)
		r.add("journal_commit_ratio", commit/bare, unitRatio, none)
		return nil
	})
}

// pairs issues in turns and adds what an issue takes either way. Beside each pair it
// writes plain pages, whose median it gives, in us: a disk has moods.
func (d *journalDesk) pairs(ctx context.Context, r *report) (bare float64, err error) {
	page, err := openPage(d.dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, page.Close()) }()
	var real, inMemory, ratios, plain []float64
	for range journalIssues {
		a, err := d.timed(ctx, d.real)
		if err != nil {
			return 0, err
		}
		b, err := d.timed(ctx, d.memory)
		if err != nil {
			return 0, err
		}
		real, inMemory, ratios = append(real, a), append(inMemory, b), append(ratios, a/b)
		for range bareSyncs {
			took, err := page.sync()
			if err != nil {
				return 0, err
			}
			plain = append(plain, took)
		}
	}
	r.add("journal_issue_time", median(real), "ms", none)
	r.add("journal_issue_time_memory", median(inMemory), "ms", none)
	r.add("journal_issue_ratio", median(ratios), unitRatio, none)
	return median(plain), nil
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

// pageLen is SQLite's usual page (sqlite.org/pragma.html#pragma_page_size).
const pageLen = 4096

// plainPage is one page of a file, written over and over as SQLite's log is.
type plainPage struct{ *os.File }

func openPage(dir string) (plainPage, error) {
	f, err := os.Create(filepath.Join(dir, "plain"))
	return plainPage{f}, err
}

// sync writes the page, waits until it is on the disk, and says how long that took, in us.
func (p plainPage) sync() (float64, error) {
	began := time.Now()
	if _, err := p.WriteAt(make([]byte, pageLen), 0); err != nil {
		return 0, err
	}
	err := p.Sync()
	return micro(time.Since(began)), err
}

// meteredJournal notes what the station has it keep.
type meteredJournal struct {
	station.Journal
	commits []float64 // how long each took, in us
	apdus   int64     // of the cards issued with it
}

func (j *meteredJournal) commit(write func() error) error {
	began := time.Now()
	err := write()
	j.commits = append(j.commits, micro(time.Since(began)))
	return err
}

// Create is a commit.
func (j *meteredJournal) Create(ctx context.Context, job journal.Job, sealed []byte) error {
	return j.commit(func() error { return j.Journal.Create(ctx, job, sealed) })
}

// SetState is a commit.
func (j *meteredJournal) SetState(ctx context.Context, id, state, reason string, done, total int) error {
	return j.commit(func() error { return j.Journal.SetState(ctx, id, state, reason, done, total) })
}

// AppendWith is a commit.
func (j *meteredJournal) AppendWith(ctx context.Context, id string, r journal.Record, n ...journal.Notice) (kept journal.Record, err error) {
	err = j.commit(func() error { kept, err = j.Journal.AppendWith(ctx, id, r, n...); return err })
	return kept, err
}

// DropSealed is a commit.
func (j *meteredJournal) DropSealed(ctx context.Context, id string) error {
	return j.commit(func() error { return j.Journal.DropSealed(ctx, id) })
}

// journalDesk is a station that can have either journal; all else is the same, and
// nothing is printed.
type journalDesk struct {
	dir     string
	config  station.Config
	desk    countingDesk
	ca      *softca.Authority
	file    *journal.Journal
	real    *meteredJournal
	memory  *meteredJournal
	profile *profile.Card
	keys    *keyPool
	person  *applicant
	issued  int
}

// drawn once: the drawing is the same for either journal, and takes longer than all else.
type drawnOnce struct {
	*face.Fonts
	images *face.ChipImages
}

// ChipImages draws the first time.
func (d *drawnOnce) ChipImages(of face.Data) (face.ChipImages, error) {
	if d.images == nil {
		made, err := d.Fonts.ChipImages(of)
		if err != nil {
			return made, err
		}
		d.images = &made
	}
	return *d.images, nil
}

func openDesk(ctx context.Context, dir string) (*journalDesk, error) {
	d := &journalDesk{dir: dir, desk: countingDesk{simulator.NewDesk(deskReader), new(apdu.Counter)}}
	err := d.furnish(ctx)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *journalDesk) furnish(ctx context.Context) (err error) {
	if d.profile, err = profile.Load(simulator.DefaultProfile); err != nil {
		return err
	}
	if d.keys, err = newKeyPool(); err != nil {
		return err
	}
	if d.person, err = apply(filepath.Join(d.dir, "person"), person); err != nil {
		return err
	}
	d.real, d.memory = &meteredJournal{}, &meteredJournal{Journal: faults.Memory()}
	if _, err := d.reopen(ctx); err != nil {
		return err
	}
	if d.ca, err = softca.Open(filepath.Join(d.dir, "authority"), softca.Options{}); err != nil {
		return err
	}
	fonts, err := face.LoadFonts()
	if err != nil {
		return err
	}
	sealer, err := vault.OpenSealer(d.dir)
	if err != nil {
		return err
	}
	receipts, err := receipt.OpenSigner(d.dir)
	d.config = station.Config{
		Name: "bench", Software: "bench", Readers: d.desk, Pins: new(vault.PINs), Sealer: sealer,
		Authority: d.ca, Hierarchy: pki.Lab(), FaceSeal: d.ca, Keys: scp03.Diversified(simulator.LabTestKey),
		Faces: &drawnOnce{Fonts: fonts}, Layout: face.DefaultLayout, Receipts: receipts, Log: slog.New(slog.DiscardHandler),
	}
	return err
}

// journalFile is the real journal below the desk's folder.
const journalFile = "journal.db"

// reopen closes the real journal, with which all that is in its log goes into its file,
// says how long the file is, and opens it again; the first time it makes it.
func (d *journalDesk) reopen(ctx context.Context) (size int64, err error) {
	path := filepath.Join(d.dir, journalFile)
	if d.file != nil {
		if err := d.file.Close(); err != nil {
			return 0, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return 0, err
		}
		size = info.Size()
	}
	if d.file, err = journal.Open(ctx, path); err != nil {
		return 0, err
	}
	d.real.Journal = d.file
	return size, nil
}

func (d *journalDesk) close() error {
	var errs []error
	if d.file != nil {
		errs = append(errs, d.file.Close())
	}
	if d.ca != nil {
		errs = append(errs, d.ca.Close())
	}
	return errors.Join(errs...)
}

// timed is how long an issue takes, in ms.
func (d *journalDesk) timed(ctx context.Context, j *meteredJournal) (float64, error) {
	before := d.issued
	began := time.Now()
	err := d.issue(ctx, j)
	if err == nil && d.issued != before+1 {
		err = errors.New("no card was issued")
	}
	return micro(time.Since(began)) / 1e3, err
}

// issue issues a card to the person, under an order number of its own.
func (d *journalDesk) issue(ctx context.Context, j *meteredJournal) error {
	d.issued++
	wire := d.person.next()
	c, err := blankCard(d.profile, d.keys.take)
	if err != nil {
		return err
	}
	d.desk.Insert(0, c)
	config := d.config
	config.Journal = j
	s := station.New(config)
	before := d.desk.counter.Counts().APDUs
	o, err := order.Parse(wire, nil, s.Checks())
	if err != nil {
		return err
	}
	defer o.Destroy()
	pins, err := order.ParsePINs(d.person.pins)
	if err != nil {
		return err
	}
	id, err := s.Submit(ctx, o, wire, pins)
	if err != nil {
		return err
	}
	if err := s.Run(ctx, id); err != nil {
		return err
	}
	j.apdus += d.desk.counter.Counts().APDUs - before
	job, err := j.Job(ctx, id)
	if err == nil && job.State != journal.Done {
		err = fmt.Errorf("the job ended %s: %s", job.State, job.Reason)
	}
	return err
}
