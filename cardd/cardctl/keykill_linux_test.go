package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"jukicard/apdu/card"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/keys"
	"jukicard/pki/keystore"
	"jukicard/reader"
	"jukicard/simulator"
	"jukicard/simulator/fault"
)

// Variables that make the test program a cardctl that is killed.
const (
	killAt   = "CARDCTL_TEST_KILL_AT" // at which boundary, from 1
	killArgs = "CARDCTL_TEST_ARGS"    // its arguments, JSON
	killCard = "CARDCTL_TEST_CARD"    // state file of the card in its reader; empty: none
)

func TestMain(m *testing.M) {
	if os.Getenv(killAt) != "" {
		os.Exit(killed())
	}
	os.Exit(m.Run())
}

// killed runs one command line and dies at a boundary: before and after each command
// to the card, and around each step of each write.
func killed() int {
	at, err := strconv.Atoi(os.Getenv(killAt))
	if err != nil {
		return 99
	}
	boundary = func() {
		if at--; at == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // it does not come back
		}
	}
	var args []string
	if err := json.Unmarshal([]byte(os.Getenv(killArgs)), &args); err != nil {
		return 99
	}
	desk := deskWith()
	if file := os.Getenv(killCard); file != "" {
		c, err := simulator.Load(file, simulator.Options{})
		if err != nil {
			return 99
		}
		desk = deskWith(mortal{c})
	}
	a := &app{in: os.Stdin, out: io.Discard, err: os.Stderr, readers: desk}
	return a.run(context.Background(), args)
}

// mortal is a card around whose commands the program may be killed.
type mortal struct{ *simulator.Card }

func (d mortal) Process(command []byte) []byte {
	boundary()
	answer := d.Card.Process(command)
	boundary()
	return answer
}

// runKilled runs the command in a process of its own, and says whether it was killed.
func runKilled(t *testing.T, at int, card, types string, args []string) (dead bool) {
	t.Helper()
	line, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprint(killAt, "=", at), killArgs+"="+string(line), killCard+"="+card, "LC_ALL=C")
	cmd.Stdin = strings.NewReader(types)
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("at boundary %d: %v\n%s", at, err, out)
	}
	return false
}

const boundariesMax = 200

// TestCeremonyKilledAtEveryBoundary: what is in the store is a whole key or none, and
// the same command ends what was begun.
func TestCeremonyKilledAtEveryBoundary(t *testing.T) {
	_, _, want, _ := forms(32)
	for name, row := range map[string]struct {
		args  []string
		types string
	}{
		"components": {with(ceremonyArgs, "--expect", want.String()), typed(32)},
		"random":     {with(ceremonyArgs, "--from", "random"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				if at > boundariesMax {
					t.Fatal("it never ends")
				}
				state := keyDesk(t)
				if name != "random" { // one of the two makes pages: each costs a tenth of a second
					noPages(t)
				}
				dead := runKilled(t, at, "", row.types, row.args)
				if dead {
					if n := keysIn(t); n > 1 {
						t.Fatalf("killed at %d: %d keys", at, n)
					}
					again(t, at, state, row.types, row.args)
				}
				endedCeremony(t, at, state, name, want)
				if !dead {
					if at < 10 {
						t.Errorf("only %d boundaries", at-1)
					}
					return
				}
			}
		})
	}
}

// noPages names a font that is not there: records are kept as text alone.
func noPages(t *testing.T) { t.Setenv("CARDD_FONTS_PATHS", "/nonexistent/font.ttf") }

// again gives the same command: it ends what was begun, or says that it is done.
func again(t *testing.T, at int, state, types string, args []string) {
	t.Helper()
	var before ceremony
	_, err := loadState(filepath.Join(state, "ceremonies", "master-31.json"), &before)
	if err != nil {
		t.Fatalf("killed at %d: %v", at, err)
	}
	status := 0
	if before.Stage == stageDone {
		status = exitFailed
	}
	c := newConsole(deskWith()).types(types).do(t, status, args...)
	if status != 0 && !strings.Contains(c.err.String(), "PKI-KEYS-TAKEN") {
		t.Errorf("killed at %d: %s", at, &c.err)
	}
}

// keysIn counts keys; a store that was not made has none.
func keysIn(t *testing.T) int {
	t.Helper()
	if _, err := os.Stat(os.Getenv("CARDD_GP_FILE_PATH")); err != nil {
		return 0
	}
	return len(listed(t))
}

