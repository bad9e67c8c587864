package fault_test

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/simulator"
	"jukicard/simulator/fault"
)

// moment is a card in the middle of an issue, before command number at of the tape,
// and what it keeps before and after that command.
type moment struct {
	at            int // from 0
	before, after []byte
}

func moments(t *testing.T) []moment {
	t.Helper()
	c := blank(t)
	before := c.Snapshot()
	var all []moment
	for i, e := range tape() {
		c.Process(e.command)
		after := before
		if now := c.Snapshot(); !bytes.Equal(now, before) {
			after = now
		}
		if i%sample() == 0 {
			all = append(all, moment{i, before, after})
		}
		before = after
	}
	return all
}

// sample is every so manieth row of a long table that is tried: all, but with -short, under
// the race detector, few. One goroutine tries them; what there is to find for the detector
// is beside them.
func sample() int {
	if testing.Short() {
		return 31
	}
	return 1
}

// reach plays the tape to just before the moment.
func (m moment) reach(t *testing.T) (*fault.Card, *simulator.Card) {
	t.Helper()
	inner := blank(t)
	c := fault.Wrap(inner)
	for _, e := range tape()[:m.at] {
		c.Process(e.command)
	}
	return c, inner
}

// effect is what a fault does to the command at which it happens.
type effect struct {
	done bool                        // the command is carried out
	mute bool                        // and then the card does not answer until reset
	gone bool                        // the session is gone
	want func(whole, got []byte) any // nil, or what is wrong with the answer
}

func none(_, got []byte) any {
	if got != nil {
		return fmt.Sprintf("answer %X, want none", got)
	}
	return nil
}

func refusal(sw string) func(_, got []byte) any {
	return func(_, got []byte) any {
		if !strings.HasSuffix(fmt.Sprintf("%X", got), sw) || len(got) > 10 { // a MAC and a status word
			return fmt.Sprintf("answer %X, want %s", got, sw)
		}
		return nil
	}
}

// flipped wants one bit of byte i, from the end if negative, to differ.
func flipped(i int) func(whole, got []byte) any {
	return func(whole, got []byte) any {
		if len(got) != len(whole) {
			return fmt.Sprintf("%d bytes, want %d", len(got), len(whole))
		}
		for j := range got {
			want := 0
			if j == i || j == len(got)+i {
				want = 1
			}
			if n := bits.OnesCount8(got[j] ^ whole[j]); n != want {
				return fmt.Sprintf("%d bits of byte %d differ, want %d", n, j, want)
			}
		}
		return nil
	}
}

func short(keep int) func(whole, got []byte) any {
	return func(whole, got []byte) any {
		want := whole[:1] // of a status word alone half is left
		if data := len(whole) - 2; data > 0 {
			want = slices.Concat(whole[:min(keep, data-1)], whole[data:])
		}
		if !bytes.Equal(got, want) {
			return fmt.Sprintf("answer %X, want %X", got, want)
		}
		return nil
	}
}

func long(by int) func(whole, got []byte) any {
	return func(whole, got []byte) any {
		data := len(whole) - 2
		if len(got) != len(whole)+by || !bytes.HasPrefix(got, whole[:data]) || !bytes.HasSuffix(got, whole[data:]) {
			return fmt.Sprintf("%d bytes, want %d with the same beginning and end", len(got), len(whole)+by)
		}
		return nil
	}
}

func TestEveryKindAtEveryCommandOfAnIssue(t *testing.T) {
	tests := []struct {
		fault fault.Fault
		effect
	}{
		{fault.Fault{Kind: fault.LostBefore}, effect{want: none}},
		{fault.Fault{Kind: fault.LostAfter}, effect{done: true, want: none}},
		{fault.Fault{Kind: fault.TornCommit}, effect{mute: true, gone: true, want: none}},
		{fault.Fault{Kind: fault.TornCommit, Byte: fault.End}, effect{done: true, mute: true, gone: true, want: none}},
		{fault.Fault{Kind: fault.Refused}, effect{want: refusal("6F00")}},
		{fault.Fault{Kind: fault.Refused, SW: apdu.SWFileNotFound}, effect{want: refusal("6A82")}},
		{fault.Fault{Kind: fault.RefusedAfter}, effect{done: true, want: refusal("6581")}},
		{fault.Fault{Kind: fault.Garbled}, effect{done: true, want: flipped(0)}},
		{fault.Fault{Kind: fault.Garbled, Byte: fault.End}, effect{done: true, want: flipped(-1)}},
		{fault.Fault{Kind: fault.Short}, effect{done: true, want: short(0)}},
		{fault.Fault{Kind: fault.Short, Byte: fault.End}, effect{done: true, want: short(fault.End)}},
		{fault.Fault{Kind: fault.Long}, effect{done: true, want: long(1)}},
		{fault.Fault{Kind: fault.Long, Byte: fault.End}, effect{done: true, want: long(fault.End)}},
		{fault.Fault{Kind: fault.Stalled}, effect{mute: true, want: none}},
		{fault.Fault{Kind: fault.MuteAfter}, effect{done: true, mute: true, want: none}},
		{fault.Fault{Kind: fault.Pulled}, effect{mute: true, gone: true, want: none}},
		{fault.Fault{Kind: fault.Pulled, Byte: fault.End}, effect{done: true, mute: true, gone: true, want: none}},
		{fault.Fault{Kind: fault.Swapped}, effect{mute: true, gone: true, want: none}},
	}
	all := moments(t)
	for _, tt := range tests {
		tt.fault.At = 1
		t.Run(tt.fault.String(), func(t *testing.T) {
			for _, m := range all {
				m.try(t, tt.fault, tt.effect)
			}
		})
	}
}

