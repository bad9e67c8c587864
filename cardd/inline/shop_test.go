package inline

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"jukicard/cardd/internal/api"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/printers"
	"jukicard/cardd/internal/station"
	"jukicard/printer"
	"jukicard/printer/evolis"
	"jukicard/printer/magicard"
	"jukicard/printer/xid"
	"jukicard/simulator"
	"jukicard/simulator/lines"
	"jukicard/simulator/people"
	"jukicard/simulator/press"
	evolismodel "jukicard/simulator/press/evolis"
	magicardmodel "jukicard/simulator/press/magicard"
	xidmodel "jukicard/simulator/press/xid"
)

// in is the reader in the printer, at the name of the printer's station.
const (
	in = "Printer's reader 0"
	at = "window1"
)

// scratch is what the shops share: an authority's keys take longer to make than a card.
var scratch struct {
	dir    string
	once   sync.Once
	keys   []*rsa.PrivateKey
	orders int // handed in so far, in all shops: the authority is one
}

// sum is what all that was judged came to.
var sum struct{ shops, cards, unwritten, twice int }

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("/dev/shm", "cardd-inline")
	if err != nil {
		dir, err = os.MkdirTemp("", "cardd-inline")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch.dir = dir
	code := m.Run()
	fmt.Printf("inline: %d printers judged, %d cards, %d out with an unwritten chip, %d printed twice\n", sum.shops, sum.cards, sum.unwritten, sum.twice)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// pool hands out premade keys, different ones on each card of a shop.
type pool struct{ next int }

func (p *pool) take() *rsa.PrivateKey {
	p.next++
	return premade()[p.next%len(scratch.keys)]
}

// premade makes the keys once, before a printer waits for a card.
func premade() []*rsa.PrivateKey {
	scratch.once.Do(func() {
		for range 24 {
			k, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				panic(err)
			}
			scratch.keys = append(scratch.keys, k)
		}
	})
	return scratch.keys
}

// shop is a daemon with one card printer, and the operator's hands.
type shop struct {
	t     testing.TB
	dir   string
	desk  *simulator.Desk
	press *press.Press
	clock *press.Virtual
	cable lines.Cable
	hub   *api.Hub
	open  func(context.Context) (printer.Device, error)

	cutAt  press.Moment // where the link is cut, the cutNth time, after it; 0: nowhere
	cutNth int
	last   application // the order in work
	death  string      // the stage after which the daemon dies; empty: it lives
	died   bool
	stop   context.CancelFunc // of the run in hand

	holder []byte // of the first card in the hopper, where it is one in use; else all are blank

	cut  bool
	pull sync.WaitGroup
	*daemon.Daemon
}

// machine is a printer of one language.
type machine struct {
	name    string
	film    bool
	size    press.Config
	model   func(*press.Press) lines.Printer
	drive   func(*shop) (printer.Device, error)
	strokes int // of ink a side
}

var machines = []machine{
	{
		name: "xid580", film: true, strokes: 1, size: press.Config{Width: 1036, Height: 664, Panels: "YMCK", Film: true},
		model: func(p *press.Press) lines.Printer {
			return xidmodel.New(xidmodel.Config{Type: "XID580", Serial: "80000001", Address: [6]byte{0, 0, 0x5E, 0, 0x53, 1}, Press: p})
		},
		drive: func(s *shop) (printer.Device, error) {
			return xid.Open(s.t.Context(), xid.Config{
				Dialer: s.cable.Dialer(), Framing: xid.Network, Pause: s.pause,
				Query: 5 * time.Second, Plane: time.Second, Motion: 5 * time.Second,
			})
		},
	},
	{
		name: "primacy", strokes: len(evolismodel.Panels), size: press.Config{Width: evolismodel.Width, Height: evolismodel.Height, Panels: evolismodel.Panels},
		model: func(p *press.Press) lines.Printer {
			return evolismodel.New(p, evolismodel.Options{Model: "Primacy", Serial: "10000100001", Firmware: "1701"})
		},
		drive: func(s *shop) (printer.Device, error) {
			return evolis.New(s.cable.Dialer(), evolis.Options{
				Pause:  s.pause,
				Timing: evolis.Timing{Reply: 2 * time.Second, Plane: time.Second, Move: 5 * time.Second, Print: 5 * time.Second, Settle: 400 * time.Millisecond},
			})
		},
	},
}

// jobPrinter takes whole jobs, delivers by itself and tells no position.
var jobPrinter = machine{
	name: "enduro", strokes: len(magicardmodel.Panels), size: press.Config{Width: magicardmodel.Width, Height: magicardmodel.Height, Panels: magicardmodel.Panels},
	model: func(p *press.Press) lines.Printer {
		return magicardmodel.New(p, magicardmodel.Options{Serial: "61E0001", Firmware: "1.24"})
	},
	drive: func(s *shop) (printer.Device, error) {
		return magicard.New(s.cable.Dialer(), magicard.Options{
			Pause:  s.pause,
			Timing: magicard.Timing{Reply: 2 * time.Second, Job: time.Second, Print: 10 * time.Second, Drain: 5 * time.Millisecond},
		})
	},
}

// newShop opens a shop with a full hopper.
func newShop(t testing.TB, m machine) *shop {
	t.Helper()
	return openShop(t, m, nil)
}

