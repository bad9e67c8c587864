package face

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jukicard/printer/raster"
)

// moved is an entry of one line.
func moved() Entry {
	return Entry{Date: "令和８年１１月２３日", Reason: "転居", Content: "町２番"}
}

// emptyPanel is the 追記欄 of a card on which nothing was entered.
func emptyPanel(l *Layout) Panel { return Panel{Layout: l.Name, Version: l.Version} }

// usedPanel has so many lines taken, by one entry.
func usedPanel(l *Layout, lines int) Panel {
	p := emptyPanel(l)
	if lines > 0 {
		p = p.with(Written{Lines: lines})
	}
	return p
}

func mustEndorse(t testing.TB, l *Layout, p Panel, e Entry) Overlay {
	t.Helper()
	o, err := fontsOf(t).Endorse(l, p, e)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// inkOfSide is the rectangle of everything that is printed on a side.
func inkOfSide(t *testing.T, m image.Image) image.Rectangle {
	t.Helper()
	p := raster.Separate(m)
	var r image.Rectangle
	for i := range p.K {
		if p.K[i] != 0 || p.C[i] != 0 || p.M[i] != 0 || p.Y[i] != 0 {
			x, y := i%p.Width, i/p.Width
			r = r.Union(image.Rect(x, y, x+1, y+1))
		}
	}
	return r
}

// linesOf are the panel's lines first to last, from 1, as pixels of the layout.
func linesOf(t *testing.T, l *Layout, first, lines int) image.Rectangle {
	t.Helper()
	i := placeOf(t, l.front, "remarks", "")
	i.Y += float64(first-1) * i.pitch()
	i.H = float64(lines) * i.pitch()
	return l.rect(i).Inset(-1)
}

func TestEndorseAdaptsSizeAndLines(t *testing.T) {
	content := func(n int) Entry {
		e := moved()
		e.Content = strings.Repeat("記", n)
		return e
	}
	for _, tt := range []struct {
		name              string
		used              int
		e                 Entry
		lines, rows       int
		sizeLeast, sizeTo float64
	}{
		{"a short entry has the full size", 0, moved(), 1, 1, 2.49, 2.51},
		{"below one line", 1, moved(), 1, 1, 2.49, 2.51},
		{"on the last line", 3, moved(), 1, 1, 2.49, 2.51},
		{"a longer one shrinks first", 0, content(5), 1, 1, 2.19, 2.45},
		{"then it takes two lines, large again", 0, content(14), 2, 2, 2.4, 2.51},
		{"two lines at the end", 2, content(14), 2, 2, 2.4, 2.51},
		{"three lines", 0, content(40), 3, 3, 2.19, 2.51},
		{"all that are left, set closely", 0, content(80), 4, 5, 2.19, 2.4},
		{"without content", 0, Entry{Date: "令和元年５月１日", Reason: "国外転出"}, 1, 1, 2.49, 2.51},
	} {
		for _, dpi := range []int{300, 600} {
			t.Run(fmt.Sprintf("%s, %d dpi", tt.name, dpi), func(t *testing.T) {
				l := DefaultLayout.At(dpi)
				p := usedPanel(l, tt.used)
				o := mustEndorse(t, l, p, tt.e)
				if o.First != tt.used+1 || o.Lines != tt.lines || o.Rows != tt.rows {
					t.Errorf("lines %d to %d in %d rows; want %d line(s) from %d in %d", o.First, o.First+o.Lines-1, o.Rows, tt.lines, tt.used+1, tt.rows)
				}
				if o.Size < tt.sizeLeast || o.Size > tt.sizeTo {
					t.Errorf("%.2f mm an em, want %.2f to %.2f", o.Size, tt.sizeLeast, tt.sizeTo)
				}
				if o.After.Used() != tt.used+tt.lines || p.Used() != tt.used {
					t.Errorf("%d lines are used then, %d before", o.After.Used(), p.Used())
				}
				if ink, place := inkOfSide(t, o.Face.Front), linesOf(t, l, o.First, o.Lines); ink.Empty() || !ink.In(place) {
					t.Errorf("it prints in %v, its lines are %v", ink, place)
				}
				if ink := inkOfSide(t, o.Face.Back); !ink.Empty() {
					t.Errorf("it prints on the back in %v", ink)
				}
			})
		}
	}
}

// An overlay is printed with a black ribbon onto a card that holds everything else.
func TestOverlayIsResinAlone(t *testing.T) {
	e := moved()
	e.Seal = "市長之印"
	p := raster.Separate(mustEndorse(t, DefaultLayout, usedPanel(DefaultLayout, 1), e).Face.Front)
	for i := range p.K {
		if p.C[i] != 0 || p.M[i] != 0 || p.Y[i] != 0 {
			t.Fatalf("pixel %d,%d is dye", i%p.Width, i/p.Width)
		}
	}
}

func TestOverlayHoldsTheNewEntryAlone(t *testing.T) {
	l, p := DefaultLayout, emptyPanel(DefaultLayout)
	var before image.Rectangle
	for n := range 4 {
		o := mustEndorse(t, l, p, moved())
		ink := inkOfSide(t, o.Face.Front)
		if ink.Overlaps(before) {
			t.Fatalf("entry %d prints in %v, over the last one's %v", n+1, ink, before)
		}
		before, p = ink, o.After
	}
	if left, err := l.LinesLeft(p); err != nil || left != 0 {
		t.Errorf("%d lines are left, %v", left, err)
	}
}

func TestSeal(t *testing.T) {
	l := DefaultLayout
	box := func(words string) image.Image {
		e := moved()
		e.Seal = words
		return mustEndorse(t, l, emptyPanel(l), e).Face.Front
	}
	place := placeOf(t, l.front, "remarks", "")
	column := l.rect(item{X: place.X + place.W - place.Seal, Y: place.Y, W: place.Seal, H: place.pitch()})
	open := box("")
	if inkOfSide(t, open.(*raster.Side).SubImage(column)).Empty() {
		t.Error("there is no box for the stamp")
	}
	inside := column.Inset(8)
	if !inkOfSide(t, open.(*raster.Side).SubImage(inside)).Empty() {
		t.Error("the box for the stamp is not empty")
	}
	for _, words := range []string{"印", "市長", "市長印", "市長之印"} {
		t.Run(words, func(t *testing.T) {
			changed := differing(open, box(words))
			if changed.Empty() || !changed.In(column.Inset(-1)) {
				t.Errorf("the words change %v, the box is in %v", changed, column)
			}
		})
	}
	if differing(box("市長"), box("長市")).Empty() {
		t.Error("the order of the characters does not matter")
	}
}

func TestEndorseRefuses(t *testing.T) {
	l := DefaultLayout
	older := emptyPanel(l)
	older.Version = 1
	change := func(f func(*Entry)) Entry {
		e := moved()
		f(&e)
		return e
	}
	noPanel, err := LoadLayout(variant(t, func(*layoutFile) {}))
	if err != nil {
		t.Fatal(err)
	}
	const reissued = "; the card must be reissued (再交付), which is free of charge when 追記欄 is full and may be asked for as 特急発行"
	for _, tt := range []struct {
		name   string
		layout *Layout
		panel  Panel
		e      Entry
		want   string
	}{
		{"a full 追記欄", l, usedPanel(l, 4), moved(), "cannot fit the remarks: the entry needs 1 line of 追記欄 and 0 are free" + reissued},
		{"two lines where one is left", l, usedPanel(l, 3), change(func(e *Entry) { e.Content = strings.Repeat("記", 14) }), "cannot fit the remarks: the entry needs 2 lines of 追記欄 and 1 is free" + reissued},
		{"more than any 追記欄 holds", l, emptyPanel(l), change(func(e *Entry) { e.Content = strings.Repeat("記", 120) }), "cannot fit the remarks: the entry needs 7 lines and 追記欄 has 4 lines; shorten it as the resident register permits"},
		{"text without end", l, emptyPanel(l), change(func(e *Entry) { e.Content = strings.Repeat("記", 2000) }), "cannot fit the remarks in its place at the smallest permitted size; shorten it as the resident register permits"},
		{"a character of no font", l, emptyPanel(l), change(func(e *Entry) { e.Content = "山😀" }), "cannot print the remarks: character 16 is refused: no loaded font has it; load a font that has it, or have the resident register give a character that can be printed"},
		{"a line end", l, emptyPanel(l), change(func(e *Entry) { e.Content = "一\n二" }), "cannot print the remarks: character 16 is refused: it is a control or format code; remove it from the order"},
		{"no date", l, emptyPanel(l), change(func(e *Entry) { e.Date = "" }), "cannot use the date of the remark: it must be a date in the Japanese era, such as 令和８年１１月２３日; give the day of notification (届出日)"},
		{"a Gregorian date", l, emptyPanel(l), change(func(e *Entry) { e.Date = "2026年11月23日" }), "cannot use the date of the remark: it must be a date in the Japanese era, such as 令和８年１１月２３日; give the day of notification (届出日)"},
		{"no reason", l, emptyPanel(l), change(func(e *Entry) { e.Reason = "" }), "cannot use the reason of the remark: it must not be empty; give the kind of change (異動事由)"},
		{"a seal too long for its box", l, emptyPanel(l), change(func(e *Entry) { e.Seal = "架空市長之印" }), "cannot fit the seal: its box has room for 4 characters; shorten its words, or leave them out and stamp the empty box by hand"},
		{"a seal of spaces", l, emptyPanel(l), change(func(e *Entry) { e.Seal = "　" }), "cannot use the seal: it must not be empty; complete the order"},
		{"a card of another layout", l, older, moved(), "cannot use the remarks: the card was printed with the layout mynumber-1 version 1, not mynumber-1 version 2; use the layout of the card"},
		{"a layout without 追記欄", noPanel, emptyPanel(noPanel), moved(), "cannot use the remarks: the layout has no 追記欄; use another layout"},
		{"a record of five lines", l, usedPanel(l, 3).with(Written{Lines: 2}), moved(), "cannot use the remarks: the 追記欄 has 4 lines; correct the record of the card's 追記欄"},
		{"an entry of no lines", l, emptyPanel(l).with(Written{}), moved(), "cannot use the remarks: an entry takes 1 to 4 lines; correct the record of the card's 追記欄"},
		{"a resolution of no printer", l.At(72), emptyPanel(l), moved(), "cannot use the layout at 72 dpi: want 150 to 1200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, err := fontsOf(t).Endorse(tt.layout, tt.panel, tt.e)
			if err == nil || err.Error() != tt.want {
				t.Fatalf("error = %v\nwant    %s", err, tt.want)
			}
			if o.Face.Front != nil || o.Lines != 0 {
				t.Error("an overlay came along with the error")
			}
		})
	}
}

