package kill

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"jukicard/cardd/internal/order"
	"jukicard/pki"
	"jukicard/pki/softca"
	"jukicard/simulator"
	"jukicard/simulator/bed"
	"jukicard/simulator/people"
)

// What TestMain makes for all cases.
var (
	scratch   string   // folder of all that is made here
	program   string   // cardd, built to die at boundaries
	readers   *bed.Bed // nil where pcscd or its virtual reader is missing
	noBed     error    // then this says what to install
	slots     chan int // virtual readers nobody uses
	seen      *lookout // which of them PC/SC clients see a card in
	authority string   // folder of an authority that has issued nothing
	blank     *simulator.Card
	keys      []*rsa.PrivateKey // what cards make of their own, premade
	wanted    applicant
)

// applicant is the person whose card is issued in every case.
type applicant struct {
	order, pins []byte // wire form; pins.json
	id          string // of the order
}

// slotsMax is how many cases can be under way at once.
const slotsMax = 8

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot set up the kill tests:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if scratch, err = os.MkdirTemp(memoryDisk(), "cardd-kill-"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	readers, noBed = bed.Up(context.Background(), bed.Options{Readers: slotsMax})
	if noBed != nil {
		if !errors.Is(noBed, bed.ErrNotInstalled) {
			return 1, noBed
		}
		fmt.Println("kill: 0 cases:", noBed) // beside the tests, which say so only when asked
		return m.Run(), nil
	}
	defer func() { err = errors.Join(err, readers.Close()) }()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if err := prepare(ctx); err != nil {
		return 1, err
	}
	code = m.Run()
	sum.tell(os.Stdout)
	return code, nil
}

// memoryDisk is a folder in memory where there is one: what a kill leaves is the same
// there, and a thousand journals are synced in no time. Empty: the system's own.
func memoryDisk() string {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err == nil && info.IsDir() {
		return shm
	}
	return ""
}

// prepare makes what every case starts from: all of it at once, for it takes seconds.
func prepare(ctx context.Context) error {
	if err := os.Setenv(bed.EnvSocket, readers.Socket()); err != nil { // libpcsclite reads it at the first call
		return err
	}
	seen = watch(ctx)
	slots = make(chan int, readers.Slots())
	for i := range readers.Slots() {
		slots <- i
	}
	var all sync.WaitGroup
	parts := []func() error{build, makeAuthority, makeCard, apply}
	failed := make([]error, len(parts))
	for i, part := range parts {
		all.Go(func() { failed[i] = part() })
	}
	all.Wait()
	return errors.Join(failed...)
}

// build compiles cardd as `make build` does, but that it can be told where to die.
func build() error {
	program = filepath.Join(scratch, "cardd")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-tags", "crashpoint", "-o", program, "jukicard/cardd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}

// hierarchy is the one that cardd's defaults name.
func hierarchy() pki.Hierarchy {
	h := pki.Lab()
	h.Organization = "cardd laboratory"
	return h
}

func makeAuthority() error {
	authority = filepath.Join(scratch, "authority")
	a, err := softca.Open(authority, softca.Options{Hierarchy: hierarchy()})
	if err != nil {
		return err
	}
	return a.Close()
}

// keysMade is how many pairs there are: a card makes two, and takes a third only if
// it is wrongly asked to.
const keysMade = 4

func makeCard() (err error) {
	if blank, err = simulator.NewBlank(simulator.Options{LabKey: simulator.LabTestKey, Master: simulator.LabTestKey}); err != nil {
		return err
	}
	for range keysMade {
		k, err := rsa.GenerateKey(nil, 2048)
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	return nil
}

// pool hands a card its pairs, none twice, then leaves it to make its own.
func pool() func() *rsa.PrivateKey {
	left := keys
	return func() *rsa.PrivateKey {
		if len(left) == 0 {
			return nil
		}
		k := left[0]
		left = left[1:]
		return k
	}
}

// fontFile is the font of every daemon here.
func fontFile() string { return filepath.Join(scratch, "font.ttf") }

// apply writes the order, and a font for it.
func apply() error {
	p, err := people.Get("adult", time.Time{})
	if err != nil {
		return err
	}
	dir := filepath.Join(scratch, "order")
	if err := people.Write(dir, p); err != nil {
		return err
	}
	wire, err := order.Inline(dir, p.Order)
	if err != nil {
		return err
	}
	if err := makeFont(p.Order); err != nil {
		return err
	}
	wanted = applicant{order: wire, pins: p.PINs}
	var head struct{ ID string }
	err = json.Unmarshal(p.Order, &head)
	wanted.id = head.ID
	return err
}

// needBed skips where there is no pcscd with virtual readers; under continuous
// integration it fails.
func needBed(t *testing.T) {
	t.Helper()
	switch {
	case noBed == nil:
	case os.Getenv("CI") != "":
		t.Fatal(noBed)
	default:
		t.Skip(noBed)
	}
}
