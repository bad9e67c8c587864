package readertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"jukicard/reader"
)

// open opens a slot and gives it up with the test.
func open(t *testing.T, d Desk, slot int, m reader.Mode) reader.Card {
	t.Helper()
	c, err := d.System.Open(t.Context(), d.Names[slot], m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(reader.Reset) }) // the test may have removed the card
	return c
}

func shut(t *testing.T, c reader.Card, d reader.Disposition) {
	t.Helper()
	if err := c.Close(d); err != nil {
		t.Fatal(err)
	}
}

func wantAnswer(t *testing.T, c reader.Card, command, want []byte) {
	t.Helper()
	got, err := c.Transmit(t.Context(), command)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("answer of %d bytes %.16X, want %d bytes %.16X", len(got), got, len(want), want)
	}
}

func wantEcho(t *testing.T, c reader.Card, data []byte) {
	t.Helper()
	wantAnswer(t, c, echo(data), append(bytes.Clone(data), swOK...))
}

func setMark(t *testing.T, c reader.Card) {
	t.Helper()
	wantAnswer(t, c, []byte{0, insMark, 0, 0}, swOK)
	wantMark(t, c, true)
}

func wantMark(t *testing.T, c reader.Card, set bool) {
	t.Helper()
	want := append([]byte{0}, swOK...)
	if set {
		want[0] = 1
	}
	wantAnswer(t, c, []byte{0, insShow, 0, 0, 0}, want)
}

// testEcho: bytes arrive as they were sent, up to what every link carries.
func testEcho(t *testing.T, d Desk) {
	place(t, d, 0, newCard(atrOne))
	c := open(t, d, 0, reader.Exclusive)
	if !bytes.Equal(c.ATR(), atrOne) {
		t.Errorf("ATR %v, want %X", c.ATR(), atrOne)
	}
	for _, n := range []int{0, 1, 2, 254, 255, 256, 257, 4096, 65000} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i * 7)
		}
		wantEcho(t, c, data)
	}
	wantAnswer(t, c, []byte{0, 0xEE, 0, 0}, []byte{0x6D, 0x00}) // a refusal is an answer
}

func testReset(t *testing.T, d Desk) {
	place(t, d, 0, newCard(atrOne))
	for _, m := range []reader.Mode{reader.Shared, reader.Exclusive} {
		c := open(t, d, 0, m)
		setMark(t, c)
		atr, err := c.Reset(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(atr, atrOne) || !bytes.Equal(c.ATR(), atrOne) {
			t.Errorf("ATR %v and %v, want %X", atr, c.ATR(), atrOne)
		}
		wantMark(t, c, false)
		shut(t, c, reader.Reset)
	}
}

// testDispositions: a second connection, or the next one, shows what Close did.
func testDispositions(t *testing.T, d Desk) {
	place(t, d, 0, newCard(atrOne))
	stays := open(t, d, 0, reader.Shared) // without it an idle card may lose its power
	leaves := open(t, d, 0, reader.Shared)
	setMark(t, leaves)
	shut(t, leaves, reader.Leave)
	wantMark(t, stays, true)
	shut(t, stays, reader.Reset)
	for _, disposition := range []reader.Disposition{reader.Reset, reader.Unpower} {
		c := open(t, d, 0, reader.Shared)
		wantMark(t, c, false)
		setMark(t, c)
		shut(t, c, disposition)
	}
	wantMark(t, open(t, d, 0, reader.Shared), false)
}

// testExclusiveTakesACleanCard: what another verified does not count for us.
func testExclusiveTakesACleanCard(t *testing.T, d Desk) {
	place(t, d, 0, newCard(atrOne))
	c := open(t, d, 0, reader.Shared)
	setMark(t, c)
	shut(t, c, reader.Leave)
	wantMark(t, open(t, d, 0, reader.Exclusive), false)
}

func testExclusiveAgainstShared(t *testing.T, d Desk) {
	place(t, d, 0, newCard(atrOne))
	tests := []struct {
		name          string
		first, second reader.Mode
		want          error
	}{
		{"shared, shared", reader.Shared, reader.Shared, nil},
		{"shared, exclusive", reader.Shared, reader.Exclusive, reader.ErrSharing},
		{"exclusive, shared", reader.Exclusive, reader.Shared, reader.ErrSharing},
		{"exclusive, exclusive", reader.Exclusive, reader.Exclusive, reader.ErrSharing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first := open(t, d, 0, tt.first)
			second, err := d.System.Open(t.Context(), d.Names[0], tt.second)
			if tt.want != nil {
				wantKind(t, "open", err, tt.want)
			} else if err != nil {
				t.Fatal(err)
			} else {
				wantEcho(t, second, []byte("second"))
				shut(t, second, reader.Leave)
			}
			wantEcho(t, first, []byte("first")) // the other's try did no harm
		})
	}
}

// testResetByAnother: whoever did not reset must learn that his state is gone.
func testResetByAnother(t *testing.T, d Desk) {
	place(t, d, 0, newCard(atrOne))
	victim, other := open(t, d, 0, reader.Shared), open(t, d, 0, reader.Shared)
	setMark(t, victim)
	if _, err := other.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it stays so until Reset
		_, err := victim.Transmit(t.Context(), []byte{0, insShow, 0, 0, 0})
		wantKind(t, "transmit", err, reader.ErrReset)
	}
	if _, err := victim.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantMark(t, victim, false)
}

func testRemovalOfAnIdleCard(t *testing.T, d Desk) {
	w := place(t, d, 0, newCard(atrOne))
	c := open(t, d, 0, reader.Exclusive)
	remove(t, d, 0)
	w.want(reader.Removed, d.Names[0])
	for range 2 {
		_, err := c.Transmit(t.Context(), echo(nil))
		wantKind(t, "transmit", err, reader.ErrRemoved)
	}
	_, err := c.Reset(t.Context())
	wantKind(t, "reset", err, reader.ErrRemoved)
	shut(t, c, reader.Reset)
}

