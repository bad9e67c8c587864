//go:build linux

package bed

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func up(t *testing.T, o Options) *Bed {
	t.Helper()
	b, err := Up(t.Context(), o)
	if errors.Is(err, ErrNotInstalled) {
		t.Skipf("%v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// TestForeignClientSeesTheReaders uses pcsc_scan, a client nobody here wrote.
func TestForeignClientSeesTheReaders(t *testing.T) {
	scan, err := exec.LookPath("pcsc_scan")
	if err != nil {
		t.Skip("pcsc_scan is not installed: apt-get install pcsc-tools")
	}
	tests := []struct {
		name    string
		readers int
		want    int
	}{
		{"default", 0, 2},
		{"an odd number is rounded up", 3, 4},
		{"as many as pcscd can have", ReadersMax, ReadersMax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := up(t, Options{Readers: tt.readers})
			if b.Slots() != tt.want {
				t.Fatalf("%d slots, want %d", b.Slots(), tt.want)
			}
			cmd := exec.Command(scan, "-r")
			cmd.Env = append(os.Environ(), b.Env()...)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("pcsc_scan: %v: %s", err, out)
			}
			for i := range b.Slots() {
				if !strings.Contains(string(out), b.Reader(i)+"\n") {
					t.Errorf("no reader %q in %q", b.Reader(i), out)
				}
			}
			if n := strings.Count(string(out), "Virtual PCD"); n != tt.want {
				t.Errorf("%d readers, want %d", n, tt.want)
			}
		})
	}
}

func TestKilledDaemonComesBackOnTheSamePorts(t *testing.T) {
	b := up(t, Options{})
	addr := b.Addr(1)
	card, err := net.Dial("tcp", addr) // a connection in use when pcscd dies, as a card's is
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = card.Close() }()
	if err := b.Kill(); err != nil {
		t.Fatal(err)
	}
	if answers(b.Socket()) {
		t.Error("somebody answers after Kill")
	}
	if err := b.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !answers(b.Socket()) || b.Addr(1) != addr {
		t.Errorf("after Restart: answers %v, address %s, want %s", answers(b.Socket()), b.Addr(1), addr)
	}
	if err := b.Restart(t.Context()); err == nil {
		t.Error("a second pcscd was started over the first")
	}
}

func TestTwoBedsLiveSideBySide(t *testing.T) {
	before := systemSocket()
	a, b := up(t, Options{}), up(t, Options{})
	if a.Socket() == b.Socket() || a.Addr(0) == b.Addr(0) {
		t.Errorf("shared: %s %s, %s %s", a.Socket(), b.Socket(), a.Addr(0), b.Addr(0))
	}
	if got := systemSocket(); got != before {
		t.Errorf("the system's own pcscd socket changed: %v, was %v", got, before)
	}
}

// systemSocket tells the system pcscd's socket apart from a newer one.
func systemSocket() time.Time {
	if fi, err := os.Stat("/run/pcscd/pcscd.comm"); err == nil {
		return fi.ModTime()
	}
	return time.Time{}
}

func TestGivenDirectoryIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b")
	b := up(t, Options{Dir: dir})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.Log()); err != nil {
		t.Errorf("the log is gone: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestTemporaryDirectoryIsRemoved(t *testing.T) {
	b := up(t, Options{})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", b.dir, err)
	}
}

func TestBadOptionsNameTheRemedy(t *testing.T) {
	tests := []struct {
		name string
		o    Options
		want string
	}{
		{"too many readers", Options{Readers: 17}, "give 1 to 16"},
		{"negative readers", Options{Readers: -1}, "give 1 to 16"},
		{"directory too deep for a socket", Options{Dir: filepath.Join(t.TempDir(), strings.Repeat("d", 100))}, "shorter"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Up(t.Context(), tt.o)
			if errors.Is(err, ErrNotInstalled) {
				t.Skipf("%v", err)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// TestTakenPortIsNoticed holds one of the ports: pcscd starts all the same, one
// reader short.
func TestTakenPortIsNoticed(t *testing.T) {
	b, err := prepare(Options{})
	if errors.Is(err, ErrNotInstalled) {
		t.Skipf("%v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if b.base, err = freePorts(2); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", b.Addr(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if err := b.Restart(t.Context()); !errors.Is(err, errPortTaken) {
		t.Errorf("error %v, want %v", err, errPortTaken)
	}
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	b, err := prepare(Options{})
	if errors.Is(err, ErrNotInstalled) {
		t.Skipf("%v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	b.tools.pcscd = "/bin/cat" // reads for ever, or ends, but never answers
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := b.Restart(ctx); err == nil {
		t.Error("a pcscd that never answers was taken for started")
	}
}

func TestListeningPorts(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:5208 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 37408 1 0 100 0 0 10 0
   1: 00000000:5209 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 37409 1 0 100 0 0 10 0
   2: 0100007F:520A 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 37410 1 0 100 0 0 10 0
`
	got := listeningPorts(table, map[string]bool{"37408": true, "37410": true})
	if len(got) != 1 || !got[0x5208] {
		t.Errorf("ports %v, want 21000 alone: 21001 is another's, 21002 does not listen", got)
	}
}
