package face

import (
	"fmt"
	"slices"
)

// Written is an entry that stands on a card already, without its words.
type Written struct {
	Lines  int  `json:"lines"`             // of the panel's lines
	ByHand bool `json:"by_hand,omitempty"` // not printed: written and sealed by a clerk
	Spoilt bool `json:"spoilt,omitempty"`  // printed in part, or nobody knows how much of it
}

// Panel is what is known of one card's 追記欄: with which layout the card was printed
// and what was entered since, first to last. It holds nothing personal and is kept as
// JSON with the card's record.
type Panel struct {
	Layout  string    `json:"layout"`
	Version int       `json:"version"`
	Entries []Written `json:"entries,omitempty"`
}

// Used is how many lines are taken.
func (p Panel) Used() int {
	n := 0
	for _, w := range p.Entries {
		n += w.Lines
	}
	return n
}

// Marred reports an entry that is not there whole.
func (p Panel) Marred() bool {
	return slices.ContainsFunc(p.Entries, func(w Written) bool { return w.Spoilt })
}

// Spoil is the panel whose last entry was printed in part; p is not changed.
func (p Panel) Spoil() Panel {
	p.Entries = slices.Clone(p.Entries)
	if n := len(p.Entries); n > 0 {
		p.Entries[n-1].Spoilt = true
	}
	return p
}

// with is the panel with one entry more; p is not changed.
func (p Panel) with(w Written) Panel {
	p.Entries = append(append([]Written(nil), p.Entries...), w)
	return p
}

// Panel is the 追記欄 of a card as it was issued with these data.
func (f *Fonts) Panel(l *Layout, d Data) (Panel, error) {
	p := Panel{Layout: l.Name, Version: l.Version}
	place, err := l.panel(p)
	if err != nil {
		return Panel{}, err
	}
	c := &canvas{fonts: f, layout: l, data: d}
	all, err := c.arrangeRemarks(place.item)
	for _, set := range all {
		p = p.with(Written{Lines: set.lines})
	}
	return p, err
}

// LinesLeft is how many lines of a card's 追記欄 are free. The error is a *DataError:
// the layout is not the card's, or the record cannot be true.
func (l *Layout) LinesLeft(p Panel) (int, error) {
	place, err := l.panel(p)
	if err != nil {
		return 0, err
	}
	return place.item.lines() - p.Used(), nil
}

// panelPlace is where the 追記欄 is.
type panelPlace struct {
	item item
	back bool
}

// panel is the place of the 追記欄, for a panel that can be this layout's.
func (l *Layout) panel(p Panel) (panelPlace, error) {
	if p.Layout != l.Name || p.Version != l.Version {
		return panelPlace{}, &DataError{"remarks", fmt.Sprintf("the card was printed with the layout %s version %d, not %s version %d", p.Layout, p.Version, l.Name, l.Version), "use the layout of the card"}
	}
	for n, side := range l.sides() {
		for _, i := range side.items {
			if i.Kind == "remarks" {
				return panelPlace{i, n == 1}, i.checkPanel(p)
			}
		}
	}
	return panelPlace{}, &DataError{"remarks", "the layout has no 追記欄", "use another layout"}
}

func (i *item) checkPanel(p Panel) error {
	for _, w := range p.Entries {
		if w.Lines < 1 || w.Lines > i.lines() {
			return &DataError{"remarks", fmt.Sprintf("an entry takes 1 to %d lines", i.lines()), "correct the record of the card's 追記欄"}
		}
	}
	if p.Used() > i.lines() {
		return &DataError{"remarks", fmt.Sprintf("the 追記欄 has %d lines", i.lines()), "correct the record of the card's 追記欄"}
	}
	return nil
}

func (i *item) lines() int { return max(1, i.Lines) }

// reissue is what is left when 追記欄 has no room (rules sheet, 4.5).
const reissue = "the card must be reissued (再交付), which is free of charge when 追記欄 is full and may be asked for as 特急発行"

// ByHand records an entry that a clerk wrote and sealed by hand, the fallback of the
// specification (rules sheet, 7), so that the next one begins below it.
func (l *Layout) ByHand(p Panel, lines int) (Panel, error) {
	left, err := l.LinesLeft(p)
	switch {
	case err != nil:
		return Panel{}, err
	case lines < 1:
		return Panel{}, &DataError{"remarks", "an entry by hand takes at least 1 line", "count the lines that it takes"}
	case lines > left:
		return Panel{}, noRoom(lines, left)
	}
	return p.with(Written{Lines: lines, ByHand: true}), nil
}

func noRoom(needed, left int) error {
	return &OverflowError{Field: "remarks", Rule: fmt.Sprintf("the entry needs %s of 追記欄 and %s free", linesText(needed), are(left)), Remedy: reissue, Reissue: true}
}

func linesText(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

func are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}