func TestHandwritingIsRecorded(t *testing.T) {
	l := DefaultLayout
	p, err := l.ByHand(usedPanel(l, 1), 2)
	if err != nil {
		t.Fatal(err)
	}
	if o := mustEndorse(t, l, p, moved()); o.First != 4 {
		t.Errorf("the next entry is on line %d, want 4", o.First)
	}
	for _, tt := range []struct {
		name  string
		lines int
		want  any
	}{{"more than is left", 2, new(*OverflowError)}, {"nothing", 0, new(*DataError)}} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := l.ByHand(p, tt.lines); !errors.As(err, tt.want) {
				t.Errorf("error = %v, want a %T", err, tt.want)
			}
		})
	}
}

// What was printed in part takes its lines, too.
func TestASpoiltEntryTakesItsLines(t *testing.T) {
	l := DefaultLayout
	p := usedPanel(l, 2)
	spoilt := p.Spoil()
	if p.Marred() || !spoilt.Marred() || spoilt.Used() != 2 || emptyPanel(l).Spoil().Marred() {
		t.Errorf("%+v from %+v", spoilt, p)
	}
	if o := mustEndorse(t, l, spoilt, moved()); o.First != 3 || !o.After.Marred() {
		t.Errorf("the next is on line %d of %+v", o.First, o.After)
	}
	if b, err := json.Marshal(spoilt); err != nil || !strings.Contains(string(b), `{"lines":2,"spoilt":true}`) {
		t.Errorf("%s: %v", b, err)
	}
}

