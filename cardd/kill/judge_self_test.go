package kill

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jukicard/apdu"
	"jukicard/pki"
	"jukicard/pki/pkitest"
	"jukicard/pki/softca"
)

// TestTheJudgeNotices: zeros count only from a judge that can count. Each row spoils
// one thing about a card that was issued well.
func TestTheJudgeNotices(t *testing.T) {
	needBed(t)
	want := reference(t)
	face := func(name string) func(*office, *ending, *sound) {
		return func(o *office, _ *ending, _ *sound) {
			if err := os.WriteFile(filepath.Join(o.state(), "faces", name), nil, 0o600); err != nil {
				o.t.Fatal(err)
			}
		}
	}
	rows := []struct {
		name  string
		spoil func(o *office, e *ending, want *sound)
		seen  func(f *finding) bool
	}{
		{"nothing", func(*office, *ending, *sound) {}, clean},
		{"a byte of a file", func(_ *office, _ *ending, w *sound) { w.chip.spoil("write text/attributes 0") }, said("text/attributes")},
		{"a PIN", func(_ *office, _ *ending, w *sound) { w.chip.spoil("reference text/pin 0") }, said("text/pin")},
		{"a file too many", func(_ *office, _ *ending, w *sound) { delete(w.chip, "write surface/birth 0") }, said("surface/birth")},
		{"a file too few", func(_ *office, _ *ending, w *sound) { w.chip["write none/such 0"] = entry{} }, said("none/such")},
		{"a second certificate", certifyAgain, func(f *finding) bool { return len(f.double) == 1 }},
		{"a wrong PIN", presentWrong, func(f *finding) bool { return f.tries == 1 }},
		{"a second face", face("front-00002.png"), func(f *finding) bool { return f.printed == 1 }},
		{"another face", face("back-00001.png"), said("face")},
		{"a miscount", face("counter"), said("counts")},
		{"a receipt of something else", func(_ *office, e *ending, _ *sound) { e.receipt[len(e.receipt)-1] ^= 1 }, said("receipt")},
		{"no proof in the receipt", func(_ *office, _ *ending, w *sound) { w.steps["compare none/such"] = true }, said("compare none/such")},
		{"a job not done", func(_ *office, e *ending, _ *sound) { e.job.State = "held" }, said("held")},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			l := o.start(never)
			e, err := l.hand(t.Context())
			if err != nil {
				t.Fatalf("%v: %s", err, l.text())
			}
			l.stop()
			w := sound{chip: maps.Clone(want.chip), steps: maps.Clone(want.steps), front: want.front, back: want.back}
			row.spoil(o, e, &w)
			if f := o.judge(e, &w); !row.seen(f) {
				t.Errorf("the judge saw %+v", f)
			}
		})
	}
}

func clean(f *finding) bool {
	return len(f.wrong) == 0 && len(f.double) == 0 && f.tries == 0 && f.printed == 0
}

// said is a finding of wrong that names one thing.
func said(name string) func(f *finding) bool {
	return func(f *finding) bool { return strings.Contains(strings.Join(f.wrong, "\n"), name) }
}

func (c chip) spoil(name string) {
	e := c[name]
	e.Data = append([]byte{^e.Data[0]}, e.Data[1:]...)
	c[name] = e
}

// certifyAgain has the authority issue once more for the order.
func certifyAgain(o *office, _ *ending, _ *sound) {
	a, err := softca.Open(o.authority(), softca.Options{Hierarchy: hierarchy()})
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	r := pkitest.Request(o.t, wanted.id+"/again", pki.Signature, pkitest.NewCard(o.t, 0), time.Now())
	if _, err := a.Certify(o.t.Context(), r); err != nil {
		o.t.Fatal(err)
	}
}

// presentWrong presents a PIN that is not the card's.
func presentWrong(o *office, _ *ending, _ *sound) {
	for _, command := range [][]byte{
		append([]byte{0, byte(apdu.INSSelect), 4, 0x0C, 10}, 0xD3, 0x92, 0xF0, 0, 0x26, 1, 0, 0, 0, 1), // the JPKI application
		append([]byte{0, byte(apdu.INSVerify), 0, 0x98, 4}, "0000"...),
	} {
		o.card.Process(command)
	}
}
