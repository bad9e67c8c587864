//go:build windows || cgo

package pcsc

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ebfe/scard"

	"jukicard/reader"
)

// lines writes news one a line.
func lines(ns []news) string {
	var b strings.Builder
	for _, n := range ns {
		if n.err != nil {
			fmt.Fprintln(&b, "lost")
			continue
		}
		fmt.Fprintln(&b, strings.TrimSpace(fmt.Sprint(n.event.Kind, " ", n.event.Reader, " ", n.event.ATR)))
	}
	return b.String()
}

// TestListenerCatchesUp shows a listener one picture after another; it may have
// slept through any between.
func TestListenerCatchesUp(t *testing.T) {
	lost := &reader.Error{Op: "watch", Kind: reader.ErrDaemon}
	empty := slot{name: "A"}
	one := slot{name: "A", present: true, card: 1, atr: reader.ATR{0x3B, 0x01}}
	two := slot{name: "A", present: true, card: 2, atr: reader.ATR{0x3B, 0x02}}
	mute := slot{name: "A", present: true, card: 2, mute: true}
	b := slot{name: "B"}
	tests := []struct {
		name     string
		pictures []*picture
		want     string
	}{
		{"nothing seen yet", []*picture{nil}, ""},
		{"no reader", []*picture{{}}, "settled\n"},
		{"reader and card", []*picture{{slots: []slot{one}}}, "attached A\ninserted A 3B01\nsettled\n"},
		{"settled once", []*picture{{}, {}, {slots: []slot{empty}}}, "settled\nattached A\n"},
		{"insertion", []*picture{{slots: []slot{empty}}, {slots: []slot{one}}}, "attached A\nsettled\ninserted A 3B01\n"},
		{"removal", []*picture{{slots: []slot{one}}, {slots: []slot{empty}}}, "attached A\ninserted A 3B01\nsettled\nremoved A\n"},
		{"swap", []*picture{{slots: []slot{one}}, {slots: []slot{two}}}, "attached A\ninserted A 3B01\nsettled\nremoved A\ninserted A 3B02\n"},
		{"swap for a mute card", []*picture{{slots: []slot{one}}, {slots: []slot{mute}}}, "attached A\ninserted A 3B01\nsettled\nremoved A\ninserted A\n"},
		{"no change", []*picture{{slots: []slot{one}}, {slots: []slot{one}}}, "attached A\ninserted A 3B01\nsettled\n"},
		{"reader exchanged", []*picture{{slots: []slot{one}}, {slots: []slot{b}}}, "attached A\ninserted A 3B01\nsettled\ndetached A\nattached B\n"},
		{"service never there", []*picture{{losses: 1, lost: lost, err: lost}}, "lost\nsettled\n"},
		{"service lost", []*picture{{slots: []slot{one}}, {losses: 1, lost: lost, err: lost}}, "attached A\ninserted A 3B01\nsettled\nlost\ndetached A\n"},
		{"service lost and back while asleep", []*picture{{slots: []slot{one}}, {losses: 1, err: lost, slots: []slot{one}}},
			"attached A\ninserted A 3B01\nsettled\nlost\ndetached A\nattached A\ninserted A 3B01\n"},
		{"service lost before our time", []*picture{{losses: 3, err: lost, slots: []slot{empty}}}, "attached A\nsettled\n"},
		{"service back", []*picture{{losses: 1, lost: lost, err: lost}, {losses: 1, err: lost, slots: []slot{empty}}}, "lost\nsettled\nattached A\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v view
			var got string
			for _, p := range tt.pictures {
				got += lines(v.catchUp(p))
			}
			if got != tt.want {
				t.Errorf("got:\n%swant:\n%s", got, tt.want)
			}
		})
	}
}

func TestLastingLossIsOne(t *testing.T) {
	first := &reader.Error{Kind: reader.ErrDaemon, Detail: "first"}
	p := (&picture{}).lose(first)
	if again := p.lose(&reader.Error{Kind: reader.ErrDaemon, Detail: "again"}); again != p {
		t.Error("a loss that lasts is counted again")
	}
	back := p.develop(nil)
	if back.lost != nil || back.losses != 1 || back.err != first {
		t.Errorf("after the return: lost %v, losses %d, latest %v", back.lost, back.losses, back.err)
	}
	if next := back.lose(first); next.losses != 2 {
		t.Errorf("losses %d, want 2", next.losses)
	}
}

