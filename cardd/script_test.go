//go:build linux

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"jukicard/simulator/bed"
)

// TestScripts runs testdata/script: the three programs as people use them, each
// script with a pcscd of its own. What is beyond testscript's own commands:
//
//	insert SLOT [flags]   cardsim card in a virtual reader; waits until PC/SC sees it
//	remove SLOT           takes that card out; waits until PC/SC sees it gone
//	gone SLOT             waits for a card that is pulled out by itself
//	daemon [ok|refused]   starts cardd serve; waits until it listens
//	stop                  ends the daemon as systemd would
//	kill-daemon           ends it without warning
//	order [-of PERSON] OLD NEW...  makes bad/ of good/ (or PERSON/) with the order changed
//	pin CLASS VALUE       makes bad/pins.json of good/pins.json with one PIN changed
//	exits N prog args...  like exec, for exactly that exit status
//	job                   prints the number of the latest job (a program)
//	talk FILE [-exits N] prog args...  at a terminal; FILE says what is typed when
func TestScripts(t *testing.T) {
	programs := t.TempDir()
	build := exec.Command("go", "build", "-buildvcs=false", "-o", programs+"/", "jukicard/cardd", "jukicard/cardd/cardctl", "jukicard/cardd/cardsim")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	latest := "#!/bin/sh\n# the number of the latest job\ncardctl jobs --json | sed -n 's/^ *\"id\": \"\\(.*\\)\",$/\\1/p' | head -n 1\n"
	if err := os.WriteFile(filepath.Join(programs, "job"), []byte(latest), 0o700); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error { return setUp(env, programs) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"insert": insertCard, "remove": removeCard, "gone": cardGone,
			"daemon": startDaemon, "stop": stopDaemon(syscall.SIGTERM), "kill-daemon": stopDaemon(syscall.SIGKILL),
			"exits": exits, "talk": talk, "order": spoilOrder, "pin": spoilPIN,
		},
	})
}

// scene is what one script plays in.
type scene struct {
	bed    *bed.Bed
	cards  map[int]*program
	daemon *program
}

type sceneKey struct{}

func sceneOf(ts *testscript.TestScript) *scene { return ts.Value(sceneKey{}).(*scene) }

func setUp(env *testscript.Env, programs string) error {
	dir, err := os.MkdirTemp("", "cs") // short: sockets go there
	if err != nil {
		return err
	}
	env.Defer(func() { _ = os.RemoveAll(dir) })
	b, err := bed.Up(context.Background(), bed.Options{Dir: filepath.Join(dir, "b")})
	if errors.Is(err, bed.ErrNotInstalled) {
		env.T().Skip(err)
	}
	if err != nil {
		return err
	}
	env.Defer(func() { _ = b.Close() })
	env.Values[sceneKey{}] = &scene{bed: b, cards: map[int]*program{}}
	for name, value := range map[string]string{
		"PATH": programs + ":" + env.Getenv("PATH"), bed.EnvSocket: b.Socket(), "LANG": "C.UTF-8", "TZ": "Asia/Tokyo",
		"CARDD_SOCKET": filepath.Join(dir, "s"), "CARDD_STATE_DIR": filepath.Join(env.WorkDir, "state"), "CARDD_LAB": "true",
		"CARDD_STATION_NAME": "script", "READER_0": b.Reader(0), "READER_1": b.Reader(1),
	} {
		env.Setenv(name, value)
	}
	return nil
}

// program is a program running beside the script.
type program struct {
	cmd   *exec.Cmd
	out   *log
	ended chan struct{}
}

// log gathers output while others read it.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs one of our programs in the script's environment until the script ends.
func start(ts *testscript.TestScript, name string, args ...string) *program {
	p := &program{out: &log{}, ended: make(chan struct{})}
	p.cmd = exec.Command(findProgram(ts, name), args...)
	p.cmd.Dir, p.cmd.Env = ts.MkAbs("."), environment(ts)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	ts.Check(p.cmd.Start())
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is the script's to judge by its output
	}()
	ts.Defer(func() { p.end(syscall.SIGKILL) })
	return p
}

