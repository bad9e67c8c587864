package acceptance

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"jukicard/apdu/secret"
	"jukicard/simulator"
)

// trial is a daemon that issues a card for a bird, and all that was said meanwhile.
type trial struct {
	*testing.T
	d      *daemon
	slot   int
	bird   *bird
	master []byte // key of the cards' issuer
	card   *simulator.Card
	said   bytes.Buffer // everything cardctl printed
}

// newTrial starts a daemon as in the field: no laboratory, no well-known keys. Who
// is not root cannot take a core of such a daemon, and has to do with a laboratory's.
func newTrial(t *testing.T) *trial {
	t.Helper()
	tr := &trial{T: t, slot: borrow(t), master: draw(t, 16)}
	keyFile := filepath.Join(t.TempDir(), "master.key")
	keep(t, keyFile, []byte(hex.EncodeToString(tr.master)+"\n"))
	var err error
	tr.d, err = startDaemon(filepath.Join(t.TempDir(), "d"), readers.Reader(tr.slot), os.Geteuid() != 0, "[gp]\nmaster_key_file = \""+keyFile+"\"\n")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.d.stop() })
	tr.bird = hatch(t, "standard", tr.unknown)
	tr.card, err = simulator.NewBlank(simulator.Options{Master: secret.New(tr.master), StateFile: filepath.Join(tr.bird.dir, "card.state")})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// unknown gives those of some PINs that the daemon's memory does not hold by chance.
func (tr *trial) unknown(pins []string) (free []string) {
	var all []canary
	for _, pin := range pins {
		all = append(all, canary{name: pin, value: []byte(pin), text: true, short: true}.inMemory()...)
	}
	found := map[string]bool{}
	for _, h := range tr.inMemory(newFinder(all)) {
		found[h.pattern[:4]] = true
	}
	for _, pin := range pins {
		if !found[pin] {
			free = append(free, pin)
		}
	}
	return free
}

// inMemory looks through the daemon's memory as it is.
func (tr *trial) inMemory(f *finder) (hits []hit) {
	tr.Helper()
	memory(tr, tr.d.cmd.Process.Pid, func(b []byte) { hits = append(hits, f.find(b)...) })
	return hits
}

// cardctl runs the command line, keeps what it says, and gives it and whether it
// succeeded.
func (tr *trial) cardctl(args ...string) (said string, ok bool) {
	tr.Helper()
	out, err := tr.d.cardctl(args...).CombinedOutput()
	tr.said.Write(out)
	return string(out), err == nil
}

// refused wants a command to fail with a code.
func (tr *trial) refused(code string, args ...string) {
	tr.Helper()
	if said, ok := tr.cardctl(args...); ok || !strings.Contains(said, code) {
		tr.Errorf("cardctl %v: want %s, got %v: %s", args, code, ok, said)
	}
}

// done wants a command to succeed.
func (tr *trial) done(args ...string) string {
	tr.Helper()
	said, ok := tr.cardctl(args...)
	if !ok {
		tr.Fatalf("cardctl %v: %s", args, said)
	}
	return said
}

// TestNothingSecretIsWritten refuses, plans, tears, resumes and issues, and then
// looks for the person and the keys in all that was written meanwhile and in what
// the daemon still holds.
func TestNothingSecretIsWritten(t *testing.T) {
	needReaders(t)
	tr := newTrial(t)
	canaries := append(tr.bird.canaries(t), tr.refusals()...)
	tr.torn()
	// A held job needs its PINs: they must be found now, or the search is blind.
	if len(tr.inMemory(newFinder([]canary{{name: "PIN signature", value: []byte(tr.bird.secrets.Signature)}}))) == 0 {
		t.Error("the PINs of a held job are not in memory")
	}
	tr.issued()
	canaries = append(canaries, tr.keys()...)
	f := newFinder(append(canaries, canary{name: "master key", value: tr.master}))

	t.Run("files", func(t *testing.T) {
		if n := f.inTree(t, tr.d.dir, func(string) bool { return false }); n < 10 {
			t.Errorf("only %d files were searched", n)
		}
		f.inBytes(t, "what cardctl said", tr.said.Bytes())
		f.inBytes(t, "the receipt", must(os.ReadFile(tr.receipt())))
	})
	t.Run("modes", func(t *testing.T) { onlyOurs(t, tr.d.state()) })
	t.Run("journal", func(t *testing.T) { tr.forgotten(t) })
	// The master key stays in memory, for the next card's keys are derived from it.
	var inMemory []canary
	for _, c := range canaries {
		inMemory = append(inMemory, c.inMemory()...)
	}
	t.Run("core", func(t *testing.T) { tr.core(t, newFinder(inMemory)) })
}

func (tr *trial) receipt() string { return filepath.Join(tr.bird.dir, "receipt.cose") }

// core waits until the daemon has swept, then looks at a core of it.
func (tr *trial) core(t *testing.T, f *finder) {
	for deadline := time.Now().Add(patience); len(tr.inMemory(f)) > 0 && time.Now().Before(deadline); {
		continue // it sweeps by itself once the last connection is gone
	}
	pid := strconv.Itoa(tr.d.cmd.Process.Pid)
	prefix := filepath.Join(t.TempDir(), "core")
	output(t, foreign(t, "gcore", "gdb"), "-o", prefix, pid)
	b, err := mapped(t, prefix+"."+pid)
	if err != nil {
		t.Fatal(err)
	}
	f.inBytes(t, "the daemon's core", b)
}

// mapped is a file as memory, for cores are large.
func mapped(t testing.TB, path string) ([]byte, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err == nil {
		t.Cleanup(func() { _ = syscall.Munmap(b) })
	}
	return b, err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestNoCoreFileIsEverWritten reads the limit that the kernel keeps for the daemon.
func TestNoCoreFileIsEverWritten(t *testing.T) {
	needReaders(t)
	for _, lab := range []bool{true, false} {
		d, err := startDaemon(filepath.Join(t.TempDir(), "d"), readers.Reader(deskSlot), lab, "")
		if err != nil {
			t.Fatal(err)
		}
		limits := string(must(os.ReadFile(filepath.Join("/proc", strconv.Itoa(d.cmd.Process.Pid), "limits"))))
		if got := strings.Join(strings.Fields(limits[strings.Index(limits, "Max core file size"):])[4:6], " "); got != "0 0" {
			t.Errorf("lab %v: a core file may have %s bytes", lab, got)
		}
		if err := d.stop(); err != nil {
			t.Error(err)
		}
	}
}
