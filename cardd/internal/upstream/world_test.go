package upstream

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"jukicard/cardd/internal/journal"
	"jukicard/simulator/jukinet"
)

// link is a network of pipes: it works under virtual time, which real sockets do
// not.
type link struct {
	conns chan net.Conn
	gone  chan struct{}
}

func newLink() *link { return &link{make(chan net.Conn), make(chan struct{})} }

func (l *link) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.gone:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *link) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.gone:
		return nil, net.ErrClosed
	}
}

func (l *link) Close() error {
	close(l.gone)
	return nil
}

func (l *link) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// world is one station, one counterpart, and the line between them.
type world struct {
	t       testing.TB
	journal *journal.Journal
	party   *HTTP
	file    string // the counterpart's

	mu  sync.Mutex
	sim *jukinet.Server
}

// emptyJournal is the file of a journal without anything in it: making one takes
// longer than all that most tests do with it.
var emptyJournal = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "journal.db")
	j, err := journal.Open(context.Background(), path)
	if err == nil {
		err = j.Close()
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// newJournal is the path of an empty journal.
func newJournal(t testing.TB, dir string) string {
	t.Helper()
	empty, err := emptyJournal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "journal.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// quick is whether tests do with some of their cases: the race detector looks for
// races, not for cases, and makes SQLite very slow.
func quick() bool { return testing.Short() || race }

// newWorld makes one. Under synctest it belongs inside the bubble.
func newWorld(t testing.TB, o jukinet.Options) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, file: filepath.Join(dir, "jukinet")}
	o.File = w.file
	var err error
	if w.sim, err = jukinet.Open(o); err != nil {
		t.Fatal(err)
	}
	if w.journal, err = journal.Open(t.Context(), newJournal(t, dir)); err != nil {
		t.Fatal(err)
	}
	l := newLink()
	srv := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.counterpart().ServeHTTP(rw, r)
	})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	if w.party, err = NewHTTP(HTTPConfig{URL: "http://localhost", Dial: l.dial}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.party.Close()
		_ = srv.Shutdown(context.Background())
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		if err := errors.Join(w.journal.Close(), w.sim.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) counterpart() *jukinet.Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sim
}

// reopen starts a counterpart that died, from its file.
func (w *world) reopen() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.sim.Close(); err != nil {
		w.t.Fatal(err)
	}
	sim, err := jukinet.Open(jukinet.Options{File: w.file})
	if err != nil {
		w.t.Fatal(err)
	}
	w.sim = sim
}

// config is a shipper's, with the defaults an operator would have.
func (w *world) config() Config {
	return Config{Name: Management, Party: w.party, Outbox: w.journal, Log: slog.New(slog.DiscardHandler)}
}

// run ships in the background; stop ends it and gives what Run gave.
func (w *world) run(s *Shipper) (stop func() error) {
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// queue accepts notices, given as card and kind in turn.
func (w *world) queue(words ...string) {
	w.t.Helper()
	for i := 0; i < len(words); i += 2 {
		card, kind := words[i], Kind(words[i+1])
		n, err := Notice{Key: KeyOf("job-"+card, card, kind, ""), Card: card, Order: "order-" + card, Kind: kind}.ForOutbox(Management)
		if err == nil {
			err = w.journal.Enqueue(w.t.Context(), n)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// waiting are the notices that nobody has settled.
func (w *world) waiting() []journal.Notice {
	w.t.Helper()
	n, err := w.journal.Unsettled(w.t.Context(), 100000)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// until lets time pass, a step at a time, until it is so; it gives up after a day.
func (w *world) until(what string, so func() bool) time.Duration {
	w.t.Helper()
	begin := time.Now()
	for !so() {
		if time.Since(begin) > 24*time.Hour {
			w.t.Fatalf("%s: not so after a day; waiting: %+v", what, w.waiting())
		}
		<-time.After(5 * time.Second)
	}
	return time.Since(begin)
}

func (w *world) untilSettled() time.Duration {
	w.t.Helper()
	return w.until("everything is settled", func() bool { return len(w.waiting()) == 0 })
}

// standing is where every notice stands, in order of acceptance.
func (w *world) standing() []State {
	w.t.Helper()
	all, err := w.journal.Notices(w.t.Context(), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var states []State
	for _, n := range all {
		states = append(states, State(n.State))
	}
	return states
}

// clean fails the test when the counterpart has seen what must never happen, or the
// outbox does not hold.
func (w *world) clean() {
	w.t.Helper()
	if c := w.counterpart().Counts(); c.Repeats > 0 || c.Disorder > 0 {
		w.t.Errorf("the counterpart saw %d blind repeats and %d out of order", c.Repeats, c.Disorder)
	}
	for _, c := range w.counterpart().Cards() {
		if c.Status == jukinet.Barred {
			w.t.Errorf("card %s is barred", c.Number)
		}
	}
	if err := w.journal.VerifyOutbox(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}
