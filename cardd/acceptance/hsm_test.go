package acceptance

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/pki/keystore"
	"jukicard/simulator"
	"jukicard/simulator/vpcd"
)

// TestIssueWithKeysInAModule holds a key ceremony into a SoftHSM token, has the real
// daemon issue a card with keys derived in it and certificates signed in it, and looks
// into the daemon's memory at every command: master and card keys are never there. When
// the job is done no session's keys are either.
func TestIssueWithKeysInAModule(t *testing.T) {
	slot := borrow(t)
	module := file(t, "softhsm2", "/usr/lib/softhsm/libsofthsm2.so")
	config := newToken(t, module)
	d, err := startDaemon(filepath.Join(t.TempDir(), "d"), readers.Reader(slot), true, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.stop() })
	master := ceremony(t, d)
	b := hatch(t, "standard", func(digits []string) []string { return digits })
	sim, err := simulator.NewBlank(simulator.Options{Master: secret.New(master), StateFile: filepath.Join(b.dir, "card.state")})
	if err != nil {
		t.Fatal(err)
	}
	card := &watched{Card: sim, t: t, pid: d.cmd.Process.Pid, static: staticKeys(t, sim, master)}
	card.forbidden = newFinder(append(card.canaries(), canary{name: "the master", value: master}))
	s := &seat{slot: slot, reader: readers.Reader(slot), card: card}
	remove, err := s.insert()
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.cardctl("issue", b.order, "--pins", b.pins).CombinedOutput()
	if err != nil {
		t.Fatalf("cardctl issue: %v: %s\n%s", err, out, must(os.ReadFile(d.log())))
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	if card.looks == 0 || len(card.sessions) < 6 {
		t.Fatalf("%d looks, %d sessions", card.looks, len(card.sessions))
	}
	left := newFinder(append(card.sessions, append(card.canaries(), canary{name: "the master", value: master})...))
	memory(t, d.cmd.Process.Pid, func(b []byte) { left.inBytes(t, "memory after the issue", b) })
	if listed := keyList(t, d); strings.Count(listed, `"signing"`) != 6 || strings.Count(listed, `"master"`) != 1 {
		t.Errorf("the token holds %s", listed)
	}
	if keys, _ := filepath.Glob(filepath.Join(d.state(), "authority", "*.key")); len(keys) != 0 {
		t.Errorf("the authority keeps keys in files: %v", keys)
	}
}

// newToken makes a token, and the configuration that names it.
func newToken(t *testing.T, module string) string {
	t.Helper()
	dir := t.TempDir()
	conf, pin := filepath.Join(dir, "softhsm2.conf"), filepath.Join(dir, "pin")
	keep(t, conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"))
	keep(t, pin, []byte("314159\n"))
	t.Setenv("SOFTHSM2_CONF", conf)
	output(t, foreign(t, "softhsm2-util", "softhsm2"), "--init-token", "--free", "--label", "cards", "--so-pin", "271828", "--pin", "314159")
	return fmt.Sprintf("[gp]\nkey_store = \"pkcs11\"\nauthority_keys = true\n[gp.pkcs11]\nmodule = %q\ntoken = \"cards\"\npin_file = %q\n", module, pin)
}

// keyctl is cardctl key with the daemon's configuration.
func keyctl(d *daemon, types string, args ...string) *exec.Cmd {
	cmd := d.cardctl(append([]string{"key"}, args...)...)
	cmd.Env = append(os.Environ(), "CARDD_CONFIG="+filepath.Join(d.dir, "cardd.toml"), "LC_ALL=C")
	cmd.Stdin = strings.NewReader(types)
	return cmd
}

// ceremony has three custodians enter random components, and gives the key they make.
func ceremony(t *testing.T, d *daemon) []byte {
	t.Helper()
	master := make([]byte, 32)
	var typed strings.Builder
	for _, name := range []string{"管理 一郎", "管理 二郎", "管理 三郎"} {
		part := draw(t, len(master))
		subtle.XORBytes(master, master, part)
		fmt.Fprintf(&typed, "%s\n%x\n%v\n", name, part, must(keystore.KCVOf(secret.New(part))))
	}
	want := must(keystore.KCVOf(secret.New(master)))
	out, err := keyctl(d, typed.String(), "ceremony", "--version", "30", "--officer", "山田 太郎", "--witness", "山田 花子", "--expect", want.String()).CombinedOutput()
	if err != nil || !strings.Contains(string(out), want.String()) {
		t.Fatalf("cardctl key ceremony: %v\n%s", err, out)
	}
	return master
}

func keyList(t *testing.T, d *daemon) string {
	t.Helper()
	out, err := keyctl(d, "", "--json", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// staticKeys are the card's, worked out here.
func staticKeys(t *testing.T, card *simulator.Card, master []byte) scp03.StaticKeys {
	t.Helper()
	answer := bytes.Clone(card.Process([]byte{0x80, apdu.INSInitializeUpdate, 0x30, 0x00, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x00}))
	card.PowerOff()
	return must(scp03.Diversify(secret.New(master), [10]byte(answer)))
}

// watched is a card at some of whose commands the daemon's memory is looked through.
type watched struct {
	vpcd.Card
	t         *testing.T
	pid       int
	static    scp03.StaticKeys
	forbidden *finder
	looks     int
	commands  int
	sessions  []canary // keys of every session
}

// canaries are the card's own keys.
func (w *watched) canaries() (all []canary) {
	for name, key := range map[string]secret.Bytes{"the card's ENC": w.static.Enc, "the card's MAC": w.static.Mac, "the card's DEK": w.static.Dek} {
		_ = key.Lend(func(b []byte) error { all = append(all, canary{name: name, value: bytes.Clone(b)}); return nil })
	}
	return all
}

// lookEvery is how many commands pass between two looks: one costs as much as many
// commands.
const lookEvery = 40

func (w *watched) Process(command []byte) []byte {
	w.commands++
	answer := w.Card.Process(command)
	if len(command) > 12 && command[1] == apdu.INSInitializeUpdate && len(answer) > 21 {
		w.note(bytes.Clone(command[5:13]), bytes.Clone(answer[13:21]))
	}
	if w.commands%lookEvery == 0 {
		w.looks++
		memory(w.t, w.pid, func(b []byte) { w.forbidden.inBytes(w.t, fmt.Sprintf("memory at command %d", w.commands), b) })
	}
	return answer
}

// note works a session's keys out (Amendment D v1.1.2, 6.2.1).
func (w *watched) note(host, card []byte) {
	for _, k := range []struct {
		name     string
		usage    scp03.Usage
		constant byte
	}{{"S-ENC", scp03.ENC, 4}, {"S-MAC", scp03.MAC, 6}, {"S-RMAC", scp03.MAC, 7}} {
		var key []byte
		for i := byte(1); i <= 2; i++ {
			block := append(append(append(make([]byte, 11), k.constant, 0, 1, 0, i), host...), card...)
			mac := must(w.static.CMAC(w.t.Context(), k.usage, block))
			key = append(key, mac[:]...)
		}
		w.sessions = append(w.sessions, canary{name: k.name, value: key})
	}
}