func TestNoReaderIsAnError(t *testing.T) {
	if _, err := (&picture{}).states(); !errors.Is(err, reader.ErrNoReader) {
		t.Errorf("error %v, want %v", err, reader.ErrNoReader)
	}
}

func TestToldStates(t *testing.T) {
	const present, empty, mute, changed, inUse = scard.StatePresent, scard.StateEmpty, scard.StateMute, scard.StateChanged, scard.StateInuse
	atr, other := []byte{0x3B, 0x01}, []byte{0x3B, 0x02}
	at := func(count int, f scard.StateFlag) scard.StateFlag { return scard.StateFlag(count)<<eventCount | f }
	there := slot{present: true, atr: atr, flags: at(1, present), card: 1}
	tests := []struct {
		name    string
		from    slot
		flags   scard.StateFlag
		atr     []byte
		changed bool
		card    int
		mute    bool
	}{
		{"still empty", slot{}, at(0, empty|changed), nil, false, 0, false},
		{"inserted", slot{flags: empty}, at(1, present|changed), atr, true, 1, false},
		{"inserted, mute", slot{flags: empty}, at(1, present|mute|changed), atr, true, 1, true},
		{"opened by somebody", there, at(1, present|inUse|changed), atr, false, 1, false},
		{"removed", there, at(2, empty|changed), nil, true, 1, false},
		{"swapped, counted", there, at(3, present|changed), atr, true, 2, false},
		{"swapped, another ATR", there, at(1, present|changed), other, true, 2, false},
		{"fell mute", there, at(1, present|mute|changed), nil, true, 2, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.from
			if got := s.update(&scard.ReaderState{EventState: tt.flags, Atr: tt.atr}); got != tt.changed {
				t.Errorf("changed %v, want %v", got, tt.changed)
			}
			if s.card != tt.card || s.mute != tt.mute || s.present != (tt.flags&present != 0) {
				t.Errorf("%+v", s)
			}
			if s.flags != tt.flags&^changed {
				t.Errorf("flags %X kept, want %X: a dropped state makes the wait return at once", s.flags, tt.flags&^changed)
			}
			if (s.mute || !s.present) && len(s.atr) != 0 || s.present && !s.mute && !bytes.Equal(s.atr, tt.atr) {
				t.Errorf("ATR %v", s.atr)
			}
		})
	}
}

func TestPseudoReaderFillsTheLastEntryOnly(t *testing.T) {
	for _, n := range []int{0, 1, statesMax - 1, statesMax} {
		l := look{slots: make([]slot, n)}
		if got, want := len(l.states()), min(n+1, statesMax); got != want {
			t.Errorf("%d readers: %d entries, want %d", n, got, want)
		}
	}
}

func TestCodesHaveKinds(t *testing.T) {
	tests := []struct {
		code scard.Error
		want error
	}{
		{scard.ErrUnknownReader, reader.ErrNoReader}, {scard.ErrReaderUnavailable, reader.ErrNoReader},
		{scard.ErrNoReadersAvailable, reader.ErrNoReader}, {scard.ErrNoSmartcard, reader.ErrNoCard},
		{scard.ErrUnresponsiveCard, reader.ErrMute}, {scard.ErrSharingViolation, reader.ErrSharing},
		{scard.ErrRemovedCard, reader.ErrRemoved}, {scard.ErrResetCard, reader.ErrReset}, {scard.ErrUnpoweredCard, reader.ErrReset},
		{scard.ErrNoService, reader.ErrDaemon}, {scard.ErrServiceStopped, reader.ErrDaemon},
		{scard.ErrCommError, reader.ErrDaemon}, {scard.ErrSecurityViolation, reader.ErrDaemon},
		{scard.ErrNotTransacted, reader.ErrLink}, {scard.ErrInvalidHandle, reader.ErrLink},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%08X", uint32(tt.code)), func(t *testing.T) {
			e := failure("transmit", "A", tt.code)
			if !errors.Is(e, tt.want) || e.Detail != fmt.Sprintf("0x%08X", uint32(tt.code)) {
				t.Errorf("%v, want %v", e, tt.want)
			}
		})
	}
	if e := failure("watch", "", errors.New("no code")); !errors.Is(e, reader.ErrLink) || e.Detail != "no code" {
		t.Errorf("an error without a code: %v", e)
	}
}