// try lets the fault happen at the moment and looks at the answer, at what the card
// keeps, and at how it goes on.
func (m moment) try(t *testing.T, f fault.Fault, e effect) {
	t.Helper()
	c, inner := m.reach(t)
	c.Arm(fault.Script{f})
	now := tape()[m.at]
	if wrong := e.want(now.answer, c.Process(now.command)); wrong != nil {
		t.Errorf("command %d: %v", m.at, wrong)
	}
	want := m.before
	if e.done {
		want = m.after
	}
	if !bytes.Equal(inner.Snapshot(), want) {
		t.Errorf("command %d: wrong effect", m.at)
	}
	log := c.Log()
	if len(log) != 1 || log[0].Fault != f || c.Count() != 1 {
		t.Errorf("command %d: log %v after %d commands, want %v after 1", m.at, log, c.Count(), f)
	}
	m.goOn(t, c, f, e)
}

// goOn sends what would come next, or the lost command again.
func (m moment) goOn(t *testing.T, c *fault.Card, f fault.Fault, e effect) {
	t.Helper()
	next := m.at
	if e.done || f.Kind == fault.Refused {
		next++
	}
	if next == len(tape()) {
		return
	}
	got := c.Process(tape()[next].command)
	switch {
	case e.mute && got != nil:
		t.Errorf("command %d: a mute card answers %X", m.at, got)
	case e.mute:
		c.Reset()
		if got := c.Process([]byte{0, 0xA4, 4, 0x0C}); !bytes.Equal(got, []byte{0x90, 0}) {
			t.Errorf("command %d: after reset the card answers %X", m.at, got)
		}
	case f.Kind == fault.Refused: // the next may depend on what was not done
	case f.Kind == fault.RefusedAfter && tape()[next].command[1] == apdu.INSGetResponse: // what it asks for was withheld
	case !bytes.Equal(got, tape()[next].answer):
		t.Errorf("command %d: then the card answers %X, want %X", m.at, got, tape()[next].answer)
	}
}

func TestResetLosesTheSessionUnnoticed(t *testing.T) {
	for _, m := range moments(t) {
		c, inner := m.reach(t)
		_, twin := m.reach(t)
		twin.Reset()
		c.Arm(fault.Script{{At: 1, Kind: fault.Reset}})
		command := tape()[m.at].command
		if got, want := c.Process(command), twin.Process(command); !bytes.Equal(got, want) {
			t.Errorf("command %d: answer %X, want %X", m.at, got, want)
		}
		if !bytes.Equal(inner.Snapshot(), twin.Snapshot()) {
			t.Errorf("command %d: wrong effect", m.at)
		}
	}
}

func TestATearIsToldByteByByte(t *testing.T) {
	for _, m := range moments(t) {
		for _, j := range []int{0, 1, 3, 100, 199, 200, fault.End} {
			c, inner := m.reach(t)
			c.Arm(fault.Script{{At: 1, Kind: fault.TornCommit, Byte: j}})
			c.Process(tape()[m.at].command)
			e := c.Log()[0]
			state := inner.Snapshot()
			switch changes := !bytes.Equal(m.before, m.after); {
			case e.Of == 0 && changes, e.Of > 0 && !changes:
				t.Errorf("command %d: told a change of %d bytes, and there is one: %v", m.at, e.Of, changes)
			case e.Kept == 0 && !bytes.Equal(state, m.before), e.Kept == e.Of && !bytes.Equal(state, m.after):
				t.Errorf("command %d: told %d bytes of %d, and it is not so", m.at, e.Kept, e.Of)
			case e.Kept > 0 && e.Kept < e.Of && (bytes.Equal(state, m.before) || e.Header[1] != apdu.INSUpdateBinary || e.Kept != j):
				t.Errorf("command %d: torn at %d, told %d of %d bytes of a %v", m.at, j, e.Kept, e.Of, apdu.Instruction(e.Header[1]))
			}
		}
	}
}

func TestEverySingleFaultIsMendedByDoingTheStepAgain(t *testing.T) {
	n, cases := len(tape()), 0
	for at := 1; at <= n; at += sample() {
		for _, f := range fault.Singles(at) {
			c, inner := issueWith(t, fault.Script{f})
			cases++
			if kept(inner) != issued() {
				t.Errorf("after %v the card is another", c.Log())
			}
			if c.Injected() != 1 || c.Count() < n {
				t.Errorf("%v: %d faults in %d commands", f, c.Injected(), c.Count())
			}
		}
	}
	if cases*sample() < 1200 {
		t.Errorf("%d cases, want 1200 at least", cases)
	}
}

