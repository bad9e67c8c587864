package hostile

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"flag"
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
	seals     *seals
	faces     *memory
	applicant
}

// applicant is one person's order, made fit for the wire, and what is drawn of it. A
// process that measures its memory is handed it by its parent: to read the fonts takes
// more than all cards together.
type applicant struct {
	Order    []byte // photograph inside
	ID       []byte // of that order
	PINs     []byte
	Canaries []string // of that person, long enough not to come about by chance
	Chip     face.ChipImages
}

var common = sync.OnceValues(func() (*shared, error) {
	s := &shared{}
	var err error
	if s.dir, err = os.MkdirTemp(quick(), "cardd-hostile-"); err != nil {
		return nil, err
	}
	keys := filepath.Join(s.dir, "authority")
	if err := layKeys(keys); err != nil {
		return nil, err
	}
	if s.authority, err = softca.Open(keys, softca.Options{}); err != nil {
		return nil, err
	}
	s.seals = &seals{Sealer: s.authority, made: map[string][]byte{}}
	if s.applicant, err = apply(s.dir, "adult"); err != nil {
		return nil, err
	}
	s.faces = &memory{chip: s.Chip}
	return s, nil
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
	flag.Parse()
	code := 0
	if role := roles[os.Getenv(envRole)]; role != nil {
		if err := role(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	} else {
		code = m.Run()
	}
	if s, err := common(); err == nil {
		_ = s.authority.Close()
		_ = os.RemoveAll(s.dir)
	}
	for _, line := range summary {
		fmt.Println(line)
	}
	os.Exit(code)
}

// summary are the lines of counts, told when all tests have ended.
var summary []string

// apply is a person's order with its pictures, read from where a parent left it or made
// in a folder.
func apply(dir, name string) (a applicant, err error) {
	if left := os.Getenv(envApplicant); left != "" {
		b, err := os.ReadFile(left)
		if err != nil {
			return a, err
		}
		return a, json.Unmarshal(b, &a)
	}
	p, err := people.Get(name, time.Time{})
	if err != nil {
		return a, err
	}
	dir = filepath.Join(dir, name)
	if err := people.Write(dir, p); err != nil {
		return a, err
	}
	if a.Order, err = order.Inline(dir, p.Order); err != nil {
		return a, err
	}
	a.PINs = p.PINs
	return a, a.read(p.Order)
}

// read takes out of an order what is looked for.
func (a *applicant) read(written []byte) error {
	var form struct {
		ID       string
		Resident struct {
			Name, Address string
			MyNumber      string `json:"my_number"`
			ResidentCode  string `json:"resident_code"`
		}
	}
	var pins struct{ Signature string }
	if err := json.Unmarshal(written, &form); err != nil {
		return err
	}
	if err := json.Unmarshal(a.PINs, &pins); err != nil {
		return err
	}
	a.ID = []byte(form.ID)
	a.Canaries = []string{form.Resident.Name, form.Resident.Address, form.Resident.MyNumber, form.Resident.ResidentCode, pins.Signature}
	return nil
}

// seals remembers signatures, which are the same whenever the same is signed.
type seals struct {
	pki.Sealer
	mu   sync.Mutex
	made map[string][]byte
}

// Seal implements pki.Sealer.
func (s *seals) Seal(ctx context.Context, by pki.Sealing, digestInfo []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := string(by) + string(digestInfo)
	if made := s.made[key]; made != nil {
		return bytes.Clone(made), nil
	}
	made, err := s.Sealer.Seal(ctx, by, digestInfo)
	if err == nil && len(s.made) < sealsMax {
		s.made[key] = bytes.Clone(made)
	}
	return made, err
}

// sealsMax bounds what is remembered, so that it is not taken for what a card makes the
// daemon hold.
const sealsMax = 1000

// memory is a painter that draws each picture once and then remembers it: what is
// drawn depends on no card but for its number, and a second of drawing would hide a
// thousand answers.
type memory struct {
	mu   sync.Mutex
	chip face.ChipImages
}

// ChipImages implements station.Painter.
func (m *memory) ChipImages(d face.Data) (face.ChipImages, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.chip.Name != nil {
		return m.chip, nil
	}
	c, err := config.Load("")
	if err != nil {
		return m.chip, err
	}
	fonts, err := face.LoadFonts(c.Fonts.Paths...)
	if err != nil {
		return m.chip, fmt.Errorf("%w; install fonts-ipamj-mincho", err)
	}
	m.chip, err = fonts.ChipImages(d)
	return m.chip, err
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
func (p *press) Print(_ context.Context, _ printer.Face, mark printer.Mark) error {
	for _, stage := range []printer.Stage{printer.PlanesSent, printer.CommitSent} {
		if err := mark.Tell(stage); err != nil {
			return err
		}
	}
	p.printed++
	return mark.Tell(printer.CommitDone)
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

func newFloor(short bool) (*floor, error) {
	s, err := common()
	if err != nil {
		return nil, err
	}
	f := &floor{shared: s, desk: simulator.NewDesk("Desk 0"), pins: new(vault.PINs), press: new(press), clerk: &clerk{Authority: s.authority}, log: &sieve{canaries: s.Canaries}, short: short}
	if f.dir, err = os.MkdirTemp(s.dir, "floor-"); err != nil {
		return nil, err
	}
	return f, f.open()
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
		Authority: f.clerk, Hierarchy: pki.Lab(), FaceSeal: f.seals, Keys: scp03.Diversified(simulator.LabTestKey),
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
	for _, name := range []string{"journal.db", "journal.db-wal", "journal.db-shm", "journal.db" + journal.MarkSuffix} {
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
	wire := bytes.Replace(f.Order, f.ID, fmt.Appendf(nil, "LAB-%08d", serial.Add(1)), 1)
	o, err := order.Parse(wire, nil, order.Checks{})
	if err != nil {
		return "", err
	}
	defer o.Destroy()
	pins, err := order.ParsePINs(f.PINs)
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

func decode(kept []journal.Record) []issue.Record {
	out := make([]issue.Record, len(kept))
	for i, k := range kept {
		if err := json.Unmarshal(k.Body, &out[i]); err != nil {
			panic(err)
		}
	}
	return out
}
