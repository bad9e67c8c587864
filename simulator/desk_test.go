package simulator_test

import (
	"context"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"jukicard/reader"
	"jukicard/reader/readertest"
	"jukicard/simulator"
	"jukicard/simulator/fault"
)

// deskHands move the suite's cards at a Desk.
type deskHands struct{ desk *simulator.Desk }

func (h deskHands) Insert(slot int, c readertest.Card) error {
	h.desk.Insert(slot, c)
	return nil
}

func (h deskHands) Remove(slot int) error {
	h.desk.Remove(slot)
	return nil
}

func TestDeskPassesTheSuiteOfReaders(t *testing.T) {
	readertest.Run(t, func(_ *testing.T, slots int) readertest.Desk {
		var names []string
		for i := range slots {
			names = append(names, fmt.Sprintf("Simulated Reader %02d", i))
		}
		desk := simulator.NewDesk(names...)
		return readertest.Desk{System: desk, Names: names, Hands: deskHands{desk}}
	})
}

func newCard(t *testing.T) *simulator.Card {
	t.Helper()
	c, err := simulator.NewBlank(simulator.Options{LabKey: simulator.LabTestKey, KeyPool: keys(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var oneKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(nil, 2048) })

func keys(t *testing.T) func() *rsa.PrivateKey {
	t.Helper()
	k, err := oneKey()
	if err != nil {
		t.Fatal(err)
	}
	return func() *rsa.PrivateKey { return k }
}

func openCard(t *testing.T, d *simulator.Desk, name string, m reader.Mode) reader.Card {
	t.Helper()
	c, err := d.Open(t.Context(), name, m)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantAnswer(t *testing.T, c reader.Card, command, want string) {
	t.Helper()
	b, err := hex.DecodeString(command)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Transmit(t.Context(), b)
	if err != nil || !strings.EqualFold(hex.EncodeToString(answer), want) {
		t.Errorf("%s: answer %X, error %v, want %s", command, answer, err, want)
	}
}

const (
	selectJPKI = "00A4040C0AD392F000260100000001"
	readLabel  = "00B0860004"
	label      = "4A504B499000"
)

func TestDeskServesACardToSeveralAtOnce(t *testing.T) {
	d := simulator.NewDesk("A")
	d.Insert(0, newCard(t))
	var done sync.WaitGroup
	for range 4 {
		c := openCard(t, d, "A", reader.Shared)
		done.Go(func() {
			for range 200 {
				wantAnswer(t, c, selectJPKI, "9000")
				wantAnswer(t, c, readLabel, label)
			}
			if err := c.Close(reader.Leave); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
}

func TestDeskReadersComeAndGo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := simulator.NewDesk("A")
	d.Insert(0, newCard(t))
	var told []string
	steps := map[int]func(){ // after so many events
		3: func() { d.Attach("B") },
		4: func() { d.Insert(1, newCard(t)) },
		5: func() { d.Detach(1) },
		7: cancel,
	}
	for e, err := range d.Watch(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, strings.TrimSpace(e.Kind.String()+" "+e.Reader))
		if next := steps[len(told)]; next != nil {
			next()
		}
	}
	want := "attached A, inserted A, settled, attached B, inserted B, removed B, detached B"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
	if _, err := d.Open(t.Context(), "B", reader.Shared); !errors.Is(err, reader.ErrNoReader) {
		t.Errorf("open: %v, want %v", err, reader.ErrNoReader)
	}
	d.Insert(1, newCard(t)) // into nothing
	states, err := d.Readers(t.Context())
	if err != nil || len(states) != 1 || states[0].Name != "A" || !states[0].Present {
		t.Errorf("readers %+v, %v", states, err)
	}
}

// muteCard has no answer to reset.
type muteCard struct{ *simulator.Card }

func (muteCard) ATR() []byte { return nil }

func TestDeskTellsAMuteCard(t *testing.T) {
	d := simulator.NewDesk("A")
	d.Insert(0, muteCard{newCard(t)})
	states, err := d.Readers(t.Context())
	if err != nil || !states[0].Present || !states[0].Mute {
		t.Errorf("readers %+v, %v", states, err)
	}
	if _, err := d.Open(t.Context(), "A", reader.Shared); !errors.Is(err, reader.ErrMute) {
		t.Errorf("open: %v, want %v", err, reader.ErrMute)
	}
}

// An old handle must not take the power from a card that lies elsewhere by now.
func TestDeskLeavesAMovedCardAlone(t *testing.T) {
	d := simulator.NewDesk("A", "B")
	card := newCard(t)
	d.Insert(0, card)
	old := openCard(t, d, "A", reader.Exclusive)
	wantAnswer(t, old, selectJPKI, "9000")
	d.Remove(0)
	d.Insert(1, card)
	c := openCard(t, d, "B", reader.Exclusive)
	wantAnswer(t, c, readLabel, "6A82") // it came up without a selection
	wantAnswer(t, c, selectJPKI, "9000")
	if _, err := old.Transmit(t.Context(), make([]byte, 4)); !errors.Is(err, reader.ErrRemoved) {
		t.Errorf("transmit: %v, want %v", err, reader.ErrRemoved)
	}
	if err := old.Close(reader.Unpower); err != nil {
		t.Error(err)
	}
	wantAnswer(t, c, readLabel, label)
}

// After a broken link the card is in doubt: nothing reaches it until it is reset.
func TestDeskTellsABrokenLink(t *testing.T) {
	d := simulator.NewDesk("A")
	card := fault.Wrap(newCard(t))
	d.Insert(0, card)
	for _, k := range []fault.Kind{fault.TornCommit, fault.Stalled, fault.MuteAfter, fault.LostBefore, fault.LostAfter, fault.Short} {
		card.Arm(fault.Script{{At: 2, Kind: k}})
		c := openCard(t, d, "A", reader.Exclusive)
		wantAnswer(t, c, selectJPKI, "9000")
		for range 2 {
			if _, err := c.Transmit(t.Context(), make([]byte, 4)); !errors.Is(err, reader.ErrLink) || card.Count() != 2 {
				t.Errorf("%v: error %v after %d commands, want %v after 2", k, err, card.Count(), reader.ErrLink)
			}
		}
		if _, err := c.Reset(t.Context()); err != nil {
			t.Error(err)
		}
		wantAnswer(t, c, readLabel, "6A82") // no application after reset
		wantAnswer(t, c, selectJPKI, "9000")
		if err := c.Close(reader.Leave); err != nil {
			t.Error(err)
		}
	}
}