// openShop opens a shop on whose hopper lies first the card of a snapshot.
func openShop(t testing.TB, m machine, holder []byte) *shop {
	t.Helper()
	s := &shop{t: t, holder: holder, hub: api.NewHub(), desk: simulator.NewDesk(in), clock: &press.Virtual{}}
	var err error
	if s.dir, err = os.MkdirTemp(scratch.dir, "shop"); err != nil {
		t.Fatal(err)
	}
	keys := &pool{next: len(premade())}
	cfg := m.size
	cfg.Hopper, cfg.Ribbon, cfg.FilmShots, cfg.Clock = 6, 500, 750, s.clock
	cfg.Chip = func(n int) any { return s.chip(n, keys) }
	cfg.Station = func(_ printer.Position, c *press.Card) {
		if c == nil {
			s.desk.Remove(0)
			return
		}
		s.desk.Insert(0, c.Chip.(*simulator.Card))
	}
	cfg.Power = func(on bool) {
		if !on {
			s.unplug()
		}
	}
	cfg.Moment = func(m press.Moment, after bool) { s.moment(m, after) }
	s.press = press.New(cfg)
	s.cable = lines.NewPipe(m.name, m.model(s.press))
	s.open = func(context.Context) (printer.Device, error) { return m.drive(s) }
	s.start()
	t.Cleanup(func() {
		_ = s.Close()
		s.unplug()
		s.pull.Wait()
	})
	return s
}

func (s *shop) chip(n int, keys *pool) *simulator.Card {
	if n == 1 && s.holder != nil {
		c, err := simulator.Restore(s.holder, simulator.Options{})
		if err != nil {
			panic(err)
		}
		return c
	}
	c, err := simulator.NewBlank(simulator.Options{
		LabKey: simulator.LabTestKey, Master: simulator.LabTestKey, KeyPool: keys.take, CardID: fmt.Sprintf("09990000%08d", n),
	})
	if err != nil {
		panic(err)
	}
	return c
}

// pause lets virtual time pass.
func (s *shop) pause(ctx context.Context, d time.Duration) error {
	s.clock.Wait(d)
	return ctx.Err()
}

// start opens the daemon: the first, or one after a death.
func (s *shop) start() {
	s.t.Helper()
	for name, value := range map[string]string{"CARDD_STATE_DIR": filepath.Join(s.dir, "state"), "CARDD_AUTHORITY_DIR": filepath.Join(scratch.dir, "authority"), "CARDD_PRINTER_KIND": "none"} {
		s.t.Setenv(name, value)
	}
	file := filepath.Join(s.dir, "cardd.toml")
	text := fmt.Sprintf("[printers.%s]\nkind = \"xid\"\naddress = \"tcp:127.0.0.1\"\nreader = %q\n", at, in)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Daemon, err = daemon.Open(s.t.Context(), c, daemon.Options{
		Readers: s.desk, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Pause: s.pause,
		Watch:   func(e station.Event) { s.hub.Tell(e); s.watch(e) },
		Printer: func(spec printers.Spec) (*printers.Printer, error) { return printers.Over(spec, s.open), nil },
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// restart is the daemon's death and its next life.
func (s *shop) restart() {
	s.t.Helper()
	if err := s.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

func (s *shop) unplug() {
	if s.cut {
		return
	}
	s.cut = true
	s.pull.Go(func() { _ = s.cable.Unplug() })
}

func (s *shop) plug() {
	if !s.cut {
		return
	}
	s.pull.Wait()
	s.cut = false
	if err := s.cable.Plug(); err != nil {
		s.t.Error(err)
	}
}

// application is an adult's order under a number of its own.
type application struct {
	id   string
	wire []byte
	pins []byte
}

func (s *shop) apply() application {
	s.t.Helper()
	p, err := people.Get("adult", time.Time{})
	if err != nil {
		s.t.Fatal(err)
	}
	dir := s.t.(*testing.T).TempDir()
	if err := people.Write(dir, p); err != nil {
		s.t.Fatal(err)
	}
	wire, err := order.Inline(dir, p.Order)
	if err != nil {
		s.t.Fatal(err)
	}
	scratch.orders++
	first, err := order.Parse(wire, nil, order.Checks{})
	if err != nil {
		s.t.Fatal(err)
	}
	id := first.ID + "-" + strconv.Itoa(scratch.orders)
	wire = []byte(strings.Replace(string(wire), strconv.Quote(first.ID), strconv.Quote(id), 1))
	first.Destroy()
	s.last = application{id, wire, p.PINs}
	return s.last
}

func (s *shop) station() *station.Station {
	s.t.Helper()
	at, err := s.At(at)
	if err != nil {
		s.t.Fatal(err)
	}
	return at
}

// submit hands an application in.
func (s *shop) submit(a application) (string, error) {
	o, err := order.Parse(a.wire, nil, order.Checks{})
	if err != nil {
		return "", err
	}
	defer o.Destroy()
	pins, err := order.ParsePINs(a.pins)
	if err != nil {
		return "", err
	}
	return s.station().Submit(s.t.Context(), o, a.wire, pins)
}

// job is how a job stands.
func (s *shop) job(id string) journal.Job {
	s.t.Helper()
	j, err := s.Journal.Job(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

// stages are the stages in a job's journal, in their order.
func (s *shop) stages(id string) (all []string) {
	s.t.Helper()
	records, err := s.Journal.Records(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range records {
		if r.Kind == journal.Staged && strings.Contains(string(r.Body), `"result":"ok"`) {
			all = append(all, stageOf(r.Body))
		}
	}
	return all
}
