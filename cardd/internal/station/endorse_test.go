package station_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/receipt"
	"jukicard/simulator"
)

// asked is an order to endorse as a test changes it.
type asked map[string]any

// canary stands in every entry of these tests and nowhere else.
const canary = "架空県架空市港町７－８"

func entryFor(card string) asked {
	return asked{
		"version": 1, "id": "LAB-2026-0101", "operation": "endorse", "profile": "mynumber-1", "card": card,
		"entry": map[string]any{"date": "2026-11-23", "reason": "転居", "content": canary, "seal": "架空市印"},
	}
}

func (a asked) with(name string, value any) asked { a[name] = value; return a }

// saying is the order with an entry of other words; empty ones are left out.
func (a asked) saying(name, value string) asked {
	a["entry"].(map[string]any)[name] = value
	if value == "" {
		delete(a["entry"].(map[string]any), name)
	}
	return a
}

// byHand is the order with an entry of so many lines that was written by hand.
func (a asked) byHand(lines int) asked {
	delete(a, "entry")
	a["by_hand"] = map[string]any{"lines": lines}
	return a
}

func told(layout string, version int, lines ...int) map[string]any {
	entries := map[string]any{}
	for i, n := range lines {
		entries[string(rune('1'+i))] = map[string]any{"lines": n}
	}
	return map[string]any{"layout": layout, "version": version, "entries": entries}
}