func endedCeremony(t *testing.T, at int, state, from string, want keystore.KCV) {
	t.Helper()
	rows := listed(t)
	if len(rows) != 1 || from == "components" && rows[0].KCV != want.String() {
		t.Errorf("killed at %d: %+v", at, rows)
	}
	var c ceremony
	found, err := loadState(filepath.Join(state, "ceremonies", "master-31.json"), &c)
	if !found || err != nil || c.Stage != stageDone || c.KCV != rows[0].KCV {
		t.Errorf("killed at %d: %+v, %v", at, c, err)
	}
	record, err := os.ReadFile(filepath.Join(state, "ceremonies", "master-31.txt"))
	if err != nil || !bytes.Contains(record, []byte(rows[0].KCV)) || from == "components" && !bytes.Contains(record, []byte("管理 三郎")) {
		t.Errorf("killed at %d: %s, %v", at, record, err)
	}
	page, err := os.ReadFile(filepath.Join(state, "ceremonies", "master-31.pdf"))
	if from == "random" && (err != nil || !bytes.HasPrefix(page, []byte("%PDF-"))) || from != "random" && err == nil {
		t.Errorf("killed at %d: the page has %d bytes: %v", at, len(page), err)
	}
}

// TestRotationKilledAtEveryBoundary: the card can be opened with what the store holds
// at any moment, and the same command goes on.
func TestRotationKilledAtEveryBoundary(t *testing.T) {
	keyDesk(t)
	noPages(t)
	master := rotationStore(t)
	fresh := filepath.Join(t.TempDir(), "card")
	id := cardNumber(t, fieldCard(t, fresh, master))
	args := with(rotateArgs, id, "--to", "31")
	seen := map[string]int{}
	for at := 1; ; at++ {
		if at > boundariesMax {
			t.Fatal("it never ends")
		}
		file := copied(t, fresh)
		dead := runKilled(t, at, file, "", args)
		c, err := simulator.Load(file, simulator.Options{})
		if err != nil {
			t.Fatal(err)
		}
		seen[usable(t, at, c)]++
		newConsole(deskWith(c)).do(t, 0, args...)
		if left := usable(t, at, c); left != "31" {
			t.Errorf("killed at %d, then ended: the card has %s", at, left)
		}
		if !dead {
			break
		}
	}
	if seen["30"] == 0 || seen["30 31"] == 0 || seen["31"] < 2 {
		t.Errorf("the states that were seen: %v", seen)
	}
}

func copied(t *testing.T, from string) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "card")
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// usable opens a session with every version on the card and gives them: no card may
// hold keys that the store has not.
func usable(t *testing.T, at int, c simulator.ProcessingCard) string {
	t.Helper()
	desk := deskWith(c)
	conf, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	store, err := keys.Open(conf.GP, conf.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	a := newConsole(desk)
	var names []string
	err = a.identified(t.Context(), reader.Exclusive, func(c *opened) error {
		versions, err := c.KeyVersions(t.Context())
		if err != nil {
			return err
		}
		for _, v := range versions {
			names = append(names, fmt.Sprintf("%02X", v))
			if err := c.OpenVersion(t.Context(), card.Domain, v, keys.Finder(store)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil { // and as the daemon does, which knows the profile's version alone
		err = a.identified(t.Context(), reader.Exclusive, func(c *opened) error { return c.Open(t.Context(), "jpki", keys.Finder(store)) })
	}
	if err != nil {
		t.Errorf("at %d: %v", at, err)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestRotationTorn: every command lost before the card, lost after it, torn in it.
func TestRotationTorn(t *testing.T) {
	keyDesk(t)
	noPages(t)
	master := rotationStore(t)
	fresh := filepath.Join(t.TempDir(), "card")
	id := cardNumber(t, fieldCard(t, fresh, master))
	args := with(rotateArgs, id, "--to", "31")
	for _, kind := range []fault.Kind{fault.LostBefore, fault.LostAfter, fault.TornCommit} {
		for at := 1; ; at++ {
			if at > boundariesMax {
				t.Fatal("it never ends")
			}
			sim, err := simulator.Load(copied(t, fresh), simulator.Options{})
			if err != nil {
				t.Fatal(err)
			}
			c := fault.Wrap(sim)
			c.Arm(fault.Script{{At: at, Kind: kind}})
			status := newConsole(deskWith(c)).run(t.Context(), args)
			hit := c.Injected() > 0
			c.Disarm()
			c.PowerOff()
			if hit == (status == 0) {
				t.Errorf("%v at command %d: exit status %d", kind, at, status)
			}
			usable(t, at, c)
			newConsole(deskWith(c)).do(t, 0, args...)
			if left := usable(t, at, c); left != "31" {
				t.Errorf("%v at command %d, then ended: the card has %s", kind, at, left)
			}
			if !hit {
				break
			}
		}
	}
}
