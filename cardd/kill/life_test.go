package kill

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
)

// office is one place with a state folder, a card in its reader, and one cardd after
// another.
type office struct {
	t      *testing.T
	dir    string
	reader string
	card   *meter
	remove func() // takes the card out
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{t: t}
	var err error
	if o.dir, err = os.MkdirTemp(scratch, "case-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(o.dir) }) // all of scratch goes at the end
	copyAuthority(t, o.authority())
	o.card, o.reader, o.remove = insert(t)
	return o
}

// copyAuthority gives a case its own: keys are readable by their owner alone, as they
// were.
func copyAuthority(t *testing.T, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(authority)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(to, "*"))
	for _, f := range append(files, to) {
		if info, statErr := os.Stat(f); statErr == nil {
			err = errors.Join(err, os.Chmod(f, info.Mode().Perm()&0o700))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (o *office) state() string     { return filepath.Join(o.dir, "state") }
func (o *office) authority() string { return filepath.Join(o.dir, "authority") }
func (o *office) socket() string    { return filepath.Join(o.dir, "cardd.sock") }
func (o *office) journal() string   { return filepath.Join(o.state(), "journal.db") }

// life is one cardd from its start to its end.
type life struct {
	office     *office
	cmd        *exec.Cmd
	client     *client.Client
	began      time.Time
	served     time.Time
	boundaries int          // that it named
	said       bytes.Buffer // on standard error; read it when it has ended
	serving    chan bool    // true when it serves; closed when it has ended
	ended      chan error
}

// never is no boundary at all; counting names each and dies at none.
const (
	never    = -1
	counting = 0
)

// launch starts cardd, to die at that boundary of this life.
func (o *office) launch(dieAt int) *life {
	o.t.Helper()
	l := &life{office: o, client: client.New(o.socket()), serving: make(chan bool, 1), ended: make(chan error, 1)}
	l.cmd = exec.Command(program, "serve")
	l.cmd.Env = append(os.Environ(),
		"CARDD_LAB=true", "CARDD_STATION_NAME=kill", "CARDD_LOG_LEVEL=debug", "CARDD_STATE_DIR="+o.state(),
		"CARDD_SOCKET="+o.socket(), "CARDD_READER_NAME="+o.reader, "CARDD_AUTHORITY_DIR="+o.authority(),
		"CARDD_FONTS_PATHS="+fontFile())
	if dieAt != never {
		l.cmd.Env = append(l.cmd.Env, fmt.Sprintf("JUKICARD_CRASH_AT=%d", dieAt))
	}
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := l.cmd.StderrPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	l.began = time.Now()
	if err := l.cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	go l.listen(said)
	return l
}

// start launches cardd and waits until it serves.
func (o *office) start(dieAt int) *life {
	o.t.Helper()
	l := o.launch(dieAt)
	if !l.up() {
		o.t.Fatalf("cardd did not come up: %s", l.text())
	}
	return l
}

// up waits until the daemon serves, or has ended without.
func (l *life) up() bool {
	if !<-l.serving {
		return false
	}
	l.served = time.Now()
	return true
}

// listen keeps what the daemon says and notes when it serves and when it has ended.
func (l *life) listen(said io.Reader) {
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if _, err := fmt.Sscanf(lines.Text(), "boundary %d", &l.boundaries); err == nil {
			continue
		}
		fmt.Fprintln(&l.said, lines.Text())
		if strings.Contains(lines.Text(), "msg=serving") {
			l.serving <- true
		}
	}
	close(l.serving)
	l.ended <- l.cmd.Wait()
}

// killed waits for the end of a life that must end by SIGKILL.
func (l *life) killed() {
	l.office.t.Helper()
	var exit *exec.ExitError
	err := <-l.ended
	if errors.As(err, &exit) {
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() && s.Signal() == syscall.SIGKILL {
			return
		}
	}
	l.office.t.Fatalf("cardd was not killed: %v: %s", err, l.said.String())
}

// stop ends a life as systemd would.
func (l *life) stop() {
	l.office.t.Helper()
	err := l.cmd.Process.Signal(syscall.SIGTERM)
	if err = errors.Join(err, <-l.ended); err != nil {
		l.office.t.Errorf("cardd did not end well: %v: %s", err, l.said.String())
	}
}

// kill ends a life as nothing that a program can prepare for does.
func (l *life) kill() { _ = l.cmd.Process.Kill() } // it may have ended by then

// text is what the daemon said, once it has ended: a failed case has no more use for it.
func (l *life) text() string {
	l.kill()
	err := <-l.ended
	return fmt.Sprintf("%v: %s", err, l.said.String())
}

// ending is how a case came to its end.
type ending struct {
	job             *client.Job
	receipt         []byte // none unless the job is done
	asked           bool   // the holder had to enter the PINs again
	kills           int
	served, resumed time.Duration
}

// hand hands the order in and follows the job until nothing more happens, which may
// be because cardd died.
func (l *life) hand(ctx context.Context) (*ending, error) {
	job, err := l.client.Issue(ctx, wanted.order, wanted.pins, false)
	if err != nil {
		return nil, err
	}
	return l.follow(ctx, job.ID)
}

// follow waits for the end of what the job does by itself.
func (l *life) follow(ctx context.Context, id string) (*ending, error) {
	if err := l.client.Watch(ctx, id, func(client.Event) bool { return true }); err != nil {
		return nil, err
	}
	job, err := l.client.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	return l.end(ctx, job)
}

func (l *life) end(ctx context.Context, job *client.Job) (*ending, error) {
	e := &ending{job: job}
	var err error
	if job.State == journal.Done {
		e.receipt, err = l.client.Receipt(ctx, job.ID)
	}
	return e, err
}

// finish does after a restart what a clerk does, until the card is done: nothing where
// the job goes on by itself, the PINs again where they are asked for, and the order
// anew where it was never taken.
func (l *life) finish(ctx context.Context) (*ending, error) {
	if !l.up() {
		return nil, errors.New("cardd did not come up")
	}
	jobs, err := l.client.Jobs(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(jobs) == 0:
		return l.hand(ctx)
	case len(jobs) > 1:
		return nil, fmt.Errorf("the order has %d jobs", len(jobs))
	}
	job := &jobs[0]
	switch {
	case job.State == journal.Running:
		return l.follow(ctx, job.ID)
	case job.State != journal.Held || job.Code != string(failure.StationPIN):
		return l.end(ctx, job)
	}
	e, err := l.hand(ctx)
	if err != nil {
		return nil, err
	}
	if e.asked = true; e.job.ID != job.ID {
		err = fmt.Errorf("the same order became job %s, not %s", e.job.ID, job.ID)
	}
	return e, err
}
