package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"jukicard/cardd/internal/journal"
	"jukicard/simulator/jukinet"
)

// errKilled is what everything says to a process that is dead.
var errKilled = errors.New("killed")

// mortal stands around a shipper's outbox and party and stops the world at a
// boundary: before or after a move is written, before or after a call.
type mortal struct {
	Outbox
	Party
	at func() error // called at every boundary; an error is death
}

func (m mortal) NextNotice(ctx context.Context, party string) (journal.Notice, bool, error) {
	if err := m.at(); err != nil {
		return journal.Notice{}, false, err
	}
	return m.Outbox.NextNotice(ctx, party)
}

func (m mortal) MoveNotice(ctx context.Context, party, key, from string, move journal.Move) (journal.Notice, error) {
	if err := m.at(); err != nil {
		return journal.Notice{}, err
	}
	n, err := m.Outbox.MoveNotice(ctx, party, key, from, move)
	return n, errors.Join(err, m.at())
}

func (m mortal) Tell(ctx context.Context, n Notice) error {
	if err := m.at(); err != nil {
		return err
	}
	err := m.Party.Tell(ctx, n)
	return errors.Join(err, m.at())
}

func (m mortal) Ask(ctx context.Context, key string) (Known, error) {
	if err := m.at(); err != nil {
		return Known{}, err
	}
	known, err := m.Party.Ask(ctx, key)
	return known, errors.Join(err, m.at())
}

// dieAt is death at the nth boundary, from 0, and ever after.
func dieAt(n int, died *atomic.Bool) func() error {
	boundary := 0
	return func() error {
		if boundary++; boundary > n {
			died.Store(true)
			return errKilled
		}
		return nil
	}
}

// The shipper dies at every boundary there is, under every fault of the call and
// of the question after it; another one goes on. Nothing is lost, nothing is
// repeated, and the order is kept.
func TestDeathAtEveryBoundaryUnderEveryFault(t *testing.T) {
	faults := append([]jukinet.FaultKind{jukinet.None}, jukinet.Faults()...)
	if quick() {
		faults = []jukinet.FaultKind{jukinet.None, jukinet.Interrupt, jukinet.LoseReply, jukinet.Late}
	}
	cases := 0
	for _, tell := range faults {
		asks := []jukinet.FaultKind{jukinet.None}
		if tell == jukinet.LoseCall || tell == jukinet.LoseReply {
			asks = append(asks, jukinet.LoseReply)
		}
		for _, ask := range asks {
			for n, died := 0, true; died; n++ {
				cases++
				died = dieOnce(t, tell, ask, n)
				if n > 200 {
					t.Fatal("it never lives to the end")
				}
			}
		}
	}
	t.Logf("%d deaths: 0 lost, 0 blind repeats, 0 out of order", cases)
}

func dieOnce(t *testing.T, tell, ask jukinet.FaultKind, n int) bool {
	var died atomic.Bool
	t.Run(fmt.Sprintf("%s, %s, boundary %d", tell, ask, n), func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.sim.OnTell(jukinet.Fault{Kind: tell, For: 40 * time.Second})
			w.sim.OnAsk(jukinet.Fault{Kind: ask})
			w.queue("A", "issued", "A", "voided")
			c := w.config()
			m := mortal{Outbox: w.journal, Party: w.party, at: dieAt(n, &died)}
			c.Outbox, c.Party = m, m
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- NewShipper(c).Run(ctx) }()
			if tell == jukinet.Die || tell == jukinet.DieAfter {
				<-time.After(time.Hour)
				w.reopen()
			}
			w.until("it died or got through", func() bool { return died.Load() || len(w.waiting()) == 0 })
			cancel()
			if err := <-ended; err != nil && !errors.Is(err, errKilled) {
				t.Error(err)
			}
			stop := w.run(NewShipper(w.config()))
			w.untilSettled()
			if err := stop(); err != nil {
				t.Error(err)
			}
			w.allArrived(2)
		})
	})
	return died.Load()
}

// childVariable makes the test binary a shipper, to be killed.
const childVariable = "UPSTREAM_TEST_CHILD"

