package hostile

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"jukicard/apdu/scp03"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/internal/vault"
	"jukicard/pki"
	"jukicard/pki/softca"
	"jukicard/printer"
	"jukicard/printer/face"
	"jukicard/simulator"
	"jukicard/simulator/people"
)

// shared is what all floors of a process have in common: whatever takes long to make
// and no card can change.
type shared struct {
	dir       string
	authority *softca.Authority
	faces     *memory
	order     []byte // of one person, photograph inside
	id        []byte // of that order
	pins      []byte
	canaries  []string // of that person, long enough not to come about by chance
}

var common = sync.OnceValues(func() (*shared, error) {
	s := &shared{}
	var err error
	if s.dir, err = os.MkdirTemp(quick(), "cardd-hostile-"); err != nil {
		return nil, err
	}
	if s.authority, err = softca.Open(filepath.Join(s.dir, "authority"), softca.Options{}); err != nil {
		return nil, err
	}
	if s.faces, err = newMemory(); err != nil {
		return nil, err
	}
	return s, s.read("adult")
})

// quick is a folder in memory where there is one: an issue syncs its journal some
// three hundred times.
func quick() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}

func TestMain(m *testing.M) {
	code := m.Run()
	if s, err := common(); err == nil {
		_ = s.authority.Close()
		_ = os.RemoveAll(s.dir)
	}
	os.Exit(code)
}

// read makes a person's order fit for the wire.
func (s *shared) read(name string) error {
	p, err := people.Get(name, time.Time{})
	if err != nil {
		return err
	}
	dir := filepath.Join(s.dir, name)
	if err := people.Write(dir, p); err != nil {
		return err
	}
	if s.order, err = order.Inline(dir, p.Order); err != nil {
		return err
	}
	s.pins = p.PINs
	var form struct {
		ID       string
		Resident struct {
			Name, Address string
			MyNumber      string `json:"my_number"`
			ResidentCode  string `json:"resident_code"`
		}
	}
	var pins struct{ Signature string }
	if err := json.Unmarshal(p.Order, &form); err != nil {
		return err
	}
	if err := json.Unmarshal(p.PINs, &pins); err != nil {
		return err
	}
	s.id = []byte(form.ID)
	s.canaries = []string{form.Resident.Name, form.Resident.Address, form.Resident.MyNumber, form.Resident.ResidentCode, pins.Signature}
	return nil
}

// memory is a painter that draws each picture once and then remembers it: what is
// drawn depends on no card but for its number, and a second of drawing would hide a
// thousand answers.
type memory struct {
	fonts *face.Fonts
	chip  func() (face.ChipImages, error)
	mu    sync.Mutex
}

func newMemory() (*memory, error) {
	c, err := config.Load("")
	if err != nil {
		return nil, err
	}
	fonts, err := face.LoadFonts(c.Fonts.Paths...)
	if err != nil {
		return nil, fmt.Errorf("%w; install fonts-ipamj-mincho", err)
	}
	return &memory{fonts: fonts}, nil
}

// ChipImages implements station.Painter.
func (m *memory) ChipImages(d face.Data) (face.ChipImages, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.chip == nil {
		drawn, err := m.fonts.ChipImages(d)
		m.chip = func() (face.ChipImages, error) { return drawn, err }
	}
	return m.chip()
}

// Render implements station.Painter. What is rendered is looked at by nobody.
func (m *memory) Render(*face.Layout, face.Data) (printer.Face, error) {
	blank := image.NewGray(image.Rect(0, 0, 1, 1))
	return printer.Face{Front: blank, Back: blank, DPI: 300}, nil
}

// Check implements station.Painter.
func (m *memory) Check(string, string) error { return nil }

// press is a printer that counts.
type press struct{ printed uint64 }

// Status implements printer.Device.
func (p *press) Status(context.Context) (printer.Status, error) {
	return printer.Status{CardsPrinted: p.printed}, nil
}

// Move implements printer.Device.
func (p *press) Move(context.Context, printer.Position) error { return nil }

// Print implements printer.Device.
func (p *press) Print(context.Context, printer.Face, printer.Mark) error {
	p.printed++
	return nil
}

// clerk is the authority, and keeps a copy of what it issued for the order at hand.
type clerk struct {
	pki.Authority
	issued map[string][]byte // by purpose
	twice  int               // certificates that were issued beside the first
}

// Certify implements pki.Authority.
func (c *clerk) Certify(ctx context.Context, r pki.Request) (*x509.Certificate, error) {
	cert, err := c.Authority.Certify(ctx, r)
	if err == nil {
		if before := c.issued[string(r.Purpose)]; before != nil && !bytes.Equal(before, cert.Raw) {
			c.twice++
		}
		c.issued[string(r.Purpose)] = cert.Raw
	}
	return cert, err
}

// sieve is a log that nobody reads but for canaries.
type sieve struct {
	canaries []string
	caught   []string
}

// Write implements io.Writer.
func (s *sieve) Write(b []byte) (int, error) {
	for _, c := range s.canaries {
		if bytes.Contains(b, []byte(c)) {
			s.caught = append(s.caught, string(b))
		}
	}
	return len(b), nil
}