// endorse hands an order to endorse in, as the API does.
func (b *bench) endorse(t *testing.T, a asked) (job string, err error) {
	t.Helper()
	wire, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	o, err := order.Parse(wire, nil, order.Checks{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Destroy()
	return b.Station.Submit(t.Context(), o, wire, order.PINs{})
}

// issued is a bench whose card is issued and in the reader.
func issued(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("the card is not issued: %s", j.Reason)
	}
	return b
}

// elsewhere is a bench with a card in the reader that another station has issued.
func elsewhere(t *testing.T) *bench {
	t.Helper()
	first := issued(t)
	b := &bench{dir: t.TempDir(), desk: simulator.NewDesk("Desk 1"), card: first.card}
	b.desk.Insert(0, b.card)
	b.start(t)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// stands is what the journal says of the card's 追記欄.
func (b *bench) stands(t *testing.T) (how, body string) {
	t.Helper()
	p, err := b.Journal.Panel(t.Context(), b.card.ID())
	if err != nil {
		t.Fatal(err)
	}
	return p.How, string(p.Body)
}

func (b *bench) left(t *testing.T) int {
	t.Helper()
	n, ok, err := b.Station.LinesLeft(t.Context(), "mynumber-1", b.card.ID())
	if err != nil || !ok {
		t.Fatalf("nobody knows: %v", err)
	}
	return n
}

// TestACardInUseGetsItsEntries: issued here, its panel is known; entries are printed one
// below the other, until none fits and the clerk is told of the reissue. The chip is as
// it was.
func TestACardInUseGetsItsEntries(t *testing.T) {
	b := issued(t)
	if how, body := b.stands(t); how != journal.PanelIssued || body != `{"layout":"mynumber-1","version":2}` {
		t.Fatalf("of the new card: %s %s", how, body)
	}
	b.desk.Remove(0)
	b.desk.Insert(0, &asking{b.card, t})
	short := func(id string) asked { return entryFor(b.card.ID()).with("id", id).saying("content", "") }
	for n, a := range []asked{entryFor(b.card.ID()), short("LAB-2026-0102"), short("LAB-2026-0103")} {
		job, err := b.endorse(t, a)
		if err != nil {
			t.Fatal(err)
		}
		b.nothingShown(t)
		if j := b.run(t, job); j.State != journal.Done || j.Operation != order.Endorse {
			t.Fatalf("entry %d ended %s: %s", n+1, j.State, j.Reason)
		}
		if got := b.printed(t); got != uint64(n+2) {
			t.Errorf("%d prints after entry %d", got, n+1)
		}
		st := b.statement(t, job)
		if e := st.Endorsed; e == nil || e.How != "printed" || e.Left != b.left(t) || e.Lines < 1 || len(st.Certificates) != 0 || len(st.Steps) != 2 {
			t.Errorf("the receipt says %+v: %+v", e, st)
		}
	}
	if how, body := b.stands(t); how != journal.PanelPrinted || body != `{"layout":"mynumber-1","version":2,"entries":[{"lines":2},{"lines":1},{"lines":1}]}` {
		t.Errorf("there stands %s %s", how, body)
	}
	if b.left(t) != 0 {
		t.Errorf("%d lines are left", b.left(t))
	}
	_, err := b.endorse(t, short("LAB-2026-0104"))
	if failure.CodeOf(err) != failure.EntryNoRoom || !strings.Contains(err.Error(), "reissued") || !strings.Contains(err.Error(), "free of charge") {
		t.Errorf("a full panel: %v", err)
	}
	if _, err := b.endorse(t, short("LAB-2026-0103")); failure.CodeOf(err) != failure.StationOrderDone {
		t.Errorf("the same order once more: %v", err)
	}
	b.nothingShown(t)
	b.overlayAlone(t)
}

// asking is a card that notes a command that could change it or presents a secret.
type asking struct {
	*simulator.Card
	t *testing.T
}

func (c *asking) Process(command []byte) []byte {
	switch command[1] {
	case apdu.INSSelect, apdu.INSGetData, apdu.INSReadBinary, apdu.INSReadRecord, apdu.INSGetResponse:
	default:
		c.t.Errorf("a card in use was sent the instruction %02X", command[1])
	}
	return c.Card.Process(command)
}

// statement is what a job's receipt says.
func (b *bench) statement(t *testing.T, job string) *receipt.Statement {
	t.Helper()
	r, err := b.Station.Receipt(t.Context(), job)
	if err != nil || r == nil {
		t.Fatalf("no receipt: %v", err)
	}
	st, err := receipt.Verify(r, b.Receipts.Public())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// nothingShown looks for the entry's words in everything the daemon keeps.
func (b *bench) nothingShown(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(b.dir, "state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		kept, err := os.ReadFile(path)
		for _, words := range []string{canary, "転居", "架空市印"} {
			if bytes.Contains(kept, []byte(words)) {
				t.Errorf("%q stands in %s", words, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// overlayAlone looks at the last print: a back without anything, a front that is white
// but for a small part.
func (b *bench) overlayAlone(t *testing.T) {
	t.Helper()
	for _, side := range []string{"front", "back"} {
		files, err := filepath.Glob(filepath.Join(b.Config.Printer.Dir, side+"-*.png"))
		if err != nil || len(files) == 0 {
			t.Fatal("nothing was printed")
		}
		raw, err := os.ReadFile(slices.Max(files))
		if err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		dark := 0
		for y := range m.Bounds().Dy() {
			for x := range m.Bounds().Dx() {
				if r, _, _, _ := m.At(x, y).RGBA(); r < 0x8000 {
					dark++
				}
			}
		}
		if most := m.Bounds().Dx() * m.Bounds().Dy() / 50; side == "back" && dark > 0 || side == "front" && (dark == 0 || dark > most) {
			t.Errorf("the %s of an entry has %d dark pixels", side, dark)
		}
	}
}

// TestEntriesThatAreRefusedBeforeACardIsFed: nothing is asked of the reader, no job is
// made, and no words of the entry are told.
func TestEntriesThatAreRefusedBeforeACardIsFed(t *testing.T) {
	b := issued(t)
	b.desk.Remove(0) // without a card only what comes before it can answer
	at := func() asked { return entryFor(b.card.ID()) }
	for _, row := range []struct {
		name string
		a    asked
		code failure.Code
		word string
	}{
		{"more than is left", at().saying("content", strings.Repeat("記", 100)), failure.FaceOverflow, "shorten"},
		{"a character of no font", at().saying("content", "山👾"), failure.FaceGlyph, "character"},
		{"a seal too long for its box", at().saying("seal", "架空市長之印"), failure.FaceOverflow, "stamp"},
		{"another panel than is known", at().with("panel", told("mynumber-1", 2, 1)), failure.PanelDiffers, "no entries"},
		{"another layout than is known", at().with("panel", told("mynumber-1", 1)), failure.PanelDiffers, "version 2"},
		{"more lines by hand than there are", at().byHand(5), failure.EntryNoRoom, "4 are free"},
		{"a card of which nothing is known", entryFor("0999000000099999"), failure.PanelUnknown, "look at the card"},
		{"a layout that is none", entryFor("0999000000099999").with("panel", told("mynumber-1", 77)), failure.EntryLayout, "version 77"},
		{"a layout of another generation", entryFor("0999000000099999").with("panel", told("mynumber-2-draft", 1)), failure.EntryLayout, "no layout of mynumber-1"},
		{"a panel that cannot be", entryFor("0999000000099999").with("panel", told("mynumber-1", 2, 3, 2)), failure.EntryRefused, "4 lines"},
		{"a panel that is full", entryFor("0999000000099999").with("panel", told("mynumber-1", 2, 2, 2)), failure.EntryNoRoom, "reissued"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := b.endorse(t, row.a)
			if failure.CodeOf(err) != row.code || !strings.Contains(err.Error(), row.word) {
				t.Errorf("%v, want %s and %q", err, row.code, row.word)
			}
			if err != nil && strings.Contains(err.Error(), "転居") {
				t.Errorf("the error tells the entry")
			}
		})
	}
	if jobs, err := b.Journal.ByOrder(t.Context(), "LAB-2026-0101"); err != nil || len(jobs) != 0 {
		t.Errorf("%d jobs: %v", len(jobs), err)
	}
}

// TestTheCardMustBeTheOrders: another number, and a card that is not in use.
func TestTheCardMustBeTheOrders(t *testing.T) {
	b := issued(t)
	mine := b.card.ID()
	b.desk.Remove(0)
	other := blank(t)
	b.desk.Insert(0, other)
	if _, err := b.endorse(t, entryFor(mine)); failure.CodeOf(err) != failure.CardNotOrdered {
		t.Errorf("a card of another number: %v", err)
	}
	if _, err := b.endorse(t, entryFor(other.ID()).with("panel", told("mynumber-1", 2))); failure.CodeOf(err) != failure.CardNotInUse {
		t.Errorf("a blank card: %v", err)
	}
	if n := b.printed(t); n != 1 {
		t.Errorf("%d prints", n)
	}
	if jobs, err := b.Journal.ByCard(t.Context(), other.ID()); err != nil || len(jobs) != 0 {
		t.Errorf("%d jobs on the other card: %v", len(jobs), err)
	}
}

// TestACardOfAnotherStation: what the clerk says stands on it is believed once and kept
// as told; an entry by hand is recorded and nothing is printed.
func TestACardOfAnotherStation(t *testing.T) {
	b := elsewhere(t)
	job, err := b.endorse(t, entryFor(b.card.ID()).byHand(2).with("panel", told("mynumber-1", 2, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("it ended %s: %s", j.State, j.Reason)
	}
	p, err := b.Journal.Panel(t.Context(), b.card.ID())
	if err != nil || p.N != 2 || p.How != journal.PanelByHand || string(p.Body) != `{"layout":"mynumber-1","version":2,"entries":[{"lines":1},{"lines":2,"by_hand":true}]}` {
		t.Errorf("there stands %+v %s: %v", p, p.Body, err)
	}
	if n, st := b.printed(t), b.statement(t, job); n != 0 || st.Endorsed == nil || st.Endorsed.How != "by-hand" || st.Endorsed.First != 2 || st.Endorsed.Left != 1 {
		t.Errorf("%d prints, receipt %+v", n, st.Endorsed)
	}
	// From now on the record speaks, and the clerk must see the same.
	next := func() asked { return entryFor(b.card.ID()).with("id", "LAB-2026-0102").saying("content", "") }
	if _, err := b.endorse(t, next().with("panel", told("mynumber-1", 2, 1))); failure.CodeOf(err) != failure.PanelDiffers {
		t.Errorf("an older panel: %v", err)
	}
	if job, err = b.endorse(t, next()); err != nil {
		t.Fatal(err)
	}
	if j := b.run(t, job); j.State != journal.Done || b.left(t) != 0 {
		t.Errorf("it ended %s with %d lines left", j.State, b.left(t))
	}
}

// TestAnEntryIsPlannedWithoutTouchingAnything: with the card and without.
func TestAnEntryIsPlannedWithoutTouchingAnything(t *testing.T) {
	b := issued(t)
	wire, err := json.Marshal(entryFor(b.card.ID()))
	if err != nil {
		t.Fatal(err)
	}
	o, err := order.Parse(wire, nil, order.Checks{})
	if err != nil {
		t.Fatal(err)
	}
	for _, absent := range []bool{false, true} {
		if absent {
			b.desk.Remove(0)
		}
		d, err := b.Station.Plan(context.WithoutCancel(t.Context()), o, wire)
		if err != nil || d.Blank != absent || len(d.Plan.Steps) != 2 || d.Plan.Card != b.card.ID() {
			t.Errorf("absent %t: %+v %v", absent, d, err)
		}
	}
	if how, _ := b.stands(t); how != journal.PanelIssued {
		t.Errorf("there stands %s", how)
	}
}

// TestAnEntryCostsWhatItsPlanSays on the wire.
func TestAnEntryCostsWhatItsPlanSays(t *testing.T) {
	b, m := metered(t, "adult", false)
	job, err := b.submit(t, "adult")
	if err != nil {
		t.Fatal(err)
	}
	b.run(t, job)
	if job, err = b.endorse(t, entryFor(b.card.ID())); err != nil {
		t.Fatal(err)
	}
	before := m.desk.Counts()
	if j := b.run(t, job); j.State != journal.Done {
		t.Fatalf("it ended %s: %s", j.State, j.Reason)
	}
	p := b.plans(t, job)[0]
	m.check(t, p)
	if spent := m.desk.Counts().Sub(before); int(spent.APDUs) != p.Cost().APDUs {
		t.Errorf("the job sent %d commands, its plan %d", spent.APDUs, p.Cost().APDUs)
	}
}

// TestAnEntryOutlivesTheDaemon: submitted, the daemon dies; nobody is asked for anything.
func TestAnEntryOutlivesTheDaemon(t *testing.T) {
	b := issued(t)
	job, err := b.endorse(t, entryFor(b.card.ID()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.endorse(t, entryFor(b.card.ID()).with("id", "LAB-2026-0102")); failure.CodeOf(err) != failure.CardInWork {
		t.Errorf("a second entry on a card in work: %v", err)
	}
	b.restart(t)
	if j := b.run(t, job); j.State != journal.Done || b.printed(t) != 2 {
		t.Errorf("it ended %s: %s", j.State, j.Reason)
	}
}

// TestAnEntryIsGivenUp: its card is unchanged, its certificates stand, and the order can
// be handed in again.
func TestAnEntryIsGivenUp(t *testing.T) {
	b := issued(t)
	job, err := b.endorse(t, entryFor(b.card.ID()))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Station.PutAside(t.Context(), job, "山田", ""); failure.CodeOf(err) != failure.StationDecision {
		t.Errorf("a holder's card was put aside: %v", err)
	}
	if err := b.Station.Abandon(t.Context(), job, "山田", "not today"); err != nil {
		t.Fatal(err)
	}
	if j := b.job(t, job); j.State != journal.Abandoned || !strings.HasPrefix(j.Reason, string(failure.EntryAbandoned)) {
		t.Errorf("the job is %s: %s", j.State, j.Reason)
	}
	all, err := b.Authority.Certificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if strings.Contains(c.ID, b.card.ID()) && !c.Revoked.IsZero() {
			t.Errorf("%s was revoked", c.ID)
		}
	}
	if job, err = b.endorse(t, entryFor(b.card.ID())); err != nil {
		t.Fatal(err)
	}
	if j := b.run(t, job); j.State != journal.Done {
		t.Errorf("it ended %s: %s", j.State, j.Reason)
	}
}
