package face

import (
	"fmt"
	"image"
	"image/draw"
	"io"
	"log/slog"
	"math"
	"regexp"

	"jukicard/printer"
)

// Entry is one entry (追記) that is printed into the 追記欄 of a card which is in use,
// as finished text: the four things that the register's specification has such a
// printer put there (rules sheet, 4.1). It prints as "[face data]".
type Entry struct {
	Date    string // 届出日 in the Japanese era, for example 令和８年１１月２３日
	Reason  string // 異動事由, for example 住所変更
	Content string // 異動後の項目内容; empty where the reason says all
	Seal    string // the words of 職印, set in its box; empty leaves the box open for a stamp
}

// Format prints "[face data]" whatever the verb.
func (e Entry) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, dataText) }

// LogValue keeps the entry out of structured logs.
func (e Entry) LogValue() slog.Value { return slog.StringValue(dataText) }

// MarshalJSON refuses, as for [Data].
func (e Entry) MarshalJSON() ([]byte, error) { return Data{}.MarshalJSON() }

// Overlay is what is printed onto a card for one entry, and nothing else of it.
type Overlay struct {
	Face  printer.Face // both sides white and without resin but for the entry
	First int          // the first of the panel's lines that it takes, from 1
	Lines int          // how many it takes
	Rows  int          // rows of text in them
	Size  float64      // em size of the text in millimetres
	After Panel        // the card's 追記欄 when it has been printed
}

// Endorse sets one entry below those that stand in a card's 追記欄, black in resin. It
// takes as few lines as it can: in one line the text may shrink from the layout's size
// to its least, then it takes one line more, and so on; when all that are left are too
// few, the rows leave the printed lines and are set as close as the least size allows.
// Only the new entry is in the overlay. Errors are *DataError, *GlyphError,
// *OverflowError, whose remedy where lines are wanting is the card's reissue, and
// *StrokeError; then nothing is to be printed.
func (f *Fonts) Endorse(l *Layout, p Panel, e Entry) (Overlay, error) {
	if err := l.Check(); err != nil {
		return Overlay{}, err
	}
	place, err := l.panel(p)
	if err != nil {
		return Overlay{}, err
	}
	text, err := f.entryText(e)
	if err != nil {
		return Overlay{}, err
	}
	i := place.item
	i.Ink = rgb{} // whatever the layout's own remarks are printed in
	c := &canvas{fonts: f, layout: l}
	set, err := c.arrange(i.beside(), text, p.Used(), i.sealLines())
	if err != nil {
		return Overlay{}, err
	}
	c.onto(blank(l.Size()))
	if err := c.enter(i, set, e); err != nil {
		return Overlay{}, err
	}
	return Overlay{
		Face: c.overlay(place.back), First: p.Used() + 1, Lines: set.lines, Rows: set.count(),
		Size: float64(set.size()) / float64(l.length(1)), After: p.with(Written{Lines: set.lines}),
	}, nil
}

// overlay is the canvas as a card's face whose other side is empty.
func (c *canvas) overlay(back bool) printer.Face {
	f := printer.Face{Front: c.out, Back: blank(c.layout.Size()), DPI: c.layout.DPI}
	if back {
		f.Front, f.Back = f.Back, f.Front
	}
	return f
}

// eraDate is a date in words of an era; a new era needs no new program.
var eraDate = regexp.MustCompile(`^\p{Han}{2}(元|[0-9０-９]{1,2})年[0-9０-９]{1,2}月[0-9０-９]{1,2}日$`)

// entryText is the entry as one text: date, reason, content.
func (f *Fonts) entryText(e Entry) ([]glyph, error) {
	switch {
	case !eraDate.MatchString(e.Date):
		return nil, &DataError{"date of the remark", "it must be a date in the Japanese era, such as 令和８年１１月２３日", "give the day of notification (届出日)"}
	case e.Reason == "":
		return nil, &DataError{"reason of the remark", "it must not be empty", "give the kind of change (異動事由)"}
	}
	text := e.Date + "　" + e.Reason
	if e.Content != "" {
		text += "　" + e.Content
	}
	return f.required("remarks", text)
}

// enter draws an entry that has been arranged, and its seal.
func (c *canvas) enter(i item, set arranged, e Entry) error {
	if err := c.setRows(i, set); err != nil {
		return err
	}
	if i.Seal == 0 {
		return nil
	}
	return c.seal(i, set, e.Seal)
}

// The bounds of a 職印. Its real size on a card is not public; these are ours: below
// 1.2 mm an em no kanji is legible in resin.
const (
	sealSideLeast = 2.0 // mm
	sealEmLeast   = 1.2 // mm
	sealStroke    = 0.12
)

// sealGap is between the text and the box for the seal, in millimetres.
const sealGap = 0.6

// beside is the place for an entry's text: the panel without the column of seals.
func (i item) beside() item {
	if i.Seal > 0 {
		i.W -= i.Seal + sealGap
	}
	return i
}

// sealLines is how many lines the seal covers; some cities' covers two (rules sheet, 7).
func (i item) sealLines() int { return int(math.Ceil((i.Seal - hair) / i.pitch())) }

// pitch is the distance of the panel's lines in millimetres.
func (i item) pitch() float64 { return i.H / float64(i.lines()) }

// seal draws the box for 職印 at the end of an entry and sets its words.
func (c *canvas) seal(i item, set arranged, words string) error {
	covered := float64(max(1, i.sealLines())) * i.pitch()
	box := item{
		X: i.X + i.W - i.Seal, Y: i.Y + float64(set.first+set.lines)*i.pitch() - (covered+i.Seal)/2,
		W: i.Seal, H: i.Seal, Stroke: sealStroke,
	}
	r := c.layout.rect(box)
	for _, edge := range c.edges(r, box) {
		draw.Draw(c.out.RGBA, edge, image.Black, image.Point{}, draw.Src)
		inkAll(c.out.Resin, edge, 255)
	}
	if words == "" {
		return nil
	}
	text, err := c.fonts.required("seal", words)
	if err != nil {
		return err
	}
	return c.sealWords(r.Inset(2*max(1, c.layout.pixels(sealStroke))), text)
}

// sealWords sets a seal's words in columns from the right, as seals are cut.
func (c *canvas) sealWords(r image.Rectangle, text []glyph) error {
	rows := int(math.Ceil(math.Sqrt(float64(len(text)))))
	columns := (len(text) + rows - 1) / rows
	w, h := r.Dx()/columns, r.Dy()/rows
	size := float32(min(w, h))
	if size < c.layout.length(sealEmLeast) {
		most := int(float32(r.Dx()) / c.layout.length(sealEmLeast))
		return &OverflowError{
			Field: "seal", Rule: fmt.Sprintf("its box has room for %d characters", most*most),
			Remedy: "shorten its words, or leave them out and stamp the empty box by hand",
		}
	}
	for n, g := range text {
		cell := image.Rect(0, 0, w, h).Add(r.Min).Add(image.Pt((columns-1-n/rows)*w, n%rows*h))
		m := room{box: cell, size: size, least: size, lines: 1, align: "center"}
		if err := c.set(rgb{}, "seal", block{[][]glyph{{g}}, size}, m); err != nil {
			return err
		}
	}
	return nil
}
