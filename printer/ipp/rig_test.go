//go:build linux

package ipp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/OpenPrinting/goipp"

	"jukicard/printer/ipp"
)

// timeoutStart is for a program to answer; it takes a tenth of a second.
const timeoutStart = 20 * time.Second

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// program finds one, or skips and says where it is.
func program(t *testing.T, name, pkg string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/bin") {
		if path := filepath.Join(dir, name); executable(path) {
			return path
		}
	}
	t.Skipf("%s is missing: apt-get install %s", name, pkg)
	return ""
}

func executable(path string) bool {
	i, err := os.Stat(path)
	return err == nil && i.Mode().IsRegular() && i.Mode()&0o111 != 0
}

// start runs a program until the test ends, or this process does, whichever way.
func start(t *testing.T, env []string, path string, args ...string) (ended <-chan struct{}, log func() string) {
	t.Helper()
	var out lockedBuffer
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	done, started := make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel's parent-death signal follows the thread (prctl(2))
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is killed
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group, for it has children
		<-done
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(path), out.String())
		}
	})
	return done, out.String
}

// lockedBuffer is written by a program and read by a test.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// until waits for something to become true.
func until(t *testing.T, what string, ended <-chan struct{}, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(timeoutStart)
	for !is() {
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("it ended before %s", what)
		case <-limit:
			t.Fatalf("no %s after %v", what, timeoutStart)
		}
	}
}

// freePort is a TCP port that nobody listens on just now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func listens(port int) func() bool {
	return func() bool {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	}
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`

// bus is a private system bus: ippeveprinter does not start without one, although it is
// told to advertise nothing.
func bus(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	socket, config := filepath.Join(dir, "bus"), filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, socket), 0o600); err != nil {
		t.Fatal(err)
	}
	ended, _ := start(t, nil, program(t, "dbus-daemon", "dbus"), "--config-file="+config, "--nofork", "--nopidfile")
	until(t, "socket of the bus", ended, func() bool { _, err := os.Stat(socket); return err == nil })
	return []string{"DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + socket}
}

// everywhere is OpenPrinting's ippeveprinter, the model of IPP Everywhere.
type everywhere struct {
	uri   string
	paper string // directory: each document printed is a file, and its attributes another
	gate  string // while this file is there, printing waits
	says  string // and these lines are the printer's state meanwhile
	t     *testing.T
}

// print is the printer's print command: it waits at the gate and puts the document on
// "paper". The lines STATE: are ippeveprinter's way of being told of faults.
const printCommand = `#!/bin/sh
dir=$(dirname "$0")
[ -f "$dir/says" ] && cat "$dir/says" >&2
while [ -f "$dir/gate" ]; do sleep 0.02; done
[ -f "$dir/says" ] && sed 's/+/-/' "$dir/says" >&2
[ -f "$dir/spoil" ] && exit 1
n=$(ls "$dir/paper" | wc -l)
cp "$1" "$dir/paper/$n.tmp" && mv "$dir/paper/$n.tmp" "$dir/paper/$n-$IPP_JOB_NAME"
`

func newEverywhere(t *testing.T) *everywhere {
	t.Helper()
	path := program(t, "ippeveprinter", "cups-ipp-utils")
	env := bus(t)
	dir := t.TempDir()
	command := filepath.Join(dir, "print")
	for name := range map[string]bool{"paper": true, "spool": true} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(command, []byte(printCommand), 0o700); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	ended, _ := start(t, env, path, "-r", "off", "-n", "localhost", "-p", fmt.Sprint(port), "-d", filepath.Join(dir, "spool"),
		"-c", command, "-f", "application/pdf,image/pwg-raster", "-v", "cardd test")
	until(t, "port of ippeveprinter", ended, listens(port))
	return &everywhere{
		uri: fmt.Sprintf("ipp://localhost:%d/ipp/print", port), t: t,
		paper: filepath.Join(dir, "paper"), gate: filepath.Join(dir, "gate"), says: filepath.Join(dir, "says"),
	}
}

func (e *everywhere) printer() *ipp.Printer { return &ipp.Printer{URI: e.uri} }

// hold has printing wait, with the printer in a state.
func (e *everywhere) hold(reasons string) {
	e.t.Helper()
	if reasons != "" {
		e.write(e.says, "STATE: +"+reasons+"\n")
	}
	e.write(e.gate, "")
}

func (e *everywhere) release() {
	e.t.Helper()
	if err := os.Remove(e.gate); err != nil {
		e.t.Fatal(err)
	}
}

func (e *everywhere) write(path, text string) {
	e.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// printed are the documents on paper.
func (e *everywhere) printed() [][]byte {
	e.t.Helper()
	return files(e.t, e.paper)
}

func files(t *testing.T, dir string) [][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*-*"))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// loss loses the request or the answer of one operation, once.
type loss struct {
	op     goipp.Op
	answer bool // the request arrives, the answer is lost
	mu     sync.Mutex
	lost   int
}

var errLost = errors.New("lost")

// RoundTrip is http.RoundTripper.
func (l *loss) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var m goipp.Message
	if err := m.DecodeBytes(body); err != nil {
		return nil, err
	}
	l.mu.Lock()
	mine := goipp.Op(m.Code) == l.op && l.lost == 0
	if mine {
		l.lost++
	}
	l.mu.Unlock()
	if mine && !l.answer {
		return nil, errLost
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(strings.NewReader(string(body)))
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(again)
	if err == nil && mine {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return nil, errLost
	}
	return answer, err
}
