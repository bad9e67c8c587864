package station_test

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"jukicard/cardd/internal/journal"
)

// TestTheNextCardGetsAnEntryOnItsBack: its 追記欄 is larger and on the other side; its
// front takes nothing.
func TestTheNextCardGetsAnEntryOnItsBack(t *testing.T) {
	b, _, _ := issuedNext(t)
	before := b.printed(t)
	a := entryFor(b.card.ID()).with("profile", "mynumber-2-draft")
	left, ok, err := b.Station.LinesLeft(t.Context(), "mynumber-2-draft", b.card.ID())
	if err != nil || !ok || left < 5 {
		t.Fatalf("%d lines are left: %v", left, err)
	}
	job, err := b.endorse(t, a)
	if err != nil {
		t.Fatal(err)
	}
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("the entry ended %s: %s", j.State, j.Reason)
	}
	if n := b.printed(t); n != before+1 {
		t.Errorf("%d faces were printed", n)
	}
	if dark(t, filepath.Join(b.Config.Printer.Dir, "front-00002.png")) {
		t.Error("the front took ink")
	}
	if !dark(t, filepath.Join(b.Config.Printer.Dir, "back-00002.png")) {
		t.Error("no entry is on the back")
	}
	if how, body := b.stands(t); how != journal.PanelPrinted || body != `{"layout":"mynumber-2-draft","version":1,"entries":[{"lines":2}]}` {
		t.Errorf("there stands %s %s", how, body)
	}
}

// dark says whether anything is on a printed side.
func dark(t *testing.T, path string) bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	side, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	for y := range side.Bounds().Dy() {
		for x := range side.Bounds().Dx() {
			if r, g, b, _ := side.At(x, y).RGBA(); r+g+b < 3*0x8000 {
				return true
			}
		}
	}
	return false
}
