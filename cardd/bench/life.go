package main

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
	"sync"
	"syscall"
	"time"

	"jukicard/apdu"
	daemon "jukicard/cardd/client"
	"jukicard/simulator"
)

// buildCardd compiles the daemon as `make build` does.
func buildCardd(ctx context.Context, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", to, "jukicard/cardd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build cardd: %w: %s", err, out)
	}
	return nil
}

// life is one daemon from its start to its end.
type life struct {
	stay   *stay
	cmd    *exec.Cmd
	client *daemon.Client
	began  time.Time
	took   time.Duration // to serving

	said  bytes.Buffer // on standard error; read it when ended has spoken
	up    chan struct{}
	ended chan struct{}
	end   error // of the process, when it has ended
}

// launch starts a daemon and returns when it serves. With ctx it ends at the latest.
func (s *stay) launch(ctx context.Context) (*life, error) {
	socket := filepath.Join(s.dir, "cardd.sock")
	l := &life{stay: s, client: daemon.New(socket), up: make(chan struct{}), ended: make(chan struct{})}
	l.cmd = exec.CommandContext(ctx, s.program, "serve")
	l.cmd.Env = append(os.Environ(), s.bed.Env()...)
	l.cmd.Env = append(l.cmd.Env, "CARDD_LAB=true", "CARDD_STATION_NAME=bench", "CARDD_STATE_DIR="+filepath.Join(s.dir, "state"),
		"CARDD_SOCKET="+socket, "CARDD_READER_NAME="+s.bed.Reader(0), "CARDD_AUTHORITY_DIR="+filepath.Join(s.hospital.dir, "authority"))
	said, err := l.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	l.began = time.Now()
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	go l.listen(said)
	select {
	case <-l.up:
		l.took = time.Since(l.began)
		return l, nil
	case <-l.ended:
		return nil, fmt.Errorf("cardd did not come up: %w: %s", l.end, l.said.String())
	}
}

// listen keeps what the daemon says and notes when it serves and when it has ended.
func (l *life) listen(said io.Reader) {
	served := sync.OnceFunc(func() { close(l.up) })
	for lines := bufio.NewScanner(said); lines.Scan(); {
		fmt.Fprintln(&l.said, lines.Text())
		if strings.Contains(lines.Text(), "msg=serving") {
			served()
		}
	}
	l.end = l.cmd.Wait()
	close(l.ended)
}

// kill is SIGKILL; nothing that a program can prepare for.
func (l *life) kill() { _ = l.cmd.Process.Kill() } // it may have ended by then

// killed waits for the end, which SIGKILL must have been.
func (l *life) killed() error {
	<-l.ended
	var exit *exec.ExitError
	if errors.As(l.end, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			return nil
		}
	}
	return fmt.Errorf("cardd ended before it was killed: %w: %s", l.end, l.said.String())
}

// stop ends a daemon as systemd would.
func (l *life) stop() error {
	_ = l.cmd.Process.Signal(syscall.SIGTERM) // one that has ended says so below
	<-l.ended
	if l.end != nil {
		return fmt.Errorf("cardd did not end well: %w: %s", l.end, l.said.String())
	}
	return nil
}

// timedCard is a card that counts its commands and notes when they come.
type timedCard struct {
	*simulator.Card
	mu      sync.Mutex
	apdus   int
	looked  time.Time // of the first command since the last mark
	planned time.Time // of the first that opens a channel, which looking at a card needs not
	after   int       // the number of the command at which ring is called
	ring    func()    // nil when it was
}

// Process notes and has the card answer. Whoever is rung for has not seen the answer.
func (c *timedCard) Process(command []byte) []byte {
	c.note(command)
	return c.Card.Process(command)
}

func (c *timedCard) note(command []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.apdus++
	if c.looked.IsZero() {
		c.looked = now
	}
	if c.planned.IsZero() && len(command) > 1 && apdu.Instruction(command[1]) == apdu.INSInitializeUpdate {
		c.planned = now
	}
	if c.ring != nil && c.apdus >= c.after {
		c.ring()
		c.ring = nil
	}
}

// at has ring called at that command.
func (c *timedCard) at(command int, ring func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.after, c.ring = command, ring
}

// mark waits for first commands again.
func (c *timedCard) mark() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked, c.planned = time.Time{}, time.Time{}
}

func (c *timedCard) marks() (looked, planned time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.looked, c.planned
}

func (c *timedCard) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.apdus
}
