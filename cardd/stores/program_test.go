package stores

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
)

// program builds cardd once.
var program = sync.OnceValues(func() (string, error) {
	all, err := scratch()
	if err != nil {
		return "", err
	}
	path := filepath.Join(all, "cardd")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, "jukicard/cardd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New("go build: " + err.Error() + ": " + string(out))
	}
	return path, nil
})

// life is one cardd from its start to its end.
type life struct {
	*client.Client
	cmd  *exec.Cmd
	said *bufio.Scanner
}

// launch starts cardd on a folder; name tells apart two on the same.
func launch(t *testing.T, dir, name string, arguments ...string) *life {
	t.Helper()
	path, err := program()
	must(t, err)
	socket := filepath.Join(filepath.Dir(dir), name)
	l := &life{Client: client.New(socket), cmd: exec.CommandContext(t.Context(), path, append([]string{"serve"}, arguments...)...)}
	l.cmd.Env = append(os.Environ(), "CARDD_LAB=true", "CARDD_STATE_DIR="+filepath.Join(dir, "state"), "CARDD_AUTHORITY_DIR="+filepath.Join(dir, "authority"),
		"CARDD_SOCKET="+socket, "CARDD_PRINTER_KIND=none")
	said, err := l.cmd.StderrPipe()
	must(t, err)
	must(t, l.cmd.Start())
	l.said = bufio.NewScanner(said)
	return l
}

// serves waits until it does.
func (l *life) serves(t *testing.T) {
	t.Helper()
	var all []string
	for l.said.Scan() {
		if all = append(all, l.said.Text()); strings.Contains(l.said.Text(), "msg=serving") {
			return
		}
	}
	t.Fatalf("cardd did not come up: %q (%v)", all, l.cmd.Wait())
}

// ends waits for its end; it gives its last line and exit status.
func (l *life) ends(t *testing.T) (last string, status int) {
	t.Helper()
	for l.said.Scan() {
		last = l.said.Text()
	}
	var exit *exec.ExitError
	if err := l.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return last, l.cmd.ProcessState.ExitCode()
}

// stops ends it as systemd would.
func (l *life) stops(t *testing.T) {
	t.Helper()
	must(t, l.cmd.Process.Signal(syscall.SIGTERM))
	if last, status := l.ends(t); status != 0 {
		t.Errorf("cardd ended with %d: %s", status, last)
	}
}

// TestTheProgramNamesTheDamage: started, stopped or killed, damaged, started again: it
// exits with 1, and its last line is the code with what is wrong and what to do.
func TestTheProgramNamesTheDamage(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		name   string
		killed bool
		do     func(dir string) error
		says   string
	}{
		{"journal cut off", false, cut(theJournal, half), "cardd: JOURNAL-CORRUPT: cannot "},
		{"journal put back from before", false, from(filepath.Join(w.dir, olderDir), theJournal), "cardd: JOURNAL-LOST: cannot open the journal: "},
		{"log gone after a kill", true, gone(theJournal+"-wal", theJournal+"-shm"), "cardd: JOURNAL-LOST: cannot open the journal: "},
		{"vault key gone", false, gone(theVault), "cardd: STATION-VAULT-KEY: vault.key cannot be used (the key is gone"},
		{"receipt key cut off", false, cut(theReceipt, half), "cardd: STATION-RECEIPT-KEY: the key of receipts cannot be used ("},
		{"authority gone", false, gone(theAuthority), "cardd: PKI-AUTHORITY-STORE: the embedded authority's folder cannot be used ("},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := w.copyOf(t, closedDir)
			l := launch(t, dir, "a.sock")
			l.serves(t)
			if row.killed {
				must(t, l.cmd.Process.Kill())
				l.ends(t)
			} else {
				l.stops(t)
			}
			must(t, row.do(dir))
			last, status := launch(t, dir, "a.sock").ends(t)
			if status != 1 || !strings.HasPrefix(last, row.says) || !strings.Contains(last, "; ") {
				t.Errorf("it ended with %d: %s", status, last)
			}
		})
	}
}

// TestTwoProgramsOnOneJournal: the second is told who has it, and the first goes on.
func TestTwoProgramsOnOneJournal(t *testing.T) {
	w := newWorld(t)
	dir := w.copyOf(t, closedDir)
	first := launch(t, dir, "a.sock")
	first.serves(t)
	last, status := launch(t, dir, "b.sock").ends(t)
	if status != 1 || !strings.HasPrefix(last, "cardd: JOURNAL-LOCKED: ") || !strings.Contains(last, "(process ") {
		t.Errorf("the second ended with %d: %s", status, last)
	}
	if jobs, err := first.Jobs(t.Context()); err != nil || len(jobs) != len(w.atClosed.jobs) {
		t.Errorf("the first has %d jobs, %v", len(jobs), err)
	}
	first.stops(t)
}

// TestADamagedJobThatEndedIsRefusedByName: old cards do not stop new ones, and nobody is
// told anything of a job that is not what was written.
func TestADamagedJobThatEndedIsRefusedByName(t *testing.T) {
	w := newWorld(t)
	dir := w.copyOf(t, closedDir)
	path := filepath.Join(dir, theJournal)
	file, err := os.ReadFile(path)
	must(t, err)
	for _, r := range w.atClosed.records[w.done] {
		if r.Kind == journal.Outcome {
			file[recordKept("outcome", r, true).place(t, file)] ^= 1
			break
		}
	}
	must(t, os.WriteFile(path, file, 0o600))
	l := launch(t, dir, "a.sock")
	l.serves(t)
	var told *client.Failure
	if _, err := l.Records(t.Context(), w.done); !errors.As(err, &told) || told.Code != string(failure.StationDamaged) {
		t.Errorf("its records: %v", err)
	}
	if _, err := l.Receipt(t.Context(), w.done); !errors.As(err, &told) || told.Code != string(failure.StationDamaged) {
		t.Errorf("its receipt: %v", err)
	}
	if _, err := l.Records(t.Context(), w.spoiled); err != nil {
		t.Errorf("another job: %v", err)
	}
	l.stops(t)
}

// holds waits until a job is held for that reason.
func (l *life) holds(ctx context.Context, job string, code failure.Code) error {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	for {
		held := false
		err := l.Watch(ctx, job, func(e client.Event) bool { // it tells from the beginning, to the latest end
			held = e.State == journal.Held && e.Code == string(code)
			return !held
		})
		if held || err != nil {
			return err
		}
	}
}

// TestOrdersLost: where no backup has the key, the daemon can be told to go on. Jobs
// whose orders nobody can open are held for that, and given up by a person; nothing else
// changes.
func TestOrdersLost(t *testing.T) {
	w := newWorld(t)
	dir := w.copyOf(t, closedDir)
	must(t, gone(theVault)(dir))
	l := launch(t, dir, "a.sock", "--orders-lost")
	l.serves(t)
	for _, job := range []string{w.held, w.cut} {
		_, err := l.Resume(t.Context(), job, false)
		must(t, err)
		if err := l.holds(t.Context(), job, failure.StationVaultKey); err != nil {
			t.Errorf("job %s: %v", job, err)
		}
		if j, err := l.Abandon(t.Context(), job, "山田", "its order is lost"); err != nil || j.State != journal.Spoiled {
			t.Errorf("given up, it is %v, %v", j, err)
		}
	}
	if _, err := l.Receipt(t.Context(), w.done); err != nil {
		t.Errorf("the receipt of a job that is done: %v", err)
	}
	l.stops(t)
	again := launch(t, dir, "a.sock") // the key made anew seals no order of before
	again.serves(t)
	again.stops(t)
}
