package acceptance

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebfe/scard"

	"jukicard/simulator"
	"jukicard/simulator/vpcd"
)

// deskSlot is where cards are issued; the others are lent to tests.
const deskSlot = 0

var pool chan int

func fillPool() {
	pool = make(chan int, readers.Slots())
	for i := range readers.Slots() {
		if i != deskSlot {
			pool <- i
		}
	}
}

// seat is a reader with a card in it.
type seat struct {
	slot   int
	reader string
	card   vpcd.Card
	state  string // state file of the card
}

// insertCopy puts a copy of an issued card into a reader of its own until the test
// ends.
func insertCopy(t testing.TB, of *issued) *seat {
	t.Helper()
	state := filepath.Join(t.TempDir(), "card.state")
	b, err := os.ReadFile(of.state)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(state, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return insert(t, borrow(t), load(t, state), state)
}

// load takes a kept card up.
func load(t testing.TB, state string) *simulator.Card {
	t.Helper()
	card, err := simulator.Load(state, simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return card
}

// borrow lends a reader until the test ends.
func borrow(t testing.TB) int {
	t.Helper()
	needReaders(t)
	slot := <-pool
	t.Cleanup(func() { pool <- slot })
	return slot
}

// insert puts a card into a reader and waits until PC/SC clients see it. It is
// taken out when the test ends, at the latest.
func insert(t testing.TB, slot int, card *simulator.Card, state string) *seat {
	t.Helper()
	s := &seat{slot: slot, reader: readers.Reader(slot), card: card, state: state}
	remove, err := s.insert()
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// insert gives what takes the card out again, once.
func (s *seat) insert() (remove func() error, err error) {
	return s.insertUntil(context.WithCancel(context.Background()))
}

// insertUntil is insert for a card that may also be pulled by the end of ctx.
func (s *seat) insertUntil(ctx context.Context, cancel context.CancelFunc) (remove func() error, err error) {
	served := make(chan error, 1)
	go func() { served <- vpcd.Serve(ctx, readers.Addr(s.slot), s.card, vpcd.Options{}) }()
	remove = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-served, s.absent())
	})
	return remove, s.present()
}

// present waits until PC/SC clients see a card in the reader, absent until they see
// none.
func (s *seat) present() error { return await(s.reader, scard.StatePresent) }
func (s *seat) absent() error  { return await(s.reader, scard.StateEmpty) }

// watching is held during each look at the readers: ebfe/scard frees a name that two
// calls share.
var watching sync.Mutex

const patience = 20 * time.Second

// await waits until pcscd tells that a reader is in a state.
func await(reader string, want scard.StateFlag) error {
	ctx, err := scard.EstablishContext()
	if err != nil {
		return err
	}
	defer func() { _ = ctx.Release() }()
	states := []scard.ReaderState{{Reader: reader}}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		watching.Lock()
		err := ctx.GetStatusChange(states, 200*time.Millisecond)
		watching.Unlock()
		if err != nil && !errors.Is(err, scard.ErrTimeout) {
			return err
		}
		if states[0].EventState&want != 0 {
			return nil
		}
		states[0].CurrentState = states[0].EventState &^ scard.StateChanged
	}
	return errors.New("pcscd never saw the card come or go in " + reader)
}

// wire is a raw PC/SC connection through a library that nobody here wrote.
type wire struct {
	t    testing.TB
	card *scard.Card
}

// connect opens the card alone, freshly reset, as a client that begins.
func connect(t testing.TB, s *seat) *wire {
	t.Helper()
	ctx, err := scard.EstablishContext()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ctx.Release() })
	card, err := ctx.Connect(s.reader, scard.ShareExclusive, scard.ProtocolAny)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t, card}
	w.reset()
	t.Cleanup(func() { _ = card.Disconnect(scard.ResetCard) })
	return w
}

// reset is a warm reset.
func (w *wire) reset() {
	w.t.Helper()
	if err := w.card.Reconnect(scard.ShareExclusive, scard.ProtocolAny, scard.ResetCard); err != nil {
		w.t.Fatal(err)
	}
}

// send transmits a command in hex, spaces allowed, and gives data and status word.
func (w *wire) send(command string) (data []byte, sw string) {
	w.t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(command, " ", ""))
	if err != nil {
		w.t.Fatalf("%s: %v", command, err)
	}
	answer, err := w.card.Transmit(b)
	if err != nil || len(answer) < 2 {
		w.t.Fatalf("%s: %v, answer %X", command, err, answer)
	}
	n := len(answer) - 2
	return answer[:n], strings.ToUpper(hex.EncodeToString(answer[n:]))
}

// want sends and insists on the status word.
func (w *wire) want(sw, command string) []byte {
	w.t.Helper()
	data, got := w.send(command)
	if got != sw {
		w.t.Fatalf("%s: %s, want %s", command, got, sw)
	}
	return data
}

// ok sends and insists on 9000.
func (w *wire) ok(command string) []byte {
	w.t.Helper()
	return w.want("9000", command)
}
