package stores

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/station"
	"jukicard/simulator"
	"jukicard/simulator/people"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What a parent tells a child by its environment: what to do, and where.
const (
	envRole = "STORES_TEST_ROLE"
	envDir  = "STORES_TEST_DIR"
)

// roles are what a child can be told to do in a folder.
var roles = map[string]func(dir string) error{}

// scratch is a folder in memory where there is one; TestMain removes it.
var scratch = sync.OnceValues(func() (string, error) {
	dir := ""
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		dir = "/dev/shm"
	}
	return os.MkdirTemp(dir, "cardd-stores-")
})

func TestMain(m *testing.M) {
	code := 0
	if role := os.Getenv(envRole); role != "" {
		if err := roles[role](os.Getenv(envDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	} else {
		code = m.Run()
	}
	if dir, err := scratch(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// folder is a new one in scratch.
func folder(t testing.TB) string {
	t.Helper()
	all, err := scratch()
	must(t, err)
	dir, err := os.MkdirTemp(all, "case-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// keys are some that cards take in turn, those of the tests against hostile cards:
// drawing them would take longer than all cases together.
var keys = sync.OnceValues(func() (made []*rsa.PrivateKey, err error) {
	b, err := os.ReadFile("../hostile/testdata/primes.txt")
	if err != nil {
		return nil, err
	}
	var p *big.Int
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		use, hex, _ := strings.Cut(lines.Text(), " ")
		q, ok := new(big.Int).SetString(hex, 16)
		switch {
		case use != "card" || !ok:
		case p == nil:
			p = q
		default:
			made, p = append(made, pair(p, q)), nil
		}
	}
	return made, nil
})

func pair(p, q *big.Int) *rsa.PrivateKey {
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	k := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537},
		D:         new(big.Int).ModInverse(big.NewInt(65537), phi), Primes: []*big.Int{p, q},
	}
	k.Precompute()
	return k
}

var cardsMade int

// blank is a card with a number of its own.
func blank() (*simulator.Card, error) {
	pool, err := keys()
	if err != nil {
		return nil, err
	}
	cardsMade++
	next := 0
	return simulator.NewBlank(simulator.Options{
		LabKey: simulator.LabTestKey, Master: simulator.LabTestKey, CardID: fmt.Sprintf("0999%012d", cardsMade),
		KeyPool: func() *rsa.PrivateKey { next++; return pool[next%len(pool)] },
	})
}

// probe is a card that can die and that tells of its commands. It is a card in a reader.
type probe struct {
	*simulator.Card
	before func(n int) // told before command n is carried out; may be nil
	deadAt int         // from this command on it does not answer; 0: never
	n      int
}

// Process implements simulator.ProcessingCard.
func (p *probe) Process(command []byte) []byte {
	p.n++
	if p.before != nil {
		p.before(p.n)
	}
	if p.deadAt > 0 && p.n >= p.deadAt {
		return nil
	}
	return p.Card.Process(command)
}

// applicant is a person's order, photograph inside.
type applicant struct{ wire, id, pins []byte }

var adult = sync.OnceValues(func() (a applicant, err error) {
	all, err := scratch()
	if err != nil {
		return a, err
	}
	p, err := people.Get("adult", time.Time{})
	if err != nil {
		return a, err
	}
	dir := filepath.Join(all, "adult")
	if err := people.Write(dir, p); err != nil {
		return a, err
	}
	a.pins = p.PINs
	if a.wire, err = order.Inline(dir, p.Order); err != nil {
		return a, err
	}
	o, err := order.Parse(a.wire, nil, order.Checks{})
	if err != nil {
		return a, err
	}
	a.id = []byte(o.ID)
	o.Destroy()
	return a, nil
})

// floor is a daemon over a folder and one reader.
type floor struct {
	*daemon.Daemon
	desk  *simulator.Desk
	watch func(station.Event)
}

// open opens a daemon on a folder.
func open(ctx context.Context, dir string, ordersLost bool) (*floor, error) {
	c, err := config.Load("")
	if err != nil {
		return nil, err
	}
	c.Lab, c.StateDir, c.Authority.Dir, c.Printer.Kind = true, filepath.Join(dir, "state"), filepath.Join(dir, "authority"), "none"
	c.Upstream.Management = "http://127.0.0.1:9/" // notices wait for it; nobody ships them
	f := &floor{desk: simulator.NewDesk("Desk 0")}
	f.Daemon, err = daemon.Open(ctx, c, daemon.Options{
		Readers: f.desk, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), OrdersLost: ordersLost,
		Watch: func(e station.Event) {
			if f.watch != nil {
				f.watch(e)
			}
		},
	})
	return f, err
}

// submit hands the order in under a number.
func (f *floor) submit(ctx context.Context, id string) (job string, err error) {
	a, err := adult()
	if err != nil {
		return "", err
	}
	wire := bytes.Replace(a.wire, a.id, []byte(id), 1)
	o, err := order.Parse(wire, nil, order.Checks{})
	if err != nil {
		return "", err
	}
	defer o.Destroy()
	pins, err := order.ParsePINs(a.pins)
	if err != nil {
		return "", err
	}
	return f.Station.Submit(ctx, o, wire, pins)
}

// issue does a job with a card and gives how it stands then.
func (f *floor) issue(ctx context.Context, id string, card simulator.ProcessingCard) (j journal.Job, err error) {
	f.desk.Insert(0, card)
	job, err := f.submit(ctx, id)
	if err != nil {
		return j, err
	}
	if err := f.Station.Run(ctx, job); err != nil {
		return j, err
	}
	return f.Journal.Job(ctx, job)
}

// codeOf is the code that an operator is told, as cardd's main tells it.
func codeOf(err error) string {
	var kept *journal.Error
	if code := failure.CodeOf(err); code != "" {
		return string(code)
	}
	if errors.As(err, &kept) {
		return kept.Code
	}
	return ""
}

// The folders of a world and its orders.
const (
	closedDir = "closed" // as a daemon leaves it that was stopped
	killedDir = "killed" // as one leaves it that was killed: logs beside the databases
	olderDir  = "older"  // as it was stopped long before

	orderDone    = "LAB-00000001"
	orderSpoiled = "LAB-00000002"
	orderHeld    = "LAB-00000003"
	orderCut     = "LAB-00000004"
)

// world is a folder of a daemon's life, in which everything happened, as it was at three
// moments.
type world struct {
	dir                string
	done, spoiled      string // jobs
	held, cut          string
	atClosed, atKilled acknowledged
}

var made = sync.OnceValues(func() (*world, error) {
	all, err := scratch()
	if err != nil {
		return nil, err
	}
	w := &world{dir: filepath.Join(all, "world")}
	return w, w.live(context.Background())
})

// newWorld is the world of all cases; none changes it.
func newWorld(t testing.TB) *world {
	t.Helper()
	w, err := made()
	must(t, err)
	return w
}

// live is two lives of a daemon.
func (w *world) live(ctx context.Context) error {
	dir := filepath.Join(w.dir, "living")
	first, err := open(ctx, dir, false)
	if err != nil {
		return err
	}
	if err := errors.Join(w.firstLife(ctx, first), first.Close()); err != nil {
		return err
	}
	second, err := open(ctx, dir, false) // which finds a job in the middle of a step
	if err != nil {
		return err
	}
	w.atClosed, err = acknowledge(ctx, second.Journal, second.Authority)
	if err := errors.Join(err, second.Close()); err != nil {
		return err
	}
	return duplicate(dir, filepath.Join(w.dir, closedDir))
}

func (w *world) firstLife(ctx context.Context, f *floor) error {
	card, err := blank()
	if err != nil {
		return err
	}
	j, err := f.issue(ctx, orderDone, card)
	if err != nil || j.State != journal.Done {
		return fmt.Errorf("the first job ended %s %s: %w", j.State, j.Reason, err)
	}
	w.done = j.ID
	if err := duplicate(filepath.Join(w.dir, "living"), filepath.Join(w.dir, olderDir)); err != nil {
		return err
	}
	if w.spoiled, err = w.stopped(ctx, f, orderSpoiled); err != nil {
		return err
	}
	if err := f.Station.Resume(ctx, w.spoiled, false); err != nil {
		return err
	}
	if err := f.Station.PutAside(ctx, w.spoiled, "山田", "kept for the tests"); err != nil {
		return err
	}
	for _, person := range []string{"山田", "鈴木"} {
		if err := f.Station.ConfirmDestroyed(ctx, w.spoiled, person); err != nil {
			return err
		}
	}
	if w.held, err = w.stopped(ctx, f, orderHeld); err != nil {
		return err
	}
	if err := w.leave(ctx, f); err != nil {
		return err
	}
	if w.atKilled, err = acknowledge(ctx, f.Journal, f.Authority); err != nil {
		return err
	}
	return duplicate(filepath.Join(w.dir, "living"), filepath.Join(w.dir, killedDir))
}

// lateCommand is behind the certificates in an issue, and before its end.
const lateCommand = 85

// stopped does a job whose card dies late.
func (w *world) stopped(ctx context.Context, f *floor, id string) (string, error) {
	card, err := blank()
	if err != nil {
		return "", err
	}
	j, err := f.issue(ctx, id, &probe{Card: card, deadAt: lateCommand})
	if err != nil || j.State != journal.Held {
		return "", fmt.Errorf("order %s ended %s %s: %w", id, j.State, j.Reason, err)
	}
	return j.ID, nil
}

// leave begins a job and is stopped in the middle of it.
func (w *world) leave(ctx context.Context, f *floor) error {
	card, err := blank()
	if err != nil {
		return err
	}
	f.desk.Insert(0, card)
	if w.cut, err = f.submit(ctx, orderCut); err != nil {
		return err
	}
	mine, stop := context.WithCancel(ctx)
	defer stop()
	f.watch = func(e station.Event) {
		if e.Done == 10 {
			stop()
		}
	}
	defer func() { f.watch = nil }()
	if err := f.Station.Run(mine, w.cut); failure.CodeOf(err) != failure.StationStopped {
		return fmt.Errorf("a job that is stopped ended: %w", err)
	}
	return nil
}

// copyOf is one moment of the world in a folder of a case's own.
func (w *world) copyOf(t testing.TB, moment string) string {
	t.Helper()
	dir := filepath.Join(folder(t), "copy")
	must(t, duplicate(filepath.Join(w.dir, moment), dir))
	return dir
}

// duplicate copies a folder, modes included: keys that others may read are refused.
func duplicate(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(name, 0o700)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(name, b, info.Mode())
	})
}