// testRemovalInMidCommand: nobody knows what the card did, so the link failed,
// and goes on failing.
func testRemovalInMidCommand(t *testing.T, d Desk) {
	card := newCard(atrOne)
	w := place(t, d, 0, card)
	c := open(t, d, 0, reader.Exclusive)
	failed := make(chan error, 1)
	go func() {
		answer, err := c.Transmit(t.Context(), []byte{0, insBusy, 0, 0})
		if err == nil {
			err = fmt.Errorf("answered %X", answer)
		}
		failed <- err
	}()
	<-card.busy
	remove(t, d, 0)
	close(card.free)
	var e *reader.Error
	if err := <-failed; !errors.As(err, &e) || !errors.Is(err, reader.ErrLink) && !errors.Is(err, reader.ErrRemoved) {
		t.Errorf("transmit: %v, want a link error or a removal", err)
	}
	w.want(reader.Removed, d.Names[0])
	if _, err := c.Transmit(t.Context(), echo(nil)); !errors.As(err, &e) {
		t.Errorf("transmit after it: %v, want a *reader.Error", err)
	}
	_, err := c.Reset(t.Context())
	wantKind(t, "reset", err, reader.ErrRemoved)
	shut(t, c, reader.Reset)
}

// testAnswerTooShort: an answer without a status word is no answer.
func testAnswerTooShort(t *testing.T, d Desk) {
	place(t, d, 0, newCard(atrOne))
	for n := byte(1); n < 2; n-- { // 1, then 0, which some readers take for a removal
		c := open(t, d, 0, reader.Exclusive)
		for range 2 {
			_, err := c.Transmit(t.Context(), []byte{0, insShort, n, 0})
			wantKind(t, fmt.Sprintf("answer of %d bytes", n), err, reader.ErrLink)
		}
		if n == 1 {
			if _, err := c.Reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantEcho(t, c, []byte("after reset"))
		}
		shut(t, c, reader.Reset)
	}
}

// testCommandTooShort: what is no command is refused before the link, which
// stays good.
func testCommandTooShort(t *testing.T, d Desk) {
	card := newCard(atrOne)
	place(t, d, 0, card)
	c := open(t, d, 0, reader.Exclusive)
	for _, command := range [][]byte{nil, {}, {0}, {1}, {2}, {4}, {0, 0xA4}, {0, 0xA4, 4}} {
		_, err := c.Transmit(t.Context(), command)
		wantNoLinkError(t, fmt.Sprintf("command %X", command), err)
	}
	if n := card.commands(); n != 0 {
		t.Errorf("the card saw %d commands", n)
	}
	wantEcho(t, c, []byte("still there"))
}

// wantNoLinkError checks that err is one after which the card is not in doubt.
func wantNoLinkError(t *testing.T, what string, err error) {
	t.Helper()
	var e *reader.Error
	if err == nil || errors.As(err, &e) {
		t.Errorf("%s: error %v, want one that is no *reader.Error", what, err)
	}
}

func testUseAfterClose(t *testing.T, d Desk) {
	card := newCard(atrOne)
	place(t, d, 0, card)
	c := open(t, d, 0, reader.Exclusive)
	shut(t, c, reader.Leave)
	_, err := c.Transmit(t.Context(), echo(nil))
	wantKind(t, "transmit", err, reader.ErrClosed)
	_, err = c.Reset(t.Context())
	wantKind(t, "reset", err, reader.ErrClosed)
	shut(t, c, reader.Reset) // again: nothing happens
	if n := card.commands(); n != 0 {
		t.Errorf("the card saw %d commands after Close", n)
	}
}

func testContextEnded(t *testing.T, d Desk) {
	card := newCard(atrOne)
	place(t, d, 0, card)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.System.Open(ended, d.Names[0], reader.Exclusive); !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v, want %v", err, context.Canceled)
	}
	c := open(t, d, 0, reader.Exclusive) // the refused Open holds nothing
	_, err := c.Transmit(ended, echo(nil))
	wantNoLinkError(t, "transmit", err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("transmit: %v, want %v", err, context.Canceled)
	}
	if _, err := c.Reset(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("reset: %v, want %v", err, context.Canceled)
	}
	if n := card.commands(); n != 0 {
		t.Errorf("the card saw %d commands", n)
	}
	wantEcho(t, c, []byte("still there"))
}

const commandsEach = 50

// testManyReaders: cards in all readers at once, each with its own answers.
func testManyReaders(t *testing.T, d Desk) {
	w := watch(t, d.System)
	w.settle()
	for slot := range d.Names {
		insert(t, d, slot, newCard(atrOne))
	}
	seen := map[string]int{}
	for range d.Names {
		e := w.event()
		if e.Kind != reader.Inserted {
			t.Fatalf("%v at %s, want an insertion", e.Kind, e.Reader)
		}
		seen[e.Reader]++
	}
	var group sync.WaitGroup
	for slot, name := range d.Names {
		if seen[name] != 1 {
			t.Errorf("%s: %d insertions", name, seen[name])
		}
		c := open(t, d, slot, reader.Exclusive)
		group.Go(func() {
			for i := range commandsEach {
				data := []byte(fmt.Sprintf("%s %d", name, i))
				got, err := c.Transmit(t.Context(), echo(data))
				if want := append(data, swOK...); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: answer %q, %v, want %q", name, got, err, want)
					return
				}
			}
		})
	}
	group.Wait()
}