func TestFromLastsUntilTheNext(t *testing.T) {
	c := fault.Wrap(blank(t))
	s, err := fault.ParseScript("at 2 lost-after\nfrom 4 refused 6581\nat 5 refused 6A84\nfrom 7 lost-before\n")
	if err != nil {
		t.Fatal(err)
	}
	c.Arm(s)
	var got []string
	for range 8 {
		got = append(got, fmt.Sprintf("%X", c.Process([]byte{0, 0xA4, 4, 0x0C})))
	}
	if want := "9000  9000 6581 6A84 6581  "; strings.Join(got, " ") != want {
		t.Errorf("answers %q, want %q", strings.Join(got, " "), want)
	}
	want := "at 2 lost-after\nat 4 refused 6581\nat 5 refused 6A84\nat 6 refused 6581\nat 7 lost-before\nat 8 lost-before\n"
	if got := c.Log().Script().String(); got != want {
		t.Errorf("log\n%swant\n%s", got, want)
	}
}

func TestOnlyAnArmedCardDoesWrong(t *testing.T) {
	c := fault.Wrap(blank(t))
	c.Process([]byte{0, 0xA4, 4, 0x0C})
	if c.Count() != 0 {
		t.Error("a command is counted before the card is armed")
	}
	s := fault.Script{{At: 3, Kind: fault.LostAfter}, {At: 1, Kind: fault.LostAfter}} // in any order
	c.Arm(s)
	if c.Process([]byte{0, 0xA4, 4, 0x0C}) != nil || c.Count() != 1 {
		t.Error("the first command is not number 1")
	}
	c.Disarm()
	for range 3 {
		if c.Process([]byte{0, 0xA4, 4, 0x0C}) == nil {
			t.Error("something goes wrong on a card that is not armed")
		}
	}
	if c.Count() != 1 || len(c.Log()) != 1 {
		t.Errorf("count %d, log %v", c.Count(), c.Log())
	}
	if c.Arm(s); c.Count() != 0 || len(c.Log()) != 0 || s[0].At != 3 {
		t.Error("a new scenario does not begin anew")
	}
}

func TestPatienceIsAskedWhenTheCardHangs(t *testing.T) {
	for _, k := range []fault.Kind{fault.Stalled, fault.MuteAfter} {
		waits := 0
		c := fault.Wrap(blank(t))
		c.Patience = func() { waits++ }
		c.Arm(fault.Script{{At: 1, Kind: k}})
		for range 3 {
			if got := c.Process([]byte{0, 0xA4, 4, 0x0C}); got != nil {
				t.Errorf("%v: answer %X", k, got)
			}
		}
		c.PowerOff()
		if got := c.Process([]byte{0, 0xA4, 4, 0x0C}); got == nil || waits != 1 || c.Count() != 2 {
			t.Errorf("%v: answer %X after %d waits and %d commands", k, got, waits, c.Count())
		}
	}
}

func TestALogIsBounded(t *testing.T) {
	c := fault.Wrap(blank(t))
	c.Arm(fault.Script{{At: 1, From: true, Kind: fault.LostBefore}})
	for range 10_007 {
		c.Process([]byte{0, 0xA4, 4, 0x0C})
	}
	if c.Injected() != 10_007 || len(c.Log()) != 10_000 {
		t.Errorf("%d faults, %d in the log", c.Injected(), len(c.Log()))
	}
}

func TestALogShowsNoData(t *testing.T) {
	c := fault.Wrap(blank(t))
	c.Arm(fault.Script{{At: 1, Kind: fault.Refused, SW: apdu.SWOK}, {At: 2, Kind: fault.TornCommit, Byte: 5}})
	pin := []byte{0, 0x20, 0, 0x98, 4, '8', '5', '2', '0'}
	c.Process(pin)
	c.Process([]byte{0x80, 0x50, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0})
	want := "at 1 refused 9000 # VERIFY 00200098, 9 bytes: answered 9000\n" +
		"at 2 torn 5 # INITIALIZE UPDATE 80500000, 14 bytes: 1 of 1 kept\n"
	if got := c.Log().String(); got != want {
		t.Errorf("log\n%swant\n%s", got, want)
	}
}

func TestAFaultyCardIsAsItIsOutside(t *testing.T) {
	inner := blank(t)
	c := fault.Wrap(inner)
	if !bytes.Equal(c.ATR(), inner.ATR()) {
		t.Errorf("answer to reset %X, want %X", c.ATR(), inner.ATR())
	}
	c.Arm(fault.Script{{At: 1, Kind: fault.Pulled, Byte: fault.End}}) // in nobody's hands
	if got := c.Process([]byte{0, 0xA4, 4, 0x0C}); got != nil {
		t.Errorf("answer %X", got)
	}
	h := host{card: c}
	c.PowerOff()
	if err := h.issue(issue()[:3]); err != nil || h.tries != 0 {
		t.Errorf("%v after %d tries", err, h.tries)
	}
}
