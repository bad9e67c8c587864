//go:build cgo

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/pkcs11"
)

// softHSM is where Debian's package puts the module.
const softHSM = "/usr/lib/softhsm/libsofthsm2.so"

// hsmDesk is keyDesk with a SoftHSM token as the key store.
func hsmDesk(t *testing.T) (state string) {
	t.Helper()
	if _, err := os.Stat(softHSM); err != nil {
		t.Skip("SoftHSM is absent; install the Debian package softhsm2")
	}
	state = keyDesk(t)
	dir := filepath.Dir(state)
	conf, pin := filepath.Join(dir, "softhsm2.conf"), filepath.Join(dir, "pin")
	for path, text := range map[string]string{conf: "directories.tokendir = " + dir + "\nobjectstore.backend = file\nlog.level = ERROR\n", pin: "314159\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"SOFTHSM2_CONF": conf, "CARDD_GP_KEY_STORE": "pkcs11", "CARDD_GP_FILE_CREDENTIAL": "",
		"CARDD_GP_PKCS11_MODULE": softHSM, "CARDD_GP_PKCS11_TOKEN": "cards", "CARDD_GP_PKCS11_PIN_FILE": pin,
	} {
		t.Setenv(name, value)
	}
	out, err := exec.Command("softhsm2-util", "--init-token", "--free", "--label", "cards", "--so-pin", "271828", "--pin", "314159").CombinedOutput()
	if err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
	return state
}

// TestCeremonyIntoAModuleKilledAtEveryBoundary: as with the sealed file, what the module
// holds is a whole key or none, and the same command ends what was begun.
func TestCeremonyIntoAModuleKilledAtEveryBoundary(t *testing.T) {
	_, _, want, _ := forms(32)
	args := with(ceremonyArgs, "--expect", want.String())
	for at := 1; ; at++ {
		if at > boundariesMax {
			t.Fatal("it never ends")
		}
		state := hsmDesk(t)
		noPages(t)
		dead := runKilled(t, at, "", typed(32), args)
		if dead {
			if n := len(listed(t)); n > 1 {
				t.Fatalf("killed at %d: %d keys", at, n)
			}
			again(t, at, state, typed(32), args)
		}
		endedCeremony(t, at, state, "components", want)
		if !dead {
			if at < 10 {
				t.Errorf("only %d boundaries", at-1)
			}
			return
		}
	}
}

// TestModuleEndedInMidIssue: the module is ended under the daemon at a command of the
// card. The job is held with the store's code; resumed, it goes on with a module begun
// anew, and the card is issued.
func TestModuleEndedInMidIssue(t *testing.T) {
	hsmDesk(t)
	_, _, want, master := forms(32)
	newConsole(deskWith()).types(typed(32)).do(t, 0, with(ceremonyArgs, "--version", "30", "--expect", want.String())...)
	module := pkcs11.New(softHSM) // the library that the daemon has loaded: a process has it once
	if module == nil {
		t.Fatal("cannot load SoftHSM")
	}
	defer module.Destroy()
	sim := fieldCard(t, "", master)
	card := &taking{Card: sim, left: storeGoneAt, take: func() {
		if err := module.Finalize(); err != nil {
			t.Error(err)
		}
	}}
	desk := deskWith(card)
	serveDaemon(t, desk)
	dir := person(t, "adult")
	c := newConsole(desk).do(t, exitHeld, "issue", dir+"/order.json", "--pins", dir+"/pins.json")
	if !strings.Contains(c.err.String()+c.out.String(), "PKI-KEYS-GONE") {
		t.Errorf("%s%s", &c.out, &c.err)
	}
	var jobs []struct{ ID, State string }
	list := newConsole(desk).do(t, 0, "--json", "jobs")
	if err := json.Unmarshal(list.out.Bytes(), &jobs); err != nil || len(jobs) != 1 {
		t.Fatalf("%v in %s", err, &list.out)
	}
	newConsole(desk).do(t, 0, "job", "resume", jobs[0].ID)
	isIssued(t, desk)
}

// TestRotateWithAModule changes a card's keys from a master to the next, both of which
// never leave the module, and back.
func TestRotateWithAModule(t *testing.T) {
	state := hsmDesk(t)
	card := fieldCard(t, "", rotationStore(t))
	id, desk := cardNumber(t, card), deskWith(card)
	for _, to := range []string{"31", "30"} {
		newConsole(desk).do(t, 0, with(rotateArgs, id, "--to", to)...)
		if has := usable(t, 0, card); has != to {
			t.Errorf("the card has %s, want %s", has, to)
		}
	}
	rotationRecords(t, state, id+"  30 -> 31", id+"  31 -> 30")
}

// TestWhatTheOperatorSeesOfAModule: each way in which a module is not there has a code,
// and a wrong PIN is presented once, by whatever process.
func TestWhatTheOperatorSeesOfAModule(t *testing.T) {
	hsmDesk(t)
	pin := os.Getenv("CARDD_GP_PKCS11_PIN_FILE")
	see := func(says ...string) {
		t.Helper()
		c := newConsole(deskWith()).do(t, exitFailed, "key", "list")
		for _, s := range says {
			if !strings.Contains(c.err.String(), s) {
				t.Errorf("%q is not said: %s", s, &c.err)
			}
		}
		if strings.Contains(c.err.String(), "999999") || strings.Contains(c.err.String(), "314159") {
			t.Errorf("the PIN is shown: %s", &c.err)
		}
	}
	t.Run("another token", func(t *testing.T) {
		t.Setenv("CARDD_GP_PKCS11_TOKEN", "other")
		see("PKI-KEYS-ABSENT", "no such token")
	})
	t.Run("a wrong PIN", func(t *testing.T) {
		write := func(text string, ago int) {
			t.Helper()
			if err := os.WriteFile(pin, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			at := time.Unix(1_800_000_000-int64(ago), 0)
			if err := os.Chtimes(pin, at, at); err != nil {
				t.Fatal(err)
			}
		}
		write("999999\n", 2)
		see("PKI-KEYS-UNLOCK", "CKR_PIN_INCORRECT")
		for range 3 {
			see("PKI-KEYS-UNLOCK", "not presented again")
		}
		write("314159\n", 1) // the right one now: the token still tells of a wrong try
		see("PKI-KEYS-LOCKED", "pkcs11-tool")
		out, err := exec.Command("pkcs11-tool", "--module", softHSM, "--token-label", "cards", "--login", "--pin", "314159", "--list-objects").CombinedOutput()
		if err != nil {
			t.Fatalf("pkcs11-tool: %v\n%s; install the Debian package opensc", err, out)
		}
		newConsole(deskWith()).do(t, 0, "key", "list")
	})
	t.Run("no library", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "none.so")
		if err := os.WriteFile(other, []byte("no library"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("CARDD_GP_PKCS11_MODULE", other)
		see("PKI-KEYS-ABSENT", fmt.Sprintf("load %s", other))
	})
}
