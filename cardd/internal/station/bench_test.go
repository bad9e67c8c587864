package station_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/simulator"
	"jukicard/simulator/people"
)

// authorityDir is made once: its six keys take longer than an issue.
var authorityDir = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "cardd-authority")
	if err != nil {
		panic(err)
	}
	return dir
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(authorityDir())
	os.Exit(code)
}

// keyPool hands out premade keys, so that a hundred cards do not take a hundred
// times two key generations. No card gets the same key twice.
type keyPool struct {
	mu   sync.Mutex
	keys []*rsa.PrivateKey
	next int
}

var premade keyPool

func (p *keyPool) take() *rsa.PrivateKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	const size = 8
	if len(p.keys) < size {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		p.keys = append(p.keys, k)
		return k
	}
	p.next++
	return p.keys[p.next%size]
}

// bench is a daemon over a simulated desk with one reader.
type bench struct {
	*daemon.Daemon
	dir  string
	desk *simulator.Desk
	card *simulator.Card
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchFor(t, "adult")
}

// newBenchFor has a blank card of the generation that the person's order is for.
func newBenchFor(t *testing.T, person string) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), desk: simulator.NewDesk("Desk 0"), card: blankFor(t, person)}
	b.desk.Insert(0, b.card)
	b.start(t)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func blank(t *testing.T) *simulator.Card {
	t.Helper()
	return blankFor(t, "adult")
}

func blankFor(t *testing.T, person string) *simulator.Card {
	t.Helper()
	card, err := simulator.NewBlank(simulator.Options{
		Profile: generationOf(t, person), LabKey: simulator.LabTestKey, Master: simulator.LabTestKey, KeyPool: premade.take,
	})
	if err != nil {
		t.Fatal(err)
	}
	return card
}

// generationOf is what a person's order is for.
func generationOf(t *testing.T, person string) *profile.Card {
	t.Helper()
	who, err := people.Get(person, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var o struct{ Profile string }
	if err := json.Unmarshal(who.Order, &o); err != nil {
		t.Fatal(err)
	}
	p, err := profile.Shared(o.Profile)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// start opens a daemon on the bench's folder: the first, or one after a death.
func (b *bench) start(t *testing.T) {
	t.Helper()
	t.Setenv("CARDD_STATE_DIR", filepath.Join(b.dir, "state"))
	t.Setenv("CARDD_AUTHORITY_DIR", authorityDir())
	c, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	b.Daemon, err = daemon.Open(t.Context(), c, daemon.Options{Readers: b.desk, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
}

// restart is the daemon's death and its next life: what was in memory is gone.
func (b *bench) restart(t *testing.T) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.start(t)
}

// applicant is a person's order in wire form and the PINs.
func applicant(t *testing.T, name string) (wire, pins []byte) {
	t.Helper()
	p, err := people.Get(name, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := people.Write(dir, p); err != nil {
		t.Fatal(err)
	}
	wire, err = order.Inline(dir, p.Order)
	if err != nil {
		t.Fatal(err)
	}
	return wire, p.PINs
}

// submit hands a person's order in.
func (b *bench) submit(t *testing.T, name string) (job string, err error) {
	t.Helper()
	wire, p := applicant(t, name)
	o, err := order.Parse(wire, nil, b.Station.Checks())
	if err != nil {
		t.Fatal(err)
	}
	defer o.Destroy()
	pins, err := order.ParsePINs(p)
	if err != nil {
		t.Fatal(err)
	}
	return b.Station.Submit(t.Context(), o, wire, pins)
}

// run drives a job and gives how it stands.
func (b *bench) run(t *testing.T, job string) journal.Job {
	t.Helper()
	if err := b.Station.Run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	return b.job(t, job)
}

func (b *bench) job(t *testing.T, job string) journal.Job {
	t.Helper()
	j, err := b.Journal.Job(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return j
}
