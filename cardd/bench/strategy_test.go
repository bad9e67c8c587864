package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"jukicard/apdu"
	"jukicard/cardd/plan"
	"jukicard/pki"
	"jukicard/simulator/fault"
)

// shop is one workshop for all tests, where any wants it: keys, an authority and a model
// take a second.
var shop struct {
	once sync.Once
	dir  string
	open *workshop
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shop.open != nil {
		shop.err = errors.Join(shop.open.registry.ca.Close(), os.RemoveAll(shop.dir))
	}
	if shop.err != nil {
		fmt.Fprintln(os.Stderr, "cannot clear up:", shop.err)
		code = 1
	}
	os.Exit(code)
}

func inWorkshop(t *testing.T) *workshop {
	t.Helper()
	withFont(t)
	shop.once.Do(func() {
		if shop.dir, shop.err = os.MkdirTemp("", "cardd-bench-"); shop.err == nil {
			shop.open, shop.err = openWorkshop(context.WithoutCancel(t.Context()), shop.dir)
		}
	})
	if shop.err != nil {
		t.Fatal(shop.err)
	}
	return shop.open
}

// at is the number of the script's first command of a step.
func (s *script) at(t *testing.T, id string) int {
	t.Helper()
	n := 1
	for _, step := range s.steps {
		if step.ID == id {
			return n
		}
		n += step.Cost.APDUs
	}
	t.Fatalf("the script has no step %q", id)
	return 0
}

// TestStrategies: what each does on a fault, at the places where it matters.
func TestStrategies(t *testing.T) {
	w := inWorkshop(t)
	lost := func(step string) fault.Fault { return fault.Fault{At: w.script.at(t, step), Kind: fault.LostAfter} }
	broken := func(step string) fault.Fault {
		return fault.Fault{At: w.script.at(t, step), From: true, Kind: fault.Refused, SW: apdu.SWMemoryFailure}
	}
	for n, row := range []struct {
		name     string
		how      strategy
		f        fault.Fault
		finished bool
		twice    int
	}{
		{"wipe, undisturbed", wipe, fault.Fault{}, true, 0},
		{"rerun, undisturbed", rerun, fault.Fault{}, true, 0},
		{"wipe, while files alone are written", wipe, lost("update surface/basic"), true, 0},
		{"wipe, behind a first PIN", wipe, lost("set-pin surface/reference-b"), false, 0},
		{"wipe, behind a key", wipe, lost("update jpki/sign-ca"), false, 0},
		{"wipe, behind the lock", wipe, lost("lock domain"), false, 0},
		{"wipe, a card that is broken", wipe, broken("update surface/basic"), false, 0},
		{"rerun, behind a first PIN", rerun, lost("set-pin surface/reference-b"), true, 0},
		{"rerun, behind a key without a certificate", rerun, lost("generate jpki/sign-key"), true, 0},
		{"rerun, behind one certificate", rerun, lost("generate jpki/auth-key"), true, 1},
		{"rerun, behind both", rerun, lost("update jpki/sign-ca"), true, 2},
		{"rerun, behind the lock", rerun, lost("lock domain"), false, 0},
		{"rerun, a card that is broken", rerun, broken("update surface/basic"), false, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := w.issue(t.Context(), &issuer{row.how, w.script, w.registry}, n, row.f)
			if err != nil {
				t.Fatal(err)
			}
			plain := (&plan.Plan{Steps: w.script.steps}).Cost().APDUs
			if got.finished != row.finished || got.twice != row.twice || got.tries != 0 || len(got.wrong) > 0 {
				t.Errorf("%+v, want finished %t, %d certificates twice", got, row.finished, row.twice)
			}
			if disturbed := row.f.At > 0; got.struck != disturbed || !disturbed && got.apdus != plain || got.apdus >= 2*plain {
				t.Errorf("%d commands, undisturbed %d; struck %t", got.apdus, plain, got.struck)
			}
		})
	}
}