func TestMain(m *testing.M) {
	if where := os.Getenv(childVariable); where != "" {
		if err := shipAsChild(where); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// untilEmpty is an outbox that ends the shipper when nothing is left.
type untilEmpty struct {
	Outbox
	end func()
}

func (o untilEmpty) NextNotice(ctx context.Context, party string) (journal.Notice, bool, error) {
	n, ok, err := o.Outbox.NextNotice(ctx, party)
	if err == nil && !ok {
		o.end()
	}
	return n, ok, err
}

// hasty is a shipper's configuration for real time: nothing waits long.
func hasty(c Config) Config {
	c.Timeout, c.Settle, c.Backoff = 300*time.Millisecond, time.Nanosecond, Backoff{First: time.Millisecond, Max: time.Millisecond}
	return c
}

// shipAsChild ships what the journal in a folder holds to the counterpart on the
// folder's socket. At every boundary it says so and waits to be let go on.
func shipAsChild(dir string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	j, err := journal.Open(ctx, filepath.Join(dir, "journal.db"))
	if err != nil {
		return err
	}
	party, err := NewHTTP(HTTPConfig{URL: "unix://" + filepath.Join(dir, "socket")})
	if err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	m := mortal{Outbox: untilEmpty{j, cancel}, Party: party, at: func() error {
		fmt.Println("boundary")
		_, err := in.ReadString('\n')
		return err
	}}
	err = NewShipper(hasty(Config{Name: Management, Outbox: m, Party: m, Log: slog.New(slog.DiscardHandler)})).Run(ctx)
	return errors.Join(err, j.Close())
}

// A process is killed with SIGKILL at every boundary; another one goes on.
func TestSIGKILLAtEveryBoundary(t *testing.T) {
	kills := 0
	for _, tell := range []jukinet.FaultKind{jukinet.None, jukinet.LoseReply} {
		for n := 0; ; n++ {
			if killedAt(t, tell, n) {
				break
			}
			kills++
		}
	}
	if kills < 30 {
		t.Errorf("only %d kills: the boundaries were not met", kills)
	}
	t.Logf("%d kills: 0 lost, 0 blind repeats", kills)
}

// killedAt has a process ship two notices, kills it at the nth boundary, and
// finishes in this one. through is that it got to the end unharmed.
func killedAt(t *testing.T, tell jukinet.FaultKind, n int) (through bool) {
	t.Helper()
	dir := t.TempDir()
	sim, err := jukinet.Open(jukinet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sim.OnTell(jukinet.Fault{Kind: tell})
	serveAt(t, filepath.Join(dir, "socket"), sim)
	path := newJournal(t, dir)
	w := &world{t: t, sim: sim}
	w.openJournal(path)
	w.queue("A", "issued", "A", "voided")
	w.closeJournal()
	through = child(t, dir, n)
	w.openJournal(path)
	defer w.closeJournal()
	if w.party, err = NewHTTP(HTTPConfig{URL: "unix://" + filepath.Join(dir, "socket")}); err != nil {
		t.Fatal(err)
	}
	defer w.party.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c := hasty(w.config())
	c.Outbox = untilEmpty{w.journal, cancel}
	if err := NewShipper(c).Run(ctx); err != nil {
		t.Error(err)
	}
	w.allArrived(2)
	if got := sim.Counts(); got.Taken != 2 {
		t.Errorf("%s, boundary %d: %+v", tell, n, got)
	}
	return through
}

func (w *world) openJournal(path string) {
	w.t.Helper()
	var err error
	if w.journal, err = journal.Open(w.t.Context(), path); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) closeJournal() {
	w.t.Helper()
	if err := w.journal.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// serveAt serves a counterpart on a unix socket.
func serveAt(t *testing.T, socket string, h http.Handler) {
	t.Helper()
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// child lets a process pass n boundaries and kills it at the next; through is that
// it ended by itself before.
func child(t *testing.T, dir string, n int) (through bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines, seen := bufio.NewScanner(out), 0; lines.Scan(); seen++ {
		if seen == n {
			_ = cmd.Process.Kill()
			break
		}
		_, _ = io.WriteString(in, "\n") // it may be at its end
	}
	switch err := cmd.Wait(); {
	case err == nil:
		return true
	case !strings.Contains(err.Error(), "killed"):
		t.Fatalf("the shipper failed: %v", err)
	}
	return false
}