// Of what does not fit the reader is told whether a new card would help.
func TestWhetherReissueHelps(t *testing.T) {
	l := DefaultLayout
	for _, tt := range []struct {
		name    string
		used, n int
		want    bool
	}{{"a full panel", 4, 1, true}, {"too few lines left", 3, 14, true}, {"no panel would do", 0, 120, false}} {
		e := moved()
		e.Content = strings.Repeat("記", tt.n)
		var over *OverflowError
		if _, err := fontsOf(t).Endorse(l, usedPanel(l, tt.used), e); !errors.As(err, &over) || over.Reissue != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestPanelIsKeptAsJSON(t *testing.T) {
	p, err := DefaultLayout.ByHand(usedPanel(DefaultLayout, 1), 2)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(p)
	const want = `{"layout":"mynumber-1","version":2,"entries":[{"lines":1},{"lines":2,"by_hand":true}]}`
	if err != nil || string(b) != want {
		t.Fatalf("%s, %v\nwant %s", b, err, want)
	}
	var back Panel
	if err := json.Unmarshal(b, &back); err != nil || back.Used() != 3 {
		t.Errorf("read back %d lines are used, %v", back.Used(), err)
	}
}

// What was printed when the card was made counts.
func TestPanelOfANewCard(t *testing.T) {
	f, l := fontsOf(t), DefaultLayout
	for _, tt := range []struct {
		name    string
		remarks []string
		used    int
	}{{"nothing", nil, 0}, {"顔認証", []string{"顔認証"}, 1}, {"two, one of them long", []string{"顔認証", strings.Repeat("記", 30)}, 3}} {
		t.Run(tt.name, func(t *testing.T) {
			d := sample()
			d.Remarks = tt.remarks
			p, err := f.Panel(l, d)
			if err != nil || p.Used() != tt.used {
				t.Fatalf("%d lines are used, %v; want %d", p.Used(), err, tt.used)
			}
			card := mustRender(t, f, l, d).Front
			entry := inkOfSide(t, mustEndorse(t, l, p, moved()).Face.Front)
			d.Remarks = nil
			if printed := differing(card, mustRender(t, f, l, d).Front); printed.Overlaps(entry) {
				t.Errorf("the first entry prints in %v, over %v", entry, printed)
			}
		})
	}
}

func TestEntryPrintsNothingPersonal(t *testing.T) {
	e := moved()
	for _, s := range []string{fmt.Sprint(e), fmt.Sprintf("%+v %#v %q", e, &e, []Entry{e}), e.LogValue().String()} {
		if strings.Contains(s, "町２番") || strings.Contains(s, "転居") {
			t.Errorf("%q shows the entry", s)
		}
	}
	if b, err := json.Marshal(e); err == nil {
		t.Errorf("it became %d bytes of JSON", len(b))
	}
}

// Whatever is entered, in whatever order: entries never overlap, what is used only
// grows, and a card's lines are never exceeded.
func TestEntriesNeverOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, err := testFonts()
		if err != nil {
			t.Fatal(err)
		}
		c := &canvas{fonts: f, layout: DefaultLayout}
		place, err := DefaultLayout.panel(emptyPanel(DefaultLayout))
		if err != nil {
			t.Fatal(err)
		}
		bottom, used := 0, 0
		for range rapid.IntRange(1, 5).Draw(t, "entries") {
			e := Entry{Date: "令和８年１月２日", Reason: "転居", Content: rapid.StringOfN(rapid.SampledFrom([]rune("山田１２－3a 　")), 0, 90, -1).Draw(t, "content")}
			text, err := f.entryText(e)
			if err != nil {
				t.Fatal(err)
			}
			set, err := c.arrange(place.item.beside(), text, used, 1)
			if err != nil {
				continue
			}
			for _, row := range set.rows {
				box := row.block.extent(row.room)
				if top := row.block.baseline(row.room, 0) - int(row.block.size); top < bottom-1 {
					t.Fatalf("a row begins at %d, the last one ends at %d", top, bottom)
				}
				if !box.In(DefaultLayout.rect(place.item)) {
					t.Fatalf("a row lies in %v", box)
				}
				bottom = row.block.baseline(row.room, len(row.block.lines)-1)
			}
			if used += set.lines; used > 4 {
				t.Fatalf("%d lines are used", used)
			}
		}
	})
}

func BenchmarkEndorse(b *testing.B) {
	f, e := fontsOf(b), moved()
	for _, dpi := range []int{300, 600} {
		l := DefaultLayout.At(dpi)
		b.Run(fmt.Sprintf("%ddpi", dpi), func(b *testing.B) {
			for b.Loop() {
				if _, err := f.Endorse(l, emptyPanel(l), e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
