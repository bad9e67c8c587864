package main

import (
	"errors"
	"fmt"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/order/facecheck"
	"jukicard/printer/face"
)

// drawnEntry is where a previewed entry would stand in 追記欄.
type drawnEntry struct {
	First int     `json:"first"` // of its lines, from 1
	Lines int     `json:"lines"`
	Left  int     `json:"lines_left"` // below it
	Size  float64 `json:"size_mm"`    // em size of its text
	Told  bool    `json:"panel_told"` // the order says what stands on the card
}

// drawEntry draws an order's entry on white.
func drawEntry(fonts *face.Fonts, o *order.Order, layout *face.Layout) (*drawn, error) {
	if o.Endorsement.ByHand > 0 {
		return nil, refused(errors.New("cannot draw the entry: it was written by hand, and nothing is printed"))
	}
	e, err := facecheck.Entry(o.Endorsement.Entry)
	if err != nil {
		return nil, refused(failure.New(failure.EntryRefused, err.Error(), err))
	}
	over, err := fonts.Endorse(layout, entryPanel(o, layout), e)
	if err != nil {
		return nil, entryRefused(err)
	}
	left, err := layout.LinesLeft(over.After)
	return &drawn{face: over.Face, layout: layout, day: o.Endorsement.Entry.Date.Get(), entry: &drawnEntry{
		First: over.First, Lines: over.Lines, Left: left, Size: over.Size, Told: o.Endorsement.Panel != nil,
	}}, refusedIf(err)
}

// entryRefused gives what is refused of an entry its code.
func entryRefused(err error) error {
	var data *face.DataError
	if errors.As(err, &data) {
		return refused(failure.New(failure.EntryRefused, err.Error(), err))
	}
	return faceRefused(err)
}

// entryPanel is what stands on the order's card: as the order says, else nothing.
func entryPanel(o *order.Order, layout *face.Layout) face.Panel {
	if o.Endorsement.Panel == nil {
		return face.Panel{Layout: layout.Name, Version: layout.Version}
	}
	return facecheck.Panel(*o.Endorsement.Panel)
}

// showEntry tells where the entry would stand.
func (a *app) showEntry(e *drawnEntry) {
	if !e.Told {
		a.printf("%s\n", a.in2("the order does not say what stands on the card: drawn as its first entry", "申請に追記欄の記載がないため、最初の追記として描きました"))
	}
	lines := fmt.Sprint(e.First)
	if e.Lines > 1 {
		lines = fmt.Sprintf(a.in2("%d to %d", "%dから%d"), e.First, e.First+e.Lines-1)
	}
	a.printf(a.in2("entry on line %s of 追記欄, text of %.2f mm; %d left below it\n", "追記欄 %s行目、文字 %.2f mm、残り%d行\n"), lines, e.Size, e.Left)
}