func (p *program) end(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig) // it may have ended
	<-p.ended
}

func findProgram(ts *testscript.TestScript, name string) string {
	dir, _, _ := strings.Cut(ts.Getenv("PATH"), ":")
	return filepath.Join(dir, name)
}

// environment is what the script's own programs get.
func environment(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "LANG", "TZ", bed.EnvSocket, "CARDD_SOCKET", "CARDD_STATE_DIR", "CARDD_LAB", "CARDD_STATION_NAME",
		"CARDD_READER_NAME", "CARDD_CONFIG", "CARDD_LIMITS_SHUTDOWN_SECONDS",
	} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// waitMost bounds every wait; the things waited for take well under a second on an idle machine.
const waitMost = time.Minute

// await waits until something holds.
func await(ts *testscript.TestScript, what string, holds func() bool) {
	end := time.NewTimer(waitMost)
	defer end.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-end.C:
			ts.Fatalf("%s: not within %v", what, waitMost)
		case <-look.C:
		}
	}
}

func slotOf(ts *testscript.TestScript, args []string) int {
	if len(args) == 0 {
		ts.Fatalf("which slot?")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	return n
}

// present asks PC/SC, through cardctl, whether a reader has a card.
func present(ts *testscript.TestScript, slot int) bool {
	cmd := exec.Command(findProgram(ts, "cardctl"), "readers", "--json")
	cmd.Env = environment(ts)
	out, err := cmd.Output()
	if err != nil {
		return false
	}
	var list []struct {
		Name    string
		Present bool
		ATR     string
	}
	ts.Check(json.Unmarshal(out, &list))
	for _, r := range list {
		if r.Name == sceneOf(ts).bed.Reader(slot) {
			return r.Present && r.ATR != ""
		}
	}
	return false
}

func insertCard(ts *testscript.TestScript, neg bool, args []string) {
	slot, s := slotOf(ts, args), sceneOf(ts)
	p := start(ts, "cardsim", append([]string{"card", "--vpcd", s.bed.Addr(slot)}, args[1:]...)...)
	s.cards[slot] = p
	await(ts, "a card in slot "+args[0], func() bool {
		select {
		case <-p.ended:
			ts.Fatalf("cardsim ended: %s", p.out)
		default:
		}
		return present(ts, slot)
	})
}

func removeCard(ts *testscript.TestScript, neg bool, args []string) {
	slot := slotOf(ts, args)
	sceneOf(ts).cards[slot].end(syscall.SIGINT)
	await(ts, "an empty slot "+args[0], func() bool { return !present(ts, slot) })
}

func cardGone(ts *testscript.TestScript, neg bool, args []string) {
	slot := slotOf(ts, args)
	p := sceneOf(ts).cards[slot]
	select {
	case <-p.ended:
	case <-time.After(waitMost):
		ts.Fatalf("the card is still in slot %d: %s", slot, p.out)
	}
	if !strings.Contains(p.out.String(), "pulled out") {
		ts.Fatalf("the card ended otherwise: %s", p.out)
	}
	await(ts, "an empty slot "+args[0], func() bool { return !present(ts, slot) })
}

func startDaemon(ts *testscript.TestScript, neg bool, args []string) {
	s := sceneOf(ts)
	s.daemon = start(ts, "cardd", "serve")
	await(ts, "cardd on its socket", func() bool {
		select {
		case <-s.daemon.ended:
			ts.Fatalf("cardd ended: %s", s.daemon.out)
		default:
		}
		conn, err := net.Dial("unix", ts.Getenv("CARDD_SOCKET"))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

func stopDaemon(sig syscall.Signal) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		s := sceneOf(ts)
		s.daemon.end(sig)
		ts.Check(os.WriteFile(ts.MkAbs("cardd.log"), []byte(s.daemon.out.String()), 0o600))
	}
}

// spoilOrder makes bad/ from a person's folder with regular expressions of its
// order replaced. A replacement of @N is N letters.
func spoilOrder(ts *testscript.TestScript, neg bool, args []string) {
	from := "good"
	if args[0] == "-of" {
		from, args = args[1], args[2:]
	}
	text := ts.ReadFile(from + "/order.json")
	for pair := range slices.Chunk(args, 2) {
		old, fresh := regexp.MustCompile(pair[0]), pair[1]
		if n, ok := strings.CutPrefix(fresh, "@"); ok {
			most, err := strconv.Atoi(n)
			ts.Check(err)
			fresh = strings.Repeat("a", most)
		}
		if !old.MatchString(text) {
			ts.Fatalf("the order has no %s", old)
		}
		text = old.ReplaceAllLiteralString(text, fresh)
	}
	ts.Check(os.RemoveAll(ts.MkAbs("bad")))
	ts.Check(os.CopyFS(ts.MkAbs("bad"), os.DirFS(ts.MkAbs("good"))))
	ts.Check(os.WriteFile(ts.MkAbs("bad/order.json"), []byte(text), 0o600))
}

func spoilPIN(ts *testscript.TestScript, neg bool, args []string) {
	var pins map[string]string
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("good/pins.json")), &pins))
	pins[args[0]] = args[1]
	b, err := json.Marshal(pins)
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs("bad"), 0o700))
	ts.Check(os.WriteFile(ts.MkAbs("bad/pins.json"), b, 0o600))
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits N prog args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	judgeExit(ts, want, ts.Exec(args[1], args[2:]...))
}