// TestTheScheduleStrikesEveryIssuer: no issue ends before the last command at which the
// schedule has a fault.
func TestTheScheduleStrikesEveryIssuer(t *testing.T) {
	w := inWorkshop(t)
	n := (&plan.Plan{Steps: w.script.steps}).Cost().APDUs
	if n < scheduleUpto {
		t.Errorf("a script sends %d commands, the schedule has faults up to %d", n, scheduleUpto)
	}
	s := schedule{{At: n, Kind: fault.LostBefore}, {At: 1, From: true, Kind: fault.Refused, SW: apdu.SWMemoryFailure}}
	for _, how := range []strategy{wipe, rerun} {
		got, err := w.issueAll(t.Context(), how, s)
		if err != nil || got.cards != 2 || got.unstruck != 0 || got.finished != 0 || got.needless != 1 || got.lost() != 2 {
			t.Errorf("%s: %+v, %v; the last command's fault is behind the lock, the other card is broken", how.name, got, err)
		}
	}
}

// TestTheJudgeOfScriptsNotices: a card counts as finished only for its memory.
func TestTheJudgeOfScriptsNotices(t *testing.T) {
	w := inWorkshop(t)
	c, err := w.card(0)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := w.script.judge(c, given{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"write jpki/sign-cert 0", "reference text/pin 0", "write surface/face 0", "life  0"} {
		if !slices.Contains(wrong, want) {
			t.Errorf("of a blank card the judge says nothing about %q", want)
		}
	}
	m, err := readMemory(c)
	if err != nil || len(m.differences(m, nil)) > 0 {
		t.Errorf("a card differs from itself, %v", err)
	}
	if err := fits(w.script.model.data("key", "jpki/sign-key"), w.script.model.data("write", "jpki/auth-cert")); err == nil {
		t.Error("a certificate fits another key")
	}
}

// TestTell: scaled to 10,000 cards, and bounds for cardd alone.
func TestTell(t *testing.T) {
	s := schedule{{At: 1}, {At: 1}, {At: 1, From: true}, {At: 1}}
	var got recovered
	for i, o := range []outcome{
		{finished: true, apdus: 92, struck: true}, {apdus: 50, struck: true, twice: 1}, {apdus: 10, struck: true}, {finished: true, apdus: 120, struck: true, wrong: []string{"x"}},
	} {
		got.take(o, s[i])
	}
	got.plain = 92
	for _, ours := range []bool{true, false} {
		var out strings.Builder
		r := &report{to: &out}
		tell(r, s, "x", got, ours)
		for _, line := range []string{"x_lost 5000 card/10000", "x_lost_needlessly 2500 card/10000", "x_wrong 2500", "x_certificates_twice 2500", "x_apdus 136 apdu/card", "x_apdus_ratio 1.478 ratio"} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("no line %q in\n%s", line, out.String())
			}
		}
		if missed := len(r.missed) > 0; missed != ours {
			t.Errorf("bounds missed: %v; they are for cardd alone: %t", r.missed, ours)
		}
	}
}

func TestCertificatesThatWereGiven(t *testing.T) {
	w := inWorkshop(t)
	of := given{}
	key := w.keys[0]
	for want, p := range []pki.Purpose{pki.Signature, pki.Signature} {
		cn, err := commonName(p)
		if err != nil {
			t.Fatal(err)
		}
		csr, err := pki.NewCSR(&key.PublicKey, cn, signer(key))
		if err != nil {
			t.Fatal(err)
		}
		der, err := w.registry.ask(t.Context(), of, p, csr)
		if err != nil || !of.holds(p, der) || of.holds(pki.Authentication, der) || of.twice() != want {
			t.Errorf("%v, held %t, %d twice, want %d", err, of.holds(p, der), of.twice(), want)
		}
	}
	if err := w.registry.takeBack(t.Context(), of); err != nil || of.twice() != 0 || len(of) != 0 {
		t.Errorf("%v, %d certificates are left", err, len(of))
	}
}
