package slot_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/slot"
	"jukicard/reader"
	"jukicard/simulator"
)

func TestChoose(t *testing.T) {
	empty := func(name string) reader.State { return reader.State{Name: name} }
	with := func(name string) reader.State { return reader.State{Name: name, Present: true, ATR: reader.ATR{0x3B}} }
	mute := func(name string) reader.State { return reader.State{Name: name, Present: true, Mute: true} }
	for _, row := range []struct {
		name   string
		states []reader.State
		asked  string
		want   string
		code   failure.Code
	}{
		{"no reader", nil, "", "", failure.ReaderNone},
		{"no reader, though one is named", nil, "A", "", failure.ReaderNone},
		{"the only card", []reader.State{empty("A"), with("B")}, "", "B", ""},
		{"no card", []reader.State{empty("A"), empty("B")}, "", "", failure.ReaderNoCard},
		{"two cards", []reader.State{with("A"), with("B")}, "", "", failure.ReaderTwoCards},
		{"one of two cards", []reader.State{with("A"), with("B")}, "B", "B", ""},
		{"the named reader is empty", []reader.State{with("A"), empty("B")}, "B", "", failure.ReaderNoCard},
		{"nobody has that name", []reader.State{with("A")}, "C", "", failure.ReaderUnknown},
		{"part of a name", []reader.State{with("ACS 00"), with("SCM 00")}, "SCM", "SCM 00", ""},
		{"part of two names, one card", []reader.State{with("ACS 00"), empty("ACS 01")}, "ACS", "ACS 00", ""},
		{"part of two names, two cards", []reader.State{with("ACS 00"), with("ACS 01")}, "ACS", "", failure.ReaderTwoCards},
		{"a whole name that is part of another", []reader.State{with("ACS 00 01"), with("ACS 00")}, "ACS 00", "ACS 00", ""},
		{"a mute card", []reader.State{mute("A")}, "", "", failure.ReaderMute},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := slot.Choose(row.states, row.asked)
			if got != row.want || failure.CodeOf(err) != row.code {
				t.Errorf("%q, %v; want %q and code %q", got, err, row.want, row.code)
			}
		})
	}
}

// system is a way to readers that fails, or that cannot list them.
type system struct{ err error }

func (s system) Readers(context.Context) ([]reader.State, error) { return nil, s.err }
func (s system) Watch(context.Context) iter.Seq2[reader.Event, error] {
	return func(func(reader.Event, error) bool) {}
}
func (s system) Open(context.Context, string, reader.Mode) (reader.Card, error) { return nil, s.err }

type blind struct{ reader.System }

func TestFind(t *testing.T) {
	failed := func(kind error) error { return &reader.Error{Op: "list", Kind: kind} }
	for _, row := range []struct {
		name    string
		readers reader.System
		asked   string
		want    string
		code    failure.Code
	}{
		{"a desk with one reader and no card", simulator.NewDesk("Desk"), "", "", failure.ReaderNoCard},
		{"PC/SC without readers", system{failed(reader.ErrNoReader)}, "", "", failure.ReaderNone},
		{"no PC/SC", system{failed(reader.ErrDaemon)}, "", "", failure.ReaderService},
		{"a system that cannot list", blind{system{}}, "A", "A", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := slot.Find(t.Context(), row.readers, row.asked)
			if got != row.want || failure.CodeOf(err) != row.code {
				t.Errorf("%q, %v; want %q and code %q", got, err, row.want, row.code)
			}
		})
	}
}

func TestUnopened(t *testing.T) {
	for kind, code := range map[error]failure.Code{
		reader.ErrNoReader: failure.ReaderUnknown, reader.ErrNoCard: failure.ReaderNoCard, reader.ErrMute: failure.ReaderMute,
		reader.ErrSharing: failure.ReaderBusy, reader.ErrRemoved: failure.ReaderRemoved, reader.ErrDaemon: failure.ReaderService,
		reader.ErrLink: failure.ReaderMute, // nothing was sent: the card would not start
	} {
		if got := failure.CodeOf(slot.Unopened(&reader.Error{Op: "open", Kind: kind})); got != code {
			t.Errorf("%v has code %s, want %s", kind, got, code)
		}
	}
	other := errors.New("something else")
	if err := slot.Unopened(other); !errors.Is(err, other) || failure.CodeOf(err) != "" {
		t.Errorf("an error of another kind became %v", err)
	}
}
