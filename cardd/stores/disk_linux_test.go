package stores

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/internal/station"
	"jukicard/simulator"
)

func init() {
	roles["full"] = onFullDisks
	roles["read-only"] = onReadOnlyDisks
}

// TestAJobOnAFullDisk: the disk is full to the last byte at some command of an issue. The
// job stops before anything goes to the card that the journal does not have, the reason
// is named, and with room again the job goes on and the card comes out right.
func TestAJobOnAFullDisk(t *testing.T) { t.Log(inNamespace(t, "full")) }

// TestReadOnlyDisksAreRefused: the whole folder, or the journal alone.
func TestReadOnlyDisksAreRefused(t *testing.T) { inNamespace(t, "read-only") }

// mount puts a small disk at dir, seen by this process alone.
func mount(dir, size string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot mount: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		return fmt.Errorf("cannot mount: %w", err)
	}
	return nil
}

// disk is a small disk that can be filled.
type disk struct{ dir string }

func (d disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill takes all room there is.
func (d disk) fill() error {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for _, size := range []int{1 << 16, 1 << 12, 1} {
		block := make([]byte, size)
		for err = nil; err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
	}
	return nil
}

func (d disk) free() error { return os.Remove(d.ballast()) }

func onFullDisks(dir string) error {
	ctx := context.Background()
	d := disk{filepath.Join(dir, "disk")}
	if err := mount(d.dir, "16m"); err != nil {
		return err
	}
	authority := filepath.Join(d.dir, "authority")
	if err := mount(authority, "1m"); err != nil {
		return err
	}
	f, err := open(ctx, d.dir, false)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	sound, err := blank()
	if err != nil {
		return err
	}
	counted := &probe{Card: sound}
	if j, err := f.issue(ctx, "LAB-00000100", counted); err != nil || j.State != journal.Done {
		return fmt.Errorf("with room the job ended %s %s: %w", j.State, j.Reason, err)
	}
	want, err := holdingOf(sound)
	if err != nil {
		return err
	}
	// The first command that a job sends, key generation, certificates, the last ones.
	for i, at := range []int{8, 20, 45, 60, 80, counted.n - 6, counted.n - 1} {
		id := fmt.Sprintf("LAB-%08d", 101+i)
		if err := f.fullAt(ctx, d, id, at, want); err != nil {
			return fmt.Errorf("full at command %d of %d: %w", at, counted.n, err)
		}
	}
	if err := f.fullBefore(ctx, d); err != nil {
		return fmt.Errorf("full before the order: %w", err)
	}
	if err := f.authorityFull(ctx, disk{authority}, want); err != nil {
		return fmt.Errorf("the authority's own disk is full: %w", err)
	}
	if err := f.Journal.Verify(ctx); err != nil {
		return err
	}
	if err := f.fullAtStart(ctx, d, want); err != nil {
		return fmt.Errorf("full at the start: %w", err)
	}
	return nil
}

// fullAtStart ends the daemon while the disk is full and a job is in the middle of a
// step: it does not come up without room, and says why; with room it does, and the same
// order, PINs and all, goes on to the end.
func (f *floor) fullAtStart(ctx context.Context, d disk, want holding) error {
	card, err := blank()
	if err != nil {
		return err
	}
	const id = "LAB-00000400"
	var filling error
	p := &probe{Card: card, before: func(n int) {
		if n == 50 {
			filling = d.fill()
		}
	}}
	_, err = f.issue(ctx, id, p)
	if filling != nil || failure.CodeOf(err) != failure.StationJournal {
		return fmt.Errorf("filling: %w; the job stopped with %w", filling, err)
	}
	_ = f.Close() // without room it may not be able to carry its log over
	sent := p.n
	for range 2 {
		again, err := open(ctx, d.dir, false)
		if err == nil {
			_ = again.Close()
		}
		if !errors.Is(err, journal.ErrFull) || p.n > sent {
			return fmt.Errorf("the daemon's start was answered %w, want %s", err, journal.ErrFull.Code)
		}
	}
	if err := d.free(); err != nil {
		return err
	}
	again, err := open(ctx, d.dir, false)
	if err != nil {
		return err
	}
	defer func() { _ = again.Close() }()
	again.desk.Insert(0, p)
	job, err := again.submit(ctx, id)
	if err != nil {
		return err
	}
	return again.comesOutRight(ctx, job, p, want)
}

// authorityFull has no room where the authority keeps what it issues: the job is held
// with that as its reason, and goes on by the same request.
func (f *floor) authorityFull(ctx context.Context, d disk, want holding) error {
	card, err := blank()
	if err != nil {
		return err
	}
	if err := d.fill(); err != nil {
		return err
	}
	p := &probe{Card: card}
	j, err := f.issue(ctx, "LAB-00000300", p)
	if err != nil || j.State != journal.Held || !strings.HasPrefix(j.Reason, string(failure.PKIAuthority)) {
		return fmt.Errorf("the job is %s: %s (%w)", j.State, j.Reason, err)
	}
	if err := d.free(); err != nil {
		return err
	}
	return f.comesOutRight(ctx, j.ID, p, want)
}

// fullAt fills the disk while the card gets a command, and sees the job stop, go on and
// end.
func (f *floor) fullAt(ctx context.Context, d disk, id string, at int, want holding) error {
	card, err := blank()
	if err != nil {
		return err
	}
	full := false
	var filling error
	p := &probe{Card: card, before: func(n int) {
		if n == at {
			filling, full = d.fill(), true
		}
	}}
	begun := ""
	f.watch = func(e station.Event) {
		if full && e.Step != "" && e.Result == "" {
			begun = e.Step
		}
	}
	f.desk.Insert(0, p)
	job, err := f.submit(ctx, id)
	if err != nil {
		return err
	}
	stopped := f.Station.Run(ctx, job)
	err = stopped
	if filling != nil || begun != "" {
		return fmt.Errorf("filling: %w; a step was begun that cannot have been written down: %q", filling, begun)
	}
	if failure.CodeOf(err) != failure.StationJournal || !errors.Is(err, journal.ErrFull) || !strings.Contains(err.Error(), "free some space") {
		return fmt.Errorf("the job stopped with %w, want %s for %s", err, failure.StationJournal, journal.ErrFull.Code)
	}
	sent := p.n
	if err := f.Station.Run(ctx, job); failure.CodeOf(err) != failure.StationJournal {
		return fmt.Errorf("without room the job went on: %w", err)
	}
	if p.n > sent {
		return fmt.Errorf("%d commands were sent without room to write them down", p.n-sent)
	}
	full = false
	if err := d.free(); err != nil {
		return err
	}
	fmt.Printf("full at command %d: stopped after %d commands: %v\n", at, sent, stopped)
	return f.comesOutRight(ctx, job, p, want)
}

// comesOutRight lets the job go on, and judges its card.
func (f *floor) comesOutRight(ctx context.Context, job string, p *probe, want holding) error {
	if err := errors.Join(f.Station.Resume(ctx, job, false), f.Station.Run(ctx, job)); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	j, err := f.Journal.Job(ctx, job)
	if err != nil || j.State != journal.Done {
		return fmt.Errorf("with room again the job ended %s %s: %w", j.State, j.Reason, err)
	}
	b, err := f.Station.Receipt(ctx, job)
	if err != nil {
		return err
	}
	if _, err := receipt.Verify(b, f.Receipts.Public()); err != nil {
		return err
	}
	got, err := holdingOf(p.Card)
	if err != nil {
		return err
	}
	return want.differs(ctx, f, j, got)
}

// fullBefore hands an order in while there is no room: it is refused, and no job is left.
func (f *floor) fullBefore(ctx context.Context, d disk) error {
	card, err := blank()
	if err != nil {
		return err
	}
	f.desk.Insert(0, card)
	if err := d.fill(); err != nil {
		return err
	}
	before := card.Snapshot()
	_, err = f.submit(ctx, "LAB-00000200")
	if failure.CodeOf(err) != failure.StationJournal || !errors.Is(err, journal.ErrFull) {
		return fmt.Errorf("the order was answered %w", err)
	}
	if !bytes.Equal(card.Snapshot(), before) {
		return errors.New("the card was changed by an order that was refused")
	}
	jobs, err := f.Journal.ByOrder(ctx, "LAB-00000200")
	if err != nil || len(jobs) > 0 {
		return fmt.Errorf("%d jobs are left (%w)", len(jobs), err)
	}
	return d.free()
}

// holding is what is on a card, read from its memory.
type holding struct {
	life       int
	lengths    map[string]int
	certs      map[string][]byte
	references map[string]string
}

func holdingOf(c *simulator.Card) (holding, error) {
	h := holding{lengths: map[string]int{}, certs: map[string][]byte{}, references: map[string]string{}}
	for line := range bytes.Lines(c.Snapshot()) {
		var ch struct {
			Op, On string
			N      int
			Data   []byte
		}
		if err := json.Unmarshal(line, &ch); err != nil {
			return h, err
		}
		switch ch.Op {
		case "life":
			h.life = ch.N
		case "write":
			h.lengths[ch.On] = len(ch.Data)
			if strings.HasSuffix(ch.On, "-cert") {
				h.certs[ch.On] = ch.Data
			}
		case "reference":
			h.references[ch.On] = fmt.Sprint(string(ch.Data), ch.N)
		}
	}
	return h, nil
}

// differs is how a card is not as an undisturbed one of the same person: what is written
// where, the PINs and their tries, the lock, and the authority's own certificates, one
// each.
func (want holding) differs(ctx context.Context, f *floor, j journal.Job, got holding) error {
	if fmt.Sprint(got.lengths) != fmt.Sprint(want.lengths) || fmt.Sprint(got.references) != fmt.Sprint(want.references) || got.life != want.life {
		return fmt.Errorf("the card holds %v, PINs as %v: %t, life-cycle %02X", got.lengths, len(got.references), fmt.Sprint(got.references) == fmt.Sprint(want.references), got.life)
	}
	issued, err := f.Authority.Certificates(ctx)
	if err != nil {
		return err
	}
	n := 0
	for _, c := range issued {
		if !strings.HasPrefix(c.ID, j.OrderID+"/") {
			continue
		}
		n++
		if !bytes.Equal(got.certs["jpki/sign-cert"], c.DER) && !bytes.Equal(got.certs["jpki/auth-cert"], c.DER) {
			return fmt.Errorf("certificate %s is not on the card", c.ID)
		}
	}
	if n != 2 {
		return fmt.Errorf("%d certificates were issued for the order", n)
	}
	return nil
}

// onReadOnlyDisks starts a daemon where it may not write.
func onReadOnlyDisks(dir string) error {
	ctx := context.Background()
	d := filepath.Join(dir, "disk")
	if err := mount(d, "16m"); err != nil {
		return err
	}
	f, err := open(ctx, d, false)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	file := filepath.Join(d, theJournal)
	if err := syscall.Mount(file, file, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot mount: %w", err)
	}
	if err := syscall.Mount("", file, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("cannot mount: %w", err)
	}
	if err := refusedHere(ctx, d, "JOURNAL-READ-ONLY"); err != nil {
		return fmt.Errorf("the journal alone: %w", err)
	}
	if err := errors.Join(syscall.Unmount(file, 0), syscall.Mount("", d, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")); err != nil {
		return fmt.Errorf("cannot mount: %w", err)
	}
	return refusedHere(ctx, d, "JOURNAL-READ-ONLY")
}

func refusedHere(ctx context.Context, dir, code string) error {
	f, err := open(ctx, dir, false)
	if err == nil {
		_ = f.Close()
	}
	if codeOf(err) != code {
		return fmt.Errorf("the daemon's start was answered %w, want %s", err, code)
	}
	return nil
}
