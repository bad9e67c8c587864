package fault_test

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"jukicard/reader"
	"jukicard/simulator"
	"jukicard/simulator/fault"
)

const readerName = "Simulated Reader 00"

// otherCard is a blank card of another number.
func otherCard(t *testing.T) *simulator.Card {
	t.Helper()
	c, err := simulator.NewBlank(simulator.Options{LabKey: simulator.LabTestKey, CardID: "0999000000000031", KeyPool: oneKey})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func openReader(t *testing.T, d *simulator.Desk) reader.Card {
	t.Helper()
	c, err := d.Open(t.Context(), readerName, reader.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func say(t *testing.T, c reader.Card, command string) (string, error) {
	t.Helper()
	b, err := hex.DecodeString(command)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Transmit(t.Context(), b)
	return strings.ToUpper(hex.EncodeToString(answer)), err
}

func want(t *testing.T, c reader.Card, command, answer string) {
	t.Helper()
	if got, err := say(t, c, command); err != nil || got != answer {
		t.Errorf("%s: answer %s, %v, want %s", command, got, err, answer)
	}
}

const (
	selectDomain = "00A4040C"
	selectJPKI   = "00A4040C0AD392F000260100000001"
	readLabel    = "00B0860004"
	label        = "4A504B499000"
	readNumber   = "00CA004500"
	numberOwn    = "303939393030303030303030303032349000"
	numberOther  = "303939393030303030303030303033319000"
)

func TestAPulledCardIsPutBack(t *testing.T) {
	d := simulator.NewDesk(readerName)
	card := fault.Wrap(blank(t))
	slot := fault.NewSlot(d, 0, card, nil)
	card.Arm(fault.Script{{At: 2, Kind: fault.Pulled}, {At: 4, Kind: fault.Swapped}}) // nobody has another card
	for range 2 {
		c := openReader(t, d)
		want(t, c, selectJPKI, "9000")
		if _, err := say(t, c, readLabel); !errors.Is(err, reader.ErrRemoved) {
			t.Fatalf("error %v, want %v", err, reader.ErrRemoved)
		}
		if _, err := d.Open(t.Context(), readerName, reader.Exclusive); !errors.Is(err, reader.ErrNoCard) || !slot.Out() {
			t.Errorf("error %v, want %v", err, reader.ErrNoCard)
		}
		if !slot.Reinsert() || slot.Out() {
			t.Error("another card lies there")
		}
		if err := c.Close(reader.Reset); err != nil {
			t.Error(err)
		}
	}
	c := openReader(t, d)
	want(t, c, readNumber, numberOwn)
	if card.Count() != 5 || card.Injected() != 2 {
		t.Errorf("%d commands, %d faults", card.Count(), card.Injected())
	}
}

func TestASwappedCardComesSecond(t *testing.T) {
	d := simulator.NewDesk(readerName)
	card := fault.Wrap(blank(t))
	slot := fault.NewSlot(d, 0, card, otherCard(t))
	card.Arm(fault.Script{{At: 2, Kind: fault.Swapped, Byte: fault.End}})
	c := openReader(t, d)
	want(t, c, selectJPKI, "9000")
	if _, err := say(t, c, "8050000008000102030405060700"); !errors.Is(err, reader.ErrRemoved) {
		t.Fatalf("error %v, want %v", err, reader.ErrRemoved)
	}
	if slot.Reinsert() {
		t.Error("the card itself lies there")
	}
	want(t, openReader(t, d), readNumber, numberOther)
	if !slot.Reinsert() {
		t.Error("the other card lies there still")
	}
	want(t, openReader(t, d), readNumber, numberOwn)
	if e := card.Log()[0]; e.Kept != 1 || e.Of != 1 {
		t.Errorf("log %v, want the counter kept", e)
	}
}

// follow calls act for each event of the kind, until the test ends.
func follow(t *testing.T, d *simulator.Desk, kind reader.EventKind, act func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended, settled := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for e, err := range d.Watch(ctx) {
			switch {
			case err != nil:
				t.Error(err)
			case e.Kind == reader.Settled:
				close(settled)
			case e.Kind == kind:
				act()
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	<-settled
}

// Whoever watches the reader may put the card back before the command in which it was
// pulled has failed: the old command's end must not take the new session's power.
func TestACardPutBackAtOnceKeepsItsNewSession(t *testing.T) {
	d := simulator.NewDesk(readerName)
	card := fault.Wrap(blank(t))
	slot := fault.NewSlot(d, 0, card, nil)
	back := make(chan struct{})
	follow(t, d, reader.Removed, func() {
		if slot.Out() {
			slot.Reinsert()
			back <- struct{}{}
		}
	})
	for range 200 {
		card.Arm(fault.Script{{At: 2, Kind: fault.Pulled}})
		c := openReader(t, d)
		want(t, c, selectJPKI, "9000")
		failed := make(chan error)
		go func() {
			_, err := c.Transmit(context.Background(), []byte{0, 0xB0, 0x86, 0, 4})
			failed <- err
		}()
		<-back
		again := openReader(t, d)
		want(t, again, selectJPKI, "9000")
		if err := <-failed; !errors.Is(err, reader.ErrRemoved) {
			t.Fatalf("error %v, want %v", err, reader.ErrRemoved)
		}
		want(t, again, readLabel, label)
		if err := errors.Join(c.Close(reader.Unpower), again.Close(reader.Leave)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAStalledCardIsTakenOutByHand(t *testing.T) {
	d := simulator.NewDesk(readerName)
	card := fault.Wrap(blank(t))
	slot := fault.NewSlot(d, 0, card, nil)
	hangs, goOn := make(chan struct{}), make(chan struct{})
	card.Patience = func() {
		close(hangs)
		<-goOn
	}
	follow(t, d, reader.Removed, func() { close(goOn) })
	card.Arm(fault.Script{{At: 1, Kind: fault.Stalled}})
	c := openReader(t, d)
	failed := make(chan error)
	go func() {
		_, err := c.Transmit(context.Background(), []byte{0, 0xA4, 4, 0x0C})
		failed <- err
	}()
	<-hangs
	slot.Remove()
	if err := <-failed; !errors.Is(err, reader.ErrRemoved) {
		t.Errorf("error %v, want %v", err, reader.ErrRemoved)
	}
	slot.Remove() // nothing lies there
	if !slot.Out() {
		t.Error("a card lies in the slot")
	}
	slot.Reinsert()
	want(t, openReader(t, d), selectDomain, "9000")
}