func judgeExit(ts *testscript.TestScript, want int, err error) {
	var ended *exec.ExitError
	got := 0
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// talk runs a program at a terminal. FILE is a conversation: "? text" waits until
// the program has written that text, "> text" types a line, "^C" interrupts. What
// stood on the terminal is then in the file "terminal".
func talk(ts *testscript.TestScript, neg bool, args []string) {
	want := 0
	if len(args) > 3 && args[1] == "-exits" {
		var err error
		want, err = strconv.Atoi(args[2])
		ts.Check(err)
		args = slices.Delete(args, 1, 3)
	}
	if len(args) < 2 {
		ts.Fatalf("usage: talk FILE [-exits N] prog args...")
	}
	console, tty, err := openTerminal()
	ts.Check(err)
	defer func() { _ = console.Close() }()
	cmd := exec.Command(findProgram(ts, args[1]), args[2:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), environment(ts)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	ts.Check(cmd.Start())
	ts.Check(tty.Close())
	screen, shown := &log{}, make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = copyTerminal(screen, console)
	}()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { ts.Logf("[terminal]\n%s", screen) }()
	converse(ts, ts.ReadFile(args[0]), screen, console)
	select {
	case err = <-ended:
	case <-time.After(waitMost):
		_ = cmd.Process.Kill()
		ts.Fatalf("it still runs; the terminal shows:\n%s", screen)
	}
	<-shown
	ts.Check(os.WriteFile(ts.MkAbs("terminal"), []byte(screen.String()), 0o600))
	judgeExit(ts, want, err)
}

func converse(ts *testscript.TestScript, script string, screen *log, console *os.File) {
	seen := 0
	for line := range strings.Lines(script) {
		text := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(text, "? "):
			await(ts, "the text "+text[2:]+" on the terminal", func() bool {
				at := strings.Index(screen.String()[seen:], text[2:])
				if at >= 0 {
					seen += at + len(text) - 2
				}
				return at >= 0
			})
		case strings.HasPrefix(text, ">"):
			typeAt(ts, console, strings.TrimPrefix(strings.TrimPrefix(text, ">"), " ")+"\n")
		case text == "^C":
			typeAt(ts, console, "\x03")
		case text != "":
			ts.Fatalf("cannot follow the conversation: %s", text)
		}
	}
}

func typeAt(ts *testscript.TestScript, console *os.File, text string) {
	_, err := fmt.Fprint(console, text)
	ts.Check(err)
}