var _ io.Writer = (*sieve)(nil)

// floor is a station with its own journal, on which many jobs are done.
type floor struct {
	*shared
	dir      string
	desk     *simulator.Desk
	journal  *journal.Journal
	sealer   *vault.Sealer
	pins     *vault.PINs
	press    *press
	clerk    *clerk
	receipts *receipt.Signer
	log      *sieve
	station  *station.Station
	short    bool
	jobs     int // on this journal
	watch    func(station.Event)
}

// serial is the latest order's; floors share an authority.
var serial atomic.Int64

// jobsMax is how many jobs a floor's journal takes before it is made anew.
const jobsMax = 200

func newFloor(t testing.TB, short bool) *floor {
	t.Helper()
	s, err := common()
	if err != nil {
		t.Fatal(err)
	}
	f := &floor{shared: s, desk: simulator.NewDesk("Desk 0"), pins: new(vault.PINs), press: new(press), clerk: &clerk{Authority: s.authority}, log: &sieve{canaries: s.canaries}, short: short}
	if f.dir, err = os.MkdirTemp(s.dir, "floor-"); err != nil {
		t.Fatal(err)
	}
	if err := f.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.close() })
	return f
}

func (f *floor) close() error {
	err := f.journal.Close()
	_ = os.RemoveAll(f.dir)
	return err
}

// open makes the station on an empty journal.
func (f *floor) open() error {
	ctx := context.Background()
	var err error
	if f.journal, err = journal.Open(ctx, filepath.Join(f.dir, "journal.db")); err != nil {
		return err
	}
	if f.sealer, err = vault.OpenSealer(f.dir); err != nil {
		return err
	}
	if f.receipts, err = receipt.OpenSigner(f.dir); err != nil {
		return err
	}
	f.jobs = 0
	f.station = station.New(station.Config{
		Name: "hostile", Software: "test", Readers: f.desk, Short: f.short, Journal: f.journal, Pins: f.pins, Sealer: f.sealer,
		Authority: f.clerk, Hierarchy: pki.Lab(), FaceSeal: f.authority, Keys: scp03.Diversified(simulator.LabTestKey),
		Faces: f.faces, Layout: face.DefaultLayout, Printer: f.press, Receipts: f.receipts,
		Log: slog.New(slog.NewTextHandler(f.log, nil)), Watch: func(e station.Event) {
			if f.watch != nil {
				f.watch(e)
			}
		},
	})
	return nil
}

// fresh begins a new journal when the old one is long.
func (f *floor) fresh() error {
	if f.jobs < jobsMax {
		return nil
	}
	if err := f.journal.Close(); err != nil {
		return err
	}
	for _, name := range []string{"journal.db", "journal.db-wal", "journal.db-shm"} {
		_ = os.Remove(filepath.Join(f.dir, name))
	}
	return f.open()
}

// submit hands in the order under a number of its own.
func (f *floor) submit(ctx context.Context) (job string, err error) {
	if err := f.fresh(); err != nil {
		return "", err
	}
	f.clerk.issued, f.clerk.twice = map[string][]byte{}, 0
	wire := bytes.Replace(f.order, f.id, fmt.Appendf(nil, "LAB-%08d", serial.Add(1)), 1)
	o, err := order.Parse(wire, nil, order.Checks{})
	if err != nil {
		return "", err
	}
	defer o.Destroy()
	pins, err := order.ParsePINs(f.shared.pins)
	if err != nil {
		return "", err
	}
	job, err = f.station.Submit(ctx, o, wire, pins)
	if job != "" {
		f.jobs++
	}
	return job, err
}

// how is how a job ended.
type how struct {
	job    journal.Job
	refuse error // of Submit: there is no job
	err    error // of Run or Resume
}

func (h how) done() bool { return h.refuse == nil && h.err == nil && h.job.State == journal.Done }

// issue does a whole job with the card in the reader, and lets a job that is held go on
// again so many times.
// before is told of each run.
func (f *floor) issue(ctx context.Context, resumes int, before func(job string)) (h how) {
	id, err := f.submit(ctx)
	if err != nil {
		return how{refuse: err}
	}
	defer f.pins.Drop(id)
	for i := 0; ; i++ {
		before(id)
		if h.err = f.station.Run(ctx, id); h.err != nil {
			return h
		}
		if h.job, h.err = f.journal.Job(ctx, id); h.err != nil || h.job.State != journal.Held || i == resumes {
			return h
		}
		if h.err = f.station.Resume(ctx, id, false); h.err != nil {
			return h
		}
	}
}

// records are a job's records.
func (f *floor) records(t testing.TB, job string) []issue.Record {
	t.Helper()
	kept, err := f.journal.Records(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	return decode(kept)
}

func decode(kept []journal.Record) []issue.Record {
	out := make([]issue.Record, len(kept))
	for i, k := range kept {
		if err := json.Unmarshal(k.Body, &out[i]); err != nil {
			panic(err)
		}
	}
	return out
}
