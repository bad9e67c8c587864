package main

import (
	"errors"
	"fmt"

	"jukicard/apdu/profile"
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
func drawEntry(fonts *face.Fonts, o *order.Order, given *face.Layout, p preview) (*drawn, error) {
	if o.Endorsement.ByHand > 0 {
		return nil, refused(errors.New("cannot draw the entry: it was written by hand, and nothing is printed"))
	}
	layout, before, err := entryPanel(o, given, p)
	if err != nil {
		return nil, err
	}
	e, err := facecheck.Entry(o.Endorsement.Entry)
	if err != nil {
		return nil, refused(err)
	}
	over, err := fonts.Endorse(layout, before, e)
	if err != nil {
		return nil, faceRefused(err)
	}
	left, err := layout.LinesLeft(over.After)
	return &drawn{face: over.Face, layout: layout, day: o.Endorsement.Entry.Date.Get(), entry: &drawnEntry{
		First: over.First, Lines: over.Lines, Left: left, Size: over.Size, Told: o.Endorsement.Panel != nil,
	}}, refusedIf(err)
}

// entryPanel is the layout of the order's card and what stands on it: as the order says,
// else an empty panel of the given layout, or of the generation's newest.
func entryPanel(o *order.Order, given *face.Layout, p preview) (*face.Layout, face.Panel, error) {
	layout := given
	if p.layout == "" {
		card, err := profile.Shared(o.Profile)
		if err == nil {
			layout, err = face.NewestLayout(card.Face.Layout)
		}
		if err == nil && o.Endorsement.Panel != nil {
			layout, err = face.LookupLayout(o.Endorsement.Panel.Layout, o.Endorsement.Panel.Version)
		}
		if err != nil {
			return nil, face.Panel{}, refused(failure.New(failure.EntryLayout, err.Error(), err))
		}
		layout = layout.At(p.dpi)
	}
	if o.Endorsement.Panel == nil {
		return layout, face.Panel{Layout: layout.Name, Version: layout.Version}, nil
	}
	return layout, facecheck.Panel(*o.Endorsement.Panel), nil
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
