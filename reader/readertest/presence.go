package readertest

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"jukicard/reader"
)

func insert(t *testing.T, d Desk, slot int, c Card) {
	t.Helper()
	if err := d.Hands.Insert(slot, c); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, d Desk, slot int) {
	t.Helper()
	if err := d.Hands.Remove(slot); err != nil {
		t.Fatal(err)
	}
}

// place inserts a card and waits until the System knows of it.
func place(t *testing.T, d Desk, slot int, c Card) *watching {
	t.Helper()
	w := watch(t, d.System)
	w.settle()
	insert(t, d, slot, c)
	w.want(reader.Inserted, d.Names[slot])
	return w
}

// testSettle: everything that is there is told once, before Settled, to one who
// comes late as well as to one who comes alone.
func testSettle(t *testing.T, d Desk) {
	first := place(t, d, 0, newCard(atrOne))
	checkSettled(t, d, watch(t, d.System).settle())
	first.stop()
	checkSettled(t, d, watch(t, d.System).settle())
}

func checkSettled(t *testing.T, d Desk, events []reader.Event) {
	t.Helper()
	for slot, name := range d.Names {
		var kinds []reader.EventKind
		for _, e := range events {
			if e.Reader == name {
				kinds = append(kinds, e.Kind)
			}
			if e.Kind == reader.Inserted && !bytes.Equal(e.ATR, atrOne) {
				t.Errorf("ATR %v, want %X", e.ATR, atrOne)
			}
		}
		want := []reader.EventKind{reader.Attached}
		if slot == 0 {
			want = append(want, reader.Inserted)
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("%s: %v before settled, want %v", name, kinds, want)
		}
	}
}

func testInsertionAndRemoval(t *testing.T, d Desk) {
	w := watch(t, d.System)
	w.settle()
	for range 2 {
		for slot, atr := range [][]byte{atrOne, atrOther} {
			insert(t, d, slot, newCard(atr))
			if e := w.want(reader.Inserted, d.Names[slot]); !bytes.Equal(e.ATR, atr) {
				t.Errorf("ATR %v, want %X", e.ATR, atr)
			}
		}
		for slot := range 2 {
			remove(t, d, slot)
			w.want(reader.Removed, d.Names[slot])
		}
	}
}

// testSwap: a swap is told as such, and the card that was open stays gone: no
// call on it may reach the new one.
func testSwap(t *testing.T, d Desk) {
	w := place(t, d, 0, newCard(atrOne))
	old := open(t, d, 0, reader.Shared)
	other := newCard(atrOther)
	remove(t, d, 0)
	insert(t, d, 0, other)
	w.want(reader.Removed, d.Names[0])
	if e := w.want(reader.Inserted, d.Names[0]); !bytes.Equal(e.ATR, atrOther) {
		t.Errorf("ATR %v, want %X", e.ATR, atrOther)
	}
	_, err := old.Transmit(t.Context(), echo(nil))
	wantKind(t, "transmit to the old card", err, reader.ErrRemoved)
	_, err = old.Reset(t.Context())
	wantKind(t, "reset of the old card", err, reader.ErrRemoved)
	if n := other.commands(); n != 0 {
		t.Errorf("the new card saw %d commands for the old one", n)
	}
	if err := old.Close(reader.Reset); err != nil {
		t.Errorf("close of the old card: %v", err)
	}
	c := open(t, d, 0, reader.Exclusive)
	if !bytes.Equal(c.ATR(), atrOther) {
		t.Errorf("opened ATR %v, want %X", c.ATR(), atrOther)
	}
	wantEcho(t, c, []byte("new"))
}

func testSeveralWatchers(t *testing.T, d Desk) {
	var all []*watching
	for range 3 {
		w := watch(t, d.System)
		w.settle()
		all = append(all, w)
	}
	insert(t, d, 0, newCard(atrOne))
	for _, w := range all {
		w.want(reader.Inserted, d.Names[0])
	}
	all[0].stop()
	remove(t, d, 0)
	for _, w := range all[1:] {
		w.want(reader.Removed, d.Names[0])
	}
}

// testList concerns systems that are a reader.Lister.
func testList(t *testing.T, d Desk) {
	l, ok := d.System.(reader.Lister)
	if !ok {
		return
	}
	w := place(t, d, 1, newCard(atrOther))
	w.stop() // so that the look is the System's own
	states, err := l.Readers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for slot, name := range d.Names {
		i := slices.IndexFunc(states, func(s reader.State) bool { return s.Name == name })
		if i < 0 {
			t.Errorf("%s is not listed", name)
			continue
		}
		s := states[i]
		if s.Present != (slot == 1) || s.Mute || s.Present && !bytes.Equal(s.ATR, atrOther) || !s.Present && len(s.ATR) != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func testOpenRefused(t *testing.T, d Desk) {
	place(t, d, 0, newCard(atrOne))
	tests := []struct {
		name   string
		reader string
		want   error
	}{
		{"no card", d.Names[1], reader.ErrNoCard},
		{"no such reader", "no such reader", reader.ErrNoReader},
		{"empty name", "", reader.ErrNoReader},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, m := range []reader.Mode{reader.Shared, reader.Exclusive} {
				c, err := d.System.Open(t.Context(), tt.reader, m)
				if c != nil {
					t.Error("a refused Open returns a card")
				}
				wantKind(t, "open", err, tt.want)
			}
		})
	}
}

// wantKind checks that err is a *reader.Error of that kind.
func wantKind(t *testing.T, what string, err error, kind error) {
	t.Helper()
	var e *reader.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Errorf("%s: error %v, want a *reader.Error: %v", what, err, kind)
	}
}
