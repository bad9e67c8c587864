package facecheck

import (
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
	"jukicard/printer/face"
)

// Entry is an order's entry in the words that are printed: the day of notification in
// the Japanese era, the rest as the order has it.
func Entry(e order.Entry) (face.Entry, error) {
	day, err := juki.WarekiText(e.Date.Get())
	if err != nil {
		return face.Entry{}, err
	}
	return face.Entry{Date: day, Reason: lent(e.Reason), Content: lent(e.Content), Seal: lent(e.Seal)}, nil
}

// Panel is what a clerk says of a card's 追記欄, as face has it.
func Panel(p order.Panel) face.Panel {
	out := face.Panel{Layout: p.Layout, Version: p.Version}
	for _, w := range p.Entries {
		out.Entries = append(out.Entries, face.Written{Lines: w.Lines, ByHand: w.ByHand})
	}
	return out
}
