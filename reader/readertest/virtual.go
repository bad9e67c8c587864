package readertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"jukicard/reader"
	"jukicard/simulator/bed"
	"jukicard/simulator/vpcd"
)

// bedDir names the directory of this process's beds: libpcsclite reads the
// socket's name once in a process, so all must have the same.
var bedDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "bed") })

// Bed starts a private pcscd with virtual readers, to end with the test, and
// turns the process's PC/SC calls to it. A process has one at a time, and must
// have called PC/SC nowhere else before. The test is skipped where pcscd or the
// virtual reader is not installed.
func Bed(t testing.TB, readers int) *bed.Bed {
	t.Helper()
	dir, err := bedDir()
	if err != nil {
		t.Fatal(err)
	}
	b, err := bed.Up(t.Context(), bed.Options{Dir: dir, Readers: readers})
	if errors.Is(err, bed.ErrNotInstalled) {
		t.Skipf("%v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(b.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	t.Setenv(bed.EnvSocket, b.Socket())
	return b
}

// Virtual is the desk of a private pcscd with virtual readers; s must be a PC/SC
// system, which no test but this uses meanwhile.
func Virtual(t testing.TB, s reader.System, readers int) Desk {
	t.Helper()
	b := Bed(t, readers)
	d := Desk{System: s, Hands: NewVirtualHands(t, b), Service: virtualService{b}}
	for i := range b.Slots() {
		d.Names = append(d.Names, b.Reader(i))
	}
	return d
}

// VirtualHands move cards at a bed.
type VirtualHands struct {
	t     testing.TB
	bed   *bed.Bed
	cards map[int]context.CancelFunc
	ended sync.WaitGroup
}

// NewVirtualHands returns hands whose cards are all taken out when the test ends.
func NewVirtualHands(t testing.TB, b *bed.Bed) *VirtualHands {
	h := &VirtualHands{t: t, bed: b, cards: map[int]context.CancelFunc{}}
	t.Cleanup(func() {
		for _, cancel := range h.cards {
			cancel()
		}
		h.ended.Wait()
	})
	return h
}

// Insert dials the slot's port. pcscd looks for cards every 400 ms.
func (h *VirtualHands) Insert(slot int, c Card) error {
	if h.cards[slot] != nil {
		return fmt.Errorf("cannot insert into slot %d: a card is in it", slot)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.cards[slot] = cancel
	h.ended.Go(func() {
		if err := vpcd.Serve(ctx, h.bed.Addr(slot), c, vpcd.Options{}); err != nil {
			h.t.Errorf("slot %d: %v", slot, err)
		}
	})
	return nil
}

// Remove cuts the connection. An answer on its way is not sent.
func (h *VirtualHands) Remove(slot int) error {
	cancel := h.cards[slot]
	if cancel == nil {
		return fmt.Errorf("cannot remove from slot %d: it is empty", slot)
	}
	cancel()
	delete(h.cards, slot)
	return nil
}

// virtualService is the bed's pcscd.
type virtualService struct{ bed *bed.Bed }

func (s virtualService) Kill() error    { return s.bed.Kill() }
func (s virtualService) Restart() error { return s.bed.Restart(context.Background()) }
