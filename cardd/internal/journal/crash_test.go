package journal

import (
	"bufio"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// childVariable makes the test binary a child: a process to be killed, or one in
// a mount namespace of its own.
const childVariable = "JOURNAL_TEST_CHILD"

var crashSeed = flag.Uint64("crashseed", uint64(time.Now().UnixNano()), "seed of the moments at which the child is killed")

func TestMain(m *testing.M) {
	if role, path, is := strings.Cut(os.Getenv(childVariable), " "); is {
		if err := children[role](path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// children are the roles that a child process can play.
var children = map[string]func(path string) error{"append": appendForever}

// appendForever appends to job 1 and acknowledges each record as soon as Append
// has returned, until it is killed.
func appendForever(path string) error {
	ctx := context.Background()
	j, err := Open(ctx, path)
	if err != nil {
		return err
	}
	for {
		r, err := j.Append(ctx, "1", Record{Kind: Intent, Step: "update text/attributes"})
		if err != nil {
			return err
		}
		fmt.Printf("%d %x\n", r.Seq, r.Hash)
	}
}

func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+role+" "+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// A daemon is killed at every boundary of the first appends and then at moments
// drawn from a seed. Whatever it acknowledged is there, the chain holds, at most
// one record more was written, and the lock is free.
func TestEverythingAcknowledgedSurvivesAKill(t *testing.T) {
	t.Logf("again with: go test -run %s -crashseed %d", t.Name(), *crashSeed)
	random := rand.New(rand.NewPCG(*crashSeed, 0))
	j, path := newClosed(t)
	createJob(t, j, "1")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[int64]string{}
	for round := range 24 {
		after := round // the boundaries one by one
		if round >= 12 {
			after = 1 + random.IntN(120)
		}
		killAfter(t, path, after, acknowledged)
		j, err := Open(t.Context(), path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		checkSurvivors(t, j, acknowledged)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter kills a child once it has acknowledged n records, and notes all that
// it acknowledged until it was dead.
func killAfter(t *testing.T, path string, n int, acknowledged map[int64]string) {
	t.Helper()
	cmd := child(t, "append", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		_ = cmd.Process.Kill()
	}
	lines := bufio.NewScanner(out)
	for seen := 1; lines.Scan(); seen++ {
		var seq int64
		var hash string
		if _, err := fmt.Sscanf(lines.Text(), "%d %s", &seq, &hash); err != nil || len(hash) != 64 {
			continue // torn by the kill: not acknowledged
		}
		acknowledged[seq] = hash
		if seen == n {
			_ = cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child was not killed: %v", err)
	}
}

func checkSurvivors(t *testing.T, j *Journal, acknowledged map[int64]string) {
	t.Helper()
	if err := j.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	records, err := j.Records(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	unacknowledged := 0
	for _, r := range records {
		switch hash, ok := acknowledged[r.Seq]; {
		case !ok:
			unacknowledged++
			acknowledged[r.Seq] = hex.EncodeToString(r.Hash) // from here on it must stay
		case hash != hex.EncodeToString(r.Hash):
			t.Errorf("record %d is not the one acknowledged", r.Seq)
		}
	}
	if len(records) != len(acknowledged) {
		t.Errorf("%d records are there, %d were acknowledged", len(records), len(acknowledged))
	}
	// One written and not yet acknowledged, and one whose line was torn.
	if unacknowledged > 2 {
		t.Errorf("%d records were written without being acknowledged", unacknowledged)
	}
}

func TestASecondDaemonIsRefusedUntilTheFirstIsDead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	createJob(t, j, "1")
	out, err := child(t, "append", path).Output()
	if err == nil || len(out) > 0 {
		t.Fatalf("a second daemon went to work: %v, %s", err, out)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	killAfter(t, path, 1, map[int64]string{})
	openAt(t, path)
}
