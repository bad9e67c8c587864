package acceptance

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestCardctlFindsEveryCardWhole has the technician's command look at everybody's
// card and check all that belongs together, and the receipt verified with the
// station's key.
func TestCardctlFindsEveryCardWhole(t *testing.T) {
	for _, who := range everybody {
		t.Run(who.person, func(t *testing.T) {
			c := issue(t, who.person)
			s := insertCopy(t, c)
			ctl := program("cardctl")
			show := output(t, ctl, "--lang", "en", "--reader", s.reader, "card", "show")
			if !strings.Contains(show, c.env["CARD_ID"]) {
				t.Errorf("show does not tell the card's number: %s", show)
			}
			status := output(t, ctl, "--lang", "en", "--reader", s.reader, "card", "pin", "status")
			if strings.TrimSpace(status) == "" {
				t.Error("no PIN status")
			}
			args := []string{"--lang", "en", "--reader", s.reader, "card", "verify"}
			if c.pins != (pins{}) {
				args = append(args, "--pins", filepath.Join(c.dir, "pins.json"))
			}
			verify := output(t, ctl, args...)
			if strings.Contains(verify, "failed") || !strings.Contains(verify, "ok") {
				t.Errorf("verify says %s", verify)
			}
			output(t, ctl, "receipt", "verify", c.receipt, "--key", filepath.Join(desk.daemon.state(), "receipt.pub"))
		})
	}
}

// TestCardsimPutsAnIssuedCardIntoAReader runs the simulator as a program, twice: it
// issues the card, and later takes the kept one up again.
func TestCardsimPutsAnIssuedCardIntoAReader(t *testing.T) {
	slot := borrow(t)
	dir := t.TempDir()
	state, env := filepath.Join(dir, "card.state"), filepath.Join(dir, "card.env")
	var ids []string
	for range 2 {
		cmd := exec.CommandContext(t.Context(), program("cardsim"), "card", "--person", "adult", "--issued", "--state", state, "--env", env, "--vpcd", readers.Addr(slot))
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		said, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(said).ReadString('\n')
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		s := &seat{slot: slot, reader: readers.Reader(slot)}
		if err := s.present(); err != nil {
			t.Fatal(err)
		}
		values, err := readEnv(env)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, values["CARD_ID"])
		o := newOpenSC(t, s)
		if got := strings.TrimSpace(o.run("opensc-tool", "--reader", s.reader, "--name")); got != "jpki" {
			t.Errorf("OpenSC takes the card for %q", got)
		}
		if !o.present(authKey, values["AUTH_PIN"]) {
			t.Error("the PIN of the card's values is not the card's")
		}
		if err := cmd.Cancel(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("cardsim: %v", err)
		}
		if err := s.absent(); err != nil {
			t.Fatal(err)
		}
	}
	if ids[0] == "" || ids[0] != ids[1] {
		t.Errorf("cards %q", ids)
	}
}
